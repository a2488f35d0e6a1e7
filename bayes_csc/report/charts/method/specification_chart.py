"""The specification curve of one authority: its probability of a decline in every variant, and which choice each is."""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bayes_csc.report.drawing.canvas import Canvas, Scale, tick_label
from bayes_csc.report.drawing.style import WIDTH

CURVE, ROW, LEFT, TOP, BOTTOM, RIGHT = 2.1, 0.17, 1.9, 0.15, 0.35, 0.15
GAP = 0.15
"""Between the curve and the rows of choices, inches."""


def specification_chart(rows: pd.DataFrame, threshold: float) -> Figure:
    """Draw the curve, lowest first, and under it a tick for each variant in the row of its choice.

    Parameters
    ----------
    rows
        `choice`, `p_decline`, `error` (two Monte Carlo standard errors; NaN: not known), `base` and `question` (whether
        it asks another question).
    threshold
        A rule across.
    """
    ordered = rows.sort_values("p_decline", kind="stable", ignore_index=True)
    choices = list(dict.fromkeys(rows["choice"][~rows["base"]]))
    canvas = Canvas(WIDTH, TOP + CURVE + GAP + ROW * len(choices) + BOTTOM)
    scale = Scale(LEFT, TOP, WIDTH - LEFT - RIGHT, CURVE, (-1.0, float(len(ordered))), (0.0, 1.0))
    canvas.grid(scale, (0.0, 0.25, 0.5, 0.75, 1.0), [tick_label(t, 0.25) for t in (0.0, 0.25, 0.5, 0.75, 1.0)], size=8)
    canvas.line(scale.at(np.array(scale.x), threshold), "muted", 0.9)
    x, p = ordered.index.to_numpy(dtype=float), ordered["p_decline"].to_numpy()
    error = ordered["error"].fillna(0.0).to_numpy()
    canvas.segments(scale.at(x, np.maximum(p - error, 0.0)), scale.at(x, np.minimum(p + error, 1.0)), "inner", 0.9)
    base, question = (ordered[name].to_numpy(dtype=bool) for name in ("base", "question"))
    points = scale.at(x, p)
    canvas.dots(points[~base & ~question], "line", 3.0)
    canvas.dots(points[question], "line", 3.6, "D")
    for point in points[base]:
        canvas.line(np.array([[point[0], TOP], [point[0], TOP + CURVE]]), "accent", 0.9)
        canvas.dots(point[None], "accent", 6.0)
    for place, choice in enumerate(choices):
        y = TOP + CURVE + GAP + ROW * place
        words = textwrap.shorten(choice, 34, placeholder="…")
        canvas.text(LEFT - 0.12, y + 0.12, words, "muted", across="right", size=7.2)
        at = points[(ordered["choice"] == choice).to_numpy() & ~base, 0]
        canvas.segments(np.column_stack([at, 0 * at + y + 0.02]), np.column_stack([at, 0 * at + y + 0.14]), "ink", 1.3)
    _legend(canvas, bool(question.any()))
    return canvas.figure()


def _legend(canvas: Canvas, question: bool) -> None:
    y, x = canvas.height - 0.1, LEFT
    marks = [("accent", 6.0, "o", "this report"), ("line", 3.0, "o", "a variant, and two Monte Carlo errors")]
    for role, size, marker, words in [*marks, *([("line", 3.6, "D", "asks another question")] if question else [])]:
        canvas.dots(np.array([[x + 0.06, y - 0.045]]), role, size, marker)
        canvas.text(x + 0.17, y, words, "muted", size=7.5)
        x += 0.17 + 0.062 * len(words) + 0.25
