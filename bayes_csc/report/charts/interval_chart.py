"""Intervals by name, one row each: the caterpillar of a group, loadings, and the variants of a specification curve."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bayes_csc.report.drawing.canvas import Canvas, Scale, tick_label, ticks_of
from bayes_csc.report.drawing.style import WIDTH
from bayes_csc.report.findings.words.vocabulary import number, spread

ROW, LEFT, TOP, BOTTOM, RIGHT = 0.2, 2.6, 0.3, 0.5, 1.05


def interval_chart(
    rows: pd.DataFrame, *, marks: tuple[float, ...] = (0.0,), accent: float | None = None, label: str = "",
    form: str = "+.2f", limits: tuple[float, float] | None = None,
) -> Figure:  # fmt: skip
    """Draw a dot and an interval for each row.

    Parameters
    ----------
    rows
        `label`, `middle`, `lower`, `upper`, in order from the top; optional `before_lower`, `before_upper`: an interval
        behind (a prior's).
    marks
        Values with a rule of their own.
    accent
        A value with a coloured rule.
    label
        Of the horizontal scale.
    form
        Format of the figures on the right.
    limits
        Of the horizontal scale; by default what the intervals need.
    """
    height = TOP + ROW * len(rows) + BOTTOM
    canvas = Canvas(WIDTH, height)
    ends = rows[["middle", "lower", "upper"]].to_numpy(dtype=float)
    low, high = limits or (float(np.nanmin(ends)), float(np.nanmax(ends)))
    low, high = (min(low, *marks), max(high, *marks)) if limits is None else (low, high)
    room = 0.0 if limits else 0.04 * (high - low)
    scale = Scale(LEFT, TOP, WIDTH - LEFT - RIGHT, ROW * len(rows), (low - room, high + room), (0.0, 1.0))
    ticks = ticks_of(*scale.x, wanted=6)
    for tick in ticks:
        _rule(canvas, scale, tick, "rule", 0.5)
        x = scale.at(tick, 0.0)[0, 0]
        canvas.text(x, height - BOTTOM + 0.18, tick_label(tick, ticks[1] - ticks[0]), "muted", across="center")
    for mark in marks:
        _rule(canvas, scale, mark, "muted", 0.9)
    if accent is not None:
        _rule(canvas, scale, accent, "accent", 1.2)
    canvas.text(LEFT, height - 0.1, label, "muted")
    for place, row in enumerate(rows.to_dict("records")):
        _row(canvas, scale, row, TOP + ROW * (place + 0.5), form)
    return canvas.figure()


def _rule(canvas: Canvas, scale: Scale, value: float, role: str, width: float) -> None:
    x = scale.at(value, 0.0)[0, 0]
    canvas.line(np.array([[x, scale.top], [x, scale.top + scale.height]]), role, width)


def _row(canvas: Canvas, scale: Scale, row: dict[Any, Any], y: float, form: str) -> None:
    name = str(row["label"])
    canvas.text(LEFT - 0.1, y + 0.04, textwrap.shorten(name, 42, placeholder="…"), across="right", size=7.5)
    middle, low, high = (float(str(row[c])) for c in ("middle", "lower", "upper"))
    if middle != middle:
        canvas.text(LEFT + 0.1, y + 0.04, "no estimate", "muted", size=7.5)
        return
    behind = [float(str(row.get(c, np.nan))) for c in ("before_lower", "before_upper")]
    if not np.isnan(behind).any():
        left, right = np.clip(scale.at(np.array(behind), 0.0)[:, 0], scale.left, scale.left + scale.width)
        canvas.polygon(np.array([[left, y - 0.06], [right, y - 0.06], [right, y + 0.06], [left, y + 0.06]]), "rule")
    at = scale.at(np.array([middle, low, high]), 0.0)[:, 0]
    if not np.isnan(at[1:]).any():
        canvas.line(np.array([[at[1], y], [at[2], y]]), "line", 1.4)
    canvas.dots(np.array([[at[0], y]]), "line", 4.0)
    canvas.text(WIDTH - 0.04, y + 0.04, f"{number(middle, form)}", "muted", across="right", size=7.5)
    canvas.tip(0, y - ROW / 2, WIDTH, ROW, f"{name}: {number(middle, form)} ({spread(low, high, form)})")
