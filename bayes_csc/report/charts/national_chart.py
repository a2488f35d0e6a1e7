"""National series as small multiples."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bayes_csc.panel.describe.display_unit import DisplayUnit
from bayes_csc.report.drawing.multiples import scale, small_multiples, wrapped
from bayes_csc.report.drawing.style import colour


def national_chart(series: pd.DataFrame, labels: Mapping[str, str], units: Mapping[str, DisplayUnit]) -> Figure:
    """Draw the national series of some indicators, each on its own vertical scale.

    The band is where suppressed counts leave the figure, the line its middle.

    Parameters
    ----------
    series
        See `bayes_csc.panel.describe.coverage.national`.
    labels
        Label of each indicator to draw, by key.
    units
        The unit of each.
    """
    years = series.index.get_level_values("year")
    titles = {key: wrapped(label, units[key].name) for key, label in labels.items()}

    def draw(axes: Axes, key: str) -> None:
        own = series[series.index.get_level_values("indicator") == key].droplevel("indicator")
        _draw(axes, own, units[key])

    return small_multiples(titles, (years.min(), years.max()), draw)


def _draw(axes: Axes, rows: pd.DataFrame, unit: DisplayUnit) -> None:
    whole = rows.reindex(range(rows.index.min(), rows.index.max() + 1)) if len(rows) else rows
    year = whole.index.to_numpy(float)
    lower, upper = (unit.factor * whole[name].to_numpy(float) for name in ("lower", "upper"))
    middle = (lower + upper) / 2
    axes.fill_between(year, lower, upper, color=colour("band"), lw=0)
    axes.plot(year, middle, color=colour("line"), lw=1.4, marker="o", ms=2.4)
    if np.isfinite(middle).any():
        most = 100.0 if unit.name == "%" else np.inf
        scale(axes, float(np.nanmin(lower)), float(np.nanmax(upper)), most)
