"""Observations of indicators that are not shares of a count: rates, values and ordered categories.

Each has a link scale on which theta acts, like the logit of a share:

    poisson     y ~ Poisson(e r),  z = sign log((y + 1/2) / (e R)),           variance 1 / (y + 1/2), to begin with
    lognormal   z = sign log(v / V),                                          variance s ** 2 / n
    gaussian    z = sign (v - V) / S,                                         variance (s / S) ** 2 / n
    ordinal     a category of 1..K, higher better where `sign` is 1, by an ordered probit of its own

with y a count, e its exposure, v a value averaged over n units each of standard deviation s (on the log scale:
coefficient of variation), as far as these are known; otherwise the white noise of the indicator's deviation stands
for them. R and V, the `typical` figure, and S, the `spread` between authorities, only put the prior where the data are:
the dictionary gives them, or they are the panel's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from bayes_csc.panel.indicators import SIGN, Indicator

COUNTED = ("binomial", "poisson")
"""Families whose observations are counts."""


def typical(indicator: Indicator, cells: pd.DataFrame) -> float:
    """Typical figure of an indicator: declared, or the pooled rate, the geometric mean or the mean of its cells.

    A suppressed count stands at the middle of its interval.
    """
    if indicator.typical is not None:
        return indicator.typical
    seen = cells[cells.status.eq("observed")]
    if indicator.family == "poisson":
        counted = cells[cells.denominator.gt(0)]
        count = counted.numerator.fillna((counted.lower + counted.upper) / 2)
        return float((count.sum() + 0.5) / counted.denominator[count.notna()].sum())
    if indicator.family == "lognormal":
        return float(np.exp(np.log(seen.value).mean()))
    return float(seen.value.mean())


def spread(indicator: Indicator, cells: pd.DataFrame) -> float:
    """Spread of a value between authorities: declared, or the sd of the cells; 1 where the link scale has its own."""
    if indicator.family != "gaussian":
        return 1.0
    if indicator.spread is not None:
        return indicator.spread
    return float(cells.value[cells.status.eq("observed")].std(ddof=0)) or 1.0


def declared(indicators: Mapping[str, Indicator], cells: pd.DataFrame) -> dict[str, Indicator]:
    """Return the indicators with their typical figures and spreads written down, where these are the cells' own."""
    out = dict(indicators)
    for key, indicator in indicators.items():
        own = cells[cells.indicator.eq(key)]
        seen = own.denominator.gt(0) if indicator.family == "poisson" else own.status.eq("observed")
        if indicator.family in ("poisson", "lognormal", "gaussian") and seen.any():
            wide = spread(indicator, own) if indicator.family == "gaussian" else None
            out[key] = replace(indicator, typical=typical(indicator, own), spread=wide)
    return out


def drawn(rows: pd.DataFrame, indicator: Indicator, eta: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw counts or values given their log rates or values on the link scale.

    Parameters
    ----------
    rows
        Observations of one indicator that is declared (`declared`).
    indicator
        Of the family poisson, lognormal or gaussian.
    eta
        One per row, coded so that higher is better.
    rng
        Source of the draws.
    """
    sign = SIGN[indicator.polarity]
    if indicator.family == "poisson":
        return rng.poisson(rows.denominator * np.exp(sign * eta)).astype(float)
    if indicator.typical is None:
        raise ValueError(f"{indicator.key}: no typical figure to draw about")
    link = sign * (eta + np.sqrt(rows.variance.to_numpy(dtype=float)) * rng.standard_normal(len(rows)))
    if indicator.family == "lognormal":
        return np.asarray(indicator.typical * np.exp(link))
    return np.asarray(indicator.typical + (indicator.spread or 1.0) * link)


def rate_rows(cells: pd.DataFrame, indicator: Indicator) -> pd.DataFrame:
    """Counts over an exposure; `denominator` becomes the expected count at the typical rate."""
    expected = cells.denominator * typical(indicator, cells)
    suppressed = cells.status.eq("suppressed")
    middle = ((cells.lower + cells.upper) / 2).where(suppressed, cells.numerator)
    information = middle + 0.5
    width = ((cells.upper - cells.lower + 1.0) ** 2 / 12.0).where(suppressed, 0.0)
    return pd.DataFrame(
        {
            "z": SIGN[indicator.polarity] * np.log(information / expected),
            "variance": 1.0 / information + width / information**2,
            "numerator": cells.numerator.where(~suppressed),
            "denominator": expected,
            "lower": cells.lower.where(suppressed),
            "upper": cells.upper.where(suppressed),
            "site": True,
        }
    )


def value_rows(cells: pd.DataFrame, indicator: Indicator) -> pd.DataFrame:
    """Positive values on the log scale, or values on their own."""
    seen = cells[cells.status.eq("observed")]
    middle, unit = typical(indicator, cells), spread(indicator, cells)
    z = np.log(seen.value / middle) if indicator.family == "lognormal" else (seen.value - middle) / unit
    known = seen.denominator.where(seen.denominator.gt(0)) if indicator.unit_sd else np.nan
    variance = pd.Series((indicator.unit_sd or 0.0) ** 2 / unit**2 / known, index=seen.index).fillna(0.0)
    blank = pd.Series(np.nan, index=seen.index)
    return pd.DataFrame(
        {
            "z": SIGN[indicator.polarity] * z, "variance": variance, "numerator": seen.value,
            "denominator": blank, "lower": blank, "upper": blank, "site": False,
        }
    )  # fmt: skip


def category_rows(cells: pd.DataFrame, indicator: Indicator) -> pd.DataFrame:
    """Ordered categories as grades from 1, the best."""
    seen = cells[cells.status.eq("observed")]
    better = SIGN[indicator.polarity] > 0
    grade = (indicator.categories or 0) + 1 - seen.value if better else seen.value
    blank = pd.Series(np.nan, index=seen.index)
    return pd.DataFrame(
        {
            "z": 0.0, "variance": 0.0, "numerator": blank, "denominator": blank, "lower": blank, "upper": blank,
            "site": False, "scale": indicator.key, "grade": grade,
        }
    )  # fmt: skip
