"""Flag, watch or cannot tell: what a probability of a worse judgement says about visiting early.

Visiting an authority early where it turns out not to get worse costs 1; leaving one alone that does costs R, the loss
ratio. To visit is then the better choice if P(worse) is above the threshold 1 / (1 + R), and is expected to save

    R P(worse) - (1 - P(worse))

of these units, negative where waiting is better.
"""

from __future__ import annotations

from typing import Any

import numpy as np

FLAG, WATCH, CANNOT_TELL = "flag", "watch", "cannot tell"


def threshold(loss_ratio: float) -> float:
    """Probability above which an early visit is worth it.

    Examples
    --------
    >>> threshold(4.0)
    0.2
    """
    return 1.0 / (1.0 + loss_ratio)


def visit_value(p: np.ndarray, loss_ratio: float) -> np.ndarray:
    """Expected loss that an early visit saves, in units of a false alarm's cost: R p - (1 - p)."""
    return np.asarray(loss_ratio * p - (1.0 - p))


def decide(
    p: np.ndarray, lower: np.ndarray, upper: np.ndarray, without: np.ndarray, *, limit: float
) -> tuple[list[str], list[str]]:
    """Decide for each authority, and say why where one cannot.

    "cannot tell" if the interval of P covers the threshold, lower <= limit <= upper; or if P0, the probability had
    nothing been observed since the last inspection, is on the same side of it as P, so that the data since have not
    changed what one would do. Otherwise the data since have moved the authority across the threshold: "flag" if P is
    above it, for an early visit; "watch" if P is not above it although P0 is: the data since speak against the visit
    that its last grade and the time since would suggest, for as long as they last. "" where P is NaN: nothing can get
    worse, or there is no previous grade.

    Parameters
    ----------
    p, lower, upper, without
        P(worse), its interval, and P0, of each authority.
    limit
        The threshold.

    Returns
    -------
    tuple
        Decisions, and the reason of each "cannot tell": "interval", or "as without data".
    """
    decisions, reasons = [], []
    for now, low, high, before in zip(p, lower, upper, without, strict=True):
        if now != now:
            decision, reason = "", ""
        elif low <= limit <= high:
            decision, reason = CANNOT_TELL, "interval"
        elif (now > limit) == (before > limit):
            decision, reason = CANNOT_TELL, "as without data"
        else:
            decision, reason = (FLAG if now > limit else WATCH), ""
        decisions.append(decision)
        reasons.append(reason)
    return decisions, reasons


def expected_errors(
    p: np.ndarray, draws: np.ndarray, decision: list[str], *, loss_ratio: float, interval: float
) -> dict[str, Any]:
    """Expected number of false flags, sum of 1 - P over the flagged, and of missed declines, sum of P over the others.

    Parameters
    ----------
    p
        P(worse) of each authority of a list, NaN where it cannot get worse.
    draws
        P given each draw (draw, authority).
    decision
        Of each authority.
    loss_ratio
        Cost of a missed decline, in false flags.
    interval
        Probability of the equal-tailed intervals over the draws.

    Returns
    -------
    dict
        Numbers of each decision; `false_flags`, `missed_declines` and the `loss` of both with their intervals; and, to
        compare it with, the expected loss of visiting nobody, everybody, and those whose P is above the threshold.
    """
    known = ~np.isnan(p)
    flagged = np.array([d == FLAG for d in decision], dtype=bool)
    tails = [(1.0 - interval) / 2.0, (1.0 + interval) / 2.0]

    def errors(visited: np.ndarray, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return (1.0 - q[..., visited & known]).sum(axis=-1), q[..., ~visited & known].sum(axis=-1)

    def loss(visited: np.ndarray) -> float:
        false, missed = errors(visited, p)
        return float(false + loss_ratio * missed)

    false, missed = errors(flagged, p)
    false_s, missed_s = errors(flagged, draws)
    values = {
        "false_flags": (false, false_s),
        "missed_declines": (missed, missed_s),
        "loss": (false + loss_ratio * missed, false_s + loss_ratio * missed_s),
    }
    return {
        "authorities": int(known.sum()),
        **{name.replace(" ", "_"): decision.count(name) for name in (FLAG, WATCH, CANNOT_TELL)},
        **{
            name: {"mean": float(mean), **dict(zip(("lower", "upper"), np.quantile(s, tails).tolist(), strict=True))}
            for name, (mean, s) in values.items()
        },
        "loss_visiting_nobody": loss(np.zeros(p.size, dtype=bool)),
        "loss_visiting_everybody": loss(np.ones(p.size, dtype=bool)),
        "loss_visiting_above_threshold": loss(np.nan_to_num(p) > threshold(loss_ratio)),
    }
