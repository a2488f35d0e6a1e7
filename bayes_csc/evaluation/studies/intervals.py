"""Intervals of the studies: of a share of independent cases, and of any statistic of authorities drawn anew."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from statsmodels.stats.proportion import proportion_confint

INTERVAL = 0.89
REPLICATES = 1000
Statistic = Callable[[np.ndarray], np.ndarray]


def wilson(count: float, of: float, *, probability: float = INTERVAL) -> tuple[float, float]:
    """Wilson's score interval of a share; NaN of no case at all.

    Examples
    --------
    >>> [round(end, 4) for end in wilson(0, 10, probability=0.95)]
    [0.0, 0.2775]
    """
    if of == 0:
        return np.nan, np.nan
    low, high = proportion_confint(count, of, alpha=1.0 - probability, method="wilson")
    return float(low), float(high)


def bootstrap(
    authority: np.ndarray,
    statistic: Statistic,
    *,
    seed: int,
    replicates: int = REPLICATES,
    probability: float = INTERVAL,
) -> tuple[np.ndarray, np.ndarray]:
    """Percentile intervals of statistics of rows when their authorities are drawn anew, with replacement.

    All rows of an authority come together, as many times as it is drawn, so that an authority that is seen in several
    years or inspections counts as one.

    Parameters
    ----------
    authority
        Of each row.
    statistic
        Function of the indices of the rows drawn (an authority's rows in their order, authorities in sorted order) that
        returns an array of statistics, NaN where one does not exist for these rows.
    seed
        The same seed gives the same intervals, whatever the order of the rows.
    replicates
        How many times authorities are drawn.
    probability
        Of the equal-tailed intervals.

    Returns
    -------
    tuple of numpy.ndarray
        Lower and upper ends, over the replicates in which the statistic exists; NaN where it never does.
    """
    _, at, count = np.unique(authority, return_inverse=True, return_counts=True)
    row, first = np.argsort(at, kind="stable"), np.cumsum(count) - count
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(replicates):
        chosen = np.sort(rng.integers(count.size, size=count.size))
        size = count[chosen]
        place = np.arange(size.sum()) + np.repeat(first[chosen] - (np.cumsum(size) - size), size)
        drawn.append(statistic(row[place]))
    values = np.array(drawn, dtype=float)
    tail = 0.5 * (1.0 - probability)
    ends = np.full((2, values.shape[1]), np.nan)
    for k, column in enumerate(values.T):
        known = column[~np.isnan(column)]
        if known.size:
            ends[:, k] = np.quantile(known, [tail, 1.0 - tail])
    return ends[0], ends[1]
