"""Scores by hand, against other implementations, and under weights; calibration and the mixture of forecasters."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import mannwhitneyu

from bayes_csc.backtest.reliability import reliability
from bayes_csc.backtest.scores import auc_within, brier, log_score, ranked_probability_score, sensitivity
from bayes_csc.backtest.stack import mixture_weights, stacked
from bayes_csc.backtest.summary import chance_of_worse, score_table

P = [f"p_grade_{g}" for g in range(1, 5)]


def test_scores_of_three_events_are_those_worked_out_by_hand() -> None:
    p = np.array([[0.1, 0.2, 0.3, 0.4], [0.25, 0.25, 0.25, 0.25], [0.0, 0.5, 0.5, 0.0]])
    grade, weight = np.array([4, 1, 2]), np.ones(3)
    assert float(log_score(p, grade, weight)) == pytest.approx(np.log([0.4, 0.25, 0.5]).mean())
    # cumulative forecasts .1 .3 .6, .25 .5 .75, 0 .5 1 against 0 0 0, 1 1 1, 0 1 1
    assert float(ranked_probability_score(p, grade, weight)) == pytest.approx((0.46 + 0.875 + 0.25) / 3)
    assert float(brier(p[:, 3], grade == 4, weight)) == pytest.approx((0.36 + 0.0625 + 0.0) / 3)


def test_the_area_within_one_origin_is_the_mann_whitney_statistic() -> None:
    rng = np.random.default_rng(0)
    p, event = rng.integers(0, 12, 60) / 12, rng.random(60) < 0.3
    expected = mannwhitneyu(p[event], p[~event]).statistic / (event.sum() * (~event).sum())
    assert float(auc_within(p, event, np.zeros(60), np.ones(60))) == pytest.approx(expected)


def test_pairs_of_different_origins_do_not_count() -> None:
    p, event, origin = np.array([0.1, 0.0, 0.9, 0.8]), np.array([1, 0, 1, 0], dtype=bool), np.array([0, 0, 1, 1])
    assert float(auc_within(p, event, origin, np.ones(4))) == 1.0
    assert float(auc_within(p, event, np.zeros(4), np.ones(4))) == 0.75
    assert np.isnan(auc_within(p, event, np.array([0, 1, 2, 3]), np.ones(4)))


@pytest.mark.parametrize("rate", [0.1, 0.2, 0.33])
def test_flags_without_information_catch_the_share_that_is_flagged(rate: float) -> None:
    event, origin = np.array([1, 0, 0, 1, 0, 1, 0], dtype=bool), np.array([0, 0, 0, 1, 1, 1, 1])
    assert float(sensitivity(np.full(7, 0.2), event, origin, np.ones(7), rate)) == pytest.approx(rate)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_weight_of_n_is_an_event_n_times(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 25
    p = rng.dirichlet(np.ones(4), n)
    worse = rng.integers(0, 9, n) / 9
    grade, event, origin = rng.integers(1, 5, n), rng.random(n) < 0.4, rng.integers(0, 3, n)
    weight = rng.integers(0, 4, n)
    again = np.repeat(np.arange(n), weight)
    ones = np.ones(again.size)
    pairs = [
        (log_score(p, grade, weight), log_score(p[again], grade[again], ones)),
        (ranked_probability_score(p, grade, weight), ranked_probability_score(p[again], grade[again], ones)),
        (brier(worse, event, weight), brier(worse[again], event[again], ones)),
        (auc_within(worse, event, origin, weight), auc_within(worse[again], event[again], origin[again], ones)),
        (
            sensitivity(worse, event, origin, weight, 0.2),
            sensitivity(worse[again], event[again], origin[again], ones, 0.2),
        ),
    ]
    np.testing.assert_allclose([a for a, _ in pairs], [b for _, b in pairs], atol=1e-12)


# Calibration.


def test_the_recalibrated_curve_is_the_isotonic_regression_of_another_implementation() -> None:
    from sklearn.isotonic import IsotonicRegression

    rng = np.random.default_rng(2)
    p = rng.integers(0, 30, 200) / 30
    event = rng.random(200) < p**2
    curve = reliability(p, event).curve
    expected = IsotonicRegression().fit(p, event.astype(float)).predict(curve["forecast"].to_numpy())
    np.testing.assert_allclose(curve["recalibrated"], expected, atol=1e-12)


def test_the_brier_score_is_miscalibration_less_discrimination_plus_uncertainty() -> None:
    rng = np.random.default_rng(3)
    p = rng.random(80)
    event = rng.random(80) < 0.3 + 0.4 * p
    found = reliability(p, event)
    score = float(brier(p, event, np.ones(80)))
    assert score == pytest.approx(found.miscalibration - found.discrimination + found.uncertainty)
    assert found.miscalibration >= 0
    assert found.discrimination >= 0


def test_calibrated_forecasts_stay_in_their_band_and_others_do_not() -> None:
    """Ten sets of 150 events: 90% inside on average; sd of one set's share about 0.2, of the mean 0.06."""
    rng = np.random.default_rng(4)
    right, wrong = [], []
    for _ in range(10):
        p = rng.beta(2, 5, 150)
        event = rng.random(150) < p
        right.append(reliability(p, event).inside)
        wrong.append(reliability(np.sqrt(p), event).inside)
    assert np.mean(right) > 0.75
    assert np.mean(wrong) < 0.3


