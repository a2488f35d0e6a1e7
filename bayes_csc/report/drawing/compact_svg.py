"""An SVG drawing in fewer bytes: what is empty left out, what elements in a row share said once, paths by their steps.

A page of an authority holds some thousand shapes, and a report a page for each authority.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import groupby, pairwise

SHARED = ("style", "clip-path")
"""Attributes that a group can carry for its elements, except opacity, which applies to a group as a whole."""
TENTHS = 10
"""Points are kept to a tenth of a point: a seventh of a pixel where a drawing is a thousand pixels wide."""
ROUND = 0.02
"""How far the points of a circle, drawn by curves, may be from its radius."""


def compact(svg: ET.Element) -> None:
    """Make a drawing smaller, in place; nothing on it moves by more than a tenth of a point."""
    _dots(svg)
    _compact(svg)


def _dots(svg: ET.Element) -> None:
    """Draw each use of a circle as a line of no length with round ends: a fourth of the bytes once they are joined."""
    circles = {path.get("id"): _radius(path) for each in svg.iter("defs") for path in each.iter("path")}
    for use in list(svg.iter("use")):
        radius = circles.get(use.get("href", "").removeprefix("#"))
        fill = re.fullmatch(r"\s*fill: *([^;]+);?\s*", use.get("style", ""))
        if radius and fill:
            x, y = (_short(round(TENTHS * float(use.attrib.pop(name)))) for name in ("x", "y"))
            del use.attrib["href"]
            use.tag = "path"
            use.attrib["d"] = f"M{x} {y}h0"
            use.attrib["style"] = f"fill:none;stroke:{fill[1]};stroke-width:{2 * radius:g};stroke-linecap:round"
    used = {use.get("href", "").removeprefix("#") for use in svg.iter("use")}
    for each in svg.iter("defs"):
        for path in each.findall("path"):
            if path.get("id") in circles and path.get("id") not in used:
                each.remove(path)


def _radius(path: ET.Element) -> float | None:
    """Radius of a circle about the origin that has no edge; None of another shape."""
    d = path.get("d", "")
    if "stroke" in path.get("style", "") or not re.fullmatch(r"M[^CLMQ]+(C[^CLMQ]+)+z?\s*", d):
        return None
    ends = [re.findall(r"-?[\d.]+", part)[-2:] for part in re.findall(r"[MC][^MC]+", d)]
    radii = [(float(x) ** 2 + float(y) ** 2) ** 0.5 for x, y in ends]
    return round(radii[0], 2) if max(radii) - min(radii) < ROUND and radii[0] > 0 else None


def _compact(element: ET.Element) -> None:
    """Compact what is in an element, then what is in its children: of those that it has by then, no others."""
    if element.tag == "defs":
        for path in element.iter("path"):
            path.set("d", re.sub(r" ?([A-Za-z]) ?", r"\1", path.get("d", "")))
    _compact_children(element)
    for child in element:
        _compact(child)


def _compact_children(parent: ET.Element) -> None:
    kept = [leaf for child in parent for leaf in _unwrapped(child)]
    for child in kept:
        if parent.tag != "defs" and "d" in child.attrib:
            child.set("d", steps(child.attrib["d"]))
        for name in ("x", "y"):
            if child.tag in ("text", "use") and name in child.attrib:
                child.set(name, _short(round(TENTHS * float(child.attrib[name]))))
        if "style" in child.attrib:
            child.set("style", re.sub(r"\s*([:;])\s*", r"\1", child.attrib["style"]))
        if child.get("transform", "").startswith(("rotate(0 ", "rotate(-0 ")):
            del child.attrib["transform"]
    for child in list(parent):
        parent.remove(child)
    for shared, run in groupby(_by_style(kept), _shared):
        members = _joined(list(run), shared)
        if len(members) > 1 and shared and not re.search(r"(^|;)opacity", shared.get("style", "")):
            group = ET.SubElement(parent, "g", shared)
            for member in members:
                for key in shared:
                    del member.attrib[key]
                group.append(member)
        else:
            parent.extend(members)


def _unwrapped(element: ET.Element) -> list[ET.Element]:
    """Elements in place of one: none of an empty path, those inside of a group that says nothing."""
    if element.tag == "path" and not element.get("d"):
        return []
    if element.tag == "defs" and not len(element):
        return []
    if element.tag == "g" and not element.attrib:
        return [leaf for child in element for leaf in _unwrapped(child)]
    if element.tag == "g" and [*element.attrib] == ["data-tip"] and len(element) == 1 and _unseen(element[0]):
        return [ET.Element("path", {"data-tip": element.attrib["data-tip"], "d": element[0].attrib["d"]})]
    return [element]


def _unseen(element: ET.Element) -> bool:
    """Whether a shape is there for the pointer alone; the page's style says so of every path with words of its own."""
    return element.tag == "path" and bool(re.search(r"(^|;)\s*opacity: *0(;|$)", element.get("style", "")))


def _by_style(elements: list[ET.Element]) -> list[ET.Element]:
    """The same elements, those of a run of texts sorted by their style: texts do not lie over each other."""
    out: list[ET.Element] = []
    for text, run in groupby(elements, lambda e: e.tag == "text"):
        members = list(run)
        out += sorted(members, key=lambda e: e.get("style", "")) if text else members
    return out


def _joined(run: list[ET.Element], shared: dict[str, str]) -> list[ET.Element]:
    """Join the paths of one look to one path, if nothing else is said of any and they would not shine through."""
    plain = all(each.tag == "path" and {*each.attrib} == {"d", *shared} and not len(each) for each in run)
    if not plain or "opacity" in shared.get("style", "") or "style" not in shared:
        return run
    return [ET.Element("path", {"d": "".join(each.attrib["d"] for each in run), **shared})]


def _shared(element: ET.Element) -> dict[str, str]:
    return {key: element.attrib[key] for key in SHARED if key in element.attrib}


def steps(d: str) -> str:
    """Rewrite a path of straight lines by its steps, in tenths; another path is as it was but for spaces.

    Examples
    --------
    >>> steps("M 64.01 78.1 L 72.42 88.84 L 80.84 78.8 z")
    'M64 78.1l8.4 10.7 8.4-10z'
    >>> steps("M 0 1 C 1 2 3 4 5 6")
    'M0 1C1 2 3 4 5 6'
    """
    if re.search("[A-KN-Ya-y]", d):
        return re.sub(r" ?([A-Za-z]) ?", r"\1", d)
    out = []
    for part in re.findall(r"M[^M]*", d):
        points = [
            (round(float(x) * TENTHS), round(float(y) * TENTHS)) for x, y in re.findall(r"(-?[\d.]+) (-?[\d.]+)", part)
        ]
        if "z" in part and len(points) > 2 and points[-1] == points[0]:
            points.pop()  # closing goes there
        moves = [(bx - ax, by - ay) for (ax, ay), (bx, by) in pairwise(points)]
        line = " ".join(f"{_short(x)} {_short(y)}" for x, y in moves)
        first = f"M{_short(points[0][0])} {_short(points[0][1])}"
        out.append(f"{first}{'l' if line else ''}{line}{'z' if 'z' in part else ''}".replace(" -", "-"))
    return "".join(out)


def _short(tenths: int) -> str:
    """A number of tenths, without a zero before its point."""
    return re.sub(r"^(-?)0\.", r"\1.", f"{tenths / TENTHS:g}")
