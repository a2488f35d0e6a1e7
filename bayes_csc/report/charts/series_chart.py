"""National year effects as small multiples, each with its interval."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bayes_csc.report.drawing.canvas import Canvas, Scale, tick_label, ticks_of
from bayes_csc.report.drawing.style import WIDTH
from bayes_csc.report.findings.words.vocabulary import number, spread

COLUMNS, ROW, GAP, TITLE, TOP = 4, 1.5, 0.48, 0.34, 0.1


def series_chart(effects: pd.DataFrame, labels: Mapping[str, str]) -> Figure:
    """Draw year effects on one common vertical scale, so that their sizes can be compared.

    Parameters
    ----------
    effects
        `indicator`, `year`, `mean`, `lower`, `upper`; all of these are on the scale, drawn or not.
    labels
        Label of each indicator to draw, by key, in order.
    """
    years = (int(effects["year"].min()), int(effects["year"].max()))
    limits = (float(effects["lower"].min()), float(effects["upper"].max()))
    room = 0.05 * (limits[1] - limits[0])
    canvas = Canvas(WIDTH, TOP + ROW * -(-len(labels) // COLUMNS))
    width = (WIDTH - GAP * COLUMNS - 0.1) / COLUMNS
    for place, (key, label) in enumerate(labels.items()):
        left, top = GAP + (width + GAP) * (place % COLUMNS), TOP + ROW * (place // COLUMNS)
        for line, words in enumerate(textwrap.wrap(label, 36)[:2]):
            canvas.text(left - GAP + 0.12, top + 0.13 + 0.13 * line, words, size=7)
        scale = Scale(
            left, top + TITLE, width, ROW - TITLE - 0.3, (years[0] - 0.5, years[1] + 0.5),
            (limits[0] - room, limits[1] + room),
        )  # fmt: skip
        _panel(canvas, scale, effects[effects["indicator"] == key], label, years)
    return canvas.figure()


def _panel(canvas: Canvas, scale: Scale, rows: pd.DataFrame, label: str, years: tuple[int, int]) -> None:
    ticks = ticks_of(*scale.y)
    canvas.grid(scale, ticks, [tick_label(t, ticks[1] - ticks[0]) for t in ticks])
    canvas.line(scale.at(np.array(scale.x), 0.0), "muted", 0.8)
    known = rows.set_index("year").reindex(range(years[0], years[1] + 1))
    x = known.index.to_numpy(dtype=float)
    canvas.ribbon(scale.at(x, known["lower"]), scale.at(x, known["upper"]), "band")
    canvas.line(scale.at(x, known["mean"]), "line", 1.3)
    canvas.dots(scale.at(x, known["mean"]), "line", 2.4)
    bottom = scale.top + scale.height + 0.13
    for year, across in ((years[0], "left"), (years[1], "right")):
        canvas.text(scale.at(year, 0.0)[0, 0], bottom, f"{year}", "muted", across=across, size=6.5)
    last = rows.iloc[-1]
    words = f"{label}, {int(last['year'])}: {number(last['mean'], '+.2f')} "
    canvas.tip(scale.left - GAP, scale.top - TITLE, scale.width + GAP, ROW,
               words + f"({spread(last['lower'], last['upper'], '+.2f')})")  # fmt: skip
