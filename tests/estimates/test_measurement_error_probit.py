"""The ordered probit with error in its covariate: against statsmodels, simulation, and by symmetry."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import check_grad
from statsmodels.miscmodels.ordinal_model import OrderedModel

from bayes_csc.estimates.measurement_error_probit import _objective, concordance, noisy_probit_slope

RNG = np.random.default_rng(11)


def drawn(n: int, slope: float, variance: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores, scales and the known part of the covariate."""
    mean, scale = RNG.standard_normal(n), RNG.integers(0, 2, n)
    u = slope * (mean + np.sqrt(variance) * RNG.standard_normal(n)) + 0.4 * scale + RNG.standard_normal(n)
    return (u[:, None] > [-1.0, 0.2, 1.1]).sum(axis=1), scale, mean


def test_without_error_and_shifts_it_is_the_ordered_probit_of_statsmodels() -> None:
    score, _, x = drawn(300, 0.7, 0.0)
    found = noisy_probit_slope(score, np.zeros(300, dtype=int), x, np.zeros(300), np.ones(300))
    known = OrderedModel(score, x[:, None], distr="probit").fit(method="bfgs", disp=False)
    assert found == pytest.approx(known.params[0], abs=2e-4)  # the weak prior


def test_scales_are_shifts_as_a_column_of_the_regression_is() -> None:
    score, scale, x = drawn(300, 0.7, 0.0)
    found = noisy_probit_slope(score, scale, x, np.zeros(300), np.ones(300))
    known = OrderedModel(score, np.column_stack([x, scale]), distr="probit").fit(method="bfgs", disp=False)
    assert found == pytest.approx(known.params[0], abs=2e-4)


def test_a_weight_is_a_count() -> None:
    score, scale, x = drawn(80, 0.7, 0.3)
    times = RNG.integers(0, 4, 80)
    v, again = np.full(80, 0.3), np.repeat(np.arange(80), times)
    weighted = noisy_probit_slope(score, scale, x, v, times.astype(float))
    repeated = noisy_probit_slope(score[again], scale[again], x[again], v[again], np.ones(again.size))
    assert weighted == pytest.approx(repeated, abs=1e-4)


def test_error_in_the_covariate_is_not_taken_for_a_weaker_slope() -> None:
    n, slope, variance = 20_000, 1.2, 0.8
    score, scale, mean = drawn(n, slope, variance)
    ones = np.ones(n)
    with_error = noisy_probit_slope(score, scale, mean, np.full(n, variance), ones)
    assert with_error == pytest.approx(slope, abs=0.06)  # four standard errors
    ignored = noisy_probit_slope(score, scale, mean, np.zeros(n), ones)
    assert ignored == pytest.approx(slope / np.sqrt(1 + slope**2 * variance), abs=0.06)


def test_the_gradient_is_that_of_differences() -> None:
    score, scale, x = drawn(60, 0.7, 0.3)
    v, w = RNG.uniform(0.1, 1.0, 60), RNG.standard_exponential(60)
    free = np.array([0.6, -0.8, 0.1, -0.2, 0.3])
    value, slope = (lambda f, i=i: _objective(f, score, scale, x, v, w)[i] for i in (0, 1))
    assert check_grad(value, slope, free) < 1e-4


def test_one_grade_has_no_slope() -> None:
    assert np.isnan(noisy_probit_slope(np.ones(5, int), np.zeros(5, int), np.arange(5.0), np.zeros(5), np.ones(5)))


def test_concordance_counts_pairs_of_one_scale_with_different_scores() -> None:
    score, scale = np.array([0, 1, 2, 0]), np.array([0, 0, 0, 1])
    value = np.array([0.0, 2.0, 1.0, 9.0])
    # of (0, 1), (0, 2) and (1, 2) the first two are in order; the fourth is alone on its scale
    assert concordance(score, scale, value, np.ones(4)) == pytest.approx(2 / 3)
    assert concordance(score, scale, np.zeros(4), np.ones(4)) == 0.5
    weight = np.array([2.0, 1.0, 3.0, 1.0])
    assert concordance(score, scale, value, weight) == pytest.approx((2 + 6) / (2 + 6 + 3))
    assert np.isnan(concordance(np.zeros(3, int), np.zeros(3, int), np.arange(3.0), np.ones(3)))
