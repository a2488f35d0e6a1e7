"""Scores of forecasts of grades and of the event "worse"; each can be weighted by event, for a bootstrap.

Every function takes `weight` (..., event) and returns (...): the leading axes are replicates. Grades are 1 to K.

    log score        mean of log P(grade)                                            higher is better
    RPS              mean of sum over g < K of (P(grade <= g) - 1[grade <= g]) ** 2  lower is better
    Brier            mean of (P(event) - 1[event]) ** 2                              lower is better
    AUC              share of pairs (event, no event) of one origin in which the event had the higher P; a tie is half
    sensitivity      share of the events among the flagged, the given share of each origin with the highest P

Sources: Gneiting and Raftery 2007 (log, Brier, RPS); Hanley and McNeil 1982 (AUC).
"""

from __future__ import annotations

import numpy as np


def log_score(p: np.ndarray, grade: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Weighted mean of the log probability (event, grade) of the grade that came.

    Examples
    --------
    >>> round(float(log_score(np.array([[0.5, 0.5], [0.2, 0.8]]), np.array([1, 2]), np.ones(2))), 4)
    -0.4581
    """
    return _mean(np.log(p[np.arange(grade.size), grade - 1]), weight)


def ranked_probability_score(p: np.ndarray, grade: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Weighted mean of the ranked probability score, 0 to K - 1.

    Examples
    --------
    >>> round(float(ranked_probability_score(np.array([[0.2, 0.5, 0.3]]), np.array([1]), np.ones(1))), 2)
    0.73
    """
    came = grade[:, None] <= np.arange(1, p.shape[1])
    return _mean(((np.cumsum(p, axis=1)[:, :-1] - came) ** 2).sum(axis=1), weight)


def brier(p: np.ndarray, event: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Weighted mean of the squared error of P(event)."""
    return _mean((p - event) ** 2, weight)


def auc_within(p: np.ndarray, event: np.ndarray, stratum: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Area under the ROC curve from pairs of one stratum; NaN where there is no pair.

    Examples
    --------
    >>> p, event = np.array([0.9, 0.2, 0.4, 0.8]), np.array([True, False, True, False])
    >>> float(auc_within(p, event, np.array([0, 0, 1, 1]), np.ones(4)))
    0.5
    """
    concordant = pairs = np.zeros(weight.shape[:-1])
    for which in np.unique(stratum):
        yes, no = (np.flatnonzero((stratum == which) & (event == came)) for came in (True, False))
        order = np.sign(p[yes][:, None] - p[no]) / 2 + 0.5
        concordant = concordant + ((weight[..., yes] @ order) * weight[..., no]).sum(axis=-1)
        pairs = pairs + weight[..., yes].sum(axis=-1) * weight[..., no].sum(axis=-1)
    return _ratio(concordant, pairs)


def sensitivity(p: np.ndarray, event: np.ndarray, stratum: np.ndarray, weight: np.ndarray, rate: float) -> np.ndarray:
    """Share of the events that are flagged when `rate` of each stratum is; ties at the threshold share what is left.

    Examples
    --------
    >>> p, event = np.array([0.9, 0.2, 0.4, 0.8]), np.array([True, False, True, False])
    >>> float(sensitivity(p, event, np.zeros(4), np.ones(4), 0.5))
    0.5
    """
    caught = events = np.zeros(weight.shape[:-1])
    for which in np.unique(stratum):
        own = np.flatnonzero(stratum == which)
        _, level = np.unique(-p[own], return_inverse=True)
        member = (level[:, None] == np.arange(level.max() + 1)).astype(float)
        size = weight[..., own] @ member
        room = rate * size.sum(axis=-1, keepdims=True) - (np.cumsum(size, axis=-1) - size)
        flagged = np.clip(np.divide(room, size, out=np.zeros_like(size), where=size > 0), 0.0, 1.0)
        came = weight[..., own] * event[own]
        caught = caught + ((came @ member) * flagged).sum(axis=-1)
        events = events + came.sum(axis=-1)
    return _ratio(caught, events)


def _mean(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return _ratio(weight @ values, weight.sum(axis=-1))


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    part, whole = np.asarray(part, dtype=float), np.asarray(whole, dtype=float)
    return np.asarray(np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0))
