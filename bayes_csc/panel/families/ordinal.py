"""Ordered categories 1..K, with theta on the score of an ordered probit of the indicator's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bayes_csc.panel.families.family import Family

if TYPE_CHECKING:
    from bayes_csc.panel.indicators import Indicator


class Ordinal(Family):
    """Categories, which the model treats as grades; figures and draws take its cutpoints."""

    def link(self, cells: pd.DataFrame) -> pd.DataFrame:
        """The category's number."""
        return pd.DataFrame({"y": cells["value"], "variance": 0.0})

    def observations(self, cells: pd.DataFrame, indicator: Indicator) -> pd.DataFrame:
        """Categories as grades from 1, the best."""
        value = cells.value[cells.status.eq("observed")]
        grade = (indicator.categories or 0) + 1 - value if indicator.sign > 0 else value
        rows = pd.DataFrame({"z": 0.0, "variance": 0.0, "numerator": np.nan}, index=value.index)
        rows = rows.assign(denominator=np.nan, lower=np.nan, upper=np.nan, site=False)
        return rows.assign(scale=indicator.key, grade=grade)


FAMILY = Ordinal(name="ordinal", unit="probits", ordered=True, fields=("categories",), columns=(("grade",), ()))
