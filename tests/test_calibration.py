"""Statistics of calibration, on forecasts whose calibration is known by construction."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from bayes_csc.calibration import (
    below,
    between_panels,
    brier_gain,
    coverage,
    dispersion,
    location,
    rank,
    reliability,
    uniformity,
)

PANELS, CHAINS, DRAWS, AUTHORITIES = 200, 2, 200, 10
RNG = np.random.default_rng(4)


def posterior(scale: float = 1.0, shift: float = 0.0) -> tuple[xr.DataArray, xr.DataArray]:
    """Draws and truths of a normal mean; both from the posterior if scale is 1 and shift 0."""
    centre = RNG.normal(size=(PANELS, AUTHORITIES))
    truth = xr.DataArray(centre + RNG.normal(size=centre.shape), dims=("panel", "authority"))
    noise = RNG.normal(size=(CHAINS, DRAWS, *centre.shape))
    draws = xr.DataArray(centre + shift + scale * noise, dims=("chain", "draw", "panel", "authority"))
    return draws, truth


def test_the_part_below_is_the_empirical_distribution_function() -> None:
    draws = xr.DataArray([[0.0, 1.0], [2.0, 3.0]], dims=("chain", "draw"))
    assert [float(below(draws, xr.DataArray(x))) for x in (-1.0, 0.5, 2.0, 9.0)] == [0.0, 0.25, 0.625, 1.0]


def test_the_rank_counts_the_thinned_draws_below() -> None:
    draws = xr.DataArray(np.arange(10.0).reshape(2, 5), dims=("chain", "draw"))
    # three of ten, evenly: 0, 4 (4.5 to even) and 9
    assert [int(rank(draws, xr.DataArray(x), levels=3)) for x in (-1.0, 3.0, 5.0, 10.0)] == [0, 1, 2, 3]


@pytest.mark.parametrize("probability", [0.5, 0.89])
def test_intervals_of_the_true_posterior_cover_as_often_as_they_say(probability: float) -> None:
    found = coverage(below(*posterior()), probability)
    # binomial error of 2,000 truths and the draws' own, four standard deviations
    assert found.mean == pytest.approx(probability, abs=4 * np.sqrt(probability * (1 - probability) / 2000) + 0.01)


@pytest.mark.parametrize(("scale", "sign"), [(0.5, 1), (2.0, -1)])
def test_too_narrow_a_posterior_is_told_from_too_wide_a_one(scale: float, sign: int) -> None:
    part = below(*posterior(scale=scale))
    assert not dispersion(part).includes(1.0)
    assert sign * (dispersion(part).mean - 1.0) > 0
    assert sign * (0.89 - coverage(part, 0.89).mean) > 0
    assert location(part).includes(0.5) or abs(location(part).mean - 0.5) < 0.03


def test_a_posterior_too_low_lies_below_the_truth() -> None:
    assert location(below(*posterior(shift=-1.0))).lower > 0.6


def test_bounds_come_from_the_spread_between_panels() -> None:
    values = RNG.normal(size=7)
    wide = xr.DataArray(np.repeat(values[:, None], 1000, axis=1), dims=("panel", "authority"))
    found = between_panels(wide)
    expected = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    np.testing.assert_allclose((found.lower, found.upper), (expected.low, expected.high))


def test_one_panel_has_no_bounds() -> None:
    found = between_panels(xr.DataArray([0.5], dims="panel"))
    assert (found.mean, np.isnan(found.lower)) == (0.5, True)


def test_the_p_value_of_uniform_ranks_is_uniform() -> None:
    rng = np.random.default_rng(1)
    p = [uniformity(rng.integers(0, 20, 30), levels=19, simulations=300) for _ in range(300)]
    # discrete, so at most uniform; four standard errors
    for level in (0.05, 0.2, 0.5):
        assert np.mean(np.array(p) <= level) <= level + 4 * np.sqrt(level * (1 - level) / 300)
    assert np.mean(p) == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("ranks", [[0] * 10 + [99] * 10, [50] * 20, list(range(0, 40, 2))])
def test_ranks_at_the_ends_in_the_middle_or_on_one_side_are_not_uniform(ranks: list[int]) -> None:
    assert uniformity(np.array(ranks), levels=99) < 0.01


def forecasts(sharpen: float = 1.0) -> tuple[xr.DataArray, xr.DataArray, xr.DataArray]:
    p = RNG.uniform(0.02, 0.98, (40, 60))
    dims = ("panel", "authority")
    event = xr.DataArray((RNG.uniform(size=p.shape) < p).astype(float), dims=dims)
    said = 1.0 / (1.0 + ((1.0 - p) / p) ** sharpen)
    copies = xr.DataArray((RNG.uniform(size=(400, *p.shape)) < said).astype(float), dims=("replicate", *dims))
    return xr.DataArray(said, dims=dims), event, copies


def test_calibrated_forecasts_stay_inside_the_band_and_beat_the_constant() -> None:
    p, event, copies = forecasts()
    table = reliability(p, event, copies)
    assert table.n.sum() == p.size
    assert table.inside.sum() >= len(table) - 2  # 95% bands: three of eight outside has probability 0.006
    assert brier_gain(p, event).lower > 0


def test_overconfident_forecasts_leave_the_band() -> None:
    p, event, copies = forecasts(sharpen=3.0)
    table = reliability(p, event, copies)
    assert not table.inside.iloc[[0, -1]].any()
    assert table.frequency.iloc[0] > table.upper.iloc[0]


def test_the_best_constant_gains_nothing_on_itself() -> None:
    _, event, _ = forecasts()
    gain = brier_gain(xr.full_like(event, float(event.mean())), event)
    assert (gain.mean, gain.lower, gain.upper) == (0.0, 0.0, 0.0)
