"""Gaussian sites of counts against numerical integration and against the exact interval likelihood."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytensor.tensor as pt
import pytest
from counts_of_one_authority import (
    AR_PHI,
    AR_SD,
    CASES,
    LOADING,
    NAN,
    OFFSET,
    PRIOR_SD,
    WHITE_SD,
    cells,
    log_likelihood,
    some_years,
)
from scipy.special import logsumexp
from scipy.stats import binom, norm, poisson

from bayes_csc.likelihood.count_sites import (
    FLAT_VARIANCE,
    INTERVAL_WIDTHS,
    Counts,
    fit_sites,
    interval_log_probability,
    tilted_moments,
)
from bayes_csc.likelihood.kernel.states import states
from bayes_csc.panel.families.binomial import FAMILY as BINOMIAL
from bayes_csc.panel.families.counts import CountFamily
from bayes_csc.panel.families.poisson import FAMILY as POISSON
from bayes_csc_models.likelihood import count_logp


def theta_moments(z: np.ndarray, variance: np.ndarray) -> tuple[float, float]:
    layout, real = some_years(z.size)
    mean, _, own, *_ = states(layout, real._replace(z=z, variance=variance), 1, np.zeros(1), np.zeros((1, 0)))
    return float(mean[0]), float(np.sqrt(own[0, 0, 0]))


@pytest.mark.parametrize("case", CASES)
def test_moments_of_theta_under_sites_are_those_of_numerical_integration(case: str) -> None:
    rows = CASES[case]
    layout, real = some_years(2)
    z, variance, change = fit_sites(layout, real, rows, np.array([True, True]))
    assert change < 1e-4
    mean, sd = integrated_moments(rows, np.zeros(2))
    got_mean, got_sd = theta_moments(z, variance)
    # A twentieth of the licence of 0.1 posterior sd.
    assert got_mean == pytest.approx(mean, abs=0.005 * sd)
    assert got_sd == pytest.approx(sd, rel=0.005)


@pytest.mark.parametrize("case", CASES)
def test_a_doubted_count_is_one_of_a_logit_with_noise_of_its_own(case: str) -> None:
    doubt = np.array([0.25, 0.0])
    rows = CASES[case].assign(confidence_variance=doubt)
    layout, real = some_years(2)
    z, variance, change = fit_sites(layout, real, rows, np.array([True, True]))
    assert change < 1e-4
    mean, sd = integrated_moments(rows, doubt)
    got_mean, got_sd = theta_moments(z, variance)
    assert got_mean == pytest.approx(mean, abs=0.005 * sd)
    assert got_sd == pytest.approx(sd, rel=0.005)
    sure_mean, sure_sd = integrated_moments(rows, np.zeros(2))
    assert abs(mean - sure_mean) > 0.01 * sd
    assert sd > sure_sd


def integrated_moments(rows: pd.DataFrame, doubt: np.ndarray) -> tuple[float, float]:
    """Mean and sd of theta given two counts, by a grid of their logits, each with noise of variance `doubt` besides."""
    # (eta1, eta2) is Gaussian before the counts; theta given eta is Gaussian.
    lag = np.array([[1.0, AR_PHI], [AR_PHI, 1.0]])
    C = LOADING**2 * PRIOR_SD**2 + AR_SD**2 * lag + WHITE_SD**2 * np.eye(2) + np.diag(doubt)
    grid = np.linspace(-8.0, 8.0, 401)
    eta = OFFSET + np.stack(np.meshgrid(grid, grid, indexing="ij"), axis=-1).reshape(-1, 2)
    r = eta - OFFSET
    log_p = log_likelihood(rows, eta).sum(axis=1) - 0.5 * np.einsum("ni,ij,nj->n", r, np.linalg.inv(C), r)
    p = np.exp(log_p - log_p.max())
    p /= p.sum()
    gain = np.linalg.solve(C, np.full(2, LOADING * PRIOR_SD**2))
    mean = p @ (r @ gain)
    return float(mean), float(np.sqrt(PRIOR_SD**2 - gain @ C @ gain + p @ (r @ gain - mean) ** 2))


def test_moments_of_theta_under_sites_are_those_of_importance_sampling() -> None:
    rows = CASES["two small counts"]
    layout, real = some_years(2)
    z, variance, _ = fit_sites(layout, real, rows, np.array([True, True]))
    rng = np.random.default_rng(2)
    n = 200_000
    theta = PRIOR_SD * rng.normal(size=n)
    first = rng.normal(size=n)
    deviation = np.stack([first, AR_PHI * first + np.sqrt(1 - AR_PHI**2) * rng.normal(size=n)], axis=1)
    eta = OFFSET + LOADING * theta[:, None] + AR_SD * deviation + WHITE_SD * rng.normal(size=(n, 2))
    weight = np.exp(log_likelihood(rows, eta).sum(axis=1))
    weight /= weight.sum()
    mean = weight @ theta
    error = np.sqrt(weight**2 @ (theta - mean) ** 2)
    got_mean, got_sd = theta_moments(z, variance)
    assert got_mean == pytest.approx(mean, abs=4.5 * error + 0.005)
    assert got_sd == pytest.approx(np.sqrt(weight @ (theta - mean) ** 2), rel=0.02)


def test_a_single_site_gives_the_exact_moments_of_its_logit_wherever_it_starts() -> None:
    rows = cells((1.0, 1.0, 30.0, NAN, NAN), (1.0, NAN, 20.0, 0.0, 20.0))
    layout, real = some_years(2)
    fits = []
    for start in (-4.0, 0.0, 2.0):
        begin = real._replace(z=np.full(2, start), variance=np.full(2, 3.0))
        z, variance, _ = fit_sites(layout, begin, rows, np.array([True, True]), sweeps=100, tolerance=1e-9)
        fits.append(theta_moments(z, variance))
    np.testing.assert_allclose(fits[1:], [fits[0]] * 2, rtol=1e-6)


def test_an_interval_of_every_count_is_as_good_as_a_missing_cell() -> None:
    rows = cells((1.0, 2.0, 15.0, NAN, NAN), (1.0, NAN, 20.0, 0.0, 20.0))
    layout, real = some_years(2)
    z, variance, _ = fit_sites(layout, real, rows, np.array([True, True]))
    assert variance[1] == pytest.approx(FLAT_VARIANCE, rel=1e-3)
    z_alone, variance_alone, _ = fit_sites(*some_years(1), rows[:1], np.array([True]))
    np.testing.assert_allclose(theta_moments(z, variance), theta_moments(z_alone, variance_alone), rtol=1e-3)


def test_cells_that_are_not_sites_keep_their_logit_and_variance() -> None:
    layout, real = some_years(2)
    rows = CASES["two small counts"]
    z, variance, _ = fit_sites(layout, real, rows, np.array([True, False]))
    assert (z[1], variance[1]) == (real.z[1], real.variance[1])
    assert z[0] != real.z[0]


def test_the_log_likelihood_of_counts_and_intervals_is_the_binomial_one_up_to_a_constant() -> None:
    rows = cells((1.0, 2.0, 15.0, NAN, NAN), (-1.0, NAN, 40.0, 1.0, 5.0), (1.0, NAN, 6.0, 0.0, 6.0))
    eta = np.linspace(-4.0, 3.0, 8)
    got = Counts.of(rows).log_likelihood(np.tile(eta, (3, 1)))
    expected = np.stack([log_likelihood(rows, np.full((1, 3), e))[0] for e in eta], axis=1)
    np.testing.assert_allclose(np.diff(got - expected, axis=1), 0.0, atol=1e-9)


@pytest.mark.parametrize("centre", [-6.0, -1.0, 0.0, 4.0])
def test_tilted_moments_are_those_of_quadrature_even_far_from_the_cavity(centre: float) -> None:
    rows = cells((1.0, 3.0, 30.0, NAN, NAN))
    cavity = np.array([centre]), np.array([1.5])
    mean, variance = tilted_moments(Counts.of(rows), *cavity, cavity[0], np.sqrt(cavity[1]))
    eta = np.linspace(-20.0, 20.0, 40_001)
    p = norm.pdf(eta, centre, np.sqrt(1.5)) * np.exp(log_likelihood(rows, eta[:, None]))[:, 0]
    p /= p.sum()
    assert mean[0] == pytest.approx(p @ eta, abs=1e-3)
    assert variance[0] == pytest.approx(p @ (eta - p @ eta) ** 2, rel=5e-3)


def test_a_count_far_more_certain_than_its_cavity_keeps_the_moments_of_its_empirical_logit() -> None:
    rows = cells((1.0, 40_000.0, 100_000.0, NAN, NAN))
    logit, variance = np.log(40_000.0 / 60_000.0), 1.0 / (100_000.0 * 0.4 * 0.6)
    mean, got = tilted_moments(
        Counts.of(rows), np.zeros(1), np.full(1, 4.0), np.array([logit]), np.array([np.sqrt(variance)])
    )
    assert mean[0] == pytest.approx(logit, abs=0.02 * np.sqrt(variance))
    assert got[0] == pytest.approx(variance, rel=1e-3)


def test_the_likelihood_of_a_count_is_that_of_the_explicit_route() -> None:
    # counts, intervals of all widths, and full-time equivalents, whose rounding intervals may hold a single integer
    rows = pd.DataFrame(
        {
            "family": "binomial",
            "sign": [1.0, -1.0, 1.0, 1.0, -1.0, 1.0],
            "numerator": [3.0, 2.5, np.nan, np.nan, np.nan, np.nan],
            "denominator": [40.0, 223.9, 300.0, 674.0, 90.0, 233.7],
            "lower": [np.nan, np.nan, 1.0, 562.0, 0.0, 0.0],
            "upper": [np.nan, np.nan, 5.0, 596.0, 12.0, 0.05],
        }
    )
    z = np.array([-3.0, -1.0, 0.5, 2.0])
    explicit = np.stack([count_logp(rows, pt.constant(np.full(len(rows), v))).eval() for v in z], axis=1)
    found = Counts.of(rows).log_likelihood(np.broadcast_to(z, (len(rows), z.size)))
    np.testing.assert_allclose(found - found[:, :1], explicit - explicit[:, :1], rtol=1e-9, atol=1e-9)


def test_with_its_constant_the_likelihood_is_a_probability() -> None:
    """Over all counts it sums to one; of an interval it is the sum over its counts."""
    n, z = 30, np.array([[-1.3, 0.2, 0.7]])
    counts = pd.DataFrame({"numerator": np.arange(n + 1.0), "lower": np.nan, "upper": np.nan})
    wide = pd.DataFrame({"numerator": np.nan, "lower": [2.0, 4.0, 0.0], "upper": [6.0, 27.0, 30.0]})

    def probability(rows: pd.DataFrame, family: str) -> np.ndarray:
        given = Counts.of(rows.assign(family=family, sign=1.0, denominator=float(n)))
        return np.asarray(np.exp(given.log_likelihood(np.repeat(z, len(rows), axis=0)) + given.constant[:, None]))

    exact = binom.pmf(np.arange(n + 1)[:, None], n, 1.0 / (1.0 + np.exp(-z)))
    np.testing.assert_allclose(probability(counts, "binomial"), exact, rtol=1e-10)
    sums = [exact[2:7].sum(axis=0), exact[4:28].sum(axis=0), np.ones(3)]
    np.testing.assert_allclose(probability(wide, "binomial"), sums, rtol=1e-10)
    rates = poisson.pmf(np.arange(n + 1)[:, None], n * np.exp(z))
    np.testing.assert_allclose(probability(counts, "poisson"), rates, rtol=1e-10)
    np.testing.assert_allclose(probability(wide.iloc[:1], "poisson")[0], rates[2:7].sum(axis=0), rtol=1e-10)


# Intervals too wide to be summed count by count.

ENDS = [(0.0, 80.0), (20.0, 90.0), (20.0, 100.0), (0.0, 99.0), (1.0, 100.0), (49.0, 49.0)]


@pytest.mark.parametrize(("low", "high"), ENDS)
def test_the_log_probability_of_an_interval_is_that_of_the_sum_over_its_counts(low: float, high: float) -> None:
    n, eta = 100.0, np.linspace(-6.0, 6.0, 25)
    count = np.arange(low, high + 1.0)[:, None]
    for family, reference in (
        (BINOMIAL, logsumexp(binom.logpmf(count, n, 1.0 / (1.0 + np.exp(-eta))), axis=0)),
        (POISSON, logsumexp(poisson.logpmf(count, n * np.exp(eta)), axis=0)),
    ):
        near = reference > -600.0
        found = of_interval(low, high, n, family, eta)
        np.testing.assert_allclose(found[near], reference[near], rtol=1e-9, atol=1e-12)
        assert near.sum() > 10


def test_an_interval_of_everything_is_certain_and_of_a_rate_s_unbounded_counts_it_is_not() -> None:
    eta = np.linspace(-30.0, 30.0, 13)
    np.testing.assert_allclose(of_interval(0.0, 100.0, 100.0, BINOMIAL, eta), 0.0, atol=1e-12)
    assert of_interval(0.0, 100.0, 100.0, POISSON, np.array([1.0]))[0] < -10.0


@pytest.mark.parametrize("family", [BINOMIAL, POISSON])
def test_far_out_an_interval_has_the_log_probability_of_its_nearer_end(family: CountFamily) -> None:
    # eight thousand counts of ten thousand, where the interval's own probability underflows
    low, high, n = 1000.0, 9000.0, 10_000.0
    for eta, end in ((-12.0, low), (4.5, high)):
        p, mean = 1.0 / (1.0 + np.exp(-eta)), n * np.exp(eta)
        nearer = poisson.logpmf(end, mean) if family is POISSON else binom.logpmf(end, n, p)
        found = of_interval(low, high, n, family, np.array([eta, eta + 1e-3]))
        assert nearer < -1000.0
        assert found[0] == pytest.approx(nearer, rel=1e-3)
        assert np.sign(found[1] - found[0]) == (1.0 if end == low else -1.0)


def of_interval(low: float, high: float, n: float, family: CountFamily, eta: np.ndarray) -> np.ndarray:
    return interval_log_probability(family, np.array(low), np.array(high), np.array(n), eta)


@pytest.mark.parametrize("family", ["binomial", "poisson"])
def test_the_site_of_an_interval_wider_than_are_summed_has_the_moments_of_integration(family: str) -> None:
    n, low, high = 300.0, 30.0, 190.0
    assert high - low > INTERVAL_WIDTHS[-1]
    rows = cells((1.0, NAN, n, low, high)).assign(family=family)
    layout, real = some_years(1)
    z, variance, change = fit_sites(layout, real, rows, np.array([True]), sweeps=100, tolerance=1e-9)
    assert change < 1e-9
    noise = LOADING**2 * PRIOR_SD**2 + AR_SD**2 + WHITE_SD**2
    eta = np.linspace(-9.0, 7.0, 8001)
    p = (
        poisson.cdf([[high], [low - 1.0]], n * np.exp(eta))
        if family == "poisson"
        else binom.cdf([[high], [low - 1.0]], n, 1.0 / (1.0 + np.exp(-eta)))
    )
    weight = (p[0] - p[1]) * norm.pdf(eta, OFFSET, np.sqrt(noise))
    weight /= weight.sum()
    gain = LOADING * PRIOR_SD**2 / noise
    mean = weight @ (gain * (eta - OFFSET))
    sd = np.sqrt(PRIOR_SD**2 - gain**2 * noise + gain**2 * (weight @ eta**2 - (weight @ eta) ** 2))
    got_mean, got_sd = theta_moments(z, variance)
    # a plateau with steep ends takes the quadrature a fiftieth of an sd
    assert got_mean == pytest.approx(mean, abs=0.02 * sd)
    assert got_sd == pytest.approx(sd, rel=0.02)
