"""Intervals of the studies: Wilson's by a published value, the bootstrap by identities and its known limit."""

from __future__ import annotations

import numpy as np
import pytest

from bayes_csc.evaluation.studies.intervals import bootstrap, wilson


def test_wilson_is_the_published_interval() -> None:
    # Newcombe 1998 (Statistics in Medicine 17, table I), method 3: 81 of 263, and 1 of 29, 95%
    assert wilson(81, 263, probability=0.95) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(1, 29, probability=0.95) == pytest.approx((0.0061, 0.1718), abs=5e-5)


def test_no_case_has_no_interval() -> None:
    assert np.isnan(wilson(0, 0)).all()


def means(values: np.ndarray) -> object:
    return lambda at: np.array([values[at].mean()])


def test_the_order_of_the_rows_does_not_matter() -> None:
    rng = np.random.default_rng(1)
    authority, value = rng.choice(list("abcdefgh"), 40), rng.normal(size=40)
    order = rng.permutation(40)
    one = bootstrap(authority, means(value), seed=2, replicates=50)
    other = bootstrap(authority[order], means(value[order]), seed=2, replicates=50)
    np.testing.assert_allclose(one, other, rtol=1e-12)


def test_an_authority_seen_many_times_counts_as_one() -> None:
    rng = np.random.default_rng(1)
    authority, value = np.arange(30).astype(str), rng.normal(size=30)
    once = bootstrap(authority, means(value), seed=2, replicates=50)
    often = bootstrap(np.repeat(authority, 5), means(np.repeat(value, 5)), seed=2, replicates=50)
    np.testing.assert_allclose(once, often, rtol=1e-12)


def test_the_interval_of_a_mean_is_the_normal_one_where_there_are_many() -> None:
    # 89% of a normal is 1.598 sd to either side; 4,000 replicates leave an end of it an error of 0.03 sd
    value = np.random.default_rng(1).normal(size=400)
    low, high = bootstrap(np.arange(400), means(value), seed=3, replicates=4000)
    error = value.std() / np.sqrt(400)
    assert (value.mean() - low[0]) / error == pytest.approx(1.598, abs=0.12)
    assert (high[0] - value.mean()) / error == pytest.approx(1.598, abs=0.12)


def test_a_statistic_that_a_sample_lacks_is_left_to_the_others() -> None:
    rare = np.array([1.0, *([np.nan] * 9)])

    def largest(at: np.ndarray) -> np.ndarray:
        known = rare[at][~np.isnan(rare[at])]
        return np.array([known.max() if known.size else np.nan, np.nan])

    low, high = bootstrap(np.arange(10), largest, seed=1, replicates=200)
    assert low[0] == high[0] == 1.0
    assert np.isnan([low[1], high[1]]).all()
