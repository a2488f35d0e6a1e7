"""Statistics of calibration, on forecasts whose calibration is known by construction."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.special import ndtr

from bayes_csc.simulation.calibration import (
    FORECAST_EDGES,
    MIDDLE,
    PIT_EDGES,
    STATISTICS,
    WIDTH,
    Estimate,
    band,
    event,
    pooled,
    quantity,
    summary,
    uniformity,
)
from bayes_csc.simulation.recovery import binned, tallied

PANELS, UNITS = 100, 200


def recoveries(*, theta: float = 0.0, scalar: float = 0.0, wide: float = 1.0) -> list[dict[str, Any]]:
    """Recoveries of normal posteriors off by so many sds, and so many times as wide as they should be."""
    rng = np.random.default_rng(4)

    def pits(error: np.ndarray, shift: float) -> list[Any]:
        return binned(ndtr((error - shift) / wide), rng)

    out = []
    for _ in range(PANELS):
        units = rng.standard_normal(UNITS)
        units = (units - units.mean()) / np.sqrt(1.0 - 1.0 / UNITS)  # as theta is centred
        out.append({"pits": {"theta": pits(units, theta), "scale": pits(rng.standard_normal(1), scalar)}, "events": {}})
    return out


def outside(estimate: dict[str, float], value: float) -> bool:
    return not Estimate(**estimate).includes(value)


def test_the_statistics_of_a_uniform_pit_are_what_is_called_calibrated() -> None:
    expected = {"location": 0.5, "dispersion": 1.0, "coverage_50": 0.5, "coverage_89": 0.89}
    assert {name: float(value @ WIDTH) for name, value in STATISTICS.items()} == pytest.approx(expected)
    assert set(np.round([0.25, 0.75, 0.055, 0.945], 3)) < set(np.round(PIT_EDGES, 3))
    np.testing.assert_allclose(MIDDLE, 0.5 * (PIT_EDGES[:-1] + PIT_EDGES[1:]))


def test_right_posteriors_are_found_calibrated() -> None:
    found = summary(recoveries())["pits"]
    for name in ("theta", "scale"):
        assert found[name]["uniformity"] > 0.01
        # the bounds are 95%; four comparisons for each of two quantities
        lost = [key for key, at in STATISTICS.items() if outside(found[name][key], float(at @ WIDTH))]
        assert len(lost) <= 1


def test_an_error_of_a_tenth_of_theta_s_sd_is_found() -> None:
    found = summary(recoveries(theta=0.1))["pits"]
    assert outside(found["theta"]["location"], 0.5)
    assert found["theta"]["location"]["mean"] == pytest.approx(0.5 - 0.1 * 0.282, abs=0.005)
    assert not outside(found["scale"]["location"], 0.5)


def test_an_error_of_half_a_scalar_s_sd_is_found() -> None:
    found = summary(recoveries(scalar=-0.5))["pits"]
    assert outside(found["scale"]["location"], 0.5)
    assert found["scale"]["uniformity"] < 0.01
    assert not outside(found["theta"]["location"], 0.5)


@pytest.mark.parametrize(("wide", "sign"), [(0.7, 1), (1.4, -1)])
def test_too_narrow_a_posterior_is_told_from_too_wide_a_one(wide: float, sign: int) -> None:
    found = summary(recoveries(wide=wide))["pits"]["theta"]
    assert outside(found["dispersion"], 1.0)
    assert sign * (found["dispersion"]["mean"] - 1.0) > 0
    assert sign * (0.89 - found["coverage_89"]["mean"]) > 0
    assert outside(found["coverage_89"], 0.89)


def test_bounds_come_from_the_spread_between_panels() -> None:
    values = np.random.default_rng(2).normal(size=50)
    found = pooled(1000 * values, np.full(50, 1000))
    # of a bootstrap, whose ends have an error of their own
    assert found.mean == pytest.approx(values.mean())
    assert found.upper - found.lower == pytest.approx(2 * 1.96 * values.std() / np.sqrt(50), rel=0.1)


def test_one_panel_has_no_bounds() -> None:
    found = pooled(np.array([1.0]), np.array([2]))
    assert (found.mean, np.isnan(found.lower)) == (0.5, True)


def test_the_p_value_of_uniform_pits_is_uniform() -> None:
    rng = np.random.default_rng(1)
    p = np.array([uniformity(rng.random(30)) for _ in range(300)])
    # discrete, so at most uniform; four standard errors
    for level in (0.05, 0.2, 0.5):
        assert np.mean(p <= level) <= level + 4 * np.sqrt(level * (1 - level) / 300)
    assert p.mean() == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("u", [[0.001] * 10 + [0.999] * 10, [0.5] * 20, np.arange(20) / 50])
def test_pits_at_the_ends_in_the_middle_or_on_one_side_are_not_uniform(u: list[float]) -> None:
    assert uniformity(np.array(u)) < 0.01


def test_the_band_holds_at_all_levels_at_once() -> None:
    n, rng = 60, np.random.default_rng(3)
    z, lower, upper = band(n)
    off = [np.searchsorted(np.sort(rng.random(n)), z, side="right") / n - z for _ in range(1000)]
    held = np.mean([np.all((lower - 1e-12 <= d) & (d <= upper + 1e-12)) for d in off])
    # counts are discrete, so at least 95%; four standard errors, and that of the simulated reference
    assert 0.95 - 0.03 <= held <= 0.985


def forecasts(*, sharpen: float = 1.0, shared: float = 0.0) -> list[list[Any]]:
    """Forecasts of 60 panels of 50; `shared` is the sd, in logits, of what a panel's events have in common."""
    rng, out = np.random.default_rng(5), []
    for _ in range(60):
        score, common = rng.normal(0.0, 2.0, 50), shared * rng.standard_normal()
        p = 1.0 / (1.0 + np.exp(-score))
        if shared:  # what is forecast is the mean over the common part
            nodes, weight = np.polynomial.hermite_e.hermegauss(40)
            p = (weight / weight.sum()) @ (1.0 / (1.0 + np.exp(-score - shared * nodes[:, None])))
        event = rng.random(50) < 1.0 / (1.0 + np.exp(-score - common))
        out.append(tallied(1.0 / (1.0 + ((1.0 - p) / p) ** sharpen), event))
    return out


