"""Families of distributions of figures, by name. A further one is a module here with a `FAMILY` of its own.

Nothing outside this folder asks for a family's name: what differs between families is in `family.Family`, and for
counts in `counts.CountFamily`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from bayes_csc.panel.families.counts import CountFamily
from bayes_csc.panel.families.family import Family

if TYPE_CHECKING:
    from bayes_csc.panel.indicators import Indicator

MODULES = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]
FAMILIES: dict[str, Family] = {m.FAMILY.name: m.FAMILY for m in MODULES if hasattr(m, "FAMILY")}
"""Every family by its name in the dictionary of a panel."""


def families_with(quality: Literal["counted", "share", "positive", "ordered"]) -> list[str]:
    """Names of the families with a quality, one of the attributes of `family.Family`."""
    return [name for name, family in FAMILIES.items() if getattr(family, quality)]


def count_families(names: pd.Series) -> Iterator[tuple[CountFamily, np.ndarray]]:
    """Each family of counts among the names of rows, and the positions of its rows, (row,)."""
    for name in names.unique():
        if isinstance(family := FAMILIES.get(name), CountFamily):
            yield family, np.flatnonzero(names.eq(name))


def declared(indicators: Mapping[str, Indicator], cells: pd.DataFrame) -> dict[str, Indicator]:
    """Return the indicators with their typical figures and spreads written down, where these are the cells' own."""
    out = dict(indicators)
    for key, indicator in indicators.items():
        family, own = indicator.distribution, cells[cells.indicator.eq(key)]
        seen = own.denominator.gt(0) if family.counted else own.status.eq("observed")
        if "typical" in family.fields and seen.any():
            wide = family.spread(indicator, own) if "spread" in family.fields else None
            out[key] = replace(indicator, typical=family.typical(indicator, own), spread=wide)
    return out
