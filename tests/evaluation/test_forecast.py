"""The forecast of the next inspection, on the hamlets: against brute force, and in every output."""

from __future__ import annotations

import dataclasses
import datetime
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command_runner import command
from paths import PANELS

from bayes_csc import Fit, Panel, decline, forecast
from bayes_csc.errors import GateError, UsageError
from bayes_csc.estimates.forecast.next_grade import next_grade
from bayes_csc.evaluation.forecast.forecast import write_forecast
from bayes_csc.inference.diagnostics import Gate
from bayes_csc.inference.fit import preview
from bayes_csc.inference.reopen import revisit
from bayes_csc.likelihood.kernel.states import states
from bayes_csc.likelihood.layout import layout_of
from bayes_csc.measurement.judgements.inspection_rates import Reinspection
from bayes_csc.panel.calendar import grid_date, grid_position
from bayes_csc_models import trajectory

HAMLETS = PANELS / "hamlets"
PASSED = Gate(True, 1.001, 900.0, 800.0, 0.9, 0, (), "")
FAILED = Gate(False, 1.2, 30.0, 20.0, 0.9, 0, ("loading[agency]: R-hat 1.200",), "run longer: double --draws")
GRADES = [f"p_grade_{g}" for g in range(1, 5)]


def hamlets() -> Panel:
    """The hamlets, Ivy (405) never inspected."""
    panel = Panel.read(HAMLETS)
    return dataclasses.replace(panel, inspections=panel.inspections[panel.inspections.authority != "405"])


@pytest.fixture(scope="module")
def fitted() -> Fit:
    return dataclasses.replace(preview(hamlets(), trajectory, seed=3, chains=2, draws=40), gate=PASSED)


@pytest.fixture(scope="module")
def table(fitted: Fit) -> pd.DataFrame:
    return forecast(fitted, trajectory)


def test_every_authority_that_exists_has_a_row_and_probabilities_that_sum_to_one(table: pd.DataFrame) -> None:
    assert sorted(table.authority) == ["401", "402", "403", "404", "405", "408"]
    assert list(table.name) == sorted(table.name)
    np.testing.assert_allclose(table[GRADES].sum(axis=1), 1.0, rtol=1e-12)


def test_worse_and_better_are_sums_over_grades_beyond_the_last_one(table: pd.DataFrame) -> None:
    row = table.set_index("authority")
    assert row.last_grade["403"] == "requires improvement"
    assert row.p_next_worse["403"] == pytest.approx(row.p_grade_4["403"], rel=1e-12)
    assert row.p_next_better["403"] == pytest.approx(row.p_grade_1["403"] + row.p_grade_2["403"], rel=1e-12)
    assert row.p_next_worse["404"] == 0.0
    assert row.level["404"] == ""
    assert row.note["404"].endswith("already the worst grade")


def test_an_authority_without_an_inspection_has_grades_but_nothing_to_compare_them_with(table: pd.DataFrame) -> None:
    row = table.set_index("authority").loc["405"]
    assert np.isnan([row.p_next_worse, row.p_next_better, row.visit_value, row.p_next_worse_no_data]).all()
    assert (row.last_grade, row.level) == ("", "")
    assert row.note == "preview; no inspection"
    assert 0 < row.p_grade_1 < 1


