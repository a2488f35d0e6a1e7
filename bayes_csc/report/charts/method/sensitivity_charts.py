"""Charts of a sensitivity analysis: tornado of choices, specification curves, and authorities by variants."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from bayes_csc.evaluation.sensitivity.plan.variant import BASE
from bayes_csc.report.charts.panels.panel import LEFT, LINE, RIGHT
from bayes_csc.report.drawing.canvas import Canvas, Scale, cut, lines_of, tick_labels, ticks_of
from bayes_csc.report.drawing.layout import Key, legend, legend_height
from bayes_csc.report.drawing.style import PANEL, WIDTH
from bayes_csc.report.findings.words.vocabulary import spread

CURVE = 0.85
"""Height of the plot of a specification curve, inches."""
LEVELS = (0.1, 0.25, 0.5, 0.75)
"""Edges of the steps of P(decline) in the heat map."""
GAP = 0.6
"""Between the choices in the heat map, in columns."""
CURVE_KEYS = (
    Key("ink", "dot", "this report"), Key("ink", "ring", "asks another question"),
    Key("line", "solid", "the variants, lowest first"), Key("band", "fill", "two Monte Carlo standard errors"),
    Key("muted", "solid", "threshold"),
)  # fmt: skip


def tornado_chart(choices: pd.DataFrame, width: float = WIDTH) -> Canvas:
    """Draw how far each choice moves P(decline), averaged over the authorities, and the largest move as a dot.

    Parameters
    ----------
    choices
        Rows of `verdict.choices`.
    width
        Of the drawing, inches; on a narrow one a name stands above its bar.
    """
    row, left = (0.36, 0.1) if width < 6.0 else (0.22, 2.9)
    keys = [Key("band", "fill", "mean of lowest and of highest"), Key("line", "dot", "largest move of any authority")]
    canvas = Canvas(width, 0.05 + row * len(choices) + 0.5 + legend_height(keys, width - left))
    low = min(0.0, float(choices["least"].min()))
    high = max(float(choices["moved_most"].max()), float(choices["most"].max()), 0.01)
    scale = Scale(left, 0.05, width - left - 0.2, row * len(choices), (1.03 * low, 1.03 * high), (0.0, 1.0))
    ticks = ticks_of(*scale.x, wanted=4)
    canvas.columns(scale, ticks, tick_labels(ticks))
    for place, each in enumerate(choices.to_dict("records")):
        y = scale.top + row * (place + 1) - 0.11
        least, most, moved = scale.at(np.array([each["least"], each["most"], each["moved_most"]], float), 0.0)[:, 0]
        if canvas.narrow:
            canvas.text(0.02, y - 0.11, cut(str(each["choice"]), width - 0.05))
        else:
            canvas.text(left - 0.1, y, cut(str(each["choice"]), left - 0.15), across="right", up="center")
        canvas.box(least, y - 0.07, most, y + 0.07, "band")
        canvas.dot(np.array([[moved, y]]), "line", 4.0)
    canvas.mark(scale, 0.0, len(choices))
    canvas.text(left, scale.bottom + 0.36, "P(decline) less this report's", "muted")
    legend(canvas, left, canvas.height - legend_height(keys, width - left), keys)
    return canvas


def specification_panels(rows: pd.DataFrame, threshold: float, questions: Collection[str]) -> list[Canvas]:
    """Draw P(decline) of every variant that passed, lowest first, a small chart per authority.

    Parameters
    ----------
    rows
        Of `Sensitivity.rows`.
    threshold
        Of the rule, a line across.
    questions
        Variants that ask another question, which have hollow dots.
    """
    drawn = []
    for _, theirs in rows.groupby("authority", sort=False):
        own = theirs[theirs["gate"] == "passed"].dropna(subset="p_decline")
        own = own.sort_values("p_decline", kind="stable").reset_index(drop=True)
        titles = lines_of(str(theirs["name"].iloc[0]), PANEL - 0.1, 2)
        top = 0.1 + LINE * len(titles)
        canvas = Canvas(PANEL, 0.1 + 2 * LINE + CURVE + 0.1)
        for place, words in enumerate(titles):
            canvas.text(0.03, 0.13 + LINE * place, words)
        scale = Scale(LEFT, top, PANEL - LEFT - RIGHT, CURVE, (-0.5, max(len(own), 2) - 0.5), (0.0, 1.0))
        canvas.grid(scale, [0.0, 0.5, 1.0], tick_labels([0.0, 0.5, 1.0]))
        canvas.line(scale.at(np.array(scale.x), threshold), "muted", 0.8)
        error = 2.0 * own["p_decline_mcse"].fillna(0.0)
        x, p = own.index.to_numpy(float), own["p_decline"]
        canvas.ribbon(scale.at(x, (p - error).clip(lower=0)), scale.at(x, (p + error).clip(upper=1)), "band")
        canvas.line(scale.at(x, p), "line", 1.2)
        points = scale.at(x, p)
        canvas.dot(points[own["variant"].isin(list(questions)).to_numpy()], "ink", 3.0, "ring")
        canvas.dot(points[(own["variant"] == BASE).to_numpy()], "ink", 3.6)
        drawn.append(canvas)
    return drawn


def heat_map(rows: pd.DataFrame, groups: Sequence[tuple[str, Sequence[str]]], width: float = WIDTH) -> Canvas:
    """Draw P(decline) of authorities (rows) by variants (columns), in five steps; what failed is crossed.

    Parameters
    ----------
    rows
        Of `Sensitivity.rows`.
    groups
        Choices and the names of their variants, in the order of the columns.
    width
        Of the drawing, inches; on a narrow one the choices are numbered.
    """
    names = rows.drop_duplicates("authority")
    narrow, row, left = width < 6.0, 0.165, 1.3 if width < 6.0 else 1.9
    classes = enumerate(pairwise((0.0, *LEVELS, 1.0)), 1)
    keys = [Key(f"step{i}", "fill", spread(low, high)) for i, (low, high) in classes]
    keys.append(Key("suppressed", "solid", "failed its checks"))
    top = legend_height(keys, width) + (0.36 if narrow else 0.2)
    count = sum(len(variants) for _, variants in groups)
    unit = (width - left - 0.05) / (count + GAP * (len(groups) - 1))
    listed = lines_of(
        "Columns: " + "; ".join(f"{i} {choice}" for i, (choice, _) in enumerate(groups, 1)), width - 0.05, 99
    )
    foot = 0.1 + 0.17 * len(listed) if narrow else 1.75
    canvas = Canvas(width, top + row * len(names) + foot)
    canvas.text(0.02, 0.13, "P(decline)", bold=True)
    legend(canvas, 0.75 if not narrow else 0.0, 0.0 if not narrow else 0.17, keys)
    for place, name in enumerate(names["name"]):
        canvas.text(left - 0.08, top + row * (place + 0.5), cut(str(name), left - 0.1), across="right", up="center")
    table = rows.pivot_table(index="authority", columns="variant", values="p_decline", dropna=False, sort=False)
    table = table.reindex(names["authority"])
    failed = set(rows.loc[rows["gate"] != "passed", "variant"])
    bottom, x, written = top + row * len(names), left, -1.0
    for place, (choice, variants) in enumerate(groups, 1):
        middle = x + unit * len(variants) / 2
        for variant in variants:
            _column(canvas, (x, top, unit, row), table[variant].to_numpy(dtype=float))
            if variant in failed:
                canvas.line(np.array([[x, bottom], [x + unit, top]]), "suppressed", 1.2)
            x += unit
        x += GAP * unit
        if middle - written < 0.14:
            continue
        written = middle
        if narrow:
            canvas.text(middle, top - 0.04, f"{place}", "muted", across="center")
        else:
            canvas.text(middle + 0.04, bottom + 0.08, cut(choice, foot - 0.1), "muted", across="right", turned=True)
    for place, words in enumerate(listed if narrow else ()):
        canvas.text(0.02, bottom + 0.2 + 0.17 * place, words, "muted")
    return canvas


def _column(canvas: Canvas, at: tuple[float, float, float, float], p: np.ndarray) -> None:
    """Draw one variant's column: a rectangle per run of authorities of one step."""
    left, top, width, height = at
    step = np.where(np.isnan(p), 0, np.digitize(p, LEVELS) + 1)
    starts = np.flatnonzero(np.diff(step, prepend=-1))
    for first, end in zip(starts, [*starts[1:], step.size], strict=True):
        if step[first]:
            canvas.box(left, top + height * first, left + width, top + height * end, f"step{step[first]}")
