"""Probabilities of decline given each draw, and the error that a preview makes in their average."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.special import ndtr

EPSILON = 0.25
"""Smallest decline that counts unless said otherwise, in units of theta."""
BATCHES = 5
"""Of each chain: with four chains, twenty means give an error its second digit."""
BISECTIONS = 45
"""Of a range of ten or so units: quantiles are exact to 1e-12."""


def conditional_probability(change: xr.Dataset, epsilon: float) -> xr.DataArray:
    """P(Delta < -epsilon) given each draw of the hyperparameters: Phi((-epsilon - mean) / sd)."""
    p: xr.DataArray = xr.apply_ufunc(ndtr, (-epsilon - change["mean"]) / np.sqrt(change["variance"]))
    return p


def batch_means_error(draws: xr.DataArray) -> xr.DataArray:
    """Standard error of the mean over chains and draws, by batch means (Flegal and Jones 2010).

    Each chain is cut in `BATCHES` (and what is left, if as long); the error is the sd of their means over the root of
    their number. It counts what the chains disagree about as well as what is correlated within them.

    Parameters
    ----------
    draws
        Dims chain, draw and any others.
    """
    length = max(1, draws.sizes["draw"] // BATCHES)
    used = draws.isel(draw=slice(0, draws.sizes["draw"] // length * length))
    means = used.coarsen(draw=length).mean()
    error: xr.DataArray = means.std(("chain", "draw"), ddof=1) / np.sqrt(means.sizes["chain"] * means.sizes["draw"])
    return error


def split_rhat(draws: xr.DataArray) -> xr.DataArray:
    """Split R-hat: root of (within + between) over within, of half chains (Gelman et al. 2013, section 11.4)."""
    half = draws.sizes["draw"] // 2
    parts = draws.isel(draw=slice(0, 2 * half)).coarsen(draw=half).construct(draw=("part", "inside"))
    within = parts.var("inside", ddof=1).mean(("chain", "part"))
    between = parts.mean("inside").stack(each=("chain", "part")).var("each", ddof=1)
    rhat: xr.DataArray = ((half - 1) / half + between / within) ** 0.5
    return rhat


def mixture_quantile(mean: np.ndarray, sd: np.ndarray, level: float, weight: np.ndarray | None = None) -> np.ndarray:
    """Quantile of each row's mixture of normals, by bisection of its distribution function.

    Parameters
    ----------
    mean, sd
        Of the components, (row, component).
    level
        Probability.
    weight
        Of the components, summing to one; equal by default.
    """
    share = np.full(mean.shape[1], 1.0 / mean.shape[1]) if weight is None else weight
    low, high = (mean - 9.0 * sd).min(axis=1), (mean + 9.0 * sd).max(axis=1)
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        below = ndtr((middle[:, None] - mean) / sd) @ share < level
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray(0.5 * (low + high))
