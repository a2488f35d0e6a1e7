"""A drawing in fewer bytes looks the same: the same leaves in the same order, each with the style that it had."""

from __future__ import annotations

import copy
import re
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayes_csc.report.charts.method.sensitivity_charts import specification_curves
from bayes_csc.report.drawing.compact_svg import compact, steps
from bayes_csc.report.drawing.style import look
from bayes_csc.report.drawing.svg import svg_element

DRAWING = """
<svg viewBox="0 0 10 10"><g><g><path d="M 0 0 L 10 0 z" style="fill: none"/></g>
<g><path d="M 1 1 L 2 2.5" clip-path="url(#a-0)" style="fill: none; stroke: red"/>
<path clip-path="url(#a-0)" style="fill: none; stroke: red"/>
<path d="M 3 1 L 2 2.5" clip-path="url(#a-0)" style="fill: none; stroke: red"/></g>
<g id="a-1"><path d="M 1 1" data-tip="x" style="opacity: 0; fill: red"/>
<path d="M 1 1" data-tip="y" style="opacity: 0; fill: red"/></g>
<g><text style="fill: ink" x="3" transform="rotate(-0 3 4)">a</text></g>
<g><text style="fill: ink" x="4" transform="rotate(-90 3 4)">b</text></g></g></svg>
"""


def leaves(element: ET.Element, inherited: tuple[str, ...] = ()) -> list[tuple[object, ...]]:
    """Each drawn element: its tag and text, where it is, and every style that applies to it, outermost first."""
    own = re.sub(r"\s*([:;])\s*", r"\1", element.get("style", "") + "|" + element.get("clip-path", ""))
    carried = (*inherited, own) if own != "|" else inherited
    if len(element):
        return [leaf for child in element for leaf in leaves(child, carried)]
    if element.tag == "path" and not element.get("d"):
        return []
    if element.tag == "text":
        return [("text", element.text, element.get("x"), None, carried)]
    each = re.findall(r"M[^M]*", element.get("d", ""))
    return [(element.tag, None, steps(d), element.get("data-tip"), carried) for d in each]


def test_every_leaf_keeps_its_place_and_its_style() -> None:
    before = ET.fromstring(DRAWING)
    after = copy.deepcopy(before)
    compact(after)
    assert leaves(after) == leaves(before)


def test_uses_in_groups_of_one_look_keep_their_style() -> None:
    """A group that was taken apart must not be compacted once more: it would take the style of what it held."""
    use = '<use href="#s" x="1" y="2" style="fill-opacity: 0; stroke: red"/>'
    other = '<use href="#s" x="1" y="2" style="fill: red"/>'
    drawing = ET.fromstring(f"""<svg><g><g clip-path="url(#a)">{2 * use}</g></g>
        <g><g clip-path="url(#a)">{other}</g></g></svg>""")
    compact(drawing)
    assert looks(drawing) == ["fill-opacity:0;stroke:red"] * 2 + ["fill:red"]


def looks(element: ET.Element, inherited: str = "") -> list[str]:
    """The style that applies to each use, in the order of the drawing."""
    own = re.sub(r"\s*([:;])\s*", r"\1", element.get("style", "")) or inherited
    return [own] if element.tag == "use" else [look for child in element for look in looks(child, own)]


def test_the_hollow_dots_of_specification_curves_are_hollow_in_every_panel() -> None:
    """Three panels, each with two variants that ask another question; the base's dot alone is solid."""
    rows = pd.DataFrame([
        {"authority": code, "name": code, "variant": variant, "p_decline": p, "p_decline_mcse": 0.01, "gate": "passed"}
        for code in ("a", "b", "c") for variant, p in (("base", 0.3), ("one", 0.2), ("two", 0.6), ("same", 0.4))
    ])  # fmt: skip
    with look():
        drawing = svg_element(specification_curves(rows, 0.5, ["one", "two"]), "s", "t", "d")
    dots = [style for style in looks(drawing) if "stroke:var(--ink)" in style]
    assert [("fill-opacity:0" in style, "fill:var(--ink)" in style) for style in dots] == 3 * [
        (True, False), (True, False), (False, True),
    ]  # fmt: skip


