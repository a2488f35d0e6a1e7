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
Ends = tuple[np.ndarray, np.ndarray]


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


def decide(interval: Ends, without: Ends, *, limit: float) -> tuple[list[str], list[str]]:
    """Decide for each authority, and say why where one cannot.

    P settles it where its whole interval lies on one side of the threshold, above: visit, or below: wait; the same of
    P0, the probability had nothing been observed since the last inspection. Then

        cannot tell   if P settles nothing; or if P0 settles the same, so that the data since have not changed what one
                      would do
        flag          if P says visit and P0 does not: the data since speak for an early visit
        watch         if P says wait and P0 does not: the data since speak against the visit that the last grade and
                      the time since leave open or suggest, for as long as they last

    The intervals are those of P over draws of the hyperparameters, theta integrated out: how well P is known. That of
    P given theta would not do: what is not known of theta is in P already, and an authority whose P is one half may
    have any probability once its theta is known, so that nobody could ever be flagged.

    Parameters
    ----------
    interval, without
        Lower and upper ends of the intervals of P(worse) and of P0, of each authority; NaN where nothing can get worse,
        or there is no previous grade.
    limit
        The threshold.

    Returns
    -------
    tuple
        Decisions, "" where P is NaN, and the reason of each "cannot tell": "interval", or "as without data".
    """
    decisions, reasons = [], []
    for side, before in zip(_side(interval, limit), _side(without, limit), strict=True):
        if side is None:
            decision, reason = "", ""
        elif side == 0:
            decision, reason = CANNOT_TELL, "interval"
        elif side == before:
            decision, reason = CANNOT_TELL, "as without data"
        else:
            decision, reason = (FLAG if side > 0 else WATCH), ""
        decisions.append(decision)
        reasons.append(reason)
    return decisions, reasons


def _side(interval: Ends, limit: float) -> list[int | None]:
    """Side of the threshold that each interval lies on, 1 above and -1 below; 0 where it covers it, None without one.

    An interval that only touches the threshold covers it.
    """
    return [
        None if lower != lower else int(lower > limit) - int(upper < limit)
        for lower, upper in zip(*interval, strict=True)
    ]


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
