"""Charts of a fit's diagnostics and predictive checks."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bayes_csc.report.drawing.canvas import Canvas, Scale
from bayes_csc.report.drawing.style import WIDTH

GAP = 0.4
CHAINS = (("line", "solid"), ("region", "dashed"), ("accent", "dotted"), ("inner", "solid"))
"""Look of each chain's line."""


def rank_chart(ranks: pd.DataFrame) -> Figure:
    """Draw the rank histogram of each chain, a small chart per entry: flat where chains agree.

    Parameters
    ----------
    ranks
        See `hyperparameters.rank_histograms`.
    """
    entries = list(dict.fromkeys(ranks.index.get_level_values("entry")))
    columns, row = 3, 1.25
    canvas = Canvas(WIDTH, 0.1 + row * -(-len(entries) // columns))
    width = (WIDTH - GAP * (columns + 1)) / columns
    bins = ranks.shape[1]
    for place, entry in enumerate(entries):
        left, top = GAP + (width + GAP) * (place % columns), 0.1 + row * (place // columns)
        canvas.text(left, top + 0.12, entry if len(entry) < 44 else f"{entry[:43]}…", size=7.5)
        scale = Scale(left, top + 0.2, width, row - 0.4, (0, bins), (0.0, 2.5 / bins))
        canvas.line(scale.at(np.array([0, bins]), 1.0 / bins), "muted", 0.8)
        canvas.line(scale.at(np.array([0, bins]), 0.0), "rule", 0.5)
        for number, (_, heights) in enumerate(ranks.loc[entry].iterrows()):
            steps = np.repeat(heights.to_numpy(dtype=float), 2)
            edges = np.repeat(np.arange(bins + 1), 2)[1:-1]
            role, dash = CHAINS[number % len(CHAINS)]
            canvas.line(scale.at(edges, np.minimum(steps, scale.y[1])), role, 1.0, dash)
    return canvas.figure()


def energy_chart(energy: pd.DataFrame) -> Figure:
    """Draw the distribution of the energy and of its steps.

    Parameters
    ----------
    energy
        See `hyperparameters.energy_histograms`.
    """
    canvas = Canvas(WIDTH, 1.9)
    x = energy["energy"].to_numpy()
    high = float(energy[["marginal", "step"]].to_numpy().max()) * 1.05
    scale = Scale(0.3, 0.1, WIDTH - 0.6, 1.3, (x[0], x[-1]), (0.0, high))
    canvas.ribbon(scale.at(x, 0 * x), scale.at(x, energy["marginal"]), "band")
    canvas.line(scale.at(x, energy["step"]), "accent", 1.4)
    canvas.line(scale.at(x[[0, -1]], 0.0), "muted", 0.8)
    canvas.polygon(np.array([[0.3, 1.66], [0.6, 1.66], [0.6, 1.78], [0.3, 1.78]]), "band")
    canvas.text(0.68, 1.78, "energy, about its mean", "muted")
    canvas.line(np.array([[3.0, 1.72], [3.3, 1.72]]), "accent", 1.4)
    canvas.text(3.38, 1.78, "steps of the energy from draw to draw", "muted")
    return canvas.figure()


def check_chart(checks: pd.DataFrame, labels: dict[str, str], interval: float) -> Figure:
    """Draw the share of figures within their predictive intervals, by indicator, beside what it should be.

    Parameters
    ----------
    checks
        See `fitted.Fitted`.
    labels
        By key.
    interval
        Probability of the outer intervals.
    """
    row, left, top = 0.22, 3.2, 0.3
    height = top + row * len(checks) + 0.35
    canvas = Canvas(WIDTH, height)
    scale = Scale(left, top, WIDTH - left - 0.4, row * len(checks), (0.3, 1.0), (0.0, 1.0))
    for value, role in ((0.5, "inner"), (interval, "line")):
        x = scale.at(value, 0.0)[0, 0]
        canvas.line(np.array([[x, top], [x, top + scale.height]]), role, 1.2)
        canvas.text(x, top - 0.08, f"{value:.0%} expected", "muted", across="center")
    for share in np.arange(0.3, 1.01, 0.1):
        x = scale.at(share, 0.0)[0, 0]
        canvas.line(np.array([[x, top], [x, top + scale.height]]), "rule", 0.5)
        canvas.text(x, height - 0.15, f"{share:.0%}", "muted", across="center")
    for place, found in enumerate(checks.itertuples()):
        y = top + row * (place + 0.5)
        canvas.text(left - 0.1, y + 0.04, labels[str(found.Index)][:52], across="right", size=7.5)
        inner, outer = (float(str(v)) for v in (found.inside_inner, found.inside))
        canvas.dots(scale.at(np.clip([inner], 0.3, 1), 0.0) * (1, 0) + (0, y), "inner", 4.5, "s")
        canvas.dots(scale.at(np.clip([outer], 0.3, 1), 0.0) * (1, 0) + (0, y), "line", 4.5)
        canvas.tip(0, y - row / 2, WIDTH, row, f"{labels[str(found.Index)]}: {inner:.0%} within 50%, "
                                               f"{outer:.0%} within "
                   f"{interval:.0%}")  # fmt: skip
    return canvas.figure()
