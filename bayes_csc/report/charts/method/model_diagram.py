"""The model in one picture: what is behind what."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from bayes_csc.report.drawing.canvas import Canvas
from bayes_csc.report.drawing.style import WIDTH

HEIGHT = 2.3
BOXES = {
    "pool": (0.1, 0.75, 2.1, 0.8, ("region and deprivation", "what similar authorities have", "in common")),
    "theta": (3.35, 0.75, 2.3, 0.8, ("latent quality", "of this authority, year by year", "never seen itself")),
    "figures": (6.9, 0.1, 2.5, 0.8, ("published figures", "+ local recording, national year,", "deprivation, chance")),
    "grades": (6.9, 1.35, 2.5, 0.8, ("inspection grades", "+ the team, the framework,", "the national standard")),
}
ARROWS = (("pool", "theta"), ("theta", "figures"), ("theta", "grades"))


def model_diagram() -> Figure:
    """Draw the trajectory model as four boxes and three arrows."""
    canvas = Canvas(WIDTH, HEIGHT)
    for left, top, width, height, lines in BOXES.values():
        box = np.array([[0, 0], [width, 0], [width, height], [0, height], [0, 0]])
        corners = box + np.array([left, top])
        canvas.line(corners, "line", 1.3)
        for place, words in enumerate(lines):
            canvas.text(left + width / 2, top + 0.24 + 0.2 * place, words, "muted" if place else "ink",
                        across="center", size=8 if place else 9.5, bold=not place)  # fmt: skip
    for origin, target in ARROWS:
        start, end = BOXES[origin], BOXES[target]
        tail = np.array([start[0] + start[2] + 0.06, start[1] + start[3] / 2])
        head = np.array([end[0] - 0.06, end[1] + end[3] / 2])
        along = (head - tail) / np.linalg.norm(head - tail)
        across = np.array([-along[1], along[0]])
        canvas.line(np.stack([tail, head - 0.1 * along]), "line", 1.4)
        canvas.polygon(
            np.stack([head, head - 0.15 * along + 0.06 * across, head - 0.15 * along - 0.06 * across]), "line"
        )
    return canvas.figure()
