"""The change since the last inspection as a density, the decline that counts shaded."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bayes_csc.report.drawing.canvas import Canvas, Scale, tick_label, ticks_of
from bayes_csc.report.drawing.style import WIDTH

DOWN = np.array([0.0, 0.05])
HEIGHT, LEFT, TOP, BOTTOM, RIGHT = 2.5, 0.3, 0.35, 0.62, 0.3


def change_chart(density: pd.DataFrame, epsilon: float) -> Figure:
    """Draw the density of a change, with that had nothing been observed since.

    Parameters
    ----------
    density
        See `change_density`.
    epsilon
        Smallest decline that counts.
    """
    canvas = Canvas(WIDTH, HEIGHT)
    x, high = density["change"].to_numpy(), float(density[["density", "no_data"]].to_numpy().max())
    scale = Scale(LEFT, TOP, WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM, (x[0], x[-1]), (0.0, 1.08 * high))
    base = np.zeros(x.size)
    canvas.ribbon(scale.at(x, base), scale.at(x, density["density"]), "band")
    worse = x <= -epsilon
    edge = np.append(x[worse], -epsilon)
    canvas.ribbon(scale.at(edge, 0 * edge), scale.at(edge, np.interp(edge, x, density["density"])), "inner")
    canvas.line(scale.at(x, density["no_data"]), "muted", 1.2, "dashed")
    canvas.line(scale.at(x, density["density"]), "ink", 1.6)
    canvas.line(scale.at(x[[0, -1]], 0.0), "muted", 0.8)
    canvas.line(scale.at(np.zeros(2), np.array(scale.y)), "muted", 0.8)
    canvas.line(scale.at(np.full(2, -epsilon), np.array(scale.y)), "accent", 1.3)
    at = scale.at(-epsilon, scale.y[1])[0]
    canvas.text(at[0] - 0.06, at[1] - 0.08, f"a decline of more than {epsilon:g} ←", "accent", across="right")
    zero = scale.at(0.0, scale.y[1])[0]
    canvas.text(zero[0] + 0.06, zero[1] - 0.08, "no change", "muted")
    ticks = ticks_of(*scale.x, wanted=7)
    for tick in ticks:
        point = scale.at(tick, 0.0)[0]
        canvas.line(np.stack([point, point + DOWN]), "muted", 0.6)
        canvas.text(point[0], point[1] + 0.2, tick_label(tick, ticks[1] - ticks[0]), "muted", across="center")
    y = HEIGHT - 0.1
    for left, role, dash, words in (
        (LEFT, "ink", "solid", "given all data"),
        (LEFT + 1.6, "muted", "dashed", "had nothing been observed since the inspection"),
    ):
        canvas.line(np.array([[left, y - 0.05], [left + 0.3, y - 0.05]]), role, 1.5, dash)
        canvas.text(left + 0.37, y, words, "muted")
    canvas.text(WIDTH - RIGHT, y, "change of latent quality: worse ← → better", "muted", across="right")
    return canvas.figure()
