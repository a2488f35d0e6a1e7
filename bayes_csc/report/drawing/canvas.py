"""Many small charts on one set of matplotlib axes: each of matplotlib's own axes takes a tenth of a second to draw."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.markers import MarkerStyle
from matplotlib.patches import Rectangle
from matplotlib.transforms import IdentityTransform

from bayes_csc.report.drawing.style import colour, new_figure
from bayes_csc.report.drawing.svg import TIP
from bayes_csc.report.findings.words.vocabulary import number

ORDER = (
    "step1",
    "step2",
    "step3",
    "step4",
    "step5",
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
DASHES = {"solid": "-", "dashed": (0, (4, 2)), "dotted": (0, (1, 2))}


@dataclass(frozen=True)
class Scale:
    """A small chart's place on the canvas, inches from the top left, and the data at its edges."""

    left: float
    top: float
    width: float
    height: float
    x: tuple[float, float]
    y: tuple[float, float]

    def at(self, x: np.ndarray | pd.Series | float, y: np.ndarray | pd.Series | float) -> np.ndarray:
        """Points on the canvas, (point, 2)."""
        across = self.left + self.width * (np.asarray(x, float) - self.x[0]) / (self.x[1] - self.x[0])
        down = self.top + self.height * (self.y[1] - np.asarray(y, float)) / (self.y[1] - self.y[0])
        return np.column_stack(np.broadcast_arrays(across, down))


@dataclass
class Canvas:
    """Shapes by how they look, so that each kind is drawn as one matplotlib collection.

    Attributes
    ----------
    width, height
        Inches.
    """

    width: float
    height: float
    _figure: Figure = field(init=False)
    _axes: Axes = field(init=False)
    _lines: dict[tuple[str, float, str], list[np.ndarray]] = field(default_factory=lambda: defaultdict(list))
    _fills: dict[str, list[np.ndarray]] = field(default_factory=lambda: defaultdict(list))
    _dots: dict[tuple[str, float, str], list[np.ndarray]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        """Lay the axes out over the whole figure."""
        self._figure = new_figure(self.height, self.width)
        self._axes = self._figure.add_axes((0, 0, 1, 1))
        self._axes.set(xlim=(0, self.width), ylim=(self.height, 0))
        self._axes.set_axis_off()

    def line(self, points: np.ndarray, role: str, width: float = 1.2, dash: str = "solid") -> None:
        """Add a line; it is broken where a point is not a number."""
        known = ~np.isnan(points).any(axis=1)
        edges = np.flatnonzero(np.diff(np.concatenate([[0], known.astype(int), [0]])))
        for first, end in zip(edges[::2], edges[1::2], strict=True):
            if end - first > 1:
                self._lines[(role, width, dash)].append(points[first:end])

    def segments(self, starts: np.ndarray, ends: np.ndarray, role: str, width: float = 1.2) -> None:
        """Add separate segments from each start to its end."""
        for start, end in zip(starts, ends, strict=True):
            if not (np.isnan(start).any() or np.isnan(end).any()):
                self._lines[(role, width, "solid")].append(np.stack([start, end]))

    def ribbon(self, lower: np.ndarray, upper: np.ndarray, role: str) -> None:
        """Fill between two lines; what is not a number is left out."""
        known = ~(np.isnan(lower).any(axis=1) | np.isnan(upper).any(axis=1))
        edges = np.flatnonzero(np.diff(np.concatenate([[0], known.astype(int), [0]])))
        for first, end in zip(edges[::2], edges[1::2], strict=True):
            if end - first > 1:
                self._fills[role].append(np.concatenate([lower[first:end], upper[first:end][::-1]]))

    def polygon(self, points: np.ndarray, role: str) -> None:
        """Fill a polygon."""
        self._fills[role].append(points)

    def dots(self, points: np.ndarray, role: str, size: float = 3.0, marker: str = "o") -> None:
        """Add markers of a diameter in points."""
        known = points[~np.isnan(points).any(axis=1)]
        if len(known):
            self._dots[(role, size, marker)].append(known)

    def text(
        self, x: float, y: float, words: str, role: str = "ink", *, across: str = "left", up: str = "baseline",
        size: float = 8.0, bold: bool = False,
    ) -> None:  # fmt: skip
        """Write words at a point."""
        weight = "bold" if bold else "normal"
        self._axes.text(x, y, words, color=colour(role), ha=across, va=up, fontsize=size, fontweight=weight, zorder=80)

    def tip(self, left: float, top: float, width: float, height: float, words: str) -> None:
        """Let the page show words where the pointer is within a rectangle."""
        patch = Rectangle((left, top), width, height, facecolor=colour("paper"), alpha=0.0, lw=0, zorder=90)
        patch.set_gid(TIP + words)
        patch.set_clip_on(False)  # the axes are the whole figure, which clips by itself
        self._axes.add_patch(patch)

    def grid(self, scale: Scale, ticks: Sequence[float], labels: Sequence[str], size: float = 6.5) -> None:
        """Draw horizontal rules at values of y, with their labels to the left."""
        for tick, label in zip(ticks, labels, strict=True):
            ends = scale.at(np.array(scale.x), tick)
            self.line(ends, "rule", 0.5)
            self.text(ends[0, 0] - 0.04, ends[0, 1], label, "muted", across="right", up="center", size=size)

    def figure(self) -> Figure:
        """Put everything on the figure."""
        for place, role in enumerate(ORDER):
            if role in self._fills:
                fills = PolyCollection(
                    self._fills[role], facecolors=colour(role), edgecolors="none", zorder=place, clip_on=False
                )
                self._axes.add_collection(fills, autolim=False)
            for (own, width, dash), lines in self._lines.items():
                if own == role:
                    drawn = LineCollection(
                        lines, colors=colour(role), linewidths=width, linestyles=[DASHES[dash]],
                        zorder=place + (20 if role != "rule" else 0), capstyle="butt", clip_on=False,
                    )  # fmt: skip
                    self._axes.add_collection(drawn, autolim=False)
            for (own, size, marker), points in self._dots.items():
                if own == role:
                    self._axes.add_collection(self._markers(np.concatenate(points), role, size, marker, place))
        return self._figure

    def _markers(self, points: np.ndarray, role: str, size: float, marker: str, place: int) -> PathCollection:
        style = MarkerStyle(marker)
        path = style.get_path().transformed(style.get_transform())
        hollow = marker == "D"
        made = PathCollection(
            [path], sizes=[size**2], offsets=points, offset_transform=self._axes.transData,
            facecolors=colour("paper" if hollow else role), edgecolors=colour(role), linewidths=0.9 if hollow else 0,
            zorder=place + 40, clip_on=False,
        )  # fmt: skip
        made.set_transform(IdentityTransform())  # sizes are in points, not in the data's units
        return made


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


def tick_label(value: float, step: float) -> str:
    """Write a tick's value with as many decimals as its step needs.

    Examples
    --------
    >>> tick_label(0.5, 0.5), tick_label(-20.0, 10.0), tick_label(-0.0, 1.0), tick_label(-0.25, 0.25)
    ('0.5', '−20', '0', '−0.25')
    """
    digits = next((d for d in range(8) if abs(step - round(step, d)) < 1e-6 * abs(step)), 8)
    return number(value, f".{digits}f")
