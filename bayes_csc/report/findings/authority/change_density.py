"""The density of a change of theta: the average, over draws of the hyperparameters, of exact normal densities."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from scipy.special import ndtr, ndtri

POINTS, DRAWS, REACH = 161, 1000, 3.2
"""Points of the curve; draws averaged over at most; how many standard deviations it goes to each side."""


def change_density(change: xr.Dataset, authority: str) -> pd.DataFrame | None:
    """Density of theta(now) - theta(last inspection), and had nothing been observed since.

    With draws s of the hyperparameters, given each of which the change is normal,

        f(x) = 1 / N sum over s of N(x; E[change | s], Var[change | s])

    Parameters
    ----------
    change
        Moments given each draw (`states.states_given_draws`).
    authority
        Its code.

    Returns
    -------
    pandas.DataFrame or None
        Columns `change` (an even grid), `density`, `no_data`; None without an inspection.
    """
    mixtures = [_moments(change, authority, kind) for kind in ("since inspection", "since inspection, no data")]
    if any(mean.size == 0 for mean, _ in mixtures):
        return None
    ends = [(m.mean(), np.sqrt((sd**2).mean() + m.var())) for m, sd in mixtures]
    low, high = min(m - REACH * s for m, s in ends), max(m + REACH * s for m, s in ends)
    x = np.linspace(low, high, POINTS)
    density, no_data = (_average(x, *each) for each in mixtures)
    return pd.DataFrame({"change": x, "density": density, "no_data": no_data})


def mixture_levels(change: xr.Dataset, authority: str, kind: str, levels: np.ndarray) -> np.ndarray:
    """Quantiles of a change at some levels, interpolated on a grid fine enough for 1e-3 sds; NaN without one."""
    mean, sd = _moments(change, authority, kind)
    if mean.size == 0:
        return np.full(len(levels), np.nan)
    middle, spread = mean.mean(), np.sqrt((sd**2).mean() + mean.var())
    x = middle + spread * np.linspace(-5.0, 5.0, POINTS)
    below = ndtr((x[:, None] - mean) / sd).mean(axis=1)
    return np.asarray(middle + spread * np.interp(ndtri(levels), ndtri(below), (x - middle) / spread))


def _moments(change: xr.Dataset, authority: str, kind: str, wanted: int = DRAWS) -> tuple[np.ndarray, np.ndarray]:
    own = change[["mean", "variance"]].sel(authority=authority, change=kind).transpose("chain", "draw")
    mean, variance = own["mean"].to_numpy().ravel(), own["variance"].to_numpy().ravel()
    known = ~np.isnan(mean)
    mean, variance = mean[known], variance[known]
    chosen = np.unique(np.linspace(0, max(len(mean) - 1, 0), wanted).round().astype(int))[: len(mean)]
    return mean[chosen], np.sqrt(np.maximum(variance[chosen], 1e-12))


def _average(x: np.ndarray, mean: np.ndarray, sd: np.ndarray) -> np.ndarray:
    z = (x[:, None] - mean) / sd
    return np.asarray((np.exp(-0.5 * z**2) / (np.sqrt(2 * np.pi) * sd)).mean(axis=1))
