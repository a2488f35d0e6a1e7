"""Flag, watch or cannot tell: the truth table, and what the list's decisions are expected to cost."""

from __future__ import annotations

import numpy as np
import pytest

from bayes_csc.estimates.forecast.visit_decision import decide, expected_errors, threshold, visit_value

NAN = float("nan")


@pytest.mark.parametrize(
    ("interval", "without", "decision", "reason"),
    [
        # P above the threshold of 0.2; P0 below it, undecided, above it
        ((0.3, 0.5), (0.05, 0.1), "flag", ""),
        ((0.3, 0.5), (0.1, 0.4), "flag", ""),
        ((0.3, 0.5), (0.25, 0.4), "cannot tell", "as without data"),
        # P undecided
        ((0.1, 0.5), (0.05, 0.1), "cannot tell", "interval"),
        ((0.1, 0.5), (0.1, 0.5), "cannot tell", "interval"),
        ((0.1, 0.3), (0.25, 0.4), "cannot tell", "interval"),
        # P below it
        ((0.0, 0.15), (0.25, 0.4), "watch", ""),
        ((0.0, 0.15), (0.1, 0.4), "watch", ""),
        ((0.01, 0.04), (0.05, 0.17), "cannot tell", "as without data"),
        # an interval that only touches it covers it
        ((0.2, 0.2), (0.25, 0.4), "cannot tell", "interval"),
        ((0.2, 0.5), (0.05, 0.1), "cannot tell", "interval"),
        ((0.0, 0.2), (0.25, 0.4), "cannot tell", "interval"),
        ((0.3, 0.5), (0.2, 0.4), "flag", ""),
        # nothing to get worse than
        ((NAN, NAN), (NAN, NAN), "", ""),
    ],
)
def test_the_truth_table(
    interval: tuple[float, float], without: tuple[float, float], decision: str, reason: str
) -> None:
    ends = [tuple(np.array([x]) for x in each) for each in (interval, without)]
    assert decide(*ends, limit=threshold(4.0)) == ([decision], [reason])  # type: ignore[arg-type]


@pytest.mark.parametrize("ratio", [0.5, 1.0, 4.0, 20.0])
def test_a_visit_is_worth_it_above_the_threshold_only(ratio: float) -> None:
    limit = threshold(ratio)
    assert visit_value(np.array([limit]), ratio)[0] == pytest.approx(0.0, abs=1e-12)
    below, above = visit_value(np.array([limit - 0.01, limit + 0.01]), ratio)
    assert below < 0 < above


def test_expected_errors_are_sums_of_probabilities_and_their_intervals_those_of_the_sums() -> None:
    p = np.array([0.6, 0.5, 0.1, NAN])
    draws = np.array([[0.5, 0.4, 0.0, NAN], [0.7, 0.6, 0.2, NAN]])
    found = expected_errors(p, draws, ["flag", "cannot tell", "watch", ""], loss_ratio=4.0, interval=1.0 - 1e-12)
    assert (found["authorities"], found["flag"], found["watch"], found["cannot_tell"]) == (3, 1, 1, 1)
    assert found["false_flags"] == pytest.approx({"mean": 0.4, "lower": 0.3, "upper": 0.5})
    assert found["missed_declines"] == pytest.approx({"mean": 0.6, "lower": 0.4, "upper": 0.8})
    assert found["loss"] == pytest.approx({"mean": 2.8, "lower": 2.1, "upper": 3.5})
    assert found["loss_visiting_nobody"] == pytest.approx(4.0 * 1.2)
    assert found["loss_visiting_everybody"] == pytest.approx(3.0 - 1.2)
    assert found["loss_visiting_above_threshold"] == pytest.approx(0.4 + 0.5 + 4.0 * 0.1)


def test_visiting_those_above_the_threshold_is_expected_to_lose_least() -> None:
    rng = np.random.default_rng(2)
    p = rng.uniform(size=12)
    best = expected_errors(p, p[None], [""] * 12, loss_ratio=3.0, interval=0.89)["loss_visiting_above_threshold"]
    for _ in range(50):
        decision = list(rng.choice(["flag", "watch"], 12))
        assert expected_errors(p, p[None], decision, loss_ratio=3.0, interval=0.89)["loss"]["mean"] >= best - 1e-12
