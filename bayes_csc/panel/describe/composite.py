"""A composite indicator that anyone can compute again in a spreadsheet: equal weights, standardised within the year.

For authority a, year t and indicator k, with y the published figure (numerator over denominator of a share or a rate,
else the value),

    z[a, t, k] = sign[k] (y[a, t, k] - mean over authorities) / sd over authorities
    composite[a, t] = mean over k of z[a, t, k]

over the indicators of agreed polarity that the authority has in the year; sign is -1 where higher is worse, so that a
higher composite is better; the sd is that of the authorities themselves (divided by their number). An authority of a
joint return has the joint figure. No figure is estimated: a suppressed one is missing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bayes_csc.errors import DataError
from bayes_csc.panel.geography import codes_of
from bayes_csc.panel.indicator_selection import default_indicators
from bayes_csc.panel.panel import Panel
from bayes_csc.panel.vintages import all_vintages

AGREED = ("higher is better", "higher is worse")
FEWEST = 0.5
"""Share of a year's indicators that an authority must have."""
PERIOD = ["indicator", "year"]


def composite_indicators(panel: Panel) -> tuple[str, ...]:
    """Indicators of the composite: those used by default whose polarity is agreed."""
    return tuple(key for key in default_indicators(panel) if panel.indicators[key].polarity in AGREED)


def composite(panel: Panel, keys: Sequence[str] | None = None) -> pd.DataFrame:
    """Composite of each authority in each year, from the current vintage of the figures.

    Parameters
    ----------
    panel
        The panel.
    keys
        Its indicators; by default `composite_indicators`.

    Returns
    -------
    pandas.DataFrame
        By authority (rows, all of the panel) and year (columns), higher is better; NaN where an authority has less
        than half of the indicators that any authority has in the year.

    Raises
    ------
    DataError
        An indicator is not in the panel, or its polarity is not agreed.
    """
    rows = standardised_figures(panel, composite_indicators(panel) if keys is None else keys)
    cells = rows.pivot_table(index="authority", columns=["year", "indicator"], values="z", aggfunc="mean")
    by_year = cells.T.groupby(level="year")
    there, all_of_year = by_year.count(), by_year.size()
    mean = by_year.mean().where(there.ge(FEWEST * all_of_year, axis="index")).T
    return mean.reindex(panel.authorities.index).rename_axis(index="authority", columns="year")


def standardised_figures(panel: Panel, keys: Sequence[str], *, vintages: bool = False) -> pd.DataFrame:
    """Figures of indicators, each standardised within its year over authorities.

    Parameters
    ----------
    panel
        The panel.
    keys
        Its indicators, of agreed polarity.
    vintages
        Every vintage in place of the current ones; mean and sd are then those of the year's first publication, so that
        they are known with the first figure.

    Returns
    -------
    pandas.DataFrame
        `authority`, `indicator`, `year`, `published`, `z` (higher is better; 0 where all authorities are alike).

    Raises
    ------
    DataError
        An indicator is not in the panel, or its polarity is not agreed.
    """
    if unknown := [key for key in keys if key not in panel.indicators]:
        raise DataError(f"composite: panel {panel.name} has no indicator {', '.join(unknown)}; name others")
    if open_ones := [key for key in keys if panel.indicators[key].polarity not in AGREED]:
        raise DataError(f"composite: the polarity of {', '.join(open_ones)} is not agreed; leave them out")
    cells = all_vintages(panel.cells, panel.revisions) if vintages else panel.cells
    cells = cells[cells["indicator"].isin(keys) & cells["status"].eq("observed")]
    share = cells["numerator"] / cells["denominator"].where(cells["denominator"] > 0)
    counted = {key for key in keys if panel.indicators[key].distribution.counted}
    sign = cells["indicator"].map({k: panel.indicators[k].sign for k in keys}).astype(float)
    rows = pd.DataFrame(
        {
            "authority": cells["authority"].map(codes_of).astype(object),
            "indicator": cells["indicator"],
            "year": cells["year"],
            "published": cells["publication_date"],
            "y": share.where(cells["indicator"].isin(counted), cells["value"]) * sign,
        }
    ).explode("authority", ignore_index=True)
    rows = rows.dropna(subset="y").astype({"y": float})
    by = [rows[name] for name in PERIOD]
    of_reference = rows["y"]
    if vintages:
        of_reference = rows["y"].where(rows["published"] == rows.groupby(PERIOD)["published"].transform("min"))
    centre = of_reference.groupby(by).transform("mean")
    spread = of_reference.groupby(by).transform("std", ddof=0).replace(0.0, np.nan)
    z = ((rows["y"] - centre) / spread).fillna(0.0)
    return rows.assign(z=z).drop(columns="y")
