"""A backtest from the panel to its folder: whole or not at all, the same twice, resumed without asking again."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command_runner import command
from distributed import Client
from page_elements import Page
from simple_forecasters import Breaking, Constant, Slow, invented

from bayes_csc.errors import UsageError
from bayes_csc.evaluation.backtest.files import EVENTS, PAGE, SCORES, record, write_backtest
from bayes_csc.evaluation.backtest.forecasters.base_rate import BaseRate
from bayes_csc.evaluation.backtest.forecasters.forecaster import Forecaster
from bayes_csc.evaluation.backtest.forecasters.pool import weight_as_of
from bayes_csc.evaluation.backtest.forecasters.regressions import Deprivation, FewIndicators, GradeAndGap
from bayes_csc.evaluation.backtest.result import Backtest
from bayes_csc.evaluation.backtest.run import backtest
from bayes_csc.evaluation.backtest.words import counts
from bayes_csc.inference.chains import Progress
from bayes_csc.panel.panel import Panel
from bayes_csc.report.pages.backtest_page import backtest_page
from bayes_csc_cli.evaluation.backtest import backtest_text

ORIGINS = [datetime.date(year, 1, 1) for year in (2019, 2020, 2021, 2022)]
POOLS = [("even", "base rate")]
FORECASTERS: list[Forecaster] = [Constant("even", (0.25,) * 4), BaseRate(), GradeAndGap()]


@functools.cache
def panel() -> Panel:
    return invented()


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """A scheduler and one worker in this process."""
    options = {"dashboard_address": "127.0.0.1:0", "set_as_default": False, "silence_logs": 50}
    with Client(processes=False, n_workers=1, threads_per_worker=1, **options) as here:
        yield here


@pytest.fixture(scope="module")
def done(client: Client) -> Backtest:
    return backtest(panel(), FORECASTERS, client, origins=ORIGINS, pools=POOLS)


@pytest.fixture(scope="module")
def text(done: Backtest) -> str:
    """Its page."""
    return backtest_page(done)


def test_every_event_has_one_row_per_forecaster_and_horizon_and_its_probabilities_sum_to_one(done: Backtest) -> None:
    names = ["even", "base rate", "previous grade and gap", "stack of all", "even + base rate"]
    counts = done.rows.groupby(["origin", "horizon", "authority"]).forecaster.agg(set)
    assert all(found == set(names) for found in counts)
    assert len(done.rows) == len(names) * done.origins.events.sum()
    columns = [f"p_grade_{g}" for g in range(1, 5)]
    np.testing.assert_allclose(done.rows[columns].sum(axis=1), 1.0)
    assert done.roles == dict(zip(names, ("baseline", "rival", "rival", "stack", "pool"), strict=True))


def test_the_others_are_compared_with_the_choice_which_may_be_a_pool(client: Client, done: Backtest) -> None:
    choice = "even + base rate"
    found = backtest(panel(), FORECASTERS, client, origins=ORIGINS, pools=POOLS, choice=choice)
    assert (found.baseline, found.roles[choice], found.roles["even"]) == (choice, "baseline", "model")
    before, after = (d.score("all", 24, "log_score") for d in (done, found))
    pd.testing.assert_series_equal(before.value, after.value.reindex(before.index))
    assert after.difference["even"] == pytest.approx(before.value["even"] - before.value[choice])
    assert record(found)["baseline"] == choice


def test_the_counts_say_at_which_origins_the_model_s_fit_failed(done: Backtest) -> None:
    assert "failed" not in counts(done, 24)
    answers = {o.isoformat(): {"gate_passed": o.year != 2020} for o in ORIGINS}
    about = done.metadata | {"forecasters": done.metadata["forecasters"] | {"even": {"answers": answers}}}
    text = counts(dataclasses.replace(done, metadata=about), 24)
    assert text.endswith("The model's fit failed its own checks at 2020-01-01.")


def test_the_log_score_in_the_table_is_the_mean_over_the_rows(done: Backtest) -> None:
    own = done.rows[(done.rows.forecaster == "even") & (done.rows.horizon == 24)]
    assert done.score("all", 24, "log_score")["value"]["even"] == pytest.approx(np.log(0.25))
    brier = ((own.p_worse - (own.grade > own.previous)) ** 2)[own.p_worse.notna()].mean()
    assert done.score("all", 24, "brier_worse")["value"]["even"] == pytest.approx(brier)


def test_the_folder_has_what_the_backtest_found_and_where_it_comes_from(
    done: Backtest, text: str, tmp_path: Path
) -> None:
    write_backtest(done, text, tmp_path / "bt")
    events = pd.read_csv(tmp_path / "bt" / EVENTS, dtype={"authority": str})
    assert events.groupby("forecaster").size().nunique() == 1
    np.testing.assert_allclose(events.p_worse, done.rows.p_worse, atol=1e-6)
    kept = json.loads((tmp_path / "bt" / SCORES).read_text(encoding="utf-8"))
    about = kept["metadata"]
    assert about["panel_hash"] == panel().hash
    assert about["seed"] == 1
    assert about["forecasters"]["base rate"]["strength"] == 4.0
    assert set(about["forecasters"]["base rate"]["answers"]) == {day.isoformat() for day in ORIGINS}
    assert "exploratory" in about["how_to_read"]
    assert len(kept["scores"]) == len(done.scores)
    assert kept["counts"]["12"] in backtest_text(done, 120)
    assert all(row["text"] in backtest_text(done, 120) for row in kept["findings"])
    (pool,) = kept["pool"]
    assert (pool["name"], pool["model"], pool["other"]) == ("even + base rate", "even", "base rate")
    for row in pool["weights"]:
        day = datetime.date.fromisoformat(row["origin"])
        assert weight_as_of(pool, row["horizon"], day) == pytest.approx(row["weight"], abs=1e-5)
    assert [row["weight"] for row in pool["weights"]][:2] == [0.5, 0.5]
    assert len({row["weight"] for row in pool["weights"]}) > 2
    assert kept["stack_weights"][0]["even"] == pytest.approx(1 / 3, abs=1e-6)


def test_the_same_backtest_gives_the_same_bytes(done: Backtest, text: str, client: Client, tmp_path: Path) -> None:
    again = backtest(panel(), FORECASTERS, client, origins=ORIGINS[::-1], pools=POOLS)
    for name, one, page in (("one", done, text), ("two", again, backtest_page(again))):
        write_backtest(one, page, tmp_path / name)
    for file in (EVENTS, SCORES, PAGE):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_the_page_is_closed_fetches_nothing_and_says_what_it_cannot_tell(done: Backtest, text: str) -> None:
    page = Page(text)
    assert not re.findall(r"(?:src|href)=\"(?!#)", text)
    assert len(page.all("figure")) == 8
    said = " ".join(str(each["text"]) for each in page.all("p"))
    for word in ("exploratory", "no pass mark", "pseudo-real-time", "null result", "cannot tell"):
        assert word in said
    assert "exploratory" in backtest_text(done, 120)


def test_forecasts_and_distinct_inspections_are_told_apart(done: Backtest) -> None:
    own = done.rows[(done.rows.forecaster == "even") & (done.rows.horizon == 24)]
    inspections = len({(row.authority, row.start) for row in own.itertuples()})
    assert inspections < len(own)
    assert f"within 24 months: {len(own)} forecasts of {inspections} inspections; of authorities" in counts(done, 24)
    group = own[own.previous == 3]
    distinct = len(group.drop_duplicates(["authority", "start"]))
    assert f"judged requires improvement {len(group)} forecasts of {distinct} inspections, and of" in counts(done, 24)


def test_shares_by_previous_grade_are_in_the_record_and_on_the_page(done: Backtest, text: str) -> None:
    rows = [row for row in record(done)["changes"] if row["forecaster"] == "even" and row["horizon"] == 24]
    kinds = {(row["previous"], row["change"]) for row in rows}
    assert kinds == {(1, "worse"), (2, "worse"), (2, "better"), (3, "worse"), (3, "better"), (4, "better")}
    for row in rows:
        possible = 4 - row["previous"] if row["change"] == "worse" else row["previous"] - 1
        assert row["expected"] == pytest.approx(possible / 4)
    assert "By previous grade: expected and came" in text
    assert "Weight of the model in each pool" in text
    assert "by authority × origin" in text


def test_competitors_named_beforehand_stand_beside_the_auc(client: Client) -> None:
    done = backtest(panel(), [BaseRate(), Deprivation()], client, origins=ORIGINS, group="good")
    (said,) = [text for text in record(done)["named_beforehand"] if "24 months" in text]
    row = done.score("good", 24, "auc_worse").loc["deprivation"]
    assert said.startswith("AUC, worse, of base rate, good, 24 months: 0.500; of deprivation, named beforehand: ")
    assert f"{row.difference:+.3f} (89% {row.difference_lower:+.3f} to {row.difference_upper:+.3f})." in said


def test_readers_are_told_of_competing_forecasters_and_of_no_rivals(done: Backtest, text: str) -> None:
    assert "rival" not in re.sub(r"<[^>]*>", " ", text)
    assert "Best competing forecaster" in text
    assert "rival" not in backtest_text(done, 120)


def lines(log: Path, client: Client) -> int:
    """How often the forecasters were asked, once the worker is idle."""
    while any(client.processing().values()):
        time.sleep(0.02)
    return len(log.read_text().splitlines()) if log.is_file() else 0


def test_a_killed_backtest_resumes_without_asking_again(client: Client, tmp_path: Path) -> None:
    log, mended, kept = tmp_path / "log", tmp_path / "mended", tmp_path / "kept"
    both = [Slow("slow", str(log), 0.01), Breaking("breaking", ORIGINS[2], str(mended), str(log))]
    with pytest.raises(RuntimeError, match="broken on purpose"):
        backtest(panel(), both, client, origins=ORIGINS[:3], checkpoint=kept)
    before, answers = lines(log, client), len(list(kept.glob("*.json")))
    assert answers > 0
    mended.touch()
    resumed = backtest(panel(), both, client, origins=ORIGINS[:3], checkpoint=kept, resume=True)
    assert lines(log, client) == before + 6 - answers
    assert not kept.exists()
    fresh = backtest(panel(), both, client, origins=ORIGINS[:3])
    pd.testing.assert_frame_equal(resumed.rows, fresh.rows, check_exact=True)


@pytest.mark.parametrize(("resume", "seed", "again"), [(True, 1, 1), (True, 2, 2), (False, 1, 2)])
def test_an_answer_is_taken_up_only_by_a_resumed_backtest_that_would_give_the_same(
    client: Client, tmp_path: Path, resume: bool, seed: int, again: int
) -> None:
    log, kept = tmp_path / "log", tmp_path / "kept"
    slow = [Slow("slow", str(log), 0.0)]
    with pytest.raises(KeyboardInterrupt):
        backtest(panel(), slow, client, origins=ORIGINS[:2], checkpoint=kept, progress=interrupted_after_one)
    assert len(list(kept.glob("*.json"))) == 1
    before = lines(log, client)
    backtest(panel(), slow, client, origins=ORIGINS[:2], checkpoint=kept, resume=resume, seed=seed)
    assert lines(log, client) == before + again


def interrupted_after_one(now: Progress) -> None:
    if now.done == 2:
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"group": "poor"}, "no grade 'poor' in panel"),
        ({"forecasters": [Constant("a"), Constant("a")]}, "two forecasters are called a"),
        ({"forecasters": []}, "needs a forecaster and an origin"),
        ({"pools": [("even", "oracle")]}, "a pool needs the forecasts of oracle"),
        ({"choice": "oracle"}, "no forecaster or pool is called 'oracle'; there are even"),
        ({"origins": [datetime.date(2031, 1, 1)]}, "origins after the panel's date, 2025-03-31: 2031-01-01"),
        ({"origins": [datetime.date(2025, 3, 31)]}, "no inspection with an overall grade started"),
        ({"forecasters": [FewIndicators()]}, "has no indicator assessment_within_45_days"),
    ],
)
def test_what_cannot_be_backtested_is_said(client: Client, change: dict[str, object], message: str) -> None:
    options: dict[str, object] = {"forecasters": FORECASTERS, "origins": ORIGINS[:1]} | change
    forecasters = options.pop("forecasters")
    with pytest.raises(UsageError, match=message):
        backtest(panel(), forecasters, client, **options)  # type: ignore[arg-type]


def test_a_folder_that_is_something_else_is_never_replaced(done: Backtest, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear all")
    with pytest.raises(UsageError, match="is not the folder of a backtest"):
        write_backtest(done, "", tmp_path / "mine", overwrite=True)
    write_backtest(done, "one", tmp_path / "bt")
    with pytest.raises(UsageError, match="exists; give another --out, or --overwrite"):
        write_backtest(done, "two", tmp_path / "bt")
    write_backtest(done, "two", tmp_path / "bt", overwrite=True)
    assert (tmp_path / "bt" / PAGE).read_text() == "two"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bt", "mine"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--origins", "2018,soon"), "--origins: expected years or dates such as 2018,2019-07-01, found 'soon'"),
        (("--spec", "best"), "best: no such spec"),
        (("--scheduler", "tcp://127.0.0.1:9"), "no Dask scheduler answers at tcp://127.0.0.1:9"),
    ],
)
def test_the_command_says_what_is_wrong_and_writes_nothing(
    arguments: tuple[str, ...], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("bayes_csc.evaluation.dask_jobs.CONNECT_SECONDS", 1)
    panel().write(tmp_path / "panel")
    assert command("backtest", "--out", tmp_path / "bt", "--panel", tmp_path / "panel", *arguments) == 2
    assert message in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["panel"]
