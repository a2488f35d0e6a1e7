"""What every family of distributions says of the figures of its indicators.

A figure is a count over a denominator, a value, or an ordered category. It has a link scale on which theta acts, where
it is as published, or coded by `Indicator.sign` so that higher is better where that is said.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from bayes_csc.panel.indicators import Indicator


@dataclass(frozen=True, kw_only=True)
class Family:
    """A family of distributions: a `counts.CountFamily`, a `values.ValueFamily`, or the one of ordered categories.

    Attributes
    ----------
    name
        In the dictionary of a panel.
    unit
        Of the link scale: that of a loading, per unit of theta.
    counted
        Whether a figure is a count over a denominator; a suppressed count is known as an interval.
    share
        Whether the count is a part of its denominator.
    positive
        Whether a value has to be above zero.
    ordered
        Whether the value is one of the categories 1, 2, ...
    fields
        Numbers that the dictionary may give of such an indicator, of "categories" (which must be given), "typical",
        "spread" and "unit_sd"; see `bayes_csc.panel.indicators.Indicator`.
    columns
        Columns that a user's file must have for a figure, and those that it may have.
    shown
        Factor, name and decimals of the unit in which people read a figure, given the usual one; None for as it is.
    """

    name: str
    unit: str
    counted: bool = False
    share: bool = False
    positive: bool = False
    ordered: bool = False
    fields: tuple[str, ...] = ()
    columns: tuple[tuple[str, ...], tuple[str, ...]]
    shown: Callable[[float], tuple[float, str, int] | None] = lambda usual: None

    def typical(self, indicator: Indicator, cells: pd.DataFrame) -> float:
        """Figure at zero on the link scale: the dictionary's, or the typical one of the indicator's cells."""
        raise NotImplementedError

    def spread(self, indicator: Indicator, cells: pd.DataFrame) -> float:
        """Unit of the link scale, where it has none of its own: the dictionary's, or the sd of the cells."""
        if indicator.spread is not None or "spread" not in self.fields:
            return indicator.spread or 1.0
        return float(cells.value[cells.status.eq("observed")].std(ddof=0)) or 1.0

    def link(self, cells: pd.DataFrame) -> pd.DataFrame:
        """Observed cells on the link scale, `y`, and their sampling `variance`, 0 where it is not known."""
        raise NotImplementedError

    def observations(self, cells: pd.DataFrame, indicator: Indicator) -> pd.DataFrame:
        """Cells as observations of the measurement model, coded so that higher is better.

        Parameters
        ----------
        cells
            Those of the indicator that are observed, or suppressed with an interval.
        indicator
            Of this family.

        Returns
        -------
        pandas.DataFrame
            Of the cells that say something, indexed as they are: `z` and `variance` (of a count a normal approximation
            to begin with), `numerator`, `denominator`, `lower`, `upper`, `site` (whether the likelihood is that of a
            count, by a Gaussian site); of ordered categories `scale` (the indicator) and `grade`, 1 the best.
        """
        raise NotImplementedError

    def figure(self, eta: np.ndarray, indicator: Indicator) -> np.ndarray:
        """Inverse link: figures, on the scale of the panel's values, of an indicator that is `declared`."""
        raise NotImplementedError

    def draw(self, rows: pd.DataFrame, indicator: Indicator, eta: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw counts or values of one declared indicator's observations, eta (row,) coded so that higher is better."""
        raise NotImplementedError

    def sampling_quantile(self, level: float, cells: pd.DataFrame, indicator: Indicator) -> np.ndarray:
        """Quantile of what observed cells alone say of their figures; NaN where nothing says how precise they are."""
        return np.full(len(cells), np.nan)
