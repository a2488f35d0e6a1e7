"""Sites of grades against the exact moments that expectation propagation matches, by quadrature."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from bayes_csc.estimates.grade_sites import fit_grade_sites, score_derivatives

GRADES = {"lowest": (-np.inf, -0.7), "inner": (-0.7, 0.4), "highest": (0.4, np.inf), "far": (9.0, np.inf)}


def exact_moments(mean: float, variance: float, low: float, high: float) -> tuple[float, float, float]:
    """Log probability of a grade, and mean and variance of its f, on a fine grid."""
    f = mean + np.sqrt(variance) * np.linspace(-14.0, 14.0, 40001)
    flipped = low > f.max() - 4.0  # an upper tail keeps its digits as a lower one
    p = norm.cdf(f - low) - norm.cdf(f - high) if flipped else norm.cdf(high - f) - norm.cdf(low - f)
    density = p * norm.pdf(f, mean, np.sqrt(variance)) * (f[1] - f[0])
    z = density.sum()
    centre = float(density @ f / z)
    return float(np.log(z)), centre, float(density @ (f - centre) ** 2 / z)


def several(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(4, 4))
    low, high = np.array([*list(GRADES.values())[:3], GRADES["inner"]]).T
    return rng.normal(size=4), root @ root.T + 0.1 * np.eye(4), low, high


def posterior(
    mean: np.ndarray, covariance: np.ndarray, tau: np.ndarray, eta: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    precision = np.linalg.inv(covariance)
    out = np.linalg.inv(precision + np.diag(tau))
    return out @ (precision @ mean + eta), out


@pytest.mark.parametrize("grade", GRADES)
def test_the_slope_and_bend_of_a_grade_s_log_probability_are_its_derivatives(grade: str) -> None:
    low, high = GRADES[grade]
    mean, variance, h = 0.3, 0.8, 1e-3
    slope, bend = score_derivatives(*(np.array([x]) for x in (mean, variance, low, high)))
    # under f ~ N(mean, v) and its grade, E f = mean + v slope and Var f = v + v ** 2 bend
    _, centre, spread = exact_moments(mean, variance, low, high)
    assert mean + variance * slope[0] == pytest.approx(centre, rel=1e-9)
    assert variance + variance**2 * bend[0] == pytest.approx(spread, rel=1e-7)
    up, down = (exact_moments(mean + step, variance, low, high)[0] for step in (h, -h))
    assert slope[0] == pytest.approx((up - down) / (2 * h), rel=1e-5)


@pytest.mark.parametrize("grade", GRADES)
def test_a_single_grade_s_site_leaves_its_exact_moments(grade: str) -> None:
    low, high = (np.array([x]) for x in GRADES[grade])
    mean, covariance = np.array([0.2]), np.array([[1.7]])
    centre, spread = posterior(mean, covariance, *fit_grade_sites(mean, covariance, low, high))
    _, wanted, variance = exact_moments(0.2, 1.7, *GRADES[grade])
    assert centre[0] == pytest.approx(wanted, rel=1e-9)
    assert spread[0, 0] == pytest.approx(variance, rel=1e-7)


def test_each_of_several_sites_leaves_the_moments_of_its_cavity_and_its_exact_probability() -> None:
    mean, covariance, low, high = several()
    tau, eta = fit_grade_sites(mean, covariance, low, high)
    centre, spread = posterior(mean, covariance, tau, eta)
    for i in range(4):
        others = np.arange(4) != i
        cavity, width = posterior(mean, covariance, tau * others, eta * others)
        _, wanted, variance = exact_moments(cavity[i], width[i, i], low[i], high[i])
        assert centre[i] == pytest.approx(wanted, rel=1e-8)
        assert spread[i, i] == pytest.approx(variance, rel=1e-7)


def test_grades_that_know_nothing_of_each_other_have_the_sites_they_have_alone() -> None:
    mean, covariance, low, high = several()
    alone = np.diag(np.diag(covariance))
    tau, eta = fit_grade_sites(mean, alone, low, high)
    for i in range(4):
        one = np.array([i])
        own = fit_grade_sites(mean[one], alone[np.ix_(one, one)], low[one], high[one])
        np.testing.assert_allclose((tau[i], eta[i]), np.ravel(own), rtol=1e-12)


def test_a_grade_that_leaves_every_score_possible_says_nothing() -> None:
    mean, covariance, low, high = several()
    low[1], high[1] = -np.inf, np.inf
    tau, eta = fit_grade_sites(mean, covariance, low, high)
    assert (tau[1], eta[1]) == (0.0, 0.0)
    rest = np.array([0, 2, 3])
    without = fit_grade_sites(mean[rest], covariance[np.ix_(rest, rest)], low[rest], high[rest])
    np.testing.assert_allclose((tau[rest], eta[rest]), without, rtol=1e-11)


def test_a_scale_turned_over_turns_the_sites_over() -> None:
    mean, covariance, low, high = several()
    tau, eta = fit_grade_sites(mean, covariance, low, high)
    turned = fit_grade_sites(-mean, covariance, -high, -low)
    np.testing.assert_allclose(turned, (tau, -eta), rtol=1e-10)


def test_draws_side_by_side_have_the_sites_they_have_by_themselves() -> None:
    cases = [several(seed) for seed in range(3)]
    together = fit_grade_sites(*(np.stack(part) for part in zip(*cases, strict=True)))
    for k, case in enumerate(cases):
        np.testing.assert_allclose([part[k] for part in together], fit_grade_sites(*case), rtol=1e-11, atol=1e-12)
