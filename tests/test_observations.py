"""Cells of a panel as observations: empirical logits, intervals, what is small, what is left out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayes_csc.indicators import Indicator
from bayes_csc.observations import observation_rows
from bayes_csc.spec import Counts

NAN = np.nan


def indicator(polarity: str = "higher is better", instant: str = "midpoint") -> Indicator:
    return Indicator("k", "K", "K.", "binomial", polarity, "some", "all", "d", "made", instant, 10)


def cell(
    numerator: float = NAN, denominator: float = 100.0, lower: float = NAN, upper: float = NAN, status: str = ""
) -> pd.DataFrame:
    """One cell for the year to 31 March 2024; observed if it has a numerator, else suppressed."""
    return pd.DataFrame(
        {
            "authority": ["101"], "year": [2024], "indicator": ["k"], "numerator": [numerator],
            "denominator": [denominator], "lower": [lower], "upper": [upper],
            "status": [status or ("suppressed" if np.isnan(numerator) else "observed")],
            "reference_start": [pd.Timestamp("2023-04-01")], "reference_end": [pd.Timestamp("2024-03-31")],
        }
    )  # fmt: skip


def row(cells: pd.DataFrame, *, polarity: str = "higher is better", instant: str = "midpoint", **counts: float):
    rows = observation_rows(cells, {"k": indicator(polarity, instant)}, Counts(**counts))
    return rows.iloc[0] if len(rows) else None


def test_an_empirical_logit_has_its_reference_value() -> None:
    # y = 30, n = 80: p = 30.5 / 81; log(30.5 / 50.5) and 1 / (80 * 30.5 * 50.5 / 81 ** 2), by hand.
    r = row(cell(30.0, 80.0))
    assert r.z == pytest.approx(-0.504246, abs=1e-6)
    assert r.variance == pytest.approx(0.053246, abs=1e-6)
    assert not r.small


def test_higher_is_worse_turns_the_sign_and_polarity_not_agreed_does_not() -> None:
    better, worse, neither = (
        row(cell(30.0, 80.0), polarity=p) for p in ("higher is better", "higher is worse", "not agreed")
    )
    assert (worse.z, worse.sign, worse.variance) == (-better.z, -1.0, better.variance)
    assert (neither.z, neither.sign) == (better.z, 1.0)


@pytest.mark.parametrize("numerator", [0.0, 100.0])
def test_a_count_of_none_or_all_has_a_finite_logit_and_is_small(numerator: float) -> None:
    r = row(cell(numerator))
    assert np.isfinite([r.z, r.variance]).all()
    assert r.small


@pytest.mark.parametrize(("numerator", "small"), [(10.0, True), (12.0, False)])
def test_a_cell_is_small_below_the_threshold_of_its_information(numerator: float, small: bool) -> None:
    # n p (1 - p) with p = (y + 1/2) / 101: 9.3 and 10.8.
    assert row(cell(numerator)).small == small


def test_no_threshold_leaves_nothing_small_and_an_endless_one_leaves_all_small() -> None:
    assert not row(cell(1.0), threshold=0.0).small
    assert row(cell(50.0, 1e5), threshold=1e9).small


@pytest.mark.parametrize(("lower", "upper", "denominator"), [(54.0, 65.0, 114.0), (3041.0, 3134.0, 3502.0)])
def test_an_interval_that_pins_its_logit_down_is_a_logit_of_its_middle(
    lower: float, upper: float, denominator: float
) -> None:
    r = row(cell(NAN, denominator, lower, upper))
    middle = row(cell((lower + upper) / 2, denominator))
    assert not r.small
    assert r.z == pytest.approx(middle.z)
    extra = (upper - lower + 1) ** 2 / 12
    assert r.variance == pytest.approx(middle.variance + extra * middle.variance**2)


def test_the_variance_of_an_interval_is_that_of_counts_spread_evenly_over_it() -> None:
    # Simulated: y even over the interval, its logit drawn from N(logit, 1 / (n p (1 - p))) at each y.
    lower, upper, n = 54, 65, 114
    y = np.arange(lower, upper + 1)
    p = (y + 0.5) / (n + 1)
    variance = np.var(np.log(p / (1 - p))) + np.mean(1 / (n * p * (1 - p)))
    assert row(cell(NAN, n, lower, upper)).variance == pytest.approx(variance, rel=0.02)


def test_an_interval_wider_than_its_count_s_noise_is_small_up_to_60_counts() -> None:
    assert row(cell(NAN, 100.0, 20.0, 50.0)).small
    assert row(cell(NAN, 100.0, 20.0, 79.0)).small
    assert row(cell(NAN, 100.0, 20.0, 80.0)) is None


def test_a_suppressed_count_of_1_to_5_is_small_and_keeps_its_interval_within_its_denominator() -> None:
    r = row(cell(NAN, 4.0, 1.0, 5.0))
    assert (bool(r.small), r.lower, r.upper) == (True, 1.0, 4.0)
    assert np.isnan(r.numerator)


@pytest.mark.parametrize(
    "cells",
    [
        cell(NAN, NAN, 1.0, 5.0),
        cell(0.0, 0.0),
        cell(NAN, NAN, status="not_available"),
        cell(NAN, 50.0, status="not_applicable"),
        cell(NAN, 50.0),
    ],
    ids=["no denominator", "of nobody", "not available", "not applicable", "no interval"],
)
def test_a_cell_that_says_nothing_is_left_out(cells: pd.DataFrame) -> None:
    assert row(cells) is None


def test_reference_instants_are_the_middle_of_a_year_and_the_date_of_a_stock() -> None:
    # 30 September 2023 is grid point 2024 although 2023/24 has its middle a day later; 31 March 2024 is half way.
    assert row(cell(30.0)).position == 2024.0
    assert row(cell(30.0), instant="end").position == pytest.approx(2024.5, abs=0.002)


@given(st.integers(1, 5000), st.floats(0, 0.99), st.sampled_from(["higher is better", "higher is worse", "not agreed"]))
def test_widening_an_interval_to_everything_equals_missing(denominator: int, over: float, polarity: str) -> None:
    others = cell(30.0, 80.0)
    widened = pd.concat([others, cell(NAN, float(denominator), 0.0, denominator + over)], ignore_index=True)
    missing = pd.concat([others, cell(NAN, float(denominator), status="not_available")], ignore_index=True)
    dictionary = {"k": indicator(polarity)}
    rows = [observation_rows(cells, dictionary, Counts()) for cells in (widened, missing)]
    pd.testing.assert_frame_equal(*rows)


@pytest.mark.parametrize(("lower", "upper"), [(1.0, 10.0), (0.0, 9.0)])
def test_an_interval_of_everything_but_one_count_is_kept(lower: float, upper: float) -> None:
    assert row(cell(NAN, 10.0, lower, upper)) is not None
