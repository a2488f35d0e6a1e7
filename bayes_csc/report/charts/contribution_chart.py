"""What an estimated change is made up of: a bar for each indicator, judgement and the rest."""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bayes_csc.report.drawing.canvas import Canvas, Scale, tick_label, ticks_of
from bayes_csc.report.drawing.style import WIDTH
from bayes_csc.report.findings.words.vocabulary import number, spread

ROW, LEFT, TOP, BOTTOM, RIGHT = 0.24, 3.75, 0.35, 0.35, 0.55


def contribution_chart(parts: pd.DataFrame, total: float) -> Figure:
    """Draw contributions as bars from zero, with intervals over draws.

    Parameters
    ----------
    parts
        `label`, `contribution`, `lower`, `upper`, in the order of the rows.
    total
        Their sum.
    """
    height = TOP + ROW * len(parts) + BOTTOM
    canvas = Canvas(WIDTH, height)
    ends = parts[["contribution", "lower", "upper"]].to_numpy(dtype=float)
    reach = 1.05 * max(float(np.nanmax(np.abs(ends))), 0.05)
    scale = Scale(LEFT, TOP, WIDTH - LEFT - RIGHT, ROW * len(parts), (-reach, reach), (0.0, float(len(parts))))
    ticks = ticks_of(-reach, reach, wanted=5)
    for tick in ticks:
        x = scale.at(tick, 0.0)[0, 0]
        canvas.line(np.array([[x, TOP], [x, height - BOTTOM]]), "rule" if tick else "muted", 0.5 if tick else 0.9)
        canvas.text(x, height - BOTTOM + 0.19, tick_label(tick, ticks[1] - ticks[0]), "muted", across="center")
    for place, row in enumerate(parts.itertuples()):
        value, low, high = (float(str(v)) for v in (row.contribution, row.lower, row.upper))
        y = TOP + ROW * place
        zero, end, left, right = scale.at(np.array([0.0, value, low, high]), 0.0)[:, 0]
        role = "inner" if value >= 0 else "region"
        canvas.polygon(np.array([[zero, y + 0.05], [end, y + 0.05], [end, y + 0.19], [zero, y + 0.19]]), role)
        canvas.line(np.array([[left, y + 0.12], [right, y + 0.12]]), "ink", 1.0)
        canvas.text(LEFT - 0.1, y + 0.155, textwrap.shorten(str(row.label), 64, placeholder="…"), across="right",
                    size=7.5)  # fmt: skip
        canvas.text(WIDTH - 0.03, y + 0.155, number(value, "+.2f"), "muted", across="right", size=7.5)
        canvas.tip(0, y, WIDTH, ROW, f"{row.label}: {number(value, '+.2f')} ({spread(low, high, '+.2f')})")
    middle = scale.at(0.0, 0.0)[0, 0]
    canvas.text(middle - 0.1, TOP - 0.12, "← down", "muted", across="right")
    canvas.text(middle + 0.1, TOP - 0.12, "up →", "muted")
    canvas.text(WIDTH - 0.03, TOP - 0.12, f"sum {number(total, '+.2f')}", across="right", bold=True)
    return canvas.figure()
