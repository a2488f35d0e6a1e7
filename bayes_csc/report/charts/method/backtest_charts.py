"""Charts of a backtest: differences with intervals, reliability diagrams, and what a share of flags would catch."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bayes_csc.evaluation.backtest.scoring.reliability import Reliability
from bayes_csc.report.drawing.style import WIDTH, colour, new_figure

ROW = 0.26
"""Height of a forecaster's row, inches."""
PANEL = 2.2
COLUMNS = 4
LABELS = 1.75
"""Width of the names of forecasters, inches."""


def difference_chart(tables: Mapping[str, pd.DataFrame], better: Mapping[str, bool]) -> Figure:
    """Draw each score's difference from the baseline as a dot and an interval, a column per score.

    Parameters
    ----------
    tables
        By title of the score: rows of `score_table`, indexed by forecaster.
    better
        By title: whether higher is better.
    """
    names = list(next(iter(tables.values())).index)
    height = ROW * len(names) + 0.75
    figure = new_figure(height)
    place = np.arange(len(names))[::-1]
    for i, (title, rows) in enumerate(tables.items()):
        axes = figure.add_subplot(1, len(tables), i + 1)
        d, low, high = (rows[c].to_numpy(float) for c in ("difference", "difference_lower", "difference_upper"))
        axes.axvline(0.0, color=colour("muted"), lw=0.8)
        axes.hlines(place, low, high, color=colour("line"), lw=1.4)
        axes.plot(d, place, "o", color=colour("line"), ms=4)
        axes.set_yticks(place, [textwrap.shorten(n, 26, placeholder="…") for n in names] if i == 0 else [])
        axes.set_ylim(-0.7, len(names) - 0.3)
        axes.set_title(title)
        axes.set_xlabel("better →" if better[title] else "← better")
        axes.grid(axis="x")
        axes.set_axisbelow(True)
        axes.margins(x=0.08)
    figure.subplots_adjust(
        left=LABELS / WIDTH, right=1 - 0.15 / WIDTH, top=1 - 0.3 / height, bottom=0.45 / height, wspace=0.16
    )
    return figure


def reliability_chart(found: Mapping[str, Reliability]) -> Figure:
    """Draw the reliability diagram of each forecaster: the curve, its consistency band, and how the forecasts lie.

    Parameters
    ----------
    found
        By forecaster.
    """
    rows = -(-len(found) // COLUMNS)
    height = PANEL * rows + 0.15
    figure = new_figure(height)
    highest = max(float(np.max([r.curve["forecast"].max(), r.curve["recalibrated"].max()])) for r in found.values())
    limit = min(1.0, 0.1 * np.ceil(10 * highest + 0.5))
    for place, (name, diagram) in enumerate(found.items()):
        axes = figure.add_subplot(rows, COLUMNS, place + 1)
        x = diagram.curve["forecast"].to_numpy()
        axes.fill_between(x, diagram.curve["lower"], diagram.curve["upper"], color=colour("band"), lw=0, step=None)
        axes.plot([0, limit], [0, limit], color=colour("muted"), lw=0.8)
        axes.plot(x, diagram.curve["recalibrated"], color=colour("line"), lw=1.4, marker="o", ms=2)
        share = diagram.curve["events"] / diagram.curve["events"].max()
        axes.vlines(x, 0, 0.08 * limit * share, color=colour("muted"), lw=0.6)
        axes.set_xlim(0, limit)
        axes.set_ylim(0, limit)
        axes.set_title(textwrap.shorten(name, 30, placeholder="…"))
        if place % COLUMNS == 0:
            axes.set_ylabel("frequency of worse")
        if place >= len(found) - COLUMNS:
            axes.set_xlabel("forecast")
    figure.subplots_adjust(
        left=0.5 / WIDTH, right=1 - 0.15 / WIDTH, top=1 - 0.25 / height, bottom=0.4 / height, wspace=0.28, hspace=0.5
    )
    return figure


def flag_chart(rates: Sequence[float], caught: pd.DataFrame) -> Figure:
    """Draw the share of the events caught by flagging a share of the authorities, a row per forecaster.

    Parameters
    ----------
    rates
        Shares flagged, the columns of `caught`.
    caught
        Sensitivity by forecaster and rate, with `lower` and `upper` in a second level of the columns.
    """
    height = ROW * len(caught) + 0.75
    figure = new_figure(height)
    place = np.arange(len(caught))[::-1]
    for i, rate in enumerate(rates):
        axes = figure.add_subplot(1, len(rates), i + 1)
        own = caught[rate]
        axes.axvline(rate, color=colour("muted"), lw=0.8)
        axes.hlines(place, own["lower"], own["upper"], color=colour("line"), lw=1.4)
        axes.plot(own["value"], place, "o", color=colour("line"), ms=4)
        axes.set_yticks(place, [textwrap.shorten(n, 26, placeholder="…") for n in caught.index] if i == 0 else [])
        axes.set_ylim(-0.7, len(caught) - 0.3)
        axes.set_xlim(0, 1)
        axes.set_title(f"{rate:.0%} flagged")
        axes.set_xlabel("share caught (line: by chance)")
        axes.grid(axis="x")
        axes.set_axisbelow(True)
    figure.subplots_adjust(
        left=LABELS / WIDTH, right=1 - 0.15 / WIDTH, top=1 - 0.3 / height, bottom=0.45 / height, wspace=0.16
    )
    return figure
