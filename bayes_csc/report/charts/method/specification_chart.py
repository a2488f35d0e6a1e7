"""The specification curve of one authority: its probability of a decline in every variant, and which choice each is."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bayes_csc.report.drawing.canvas import Canvas, Scale, cut, tick_labels
from bayes_csc.report.drawing.layout import Key, legend, legend_height
from bayes_csc.report.drawing.style import WIDTH

TOP, GAP, RIGHT = 0.3, 0.12, 0.12
"""Above the curve, between it and the rows of choices, and right of both, inches."""


def specification_chart(rows: pd.DataFrame, threshold: float, width: float = WIDTH) -> Canvas:
    """Draw the curve, lowest first, and under it a tick for each variant in the row of its choice.

    Parameters
    ----------
    rows
        `choice`, `p_decline`, `error` (two Monte Carlo standard errors; NaN: not known), `base` and `question` (whether
        it asks another question).
    threshold
        A rule across.
    width
        Of the drawing, inches; on a narrow one a choice stands above its ticks.
    """
    narrow = width < 6.0
    row, left, high = (0.33, 0.4, 1.7) if narrow else (0.185, 2.3, 2.1)
    ordered = rows.sort_values("p_decline", kind="stable", ignore_index=True)
    choices = list(dict.fromkeys(rows["choice"][~rows["base"]]))
    base, question = (ordered[name].to_numpy(dtype=bool) for name in ("base", "question"))
    keys = [Key("accent", "dot", "this report"), Key("line", "dot", "a variant; bar: two Monte Carlo standard errors"),
            *([Key("line", "diamond", "asks another question")] if question.any() else []),
            Key("muted", "solid", f"threshold, {threshold:g}")]  # fmt: skip
    start = 0.05 if narrow else left
    canvas = Canvas(width, TOP + high + GAP + row * len(choices) + 0.1 + legend_height(keys, width - start))
    scale = Scale(left, TOP, width - left - RIGHT, high, (-1.0, float(len(ordered))), (0.0, 1.0))
    ticks = [0.0, 0.25, 0.5, 0.75, 1.0]
    canvas.text(0.05 if narrow else left - 0.3, 0.15, "Probability of a decline", "muted")
    canvas.grid(scale, ticks, tick_labels(ticks))
    canvas.line(scale.at(np.array(scale.x), threshold), "muted", 0.9)
    x, p = ordered.index.to_numpy(dtype=float), ordered["p_decline"].to_numpy()
    error = ordered["error"].fillna(0.0).to_numpy()
    canvas.segments(scale.at(x, np.maximum(p - error, 0.0)), scale.at(x, np.minimum(p + error, 1.0)), "inner", 0.9)
    points = scale.at(x, p)
    canvas.dot(points[~base & ~question], "line", 3.0)
    canvas.dot(points[question], "line", 3.6, "diamond")
    for point in points[base]:
        canvas.line(np.array([[point[0], TOP], [point[0], TOP + high]]), "accent", 0.9)
        canvas.dot(point[None], "accent", 6.0)
    for place, choice in enumerate(choices):
        y = TOP + high + GAP + row * (place + 1) - 0.03
        if narrow:
            canvas.text(0.05, y - 0.14, cut(choice, width - 0.1), "muted")
        else:
            canvas.text(left - 0.12, y - 0.01, cut(choice, left - 0.15), "muted", across="right")
        at = points[(ordered["choice"] == choice).to_numpy() & ~base, 0]
        canvas.segments(np.column_stack([at, 0 * at + y - 0.11]), np.column_stack([at, 0 * at + y]), "ink", 1.3)
    legend(canvas, start, canvas.height - legend_height(keys, width - start), keys)
    return canvas
