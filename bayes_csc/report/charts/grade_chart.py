"""The overall grades of the next judgement as bars, the base rate beside each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bayes_csc.report.drawing.canvas import Canvas, Scale
from bayes_csc.report.drawing.style import WIDTH
from bayes_csc.report.findings.words.vocabulary import number, spread

ROW, LEFT, TOP, BOTTOM, RIGHT = 0.52, 1.75, 0.12, 0.62, 0.4


def grade_chart(forecast: Mapping[str, Any], base_rate: pd.Series | None, grades: Sequence[str]) -> Figure:
    """Draw P(overall grade) of the next judgement with its interval, and how often it followed the last grade before.

    Parameters
    ----------
    forecast
        The authority's row of the forecast.
    base_rate
        Of its last grade (`base_rates`); None without one.
    grades
        Best first.
    """
    height = TOP + ROW * len(grades) + BOTTOM
    canvas = Canvas(WIDTH, height)
    scale = Scale(LEFT, TOP, WIDTH - LEFT - RIGHT, ROW * len(grades), (0.0, 1.0), (len(grades), 0.0))
    flipped = Scale(scale.left, scale.top, scale.width, scale.height, scale.x, (0.0, float(len(grades))))
    bottom = scale.top + scale.height
    for share in np.arange(0, 1.01, 0.2):
        x = scale.at(share, 0)[0, 0]
        canvas.line(np.array([[x, TOP], [x, bottom]]), "rule", 0.5)
        canvas.text(x, bottom + 0.19, f"{100 * share:.0f}%", "muted", across="center")
    for place, grade in enumerate(grades):
        p, low, high = (float(forecast[f"p_grade_{place + 1}{end}"]) for end in ("", "_lower", "_upper"))
        y = TOP + ROW * place
        canvas.text(LEFT - 0.12, y + 0.27, grade, across="right", size=8.5)
        ends = flipped.at(np.array([0.0, p, low, high]), 0.0)[:, 0]
        canvas.polygon(np.array([[ends[0], y + 0.08], [ends[1], y + 0.08], [ends[1], y + 0.3], [ends[0], y + 0.3]]),
                       "inner")  # fmt: skip
        canvas.line(np.array([[ends[2], y + 0.19], [ends[3], y + 0.19]]), "ink", 1.4)
        words = f"{grade}: {number(p)} ({spread(low, high)})"
        if base_rate is not None and base_rate["number"] > 0:
            share = float(base_rate[f"grade_{place + 1}"])
            at = flipped.at(share, 0.0)[0, 0]
            canvas.polygon(np.array([[ends[0], y + 0.34], [at, y + 0.34], [at, y + 0.42], [ends[0], y + 0.42]]),
                           "region")  # fmt: skip
            words += f"; base rate {number(share)}"
        canvas.tip(LEFT, y, scale.width, ROW, words)
    _legend(canvas, height - 0.12, base_rate)
    return canvas.figure()


def _legend(canvas: Canvas, y: float, base_rate: pd.Series | None) -> None:
    canvas.polygon(np.array([[LEFT, y - 0.12], [LEFT + 0.25, y - 0.12], [LEFT + 0.25, y], [LEFT, y]]), "inner")
    canvas.text(LEFT + 0.32, y, "this authority", "muted")
    canvas.line(np.array([[LEFT + 1.5, y - 0.05], [LEFT + 1.8, y - 0.05]]), "ink", 1.4)
    canvas.text(LEFT + 1.88, y, "interval", "muted")
    if base_rate is not None and base_rate["number"] > 0:
        canvas.polygon(np.array([[LEFT + 2.7, y - 0.1], [LEFT + 2.95, y - 0.1], [LEFT + 2.95, y - 0.02],
                                 [LEFT + 2.7, y - 0.02]]), "region")  # fmt: skip
        canvas.text(LEFT + 3.02, y, f"base rate: of {base_rate['number']:.0f} judged after the same grade", "muted")
