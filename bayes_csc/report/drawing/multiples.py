"""Small multiples: many small charts of years, each on its own vertical scale."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bayes_csc.report.drawing.style import WIDTH, new_figure

COLUMNS = 4
ROW, LINE = 1.75, 34
"""Height of a row of charts, inches, and letters of a line of its titles."""
HARD_SPACE = "\u00a0"
LEAST_SPAN = 0.25
"""Smallest height of a vertical scale, as a part of the largest figure on it: less would show noise as a trend."""


def small_multiples(titles: Mapping[str, str], years: tuple[int, int], draw: Callable[[Axes, str], None]) -> Figure:
    """Draw one small chart for each title, over the same years.

    Parameters
    ----------
    titles
        Title of each chart by key; see `wrapped`.
    years
        First and last year of the horizontal scale.
    draw
        Draws the chart of a key on its axes.
    """
    rows = -(-len(titles) // COLUMNS)
    height = ROW * rows
    figure = new_figure(height)
    for place, (key, title) in enumerate(titles.items()):
        axes = figure.add_subplot(rows, COLUMNS, place + 1)
        draw(axes, key)
        axes.grid(axis="y")
        axes.set_axisbelow(True)
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.set_xlim(years[0] - 0.6, years[1] + 0.6)
        axes.set_title(title)
    figure.subplots_adjust(
        left=0.4 / WIDTH, right=1 - 0.12 / WIDTH, top=1 - 0.4 / height, bottom=0.3 / height,
        wspace=0.24, hspace=0.68,
    )  # fmt: skip
    return figure


def scale(axes: Axes, low: float, high: float, most: float = float("inf")) -> None:
    """Set a vertical scale that holds two figures, is not too small, and crosses neither zero nor `most` for room."""
    if low == high == 0:
        high = 1.0
    room = max(LEAST_SPAN * max(abs(low), abs(high)) - (high - low), 0.1 * (high - low), 1e-9) / 2
    axes.set_ylim(max(low - room, 0.0) if low >= 0 else low - room, min(high + room, most))


def wrapped(label: str, unit: str = "") -> str:
    """A title of two lines at most, as wide as a chart; what does not fit is cut from the label, never its unit.

    Examples
    --------
    >>> wrapped("Child protection plans on 31 March", "per 10,000").splitlines()
    ['Child protection plans on 31', 'March, per 10,000']
    >>> wrapped("Child protection plans that ended after two years, to 2022", "per 10,000").splitlines()
    ['Child protection plans that ended', 'after two years, to…, per 10,000']
    """
    end = f", {unit}" if unit else ""
    lines = textwrap.wrap(label + end.replace(" ", HARD_SPACE), LINE)
    if len(lines) > 2:
        first = textwrap.wrap(label, LINE)[0]
        lines = [first, textwrap.shorten(label.removeprefix(first), LINE - len(end), placeholder="…") + end]
    return "\n".join(lines).replace(HARD_SPACE, " ")
