"""The look of every chart and page: one palette with a light and a dark value for each role, and one type size."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

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
    # Probabilities in five steps, each darker (on a dark page: lighter) than the one before.
    "level_1": ("#eef4fa", "#1a222b"),
    "level_2": ("#c3dbf0", "#27445c"),
    "level_3": ("#85b4dc", "#3d6f96"),
    "level_4": ("#3f80b8", "#6fa8d6"),
    "level_5": ("#123f6d", "#c5e3fb"),
}
STATUS_WORDS = {
    "observed": "observed",
    "suppressed": "suppressed",
    "not_available": "not available",
    "not_applicable": "not applicable",
    "no_row": "no row",
}
WIDTH = 9.5
"""Width of a chart, inches."""

RC: dict[Any, Any] = {
    # Sizes are measured with the font that comes with matplotlib; the page then shows its own, narrower one.
    "font.family": ["DejaVu Sans"],
    "font.size": 8,
    "text.parse_math": False,
    "axes.titlesize": 8,
    "axes.titlelocation": "left",
    "axes.edgecolor": PALETTE["muted"][0],
    "axes.labelcolor": PALETTE["muted"][0],
    "axes.titlecolor": PALETTE["ink"][0],
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "figure.facecolor": "none",
    "text.color": PALETTE["ink"][0],
    "xtick.color": PALETTE["muted"][0],
    "ytick.color": PALETTE["muted"][0],
    "xtick.major.size": 2,
    "ytick.major.size": 2,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "grid.color": PALETTE["rule"][0],
    "grid.linewidth": 0.5,
    "hatch.linewidth": 0.6,
    "svg.fonttype": "none",
    "svg.hashsalt": "bayescsc",
}


def colour(role: str) -> str:
    """Light value of a role, for drawing."""
    return PALETTE[role][0]


@contextmanager
def look() -> Iterator[None]:
    """Draw and save with the settings of this module, whatever the user's own matplotlib settings are."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(RC)
        yield


def new_figure(height: float, width: float = WIDTH) -> Figure:
    """An empty figure of a height and width in inches; call it inside `look`."""
    return Figure(figsize=(width, height))


def palette_css() -> str:
    """The palette as CSS custom properties, with the dark values where the reader prefers a dark scheme."""
    light = "".join(f"--{role.replace('_', '-')}:{values[0]};" for role, values in PALETTE.items())
    dark = "".join(f"--{role.replace('_', '-')}:{values[1]};" for role, values in PALETTE.items())
    return (
        f":root{{color-scheme:light dark;{light}}}\n@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"
    )