def test_calibrated_forecasts_stay_inside_the_band_and_beat_the_constant() -> None:
    found = event(forecasts())
    assert found["forecasts"] == sum(row["n"] for row in found["reliability"]) == 3000
    assert found["p"] > 0.05
    assert all(row["inside"] for row in found["reliability"])
    assert found["gain"]["lower"] > 0
    assert not outside(found["excess"], 0.0)


def test_events_that_hang_together_widen_the_band() -> None:
    alone, together = event(forecasts()), event(forecasts(shared=1.5))
    width = [np.mean([r["upper"] - r["lower"] for r in found["reliability"]]) for found in (alone, together)]
    assert width[1] > 1.2 * width[0]
    assert together["p"] > 0.05


def test_overconfident_forecasts_leave_the_band() -> None:
    found = event(forecasts(sharpen=2.0))
    assert found["p"] < 0.01
    ends = [found["reliability"][0], found["reliability"][-1]]
    assert [row["inside"] for row in ends] == [False, False]
    assert ends[0]["frequency"] > ends[0]["upper"]


def test_the_best_constant_gains_nothing_on_itself() -> None:
    y = np.random.default_rng(6).random((40, 50)) < 0.3
    found = event([tallied(np.full(50, y.mean()), row) for row in y])
    assert [found["gain"][key] for key in ("mean", "lower", "upper")] == pytest.approx([0.0, 0.0, 0.0], abs=1e-3)


def test_a_forecast_that_was_not_made_does_not_count() -> None:
    found = tallied(np.array([0.2, np.nan, 0.97]), np.array([True, True, False]))
    size = len(FORECAST_EDGES) - 1
    assert sum(found[:size]) == 2
    assert sum(found[2 * size : 3 * size]) == 1
    assert found[-1] == pytest.approx(0.8**2 + 0.97**2, abs=1e-3)


def test_a_quantity_that_some_panels_lack_is_of_the_others() -> None:
    records = recoveries()[:4]
    records[0]["pits"].pop("scale")
    records[1]["pits"]["scale"] = []
    found = summary(records)["pits"]
    assert (found["scale"]["panels"], found["theta"]["panels"]) == (2, 4)
    assert quantity([r["pits"]["theta"] for r in records])["values"] == UNITS
