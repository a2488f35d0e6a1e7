"""Charts of a backtest: differences with intervals, reliability diagrams, and what a share of flags would catch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from bayes_csc.evaluation.backtest.scoring.reliability import Reliability
from bayes_csc.report.charts.panels.panel import HEIGHT, LEFT, RIGHT, TOP, named
from bayes_csc.report.drawing.canvas import Canvas, Scale, cut, tick_labels, ticks_of
from bayes_csc.report.drawing.layout import Key
from bayes_csc.report.drawing.style import PANEL, WIDTH

ROW, HEAD, FOOT = 0.2, 0.28, 0.5
"""Height of a forecaster's row, and of what is above and below the rows, inches."""
RELIABILITY_KEYS = (
    Key("line", "solid", "frequency of worse"), Key("band", "fill", "where it lies if the forecasts are right"),
    Key("muted", "solid", "right on average; below, how the forecasts lie"),
)  # fmt: skip


def difference_chart(tables: Mapping[str, pd.DataFrame], better: Mapping[str, bool], width: float = WIDTH) -> Canvas:
    """Draw each score's difference from the baseline as a dot and an interval, a block per score.

    Parameters
    ----------
    tables
        By title of the score: rows of `score_table`, indexed by forecaster.
    better
        By title: whether higher is better.
    width
        Of the drawing, inches.
    """
    columns = {"difference": "value", "difference_lower": "lower", "difference_upper": "upper"}
    blocks = {title: rows[list(columns)].rename(columns=columns) for title, rows in tables.items()}
    axes = {title: "difference; better →" if better[title] else "← better; difference" for title in tables}
    return _blocks(blocks, dict.fromkeys(blocks, 0.0), axes, None, width)


def flag_chart(rates: Sequence[float], caught: pd.DataFrame, width: float = WIDTH) -> Canvas:
    """Draw the share of the events caught by flagging a share of the authorities, a row per forecaster.

    Parameters
    ----------
    rates
        Shares flagged, the columns of `caught`.
    caught
        Sensitivity by forecaster and rate, with `lower` and `upper` in a second level of the columns.
    width
        Of the drawing, inches.
    """
    titles = {f"{rate:.0%} flagged": rate for rate in rates}
    blocks = {title: pd.DataFrame(caught[rate]) for title, rate in titles.items()}
    axes = dict.fromkeys(blocks, "share caught (line: by chance)")
    return _blocks(blocks, titles, axes, (0.0, 1.0), width)


def _blocks(
    blocks: Mapping[str, pd.DataFrame], marks: Mapping[str, float], axes: Mapping[str, str],
    limits: tuple[float, float] | None, width: float,
) -> Canvas:  # fmt: skip
    """Draw dots with intervals by name, a block per title: side by side, or below each other where it is narrow."""
    names = [str(name) for name in next(iter(blocks.values())).index]
    narrow, left = width < 6.0, 1.75
    height = HEAD + ROW * len(names) + FOOT
    own = width - left if narrow else (width - left) / len(blocks)
    canvas = Canvas(width, height * (len(blocks) if narrow else 1))
    for place, (title, rows) in enumerate(blocks.items()):
        top, start = (height * place, left) if narrow else (0.0, left + own * place)
        values = rows[["value", "lower", "upper"]].to_numpy(dtype=float)
        mark = marks[title]
        known = np.append(values[~np.isnan(values)], mark)
        low, high = limits or (float(known.min()), float(known.max()))
        room = 0.0 if limits else max(0.05 * (high - low), 1e-3)
        scale = Scale(
            start, top + HEAD, own - (0.2 if narrow else 0.4), ROW * len(names), (low - room, high + room), (0.0, 1.0)
        )
        canvas.text(start, top + 0.15, title, bold=True)
        ticks = ticks_of(*scale.x)
        canvas.columns(scale, ticks, tick_labels(ticks))
        x = scale.at(mark, 0.0)[0, 0]
        canvas.line(np.array([[x, scale.top], [x, scale.bottom]]), "muted", 0.9)
        canvas.text(start, scale.bottom + 0.34, axes[title], "muted")
        for i, (name, (value, lower, upper)) in enumerate(zip(names, values, strict=True)):
            y = scale.top + ROW * (i + 0.5)
            if narrow or not place:
                canvas.text(left - 0.08, y, cut(name, left - 0.1), across="right", up="center")
            at = scale.at(np.array([value, lower, upper]), 0.0)[:, 0]
            canvas.line(np.array([[at[1], y], [at[2], y]]), "line", 1.4)
            canvas.dot(np.array([[at[0], y]]), "line", 4.0)
    return canvas


def reliability_panels(found: Mapping[str, Reliability]) -> list[Canvas]:
    """Draw the reliability diagram of each forecaster: the curve, its consistency band, and how the forecasts lie.

    Parameters
    ----------
    found
        By forecaster.
    """
    highest = max(float(np.max([r.curve["forecast"].max(), r.curve["recalibrated"].max()])) for r in found.values())
    limit = float(min(1.0, 0.1 * np.ceil(10 * highest + 0.5)))
    drawn = []
    for name, diagram in found.items():
        canvas = named(name, "frequency by forecast")
        scale = Scale(LEFT, TOP, PANEL - LEFT - RIGHT, HEIGHT - TOP - 0.24, (0.0, limit), (0.0, limit))
        ticks = ticks_of(0.0, limit, wanted=2)
        canvas.grid(scale, ticks, tick_labels(ticks))
        canvas.columns(scale, ticks, tick_labels(ticks))
        curve, x = diagram.curve, diagram.curve["forecast"].to_numpy()
        canvas.ribbon(scale.at(x, curve["lower"]), scale.at(x, np.minimum(curve["upper"], limit)), "band")
        canvas.line(scale.at(np.array([0.0, limit]), np.array([0.0, limit])), "muted", 0.8)
        share = 0.1 * limit * curve["events"] / curve["events"].max()
        canvas.segments(scale.at(x, 0.0), scale.at(x, share), "muted", 0.6)
        canvas.line(scale.at(x, curve["recalibrated"]), "line", 1.4)
        canvas.dot(scale.at(x, curve["recalibrated"]), "line", 2.0)
        drawn.append(canvas)
    return drawn
