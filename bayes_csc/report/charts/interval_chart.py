"""Intervals by name, one row each: loadings and their like."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from bayes_csc.report.drawing.canvas import Canvas, Scale, cut, tick_labels, ticks_of
from bayes_csc.report.drawing.style import WIDTH
from bayes_csc.report.findings.words.vocabulary import number, spread

TOP, BOTTOM, RIGHT = 0.1, 0.5, 0.5


def interval_chart(rows: pd.DataFrame, *, label: str = "", form: str = "+.2f", width: float = WIDTH) -> Canvas:
    """Draw a dot and an interval for each row, on a scale with a rule at zero.

    Parameters
    ----------
    rows
        `label`, `middle`, `lower`, `upper`, in order from the top.
    label
        Of the horizontal scale.
    form
        Format of the figures on the right.
    width
        Of the drawing, inches; on a narrow one a name stands above its interval.
    """
    row, left = (0.34, 0.1) if width < 6.0 else (0.2, 3.1)
    canvas = Canvas(width, TOP + row * len(rows) + BOTTOM)
    ends = rows[["middle", "lower", "upper"]].to_numpy(dtype=float)
    low, high = min(float(np.nanmin(ends)), 0.0), max(float(np.nanmax(ends)), 0.0)
    room = 0.04 * (high - low)
    scale = Scale(left, TOP, width - left - RIGHT, row * len(rows), (low - room, high + room), (0.0, 1.0))
    ticks = ticks_of(*scale.x, wanted=3 if canvas.narrow else 6)
    canvas.columns(scale, ticks, tick_labels(ticks))
    canvas.mark(scale, 0.0, len(rows))
    canvas.text(left, canvas.height - 0.1, label, "muted")
    for place, each in enumerate(rows.to_dict("records")):
        _row(canvas, scale, each, TOP + row * (place + 1) - 0.1, form)
        middle, lower, upper = (float(str(each[c])) for c in ("middle", "lower", "upper"))
        words = f"{each['label']}: {number(middle, form)} ({spread(lower, upper, form)})"
        canvas.tip(0, TOP + row * place, width, row, words)
    return canvas


def _row(canvas: Canvas, scale: Scale, row: dict[Any, Any], y: float, form: str) -> None:
    name = str(row["label"])
    if canvas.narrow:
        canvas.text(0.02, y - 0.09, cut(name, canvas.width - 0.05))
    else:
        canvas.text(scale.left - 0.1, y, cut(name, scale.left - 0.15), across="right", up="center")
    middle, low, high = (float(str(row[c])) for c in ("middle", "lower", "upper"))
    at = scale.at(np.array([middle, low, high]), 0.0)[:, 0]
    canvas.line(np.array([[at[1], y], [at[2], y]]), "line", 1.4)
    canvas.dot(np.array([[at[0], y]]), "line", 4.0)
    canvas.text(canvas.width - 0.04, y, number(middle, form), "muted", across="right", up="center")
