"""The overall grades of the next judgement as bars, the base rate beside each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from bayes_csc.report.drawing.canvas import Canvas, Scale, tick_labels
from bayes_csc.report.drawing.layout import Key, legend, legend_height
from bayes_csc.report.drawing.style import WIDTH, grade_role
from bayes_csc.report.findings.words.vocabulary import number, spread


def grade_chart(
    forecast: Mapping[str, Any], base_rate: pd.Series | None, grades: Sequence[str], width: float = WIDTH
) -> Canvas:
    """Draw P(overall grade) of the next judgement with its interval, and how often it followed the last grade before.

    Parameters
    ----------
    forecast
        The authority's row of the forecast.
    base_rate
        Of its last grade (`base_rates`); None without one.
    grades
        Best first; each a step of one hue, the best the lightest.
    width
        Of the drawing, inches; on a narrow one a grade's name stands above its bar.
    """
    narrow, known = width < 6.0, base_rate is not None and base_rate["number"] > 0
    left, row = (0.05, 0.6) if narrow else (1.85, 0.46)
    keys = [Key("step4", "fill", "this authority"), Key("ink", "solid", "its interval")]
    if base_rate is not None and known:
        keys.append(Key("region", "fill", f"base rate: of {base_rate['number']:.0f} judged after the same grade"))
    canvas = Canvas(width, 0.05 + row * len(grades) + 0.52 + legend_height(keys, width - left))
    scale = Scale(left, 0.05, width - left - 0.2, row * len(grades), (0.0, 1.0), (0.0, 1.0))
    shares = [0.0, 0.25, 0.5, 0.75, 1.0]
    canvas.columns(scale, shares, tick_labels(shares))
    canvas.text(left, scale.bottom + 0.36, "Probability", "muted")
    for place, grade in enumerate(grades):
        p, low, high = (float(forecast[f"p_grade_{place + 1}{end}"]) for end in ("", "_lower", "_upper"))
        y = scale.top + row * (place + 1) - 0.4
        zero, end, first, last = scale.at(np.array([0.0, p, low, high]), 0.0)[:, 0]
        if narrow:
            canvas.text(left, y - 0.03, f"{grade}: {number(p)}")
        else:
            canvas.text(left - 0.1, y + 0.15, f"{grade}: {number(p)}", across="right", up="center")
        canvas.box(zero, y + 0.04, end, y + 0.24, grade_role(place, len(grades)), edge="muted")
        canvas.line(np.array([[first, y + 0.14], [last, y + 0.14]]), "ink", 1.4)
        words = f"{grade}: {number(p)} ({spread(low, high)})"
        if base_rate is not None and known:
            share = float(base_rate[f"grade_{place + 1}"])
            canvas.box(zero, y + 0.27, float(scale.at(share, 0.0)[0, 0]), y + 0.34, "region")
            words += f"; base rate {number(share)}"
        canvas.tip(left, scale.top + row * place, scale.width, row, words)
    legend(canvas, left, canvas.height - legend_height(keys, width - left), keys)
    return canvas
