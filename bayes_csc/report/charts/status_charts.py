"""Maps of what is missing: indicators by year, and authorities by year."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from bayes_csc.panel.cell_checks import STATUSES
from bayes_csc.report.drawing.canvas import Canvas, cut, wide
from bayes_csc.report.drawing.layout import Key, legend, legend_height
from bayes_csc.report.drawing.style import STATUS_WORDS, WIDTH

NO_ROW = "no_row"
TILE_WIDTH, TILE_HEIGHT = 0.9, 0.12
"""Of a tile: its width as a part of a year's, and its height in inches."""
ROW, YEARS = 0.165, 0.2
"""Height of a row, and of the line of years above the rows, inches."""


def coverage_chart(coverage: pd.DataFrame, labels: Mapping[str, str], width: float = WIDTH) -> Canvas:
    """Draw a tile for each indicator and year, divided from left to right by the share of each status.

    Parameters
    ----------
    coverage
        See `bayes_csc.panel.describe.coverage.coverage`.
    labels
        Label of each indicator by key, in the order of the rows.
    width
        Of the drawing, inches; on a narrow one a label stands above its row.
    """
    narrow, keys = width < 6.0, _keys()
    row, left = (0.31, 0.03) if narrow else (0.185, 4.1)
    top = legend_height(keys, width) + YEARS
    canvas = Canvas(width, top + row * len(labels) + 0.05)
    legend(canvas, 0.0, 0.0, keys)
    years = _years(coverage.index.get_level_values("year"))
    step = (width - left - 0.03) / len(years)
    _heads(canvas, years, left, step, top)
    place = {key: i for i, key in enumerate(labels)}
    for i, label in enumerate(labels.values()):
        if narrow:
            canvas.text(left, top + row * i + 0.13, cut(label, width - 0.05))
        else:
            canvas.text(left - 0.1, top + row * (i + 0.5), cut(label, left - 0.15), across="right", up="center")
    for (key, year), counts in zip(coverage.index, coverage.to_dict("records"), strict=True):
        x, y = left + step * (int(year) - years[0]), top + row * (place[str(key)] + 1) - 0.025 - TILE_HEIGHT
        total, at = sum(counts.values()), x
        for status in STATUSES:
            if counts[status]:
                end = at + TILE_WIDTH * step * counts[status] / total
                canvas.box(at, y, end, y + TILE_HEIGHT, status)
                at = end
        if counts[NO_ROW]:
            canvas.box(x, y, x + TILE_WIDTH * step, y + TILE_HEIGHT, "", edge="muted")
    return canvas


def authority_chart(status: pd.DataFrame, names: Mapping[str, str], width: float = WIDTH) -> Canvas:
    """Draw a tile for each authority and year of one indicator, filled by its status.

    Parameters
    ----------
    status
        Rows of `authority` (a code), `year`, `status`, "no_row" among them; see `panel.describe.coverage.statuses`. An
        authority that did not exist has no row there, and no tile.
    names
        Name of each authority by code, in the order of the rows; they run down several columns where there is room.
    width
        Of the drawing, inches.
    """
    columns, left = (1, 1.55) if width < 6.0 else (3, 1.6)
    deep, own, keys = -(-len(names) // columns), width / columns, _keys()
    top = legend_height(keys, width) + YEARS
    canvas = Canvas(width, top + ROW * deep + 0.05)
    legend(canvas, 0.0, 0.0, keys)
    years = _years(status["year"])
    step = (own - left - 0.1) / len(years)
    corner = {code: (own * (i // deep) + left, top + ROW * (i % deep)) for i, code in enumerate(names)}
    for column in range(min(columns, len(names))):
        _heads(canvas, years, own * column + left, step, top)
    for code, (x, y) in corner.items():
        canvas.text(x - 0.06, y + ROW / 2, cut(names[code], left - 0.1), across="right", up="center")
    for row in status.itertuples():
        if (at := corner.get(str(row.authority))) is not None:
            x, y = at[0] + step * (int(str(row.year)) - years[0]), at[1] + (ROW - TILE_HEIGHT) / 2
            known = row.status != NO_ROW
            canvas.box(x, y, x + TILE_WIDTH * step, y + TILE_HEIGHT, str(row.status) if known else "",
                       edge="" if known else "muted")  # fmt: skip
    return canvas


def _years(values: Iterable[int]) -> list[int]:
    known = sorted({int(year) for year in values})
    return list(range(known[0], known[-1] + 1))


def _heads(canvas: Canvas, years: list[int], left: float, step: float, top: float) -> None:
    """Write the years above their tiles, from the last one back, as many as there is room for."""
    every = int(np.ceil((wide("2000") + 0.08) / step))
    for year in years[::-1][::every]:
        x = left + step * (year - years[0] + TILE_WIDTH / 2)
        canvas.text(min(x, canvas.width - wide("2000") / 2), top - 0.06, f"{year}", "muted", across="center")


def _keys() -> list[Key]:
    known = [Key(status, "fill", STATUS_WORDS[status]) for status in STATUSES]
    return [*known, Key("", "fill", f"outlined: {STATUS_WORDS[NO_ROW]}")]
