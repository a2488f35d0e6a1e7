"""What a chart is drawn on: shapes by how they look, in inches, which are written as SVG or as a matplotlib figure."""

from __future__ import annotations

import textwrap
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pandas as pd

from bayes_csc.report.findings.words.vocabulary import number

ORDER = (
    "step1",
    "step2",
    "step3",
    "step4",
    "step5",
    "observed",
    "not_applicable",
    "not_available",
    "rule",
    "band",
    "inner",
    "region",
    "muted",
    "accent",
    "suppressed",
    "line",
    "ink",
)
"""Roles from the back to the front."""
SIZE = 8.0
"""Of every label, points: 11 pixels where a narrow drawing fills a telephone."""
LETTER = 0.0077
"""Mean width of a letter of one point, inches."""
HOLLOW = ("ring", "diamond")
"""Markers without a filling; the others are "dot" and "square"."""
Shapes = dict[tuple[str, float, str], list[np.ndarray]]


class Text(NamedTuple):
    """Words at a point, inches; `across` is where on them the point is: left, center or right; `turned` reads up."""

    x: float
    y: float
    words: str
    role: str
    across: str
    size: float
    bold: bool
    turned: bool = False


class Tip(NamedTuple):
    """Words that a page shows where the pointer is within a rectangle, inches."""

    left: float
    top: float
    width: float
    height: float
    words: str


@dataclass(frozen=True)
class Scale:
    """A plot's place on the canvas, inches from the top left, and the data at its edges."""

    left: float
    top: float
    width: float
    height: float
    x: tuple[float, float]
    y: tuple[float, float]

    @property
    def bottom(self) -> float:
        """Lower edge, inches."""
        return self.top + self.height

    def at(self, x: np.ndarray | pd.Series | float, y: np.ndarray | pd.Series | float) -> np.ndarray:
        """Points on the canvas, (point, 2)."""
        across = self.left + self.width * (np.asarray(x, float) - self.x[0]) / (self.x[1] - self.x[0])
        down = self.top + self.height * (self.y[1] - np.asarray(y, float)) / (self.y[1] - self.y[0])
        return np.column_stack(np.broadcast_arrays(across, down))


@dataclass
class Canvas:
    """Shapes by how they look, so that each kind is drawn as one path.

    Attributes
    ----------
    width, height
        Inches.
    fills
        Polygons by role.
    lines
        By role, width (points) and dash: solid, dashed or dotted.
    dots
        Points by role, diameter (points) and marker.
    texts, tips
        In the order in which they were added.
    """

    width: float
    height: float
    fills: dict[str, list[np.ndarray]] = field(default_factory=lambda: defaultdict(list))
    lines: Shapes = field(default_factory=lambda: defaultdict(list))
    dots: Shapes = field(default_factory=lambda: defaultdict(list))
    texts: list[Text] = field(default_factory=list)
    tips: list[Tip] = field(default_factory=list)

    @property
    def narrow(self) -> bool:
        """Whether the canvas is for a telephone."""
        return self.width < 6.0

    def line(self, points: np.ndarray, role: str, width: float = 1.2, dash: str = "solid") -> None:
        """Add a line; it is broken where a point is not a number."""
        self.lines[(role, width, dash)] += _runs(~np.isnan(points).any(axis=1), points)

    def segments(self, starts: np.ndarray, ends: np.ndarray, role: str, width: float = 1.2) -> None:
        """Add separate segments from each start to its end."""
        for start, end in zip(starts, ends, strict=True):
            self.line(np.stack([start, end]), role, width)

    def ribbon(self, lower: np.ndarray, upper: np.ndarray, role: str) -> None:
        """Fill between two lines; what is not a number is left out."""
        known = ~(np.isnan(lower).any(axis=1) | np.isnan(upper).any(axis=1))
        for low, high in zip(_runs(known, lower), _runs(known, upper), strict=True):
            self.fills[role].append(np.concatenate([low, high[::-1]]))

    def polygon(self, points: np.ndarray, role: str) -> None:
        """Fill a polygon; one with a corner that is not a number is left out."""
        if not np.isnan(points).any():
            self.fills[role].append(points)

    def box(self, left: float, top: float, right: float, bottom: float, role: str, *, edge: str = "") -> None:
        """Fill a rectangle, and outline it in the role `edge` where it is given."""
        corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom], [left, top]])
        if role:
            self.polygon(corners[:-1], role)
        if edge:
            self.line(corners, edge, 0.5)

    def dot(self, points: np.ndarray, role: str, size: float = 3.0, marker: str = "dot") -> None:
        """Add markers of a diameter in points."""
        known = points[~np.isnan(points).any(axis=1)]
        if len(known):
            self.dots[(role, size, marker)].append(known)

    def text(
        self, x: float, y: float, words: str, role: str = "ink", *, across: str = "left", up: str = "baseline",
        bold: bool = False, size: float = SIZE, turned: bool = False,
    ) -> None:  # fmt: skip
        """Write words at a point, on it or, with `up` "center", about it."""
        shift = 0.36 * size / 72 if up == "center" else 0.0
        self.texts.append(Text(float(x), float(y) + shift, words, role, across, size, bold, turned))

    def tip(self, left: float, top: float, width: float, height: float, words: str) -> None:
        """Let the page show words where the pointer is within a rectangle."""
        self.tips.append(Tip(left, top, width, height, words))

    def grid(self, scale: Scale, ticks: Sequence[float], labels: Sequence[str]) -> None:
        """Draw horizontal rules at values of y, with their labels to the left."""
        for tick, label in zip(ticks, labels, strict=True):
            ends = scale.at(np.array(scale.x), tick)
            self.line(ends, "rule", 0.5)
            self.text(ends[0, 0] - 0.05, ends[0, 1], label, "muted", across="right", up="center")

    def columns(self, scale: Scale, ticks: Sequence[float], labels: Sequence[str]) -> None:
        """Draw vertical rules at values of x, with their labels below; a label that would touch one is left out."""
        end = -1.0
        for tick, label in zip(ticks, labels, strict=True):
            x = float(scale.at(tick, scale.y[0])[0, 0])
            self.line(np.array([[x, scale.top], [x, scale.bottom]]), "rule", 0.5)
            half = wide(label) / 2
            if x - half > end + 0.06:
                middle = max(min(x, self.width - half), half)
                self.text(middle, scale.bottom + 0.17, label, "muted", across="center")
                end = x + half

    def mark(self, scale: Scale, value: float, rows: int) -> None:
        """Draw a vertical rule at a value; on a narrow canvas, where names stand in the rows, below the names alone."""
        x = float(scale.at(value, scale.y[0])[0, 0])
        if not self.narrow:
            self.line(np.array([[x, scale.top], [x, scale.bottom]]), "muted", 0.9)
            return
        bottoms = scale.top + scale.height / rows * (np.arange(rows) + 1)
        across = np.full(rows, x)
        self.segments(np.column_stack([across, bottoms - 0.2]), np.column_stack([across, bottoms]), "muted", 0.9)

    def paste(self, other: Canvas, left: float, top: float) -> None:
        """Add everything of another canvas, whose top left corner is put at a point."""
        by = np.array([left, top])
        for role, polygons in other.fills.items():
            self.fills[role] += [points + by for points in polygons]
        for mine, theirs in ((self.lines, other.lines), (self.dots, other.dots)):
            for look, shapes in theirs.items():
                mine[look] += [points + by for points in shapes]
        self.texts += [each._replace(x=each.x + left, y=each.y + top) for each in other.texts]
        self.tips += [each._replace(left=each.left + left, top=each.top + top) for each in other.tips]