# The table and the stack.


def rows(forecaster: str, seed: int, n: int = 60) -> pd.DataFrame:
    events, own = np.random.default_rng(0), np.random.default_rng(seed)
    year = 2018 + np.arange(n) % 3
    frame = pd.DataFrame(
        {
            "origin": year, "horizon": 12, "authority": [f"a{i:02}" for i in np.arange(n) % 40],
            "forecaster": forecaster, "grade": events.integers(1, 5, n), "previous": events.integers(1, 5, n),
            "published": pd.to_datetime(year.astype(str)) + pd.to_timedelta(events.integers(100, 500, n), "D"),
        }
    )  # fmt: skip
    frame.loc[::10, "previous"] = np.nan
    return frame.drop_duplicates(["origin", "authority"]).join(pd.DataFrame(own.dirichlet(np.ones(4), n), columns=P))


def test_worse_is_of_events_with_a_previous_grade_that_is_not_the_worst() -> None:
    table = pd.DataFrame({"previous": [1, 3, 4, np.nan], **dict(zip(P, (0.1, 0.2, 0.3, 0.4), strict=True))})
    np.testing.assert_allclose(chance_of_worse(table, P), [0.9, 0.4, np.nan, np.nan])


def test_a_forecaster_differs_from_itself_by_nothing_in_every_replicate() -> None:
    both = pd.concat([rows("one", 1), rows("one", 1).assign(forecaster="twin"), rows("other", 2)])
    table = score_table(both, P, {"all": None, "ri": 3}, "one", seed=1).set_index("forecaster")
    own = table.loc["twin", ["difference", "difference_lower", "difference_upper"]].to_numpy()
    np.testing.assert_array_equal(own, np.zeros_like(own))
    other = table.loc["other"]
    assert ((other.difference_lower <= other.difference) & (other.difference <= other.difference_upper)).all()


def test_mixture_weights_are_the_optimum_of_a_general_optimiser() -> None:
    came = np.random.default_rng(6).uniform(0.05, 0.6, (3, 50))

    def loss(free: np.ndarray) -> float:
        w = np.exp(np.append(free, 0.0))
        w /= w.sum()
        return -float(np.log(w @ came).sum() + np.log(w).sum())

    free = minimize(loss, np.zeros(2), options={"gtol": 1e-9}).x
    expected = np.exp(np.append(free, 0.0)) / np.exp(np.append(free, 0.0)).sum()
    np.testing.assert_allclose(mixture_weights(came), expected, atol=1e-5)


def test_the_stack_of_an_origin_learns_only_from_judgements_that_were_out() -> None:
    both = pd.concat([rows("one", 1), rows("other", 2)], ignore_index=True)
    both["origin"] = [pd.Timestamp(year, 1, 1).date() for year in both["origin"]]
    mixed, weights = stacked(both, P)
    assert weights.iloc[0].tolist() == [0.5, 0.5]
    last = both["origin"].max()
    late = both["published"] > pd.Timestamp(last)
    changed, again = stacked(both.assign(grade=both["grade"].where(~late, 5 - both["grade"])), P)
    pd.testing.assert_frame_equal(weights, again)
    pd.testing.assert_frame_equal(mixed[P], changed[P])
    assert weights.iloc[-1].max() > 0.5
