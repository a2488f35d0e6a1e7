"""Errors of averages over chains, and the gate of a preview."""

from __future__ import annotations

import arviz_stats as az
import numpy as np
import pytest
import xarray as xr
from scipy.special import ndtr

from bayes_csc.inference.diagnostics import PREVIEW_ERROR, preview_gate
from bayes_csc.inference.probabilities import EPSILON, batch_means_error, conditional_probability, split_rhat

CHAINS, DRAWS = 4, 500


def chains(rng: np.random.Generator, phi: float, copies: int) -> xr.DataArray:
    """AR(1) draws of unit variance, (chain, draw, copy)."""
    noise = rng.normal(size=(CHAINS, DRAWS, copies))
    x = noise.copy()
    for t in range(1, DRAWS):
        x[:, t] = phi * x[:, t - 1] + np.sqrt(1.0 - phi**2) * noise[:, t]
    return xr.DataArray(x, dims=("chain", "draw", "copy"))


KINDS = ["since inspection", "recent"]


def moments(mean: np.ndarray, variance: float = 0.3) -> xr.Dataset:
    """Moments of changes, (chain, draw, authority) means; the recent ones are steady."""
    steady = 0.1 * np.random.default_rng(9).normal(size=mean.shape)
    codes = [f"{i}" for i in range(mean.shape[2])]
    dims = ("chain", "draw", "authority", "change")
    return xr.Dataset(
        {
            "mean": (dims, np.stack([mean, steady], axis=-1)),
            "variance": (dims, np.full((*mean.shape, 2), variance)),
            "since": (("authority", "change"), np.full((len(codes), 2), 2020.5)),
        },
        coords={"authority": codes, "change": KINDS},
    )


def statistics(diverging: int = 0) -> xr.Dataset:
    marked = np.zeros((CHAINS, DRAWS), bool)
    marked.ravel()[:diverging] = True
    energy = np.random.default_rng(0).normal(size=(CHAINS, DRAWS))
    return xr.Dataset({"diverging": (("chain", "draw"), marked), "energy": (("chain", "draw"), energy)})


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.8])
def test_the_error_of_a_mean_is_the_spread_of_means_between_repetitions(phi: float) -> None:
    draws = chains(np.random.default_rng(1), phi, 400)
    spread = float(draws.mean(("chain", "draw")).std("copy"))
    said = float(np.sqrt((batch_means_error(draws) ** 2).mean("copy")))
    # a batch of 100 sees all but 2 phi / (1 - phi ** 2) / 100 of the correlation; the spread itself is known to 4%
    assert said == pytest.approx(spread, rel=0.15)


def test_chains_that_disagree_have_an_error_that_says_so() -> None:
    draws = chains(np.random.default_rng(2), 0.0, 1) + xr.DataArray([0.0, 0.0, 0.0, 2.0], dims="chain")
    assert float(batch_means_error(draws).squeeze()) > 0.15  # independent chains' would be 0.02


def test_split_rhat_is_arviz_s() -> None:
    draws = chains(np.random.default_rng(3), 0.6, 20) + xr.DataArray([0.0, 0.1, 0.0, 0.3], dims="chain")
    known = az.rhat(draws.to_dataset(name="x"), method="split")["x"]
    np.testing.assert_allclose(split_rhat(draws), known, rtol=1e-12)


def test_a_conditional_probability_is_a_normal_one() -> None:
    change = moments(np.full((1, 1, 1), -0.5), variance=0.04)
    assert float(conditional_probability(change, 0.25).sel(change=KINDS[0]).squeeze()) == pytest.approx(
        float(ndtr(1.25)), rel=1e-14
    )


def test_a_preview_of_independent_draws_passes() -> None:
    rng = np.random.default_rng(4)
    found = preview_gate(moments(0.1 * rng.normal(size=(CHAINS, DRAWS, 6))), statistics())
    assert found.passed
    assert (found.failing, found.divergences) == ((), 0)
    assert found.ess_bulk > 500


@pytest.mark.parametrize(
    ("shift", "diverging", "said"),
    [
        (0.0, 21, "21 divergences"),
        (0.6, 0, "3 (since inspection): error of P(decline)"),
        (0.6, 0, "3 (since inspection): R-hat"),
    ],
)
def test_a_preview_that_is_too_rough_fails_and_says_where(shift: float, diverging: int, said: str) -> None:
    mean = 0.1 * np.random.default_rng(5).normal(size=(CHAINS, DRAWS, 6))
    mean[0, :, 3] += shift
    found = preview_gate(moments(mean), statistics(diverging))
    assert not found.passed
    assert any(line.startswith(said) for line in found.failing)
    assert "--draws" in found.advice


def test_a_few_divergences_do_not_fail_a_preview() -> None:
    mean = 0.1 * np.random.default_rng(6).normal(size=(CHAINS, DRAWS, 2))
    assert preview_gate(moments(mean), statistics(20)).passed


def test_a_preview_does_not_fail_by_the_last_digits_of_a_probability_that_is_all_but_zero() -> None:
    rng = np.random.default_rng(8)
    mean = 2.0 + rng.exponential(0.3, size=(CHAINS, DRAWS, 1))
    mean[0, : DRAWS // 2] = 2.0 + 0.002 * rng.normal(size=(DRAWS // 2, 1))
    change = moments(mean, variance=0.02)
    p = conditional_probability(change, EPSILON)[..., 0]
    assert float(split_rhat(p).squeeze()) > 2.0 > 1e40 * float(p.max())
    found = preview_gate(change, statistics())
    assert found.passed
    assert found.ess_bulk > 500  # of the others


@pytest.mark.parametrize(("apart", "passed"), [(0.01, True), (0.1, False)])
def test_chains_fail_a_preview_where_they_disagree_by_what_matters(apart: float, passed: bool) -> None:
    mean = 0.1 * apart * np.random.default_rng(10).normal(size=(CHAINS, DRAWS, 3))
    mean[0, :, 0] += apart
    found = preview_gate(moments(mean), statistics())
    assert found.passed is passed
    assert [line.startswith("0 (since inspection): R-hat") for line in found.failing] == [True] * (not passed)


def test_chains_that_stand_still_fail_a_preview_however_near_they_are() -> None:
    change = moments(np.zeros((CHAINS, DRAWS, 3)))
    change["mean"][:] = 1e-4 * np.arange(CHAINS)[:, None, None, None]
    (line,) = preview_gate(change, statistics()).failing
    assert line.startswith("the median authority's mean change: R-hat")


def test_an_authority_without_an_inspection_is_judged_by_its_recent_change() -> None:
    mean = 0.1 * np.random.default_rng(7).normal(size=(CHAINS, DRAWS, 2))
    mean[0, :, 1] += 5.0
    change = moments(mean)
    change["since"][1, 0] = np.nan
    assert preview_gate(change, statistics()).passed
    change["mean"][0, :, 1, 1] += 5.0
    assert any(line.startswith("1 (recent): R-hat") for line in preview_gate(change, statistics()).failing)
    assert PREVIEW_ERROR <= 0.015  # half of what the preview is licensed to be off


@pytest.mark.parametrize("draws", [1, 3, 4, 9, 11])
def test_few_draws_have_an_error_too(draws: int) -> None:
    few = chains(np.random.default_rng(8), 0.0, 3).isel(draw=slice(0, draws))
    assert bool((batch_means_error(few) > 0.0).all())
