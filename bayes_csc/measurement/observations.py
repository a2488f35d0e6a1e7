"""Observations of the measurement model: panel cells on their link scales."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from bayes_csc.files.csv_toml import WIDEST
from bayes_csc.panel.calendar import grid_position, reference_instant
from bayes_csc.panel.indicators import Indicator
from bayes_csc.spec import Counts

SNAP = 0.005
"""A reference instant this near a grid point (two days) is at it: leap years move a midpoint by a day."""
CONFIDENCE_LEVELS = (1.0, 2.0, 3.0)
NONE = pd.DataFrame(
    {name: pd.Series(dtype=str) for name in ("unit", "indicator", "family")}
    | {"year": pd.Series(dtype=int), "site": pd.Series(dtype=bool)}
    | {name: pd.Series(dtype=float) for name in ("position", "sign", "z", "variance", "confidence_variance")}
    | {name: pd.Series(dtype=float) for name in ("numerator", "denominator", "lower", "upper")}
)
"""No observation."""
FURTHER = "further_variance"
"""Column of cells that adds to their sampling variance."""


def observation_rows(cells: pd.DataFrame, indicators: Mapping[str, Indicator], counts: Counts) -> pd.DataFrame:
    """Cells that carry information, on their link scales.

    A count y of n has the exact likelihood of its family (`bayes_csc.panel.families`), and a suppressed count, known to
    lie in lower..upper, that of the interval: by a Gaussian site fitted to it (`likelihood.count_sites`), for which
    `site` is true. Their z and variance only place the site's first fit: with g the empirical link, I its information
    and y the middle of an interval,

        z = sign * g(y, n),   variance = 1 / I + (upper - lower + 1) ** 2 / 12 / I ** 2

    `sign` is -1 where higher is worse. An interval from none to all of a share says nothing and is left out, as what is
    not available.

    Where the release gives its confidence in a share or a rate, `counts.confidence_sd` of that level, squared, is the
    variance of noise of the logit behind the count. So is `further_variance`, a column that the cells of a file do not
    have (`bayes_csc.evaluation.sensitivity.plan.outlying`).

    Parameters
    ----------
    cells
        Rows of a panel.
    indicators
        Their dictionary.
    counts
        What a suppressed count stands for, and the noise of confidence levels.

    Returns
    -------
    pandas.DataFrame
        Columns unit, indicator, family, year, position, z, variance, confidence_variance (its part of `variance`),
        sign, numerator, denominator, lower, upper, site; of categories also scale (the indicator) and grade.
    """
    cells = _limited(cells.reset_index(drop=True), counts)
    known = cells.status.eq("observed") | (cells.status.eq("suppressed") & cells.lower.notna() & cells.upper.notna())
    # a stratum per indicator only because the reference instant is declared per indicator
    parts = []
    for key, indicator in indicators.items():
        figures = indicator.distribution.observations(cells[known & cells.indicator.eq(key)], indicator)
        chosen = cells.loc[figures.index]
        position = grid_position(
            reference_instant(chosen.reference_start, chosen.reference_end, indicator.reference_instant)
        )
        near = np.round(position)
        where = pd.DataFrame(
            {
                "unit": chosen.authority,
                "indicator": key,
                "family": indicator.family,
                "year": chosen.year,
                "position": np.where(np.abs(position - near) < SNAP, near, position),
                "sign": indicator.sign,
            }
        )
        rows = where.join(figures)
        doubt = confidence_variance(chosen, counts) if indicator.distribution.counted else 0.0
        if FURTHER in chosen:
            doubt = doubt + chosen[FURTHER].fillna(0.0)
        parts.append(rows.assign(variance=rows.variance + doubt, confidence_variance=doubt))
    return pd.concat(parts, ignore_index=True) if parts else NONE


def _limited(cells: pd.DataFrame, counts: Counts) -> pd.DataFrame:
    """Cells with the limits of their suppressed counts as the spec takes them; without those, if it leaves them out."""
    if counts.suppressed == "left out":
        return cells[cells.status.ne("suppressed")]
    if counts.suppressed == "interval":
        return cells
    wider = cells.reindex(columns=list(WIDEST))
    return cells.assign(lower=wider.widest_lower.fillna(cells.lower), upper=wider.widest_upper.fillna(cells.upper))


def confidence_variance(cells: pd.DataFrame, counts: Counts) -> pd.Series:
    """Variance, on the logit scale, for the confidence that each cell's release has in it; 0 where it gives none."""
    variance = {level: sd**2 for level, sd in zip(CONFIDENCE_LEVELS, counts.confidence_sd, strict=True)}
    return cells.reindex(columns=["confidence"])["confidence"].map(variance).astype(float).fillna(0.0)
