"""An ordered probit on a covariate that is known with error.

    u = slope x + shift[scale] + N(0, 1),   x ~ N(mean, variance),   grade from the cutpoints of u

so that, x integrated out,

    P(score <= c) = Phi((cutpoint[c] - shift[scale] - slope mean) / sqrt(1 + slope ** 2 variance))

and the slope is that on x itself: what is not known of x does not draw it towards zero, as it would draw the slope on
draws of x. With no variance and one scale it is the ordinary ordered probit.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize
from scipy.special import ndtr

FARTHEST = 1e6
"""Where a cutpoint at infinity stands, for arithmetic."""
SLOPE_SD, FREE_SD = 10.0, 30.0
"""Normal sds of the slope and of all else, so weak that they only keep what the data leave open from infinity."""
TINY = 1e-300


def noisy_probit_slope(
    score: np.ndarray, scale: np.ndarray, mean: np.ndarray, variance: np.ndarray, weight: np.ndarray
) -> float:
    """Slope that maximises the weighted likelihood.

    Parameters
    ----------
    score
        Category of each observation, 0 the lowest; categories that never occur do not matter.
    scale
        Index of each observation's scale, from 0: what shifts all its cutpoints.
    mean, variance
        Of the covariate of each observation.
    weight
        Of each observation.

    Returns
    -------
    float
        NaN with fewer than two categories.
    """
    seen, level = np.unique(score, return_inverse=True)
    if seen.size < 2:
        return float("nan")
    shifts = np.unique(scale, return_inverse=True)[1]
    share = np.cumsum(np.bincount(level, weights=weight))[:-1] / weight.sum()
    cut = np.log(share / (1.0 - share)) / 1.7
    start = np.concatenate([[0.0], cut[:1], np.log(np.maximum(np.diff(cut), 0.05)), np.zeros(shifts.max())])
    found = minimize(_objective, start, args=(level, shifts, mean, variance, weight), jac=True, method="BFGS")
    return float(found.x[0])


def _objective(
    free: np.ndarray, level: np.ndarray, scale: np.ndarray, mean: np.ndarray, variance: np.ndarray, weight: np.ndarray
) -> tuple[float, np.ndarray]:
    """Negative penalised log likelihood and its gradient in (slope, first cutpoint, log increments, shifts)."""
    n = level.max()
    slope, increment = free[0], np.exp(free[2 : n + 1])
    cut = np.cumsum(np.concatenate([free[1:2], increment]))
    shift = np.concatenate([[0.0], free[n + 1 :]])[scale]
    width = np.sqrt(1.0 + slope**2 * variance)
    edge = np.concatenate([[-FARTHEST], cut, [FARTHEST]])
    low, high = ((edge[level + step] - shift - slope * mean) / width for step in (0, 1))
    p = _between(low, high)
    above, below = (np.exp(-0.5 * np.minimum(np.abs(a), 40.0) ** 2) / np.sqrt(2.0 * np.pi) / p for a in (high, low))
    by_slope = [-mean / width - a * slope * variance / width**2 for a in (high, low)]
    gradient = np.empty_like(free)
    gradient[0] = (weight * (above * by_slope[0] - below * by_slope[1])).sum()
    by_edge = np.bincount(level + 1, weights=weight * above / width, minlength=n + 2)
    by_edge -= np.bincount(level, weights=weight * below / width, minlength=n + 2)
    later = np.cumsum(by_edge[1:-1][::-1])[::-1]  # every later cutpoint moves with an increment
    gradient[1 : n + 1] = later * np.concatenate([[1.0], increment])
    moved = weight * (below - above) / width
    gradient[n + 1 :] = np.bincount(scale, weights=moved, minlength=scale.max() + 1)[1:]
    sd = np.concatenate([[SLOPE_SD], np.full(free.size - 1, FREE_SD)])
    value = -float(weight @ np.log(p)) + 0.5 * float(((free / sd) ** 2).sum())
    return value, free / sd**2 - gradient


def _between(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Probability between two edges of a standard normal, accurate in either tail."""
    tail = low > 0.0
    first, second = np.where(tail, -high, low), np.where(tail, -low, high)
    return np.asarray(np.maximum(ndtr(second) - ndtr(first), TINY))


def concordance(score: np.ndarray, scale: np.ndarray, value: np.ndarray, weight: np.ndarray) -> float:
    """Probability that of two observations of one scale the one with the better score has the higher value.

    Pairs of one score say nothing; those of one value count half. One half is no association.
    """
    pair = (scale[:, None] == scale) & (score[:, None] > score)
    won = np.sign(value[:, None] - value) / 2.0 + 0.5
    weights = pair * weight[:, None] * weight
    return float((weights * won).sum() / weights.sum()) if weights.any() else float("nan")
