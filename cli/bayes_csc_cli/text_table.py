"""Tables of plain text that fit the terminal: wide ones go on below."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

GAP = "  "


def terminal_width() -> int:
    """Columns of the terminal; 140 where the output goes elsewhere."""
    return shutil.get_terminal_size((140, 24)).columns


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]], width: int, left: int = 1) -> str:
    """Lay a table out as lines of text.

    Parameters
    ----------
    header
        Head of each column; the first column names the row.
    rows
        Texts of each row.
    width
        Longest line; columns beyond it go on below, beside the first column again.
    left
        How many leading columns are set to the left; the others to the right.

    Returns
    -------
    str
        Lines, without a line feed at the end.

    Examples
    --------
    >>> print(text_table(["", "2024", "2025"], [["agency", "16.4", "13.2"]], width=80))
            2024  2025
    agency  16.4  13.2
    """
    lines = [header, *rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(header))]
    bands, room = [[0]], width - widths[0]
    for place in range(1, len(header)):
        needed = len(GAP) + widths[place]
        if needed > room and len(bands[-1]) > 1:
            bands.append([0])
            room = width - widths[0]
        bands[-1].append(place)
        room -= needed
    return "\n\n".join(
        "\n".join(
            GAP.join(f"{line[p]:<{widths[p]}}" if p < left else f"{line[p]:>{widths[p]}}" for p in band).rstrip()
            for line in lines
        )
        for band in bands
    )
