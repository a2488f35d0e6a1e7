"""A fit of a simulated panel beside its truth: what `recovery` says of it, and that it is about calibrated."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

from bayes_csc.estimates.decline import decline
from bayes_csc.estimates.forecast.next_grade import next_grade
from bayes_csc.inference.fit import Fit, fit
from bayes_csc.inference.reopen import Revisited, revisit
from bayes_csc.measurement.judgements.inspection_rates import Reinspection
from bayes_csc.simulation.calibration import FORECAST_EDGES, STATISTICS, WIDTH
from bayes_csc.simulation.recovery import (
    CHANGES,
    DRAWS,
    THETA,
    among,
    next_events,
    point,
    recovery,
    states_of,
    true_change,
)
from bayes_csc.simulation.simulate_next import NEXT, simulate_ahead
from bayes_csc.spec import Spec
from bayes_csc_models.trajectory import trajectory

SPEC = Spec().updated({"measurement": {"across_domains": False}})  # else chance may change the structure
BINS = len(FORECAST_EDGES) - 1


@pytest.fixture(scope="module")
def simulated() -> tuple[Fit, xr.DataTree]:
    panel, truth = simulate_ahead(trajectory, SPEC, authorities=40, years=6, indicators=5, seed=1, judged=True)
    return fit(panel, trajectory, spec=SPEC, seed=1, draws=100, chains=2, panel_hash="simulated"), truth


@pytest.fixture(scope="module")
def run(simulated: tuple[Fit, xr.DataTree]) -> Fit:
    return simulated[0]


@pytest.fixture(scope="module")
def known(simulated: tuple[Fit, xr.DataTree]) -> xr.Dataset:
    return simulated[1]["posterior"].to_dataset()


@pytest.fixture(scope="module")
def again(run: Fit) -> Revisited:
    return revisit(run, trajectory, draws=DRAWS)


@pytest.fixture(scope="module")
def record(simulated: tuple[Fit, xr.DataTree]) -> dict[str, Any]:
    return recovery(simulated[0], trajectory, simulated[1], seed=1)


def sums(record: dict[str, Any], event: str) -> tuple[float, ...]:
    """Number of forecasts, sum of their probabilities and events."""
    values = record["events"][event]
    return tuple(float(sum(values[k * BINS : (k + 1) * BINS])) for k in range(3))


def test_everything_that_is_printed_is_placed(record: dict[str, Any], known: xr.Dataset) -> None:
    wanted = {
        THETA, *CHANGES.values(), "figure given theta", "loading", "indicator_level", "year_effect", "deviation_sd",
        "white_share", "autocorrelation", "judgement_loading", "cutpoints", "standard", "previous_effect",
        *(f"contribution of {kind}" for kind in ("indicator", "judgement", "prior", "nation")),
    }  # fmt: skip
    assert wanted <= set(record["pits"])
    items = ("overall", "leadership", "help_and_protection", "children_looked_after")
    labels = ("outstanding", "good", "requires improvement", "inadequate", "worse")
    assert set(record["events"]) == {"decline", "recent decline"} | {f"{i}: {g}" for i in items for g in labels}
    assert sum(record["pits"][THETA][1:]) == known.theta.size
    assert len(record["pits"]["standard_drift"]) == 1
    assert all(0.0 < values[0] < 1.0 for values in record["pits"].values() if values)


def test_of_a_truth_of_another_model_only_theta_and_its_changes_are_placed(
    run: Fit, known: xr.Dataset, record: dict[str, Any]
) -> None:
    found = recovery(run, trajectory, xr.DataTree.from_dict({"posterior": known[["theta"]]}), seed=1)
    assert set(found["pits"]) == {THETA, *CHANGES.values()}
    assert found["pits"][THETA][1:] == record["pits"][THETA][1:]
    assert found["events"] == {name: record["events"][name] for name in ("decline", "recent decline")}


def test_the_truth_has_a_place_in_the_sampler_s_coordinates(run: Fit, again: Revisited, known: xr.Dataset) -> None:
    x = point(trajectory(run.panel, run.spec), again.density, known)
    for name, value in again.density.expand(x).items():
        np.testing.assert_allclose(value, known[name], rtol=1e-6, atol=1e-9)
    wrong, model = known.assign(judgement_loading=known.judgement_loading + 1.0), trajectory(run.panel, run.spec)
    with pytest.raises(ValueError, match="no coordinates of the truth of judgement_loading"):
        point(model, again.density, wrong)


def test_theta_s_conditional_distributions_place_it_as_its_draws_do(
    run: Fit, again: Revisited, known: xr.Dataset
) -> None:
    rng = np.random.default_rng(1)
    exact = states_of(again, again.points[0], known, rng)[THETA]
    drawn = among(run.posterior.theta, known.theta, rng)
    # of 200 draws; five of the largest standard errors of a share, and of the random part that breaks ties
    assert np.abs(exact - drawn).max() < 5 * 0.5 / np.sqrt(200) + 0.005
    assert np.abs(exact - drawn).mean() < 0.5 / np.sqrt(200)


def test_the_true_change_is_that_of_theta_between_the_two_dates(run: Fit, again: Revisited, known: xr.Dataset) -> None:
    delta = true_change(run, again.design, known.theta, "since inspection")
    code = str(delta.authority[3].item())
    position = float(run.change.since.sel(authority=code, change="since inspection"))
    path = known.theta.sel(authority=code).transpose("year").to_numpy()
    then, now = np.interp([position, again.design.now], again.design.year, path)
    assert float(delta.sel(authority=code)) == pytest.approx(now - then)


def test_probabilities_of_decline_are_the_table_s(run: Fit, record: dict[str, Any], known: xr.Dataset) -> None:
    table = decline(run, "all", force=True)
    for event, column in (("decline", "p_decline"), ("recent decline", "p_recent_decline")):
        number, total, _ = sums(record, event)
        assert (number, total) == pytest.approx((table[column].notna().sum(), table[column].sum()), abs=0.02)


def test_probabilities_of_the_next_grades_are_the_forecast_s(simulated: tuple[Fit, xr.DataTree]) -> None:
    run, came = simulated[0], simulated[1][NEXT].to_dataset()
    found = next_events(run, trajectory, came, cores=2)
    codes = [str(code) for code in came.authority.to_numpy()]
    last = run.panel.latest_grades().reindex(codes).grade.to_numpy(dtype=float)
    worse = next_grade(run, trajectory, Reinspection.of(run.panel), given_now=False, without=False).of(codes)
    p, y = found["overall: worse"]
    np.testing.assert_allclose(p, np.where(last < 4, worse.moved(last, 1)[0].mean(axis=0), np.nan))
    assert list(y) == list(came.grade.to_numpy() > last)
    for item in ("overall", *map(str, came.domain.to_numpy())):
        each = [found[f"{item}: {label}"] for label in run.panel.grades]
        np.testing.assert_allclose(sum(p for p, _ in each), 1.0)
        np.testing.assert_array_equal(sum(y.astype(int) for _, y in each), 1)


@pytest.mark.parametrize("event", ["decline", "recent decline", "overall: worse", "leadership: good"])
def test_probabilities_are_those_of_what_came(record: dict[str, Any], event: str) -> None:
    number, total, came = sums(record, event)
    # a sum of independent events has at most this variance; twice as much for what they share
    assert came == pytest.approx(total, abs=4 * np.sqrt(2 * total * (1 - total / number)) + 0.5)


@pytest.mark.parametrize("name", [THETA, *CHANGES.values()])
def test_the_truth_is_covered_about_as_often_as_intervals_say(record: dict[str, Any], name: str) -> None:
    bins = np.array(record["pits"][name][1:])
    for statistic, spread in (("location", 1 / 12), ("coverage_50", 0.25), ("coverage_89", 0.1)):
        # 40 independent authorities, the years of one as one, and as much again for what they share; four errors
        error = np.sqrt(2 * spread / 40)
        at = STATISTICS[statistic]
        assert bins @ at / bins.sum() == pytest.approx(float(at @ WIDTH), abs=4 * error)
