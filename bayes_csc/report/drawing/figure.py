"""A canvas as a matplotlib figure, for a PNG and for those who work on with it."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.markers import MarkerStyle
from matplotlib.transforms import IdentityTransform

from bayes_csc.report.drawing.canvas import HOLLOW, ORDER, Canvas
from bayes_csc.report.drawing.style import colour

DASHES: dict[str, Any] = {"solid": "-", "dashed": (0, (4, 2)), "dotted": (0, (1, 2))}
MARKERS = {"dot": "o", "ring": "o", "square": "s", "diamond": "D"}
LINES, DOTS, TEXTS = 20, 40, 80
"""Places of the first line, marker and text from the back to the front; fills, and rules among them, are behind."""


def figure(canvas: Canvas) -> Figure:
    """Draw a canvas; call it inside `style.look`."""
    made = Figure(figsize=(canvas.width, canvas.height))
    axes = made.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, canvas.width), ylim=(canvas.height, 0))
    axes.set_axis_off()
    for place, role in enumerate(ORDER):
        if canvas.fills.get(role):
            fills = PolyCollection(canvas.fills[role], facecolors=colour(role), edgecolors="none", zorder=place,
                                   clip_on=False)  # fmt: skip
            axes.add_collection(fills, autolim=False)
        for (own, width, dash), lines in canvas.lines.items():
            if own == role and lines:
                drawn = LineCollection(
                    lines, colors=colour(role), linewidths=width, linestyles=[DASHES[dash]],
                    zorder=place + (LINES if role != "rule" else 0), capstyle="butt", clip_on=False,
                )  # fmt: skip
                axes.add_collection(drawn, autolim=False)
        for (own, size, marker), points in canvas.dots.items():
            if own == role:
                axes.add_collection(_markers(axes, np.concatenate(points), role, size, marker, place))
    for text in canvas.texts:
        axes.text(
            text.x, text.y, text.words, color=colour(text.role), ha=text.across, va="baseline", fontsize=text.size,
            fontweight="bold" if text.bold else "normal", zorder=TEXTS,
            rotation=90 if text.turned else 0, rotation_mode="anchor",
        )  # fmt: skip
    return made


def _markers(axes: Axes, points: np.ndarray, role: str, size: float, marker: str, place: int) -> PathCollection:
    style = MarkerStyle(MARKERS[marker])
    path = style.get_path().transformed(style.get_transform())
    hollow = marker in HOLLOW
    made = PathCollection(
        [path], sizes=[size**2], offsets=points, offset_transform=axes.transData,
        facecolors=colour("paper" if hollow else role), edgecolors=colour(role), linewidths=0.9 if hollow else 0,
        zorder=place + DOTS, clip_on=False,
    )  # fmt: skip
    made.set_transform(IdentityTransform())  # sizes are in points, not in the data's units
    return made
