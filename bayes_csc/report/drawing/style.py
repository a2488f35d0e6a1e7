"""The look of every chart and page: one palette with a light and a dark value for each role, and one type size."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Role: light, dark. No two roles share a light value, which is what a chart on a page is recoloured by.
# The fills of statuses differ in lightness by 10 or more, so that they stay apart in grey.
PALETTE = {
    "paper": ("#ffffff", "#14181d"),
    "ink": ("#1b1f24", "#e8eaed"),
    "muted": ("#57606a", "#a9b1ba"),
    "rule": ("#d0d7de", "#3a424c"),
    "link": ("#0a4f9e", "#8cc2ff"),
    "line": ("#1f4e79", "#8ec5f4"),
    "band": ("#a9c9e6", "#33566f"),
    "inner": ("#6f9fcb", "#5585ad"),
    "region": ("#7d5200", "#e3b35e"),
    "accent": ("#a63603", "#ff9e6b"),
    # Steps of one hue, each darker than the one before in light and lighter in dark, so that grey keeps them apart.
    "step1": ("#e3eef6", "#22303c"),
    "step2": ("#b9d3e8", "#33506a"),
    "step3": ("#7fadd2", "#4d7ca6"),
    "step4": ("#3f7db3", "#7fb0dc"),
    "step5": ("#123f6b", "#c9e2f7"),
    "observed": ("#3b78ab", "#4f8fc6"),
    "suppressed": ("#f0b04f", "#f3c374"),
    "not_available": ("#20123a", "#fff3ff"),
    "not_applicable": ("#dfe3e7", "#2b323a"),
}
STATUS_WORDS = {
    "observed": "observed",
    "suppressed": "suppressed",
    "not_available": "not available",
    "not_applicable": "not applicable",
    "no_row": "no row",
}
WIDTH, NARROW, PANEL = 9.5, 3.5, 1.75
"""Width of a chart on a wide page and on a telephone, and of one of many small charts, inches."""
DASHES = {"solid": "", "dashed": "4 2", "dotted": "1 2"}

RC: dict[Any, Any] = {
    "font.family": ["DejaVu Sans"],
    "text.parse_math": False,
    "figure.facecolor": "none",
    "svg.fonttype": "none",
    "svg.hashsalt": "bayescsc",
}


def colour(role: str) -> str:
    """Light value of a role, for drawing."""
    return PALETTE[role][0]


def grade_role(place: int, grades: int) -> str:
    """Role of a grade's colour, best first: steps of one hue, the best the lightest, so that no hue needs telling.

    Examples
    --------
    >>> [grade_role(place, 4) for place in range(4)]
    ['step2', 'step3', 'step4', 'step5']
    """
    return f"step{2 + round(3 * place / max(grades - 1, 1))}"


@contextmanager
def look() -> Iterator[None]:
    """Draw and save with the settings of this module, whatever the user's own matplotlib settings are."""
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(RC)
        yield


def palette_css() -> str:
    """The palette as CSS custom properties, with the dark values where the reader prefers a dark scheme."""
    light = "".join(f"--{role.replace('_', '-')}:{values[0]};" for role, values in PALETTE.items())
    dark = "".join(f"--{role.replace('_', '-')}:{values[1]};" for role, values in PALETTE.items())
    return (
        f":root{{color-scheme:light dark;{light}}}\n@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"
    )


def drawing_css() -> str:
    """How the shapes of a drawing look: f- fills them in a colour, s- strokes them."""
    names = [role.replace("_", "-") for role in PALETTE]
    return ":where(svg) path{fill:none;stroke-linejoin:round}.dot{stroke-linecap:round}" + "".join(
        f".f-{name}{{fill:var(--{name})}}.s-{name}{{stroke:var(--{name})}}" for name in names
    )
