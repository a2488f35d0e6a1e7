"""What an estimated change is made up of: a bar for each indicator, judgement and the rest."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bayes_csc.report.drawing.canvas import Canvas, Scale, cut, tick_labels, ticks_of
from bayes_csc.report.drawing.style import WIDTH
from bayes_csc.report.findings.words.vocabulary import number, spread

TOP, BOTTOM, RIGHT = 0.35, 0.28, 0.5


def contribution_chart(parts: pd.DataFrame, total: float, width: float = WIDTH) -> Canvas:
    """Draw contributions as bars from zero, with intervals over draws.

    Parameters
    ----------
    parts
        `label`, `contribution`, `lower`, `upper`, in the order of the rows.
    total
        Their sum.
    width
        Of the drawing, inches; on a narrow one a name stands above its bar.
    """
    narrow = width < 6.0
    row, left = (0.36, 0.15) if narrow else (0.24, 3.75)
    canvas = Canvas(width, TOP + row * len(parts) + BOTTOM)
    ends = parts[["contribution", "lower", "upper"]].to_numpy(dtype=float)
    reach = 1.05 * max(float(np.nanmax(np.abs(ends))), 0.05)
    scale = Scale(left, TOP, width - left - RIGHT, row * len(parts), (-reach, reach), (0.0, float(len(parts))))
    ticks = ticks_of(-reach, reach, wanted=3 if narrow else 5)
    canvas.columns(scale, ticks, tick_labels(ticks))
    middle = float(scale.at(0.0, 0.0)[0, 0])
    canvas.mark(scale, 0.0, len(parts))
    for place, each in enumerate(parts.itertuples()):
        value, low, high = (float(str(v)) for v in (each.contribution, each.lower, each.upper))
        y = TOP + row * (place + 1) - 0.12
        zero, end, first, last = scale.at(np.array([0.0, value, low, high]), 0.0)[:, 0]
        canvas.box(zero, y - 0.07, end, y + 0.07, "inner" if value >= 0 else "region")
        canvas.line(np.array([[first, y], [last, y]]), "ink", 1.0)
        if narrow:
            canvas.text(0.02, y - 0.12, cut(str(each.label), width - 0.05))
        else:
            canvas.text(left - 0.1, y, cut(str(each.label), left - 0.15), across="right", up="center")
        canvas.text(width - 0.03, y, number(value, "+.2f"), "muted", across="right", up="center")
        canvas.tip(0, TOP + row * place, width, row,
                   f"{each.label}: {number(value, '+.2f')} ({spread(low, high, '+.2f')})")  # fmt: skip
    canvas.text(middle - 0.08, 0.15, "← down (worse)", "muted", across="right")
    canvas.text(middle + 0.08, 0.15, "up (better) →", "muted")
    canvas.text(width - 0.03, 0.31, f"sum {number(total, '+.2f')}", across="right", bold=True)
    return canvas
