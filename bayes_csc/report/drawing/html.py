"""Elements of an HTML page: every text is escaped by the writer, so that names in the data stay text."""

from __future__ import annotations

import functools
import importlib.resources
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from bayes_csc.files import write_files
from bayes_csc.files.decoding import visible
from bayes_csc.report.drawing.canvas import Canvas
from bayes_csc.report.drawing.chart import Chart
from bayes_csc.report.drawing.layout import legend_canvas
from bayes_csc.report.drawing.style import NARROW, WIDTH, drawing_css, palette_css
from bayes_csc.report.drawing.svg import svg_element

Content = ET.Element | str | None
MOST_COLUMNS = 12
"""Up to here a column of a table can be of words among columns of figures."""
OPTIONAL = "</t[dhr]>"
"""Ends of cells and rows, which HTML does without: a tenth of a page."""
EMPTY_SHAPE = "></(?:path|use|rect)>"
"""End of an empty shape of a drawing, which may close itself."""
ALIGNED = ",".join(f".text-{n} :is(td,th):nth-child({n})" for n in range(1, MOST_COLUMNS + 1)) + (
    "{text-align:left;white-space:normal}\n"
)


def element(tag: str, *content: Content, **attributes: str) -> ET.Element:
    """An element with texts and elements inside; None is left out.

    Attributes are written with underscores, and `class_` for class.

    Examples
    --------
    >>> ET.tostring(element("p", "a < b", element("b", "c"), "d", class_="x"), encoding="unicode", method="html")
    '<p class="x">a &lt; b<b>c</b>d</p>'
    """
    made = ET.Element(tag, {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()})
    for part in content:
        if isinstance(part, ET.Element):
            made.append(part)
        elif part is not None and len(made):
            made[-1].tail = (made[-1].tail or "") + part
        elif part is not None:
            made.text = (made.text or "") + part
    return made


def table(
    caption: str,
    header: Sequence[str],
    rows: Iterable[Sequence[Content]],
    *,
    stubs: int = 1,
    texts: Sequence[int] = (),
    group: str = "",
    class_: str = "",
    cards: bool = False,
) -> ET.Element:
    """A table in a region that scrolls by itself where it is wide.

    Parameters
    ----------
    caption
        What it holds.
    header
        Head of each column.
    rows
        Texts of each row.
    stubs
        How many leading columns name the row: the last of them is its heading.
    texts
        Columns of words, which are set to the left as the leading ones are; the others hold figures.
    group
        Where not blank: the name of a column before those of the header, which each row begins with as well. Rows that
        share it stand together under it, said once; a CSV repeats it.
    class_
        Of the table: "sortable" where the page's script lets the reader sort and filter it.
    cards
        Whether each row becomes a card on a telephone, its cells below each other with the heads of their columns; it
        stays a table to those who hear it.
    """
    left = {*range(stubs), *texts}
    bodies = []
    for named, own in groupby(rows, lambda row: row[0] if group else None):
        body = element("tbody")
        if group:
            wide = element("th", named, scope="rowgroup", colspan=str(len(header)))
            body.append(element("tr", wide))
        for row in own:
            line = ET.SubElement(body, "tr")
            for place, text in enumerate(row[1:] if group else row):
                line.append(element("th", text, scope="row") if place == stubs - 1 else element("td", text))
        bodies.append(body)
    heads = [element("th", name, scope="col") for name in header]
    # said once, by the table: a cell of its own class is a tenth of a page
    aligned = ["text"] if len(left) == len(header) else [f"text-{place + 1}" for place in sorted(left)]
    classes = " ".join([class_, *aligned] if class_ else aligned)
    made = element(
        "table", element("caption", caption), element("thead", element("tr", *heads)), *bodies, class_=classes
    )
    if group:
        made.set("data-group", group)
    if cards:
        _as_cards(made, header)
    return element("div", made, class_="scroll", role="region", tabindex="0", aria_label=caption)


