"""Charts of a fit's diagnostics and predictive checks."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bayes_csc.report.charts.panels.panel import HEIGHT, LEFT, RIGHT, TOP, named
from bayes_csc.report.drawing.canvas import Canvas, Scale, cut
from bayes_csc.report.drawing.layout import Key, legend, legend_height
from bayes_csc.report.drawing.style import PANEL, WIDTH

CHAINS = (("line", "solid"), ("region", "dashed"), ("accent", "dotted"), ("inner", "solid"))
"""Look of each chain's line."""
RANK_KEYS = tuple(Key(role, dash, f"chain {n}") for n, (role, dash) in enumerate(CHAINS, 1))
MOST = 2.5
"""Highest bar of a rank histogram that is shown, in times of a flat one."""


def rank_panels(ranks: pd.DataFrame) -> list[Canvas]:
    """Draw the rank histogram of each chain, a small chart per entry: flat where chains agree.

    Parameters
    ----------
    ranks
        See `hyperparameters.rank_histograms`.
    """
    bins = ranks.shape[1]
    drawn = []
    for entry in dict.fromkeys(ranks.index.get_level_values("entry")):
        canvas = named(str(entry), "times as often as if flat")
        scale = Scale(LEFT, TOP, PANEL - LEFT - RIGHT, HEIGHT - TOP - 0.24, (0, bins), (0.0, MOST))
        canvas.grid(scale, [0.0, 1.0, 2.0], ["0", "1", "2"])
        canvas.line(scale.at(np.array([0, bins]), 1.0), "muted", 0.8)
        canvas.text(scale.left, scale.bottom + 0.15, "rank, low to high", "muted")
        for number, (_, heights) in enumerate(ranks.loc[entry].iterrows()):
            steps = np.repeat(bins * heights.to_numpy(dtype=float), 2)
            edges = np.repeat(np.arange(bins + 1), 2)[1:-1]
            role, dash = CHAINS[number % len(CHAINS)]
            canvas.line(scale.at(edges, np.minimum(steps, MOST)), role, 1.0, dash)
        drawn.append(canvas)
    return drawn


def energy_chart(energy: pd.DataFrame, width: float = WIDTH) -> Canvas:
    """Draw the distribution of the energy and of its steps.

    Parameters
    ----------
    energy
        See `hyperparameters.energy_histograms`.
    width
        Of the drawing, inches.
    """
    keys = [Key("band", "fill", "energy, about its mean"), Key("accent", "solid", "its steps from draw to draw")]
    canvas = Canvas(width, 1.9 + legend_height(keys, width))
    x = energy["energy"].to_numpy()
    high = float(energy[["marginal", "step"]].to_numpy().max()) * 1.05
    scale = Scale(0.1, 0.25, width - 0.2, 1.3, (x[0], x[-1]), (0.0, high))
    canvas.ribbon(scale.at(x, 0 * x), scale.at(x, energy["marginal"]), "band")
    canvas.line(scale.at(x, energy["step"]), "accent", 1.4)
    canvas.line(scale.at(x[[0, -1]], 0.0), "muted", 0.8)
    canvas.text(0.1, 0.15, "Density", "muted")
    canvas.text(0.1, scale.bottom + 0.18, f"{x[0]:.0f}".replace("-", "−"), "muted")
    canvas.text(width - 0.1, scale.bottom + 0.18, f"{x[-1]:+.0f}", "muted", across="right")
    canvas.text(width / 2, scale.bottom + 0.18, "Energy (log density)", "muted", across="center")
    legend(canvas, 0.1, canvas.height - legend_height(keys, width), keys)
    return canvas


def check_chart(checks: pd.DataFrame, labels: dict[str, str], interval: float, width: float = WIDTH) -> Canvas:
    """Draw the share of figures within their predictive intervals, by indicator, beside what it should be.

    Parameters
    ----------
    checks
        See `fitted.Fitted`.
    labels
        By key.
    interval
        Probability of the outer intervals.
    width
        Of the drawing, inches; on a narrow one a label stands above its dots.
    """
    row, left = (0.32, 0.15) if width < 6.0 else (0.2, 4.0)
    keys = [
        Key("inner", "square", "within the 50% interval"), Key("line", "dot", f"within the {interval:.0%} interval"),
        Key("muted", "solid", "the share that is expected"),
    ]  # fmt: skip
    top = legend_height(keys, width) + 0.02
    canvas = Canvas(width, top + row * len(checks) + 0.42)
    legend(canvas, 0.1, 0.0, keys)
    scale = Scale(left, top, width - left - 0.25, row * len(checks), (0.3, 1.0), (0.0, 1.0))
    shares = [0.4, 0.6, 0.8, 1.0] if canvas.narrow else [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
    canvas.columns(scale, shares, [f"{share:.0%}" for share in shares])
    canvas.text(left, canvas.height - 0.05, "Share of figures", "muted")
    for value in (0.5, interval):
        canvas.mark(scale, value, len(checks))
    for place, found in enumerate(checks.itertuples()):
        label, y = labels[str(found.Index)], top + row * (place + 1) - 0.09
        if canvas.narrow:
            canvas.text(0.02, y - 0.09, cut(label, width - 0.05))
        else:
            canvas.text(left - 0.1, y, cut(label, left - 0.15), across="right", up="center")
        inner, outer = (float(str(v)) for v in (found.inside_inner, found.inside))
        canvas.dot(scale.at(np.clip([inner], 0.3, 1), 0.0) * (1, 0) + (0, y), "inner", 4.5, "square")
        canvas.dot(scale.at(np.clip([outer], 0.3, 1), 0.0) * (1, 0) + (0, y), "line", 4.5)
        canvas.tip(0, top + row * place, width, row,
                   f"{label}: {inner:.0%} within 50%, {outer:.0%} within {interval:.0%}")  # fmt: skip
    return canvas