@pytest.mark.parametrize("years", [0.0, 1.6])
def test_probabilities_are_those_of_simulated_inspections(fitted: Fit, years: float) -> None:
    now = fitted.change.attrs["now"]
    day = grid_date(now + years)
    found = forecast(fitted, trajectory, date=day).set_index("authority")
    again = revisit(fitted, trajectory, horizon=2 if years else 0)
    d, rng, n = again.design, np.random.default_rng(5), 4000
    w = d.weights(np.array([float(grid_position(day))]))[0]
    a = d.authority.index("401")
    before = int(fitted.panel.latest_grades().grade["401"])
    grades = []
    for point in again.points:
        real, named = again.density.real(point), again.density.expand(point)
        nobody = np.zeros(real.mean.size)
        mean, _, own, *_ = states(layout_of(d), real, d.year.size, nobody, np.empty((len(d.block), 0)))
        theta = rng.multivariate_normal(mean.reshape(-1, d.year.size)[a], own[a], n) @ w
        u = named["judgement_loading"][0] * theta + named["standard"] @ w + rng.standard_normal(n)
        u += named["previous_effect"][before]
        low, middle, high = named["cutpoints"][list(again.density.names.coords["scale"]).index("ILACS:overall")]
        poorer, richer = np.exp(named["previous_spacing"][before])
        cutpoints = np.array([middle - (middle - low) * poorer, middle, middle + (high - middle) * richer])
        grades.append(4 - (u[:, None] > cutpoints).sum(axis=1))
    shares = [(np.concatenate(grades) == g).mean() for g in range(1, 5)]
    np.testing.assert_allclose(found.loc["401", GRADES].astype(float), shares, atol=0.005)  # 0.0009 a standard error


def test_intervals_hold_the_forecast(fitted: Fit, table: pd.DataFrame) -> None:
    known = table[table.last_grade != ""]
    for name in (*GRADES, "p_next_worse", "p_next_better"):
        for which in ("", "_given_now"):
            assert (known[f"{name}{which}_lower"] <= known[name]).all()
            assert (known[name] <= known[f"{name}{which}_upper"]).all()
    wide = forecast(fitted, trajectory, interval=0.99).set_index("authority")
    narrow = forecast(fitted, trajectory, interval=0.5).set_index("authority")
    assert (wide.p_grade_3_upper > narrow.p_grade_3_upper).all()
    np.testing.assert_array_equal(wide.p_grade_3, narrow.p_grade_3)


def test_probabilities_given_theta_now_average_to_those_with_it_integrated_out(fitted: Fit) -> None:
    found = next_grade(fitted, trajectory, Reinspection.of(fitted.panel))
    now, marginal = found.given_now.overall, found.marginal.overall
    assert now.std(axis=0).mean() > marginal.std(axis=0).mean()
    error = now.std(axis=0) / np.sqrt(len(now))
    gap = np.abs(now.mean(axis=0) - marginal.mean(axis=0))
    assert (gap < 4.0 * error).all()


def test_the_next_grade_of_some_authorities_is_theirs(fitted: Fit) -> None:
    found = next_grade(fitted, trajectory, Reinspection.of(fitted.panel), date=datetime.date(2023, 9, 30))
    some = found.of(["408", "401"])
    assert some.authority == ("408", "401")
    grades, place = some.marginal.overall, found.authority.index("401")
    np.testing.assert_array_equal(grades[:, 1], found.marginal.overall[:, place])
    np.testing.assert_array_equal(some.marginal.any_worst[:, 1], found.marginal.any_worst[:, place])
    worse, better = (some.moved(np.array([2.0, np.nan]), sign)[0] for sign in (1, -1))
    np.testing.assert_allclose(worse[:, 0] + better[:, 0] + grades[:, 0, 1], 1.0, rtol=1e-12)
    assert np.isnan(worse[:, 1]).all()


def test_a_probability_is_better_known_than_it_would_be_moved_by_the_state(table: pd.DataFrame) -> None:
    can = table[table.visit_value.notna()]
    over_state, own = (can[f"p_next_worse{w}_upper"] - can[f"p_next_worse{w}_lower"] for w in ("_given_now", ""))
    assert over_state.mean() > own.mean()  # few inspections: the effect of the grade before is hardly known
    assert (can.visit_value_upper == 4.0 * can.p_next_worse_upper - (1.0 - can.p_next_worse_upper)).all()


