"""Quantiles of the draws that a page keeps, so that its reader can ask with other settings than the report's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayes_csc.estimates.forecast.overall_name import WOULD
from bayes_csc.likelihood.conditional_states import RECENT_YEARS
from bayes_csc.report.findings.authority.change_density import mixture_levels
from bayes_csc.report.findings.words.next_words import has_overall

TAIL = (0.001, 0.005, 0.01, 0.02, 0.03)
LEVELS = np.array([*TAIL, *np.linspace(0.05, 0.95, 37), *(1.0 - p for p in reversed(TAIL))])
"""Probabilities of the quantiles; a page interpolates between them."""
LONGEST = 8
"""Years back of the longest period that a reader can ask about."""
CHANGE_STEP, CHANCE_STEP = 1e-3, 1e-4
"""Units in which quantiles of a change and of a probability are kept."""


def what_if(
    theta: xr.DataArray, change: xr.Dataset, codes: list[str], chances: xr.Dataset | None,
    forecast: pd.DataFrame | None,
) -> dict[str, dict[str, Any]]:  # fmt: skip
    """Collect what is kept of each authority.

    Parameters
    ----------
    theta, change
        Of the fit.
    codes
        Of the authorities.
    chances
        Draws of P(next grade worse), with and without the data since; None without judgements.
    forecast
        The table of the next inspections; None without judgements.

    Returns
    -------
    dict
        By code: `periods`, quantiles at `LEVELS` of the change since the last inspection ("inspection") and over each
        number of years up to `LONGEST` ("1", ...) to the newest figure in which the authority existed; `no_data`, of
        the change since the inspection had nothing been observed since; and where a grade can get worse `worse` and
        `worse_no_data`, of the draws of its probability, with `p`, their forecast, and `of`, what that
        is of where there is no overall grade. Each list is of whole numbers of steps of `CHANGE_STEP` or `CHANCE_STEP`:
        the first quantile, then what each is more than the one before.
    """
    periods = _periods(theta, codes, float(change.attrs.get("recent_until", change.attrs["now"])))
    ahead = {} if forecast is None else {str(r["authority"]): r for r in forecast.to_dict("records")}
    out: dict[str, dict[str, Any]] = {}
    for place, code in enumerate(codes):
        since, recent, without = (
            mixture_levels(change, code, kind, LEVELS)
            for kind in ("since inspection", "recent", "since inspection, no data")
        )
        own = {"inspection": since} | {str(n): values[place] for n, values in periods.items()}
        own[f"{RECENT_YEARS:g}"] = recent
        entry: dict[str, Any] = {
            "periods": {k: _steps(v, CHANGE_STEP) for k, v in own.items() if np.isfinite(v).all()},
            "no_data": _steps(without, CHANGE_STEP) if np.isfinite(without).all() else [],
        }
        following = ahead.get(code)
        if chances is not None and following and following["level"]:
            drawn = chances.sel(authority=code)
            entry |= {
                "worse": _steps(np.quantile(drawn["worse"], LEVELS), CHANCE_STEP),
                "worse_no_data": _steps(np.quantile(drawn["no_data"], LEVELS), CHANCE_STEP),
                "p": round(float(following["p_next_worse"]), 4),
            } | ({} if has_overall(following) else {"of": WOULD})  # fmt: skip
        out[code] = entry
    return out


def _periods(theta: xr.DataArray, codes: list[str], until: float) -> dict[int, np.ndarray]:
    """Quantiles of the change over so many years to a position (authority, level); NaN where it did not exist yet.

    Between two grid points theta is linear.
    """
    known = theta.sel(authority=codes).transpose("chain", "draw", "authority", "year")
    values = known.to_numpy().reshape(-1, len(codes), known.sizes["year"])
    place = until - float(known.year[0])

    def back(n: int) -> np.ndarray:
        low, part = divmod(place - n + 1e-9, 1.0)
        first = values[:, :, int(low)]
        return first if part < 1e-6 else (1.0 - part) * first + part * values[:, :, int(low) + 1]

    longest = min(LONGEST, int(place + 1e-9))
    return {n: np.quantile(back(0) - back(n), LEVELS, axis=0).T for n in range(1, longest + 1)}


def _steps(quantiles: np.ndarray, step: float) -> list[int]:
    """Whole numbers of steps: the first, then the differences."""
    whole = np.round(np.asarray(quantiles, dtype=float) / step).astype(int)
    return [int(v) for v in np.diff(whole, prepend=0)]