def _runs(known: np.ndarray, points: np.ndarray) -> list[np.ndarray]:
    """Runs of two or more known points."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], known.astype(int), [0]])))
    ends = zip(edges[::2], edges[1::2], strict=True)
    return [np.asarray(points[first:end], dtype=float) for first, end in ends if end - first > 1]


def wide(words: str, size: float = SIZE) -> float:
    """Width of words, inches, near enough to lay them out by.

    Examples
    --------
    >>> round(wide("England"), 2)
    0.43
    """
    return LETTER * size * len(words)


def cut(words: str, width: float, size: float = SIZE) -> str:
    """Cut words so that they fit a width in inches.

    Examples
    --------
    >>> cut("Telford and Wrekin", 0.8)
    'Telford and…'
    """
    most = int(width / (LETTER * size))
    return words if len(words) <= most else words[: max(most - 1, 1)].rstrip(" ,") + "…"


def lines_of(words: str, width: float, most: int, size: float = SIZE) -> list[str]:
    """Break words into lines of a width in inches, `most` of them; what does not fit is cut from the last.

    Examples
    --------
    >>> lines_of("Agency social workers at 30 September", 1.2, 2)
    ['Agency social', 'workers at 30 Sept…']
    """
    lines = textwrap.wrap(words, max(int(width / (LETTER * size)), 6)) or [""]
    if len(lines) > most:
        lines = [*lines[: most - 1], cut(" ".join(lines[most - 1 :]), width, size)]
    return lines


def ticks_of(low: float, high: float, wanted: int = 3) -> list[float]:
    """Round values within a range, some `wanted` of them.

    Examples
    --------
    >>> [round(t, 6) for t in ticks_of(0.0, 23.0)]
    [0.0, 10.0, 20.0]
    """
    rough = max(high - low, 1e-12) / wanted
    power = 10.0 ** np.floor(np.log10(rough))
    step = next(float(m * power) for m in (1, 2, 2.5, 5, 10) if m * power >= rough * 0.75)
    first = np.ceil(low / step - 1e-9) + 0.0  # no minus zero
    return [float(step * i) for i in np.arange(first, np.floor(high / step + 1e-9) + 1)]


def tick_labels(ticks: Sequence[float]) -> list[str]:
    """Write the values of ticks, each with as many decimals as their step needs.

    Examples
    --------
    >>> tick_labels([0.0, 0.5]), tick_labels([-0.0, 0.25]), tick_labels([3.0])
    (['0.0', '0.5'], ['0.00', '0.25'], ['3'])
    """
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 1.0
    return [tick_label(tick, step) for tick in ticks]


def tick_label(value: float, step: float) -> str:
    """Write a tick's value with as many decimals as its step needs.

    Examples
    --------
    >>> tick_label(0.5, 0.5), tick_label(-20.0, 10.0), tick_label(-0.0, 1.0), tick_label(-0.25, 0.25)
    ('0.5', '−20', '0', '−0.25')
    """
    digits = next((d for d in range(8) if abs(step - round(step, d)) < 1e-6 * abs(step)), 8)
    return number(value, f".{digits}f")
