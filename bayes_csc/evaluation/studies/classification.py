"""How well probabilities of an event pick it out: what is caught, what is flagged in vain, and what the score is."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from bayes_csc.evaluation.studies.intervals import bootstrap, wilson

SMALLEST = 1e-6
"""Of a predicted probability, for its logarithm."""


def flags(p: np.ndarray, base: np.ndarray, event: np.ndarray) -> dict[str, np.ndarray]:
    """Flags by three rules: p above one half; above the share in the data fitted; the as many highest as events.

    Ties at the last place of the third rule are all flagged.
    """
    k = int(event.sum())
    limit = np.sort(p)[::-1][k - 1] if k else np.inf
    return {"above 1/2": p > 0.5, "above base rate": p > base, "as many as events": p >= limit}


def performance(rows: pd.DataFrame, event: str, *, seed: int, replicates: int) -> pd.DataFrame:
    """Score probabilities, one row per rule of `flags`.

    Parameters
    ----------
    rows
        One per inspection: authority, p (predicted probability) and base (the event's share in the data that the
        prediction was fitted to).
    event
        Column that tells whether it happened. Intervals of the scores are bootstrapped over authorities, the
        predictions as they are.
    seed, replicates
        Of the bootstrap.

    Returns
    -------
    pandas.DataFrame
        rule, inspections, events, flagged, caught, false_positives; with _lower and _upper: sensitivity (caught of
        events; Wilson), false_positive_rate (flagged of the others; Wilson), false_share (of the flags, those in vain;
        Wilson), auc and log_score_gain (mean log probability less that of `base`; bootstrap).
    """
    rows = rows.sort_values(["authority", "p"])  # the same whatever the order of the rows
    p, base, happened = (rows[name].to_numpy() for name in ("p", "base", event))

    def scores(at: np.ndarray) -> np.ndarray:
        gain = log_score(happened[at], p[at]) - log_score(happened[at], base[at])
        return np.array([area_under_curve(happened[at], p[at]), gain])

    here = scores(np.arange(p.size))
    low, high = bootstrap(rows["authority"].to_numpy(), scores, seed=seed, replicates=replicates)
    whole: dict[str, object] = {}
    for k, name in enumerate(("auc", "log_score_gain")):
        whole |= {name: here[k], f"{name}_lower": low[k], f"{name}_upper": high[k]}
    return pd.DataFrame([_counted(rule, flag, happened) | whole for rule, flag in flags(p, base, happened).items()])


def _counted(rule: str, flag: np.ndarray, event: np.ndarray) -> dict[str, object]:
    caught, events, flagged = int((flag & event).sum()), int(event.sum()), int(flag.sum())
    false = flagged - caught
    row: dict[str, object] = {
        "rule": rule, "inspections": event.size, "events": events, "flagged": flagged, "caught": caught,
        "false_positives": false,
    }  # fmt: skip
    counts = {
        "sensitivity": (caught, events),
        "false_positive_rate": (false, event.size - events),
        "false_share": (false, flagged),
    }
    for name, (count, of) in counts.items():
        low, high = wilson(count, of)
        row |= {name: count / of if of else np.nan, f"{name}_lower": low, f"{name}_upper": high}
    return row


def area_under_curve(event: np.ndarray, p: np.ndarray) -> float:
    """P(p of an event > p of another) + 1/2 P(equal), by ranks (Mann and Whitney 1947); NaN without both kinds."""
    n, m = int(event.sum()), int((~event).sum())
    return float((rankdata(p)[event].sum() - n * (n + 1) / 2) / (n * m)) if n and m else np.nan


def log_score(event: np.ndarray, p: np.ndarray) -> float:
    """Mean log probability of what happened."""
    p = np.clip(p, SMALLEST, 1.0 - SMALLEST)
    return float(np.mean(np.where(event, np.log(p), np.log1p(-p))))
