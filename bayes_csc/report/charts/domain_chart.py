"""The sub-judgements of the next inspection: a bar for each domain, divided by the probabilities of its grades."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bayes_csc.report.drawing.canvas import Canvas, wide
from bayes_csc.report.drawing.layout import Key, legend, legend_height
from bayes_csc.report.drawing.style import WIDTH, grade_role
from bayes_csc.report.findings.words.next_words import domain_grades, domain_words, domains_of
from bayes_csc.report.findings.words.vocabulary import number, spread

GAP = 0.015
"""Paper between two parts of a bar, inches."""


def domain_chart(forecast: Mapping[str, Any], grades: Sequence[str], width: float = WIDTH) -> Canvas:
    """Draw P(grade) of each domain, best grade first and lightest, each number above its part.

    The parts are steps of one hue that differ in lightness, so that no reader needs to tell hues apart.

    Parameters
    ----------
    forecast
        The authority's row of the forecast, of sub-judgements.
    grades
        Best first.
    width
        Of the drawing, inches; on a narrow one a domain's name stands above its bar.
    """
    domains, narrow = domains_of(forecast), width < 6.0
    left, right, row = (0.03, 0.03, 0.72) if narrow else (2.1, 1.95, 0.5)
    keys = [Key(grade_role(g, len(grades)), "fill", grade) for g, grade in enumerate(grades)]
    canvas = Canvas(width, row * len(domains) + 0.1 + legend_height(keys, width - left))
    for place, domain in enumerate(domains):
        bottom = row * (place + 1) - 0.05
        p = domain_grades(forecast, domain, len(grades))
        ends = np.concatenate([[0.0], np.cumsum(p)]) * (width - left - right) + left
        last = f"last: {forecast[f'last_grade_{domain}']}" if forecast[f"last_grade_{domain}"] else ""
        if narrow:
            canvas.text(left, bottom - 0.48, f"{domain_words(domain)}{'; ' if last else ''}{last}")
        else:
            canvas.text(left - 0.12, bottom - 0.07, domain_words(domain), across="right")
            canvas.text(width - right + 0.1, bottom - 0.07, last, "muted")
        low, high = (domain_grades(forecast, domain, len(grades), end) for end in ("_lower", "_upper"))
        for g, grade in enumerate(grades):
            start, end = ends[g], max(ends[g + 1] - GAP, ends[g])
            canvas.box(start, bottom - 0.22, end, bottom, grade_role(g, len(grades)))
            words = f"{domain_words(domain)}, {grade}: {number(p[g])} ({spread(low[g], high[g])})"
            canvas.tip(start, bottom - 0.4, max(end - start, 0.04), 0.4, words)
            if end - start > wide("0.00"):
                canvas.text((start + end) / 2, bottom - 0.26, number(p[g]), across="center")
    legend(canvas, left, canvas.height - legend_height(keys, width - left), keys)
    return canvas
