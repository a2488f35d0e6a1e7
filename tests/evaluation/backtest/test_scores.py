"""Scores by hand, against other implementations, and under weights; calibration and the mixture of forecasters."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import binom, mannwhitneyu

from bayes_csc.evaluation.backtest.forecasters.stack import mixture_weights, stacked
from bayes_csc.evaluation.backtest.scoring.changes import grade_changes, poisson_binomial, predictive_band
from bayes_csc.evaluation.backtest.scoring.reliability import reliability
from bayes_csc.evaluation.backtest.scoring.scores import (
    auc_within,
    brier,
    log_score,
    ranked_probability_score,
    sensitivity,
)
from bayes_csc.evaluation.backtest.summary import chance_of_worse, resampled, score_table

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


def test_intervals_that_draw_origins_too_have_what_an_origin_shares() -> None:
    """A gain that is the same within an origin: drawing authorities alone takes its mean for known."""
    one = rows("one", 1, 90)
    better = one.assign(forecaster="better")
    step = {2018: 0.2, 2019: 0.0, 2020: -0.1}
    came = np.array([row[f"p_grade_{row.grade}"] for _, row in one.iterrows()])
    for g in range(1, 5):  # log P of what came rises by the origin's step; the score looks at nothing else
        better[f"p_grade_{g}"] = np.where(one.grade == g, came * np.exp(one.origin.map(step)), one[f"p_grade_{g}"])
    table = score_table(pd.concat([one, better]), P, {"all": None}, "one", seed=1)
    row = table[(table.forecaster == "better") & (table.score == "log_score")].iloc[0]
    narrow = row.difference_upper - row.difference_lower
    wide = row.difference_upper_authority_origin - row.difference_lower_authority_origin
    assert wide > 3 * narrow
    assert row.difference_lower_authority_origin < row.difference < row.difference_upper_authority_origin


def test_events_of_one_cluster_are_drawn_together() -> None:
    drawn = resampled(np.array(["a", "b", "a", "c"]), seed=1)
    np.testing.assert_array_equal(drawn[:, 0], drawn[:, 2])
    np.testing.assert_array_equal(drawn[:, [0, 1, 3]].sum(axis=1), 3)


# Shares of worse and better.


def test_the_poisson_binomial_is_the_binomial_where_all_are_alike_and_that_of_draws_elsewhere() -> None:
    np.testing.assert_allclose(poisson_binomial(np.full(20, 0.3)), binom(20, 0.3).pmf(np.arange(21)), atol=1e-12)
    p = np.random.default_rng(3).uniform(0.05, 0.6, 30)
    drawn = (np.random.default_rng(4).random((200_000, 30)) < p).sum(axis=1)
    np.testing.assert_allclose(poisson_binomial(p)[:16], [(drawn == k).mean() for k in range(16)], atol=0.005)
    lower, upper = predictive_band(p)
    assert lower == pytest.approx(np.quantile(drawn, 0.055) / 30)
    assert upper == pytest.approx(np.quantile(drawn, 0.945) / 30)


def test_shares_by_previous_grade_count_an_inspection_once_as_forecast_at_the_latest_origin() -> None:
    both = [
        {"origin": origin, "horizon": 24, "authority": "a", "forecaster": "one", "grade": 4, "previous": 3.0,
         "start": pd.Timestamp("2020-05-01"), **dict(zip(P, p, strict=True))}
        for origin, p in ((2019, (0.1, 0.2, 0.3, 0.4)), (2020, (0.1, 0.1, 0.1, 0.7)))
    ]  # fmt: skip
    first = both[0] | {"authority": "b", "start": pd.Timestamp("2019-05-01"), "previous": np.nan}
    found = grade_changes(pd.DataFrame([*both, first]), P).set_index("change")
    assert found["inspections"].tolist() == [1, 1]
    assert found["expected"].to_dict() == pytest.approx({"worse": 0.7, "better": 0.2})
    assert found["observed"].to_dict() == {"worse": 1.0, "better": 0.0}
    assert found["inside"].all()


def test_a_share_that_the_forecast_excludes_is_outside_its_band() -> None:
    table = rows("one", 1, 120).assign(previous=2.0, grade=3, start=pd.Timestamp("2020-01-01"))
    table[P] = (0.1, 0.7, 0.15, 0.05)
    found = grade_changes(table, P).set_index("change")
    assert found["observed"].to_dict() == {"worse": 1.0, "better": 0.0}
    assert not found.loc["worse", "inside"]
    assert found.loc["worse", "upper"] < 0.5


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
