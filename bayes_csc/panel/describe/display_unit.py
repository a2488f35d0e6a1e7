"""The unit in which people read an indicator: per cent, a rate per so many, or the figure itself."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from bayes_csc.panel.indicators import Indicator

MOST_DIGITS = 6


@dataclass(frozen=True)
class DisplayUnit:
    """How figures of one indicator are shown.

    Parameters
    ----------
    factor
        What a value of the panel is multiplied by.
    name
        The unit, such as "%"; empty where the figure speaks for itself.
    digits
        Decimals shown.
    """

    factor: float
    name: str
    digits: int

    def text(self, value: float) -> str:
        """Write a value of the panel in this unit; blank where it is missing.

        Examples
        --------
        >>> DisplayUnit(100.0, "%", 1).text(0.2149)
        '21.5'
        """
        return "" if pd.isna(value) else f"{value * self.factor:.{self.digits}f}"

    def full_text(self, value: float) -> str:
        """Write a value and its unit; blank where it is missing.

        Examples
        --------
        >>> DisplayUnit(100.0, "%", 1).full_text(0.0556), DisplayUnit(10_000.0, "per 10,000", 1).full_text(0.0012)
        ('5.6%', '12.0 per 10,000')
        """
        return self._with_unit(self.text(value))

    def full_range(self, lower: float, upper: float) -> str:
        """Write a range and its unit.

        Examples
        --------
        >>> DisplayUnit(100.0, "%", 1).full_range(0.01, 0.025)
        '1.0-2.5%'
        """
        return self._with_unit(self.range_text(lower, upper))

    def _with_unit(self, text: str) -> str:
        return f"{text}{'' if self.name == '%' else ' '}{self.name}".strip() if text else ""

    def range_text(self, lower: float, upper: float) -> str:
        """Write a range in this unit, as one figure where its ends read the same."""
        ends = [self.text(lower), self.text(upper)]
        return ends[0] if ends[0] == ends[1] else "-".join(ends)


def display_unit(indicator: Indicator, values: pd.Series) -> DisplayUnit:
    """Choose the unit of an indicator.

    That of its family (`Family.shown`): a proportion is in per cent, a rate per so many. Any other figure is as it is,
    to three significant digits of the usual one.

    Parameters
    ----------
    indicator
        The indicator.
    values
        Its values, of any authorities and years.
    """
    typical = float(values.abs().median()) if values.notna().any() else 1.0
    if unit := indicator.distribution.shown(typical):
        return DisplayUnit(*unit)
    return DisplayUnit(1.0, "", min(max(2 - math.floor(math.log10(typical)), 0), MOST_DIGITS) if typical > 0 else 1)


def display_units(indicators: dict[str, Indicator], cells: pd.DataFrame) -> dict[str, DisplayUnit]:
    """The unit of every indicator of a panel, by key; a count that is known as an interval stands at its middle."""
    middle = (cells["lower"] + cells["upper"]) / 2 / cells["denominator"].where(cells["denominator"] > 0)
    values = {str(key): group for key, group in cells["value"].fillna(middle).groupby(cells["indicator"])}
    none = pd.Series(dtype=float)
    return {key: display_unit(indicator, values.get(key, none)) for key, indicator in indicators.items()}
