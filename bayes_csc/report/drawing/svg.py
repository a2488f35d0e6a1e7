"""A matplotlib figure as an SVG element of a page: named, described, recoloured by the page's style, without ids."""

from __future__ import annotations

import io
import re
import warnings
import xml.etree.ElementTree as ET

from matplotlib.figure import Figure

from bayes_csc.report.drawing.compact_svg import compact
from bayes_csc.report.drawing.style import PALETTE

# Nothing of these belongs on a page: RDF with links, and a style sheet that would apply to all of it.
DROPPED = {"metadata", "style"}
TIP = "tip:"
"""Begins the id (matplotlib's gid) of an artist whose text the page shows where the pointer is."""
ROLES = {light: role.replace("_", "-") for role, (light, _) in PALETTE.items()}


def svg_element(figure: Figure, name: str, title: str, description: str) -> ET.Element:
    """Turn a figure into an `<svg>` that an HTML page can hold inline.

    Parameters
    ----------
    figure
        Drawn with the colours of `bayes_csc.report.drawing.style`, inside its `look`.
    name
        A word, unique on the page, that its ids begin with.
    title, description
        What the chart is, and what it shows: the finding, in words.
    """
    buffer = io.StringIO()
    with warnings.catch_warnings():
        # Where the page's own font has a glyph, it does not matter that the measuring font has none.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, facecolor="none")
    source = ET.fromstring(buffer.getvalue())
    referenced = dict.fromkeys(re.findall(r"(?:url\(#|href=\"#)([^\")]+)", buffer.getvalue()))
    svg = _cleaned(source, {own: f"{name}-{place}" for place, own in enumerate(referenced)})
    compact(svg)
    width, height = svg.attrib["viewBox"].split()[2:]
    for key in ("version", "width", "height"):
        svg.attrib.pop(key, None)
    svg.attrib |= {
        "role": "img",
        "aria-labelledby": f"{name}-title {name}-desc",
        "class": "drawing",
        "style": f"aspect-ratio:{float(width):g}/{float(height):g}",
    }
    for place, (tag, text) in enumerate((("title", title), ("desc", description))):
        words = ET.Element(tag, {"id": f"{name}-{tag}"})
        words.text = text
        svg.insert(place, words)
    return svg


def _cleaned(source: ET.Element, ids: dict[str, str]) -> ET.Element:
    element = ET.Element(_local(source.tag))
    for key, value in source.attrib.items():
        local = _local(key)
        if local == "id":
            if value.startswith(TIP):
                element.set("data-tip", value.removeprefix(TIP))
            elif value in ids:
                element.set("id", ids[value])
        elif local == "href":
            element.set("href", f"#{ids[value.removeprefix('#')]}")
        else:
            element.set(local, _restyled(value, ids))
    if source.text and source.text.strip():
        element.text = source.text
    for child in source:
        if _local(child.tag) not in DROPPED:
            element.append(_cleaned(child, ids))
    return element


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _restyled(value: str, ids: dict[str, str]) -> str:
    value = re.sub(r"url\(#([^)]+)\)", lambda found: f"url(#{ids[found[1]]})", value)
    value = re.sub(
        r"#[0-9a-f]{6}\b", lambda found: f"var(--{ROLES[found[0]]})" if found[0] in ROLES else found[0], value
    )
    # matplotlib names its own font; the page's applies. A hundredth of a point is finer than any screen.
    value = re.sub(r"font-family: [^;]*;? ?", "", value)
    value = re.sub(r"(\.\d\d)\d+", r"\1", value)
    return re.sub(r"\s+", " ", value).strip()