def test_a_given_date_is_every_authority_s(fitted: Fit) -> None:
    found = forecast(fitted, trajectory, date=datetime.date(2024, 1, 31))
    assert set(found.next_inspection_median) == {"2024-01-31"}
    assert found.attrs["date"] == "2024-01-31"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"date": datetime.date(2022, 9, 29)}, r"expected a day from 2022-09-30 \(now\) to 2028-09-30"),
        ({"date": datetime.date(2031, 1, 1)}, "found 2031-01-01"),
        ({"interval": 1.0}, "expected 0 < interval < 1"),
        ({"loss_ratio": 0.0}, "finite loss ratio > 0"),
        ({"group": "any >= good"}, "does not say which way"),
        ({"loss_ratio": -1.0, "date": datetime.date(2020, 1, 1)}, "(?s)loss ratio > 0.*--date"),
    ],
)
def test_wrong_usage_is_refused(fitted: Fit, options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        forecast(fitted, trajectory, **options)  # type: ignore[arg-type]


def test_a_run_without_ratings_cannot_forecast_any(fitted: Fit) -> None:
    without = dataclasses.replace(fitted, posterior=fitted.posterior.drop_vars("judgement_loading"))
    with pytest.raises(UsageError, match=r"no judgements .* fit with ratings"):
        forecast(without, trajectory)


def test_a_failed_run_is_refused_unless_forced_and_then_marked(fitted: Fit, tmp_path: Path) -> None:
    failed = dataclasses.replace(fitted, gate=FAILED)
    with pytest.raises(GateError, match=r"R-hat 1\.200"):
        forecast(failed, trajectory)
    write_forecast(forecast(failed, trajectory, force=True), tmp_path)
    assert pd.read_csv(tmp_path / "forecast.csv").note.str.endswith("diagnostics failed").all()


def test_a_higher_loss_ratio_never_makes_a_visit_worth_less(fitted: Fit, table: pd.DataFrame) -> None:
    dear = forecast(fitted, trajectory, loss_ratio=9.0)
    known = table.visit_value.notna()
    assert (dear.visit_value[known] > table.visit_value[known]).all()
    assert (dear.attrs["threshold"], table.attrs["threshold"]) == (0.1, 0.2)


def test_the_order_of_authorities_changes_nothing(table: pd.DataFrame) -> None:
    panel = hamlets()
    shuffled = dataclasses.replace(
        panel,
        authorities=panel.authorities.iloc[::-1],
        inspections=panel.inspections.sample(frac=1, random_state=1),
        cells=panel.cells.sample(frac=1, random_state=1),
    )
    fit = dataclasses.replace(preview(shuffled, trajectory, seed=3, chains=2, draws=40), gate=PASSED)
    found = forecast(fit, trajectory)
    pd.testing.assert_frame_equal(found, table, rtol=1e-6, atol=1e-8)


def test_a_framework_that_is_not_known_makes_the_forecast_less_sure(fitted: Fit, table: pd.DataFrame) -> None:
    new = forecast(fitted, trajectory, framework="next")
    wider, known = ((t.p_grade_4_upper - t.p_grade_4_lower).mean() for t in (new, table))
    assert wider > known
    pd.testing.assert_frame_equal(forecast(fitted, trajectory, framework="SIF"), table)


def test_expected_errors_are_those_of_the_group_and_of_all(fitted: Fit, table: pd.DataFrame) -> None:
    assert list(table.authority[table.listed]) == ["401", "403"]
    expected = table.attrs["expected"]
    assert (expected["group"]["authorities"], expected["all"]["authorities"]) == (2, 4)
    rest = table[table.listed & (table.p_next_worse <= table.attrs["threshold"])]
    assert expected["group"]["missed_declines"]["mean"] == pytest.approx(rest.p_next_worse.sum())


# Files and commands.


@pytest.fixture
def run(fitted: Fit, tmp_path: Path) -> Path:
    fitted.write(tmp_path / "run")
    return tmp_path / "run"


def test_the_command_prints_the_group_and_writes_every_authority(
    run: Path, table: pd.DataFrame, shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("forecast", run, "--loss-ratio", 9) == 0
    said = capsys.readouterr().out
    assert "PREVIEW. " in said
    assert "Elm" in said
    assert "Fern" not in said
    assert "is above 0.10 (a missed decline costs 9 visits in vain)" in " ".join(said.split())
    back = pd.read_csv(run / "forecast.csv", dtype={"authority": str})
    np.testing.assert_allclose(back[GRADES], table[GRADES], rtol=1e-9)
    assert back.note.str.contains("preview").all()
    written = json.loads((run / "forecast.json").read_text())
    assert written["metadata"]["preview"] is True
    assert written["metadata"]["loss_ratio"] == 9.0
    assert written["metadata"]["judged"] == ["overall"]
    check = [sys.executable, str(shared / "checks" / "contract.py"), "run", str(run)]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "run keeps its contract: forecast.csv 6 rows")


def test_decline_leads_with_the_next_inspection(
    fitted: Fit, run: Path, table: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("decline", run, "--sort", "p_next_worse") == 0
    said = capsys.readouterr().out
    assert said.index("inspected") < said.index("P(decline)") < said.index("change [89%]")
    back = pd.read_csv(run / "decline.csv", dtype={"authority": str})
    at = list(back.columns).index("figures_since")
    assert list(back.columns)[at + 1 : at + 3] == ["p_next_worse", "p_next_better"]
    wanted = table.set_index("authority").loc[back.authority]
    np.testing.assert_allclose(back.p_next_worse, wanted.p_next_worse, rtol=1e-9)
    assert back.p_next_worse.is_monotonic_increasing
    assert "p_next_worse" not in decline(fitted)


def test_a_rule_is_a_group_of_decline_and_forecast(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("decline", run, "--group", "overall = inadequate") == 0
    assert "Hazel" in capsys.readouterr().out
    for name in ("decline", "forecast"):
        assert command(name, run, "--group", "overall = outstanding") == 2
        assert "no authority's latest inspection satisfies 'overall = outstanding'" in capsys.readouterr().err


def test_decline_of_a_run_without_judgements_has_no_forecast(
    fitted: Fit, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    without = dataclasses.replace(fitted, posterior=fitted.posterior.drop_vars("judgement_loading"))
    without.write(tmp_path / "run")
    assert command("decline", tmp_path / "run") == 0
    assert "next worse" not in capsys.readouterr().out.split("Wrote")[0].split("P(decline)")[0]
    assert command("decline", tmp_path / "run", "--sort", "p_next_worse") == 2
    assert "this run has no forecast" in capsys.readouterr().err
    assert command("forecast", tmp_path / "run") == 2


def test_several_dates_are_the_forecasts_of_each(
    fitted: Fit, run: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    first, second = datetime.date(2023, 1, 31), datetime.date(2024, 1, 31)
    assert command("forecast", run, "--date", second, "--date", first, "--date", second) == 0
    assert "forecast_dates.csv" in capsys.readouterr().out
    back = pd.read_csv(run / "forecast_dates.csv", dtype={"authority": str})
    assert list(back.date.unique()) == [first.isoformat(), second.isoformat()]
    each = forecast(fitted, trajectory, date=second)
    np.testing.assert_allclose(back[back.date == second.isoformat()][GRADES], each[GRADES], rtol=1e-9)
    assert not (run / "forecast.csv").exists()
    assert set(json.loads((run / "forecast_dates.json").read_text())["metadata"]["dates"]) == set(back.date)


def test_all_impossible_dates_are_named_together(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("forecast", run, "--date", "2020-01-01", "--date", "2031-01-01", "--date", "2024-01-01") == 2
    said = capsys.readouterr().err
    assert "found 2020-01-01" in said
    assert "found 2031-01-01" in said
