"""Every indicator of an authority as a small multiple: its figures, what is expected, the nation and its neighbours."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bayes_csc.panel.describe.display_unit import DisplayUnit
from bayes_csc.report.drawing.canvas import Canvas, Scale, tick_label, ticks_of
from bayes_csc.report.drawing.style import WIDTH

COLUMNS, ROW, GAP, TITLE, TOP = 4, 1.62, 0.48, 0.34, 0.36
LETTERS = 36
"""Of a line of a title."""
SCALED = ("value", "range_lower", "range_upper", "fitted", "band_lower", "band_upper", "neighbours")
"""What the vertical scale has room for; intervals are cut at its ends."""
COLUMN = (*SCALED, "own_lower", "own_upper", "fitted_lower", "fitted_upper", "national")
LEAST_BAR = 0.035
"""Height of the shortest bar of a suppressed figure, inches: a narrower range could not be seen."""
Series = dict[str, np.ndarray]


def indicator_chart(
    figures: pd.DataFrame, labels: Mapping[str, str], units: Mapping[str, DisplayUnit], years: tuple[int, int]
) -> Figure:
    """Draw indicators of one authority, each on its own vertical scale.

    Parameters
    ----------
    figures
        See `authority_findings.indicator_figures`.
    labels
        Label of each indicator to draw, by key, in order.
    units
        The unit of each.
    years
        First and last year of the horizontal scale.
    """
    rows = -(-len(labels) // COLUMNS)
    height = TOP + ROW * rows
    canvas = Canvas(WIDTH, height)
    width = (WIDTH - GAP * COLUMNS - 0.1) / COLUMNS
    by_key = _series(figures, years)
    for place, (key, label) in enumerate(labels.items()):
        left = GAP + (width + GAP) * (place % COLUMNS)
        top = TOP + ROW * (place // COLUMNS)
        known = by_key.get(key, {name: np.full(years[1] - years[0] + 1, np.nan) for name in COLUMN})
        _panel(canvas, known, label, units[key], (left, top, width, ROW - TITLE - 0.3), years)
    _legend(canvas, bool(figures["fitted"].notna().any()))
    return canvas.figure()


def _series(figures: pd.DataFrame, years: tuple[int, int]) -> dict[str, Series]:
    """Figures of each indicator as arrays over all years, NaN where there is none."""
    at, values = figures["year"].to_numpy() - years[0], figures[list(COLUMN)].to_numpy(dtype=float)
    out = {}
    for key, rows in figures.groupby("indicator", sort=False).indices.items():
        whole = np.full((years[1] - years[0] + 1, len(COLUMN)), np.nan)
        whole[at[rows]] = values[rows]
        out[str(key)] = dict(zip(COLUMN, whole.T, strict=True))
    return out


def _panel(
    canvas: Canvas, known: Series, label: str, unit: DisplayUnit, box: tuple[float, float, float, float],
    years: tuple[int, int],
) -> None:  # fmt: skip
    left, top, width, height = box
    _title(canvas, left, top, label, unit.name)
    values = np.stack([known[name] for name in SCALED]) * unit.factor
    if np.isnan(values).all():
        canvas.text(left, top + TITLE + 0.2, "no figure", "muted", size=7)
        return
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    room = max(0.07 * (high - low), 0.03 * max(abs(low), abs(high)), 1e-9)
    limits = (max(low - room, 0.0) if low >= 0 else low - room, high + room)
    scale = Scale(left, top + TITLE, width, height, (years[0] - 0.5, years[1] + 0.5), limits)
    ticks = ticks_of(*limits)
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 1.0
    canvas.grid(scale, ticks, [tick_label(t, step) for t in ticks])
    for year, across in ((years[0], "left"), (years[1], "right")):
        point = scale.at(year, limits[0])[0]
        canvas.text(point[0], top + TITLE + height + 0.13, f"{year}", "muted", across=across, size=6.5)
    x = np.arange(years[0], years[1] + 1, dtype=float)

    def line(name: str) -> np.ndarray:
        return scale.at(x, known[name] * unit.factor)

    canvas.ribbon(line("band_lower"), line("band_upper"), "rule")
    canvas.ribbon(line("fitted_lower"), line("fitted_upper"), "band")
    canvas.line(line("neighbours"), "region", 0.9, "dashed")
    canvas.line(line("fitted"), "inner", 1.2)
    lower, upper = (
        np.column_stack([end[:, 0], np.clip(end[:, 1], scale.top, scale.top + height)])
        for end in (line("own_lower"), line("own_upper"))
    )
    canvas.segments(lower, upper, "ink", 0.7)
    least, most = line("range_lower"), line("range_upper")
    short = np.maximum(LEAST_BAR - (least - most)[:, 1:], 0.0) / 2.0 * np.array([0.0, 1.0])  # across, down
    canvas.segments(least + short, most - short, "accent", 2.2)
    canvas.dots(line("value"), "ink", 2.6)
    canvas.tip(left, top, width, ROW - 0.15, _last(known, label, unit, years[0]))


def _title(canvas: Canvas, left: float, top: float, label: str, unit: str) -> None:
    end = f", {unit}" if unit else ""
    lines = textwrap.wrap(f"{label}{end}", LETTERS)
    if len(lines) > 2:
        lines = [lines[0], textwrap.shorten(" ".join(lines[1:]), LETTERS - len(end) - 1, placeholder="…") + end]
    for place, text in enumerate(lines):
        canvas.text(left - GAP + 0.12, top + 0.13 + 0.13 * place, text, size=7)


def _last(known: Series, label: str, unit: DisplayUnit, first: int) -> str:
    """Say the latest figure and what it stands beside."""
    seen = np.flatnonzero(~np.isnan(known["value"]) | ~np.isnan(known["range_upper"]))
    if not seen.size:
        return f"{label}: no figure"
    row = {name: float(values[seen[-1]]) for name, values in known.items()}
    hidden = f"suppressed, {unit.range_text(row['range_lower'], row['range_upper'])} {unit.name}".strip()
    figure = hidden if row["value"] != row["value"] else unit.full_text(row["value"])
    beside = [
        f"{name} {unit.full_text(row[column])}"
        for name, column in (("expected", "fitted"), ("national", "national"), ("neighbours", "neighbours"))
        if row[column] == row[column]
    ]
    return f"{label}, {first + seen[-1]}: {'; '.join([figure, *beside])}"


def _legend(canvas: Canvas, fitted: bool) -> None:
    y, x = 0.2, 0.12
    entries: Sequence[tuple[str, str, str]] = (
        ("ink", "dot", "observed, with its own interval"), ("accent", "bar", "suppressed: a range"),
        *((("inner", "line", "expected"), ("band", "fill", "its interval")) if fitted else ()),
        ("rule", "fill", "middle 80% of authorities"), ("region", "dashed", "neighbours' median"),
    )  # fmt: skip
    for role, kind, words in entries:
        if kind == "fill":
            canvas.polygon(np.array([[x, y - 0.1], [x + 0.2, y - 0.1], [x + 0.2, y], [x, y]]), role)
        elif kind == "dot":
            canvas.dots(np.array([[x + 0.1, y - 0.05]]), role, 3.2)
            canvas.line(np.array([[x + 0.1, y - 0.13], [x + 0.1, y + 0.03]]), role, 0.7)
        elif kind == "bar":
            canvas.line(np.array([[x + 0.1, y - 0.12], [x + 0.1, y + 0.02]]), role, 2.2)
        else:
            canvas.line(np.array([[x, y - 0.05], [x + 0.2, y - 0.05]]), role, 1.2, "solid" if kind == "line" else kind)
        canvas.text(x + 0.26, y, words, "muted", size=7.2)
        x += 0.26 + 0.056 * len(words) + 0.18
