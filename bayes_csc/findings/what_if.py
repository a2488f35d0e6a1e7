"""Thinned draws that a page keeps, so that its reader can ask with other settings than the report's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayes_csc.findings.change_density import thinned_moments
from bayes_csc.findings.paths import nearest_draws

MOMENTS, PATHS, CHANCES = 160, 160, 200
"""Draws kept of the change and of the path, and quantiles of the draws of the probability of a worse grade."""
LISTED = 80
"""Draws kept of each where all authorities are on one page."""


def what_if(
    theta: xr.DataArray, change: xr.Dataset, code: str, chances: xr.Dataset | None, forecast: dict[str, Any] | None
) -> dict[str, Any]:
    """Collect the draws of one authority.

    Parameters
    ----------
    theta, change
        Of the fit.
    code
        Of the authority.
    chances
        Draws of P(next grade worse), with and without the data since; None where nothing can get worse.
    forecast
        Its row of the forecast.

    Returns
    -------
    dict
        `since`: mean and sd of the change since the last inspection, given each draw; `no_data`: had nothing been
        observed since; `paths`: draws of theta by year, the last being now; `worse` and `worse_no_data`: quantiles of
        the draws of P(worse), with `p`, their forecast.
    """
    now = float(change.attrs["now"])
    out: dict[str, Any] = {
        "since": _short(thinned_moments(change, code, "since inspection", MOMENTS), 3),
        "no_data": _short(thinned_moments(change, code, "since inspection, no data", MOMENTS // 2), 3),
        "paths": _short(nearest_draws(theta, code, PATHS, now), 2),
    }
    if chances is not None and forecast is not None:
        out |= _worse(chances, CHANCES, 4) | {"p": forecast["p_next_worse"]}
    return out


def group_draws(
    change: xr.Dataset, decline: pd.DataFrame, forecast: pd.DataFrame | None, chances: xr.Dataset | None,
    slugs: pd.Series,
) -> list[dict[str, Any]]:  # fmt: skip
    """Collect fewer draws of every authority, for a list of any group.

    Returns
    -------
    list of dict
        By name: `name`, `slug`, `grade` (the last), `since` and `recent` (means and sds), and where a grade can get
        worse `worse`, `worse_no_data`, `p`.
    """
    ahead = {} if forecast is None else {str(r["authority"]): r for r in forecast.to_dict("records")}
    out = []
    for row in decline.to_dict("records"):
        code = str(row["authority"])
        entry = {
            "name": row["name"], "slug": slugs[code], "grade": row["last_grade"],
            "since": _short(thinned_moments(change, code, "since inspection", LISTED), 2),
            "recent": _short(thinned_moments(change, code, "recent", LISTED), 2),
        }  # fmt: skip
        following = ahead.get(code)
        if chances is not None and following and following["decision"]:
            entry |= _worse(chances.sel(authority=code), LISTED, 3) | {"p": round(float(following["p_next_worse"]), 4)}
        out.append(entry)
    return out


def _worse(chances: xr.Dataset, wanted: int, digits: int) -> dict[str, Any]:
    """Quantiles, so many and evenly spaced, of the draws of one authority's P(worse); half as many without data since.

    A page decides by the ends of their intervals. Draws left out at random moved one decision in ten across the
    threshold, away from the report's own.
    """
    out = {}
    for name, most in (("worse", wanted), ("no_data", wanted // 2)):
        values = chances[name].to_numpy()
        levels = np.linspace(0.0, 1.0, min(most, len(values)))
        out["worse" if name == "worse" else "worse_no_data"] = _short(np.quantile(values, levels), digits)
    return out


def _short(values: np.ndarray, digits: int) -> list[Any]:
    """Plain numbers of few digits; a year in which the authority did not exist is null."""
    rounded = np.round(values.astype(float), digits)
    out = rounded.astype(object)
    out[np.isnan(rounded)] = None
    return list(out.tolist())
