"""A run as its user has it, from Python: what it says of itself, its tables, charts and draws."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import arviz as az
import pandas as pd
import pytest
from fabricated_run import FAILED, made_up
from matplotlib.figure import Figure
from paths import PANELS
from simulated_report import HAMLETS, NASTY, fitted

from bayes_csc import Panel, Run, decline, fit, forecast
from bayes_csc.errors import UsageError
from bayes_csc_models import trajectory


@pytest.fixture(scope="module")
def run() -> Run:
    return Run.of(fitted())


def test_a_run_says_what_it_is_in_ten_lines(run: Run) -> None:
    lines = repr(run).splitlines()
    assert len(lines) <= 10
    assert all(len(line) <= 120 for line in lines)
    assert lines[0] == "Run"
    assert run.panel.hash[:12] in lines[1]
    assert "passed" in repr(run)


def test_a_run_that_failed_says_so_and_what_to_try() -> None:
    said = repr(made_up(Panel.read(HAMLETS), FAILED))
    assert "FAILED" in said
    assert FAILED.advice in said


def test_a_notebook_shows_the_same_as_a_table_without_markup_of_the_panels(run: Run) -> None:
    named = dataclasses.replace(run, panel=dataclasses.replace(run.panel, name=NASTY))
    html = named._repr_html_()
    assert html.count("<tr>") == len(repr(run).splitlines()) - 1
    assert "<script>" not in html


def test_a_runs_tables_are_those_of_the_functions(run: Run) -> None:
    pd.testing.assert_frame_equal(run.decline("all"), decline(run, "all"))
    pd.testing.assert_frame_equal(run.forecast(group="all"), forecast(run, trajectory, group="all"))


def test_arviz_summarises_every_hyperparameter_of_a_run(run: Run) -> None:
    table = run.summary()
    scalars = sum(values.size // (values.sizes["chain"] * values.sizes["draw"])
                  for name, values in run.posterior.items() if name != "theta")  # fmt: skip
    assert len(table) == scalars
    name = next(str(n) for n, v in run.posterior.items() if v.ndim == 2)
    assert float(table.loc[name, "mean"]) == pytest.approx(float(run.posterior[name].mean()), rel=0.05, abs=0.01)
    assert float(az.rhat(run.to_datatree(), var_names=[name])[name]) > 0.9


def test_a_run_draws_a_chart_of_an_authority_by_its_name(run: Run) -> None:
    name = str(run.panel.authorities.loc["402", "name"])
    assert isinstance(run.plot(name), Figure)
    with pytest.raises(UsageError, match="--chart: expected one of trajectory"):
        run.plot(name, "pie")


def test_a_run_that_was_read_finds_the_model_that_ships_and_no_other(run: Run, tmp_path: Path) -> None:
    run.write(tmp_path / "run")
    again = Run.read(tmp_path / "run")
    assert isinstance(again, Run)
    assert again.model() is trajectory
    own = dataclasses.replace(again, record=again.record | {"model": "mine", "own_model": {"file": "own.py"}})
    with pytest.raises(UsageError, match=r"the model mine of own\.py, which does not ship; give it as model="):
        own.model()


def test_a_fit_shows_its_progress_unless_it_is_told_not_to(capfd: pytest.CaptureFixture[str]) -> None:
    options = {"seed": 3, "preview": True, "chains": 2, "draws": 4}
    shown = fit(Panel.read(PANELS / "hamlets"), trajectory, **options)
    assert isinstance(shown, Run)
    assert "sampling ..." in capfd.readouterr().err
    told: list[str] = []
    fit(Panel.read(PANELS / "hamlets"), trajectory, progress=lambda now: told.append(now.stage), **options)
    fit(Panel.read(PANELS / "hamlets"), trajectory, progress=False, **options)
    assert "sampling" in told
    assert capfd.readouterr().err == ""
