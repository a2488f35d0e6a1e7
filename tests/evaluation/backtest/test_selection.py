"""The rule of selection: made-up forecasts in which each clause alone decides; averages over seeds; earlier origins."""

from __future__ import annotations

import datetime
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from bayes_csc.errors import UsageError
from bayes_csc.evaluation.backtest.scoring.selection import Rule, averaged, chosen_by_earlier_origins, select

P = [f"p_grade_{g}" for g in range(1, 5)]
YEARS = range(2018, 2026)
KEY = ["origin", "horizon", "authority", "forecaster"]
Gain = Callable[[pd.DataFrame], np.ndarray]


def events(authorities: int = 40) -> pd.DataFrame:
    """An inspection of every authority at every origin and horizon; a quarter of them judged 3 before."""
    rows = [
        {"origin": datetime.date(year, 1, 1), "horizon": horizon, "authority": f"a{k:02}", "k": k, "year": year,
         "grade": 1 + (k + year) % 4, "previous": 1.0 + k % 4,
         "published": pd.Timestamp(year, 6, 1)}
        for year in YEARS for horizon in (12, 24) for k in range(authorities)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def forecasts(**gains: Gain) -> pd.DataFrame:
    """Forecasters whose log score of each event is that of the baseline, log 0.3, and a gain."""
    table = events()
    parts = []
    for name, gain in ({"baseline": steady(0.0)} | gains).items():
        came = 0.3 * np.exp(gain(table))
        p = np.repeat(((1 - came) / 3)[:, None], 4, axis=1)
        p[np.arange(len(table)), table["grade"] - 1] = came
        parts.append(table.join(pd.DataFrame(p, columns=P)).assign(forecaster=name))
    return pd.concat(parts, ignore_index=True)


def steady(value: float, noise: float = 0.0) -> Gain:
    """The same gain everywhere, with noise by authority whose mean is zero."""
    return lambda t: value + noise * (-1.0) ** (t["k"].to_numpy() // 4)


def rule(*order: str, **own_model: str) -> Rule:
    return Rule(order, "baseline", own_model, group_grade=3)


def reason(gain: Gain) -> str:
    found = select(forecasts(one=gain), P, rule("one"))
    assert (found.choice == "one") == found.table.loc["one", "passes"]
    return str(found.table.loc["one", "why_not"])


def test_a_steady_gain_passes_and_is_taken() -> None:
    found = select(forecasts(one=steady(0.05, 0.05)), P, rule("baseline", "one"))
    assert found.choice == "one"
    row = found.table.loc["one"]
    assert row["gain"] == pytest.approx(0.05)
    assert row["origins_ahead"] == row["origins"] == 8
    assert row["short_gain"] == pytest.approx(0.05)
    assert 0 < row["gain_lower"] < 0.05 < row["gain_upper"]
    assert (row["shortfall"], row["shortfall_se"]) == (0.0, 0.0)
    assert found.table.loc["baseline", "why_not"] == "it is the baseline"


def test_an_interval_that_includes_zero_does_not_pass() -> None:
    assert reason(steady(0.05, 0.4)).startswith("the interval of the gain (-")
    assert reason(steady(0.05, 0.1)) == ""


def test_a_gain_at_fewer_than_five_origins_does_not_pass() -> None:
    def ahead(origins: int) -> Gain:
        return lambda t: np.where(t["year"] < 2018 + origins, 0.2, -0.02)

    assert reason(ahead(5)) == ""
    assert reason(ahead(4)) == "ahead at 4 of 8 origins, 5 needed"


def test_the_group_may_lose_three_hundredths_and_no_more() -> None:
    def losing(group: float, noise: float = 0.3) -> Gain:
        return lambda t: np.where(t["previous"] == 3, steady(group, noise)(t), 0.2)

    assert reason(losing(-0.029)) == ""
    assert reason(losing(-0.031)) == "the group loses 0.031, more than 0.03"
    assert reason(losing(-0.02, 0.0)) == "the group's interval (-0.020 to -0.020) is wholly below zero"


def test_a_loss_at_twelve_months_does_not_pass() -> None:
    def short(value: float) -> Gain:
        return lambda t: np.where(t["horizon"] == 12, value, 0.05)

    assert reason(short(0.0)) == ""
    assert reason(short(-0.001)) == "the gain at 12 months is negative (-0.001)"


def test_a_pool_must_pass_against_its_own_model_too() -> None:
    rows = forecasts(model=steady(0.05), pool=steady(0.052), better=steady(0.06), noisy=steady(0.06, 0.4))
    found = select(rows, P, rule("model", "pool", better="model", noisy="model"))
    assert found.table["passes"].all()
    held = select(rows, P, Rule(("better", "noisy"), "baseline", {"better": "model", "noisy": "model"}, 3)).table
    assert held.loc["better", "passes"]
    behind = select(rows, P, Rule(("model",), "baseline", {"model": "better"}, 3))
    assert behind.choice == "baseline"
    why = behind.table.loc["model", "why_not"]
    assert why.startswith("against its own model, better: the interval of the gain (-0.010 to -0.010)")
    assert behind.table.loc["model", "gain_lower"] > 0


def test_the_first_within_one_standard_error_of_the_best_is_taken() -> None:
    rows = forecasts(simple=steady(0.05), best=steady(0.06, 0.1), far=steady(0.03))
    found = select(rows, P, rule("far", "simple", "best"))
    assert found.table["passes"].all()
    se = found.table.loc["simple", "shortfall_se"]
    assert se == pytest.approx(0.1 / np.sqrt(40), rel=0.1)
    assert found.table["shortfall"].tolist() == pytest.approx([0.03, 0.01, 0.0])
    assert found.choice == "simple"
    assert select(rows, P, rule("far", "best", "simple")).choice == "best"
    sure = forecasts(simple=steady(0.05), best=steady(0.06))
    assert select(sure, P, rule("simple", "best")).choice == "best"


def test_where_none_passes_the_baseline_stays() -> None:
    found = select(forecasts(one=steady(-0.05), two=steady(0.01, 0.5)), P, rule("one", "two"))
    assert found.choice == "baseline"
    assert not found.table["passes"].any()


def test_probabilities_are_averaged_over_seeds_before_they_are_scored() -> None:
    first, second = forecasts(one=steady(0.1)), forecasts(one=steady(-0.1)).sample(frac=1.0, random_state=1)
    mean = averaged([first.assign(p_worse=0.5), second], P)
    assert "p_worse" not in mean
    expected = (first.set_index(KEY)[P] + second.set_index(KEY)[P].reindex(pd.MultiIndex.from_frame(first[KEY]))) / 2
    pd.testing.assert_frame_equal(mean.set_index(KEY)[P], expected, check_like=True)
    with pytest.raises(UsageError, match="run 2 has other events or forecasters than run 1"):
        averaged([first, second[second["forecaster"] == "one"]], P)
    with pytest.raises(UsageError, match="at least one backtest"):
        averaged([], P)


def test_choosing_at_each_origin_knows_only_what_was_out() -> None:
    """One is ahead to 2020 and behind since; the rule lets it go when its mean gain is gone."""
    rows = forecasts(one=lambda t: np.where(t["year"] <= 2020, 0.1, -0.2))
    by_origin, about = chosen_by_earlier_origins(rows, P, rule("one"))
    assert by_origin["choice"].tolist() == ["baseline", *["one"] * 4, *["baseline"] * 3]
    assert by_origin["gain"].tolist() == pytest.approx([0, 0.1, 0.1, -0.2, -0.2, 0, 0, 0])
    assert about["gain"] == pytest.approx(-0.025)
    assert about["log_score"] == pytest.approx(np.log(0.3) - 0.025)
    late = rows["published"] > "2020-12-31"
    changed = rows.assign(grade=rows["grade"].where(~late, 5 - rows["grade"]))
    again, _ = chosen_by_earlier_origins(changed, P, rule("one"))
    assert again["choice"].tolist()[:4] == by_origin["choice"].tolist()[:4]


def test_a_candidate_without_forecasts_is_said() -> None:
    with pytest.raises(UsageError, match="the rule names two, of which there are no forecasts"):
        select(forecasts(one=steady(0.1)), P, rule("one", "two"))
