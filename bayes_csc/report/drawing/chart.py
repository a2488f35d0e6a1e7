"""A chart with its words: the finding, and the quantity that is shown, its unit and which direction is better."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bayes_csc.report.drawing.canvas import Canvas
from bayes_csc.report.drawing.layout import Key, framed, side_by_side


@dataclass(frozen=True)
class Chart:
    """A chart that can be drawn in any width.

    Attributes
    ----------
    name
        A word, unique on the page, that its ids begin with.
    title
        The finding, in words.
    subtitle
        The quantity and its unit, and which direction is better.
    draw
        Draws it in a width in inches; None where it is made of panels.
    panels
        Small charts of one size.
    keys
        Their legend.
    """

    name: str
    title: str
    subtitle: str
    draw: Callable[[float], Canvas] | None = None
    panels: Sequence[Canvas] = ()
    keys: Sequence[Key] = ()

    def canvas(self, width: float) -> Canvas:
        """Draw it in a width in inches."""
        return self.draw(width) if self.draw else side_by_side(self.panels, width, self.keys)

    def picture(self, width: float, whose: str, source: str) -> Canvas:
        """Draw it with whose it is, its words and a source, so that it can stand by itself."""
        return framed(self.canvas(width), f"{whose}. {self.title}", self.subtitle, source)
