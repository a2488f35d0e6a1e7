"""Covariates as small charts: the middle half of the authorities in each year, and their median."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bayes_csc.report.charts.panels.panel import panel, roomy
from bayes_csc.report.drawing.canvas import Canvas


def covariate_panels(spread: pd.DataFrame) -> list[Canvas]:
    """Draw the spread of each covariate over the authorities, each on its own vertical scale.

    Parameters
    ----------
    spread
        See `bayes_csc.panel.describe.supplementary_summary.covariate_summary`.
    """
    years = spread.index.get_level_values("year")
    drawn = []
    for key in dict.fromkeys(spread.index.get_level_values("covariate")):
        rows = spread.loc[key]
        limits = roomy(float(rows["lower"].min()), float(rows["upper"].max()))
        canvas, scale = panel(str(key).replace("_", " "), "", (years.min(), years.max()), limits, large=True)
        x = rows.index.to_numpy(float)
        canvas.segments(scale.at(x, rows["lower"]), scale.at(x, rows["upper"]), "band", 4.0)
        middle = rows["median"].reindex(np.arange(years.min(), years.max() + 1))
        canvas.line(scale.at(middle.index.to_numpy(float), middle), "line", 1.0)
        canvas.dot(scale.at(x, rows["median"]), "line", 2.4)
        drawn.append(canvas)
    return drawn
