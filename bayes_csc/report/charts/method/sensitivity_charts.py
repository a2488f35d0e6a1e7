"""Charts of a sensitivity analysis: tornado of choices, specification curves, and authorities by variants."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from bayes_csc.evaluation.sensitivity.plan.variant import BASE
from bayes_csc.report.drawing.style import WIDTH, colour, new_figure

ROW = 0.24
"""Height of a row with a name, inches."""
NAMES = 1.9
CURVE, COLUMNS = 1.25, 4
LEVELS = (0.1, 0.25, 0.5, 0.75)
"""Edges of the steps of P(decline) in the heat map."""
GAP = 0.6
"""Between the choices in the heat map, in columns."""


def tornado_chart(choices: pd.DataFrame) -> Figure:
    """Draw how far each choice moves P(decline), averaged over the authorities, and the largest move as a dot.

    Parameters
    ----------
    choices
        Rows of `verdict.choices`.
    """
    height = ROW * len(choices) + 0.7
    figure = new_figure(height)
    axes = figure.add_subplot()
    place = np.arange(len(choices))[::-1]
    axes.barh(place, choices["most"] - choices["least"], left=choices["least"], height=0.62, color=colour("band"), lw=0)
    axes.plot(choices["moved_most"], place, "o", color=colour("line"), ms=3.5)
    axes.axvline(0.0, color=colour("muted"), lw=0.8)
    axes.set_yticks(place, [textwrap.shorten(name, 36, placeholder="…") for name in choices["choice"]])
    axes.set_ylim(-0.7, len(choices) - 0.3)
    axes.set_xlabel("P(decline) less the base's: mean of lowest and highest (bar), largest move of any authority (dot)")
    axes.use_sticky_edges = False
    axes.margins(x=0.03)
    axes.grid(axis="x")
    axes.set_axisbelow(True)
    figure.subplots_adjust(left=2.5 / WIDTH, right=1 - 0.15 / WIDTH, top=1 - 0.1 / height, bottom=0.45 / height)
    return figure


def specification_curves(rows: pd.DataFrame, threshold: float, questions: Collection[str]) -> Figure:
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
    names = rows.drop_duplicates("authority")
    lines = -(-len(names) // COLUMNS)
    height = CURVE * lines + 0.35
    figure = new_figure(height)
    for place, (code, name) in enumerate(zip(names["authority"], names["name"], strict=True)):
        axes = figure.add_subplot(lines, COLUMNS, place + 1)
        own = rows[(rows["authority"] == code) & (rows["gate"] == "passed")].dropna(subset="p_decline")
        own = own.sort_values("p_decline", kind="stable").reset_index(drop=True)
        error = 2.0 * own["p_decline_mcse"].fillna(0.0)
        axes.axhline(threshold, color=colour("muted"), lw=0.8)
        if len(own):
            axes.fill_between(own.index, own["p_decline"] - error, own["p_decline"] + error, color=colour("band"), lw=0)
            axes.plot(own.index, own["p_decline"], color=colour("line"), lw=1.2)
        for chosen, fill in ((own["variant"].isin(list(questions)), "none"), (own["variant"] == BASE, colour("ink"))):
            at = own[chosen]
            axes.plot(at.index, at["p_decline"], "o", ms=3, mfc=fill, mec=colour("ink"), mew=0.7)
        axes.set_ylim(0, 1)
        axes.set_yticks([0, 0.5, 1])
        axes.set_xticks([])
        axes.set_title(textwrap.shorten(name, 34, placeholder="…"))
    figure.subplots_adjust(
        left=0.35 / WIDTH, right=1 - 0.1 / WIDTH, top=1 - 0.25 / height, bottom=0.1 / height, wspace=0.2, hspace=0.35
    )
    return figure


def heat_map(rows: pd.DataFrame, groups: Sequence[tuple[str, Sequence[str]]]) -> Figure:
    """Draw P(decline) of authorities (rows) by variants (columns), in five steps; what failed is crossed.

    Parameters
    ----------
    rows
        Of `Sensitivity.rows`.
    groups
        Choices and the names of their variants, in the order of the columns.
    """
    names = rows.drop_duplicates("authority")
    count = sum(len(variants) for _, variants in groups)
    unit = (WIDTH - NAMES - 0.15) / (count + GAP * (len(groups) - 1))
    height = 0.17 * len(names) + 1.75
    figure = new_figure(height)
    axes = figure.add_subplot()
    table = rows.pivot_table(index="authority", columns="variant", values="p_decline", dropna=False, sort=False)
    table = table.reindex(names["authority"])
    failed = set(rows.loc[rows["gate"] != "passed", "variant"])
    at, ticks = 0.0, []
    for choice, variants in groups:
        for variant in variants:
            _column(figure, at, table[variant], variant in failed)
            at += 1.0
        ticks.append((at - 0.5 * len(variants), choice))
        at += GAP
    axes.set_xlim(0, at - GAP)
    axes.set_ylim(len(names), 0)
    axes.set_yticks(np.arange(len(names)) + 0.5, [textwrap.shorten(n, 28, placeholder="…") for n in names["name"]])
    labels = [textwrap.shorten(choice, 30, placeholder="…") for _, choice in ticks]
    axes.set_xticks([place for place, _ in ticks], labels, rotation=90, fontsize=6 if unit < 0.09 else 7)
    axes.tick_params(length=0)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    figure.subplots_adjust(left=NAMES / WIDTH, right=1 - 0.15 / WIDTH, top=1 - 0.05 / height, bottom=1.7 / height)
    return figure


def _column(figure: Figure, left: float, values: pd.Series, failed: bool) -> None:
    """Draw one variant's column: a rectangle per run of authorities of one step."""
    axes = figure.axes[0]
    p = values.to_numpy(dtype=float)
    step = np.where(np.isnan(p), 0, np.digitize(p, LEVELS) + 1)
    starts = np.flatnonzero(np.diff(step, prepend=-1))
    for first, end in zip(starts, [*starts[1:], step.size], strict=True):
        if step[first]:
            corners = [(left, first), (left + 1, first), (left + 1, end), (left, end)]
            axes.add_collection(PolyCollection([corners], facecolors=colour(f"level_{step[first]}"), linewidths=0))
    if failed:
        axes.plot([left, left + 1], [step.size, 0], color=colour("suppressed"), lw=1.2)
