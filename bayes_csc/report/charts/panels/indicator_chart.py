"""Every indicator of an authority as a small chart: its figures, what is expected, the nation and its neighbours."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from bayes_csc.panel.describe.display_unit import DisplayUnit
from bayes_csc.report.charts.panels.panel import HEIGHT, TOP, clipped, named, panel
from bayes_csc.report.drawing.canvas import Canvas, lines_of
from bayes_csc.report.drawing.layout import Key
from bayes_csc.report.drawing.style import PANEL

SCALED = ("value", "range_lower", "range_upper", "fitted", "band_lower", "band_upper", "neighbours")
"""What the vertical scale has room for; intervals are cut at its ends."""
COLUMN = (*SCALED, "own_lower", "own_upper", "fitted_lower", "fitted_upper", "national")
LEAST_BAR = 0.035
"""Height of the shortest bar of a suppressed figure, inches: a narrower range could not be seen."""
Series = dict[str, np.ndarray]


def indicator_panels(
    figures: pd.DataFrame, labels: Mapping[str, str], units: Mapping[str, DisplayUnit], years: tuple[int, int],
    better: Mapping[str, str],
) -> list[Canvas]:  # fmt: skip
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
    better
        Which direction is better, in words, by key (`better_words`).
    """
    by_key = _series(figures, years)
    blank = {name: np.full(years[1] - years[0] + 1, np.nan) for name in COLUMN}
    return [_panel(by_key.get(key, blank), label, units[key], years, better.get(key, ""))
            for key, label in labels.items()]  # fmt: skip


def indicator_keys(figures: pd.DataFrame) -> list[Key]:
    """Legend of the charts."""
    fitted = bool(figures["fitted"].notna().any())
    return [
        Key("ink", "dot", "observed; line: the interval that its count leaves"),
        Key("accent", "bar", "suppressed: a range"),
        *([Key("inner", "solid", "expected by the model"), Key("band", "fill", "its interval")] if fitted else []),
        Key("rule", "fill", "middle 80% of authorities"), Key("region", "dashed", "median of its neighbours"),
    ]  # fmt: skip


def _series(figures: pd.DataFrame, years: tuple[int, int]) -> dict[str, Series]:
    """Figures of each indicator as arrays over all years, NaN where there is none."""
    at, values = figures["year"].to_numpy() - years[0], figures[list(COLUMN)].to_numpy(dtype=float)
    out = {}
    for key, rows in figures.groupby("indicator", sort=False).indices.items():
        whole = np.full((years[1] - years[0] + 1, len(COLUMN)), np.nan)
        whole[at[rows]] = values[rows]
        out[str(key)] = dict(zip(COLUMN, whole.T, strict=True))
    return out


def _panel(known: Series, label: str, unit: DisplayUnit, years: tuple[int, int], better: str) -> Canvas:
    below = "; ".join(filter(None, [unit.name, better]))
    values = np.stack([known[name] for name in SCALED]) * unit.factor
    if np.isnan(values).all():
        canvas = named(label, below)
        canvas.text(0.03, TOP + 0.2, "no figure", "muted")
        return canvas
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    room = max(0.07 * (high - low), 0.03 * max(abs(low), abs(high)), 1e-9)
    canvas, scale = panel(label, below, years, (max(low - room, 0.0) if low >= 0 else low - room, high + room))
    x = np.arange(years[0], years[1] + 1, dtype=float)

    def line(name: str) -> np.ndarray:
        return scale.at(x, known[name] * unit.factor)

    canvas.ribbon(line("band_lower"), line("band_upper"), "rule")
    canvas.ribbon(clipped(line("fitted_lower"), scale), clipped(line("fitted_upper"), scale), "band")
    canvas.line(line("neighbours"), "region", 0.9, "dashed")
    canvas.line(line("fitted"), "inner", 1.2)
    canvas.segments(clipped(line("own_lower"), scale), clipped(line("own_upper"), scale), "ink", 0.7)
    least, most = line("range_lower"), line("range_upper")
    short = np.maximum(LEAST_BAR - (least - most)[:, 1:], 0.0) / 2.0 * np.array([0.0, 1.0])  # across, down
    canvas.segments(least + short, most - short, "accent", 2.2)
    canvas.dot(line("value"), "ink", 2.6)
    whole = " ".join(lines_of(label, PANEL - 0.1, 2)) == label
    canvas.tip(0.0, 0.0, PANEL, HEIGHT, _last(known, "" if whole else f"{label}, ", unit, years[0]))
    return canvas


def _last(known: Series, label: str, unit: DisplayUnit, first: int) -> str:
    """Say the latest figure and what it stands beside, after the label where the title has cut it."""
    seen = np.flatnonzero(~np.isnan(known["value"]) | ~np.isnan(known["range_upper"]))
    row = {name: float(values[seen[-1]]) for name, values in known.items()} if seen.size else {}
    if not row:
        return f"{label}no figure"
    hidden = f"suppressed, {unit.full_range(row['range_lower'], row['range_upper'])}"
    figure = hidden if row["value"] != row["value"] else unit.full_text(row["value"])
    beside = [
        f"{name} {unit.full_text(row[column])}"
        for name, column in (("expected", "fitted"), ("national", "national"), ("neighbours", "neighbours"))
        if row[column] == row[column]
    ]
    return f"{label}{first + seen[-1]}: {'; '.join([figure, *beside])}"
