"""One small chart of years: its title, its unit and which direction is better, and its axes."""

from __future__ import annotations

import numpy as np

from bayes_csc.report.drawing.canvas import Canvas, Scale, cut, lines_of, tick_labels, ticks_of
from bayes_csc.report.drawing.style import PANEL

HEIGHT, LEFT, TOP, BOTTOM, RIGHT, LINE = 1.62, 0.42, 0.54, 0.24, 0.06, 0.145
LEAST_SPAN = 0.25
"""Smallest height of a vertical scale, as a part of the largest figure on it: less would show noise as a trend."""


def panel(
    title: str, unit: str, years: tuple[int, int], limits: tuple[float, float], *, large: bool = False
) -> tuple[Canvas, Scale]:
    """Return the canvas of a small chart and its scale.

    Parameters
    ----------
    title
        Two lines of it are shown.
    unit
        The unit, and which direction is better, below the title.
    years, limits
        Ends of the horizontal and of the vertical scale.
    large
        Whether large values are written in thousands and millions.
    """
    canvas = named(title, unit)
    scale = Scale(
        LEFT, TOP, PANEL - LEFT - RIGHT, HEIGHT - TOP - BOTTOM, (years[0] - 0.5, years[1] + 0.5), limits
    )  # fmt: skip
    ticks = ticks_of(*limits)
    canvas.grid(scale, ticks, [in_few_signs(t) for t in ticks] if large else tick_labels(ticks))
    for year, across in ((years[0], "left"), (years[1], "right")):
        edge = scale.left if across == "left" else scale.left + scale.width
        canvas.text(edge, HEIGHT - BOTTOM + 0.15, f"{year}", "muted", across=across)
    return canvas, scale


def named(title: str, unit: str) -> Canvas:
    """Return the canvas of a small chart with its title alone."""
    canvas = Canvas(PANEL, HEIGHT)
    lines = lines_of(title, PANEL - 0.1, 2)
    for place, words in enumerate(lines):
        canvas.text(0.03, 0.13 + LINE * place, words)
    canvas.text(0.03, 0.13 + LINE * len(lines), cut(unit, PANEL), "muted")
    return canvas


def roomy(low: float, high: float, most: float = float("inf")) -> tuple[float, float]:
    """Return a vertical scale that holds two figures, is not too small, and crosses neither zero nor `most` for room.

    Examples
    --------
    >>> roomy(0.0, 0.0), roomy(0.9, 1.0, 1.0)
    ((0.0, 1.05), (0.825, 1.0))
    """
    if low == high == 0:
        high = 1.0
    room = max(LEAST_SPAN * max(abs(low), abs(high)) - (high - low), 0.1 * (high - low), 1e-9) / 2
    return (max(low - room, 0.0) if low >= 0 else low - room, min(high + room, most))


def in_few_signs(value: float) -> str:
    """Write a figure in few signs, in thousands or millions where it is large.

    Examples
    --------
    >>> in_few_signs(250.0), in_few_signs(25_000.0), in_few_signs(-2e6)
    ('250', '25k', '−2m')
    """
    for size, by, letter in ((1e6, 1e6, "m"), (1e4, 1e3, "k")):
        if abs(value) >= size:
            return f"{value / by:g}{letter}".replace("-", "−")
    return f"{value:g}".replace("-", "−")


def clipped(points: np.ndarray, scale: Scale) -> np.ndarray:
    """Points moved down or up into the plot."""
    return np.column_stack([points[:, 0], np.clip(points[:, 1], scale.top, scale.bottom)])
