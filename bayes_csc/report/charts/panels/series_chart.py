"""National year effects as small charts, each with its interval."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from bayes_csc.report.charts.panels.panel import HEIGHT, panel
from bayes_csc.report.drawing.canvas import Canvas
from bayes_csc.report.drawing.style import PANEL
from bayes_csc.report.findings.words.vocabulary import number, spread


def series_panels(effects: pd.DataFrame, labels: Mapping[str, str], better: Mapping[str, str]) -> list[Canvas]:
    """Draw year effects on one common vertical scale, so that their sizes can be compared.

    Parameters
    ----------
    effects
        `indicator`, `year`, `mean`, `lower`, `upper`; all of these are on the scale, drawn or not.
    labels
        Label of each indicator to draw, by key, in order.
    better
        Which direction is better, in words, by key (`better_words`).
    """
    years = (int(effects["year"].min()), int(effects["year"].max()))
    limits = (float(effects["lower"].min()), float(effects["upper"].max()))
    room = 0.05 * (limits[1] - limits[0])
    drawn = []
    for key, label in labels.items():
        canvas, scale = panel(label, better.get(key, ""), years, (limits[0] - room, limits[1] + room))
        rows = effects[effects["indicator"] == key]
        canvas.line(scale.at(np.array(scale.x), 0.0), "muted", 0.8)
        known = rows.set_index("year").reindex(range(years[0], years[1] + 1))
        x = known.index.to_numpy(dtype=float)
        canvas.ribbon(scale.at(x, known["lower"]), scale.at(x, known["upper"]), "band")
        canvas.line(scale.at(x, known["mean"]), "line", 1.3)
        canvas.dot(scale.at(x, known["mean"]), "line", 2.4)
        if len(rows):
            last = rows.iloc[-1]
            words = f"{label}, {int(last['year'])}: {number(last['mean'], '+.2f')} "
            canvas.tip(0.0, 0.0, PANEL, HEIGHT, words + f"({spread(last['lower'], last['upper'], '+.2f')})")
        drawn.append(canvas)
    return drawn
