"""National series as small charts."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from bayes_csc.panel.describe.display_unit import DisplayUnit
from bayes_csc.report.charts.panels.panel import TOP, named, panel, roomy
from bayes_csc.report.drawing.canvas import Canvas


def national_panels(
    series: pd.DataFrame, labels: Mapping[str, str], units: Mapping[str, DisplayUnit], better: Mapping[str, str]
) -> list[Canvas]:
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
    better
        Which direction is better, in words, by key (`better_words`).
    """
    years = series.index.get_level_values("year")
    drawn = []
    for key, label in labels.items():
        rows = series[series.index.get_level_values("indicator") == key].droplevel("indicator")
        unit = units[key]
        whole = rows.reindex(range(years.min(), years.max() + 1))
        lower, upper = (unit.factor * whole[name].to_numpy(float) for name in ("lower", "upper"))
        middle = (lower + upper) / 2
        below = "; ".join(filter(None, [unit.name, better.get(key, "")]))
        if not np.isfinite(middle).any():
            canvas = named(label, below)
            canvas.text(0.03, TOP + 0.2, "no figure", "muted")
        else:
            most = 100.0 if unit.name == "%" else np.inf
            limits = roomy(float(np.nanmin(lower)), float(np.nanmax(upper)), most)
            canvas, scale = panel(label, below, (years.min(), years.max()), limits, large=True)
            x = whole.index.to_numpy(float)
            canvas.ribbon(scale.at(x, lower), scale.at(x, upper), "band")
            canvas.line(scale.at(x, middle), "line", 1.4)
            canvas.dot(scale.at(x, middle), "line", 2.4)
        drawn.append(canvas)
    return drawn
