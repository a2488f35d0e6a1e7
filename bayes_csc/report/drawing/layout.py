"""What charts have in common: legends that break into lines, panels side by side, and the frame of a single picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from bayes_csc.report.drawing.canvas import SIZE, Canvas, lines_of, wide
from bayes_csc.report.drawing.style import PANEL

LINE = 0.18
"""Height of a line of text, inches."""
KEY, GAP = 0.25, 0.2
"""Width of a sign in a legend, and between two entries, inches."""
TITLE = 10.0
"""Size of a picture's title, points."""


class Key(NamedTuple):
    """An entry of a legend: a role, how it looks (a fill, a line, a dash, a bar, or a marker), and what it is."""

    role: str
    kind: str
    words: str


def legend_lines(entries: Sequence[Key], width: float) -> list[list[tuple[float, Key]]]:
    """Entries by line, each with its distance from the left, inches."""
    lines: list[list[tuple[float, Key]]] = [[]]
    x = 0.0
    for entry in entries:
        own = KEY + 0.06 + wide(entry.words)
        if lines[-1] and x + own > width:
            lines.append([])
            x = 0.0
        lines[-1].append((x, entry))
        x += own + GAP
    return lines


def legend_height(entries: Sequence[Key], width: float) -> float:
    """Height that a legend needs, inches."""
    return LINE * len(legend_lines(entries, width)) + 0.06


def legend(canvas: Canvas, left: float, top: float, entries: Sequence[Key]) -> None:
    """Draw a legend from a point on."""
    for place, line in enumerate(legend_lines(entries, canvas.width - left)):
        y = top + LINE * (place + 1) - 0.04
        for x, entry in line:
            _sign(canvas, left + x, y, entry)
            canvas.text(left + x + KEY + 0.06, y, entry.words, "muted")


def _sign(canvas: Canvas, x: float, y: float, entry: Key) -> None:
    middle = np.array([[x + KEY / 2, y - 0.045]])
    if entry.kind == "fill":
        canvas.box(x, y - 0.11, x + KEY, y, entry.role, edge="muted")
    elif entry.kind in ("solid", "dashed", "dotted"):
        canvas.line(np.array([[x, y - 0.045], [x + KEY, y - 0.045]]), entry.role, 1.6, entry.kind)
    elif entry.kind == "bar":
        canvas.line(middle + np.array([[0.0, -0.07], [0.0, 0.07]]), entry.role, 2.2)
    elif entry.kind == "interval":
        canvas.line(np.array([[x, y - 0.045], [x + KEY, y - 0.045]]), entry.role, 1.4)
        canvas.dot(middle, entry.role, 4.0)
    else:
        canvas.dot(middle, entry.role, 3.6, entry.kind)


def legend_canvas(entries: Sequence[Key], width: float) -> Canvas:
    """A legend by itself, for panels that share it."""
    canvas = Canvas(width, legend_height(entries, width))
    legend(canvas, 0.0, 0.0, entries)
    return canvas


def side_by_side(panels: Sequence[Canvas], width: float, entries: Sequence[Key] = ()) -> Canvas:
    """Panels of one size on one canvas, under their legend."""
    columns = max(int(width / PANEL + 1e-9), 1)
    step = width / columns
    top = legend_height(entries, width) if entries else 0.0
    rows = [panels[first : first + columns] for first in range(0, len(panels), columns)]
    canvas = Canvas(width, top + sum(max(p.height for p in row) for row in rows))
    if entries:
        legend(canvas, 0.0, 0.0, entries)
    for row in rows:
        for place, panel in enumerate(row):
            canvas.paste(panel, step * place, top)
        top += max(p.height for p in row)
    return canvas


def framed(chart: Canvas, title: str, subtitle: str, source: str) -> Canvas:
    """A chart with its finding above, its quantity and unit below that, and its source at the foot."""
    width, left = chart.width, 0.1
    room = width - 2 * left
    heads = [(text, "ink", TITLE, True) for text in lines_of(title, 0.95 * room, 4, TITLE)]
    heads += [(text, "muted", SIZE, False) for text in lines_of(subtitle, room, 4)]
    foot = lines_of(source, room, 4)
    top = 0.1 + sum(1.45 * size / 72 for _, _, size, _ in heads) + 0.12
    canvas = Canvas(width, top + chart.height + LINE * len(foot) + 0.15)
    y = 0.05
    for text, role, size, bold in heads:
        y += 1.45 * size / 72
        canvas.text(left, y, text, role, size=size, bold=bold)
    canvas.paste(chart, 0.0, top)
    for place, text in enumerate(foot):
        canvas.text(left, top + chart.height + LINE * (place + 1), text, "muted")
    return canvas
