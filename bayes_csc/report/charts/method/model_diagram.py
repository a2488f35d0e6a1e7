"""The model in one picture: what is behind what."""

from __future__ import annotations

import numpy as np

from bayes_csc.report.drawing.canvas import Canvas
from bayes_csc.report.drawing.style import WIDTH

BOXES = {
    "pool": ("region and deprivation", "what similar authorities have", "in common"),
    "theta": ("latent quality", "of this authority, year by year", "never seen itself"),
    "figures": ("published figures", "+ local recording, national year,", "deprivation, chance"),
    "grades": ("inspection grades", "+ the team, the framework,", "the national standard"),
}
ARROWS = (("pool", "theta"), ("theta", "figures"), ("theta", "grades"))
BOX = (2.4, 0.8)
"""Width and height of a box, inches."""


def model_diagram(width: float = WIDTH) -> Canvas:
    """Draw the trajectory model as four boxes and three arrows, from left to right or, where narrow, downwards."""
    narrow = width < 6.0
    corners = (
        {"pool": (0.0, 0.1), "theta": (0.0, 1.3), "figures": (width - 2.4, 2.5), "grades": (width - 2.4, 3.7)}
        if narrow
        else {"pool": (0.1, 0.75), "theta": (3.5, 0.75), "figures": (6.95, 0.1), "grades": (6.95, 1.4)}
    )
    canvas = Canvas(width, 4.6 if narrow else 2.3)
    for key, (left, top) in corners.items():
        canvas.box(left, top, left + BOX[0], top + BOX[1], "", edge="line")
        for place, words in enumerate(BOXES[key]):
            canvas.text(left + BOX[0] / 2, top + 0.24 + 0.2 * place, words, "muted" if place else "ink",
                        across="center", size=8 if place else 9.5, bold=not place)  # fmt: skip
    for origin, target in ARROWS:
        (x, y), (u, v) = corners[origin], corners[target]
        if narrow:
            tail = np.array([min(x + 0.4, u - 0.25) if u else x + 1.2, y + BOX[1] + 0.03])
            head = np.array([u - 0.05, v + BOX[1] / 2]) if u else np.array([u + 1.2, v - 0.05])
            bend = np.array([tail[0], head[1]])
            _arrow(canvas, [tail, bend, head] if u else [tail, head])
        else:
            _arrow(canvas, [np.array([x + BOX[0] + 0.06, y + BOX[1] / 2]), np.array([u - 0.06, v + BOX[1] / 2])])
    return canvas


def _arrow(canvas: Canvas, points: list[np.ndarray]) -> None:
    """Draw a line with a head at its end."""
    head = points[-1]
    along = (head - points[-2]) / np.linalg.norm(head - points[-2])
    across = np.array([-along[1], along[0]])
    canvas.line(np.stack([*points[:-1], head - 0.1 * along]), "line", 1.4)
    canvas.polygon(np.stack([head, head - 0.15 * along + 0.06 * across, head - 0.15 * along - 0.06 * across]), "line")
