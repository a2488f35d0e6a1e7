"""What a page keeps of the draws gives the reader the report's own figures."""

from __future__ import annotations

import numpy as np
import pytest
from reported import findings, fitted

from bayes_csc.findings.what_if import CHANCE_STEP, CHANGE_STEP, LEVELS, what_if
from bayes_csc.probabilities import conditional_probability


def quantiles(steps: list[int], unit: float) -> np.ndarray:
    return np.cumsum(steps) * unit


def test_periods_give_the_tables_medians_intervals_and_probabilities() -> None:
    """The page interpolates linearly between the quantiles, as NumPy does."""
    found = findings()
    checked = 0
    for row in found.decline.to_dict("records"):
        kept = found.kept[row["authority"]]
        for period, prefix, p in (("inspection", "delta", "p_decline"), ("2", "recent_delta", "p_recent_decline")):
            if row[p] != row[p]:
                assert period not in kept["periods"]
                continue
            values = quantiles(kept["periods"][period], CHANGE_STEP)
            for level, end in ((0.055, "lower"), (0.5, "median"), (0.945, "upper")):
                assert np.interp(level, LEVELS, values) == pytest.approx(row[f"{prefix}_{end}"], abs=0.02)
            assert np.interp(-0.25, values, LEVELS) == pytest.approx(row[p], abs=0.006)
            checked += 1
    assert checked >= 10


def test_other_epsilons_give_what_all_draws_do() -> None:
    found, change = findings(), fitted().change
    values = quantiles(found.kept["402"]["periods"]["inspection"], CHANGE_STEP)
    own = change.sel(authority="402", change="since inspection")
    for epsilon in (0.0, 0.1, 0.5, 1.0):
        exact = float(conditional_probability(own, epsilon).mean())
        assert np.interp(-epsilon, values, LEVELS) == pytest.approx(exact, abs=0.006)


def test_a_period_of_years_is_that_of_the_sampled_paths_and_ends_where_an_authority_began() -> None:
    found, theta = findings(), fitted().posterior["theta"]
    known = theta.sel(authority="402", year=theta.year <= np.ceil(fitted().change.attrs["now"]))
    change = (known.isel(year=-1) - known.isel(year=-4)).to_numpy().ravel()
    values = quantiles(found.kept["402"]["periods"]["3"], CHANGE_STEP)
    np.testing.assert_allclose(values, np.quantile(change, LEVELS), atol=0.001)
    young, old = (set(found.kept[code]["periods"]) for code in ("408", "402"))
    assert young < old


def test_decisions_by_the_kept_quantiles_are_those_of_the_forecast() -> None:
    found = findings()
    assert found.forecast is not None
    limit, told = found.about["threshold"], []
    for row in found.forecast.to_dict("records"):
        kept = found.kept[row["authority"]]
        if not row["decision"]:
            assert "worse" not in kept
            continue
        sides = []
        for name in ("worse", "worse_no_data"):
            low, high = np.interp([0.055, 0.945], LEVELS, quantiles(kept[name], CHANCE_STEP))
            sides.append(int(low > limit) - int(high < limit))
        decision = "cannot tell" if sides[0] in (0, sides[1]) else "flag" if sides[0] > 0 else "watch"
        told.append((decision, row["decision"]))
        assert kept["p"] == pytest.approx(row["p_next_worse"], abs=5e-5)
    assert [pair for pair in told if pair[0] != pair[1]] == []
    assert len(told) >= 4


def test_without_judgements_nothing_of_the_next_one_is_kept() -> None:
    run = fitted()
    kept = what_if(run.posterior["theta"], run.change, ["402"], None, None)["402"]
    assert set(kept) == {"periods", "no_data"}
