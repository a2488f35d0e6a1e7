"""Exact likelihoods of counts, intervals and grades, against SciPy."""

from __future__ import annotations

import functools
import io
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytensor
import pytensor.tensor as pt
import pytest
from pytensor.compile.mode import Mode
from scipy.integrate import quad
from scipy.stats import binom, norm

from bayes_csc_models.likelihood import count_logp, ordinal_logp


def cells(*rows: tuple[float, float, float, float, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["sign", "numerator", "denominator", "lower", "upper"]).assign(family="binomial")


NAN = np.nan
PLAIN = Mode("py", "fast_compile")
MIXED = cells(
    (1.0, 0.0, 12.0, NAN, NAN),
    (-1.0, 3.0, 20.0, NAN, NAN),
    (1.0, NAN, 30.0, 1.0, 5.0),
    (-1.0, NAN, 7.0, 0.0, 7.0),
    (-1.0, NAN, 400.0, 180.0, 230.0),
    (1.0, NAN, 15.0, 4.0, 4.0),
)
LOGITS = np.array([-2.0, 0.4, -1.5, 3.0, -0.1, 0.7])


def evaluated(rows: pd.DataFrame, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    value, gradient = compiled(rows.to_json())(z)
    return value, gradient


@functools.cache
def compiled(rows: str) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    x = pt.dvector()
    logp = count_logp(pd.read_json(io.StringIO(rows), dtype=float), x)
    return pytensor.function([x], [logp, pytensor.grad(logp.sum(), x)], mode=PLAIN)


def interval_log_probability(rows: pd.DataFrame, z: np.ndarray) -> np.ndarray:
    p = 1.0 / (1.0 + np.exp(-rows.sign * z))
    low, high = rows.lower.fillna(rows.numerator), rows.upper.fillna(rows.numerator)
    return np.log(binom.cdf(high, rows.denominator, p) - binom.cdf(low - 1.0, rows.denominator, p))


def test_counts_and_intervals_have_binomial_log_probabilities_up_to_a_constant_of_the_data() -> None:
    # An observed count leaves out log C(n, y), which no parameter changes.
    gap = evaluated(MIXED, LOGITS)[0] - interval_log_probability(MIXED, LOGITS)
    other = evaluated(MIXED, LOGITS + 0.8)[0] - interval_log_probability(MIXED, LOGITS + 0.8)
    np.testing.assert_allclose(gap, other, atol=1e-9)


def test_an_interval_of_every_count_is_certain() -> None:
    value, gradient = evaluated(MIXED, LOGITS)
    assert value[3] == pytest.approx(0.0, abs=1e-10)
    assert gradient[3] == pytest.approx(0.0, abs=1e-10)


def test_a_wide_interval_has_its_whole_log_probability() -> None:
    value, _ = evaluated(MIXED, LOGITS)
    wide = [2, 4]
    np.testing.assert_allclose(value[wide], interval_log_probability(MIXED, LOGITS)[wide], atol=1e-9)


def test_the_gradient_is_that_of_the_log_probability_and_stays_finite_far_out() -> None:
    step = 1e-6
    value_gap = evaluated(MIXED, LOGITS + step)[0] - evaluated(MIXED, LOGITS - step)[0]
    np.testing.assert_allclose(evaluated(MIXED, LOGITS)[1], value_gap / (2 * step), atol=1e-6)
    for far in (-40.0, 40.0):
        value, gradient = evaluated(MIXED, np.full(len(MIXED), far))
        assert np.isfinite(value).all()
        assert np.isfinite(gradient).all()


def test_observed_counts_alone_need_no_interval() -> None:
    rows = cells((1.0, 4.0, 9.0, NAN, NAN))
    assert evaluated(rows, np.array([0.3]))[1] == pytest.approx(4.0 - 9.0 / (1.0 + np.exp(-0.3)))


# Grades.

CUTPOINTS = np.array([-1.2, 0.1, 1.4])


def grade_log_probability(score: int, latent: float) -> tuple[float, float]:
    value, gradient = compiled_grades()(np.full(4, latent))
    return float(value[score]), float(gradient[score])


@functools.cache
def compiled_grades() -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    f = pt.dvector()
    logp = ordinal_logp(np.arange(4), f, pt.as_tensor(np.tile(CUTPOINTS, (4, 1))))
    return pytensor.function([f], [logp, pytensor.grad(logp.sum(), f)], mode=PLAIN)


@pytest.mark.parametrize("latent", [-3.0, 0.0, 0.6, 5.0])
def test_grades_have_the_probability_between_their_cutpoints_and_add_to_one(latent: float) -> None:
    ends = np.concatenate([[-np.inf], CUTPOINTS, [np.inf]])
    expected = np.diff(norm.cdf(ends - latent))
    got = np.exp([grade_log_probability(s, latent)[0] for s in range(4)])
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-15)
    assert got.sum() == pytest.approx(1.0, abs=1e-8)  # PyMC's log normal probabilities have 8 digits


@pytest.mark.parametrize(("score", "latent"), [(3, -8.0), (0, 9.0), (1, 12.0), (2, -12.0)])
def test_tail_probabilities_keep_their_digits(score: int, latent: float) -> None:
    low, high = np.concatenate([[-np.inf], CUTPOINTS, [np.inf]])[score : score + 2] - latent
    if low + high > 0:
        low, high = -high, -low
    expected = norm.logcdf(high) + np.log1p(-np.exp(norm.logcdf(low) - norm.logcdf(high)))
    value, gradient = grade_log_probability(score, latent)
    assert value == pytest.approx(expected, rel=1e-9)
    assert np.sign(gradient) == (1.0 if low + high == 0 or latent < 0 else -1.0)


def test_half_the_noise_before_and_half_within_the_probit_is_the_whole_noise() -> None:
    # u = f + N(0, 1/2) + N(0, 1/2): the free score of a judgement may carry part of its noise.
    mean = 0.8
    for s in range(4):
        ends = np.concatenate([[-np.inf], CUTPOINTS, [np.inf]])
        split = quad(
            lambda f, s=s, ends=ends: (
                norm.pdf(f, mean, np.sqrt(0.5)) * np.diff(norm.cdf((ends[s : s + 2] - f) / np.sqrt(0.5)))[0]
            ),
            -8.0,
            8.0,
        )[0]
        assert np.log(split) == pytest.approx(grade_log_probability(s, mean)[0], abs=1e-7)
