"""Above, around or below the level of an early visit: the truth table, and what visiting is expected to cost."""

from __future__ import annotations

import numpy as np
import pytest

from bayes_csc.estimates.forecast.visit_decision import changed, expected_errors, sides, threshold, visit_value

NAN = float("nan")


@pytest.mark.parametrize(
    ("interval", "without", "side", "moved"),
    [
        # P above the level of 0.2; P0 below it, around it, above it
        ((0.3, 0.5), (0.05, 0.1), "above", "yes"),
        ((0.3, 0.5), (0.1, 0.4), "above", "yes"),
        ((0.3, 0.5), (0.25, 0.4), "above", "no"),
        # P around it
        ((0.1, 0.5), (0.05, 0.1), "around", "yes"),
        ((0.1, 0.5), (0.1, 0.5), "around", "no"),
        ((0.1, 0.3), (0.25, 0.4), "around", "yes"),
        # P below it
        ((0.0, 0.15), (0.25, 0.4), "below", "yes"),
        ((0.0, 0.15), (0.1, 0.4), "below", "yes"),
        ((0.01, 0.04), (0.05, 0.17), "below", "no"),
        # an interval that only touches it includes it
        ((0.2, 0.2), (0.25, 0.4), "around", "yes"),
        ((0.2, 0.5), (0.05, 0.1), "around", "yes"),
        ((0.0, 0.2), (0.0, 0.4), "around", "no"),
        # nothing to get worse than
        ((NAN, NAN), (NAN, NAN), "", ""),
    ],
)
def test_the_truth_table(interval: tuple[float, float], without: tuple[float, float], side: str, moved: str) -> None:
    now, before = (
        sides((np.array([low]), np.array([high])), limit=threshold(4.0)) for low, high in (interval, without)
    )
    assert (now, changed(now, before)) == ([side], [moved])


@pytest.mark.parametrize("ratio", [0.5, 1.0, 4.0, 20.0])
def test_a_visit_is_worth_it_above_the_threshold_only(ratio: float) -> None:
    limit = threshold(ratio)
    assert visit_value(np.array([limit]), ratio)[0] == pytest.approx(0.0, abs=1e-12)
    below, above = visit_value(np.array([limit - 0.01, limit + 0.01]), ratio)
    assert below < 0 < above


def test_expected_errors_are_sums_of_probabilities_and_their_intervals_those_of_the_sums() -> None:
    p = np.array([0.6, 0.5, 0.1, NAN])
    draws = np.array([[0.5, 0.4, 0.0, NAN], [0.7, 0.6, 0.2, NAN]])
    found = expected_errors(p, draws, ["above", "around", "below", ""], loss_ratio=4.0, interval=1.0 - 1e-12)
    assert [found[name] for name in ("authorities", "above", "around", "below")] == [3, 1, 1, 1]
    assert (found["visited"], found["visited_around"]) == (2, 1)
    assert found["visits_in_vain"] == pytest.approx({"mean": 0.9, "lower": 0.7, "upper": 1.1})
    assert found["missed_declines"] == pytest.approx({"mean": 0.1, "lower": 0.0, "upper": 0.2})
    assert found["loss"] == pytest.approx({"mean": 1.3, "lower": 1.1, "upper": 1.5})
    assert found["loss_visiting_nobody"] == pytest.approx(4.0 * 1.2)
    assert found["loss_visiting_everybody"] == pytest.approx(3.0 - 1.2)


def test_no_other_choice_of_visits_is_expected_to_lose_less_than_the_rule_that_is_shown() -> None:
    rng = np.random.default_rng(2)
    p = rng.uniform(size=12)
    best = expected_errors(p, p[None], [""] * 12, loss_ratio=3.0, interval=0.89)
    assert best["loss"]["mean"] <= min(best["loss_visiting_nobody"], best["loss_visiting_everybody"])
    for _ in range(50):
        visited = rng.uniform(size=12) < 0.5
        loss = (1.0 - p[visited]).sum() + 3.0 * p[~visited].sum()
        assert loss >= best["loss"]["mean"] - 1e-12
