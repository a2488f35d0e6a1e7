"""A model of a user's own file: fitted, kept in the run, and never passed off as the one that ships."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from paths import PANELS
from typer.testing import CliRunner

from bayes_csc import Panel, Run, decline, fit
from bayes_csc.errors import UsageError
from bayes_csc.own_model import check_model, own_model, read_model
from bayes_csc_cli import app
from bayes_csc_models import trajectory

COPY = '''"""Theta, with a deprivation gradient that is nearly nought."""

from bayes_csc_models.trajectory import trajectory as shipped


def trajectory(panel, spec):
    return shipped(panel, spec.updated({"measurement": {"deprivation_sd": 0.01}}))


def _helper(panel, spec):
    return None


def three(panel, spec, more):
    return None
'''


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("own") / "nearly.py"
    path.write_text(COPY, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def written(file: Path) -> Path:
    folder = file.parent / "run"
    done = CliRunner().invoke(
        app, ["fit", "--preview", "--panel", str(PANELS / "hamlets"), "--model", str(file), "--out", str(folder)]
    )
    assert done.exit_code in (0, 4), done.output
    return folder


def test_a_run_keeps_the_file_text_and_hash_of_a_model_that_does_not_ship(written: Path, file: Path) -> None:
    run = Run.read(written)
    assert run.own_model is not None
    assert run.own_model["text"] == COPY
    assert (run.own_model["file"], run.own_model["function"]) == ("nearly.py", "trajectory")
    assert "nearly.py, which does not ship" in repr(run)
    assert decline(run, "all", force=True).attrs["own_model"]["sha256"] == run.own_model["sha256"]
    check_model(run, read_model(f"{file}:trajectory"))


def test_a_run_of_the_model_that_ships_keeps_no_text_of_it() -> None:
    assert own_model(trajectory) is None


def test_a_copy_under_the_same_name_is_not_the_model_that_ships(written: Path, file: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"the model given is another; give it: --model nearly\.py:trajectory"):
        check_model(Run.read(written), trajectory)
    other = tmp_path / "nearly.py"
    other.write_text(COPY.replace("0.01", "0.02"), encoding="utf-8")
    with pytest.raises(UsageError, match=r"nearly\.py has changed since"):
        check_model(Run.read(written), read_model(str(other)))
    with pytest.raises(UsageError, match="give it as model="):
        Run.read(written).model()


def test_a_report_of_it_shows_its_text_names_its_file_and_quotes_no_backtest(written: Path, file: Path) -> None:
    target = written.parent / "report"
    asked = ["report", str(written), "--group", "all", "--out", str(target), "--force"]
    with pytest.raises(UsageError, match=r"give it: --model nearly\.py:trajectory"):
        CliRunner().invoke(app, asked, catch_exceptions=False)
    done = CliRunner().invoke(app, [*asked, "--model", str(file)])
    assert done.exit_code == 0, done.output
    method = (target / "method.html").read_text(encoding="utf-8")
    assert "a deprivation gradient that is nearly nought" in method
    assert "--model nearly.py:trajectory" in method
    assert "is not the model that ships" in method


def test_an_edited_text_of_the_model_is_refused(written: Path, tmp_path: Path) -> None:
    run = Run.read(written)
    run.write(tmp_path / "run")
    record = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    record["own_model"]["text"] += "\n# another\n"
    (tmp_path / "run" / "run.json").write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(Exception, match=r"changed since the run was written: run\.json"):
        Run.read(tmp_path / "run")


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("nowhere.py", "there is no file nowhere.py"),
        ("{file}:three", "no function three of a panel and a spec"),
        ("{file}:nothing", "there are: trajectory"),
        ("{broken}", "cannot be run: ZeroDivisionError"),
        ("{two}", "which function of"),
    ],
)
def test_a_file_without_the_model_is_refused_by_name(file: Path, tmp_path: Path, said: str, message: str) -> None:
    (tmp_path / "broken.py").write_text("1 / 0\n", encoding="utf-8")
    (tmp_path / "two.py").write_text("def a(p, s): ...\ndef b(p, s): ...\n", encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        read_model(said.format(file=file, broken=tmp_path / "broken.py", two=tmp_path / "two.py"))


def test_a_library_function_refuses_the_wrong_model_too() -> None:
    run = fit(Panel.read(PANELS / "hamlets"), trajectory, seed=3, preview=True, chains=2, draws=4, progress=False)
    own = dataclasses.replace(run, record=run.record | {"own_model": own_model(check_model)})
    with pytest.raises(UsageError, match="the model given is another"):
        own.forecast(model=trajectory)
