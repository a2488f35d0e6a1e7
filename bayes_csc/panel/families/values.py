"""Values that are no counts: what their families have in common.

With V the typical value, S the spread between authorities and v the mean of n units of standard deviation s,

    eta = (v - V) / S,   variance (s / S) ** 2 / n

where differences and sums are those of the link scale. The variance is 0 where s or n is not known: the white noise of
the indicator's deviation stands for it. V and S only put the prior where the data are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from bayes_csc.panel.families.family import Family

if TYPE_CHECKING:
    from bayes_csc.panel.indicators import Indicator


@dataclass(frozen=True, kw_only=True)
class ValueFamily(Family):
    """Family of values.

    Attributes
    ----------
    origin
        The value at zero on the link scale.
    minus, plus
        Difference of (value, other), and the value at a distance of (value, step), on the link scale.
    """

    fields: tuple[str, ...] = ("typical", "unit_sd")
    columns: tuple[tuple[str, ...], tuple[str, ...]] = (("value",), ("denominator",))
    origin: float
    minus: Callable[[Any, Any], Any]
    plus: Callable[[Any, Any], Any]

    def typical(self, indicator: Indicator, cells: pd.DataFrame) -> float:
        """Declared, or the mean on the link scale of the observed cells."""
        if indicator.typical is not None:
            return indicator.typical
        seen = cells.value[cells.status.eq("observed")]
        return float(self.plus(self.origin, self.minus(seen, self.origin).mean()))

    def link(self, cells: pd.DataFrame) -> pd.DataFrame:
        """Distance from the origin; no sampling variance is known."""
        return pd.DataFrame({"y": self.minus(cells["value"], self.origin), "variance": 0.0})

    def observations(self, cells: pd.DataFrame, indicator: Indicator) -> pd.DataFrame:
        """Values with their sampling variances."""
        seen, unit = cells[cells.status.eq("observed")], self.spread(indicator, cells)
        known = seen.denominator.where(seen.denominator.gt(0)) if indicator.unit_sd else np.nan
        variance = pd.Series((indicator.unit_sd or 0.0) ** 2 / unit**2 / known, index=seen.index).fillna(0.0)
        z = indicator.sign * (self.minus(seen.value, self.typical(indicator, cells)) / unit)
        rows = pd.DataFrame({"z": z, "variance": variance, "numerator": seen.value})
        return rows.assign(denominator=np.nan, lower=np.nan, upper=np.nan, site=False)

    def figure(self, eta: np.ndarray, indicator: Indicator) -> np.ndarray:
        """Values."""
        return np.asarray(self.plus(indicator.typical, (indicator.spread or 1.0) * eta))

    def draw(self, rows: pd.DataFrame, indicator: Indicator, eta: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw a value for each row, with the sampling variance that is known."""
        noise = np.sqrt(rows.variance.to_numpy(dtype=float)) * rng.standard_normal(len(rows))
        return self.figure(indicator.sign * (eta + noise), indicator)

    def sampling_quantile(self, level: float, cells: pd.DataFrame, indicator: Indicator) -> np.ndarray:
        """Of a normal distribution on the link scale."""
        n = cells.denominator.where(cells.denominator > 0).to_numpy(dtype=float)
        step = ndtri(level) * (indicator.unit_sd or np.nan) / np.sqrt(n)
        return np.asarray(self.plus(cells.value.to_numpy(dtype=float), step))
