"""Covariates as small multiples: the middle half of the authorities in each year, and their median."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from bayes_csc.report.drawing.multiples import scale, small_multiples, wrapped
from bayes_csc.report.drawing.style import colour


def covariate_chart(spread: pd.DataFrame) -> Figure:
    """Draw the spread of each covariate over the authorities, each on its own vertical scale.

    Parameters
    ----------
    spread
        See `bayes_csc.panel.describe.supplementary_summary.covariate_summary`.
    """
    keys, years = spread.index.get_level_values("covariate"), spread.index.get_level_values("year")

    def draw(axes: Axes, key: str) -> None:
        rows = spread.loc[key]
        axes.vlines(rows.index, rows["lower"], rows["upper"], color=colour("band"), lw=4)
        axes.plot(rows.index, rows["median"], color=colour("line"), lw=1.0, marker="o", ms=2.4)
        scale(axes, float(rows["lower"].min()), float(rows["upper"].max()))
        axes.yaxis.set_major_formatter(FuncFormatter(_short))

    titles = {str(key): wrapped(str(key).replace("_", " ")) for key in dict.fromkeys(keys)}
    return small_multiples(titles, (years.min(), years.max()), draw)


def _short(value: float, _: int) -> str:
    """A figure in few signs, in thousands or millions where it is large."""
    for size, letter in ((1e6, "m"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e3 if letter == 'k' else size):g}{letter}"
    return f"{value:g}"
