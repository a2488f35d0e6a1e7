"""What a probability of a worse judgement says about visiting early, and what the data since the inspection changed.

Visiting an authority early where it turns out not to get worse costs 1; leaving one alone that does costs R, the loss
ratio. An early visit then pays where P(worse) is above the level 1 / (1 + R), and is expected to save

    R P(worse) - (1 - P(worse))

of these units, negative where waiting is better.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

ABOVE, AROUND, BELOW = "above", "around", "below"
Ends = tuple[np.ndarray, np.ndarray]


def threshold(loss_ratio: float) -> float:
    """Level of P(worse) above which an early visit pays.

    Examples
    --------
    >>> threshold(4.0)
    0.2
    """
    return 1.0 / (1.0 + loss_ratio)


def visit_value(p: np.ndarray, loss_ratio: float) -> np.ndarray:
    """Expected loss that an early visit saves, in units of a false alarm's cost: R p - (1 - p)."""
    return np.asarray(loss_ratio * p - (1.0 - p))


def sides(interval: Ends, *, limit: float) -> list[str]:
    """Say of each authority whether its P(worse) is above, around or below the level at which an early visit pays.

    The interval is that of P over draws of the hyperparameters, theta integrated out: how well P is known. That of P
    given theta would not do: what is not known of theta is in P already.

    Parameters
    ----------
    interval
        Lower and upper ends of the interval of P of each authority; NaN where nothing can get worse, or there is no
        previous grade.
    limit
        The level.

    Returns
    -------
    list
        "above" or "below" where the whole interval is, "around" where it includes or touches the level, "" where P is
        NaN.

    Examples
    --------
    >>> sides((np.array([0.3, 0.1, 0.0, np.nan]), np.array([0.5, 0.2, 0.1, np.nan])), limit=0.2)
    ['above', 'around', 'below', '']
    """
    return [
        "" if lower != lower else ABOVE if lower > limit else BELOW if upper < limit else AROUND
        for lower, upper in zip(*interval, strict=True)
    ]


def changed(now: Sequence[str], without: Sequence[str]) -> list[str]:
    """Say of each authority whether the data since the inspection changed its side of the level.

    Parameters
    ----------
    now, without
        `sides` of P, and of P had nothing been observed since the last inspection.

    Examples
    --------
    >>> changed(["above", "below", ""], ["around", "below", ""])
    ['yes', 'no', '']
    """
    return ["" if not a else "no" if a == b else "yes" for a, b in zip(now, without, strict=True)]


def expected_errors(
    p: np.ndarray, draws: np.ndarray, side: Sequence[str], *, loss_ratio: float, interval: float
) -> dict[str, Any]:
    """Errors to expect of visiting early where P(worse) is above the level, which no other choice is expected to beat.

    Visits in vain: the sum of 1 - P over the visited. Missed declines: the sum of P over the others.

    Parameters
    ----------
    p
        P(worse) of each authority of a list, NaN where it cannot get worse.
    draws
        P given each draw (draw, authority).
    side
        `sides` of each authority.
    loss_ratio
        Cost of a missed decline, in visits in vain.
    interval
        Probability of the equal-tailed intervals over the draws.

    Returns
    -------
    dict
        `authorities` that can get worse, `above`, `around` and `below`: how many of each; `visited`, and
        `visited_around` of them; `visits_in_vain`, `missed_declines` and the `loss` of both with their intervals; and,
        to compare it with, the expected loss of visiting nobody and everybody.
    """
    known = ~np.isnan(p)
    chosen = known & (np.nan_to_num(p) > threshold(loss_ratio))
    around = np.array([s == AROUND for s in side], dtype=bool)
    tails = [(1.0 - interval) / 2.0, (1.0 + interval) / 2.0]

    def errors(visited: np.ndarray, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return (1.0 - q[..., visited & known]).sum(axis=-1), q[..., ~visited & known].sum(axis=-1)

    vain, missed = errors(chosen, p)
    vain_s, missed_s = errors(chosen, draws)
    values = {
        "visits_in_vain": (vain, vain_s),
        "missed_declines": (missed, missed_s),
        "loss": (vain + loss_ratio * missed, vain_s + loss_ratio * missed_s),
    }
    return {
        "authorities": int(known.sum()),
        **{name: list(side).count(name) for name in (ABOVE, AROUND, BELOW)},
        "visited": int(chosen.sum()),
        "visited_around": int((chosen & around).sum()),
        **{
            name: {"mean": float(mean), **dict(zip(("lower", "upper"), np.quantile(s, tails).tolist(), strict=True))}
            for name, (mean, s) in values.items()
        },
        "loss_visiting_nobody": float(loss_ratio * p[known].sum()),
        "loss_visiting_everybody": float((1.0 - p[known]).sum()),
    }
