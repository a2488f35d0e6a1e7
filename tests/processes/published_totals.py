"""National figures as official files print them, and the same figures from a panel's cells."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from bayes_csc.panel.indicators import Indicator, parse_dictionary
from bayes_csc.sources.england.panel import DESCRIPTION, description
from bayes_csc.sources.readers.tables import read_table


class Published(NamedTuple):
    """England's row of a file: its counts as printed, and how near the authorities' ratio comes to theirs.

    The tolerance is in points of 100 times `numerator` over `denominator` where the file has both, and otherwise, for
    a count over the children of the mid-year before, a percentage of the rate.
    """

    indicator: str
    year: int
    file: str
    numerator: dict[str, float]
    denominator: dict[str, float]
    tolerance: float

    def __str__(self) -> str:
        return f"{self.indicator} {self.year}"


def dictionary() -> dict[str, Indicator]:
    """The indicators that england.toml describes."""
    problems: list[str] = []
    described = description()
    _, indicators = parse_dictionary({key: described[key] for key in ("panel", "indicator")}, DESCRIPTION, problems)
    assert problems == []
    return indicators


def england_row(path: Path, year: int) -> pd.Series:
    """England's row, as printed."""
    table = read_table(path, [], encoding="cp1252" if "dfe-cin-2010-2013" in path.parts else "utf-8-sig")
    if "geographic_level" in table:
        return table[(table["geographic_level"] == "National") & (table["time_period"] == str(year))].iloc[0]
    return table[table["geog_l"] == "National"].iloc[0]


def ratio(cells: pd.DataFrame, indicator: str, year: int) -> float:
    """Sum of numerators over sum of denominators; a hidden count stands at its interval's middle."""
    chosen = cells[(cells["indicator"] == indicator) & (cells["year"] == year) & cells["denominator"].notna()]
    count = chosen["numerator"].fillna((chosen["lower"] + chosen["upper"]) / 2).sum()
    return float(count / chosen["denominator"].sum())
