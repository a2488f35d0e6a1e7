"""A canvas as SVG: for a page, coloured by the page's style, or as a picture that stands by itself."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from itertools import groupby

import numpy as np

from bayes_csc.files.decoding import visible
from bayes_csc.report.drawing.canvas import HOLLOW, ORDER, SIZE, Canvas
from bayes_csc.report.drawing.style import DASHES, PALETTE, drawing_css

TENTHS = 720
"""Tenths of a point in an inch: points are kept to a seventh of a pixel where a drawing is a thousand pixels wide."""
ANCHORS = {"left": "start", "center": "middle", "right": "end"}


def svg_element(canvas: Canvas, *, labelled_by: str = "", class_: str = "", tips: bool = True) -> ET.Element:
    """Write a canvas as an `<svg>` that a page can hold inline, a path for each look.

    Parameters
    ----------
    canvas
        The drawing.
    labelled_by
        Ids of the elements that name and describe it.
    class_
        Of the element.
    tips
        Whether to keep what is there for the pointer.
    """
    named = {"class": class_} if class_ else {}
    named |= {"role": "img", "aria-labelledby": labelled_by} if labelled_by else {}
    size = [_short(round(TENTHS * value)) for value in (canvas.width, canvas.height)]
    svg = ET.Element("svg", {"viewBox": f"0 0 {' '.join(size)}"} | named)
    back = [look for look in canvas.lines if look[0] == "rule"]
    for role in ORDER:
        if role == "rule":
            _lines(svg, canvas, back)
        if canvas.fills.get(role):
            _add(svg, "".join(steps(points, closed=True) for points in canvas.fills[role]), f"f-{role}")
    for role in ORDER:
        _lines(svg, canvas, [look for look in canvas.lines if look[0] == role and look not in back])
    for role in ORDER:
        for (own, size_, marker), points in canvas.dots.items():
            if own == role:
                _markers(svg, np.concatenate(points), role, size_, marker)
    _texts(svg, canvas)
    for tip in canvas.tips if tips else ():
        if (tip.left, tip.top, tip.width, tip.height) == (0.0, 0.0, canvas.width, canvas.height):
            svg.set("data-tip", tip.words)
            continue
        corner, right, down = (tip.left, tip.top), (tip.width, 0.0), (0.0, tip.height)
        corners = np.cumsum([corner, right, down, (-tip.width, 0.0)], axis=0)
        ET.SubElement(svg, "path", {"data-tip": tip.words, "d": steps(corners, closed=True)})
    return svg


def picture(canvas: Canvas) -> str:
    """Write a canvas as an SVG file that stands by itself, on paper."""
    svg = svg_element(canvas, tips=False)
    svg.attrib |= {
        "xmlns": "http://www.w3.org/2000/svg", "width": f"{canvas.width:g}in", "height": f"{canvas.height:g}in",
        "font-size": f"{SIZE:g}", "font-family": "system-ui, 'Liberation Sans', Arial, sans-serif",
    }  # fmt: skip
    style = ET.Element("style")
    light = "".join(f"--{role.replace('_', '-')}:{values[0]};" for role, values in PALETTE.items())
    style.text = f"svg{{{light}}}{drawing_css()}"
    svg.insert(0, style)
    svg.insert(1, ET.Element("rect", {"width": "100%", "height": "100%", "class": "f-paper"}))
    return visible(ET.tostring(svg, encoding="unicode")) + "\n"


def _add(svg: ET.Element, d: str, class_: str, **more: str) -> None:
    named = {key.replace("_", "-"): value for key, value in more.items() if value}
    ET.SubElement(svg, "path", {"class": class_.replace("_", "-"), **named, "d": d})


def _lines(svg: ET.Element, canvas: Canvas, looks: list[tuple[str, float, str]]) -> None:
    for look in looks:
        role, width, dash = look
        d = "".join(steps(points) for points in canvas.lines[look])
        if d:
            _add(svg, d, f"s-{role}", stroke_width=_short(round(10 * width)), stroke_dasharray=DASHES[dash])


def _markers(svg: ET.Element, points: np.ndarray, role: str, size: float, marker: str) -> None:
    """Draw a solid dot as a line of no length with round ends, another marker as its outline."""
    r = size / 2 / 72
    if marker == "dot":
        d = "".join(f"M{_pair(x, y)}h0" for x, y in np.rint(TENTHS * points).astype(int))
        _add(svg, d, f"s-{role} dot", stroke_width=_short(round(10 * size)))
        return
    shapes = {
        "square": np.array([[-r, -r], [r, -r], [r, r], [-r, r]]),
        "diamond": 1.2 * np.array([[0, -r], [r, 0], [0, r], [-r, 0]]),
        "ring": np.column_stack([r * np.cos(a := np.radians(np.arange(0, 360, 30))), r * np.sin(a)]),
    }
    d = "".join(steps(point + shapes[marker], closed=True) for point in points)
    _add(svg, d, f"f-paper s-{role}" if marker in HOLLOW else f"f-{role}",
         stroke_width=".9" if marker in HOLLOW else "")  # fmt: skip


def _texts(svg: ET.Element, canvas: Canvas) -> None:
    """Write the texts, those of one look together."""
    ordered = sorted(canvas.texts, key=lambda t: (t.role, t.size, t.across, t.bold))
    for (role, size, across, bold), run in groupby(ordered, lambda t: (t.role, t.size, t.across, t.bold)):
        look = {"class": f"f-{role}".replace("_", "-")} | ({"font-size": f"{size:g}"} if size != SIZE else {})
        look |= {"text-anchor": ANCHORS[across]} if across != "left" else {}
        group = ET.SubElement(svg, "g", look | ({"font-weight": "600"} if bold else {}))
        for text in run:
            x, y = (_short(round(TENTHS * value)) for value in (text.x, text.y))
            turned = {"transform": f"rotate(-90 {x} {y})"} if text.turned else {}
            ET.SubElement(group, "text", {"x": x, "y": y} | turned).text = text.words


def steps(points: np.ndarray, *, closed: bool = False) -> str:
    """Write points, inches, as a path of steps in tenths of a point.

    Examples
    --------
    >>> steps(np.array([[64.01, 78.1], [72.42, 88.84], [80.84, 78.8]]) / 72, closed=True)
    'M64 78.1l8.4 10.7 8.4-10z'
    >>> steps(np.array([[0, 0], [10, 0], [10, -0.5], [12, 1], [14, 1]]) / 72)
    'M0 0h10v-.5l2 1.5h2'
    """
    tenths = np.rint(TENTHS * points).astype(int)
    moves = np.diff(tenths, axis=0)
    moves = moves[moves.any(axis=1)]
    text, line = "h0" if not len(moves) else "", False
    for x, y in moves.tolist():
        if x and y:
            pair = _pair(x, y)
            text += ("l" if not line else "" if pair.startswith("-") else " ") + pair
        else:
            text += f"h{_short(x)}" if x else f"v{_short(y)}"
        line = bool(x and y)
    return f"M{_pair(*tenths[0].tolist())}{text}{'z' if closed else ''}"


def _pair(x: int, y: int) -> str:
    second = _short(y)
    return _short(x) + ("" if second.startswith("-") else " ") + second


def _short(tenths: int) -> str:
    """Write tenths as a number, in as few signs as can be.

    Examples
    --------
    >>> _short(125), _short(-5), _short(30)
    ('12.5', '-.5', '3')
    """
    whole, rest = divmod(abs(int(tenths)), 10)
    text = f"{whole or ('' if rest else 0)}" + (f".{rest}" if rest else "")
    return f"-{text}" if tenths < 0 else text
