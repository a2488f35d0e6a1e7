"""The sub-judgements of the next inspection: a bar for each domain, divided by the probabilities of its grades."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from bayes_csc.report.drawing.canvas import Canvas
from bayes_csc.report.drawing.style import WIDTH
from bayes_csc.report.findings.words.next_words import domain_grades, domain_words, domains_of
from bayes_csc.report.findings.words.vocabulary import number, spread

ROW, LEFT, TOP, BOTTOM, RIGHT = 0.56, 2.1, 0.1, 0.5, 1.75
GAP, NARROW = 0.015, 0.045
"""Paper between two parts of a bar, inches; a probability below which there is no room for its number."""
STEPS = 4


def domain_chart(forecast: Mapping[str, Any], grades: Sequence[str]) -> Figure:
    """Draw P(grade) of each domain, best grade first and lightest, each number above its part.

    The parts are steps of one hue that differ in lightness, so that no reader needs to tell hues apart.

    Parameters
    ----------
    forecast
        The authority's row of the forecast, of sub-judgements.
    grades
        Best first.
    """
    domains = domains_of(forecast)
    height = TOP + ROW * len(domains) + BOTTOM
    canvas = Canvas(WIDTH, height)
    width = WIDTH - LEFT - RIGHT
    for place, domain in enumerate(domains):
        y = TOP + ROW * place
        p = domain_grades(forecast, domain, len(grades))
        ends = np.concatenate([[0.0], np.cumsum(p)]) * width + LEFT
        canvas.text(LEFT - 0.12, y + 0.36, domain_words(domain), across="right", size=8.5)
        low, high = (domain_grades(forecast, domain, len(grades), end) for end in ("_lower", "_upper"))
        for g, grade in enumerate(grades):
            left, right = ends[g], max(ends[g + 1] - GAP, ends[g])
            _bar(canvas, left, right, y + 0.24, y + 0.46, _role(g, len(grades)))
            words = f"{domain_words(domain)}, {grade}: {number(p[g])} ({spread(low[g], high[g])})"
            canvas.tip(left, y, max(right - left, 0.04), ROW, words)
            if p[g] >= NARROW:
                canvas.text((left + right) / 2, y + 0.2, number(p[g]), across="center", size=7.5)
        if last := forecast[f"last_grade_{domain}"]:
            canvas.text(WIDTH - RIGHT + 0.12, y + 0.36, f"last: {last}", "muted", size=7.5)
    _legend(canvas, height - 0.14, grades)
    return canvas.figure()


def _role(grade: int, grades: int) -> str:
    """Role of a grade's colour: the best is the lightest of `STEPS`, the worst the darkest."""
    return f"step{2 + round((STEPS - 1) * grade / (grades - 1))}"


def _bar(canvas: Canvas, left: float, right: float, top: float, bottom: float, role: str) -> None:
    canvas.polygon(np.array([[left, top], [right, top], [right, bottom], [left, bottom]]), role)


def _legend(canvas: Canvas, y: float, grades: Sequence[str]) -> None:
    step = (WIDTH - LEFT - 0.2) / len(grades)
    for place, grade in enumerate(grades):
        x = LEFT + step * place
        _bar(canvas, x, x + 0.25, y - 0.12, y, _role(place, len(grades)))
        canvas.text(x + 0.32, y, grade, "muted")
