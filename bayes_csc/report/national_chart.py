"""National series as small multiples."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bayes_csc.display_unit import DisplayUnit
from bayes_csc.report.style import WIDTH, colour, new_figure

COLUMNS = 4
ROW = 1.75
"""Height of a row of charts, inches."""
LEAST_SPAN = 0.25
"""Smallest height of a vertical scale, as a part of the largest figure on it: less would show noise as a trend."""


def national_chart(series: pd.DataFrame, labels: Mapping[str, str], units: Mapping[str, DisplayUnit]) -> Figure:
    """Draw the national series of some indicators, each on its own vertical scale.

    The band is where suppressed counts leave the figure, the line its middle.

    Parameters
    ----------
    series
        See `bayes_csc.describe.national`.
    labels
        Label of each indicator to draw, by key.
    units
        The unit of each.
    """
    rows = -(-len(labels) // COLUMNS)
    height = ROW * rows
    figure = new_figure(height)
    years = series.index.get_level_values("year")
    for place, (key, label) in enumerate(labels.items()):
        axes = figure.add_subplot(rows, COLUMNS, place + 1)
        own = series[series.index.get_level_values("indicator") == key].droplevel("indicator")
        _draw(axes, own, units[key])
        axes.set_xlim(years.min() - 0.6, years.max() + 0.6)
        unit = f", {units[key].name}" if units[key].name else ""
        axes.set_title("\n".join(textwrap.wrap(label, 34, max_lines=2, placeholder="…")) + unit)
    figure.subplots_adjust(
        left=0.4 / WIDTH, right=1 - 0.12 / WIDTH, top=1 - 0.4 / height, bottom=0.3 / height,
        wspace=0.24, hspace=0.68,
    )  # fmt: skip
    return figure


def _draw(axes: Axes, rows: pd.DataFrame, unit: DisplayUnit) -> None:
    whole = rows.reindex(range(rows.index.min(), rows.index.max() + 1)) if len(rows) else rows
    year = whole.index.to_numpy(float)
    lower, upper = (unit.factor * whole[name].to_numpy(float) for name in ("lower", "upper"))
    middle = (lower + upper) / 2
    axes.fill_between(year, lower, upper, color=colour("band"), lw=0)
    axes.plot(year, middle, color=colour("line"), lw=1.4, marker="o", ms=2.4)
    axes.grid(axis="y")
    axes.set_axisbelow(True)
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(4))
    if np.isfinite(middle).any():
        low, high = float(np.nanmin(lower)), float(np.nanmax(upper))
        room = max(LEAST_SPAN * max(abs(low), abs(high)) - (high - low), 0.1 * (high - low), 1e-9) / 2
        top = min(high + room, 100.0) if unit.name == "%" else high + room
        axes.set_ylim(max(low - room, 0.0) if low >= 0 else low - room, top)
