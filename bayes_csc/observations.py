"""Observations of the measurement model: panel cells on the logit scale, and judgements."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from bayes_csc.calendar import grid_position, reference_instant
from bayes_csc.indicators import Indicator
from bayes_csc.panel import Panel, inspection_dates
from bayes_csc.spec import Counts

SIGN = {"higher is better": 1.0, "higher is worse": -1.0, "not agreed": 1.0}
SNAP = 0.005
"""A reference instant this near a grid point (two days) is at it: leap years move a midpoint by a day."""
INTERVAL_SD = 0.25
"""Standard deviation on the logit scale up to which a wide interval is near enough to a Gaussian at its middle."""


def observation_rows(cells: pd.DataFrame, indicators: Mapping[str, Indicator], counts: Counts) -> pd.DataFrame:
    """Cells that carry information, as empirical logits with their sampling variances.

    For a count y of n, with p = (y + 1/2) / (n + 1):

        z = sign * log(p / (1 - p)),   variance = 1 / (n p (1 - p))

    `sign` is -1 where higher is worse. A suppressed count, known to lie in lower..upper, stands at its interval's
    middle, and the interval adds its variance on the logit scale,

        spread / (n p (1 - p)) ** 2,   spread = (upper - lower + 1) ** 2 / 12

    A cell is `small` if n p (1 - p) is below the threshold, or if its spread exceeds n p (1 - p), the count's own
    sampling variance; its z and variance then only place it: its exact binomial or interval likelihood, or a site
    fitted to that (`bayes_csc.sites`), takes their place. That takes a term per count of the interval, so a wide one
    remains an empirical logit where it pins the logit down to `INTERVAL_SD`, and is left out where it does not. An
    interval from none to all says nothing and is left out too, as what is not available.
    Full-time equivalents may be fractions; an interval of them stands for the whole numbers in it.

    Parameters
    ----------
    cells
        Rows of a panel.
    indicators
        Their dictionary; every family binomial.
    counts
        Threshold and the widest usable interval.

    Returns
    -------
    pandas.DataFrame
        Columns unit, indicator, year, position, z, variance, sign, numerator, denominator, lower, upper, small.
    """
    known = cells.status.eq("observed") | (cells.status.eq("suppressed") & cells.lower.notna() & cells.upper.notna())
    usable = known & cells.denominator.gt(0)
    # a stratum per indicator only because the reference instant is declared per indicator
    parts = []
    for key, indicator in indicators.items():
        chosen = cells[usable & cells.indicator.eq(key)]
        suppressed = chosen.status.eq("suppressed")
        upper = chosen.upper.clip(upper=chosen.denominator)
        middle = ((chosen.lower + upper) / 2).where(suppressed, chosen.numerator)
        p = (middle + 0.5) / (chosen.denominator + 1.0)
        information = chosen.denominator * p * (1.0 - p)
        spread = ((upper - chosen.lower + 1.0) ** 2 / 12.0).where(suppressed, 0.0)
        everything = suppressed & chosen.lower.le(0) & upper.ge(chosen.denominator)
        wide = suppressed & (upper - chosen.lower).ge(counts.widest_interval)
        precise = spread.le(information) | (wide & spread.le((INTERVAL_SD * information) ** 2))
        small = information.lt(counts.threshold) | ~precise
        position = grid_position(
            reference_instant(chosen.reference_start, chosen.reference_end, indicator.reference_instant)
        )
        near = np.round(position)
        rows = pd.DataFrame(
            {
                "unit": chosen.authority,
                "indicator": key,
                "year": chosen.year,
                "position": np.where(np.abs(position - near) < SNAP, near, position),
                "z": SIGN[indicator.polarity] * np.log(p / (1.0 - p)),
                "variance": 1.0 / information + spread / information**2,
                "sign": SIGN[indicator.polarity],
                "numerator": chosen.numerator.where(~suppressed),
                "denominator": chosen.denominator,
                "lower": chosen.lower.where(suppressed),
                "upper": upper.where(suppressed),
                "small": small,
            }
        )
        parts.append(rows[~(wide & small) & ~everything])
    return pd.concat(parts, ignore_index=True)


def judgement_rows(panel: Panel, domain: str = "overall") -> pd.DataFrame:
    """Judgements of one domain as observations of theta at the inspection's start, the grade still ordinal."""
    chosen = panel.inspections[panel.inspections.domain == domain]
    position = grid_position(inspection_dates(panel.inspections).loc[chosen.index])
    return pd.DataFrame(
        {
            "unit": chosen.authority.to_numpy(),
            "indicator": "judgement",
            "year": np.floor(position).astype(int),
            "position": position,
            "z": 0.0,
            "variance": 0.0,
            "sign": 1.0,
            "small": False,
            "framework": chosen.framework.to_numpy(),
            "grade": chosen.grade.to_numpy(),
        }
    )
