"""A map of hexagons, one an authority, filled by the probability of a decline."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd

from bayes_csc.measurement.figures_used import NO_FIGURES, without_figures
from bayes_csc.report.drawing.canvas import Canvas
from bayes_csc.report.drawing.layout import Key, legend, legend_height
from bayes_csc.report.drawing.style import WIDTH
from bayes_csc.report.findings.words.vocabulary import number, spread

CLASSES = (0.0, 0.1, 0.2, 0.33, 0.5, 1.0)
FILLS = ("step1", "step2", "step3", "step4", "step5")
ROW_HEIGHT = np.sqrt(3) / 2
LARGEST = 0.265
"""Width of a hexagon, inches, where there is room."""
MOST = 6.2
"""Width beyond which the map does not grow, inches."""
NEVER = "never inspected"


def hexagon_chart(authorities: pd.DataFrame, width: float = WIDTH) -> Canvas:
    """Draw the map.

    Parameters
    ----------
    authorities
        `name`, `column`, `row`, `p` (of a decline; NaN: none to give) and `listed`, whether of the group; may have
        `since`, the number of figures since the inspection.
    width
        Of the drawing, inches.
    """
    across, down = float(authorities["column"].max()) + 1.5, float(authorities["row"].max()) + 1.2
    width = min(width, MOST)
    size = min(LARGEST, (width - 0.1) / across)
    keys = [Key(fill, "fill", _class(low)) for low, fill in zip(CLASSES, FILLS, strict=False)]
    keys += [Key("not_applicable", "fill", NEVER), Key("ink", "ring", "outlined: of the group listed")]
    top = 0.25 + legend_height(keys, width - 0.05)
    canvas = Canvas(width, top + down * size * ROW_HEIGHT + 0.15)
    canvas.text(0.05, 0.15, "Probability of a decline since the last inspection", bold=True)
    legend(canvas, 0.05, 0.22, keys)
    angle = np.radians(np.arange(30, 391, 60))
    shape = np.column_stack([np.cos(angle), np.sin(angle)]) * size / np.sqrt(3)
    for row in authorities.itertuples():
        column, line = float(str(row.column)), float(str(row.row))
        centre = np.array([0.05 + size * (0.5 + column + 0.5 * (line % 2)), top + size * (0.6 + ROW_HEIGHT * line)])
        p = float(str(row.p))
        canvas.polygon(centre + 0.94 * shape, _fill(p))
        if row.listed:
            canvas.line(centre + 0.86 * shape, "ink", 1.6)
        since = f"{NO_FIGURES}; " if without_figures({"figures_since": getattr(row, "since", None)}) else ""
        chance = number(p) if row.listed else _class(p)
        words = f"{row.name}: {since}P(decline) {chance}" if p == p else f"{row.name}: {NEVER}"
        canvas.tip(centre[0] - size / 2, centre[1] - size / 2, size, size, words)
    return canvas


def _class(p: float) -> str:
    """Write the class of the legend that a probability is in."""
    return spread(*next((low, high) for low, high in pairwise(CLASSES) if p < high or high == 1.0))


def _fill(p: float) -> str:
    if p != p:
        return "not_applicable"
    return next(fill for fill, end in zip(FILLS, CLASSES[1:], strict=True) if p < end or end == 1.0)
