"""The change since the last inspection as a density, the decline that counts shaded."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bayes_csc.report.drawing.canvas import Canvas, Scale, tick_labels, ticks_of
from bayes_csc.report.drawing.layout import Key, legend, legend_height
from bayes_csc.report.drawing.style import WIDTH

LEFT, TOP, RIGHT = 0.2, 0.52, 0.2
AXIS = "Change of latent quality: worse ← → better"


def change_chart(density: pd.DataFrame, epsilon: float, width: float = WIDTH) -> Canvas:
    """Draw the density of a change, with that had nothing been observed since.

    Parameters
    ----------
    density
        See `change_density`.
    epsilon
        Smallest decline that counts.
    width
        Of the drawing, inches.
    """
    keys = [
        Key("ink", "solid", "given all data"), Key("muted", "dashed", "had nothing been observed since"),
        Key("inner", "fill", f"a decline of more than {epsilon:g}"),
    ]  # fmt: skip
    density = density.iloc[::2] if width < 6 else density
    plot = 1.35 if width < 6 else 1.6
    canvas = Canvas(width, TOP + plot + 0.5 + legend_height(keys, width - LEFT))
    x, high = density["change"].to_numpy(), float(density[["density", "no_data"]].to_numpy().max())
    scale = Scale(LEFT, TOP, width - LEFT - RIGHT, plot, (x[0], x[-1]), (0.0, 1.08 * high))
    ticks = ticks_of(*scale.x, wanted=4 if canvas.narrow else 7)
    canvas.columns(scale, ticks, tick_labels(ticks))
    base = np.zeros(x.size)
    canvas.ribbon(scale.at(x, base), scale.at(x, density["density"]), "band")
    edge = np.append(x[x <= -epsilon], -epsilon)
    canvas.ribbon(scale.at(edge, 0 * edge), scale.at(edge, np.interp(edge, x, density["density"])), "inner")
    canvas.line(scale.at(x, density["no_data"]), "muted", 1.2, "dashed")
    canvas.line(scale.at(x, density["density"]), "ink", 1.6)
    canvas.line(scale.at(x[[0, -1]], 0.0), "muted", 0.8)
    for value, role, across, side in ((0.0, "muted", "left", 1), (-epsilon, "accent", "right", -1)):
        canvas.line(scale.at(np.full(2, value), np.array(scale.y)), role, 1.0)
        at = scale.at(value, scale.y[1])[0]
        words = "no change" if not value else f"a decline of {epsilon:g}"
        canvas.text(at[0] + 0.06 * side, at[1] - 0.07, words, role, across=across)
    canvas.text(LEFT, 0.17, "Density (probability per unit)", "muted")
    canvas.text(width - RIGHT, scale.bottom + 0.37, AXIS, "muted", across="right")
    legend(canvas, LEFT, canvas.height - legend_height(keys, width - LEFT), keys)
    return canvas