def _as_cards(made: ET.Element, header: Sequence[str]) -> None:
    """Give a table's parts the roles that they lose where a style sheet lays them out, and cells their heads."""
    made.set("class", f"{made.get('class')} cards")
    made.set("role", "table")
    roles = {"thead": "rowgroup", "tbody": "rowgroup", "tr": "row", "td": "cell"}
    for part in made.iter():
        if part.tag == "th":
            part.set("role", "columnheader" if part.get("scope") == "col" else "rowheader")
        elif part.tag in roles:
            part.set("role", roles[part.tag])
    for row in made.iter("tr"):
        for name, cell in zip(header, row, strict=True):
            if cell.tag == "td":
                cell.set("data-label", name)


def folded(summary: str, *content: Content) -> ET.Element:
    """Content that unfolds on request, and in print."""
    return element("details", element("summary", summary), *content)


def figure(chart: Chart, behind: ET.Element) -> ET.Element:
    """A chart under its finding and what is shown, and the table behind it; drawn twice, for a wide page and a narrow.

    Small charts of one size are drawn once: the page sets as many side by side as there is room for.
    """
    ids = f"{chart.name}-title {chart.name}-shown"
    caption = element(
        "figcaption",
        element("strong", chart.title, id=f"{chart.name}-title"),
        " ",
        element("span", chart.subtitle, id=f"{chart.name}-shown"),
    )
    if not chart.panels:
        drawings = _twice(chart.canvas, ids)
    else:
        panels = (svg_element(panel) for panel in chart.panels)
        keys = _twice(lambda width: legend_canvas(chart.keys, width)) if chart.keys else []
        drawings = [*keys, element("div", *panels, class_="panels", role="img", aria_labelledby=ids)]
    return element("figure", caption, element("div", *drawings, class_="chart"), behind)


def _twice(draw: Callable[[float], Canvas], ids: str = "") -> list[ET.Element]:
    wide, narrow = draw(WIDTH), draw(NARROW)
    made = [
        svg_element(wide, labelled_by=ids, class_="drawing wide"),
        svg_element(narrow, labelled_by=ids, class_="drawing narrow", tips=False),
    ]
    for svg in made if not ids else ():
        svg.set("aria-hidden", "true")
    return made


def page_text(title: str, *body: Content, before: Content = None, script: str = "", data: Any = None) -> str:
    """A whole page as text, in English, with its style inside; nothing in it is fetched from elsewhere.

    Parameters
    ----------
    title
        Of the page.
    body
        Its content.
    before
        What stands before the content: the site's navigation.
    script
        Text of the site's own script.
    data
        Plain values that the script reads.
    """
    style = palette_css() + drawing_css() + resource("page.css") + ALIGNED
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        element("style", style),
    )
    scripts = []
    if data is not None:
        # a "<" could close the element that it stands in
        text = visible(json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False))
        text = text.replace("<", "\\u003c")
        scripts.append(element("script", text, id="draws", type="application/json"))
    scripts += [element("script", script)] if script else []
    content = element("body", before, element("main", *body, id="content"), *scripts)
    whole = visible(ET.tostring(element("html", head, content, lang="en-GB"), encoding="unicode", method="html"))
    return f"<!doctype html>\n{re.sub(EMPTY_SHAPE, '/>', re.sub(OPTIONAL, '', whole))}\n"


@functools.cache
def resource(name: str) -> str:
    """Text of a style sheet or script beside this file, without its indentation and comments."""
    text = importlib.resources.files("bayes_csc.report.drawing").joinpath(name).read_text("utf-8")
    text = re.sub(r"^\s*/\*.*?\*/\s*$|^\s*//.*$|(?<=[;{])\s+// .*$", "", text, flags=re.MULTILINE)
    if name.endswith(".css"):
        text = re.sub(r"\s*([{};:,])\s+", r"\1", text)
        text = re.sub(r" \{", "{", text)
    return re.sub(r"\n\s*", "\n", text).strip() + "\n"


def write_page(text: str, path: Path) -> None:
    """Write a page, whole or not at all; its folder is made where it is missing."""
    write_files(path.parent, {path.name: text})
