"""Thinned draws that a page keeps, so that its reader can ask with other settings than the report's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayes_csc.findings.change_density import thinned_moments
from bayes_csc.findings.paths import nearest_draws

MOMENTS, PATHS, CHANCES = 160, 160, 200
"""Draws kept of the change, of the path, and of the probability of a worse grade."""
LISTED = 80
"""Draws kept of each where all authorities are on one page."""


def what_if(
    theta: xr.DataArray, change: xr.Dataset, code: str, chances: np.ndarray | None, forecast: dict[str, Any] | None
) -> dict[str, Any]:
    """Collect the draws of one authority.

    Parameters
    ----------
    theta, change
        Of the fit.
    code
        Of the authority.
    chances
        P(next grade worse) given each draw and theta now; None where nothing can get worse.
    forecast
        Its row of the forecast.

    Returns
    -------
    dict
        `since`: mean and sd of the change since the last inspection, given each draw; `no_data`: had nothing been
        observed since; `paths`: draws of theta by year, the last being now; `worse`: draws of P(worse), with `p`,
        their forecast, and `p_no_data`.
    """
    now = float(change.attrs["now"])
    out: dict[str, Any] = {
        "since": _short(thinned_moments(change, code, "since inspection", MOMENTS), 3),
        "no_data": _short(thinned_moments(change, code, "since inspection, no data", MOMENTS // 2), 3),
        "paths": _short(nearest_draws(theta, code, PATHS, now), 2),
    }
    if chances is not None and forecast is not None:
        kept = chances[np.unique(np.linspace(0, len(chances) - 1, CHANCES).round().astype(int))]
        out["worse"] = _short(kept, 4)
        out |= {"p": forecast["p_next_worse"], "p_no_data": forecast["p_next_worse_no_data"]}
    return out


def group_draws(
    change: xr.Dataset, decline: pd.DataFrame, forecast: pd.DataFrame | None, chances: xr.DataArray | None,
    slugs: pd.Series,
) -> list[dict[str, Any]]:  # fmt: skip
    """Collect fewer draws of every authority, for a list of any group.

    Returns
    -------
    list of dict
        By name: `name`, `slug`, `grade` (the last), `since` and `recent` (means and sds), and where a grade can get
        worse `worse`, `p`, `p_no_data`.
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
            values = chances.sel(authority=code).to_numpy()
            kept = values[np.unique(np.linspace(0, len(values) - 1, LISTED).round().astype(int))]
            entry |= {"worse": _short(kept, 3), "p": round(float(following["p_next_worse"]), 4)}
            entry["p_no_data"] = round(float(following["p_next_worse_no_data"]), 4)
        out.append(entry)
    return out


def _short(values: np.ndarray, digits: int) -> list[Any]:
    """Plain numbers of few digits; a year in which the authority did not exist is null."""
    rounded = np.round(values.astype(float), digits)
    out = rounded.astype(object)
    out[np.isnan(rounded)] = None
    return list(out.tolist())
