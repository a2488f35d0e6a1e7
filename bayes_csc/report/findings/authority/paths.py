"""Paths of theta over the years: fans of authorities and means of regions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

INNER = 0.5
"""Probability of the inner band of a fan."""
CALENDAR = -0.25
"""Grid point t is 30 September of t - 1: so many years after the start of the calendar year t."""


def fan(theta: xr.DataArray, authority: str, interval: float, now: float) -> pd.DataFrame:
    """Quantiles of one authority's theta at each grid point up to now.

    Parameters
    ----------
    theta
        Relative to the nation's mean (chain, draw, authority, year).
    authority
        Its code.
    interval
        Probability of the outer band; both are equal-tailed.
    now
        Grid position of the cut; later points are forecasts, and are left out.

    Returns
    -------
    pandas.DataFrame
        Indexed by `year`, the years in which the authority existed: `position` (calendar years), `median`, `lower`,
        `upper`, `inner_lower`, `inner_upper`.
    """
    own = theta.sel(authority=authority)
    own = own.sel(year=own.year <= np.ceil(now - 1e-9)).dropna("year", how="all")
    levels = [0.5, (1 - interval) / 2, (1 + interval) / 2, (1 - INNER) / 2, (1 + INNER) / 2]
    values = own.transpose("year", "chain", "draw").to_numpy().reshape(own.sizes["year"], -1)
    names = ["median", "lower", "upper", "inner_lower", "inner_upper"]
    table = pd.DataFrame(np.quantile(values, levels, axis=1).T, columns=names, index=own.year.to_numpy())
    table.insert(0, "position", table.index.to_numpy() + CALENDAR)
    return table.rename_axis("year")


def region_means(theta: xr.DataArray, region: pd.Series) -> pd.DataFrame:
    """Posterior mean of the average theta of each region's authorities: (year, region).

    Parameters
    ----------
    theta
        As of `fan`.
    region
        Region of each authority, indexed by code.
    """
    mean = theta.mean(("chain", "draw")).transpose("year", "authority")
    table = pd.DataFrame(mean.to_numpy(), index=theta.year.to_numpy(), columns=theta.authority.to_numpy())
    return table.T.groupby(region.reindex(table.columns)).mean().T