def test_what_several_in_a_row_share_is_said_once_but_opacity_is_each_ones_own() -> None:
    drawing = ET.fromstring(DRAWING)
    compact(drawing)
    text = ET.tostring(drawing, encoding="unicode")
    assert text.count("stroke:red") == 1
    assert text.count("opacity:0") == 2
    assert "rotate(-0" not in text
    assert "rotate(-90" in text
    assert len(text) < 0.75 * len(DRAWING)


@given(st.lists(st.tuples(st.floats(-500, 2000), st.floats(-500, 2000)), min_size=1, max_size=40), st.booleans())
def test_a_path_by_its_steps_stays_within_a_tenth_of_a_point(points: list[tuple[float, float]], closed: bool) -> None:
    line = " L ".join(f"{x:.2f} {y:.2f}" for x, y in points)
    made = steps(f"M {line}{' z' if closed else ''}")
    numbers = np.array(re.findall(r"-?(?:\d+\.?\d*|\.\d+)", made), dtype=float).reshape(-1, 2)
    there = np.array(points)
    if len(numbers) < len(points):  # the last point is the first again, and closing goes there
        assert closed
        np.testing.assert_allclose(there[-1], there[0], atol=0.111)
        there = there[:-1]
    np.testing.assert_allclose(np.cumsum(numbers, axis=0), there, atol=0.0551)
    assert made.endswith("z") == closed


@pytest.mark.parametrize("d", ["M 0 1 C 1 2 3 4 5 6", "M 0 0 Q 1 1 2 2 L 3 3"])
def test_curves_keep_their_numbers(d: str) -> None:
    assert re.findall(r"[\d.]+|[A-Z]", steps(d)) == re.findall(r"[\d.]+|[A-Z]", d)


DOTS = """
<svg><defs>
<path id="a-1" d="M 0 2 C 1.1 2 2 1.1 2 0 C 2 -1.1 1.1 -2 0 -2 C -1.1 -2 -2 -1.1 -2 0 C -2 1.1 -1.1 2 0 2 z"/>
<path id="a-2" d="M 0 -2 L 2 0 L 0 2 L -2 0 z"/></defs><g><use href="#a-1" x="3.04" y="4" style="fill: red"/>
<use href="#a-1" x="5" y="6" style="fill: red"/><use href="#a-2" x="7" y="8" style="fill: red"/></g></svg>
"""


def test_dots_become_ends_of_lines_of_their_width_and_other_marks_stay() -> None:
    drawing = ET.fromstring(DOTS)
    compact(drawing)
    dots = [path for path in drawing.iter("path") if path.get("id") is None]
    assert [path.attrib for path in dots] == [
        {"d": "M3 4h0M5 6h0", "style": "fill:none;stroke:red;stroke-width:4;stroke-linecap:round"}
    ]
    assert [use.get("href") for use in drawing.iter("use")] == ["#a-2"]
    assert [path.get("id") for path in drawing.iter("path") if path.get("id")] == ["a-2"]


def test_what_is_there_for_the_pointer_alone_is_one_element_with_its_words() -> None:
    words = "<svg><g data-tip='x'><path d='M 1 1 L 2 1 L 2 2 z' style='fill: none; opacity: 0'/></g></svg>"
    drawing = ET.fromstring(words)
    compact(drawing)
    assert [(e.tag, e.attrib) for e in drawing] == [("path", {"data-tip": "x", "d": "M1 1l1 0 0 1z"})]


def test_shapes_that_would_shine_through_are_not_joined() -> None:
    shapes = "".join(f"<path d='M {x} 1 L 9 9' style='fill:none;stroke:red{{}}'/>" for x in (1, 2))
    for more, paths in (("", 1), (";stroke-opacity:0.5", 2)):
        drawing = ET.fromstring(f"<svg>{shapes.format(more, more)}</svg>")
        compact(drawing)
        assert len(list(drawing.iter("path"))) == paths
