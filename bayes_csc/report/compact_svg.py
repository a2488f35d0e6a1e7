"""An SVG drawing in fewer bytes: what is empty left out, what elements in a row share said once, paths by their steps.

A page of an authority holds some thousand elements, and a report a page for each authority.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import groupby, pairwise

SHARED = ("style", "clip-path")
"""Attributes that a group can carry for its elements, except opacity, which applies to a group as a whole."""
TENTHS = 10
"""Points are kept to a tenth of a point: a seventh of a pixel where a drawing is a thousand pixels wide."""


def compact(svg: ET.Element) -> None:
    """Make a drawing smaller, in place; nothing on it moves by more than a tenth of a point."""
    for element in list(svg.iter()):
        if element.tag == "defs":
            for path in element.iter("path"):
                path.set("d", re.sub(r" ?([A-Za-z]) ?", r"\1", path.get("d", "")))
        _compact_children(element)


def _compact_children(parent: ET.Element) -> None:
    kept = [leaf for child in parent for leaf in _unwrapped(child)]
    for child in kept:
        if parent.tag != "defs" and "d" in child.attrib:
            child.set("d", steps(child.attrib["d"]))
        if "style" in child.attrib:
            child.set("style", re.sub(r"\s*([:;])\s*", r"\1", child.attrib["style"]))
        if child.get("transform", "").startswith(("rotate(0 ", "rotate(-0 ")):
            del child.attrib["transform"]
    for child in list(parent):
        parent.remove(child)
    for shared, run in groupby(kept, _shared):
        members = list(run)
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
    if element.tag == "g" and not element.attrib:
        return [leaf for child in element for leaf in _unwrapped(child)]
    return [element]


def _shared(element: ET.Element) -> dict[str, str]:
    return {key: element.attrib[key] for key in SHARED if key in element.attrib}


def steps(d: str) -> str:
    """Rewrite a path of straight lines by its steps, in tenths; another path is as it was but for spaces.

    Examples
    --------
    >>> steps("M 64.01 78.1 L 72.42 88.84 L 80.84 68.8 z")
    'M64 78.1l8.4 10.7 8.4-20z'
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
        moves = [(bx - ax, by - ay) for (ax, ay), (bx, by) in pairwise(points)]
        line = " ".join(f"{x / TENTHS:g} {y / TENTHS:g}" for x, y in moves)
        first = f"M{points[0][0] / TENTHS:g} {points[0][1] / TENTHS:g}"
        out.append(f"{first}{'l' if line else ''}{line}{'z' if 'z' in part else ''}".replace(" -", "-"))
    return "".join(out)
