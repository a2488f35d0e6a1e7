"""Maps of what is missing: indicators by year, and authorities by year."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path

from bayes_csc.panel.cell_checks import STATUSES
from bayes_csc.report.drawing.style import STATUS_WORDS, WIDTH, colour, new_figure

ROW, MARGIN = 0.24, 0.75
"""Height of a row of the map of indicators, and of what is above it, inches."""
AUTHORITY_ROW, COLUMNS = 0.145, 3
TILE_WIDTH, TILE_HEIGHT = 0.9, 0.74
NO_ROW = "no_row"
EDGE = {"edgecolor": colour("muted"), "lw": 0.4}


def coverage_chart(coverage: pd.DataFrame, labels: Mapping[str, str]) -> Figure:
    """Draw a tile for each indicator and year, divided from left to right by the share of each status.

    Parameters
    ----------
    coverage
        See `bayes_csc.panel.describe.coverage.coverage`.
    labels
        Label of each indicator by key, in the order of the rows.
    """
    years = _years(coverage.index.get_level_values("year"))
    figure = new_figure(MARGIN + ROW * len(labels))
    axes = _map_axes(figure, years, list(labels.values()), most=60)
    row = {key: place for place, key in enumerate(labels)}
    y = coverage.index.get_level_values("indicator").map(row).to_numpy(float)
    x = coverage.index.get_level_values("year").to_numpy(float) - TILE_WIDTH / 2
    total = coverage.sum(axis=1).to_numpy(float)
    start = np.zeros(len(coverage))
    for status in STATUSES:
        part = TILE_WIDTH * coverage[status].to_numpy(float) / total
        _tiles(axes, x + start, y, part, status)
        start = start + part
    _tiles(axes, x, y, np.full(len(x), TILE_WIDTH), NO_ROW, edge=True)
    _legend(figure)
    _place(figure, left=3.75, height=MARGIN + ROW * len(labels))
    return figure


def authority_chart(status: pd.DataFrame, names: Mapping[str, str]) -> Figure:
    """Draw a tile for each authority and year of one indicator, filled by its status.

    Parameters
    ----------
    status
        Rows of `authority` (a code), `year`, `status`, "no_row" among them; see `panel.describe.coverage.statuses`. An
        authority that did not exist has no row there, and no tile.
    names
        Name of each authority by code, in the order of the rows; they run down several columns.
    """
    years = _years(status["year"])
    codes = list(names)
    deep = -(-len(codes) // COLUMNS)
    height = MARGIN + AUTHORITY_ROW * max(deep, 4)
    figure = new_figure(height)
    for column in range(COLUMNS):
        here = codes[column * deep : (column + 1) * deep]
        if not here:
            continue
        axes = _map_axes(figure, years, [names[code] for code in here], place=column, size=6, rows=deep)
        row = {code: place for place, code in enumerate(here)}
        mine = status[status["authority"].isin(here)]
        x = mine["year"].to_numpy(float) - TILE_WIDTH / 2
        y = mine["authority"].map(row).to_numpy(float)
        for kind in (*STATUSES, NO_ROW):
            _tiles(axes, x, y, np.where(mine["status"] == kind, TILE_WIDTH, 0.0), kind, edge=True)
    _legend(figure)
    _place(figure, left=1.75, height=height, gap=1.75)
    return figure


def _years(values: Iterable[int]) -> list[int]:
    known = sorted({int(year) for year in values})
    return list(range(known[0], known[-1] + 1))


def _map_axes(
    figure: Figure,
    years: Sequence[int],
    labels: Sequence[str],
    *,
    place: int | None = None,
    size: float = 8,
    rows: int = 0,
    most: int = 48,
) -> Axes:
    axes = figure.add_subplot() if place is None else figure.add_subplot(1, COLUMNS, place + 1)
    axes.set(xlim=(years[0] - 0.5, years[-1] + 0.5), ylim=(max(rows, len(labels)) - 0.5, -0.5))
    step = 1 if place is None else max(1, -(-len(years) // 4))
    ticks = [year for year in years if (year - years[-1]) % step == 0]
    axes.set_xticks(ticks, [f"{year}" if place is None else f"’{year % 100:02}" for year in ticks])
    axes.set_yticks(range(len(labels)), [_short(label, most) for label in labels], fontsize=size)
    axes.tick_params(length=0)
    axes.tick_params(axis="y", labelcolor=colour("ink"))
    axes.xaxis.tick_top()
    for spine in axes.spines.values():
        spine.set_visible(False)
    return axes


def _short(label: str, most: int) -> str:
    return label if len(label) <= most else label[: most - 1].rstrip() + "…"


def _tiles(axes: Axes, x: np.ndarray, y: np.ndarray, width: np.ndarray, status: str, *, edge: bool = False) -> None:
    path = _boxes(x, y, width)
    if path is not None:
        axes.add_patch(PathPatch(path, **_fill(status) | (EDGE if edge else {"lw": 0})))


def _fill(status: str) -> dict[str, Any]:
    return {"facecolor": "none" if status == NO_ROW else colour(status), "edgecolor": "none"}


def _boxes(x: np.ndarray, y: np.ndarray, width: np.ndarray) -> Path | None:
    wide = width > 0
    if not wide.any():
        return None
    left, right = x[wide], (x + width)[wide]
    top, bottom = y[wide] - TILE_HEIGHT / 2, y[wide] + TILE_HEIGHT / 2
    corners = np.stack([left, top, right, top, right, bottom, left, bottom, left, top], axis=1).reshape(-1, 2)
    codes = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY] * int(wide.sum())
    return Path(corners, codes)


def _legend(figure: Figure) -> None:
    keys = [Patch(**_fill(status) | EDGE, label=STATUS_WORDS[status]) for status in (*STATUSES, NO_ROW)]
    figure.legend(handles=keys, loc="upper left", ncols=len(keys), frameon=False, handlelength=1.4, borderaxespad=0.2)


def _place(figure: Figure, *, left: float, height: float, gap: float = 0.0) -> None:
    wide = (WIDTH - left - 0.1 - gap * (COLUMNS - 1)) / COLUMNS if gap else WIDTH - left - 0.1
    figure.subplots_adjust(
        left=left / WIDTH, right=1 - 0.1 / WIDTH, top=1 - 0.56 / height, bottom=0.04 / height,
        wspace=gap / wide,
    )  # fmt: skip
