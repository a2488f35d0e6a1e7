"""Cells of a panel as observations: where the site of a count starts, intervals, what is left out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bayes_csc.measurement.observations import observation_rows
from bayes_csc.panel.indicators import Indicator
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


def row(cells: pd.DataFrame, *, polarity: str = "higher is better", instant: str = "midpoint", **counts: Any):
    rows = observation_rows(cells, {"k": indicator(polarity, instant)}, Counts(**counts))
    return rows.iloc[0] if len(rows) else None


def test_a_site_starts_at_the_empirical_logit() -> None:
    # y = 30, n = 80: p = 30.5 / 81; log(30.5 / 50.5) and 1 / (80 * 30.5 * 50.5 / 81 ** 2), by hand.
    r = row(cell(30.0, 80.0))
    assert r.z == pytest.approx(-0.504246, abs=1e-6)
    assert r.variance == pytest.approx(0.053246, abs=1e-6)


def test_higher_is_worse_turns_the_sign_and_polarity_not_agreed_does_not() -> None:
    better, worse, neither = (
        row(cell(30.0, 80.0), polarity=p) for p in ("higher is better", "higher is worse", "not agreed")
    )
    assert (worse.z, worse.sign, worse.variance) == (-better.z, -1.0, better.variance)
    assert (neither.z, neither.sign) == (better.z, 1.0)


@pytest.mark.parametrize("numerator", [0.0, 100.0])
def test_a_count_of_none_or_all_starts_at_a_finite_logit(numerator: float) -> None:
    r = row(cell(numerator))
    assert np.isfinite([r.z, r.variance]).all()


@pytest.mark.parametrize("family", ["binomial", "poisson", "lognormal", "gaussian"])
def test_every_count_is_a_site_however_large_and_no_value_is(family: str) -> None:
    figures = pd.concat([cell(50.0, 1e5), cell(1.0), cell(NAN, 1e4, 1.0, 5000.0)]).assign(value=[0.3, 0.4, NAN])
    rows = observation_rows(figures, {"k": replace(indicator(), family=family)}, Counts())
    counted = family in ("binomial", "poisson")
    assert rows.site.tolist() == [counted] * (3 if counted else 2)
    assert rows.site.dtype == bool


@pytest.mark.parametrize(("lower", "upper", "denominator"), [(54.0, 65.0, 114.0), (3041.0, 3134.0, 3502.0)])
def test_an_interval_starts_at_the_logit_of_its_middle_and_keeps_its_ends(
    lower: float, upper: float, denominator: float
) -> None:
    r = row(cell(NAN, denominator, lower, upper))
    middle = row(cell((lower + upper) / 2, denominator))
    assert (r.lower, r.upper) == (lower, upper)
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


@pytest.mark.parametrize(("lower", "upper"), [(20.0, 50.0), (20.0, 80.0), (0.0, 99.0), (1.0, 100.0)])
def test_an_interval_of_any_width_short_of_everything_is_an_observation(lower: float, upper: float) -> None:
    r = row(cell(NAN, 100.0, lower, upper))
    assert (r.lower, r.upper) == (lower, upper)
    assert row(cell(NAN, 100.0, 0.0, 100.0)) is None


def test_a_suppressed_count_of_1_to_5_has_its_interval_within_its_denominator() -> None:
    r = row(cell(NAN, 4.0, 1.0, 5.0))
    assert (r.lower, r.upper) == (1.0, 4.0)
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


# What a suppressed count stands for.


def hidden(*, widest_lower: float = NAN, widest_upper: float = NAN) -> pd.DataFrame:
    return cell(NAN, 100.0, 2.0, 5.0).assign(widest_lower=widest_lower, widest_upper=widest_upper)


@pytest.mark.parametrize(
    ("cells", "limits"),
    [
        (hidden(), (2.0, 5.0)),
        (hidden(widest_upper=40.0), (2.0, 40.0)),
        (hidden(widest_lower=1.0), (1.0, 5.0)),
        (hidden(widest_lower=1.0, widest_upper=40.0), (1.0, 40.0)),
        (cell(NAN, 100.0, 2.0, 5.0), (2.0, 5.0)),
    ],
    ids=["the same", "wider above", "wider below", "wider", "no such columns"],
)
def test_the_widest_interval_takes_the_place_of_the_usual_one_where_asked(
    cells: pd.DataFrame, limits: tuple[float, float]
) -> None:
    usual, widest = row(cells), row(cells, suppressed="widest")
    assert (usual.lower, usual.upper) == (2.0, 5.0)
    assert (widest.lower, widest.upper) == limits


def test_a_widest_interval_of_everything_leaves_the_cell_out() -> None:
    everything = hidden(widest_lower=0.0, widest_upper=100.0)
    assert row(everything) is not None
    assert row(everything, suppressed="widest") is None
    assert row(hidden(widest_upper=100.0), suppressed="widest") is not None


def test_suppressed_counts_are_left_out_where_asked_and_no_others() -> None:
    assert row(hidden(), suppressed="left out") is None
    assert row(cell(30.0), suppressed="left out").z == row(cell(30.0)).z


# Confidence in a figure.


@pytest.mark.parametrize(("level", "sd"), [(1.0, 0.5), (2.0, 0.25), (3.0, 0.0), (NAN, 0.0)])
def test_doubt_adds_its_variance_to_that_of_sampling(level: float, sd: float) -> None:
    sure, doubted = row(cell(30.0)), row(cell(30.0).assign(confidence=level))
    assert doubted.variance == pytest.approx(sure.variance + sd**2, abs=1e-15)
    assert doubted.confidence_variance == sd**2
    assert (doubted.z, doubted.site) == (sure.z, sure.site)


def test_how_much_doubt_a_level_stands_for_is_a_choice_of_the_spec() -> None:
    doubted = cell(30.0).assign(confidence=1.0)
    assert row(doubted, confidence_sd=(1.0, 0.5, 0.1)).confidence_variance == 1.0
    assert row(doubted, confidence_sd=(0.0, 0.0, 0.0)).variance == row(cell(30.0)).variance


@pytest.mark.parametrize(("family", "added"), [("poisson", 0.25), ("gaussian", 0.0)])
def test_doubt_is_of_counts_not_of_values(family: str, added: float) -> None:
    figures = pd.concat([cell(30.0), cell(40.0)]).assign(value=[0.3, 0.4])
    key = {"k": replace(indicator(), family=family)}
    sure, doubted = (observation_rows(c, key, Counts()) for c in (figures, figures.assign(confidence=1.0)))
    np.testing.assert_allclose(doubted.variance - sure.variance, added, atol=1e-15)
    np.testing.assert_array_equal(doubted.confidence_variance, added)


@settings(deadline=None)
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
