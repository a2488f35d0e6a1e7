"""Where each authority's hexagon is: in the shipped layout, or else in blocks of regions."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bayes_csc.errors import UsageError
from bayes_csc.files.embedded_data import hexagon_file

ACROSS = 6
"""Hexagons across a block of a region, and blocks across the map times two."""


def hexagon_layout(region: pd.Series) -> tuple[pd.DataFrame, bool]:
    """Place authorities.

    Parameters
    ----------
    region
        Region of each authority, by code.

    Returns
    -------
    tuple
        `column` and `row` by code, every second row half a hexagon to the right; and whether they are geographic. A
        layout that ships is taken where it has every authority; otherwise each region is a block of its own.
    """
    try:
        known = pd.read_csv(hexagon_file(), dtype={"authority": str}).set_index("authority")
    except UsageError:
        known = pd.DataFrame()
    if len(region) and region.index.isin(known.index).all():
        return known.loc[region.index], True
    return _blocks(region), False


def _blocks(region: pd.Series) -> pd.DataFrame:
    """Regions as blocks, by name, three beside each other."""
    sizes = region.value_counts()
    across = max(2, min(ACROSS, int(np.ceil(np.sqrt(sizes.max())))))
    parts, top, tallest = [], 0, 0
    for place, name in enumerate(sorted(sizes.index)):
        if place and place % 3 == 0:
            top, tallest = top + tallest + 2, 0
        codes = region.index[region == name]
        number = np.arange(len(codes))
        parts.append(
            pd.DataFrame(
                {"column": (place % 3) * (across + 2) + number % across, "row": top + number // across}, index=codes
            )
        )
        tallest = max(tallest, -(-len(codes) // across))
        tallest += tallest % 2
    return pd.concat(parts).rename_axis("authority") if parts else pd.DataFrame(columns=["column", "row"])
