"""A map of hexagons, one an authority, filled by the probability of a decline."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bayes_csc.measurement.figures_used import NO_FIGURES, without_figures
from bayes_csc.report.drawing.canvas import Canvas
from bayes_csc.report.findings.words.vocabulary import number

SIZE = 0.265
"""Width of a hexagon, inches."""
CLASSES = (0.0, 0.1, 0.2, 1 / 3, 0.5, 1.0)
FILLS = ("step1", "step2", "step3", "step4", "step5")
MARGIN, LEGEND = 0.3, 2.3
ROW_HEIGHT = np.sqrt(3) / 2


def hexagon_chart(authorities: pd.DataFrame) -> Figure:
    """Draw the map.

    Parameters
    ----------
    authorities
        `name`, `column`, `row`, `p` (of a decline; NaN: none to give) and `listed`, whether of the group; may have
        `since`, the number of figures since the inspection.
    """
    across = float(authorities["column"].max()) + 2
    down = float(authorities["row"].max()) + 2
    width = across * SIZE + 2 * MARGIN + LEGEND
    canvas = Canvas(max(width, 5.0), down * SIZE * ROW_HEIGHT + 2 * MARGIN)
    angle = np.radians(np.arange(30, 391, 60))
    shape = np.column_stack([np.cos(angle), np.sin(angle)]) * SIZE / np.sqrt(3)
    for row in authorities.itertuples():
        column, line = float(str(row.column)), float(str(row.row))
        centre = np.array([
            MARGIN + SIZE * (0.5 + column + 0.5 * (line % 2)), MARGIN + SIZE * (0.5 + ROW_HEIGHT * line),
        ])  # fmt: skip
        p = float(str(row.p))
        canvas.polygon(centre + 0.94 * shape, _fill(p))
        if row.listed:
            canvas.line(centre + 0.86 * shape, "ink", 1.6)
        half = SIZE / 2
        since = f"{NO_FIGURES}; " if without_figures({"figures_since": getattr(row, "since", None)}) else ""
        chance = number(p) if row.listed else _class(p)
        words = f"{row.name}: {since}P(decline) {chance}" if p == p else f"{row.name}: never inspected"
        canvas.tip(centre[0] - half, centre[1] - half, SIZE, SIZE, words)
    _legend(canvas, canvas.width - LEGEND, shape)
    return canvas.figure()


def _class(p: float) -> str:
    """Write the class of the legend that a probability is in."""
    low, high = next((low, high) for low, high in pairwise(CLASSES) if p < high or high == 1.0)
    return f"{low:.0%} to {high:.0%}"


def _fill(p: float) -> str:
    if p != p:
        return "rule"
    return next(fill for fill, end in zip(FILLS, CLASSES[1:], strict=True) if p < end or end == 1.0)


def _legend(canvas: Canvas, left: float, shape: np.ndarray) -> None:
    canvas.text(left, MARGIN + 0.1, "Probability of a decline", bold=True)
    canvas.text(left, MARGIN + 0.27, "since the last inspection", "muted")
    rows = [(f"{low:.0%} to {high:.0%}", fill) for (low, high), fill in zip(pairwise(CLASSES), FILLS, strict=True)]
    for place, (words, fill) in enumerate([*rows, ("never inspected", "rule")]):
        y = MARGIN + 0.55 + 0.3 * place
        canvas.polygon(np.array([left + 0.15, y]) + shape, fill)
        canvas.text(left + 0.4, y + 0.04, words)
    y = MARGIN + 0.55 + 0.3 * (len(rows) + 1)
    canvas.line(np.array([left + 0.15, y]) + 0.9 * shape, "ink", 1.6)
    canvas.text(left + 0.4, y + 0.04, "of the group listed")
