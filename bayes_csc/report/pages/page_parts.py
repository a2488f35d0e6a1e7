"""What the pages of a report have in common: navigation, charts with their tables, notices, the foot."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from typing import Any

from bayes_csc.panel.calendar import day
from bayes_csc.report.drawing.chart import Chart
from bayes_csc.report.drawing.html import Content, element, figure, folded, page_text, resource, table
from bayes_csc.report.findings.collect import Findings
from bayes_csc.report.findings.companions import Missing

PAGES = (("index", "Overview"), ("method", "Method"), ("data", "Data"))
SENSITIVITY_LINK = ("sensitivity", "Sensitivity")
Section = tuple[str, str, list[Content]]


def charted(
    chart: Chart, title: str, header: Sequence[str], rows: Sequence[Sequence[str]], *, stubs: int = 1,
    texts: Sequence[int] = (), group: str = "",
) -> ET.Element:  # fmt: skip
    """Return a chart with its words and, folded away, the table behind it, of a title of its own."""
    behind = table(title, header, rows, stubs=stubs, texts=texts, group=group, class_="csv")
    return figure(chart, folded(f"Table: {title[0].lower()}{title[1:]}", behind))


def pieces[T](items: Sequence[T], most: int) -> list[Sequence[T]]:
    """Cut a sequence into as few parts as hold `most` each, alike in length: charts that fit a printed page.

    Examples
    --------
    >>> pieces("abcde", 3), pieces("ab", 3), pieces("", 3)
    (['abc', 'de'], ['ab'], [])
    """
    size = -(-len(items) // max(-(-len(items) // most), 1))
    return [items[first : first + size] for first in range(0, len(items), size)] if size else []


def missing(part: Missing) -> ET.Element:
    """Return what stands in place of a part whose input is not there."""
    return element(
        "div", element("p", part.sentence), element("pre", element("code", part.command)), class_="missing", role="note"
    )


def links_beside(found: Findings) -> list[tuple[str, str]]:
    """Return slug and title of the pages beside the overview and the method that belong to no authority."""
    return [SENSITIVITY_LINK] if found.sensitivity_page else []


def navigation(current: str, others: Sequence[tuple[str, str]] = ()) -> ET.Element:
    """Return the links that every page begins with: past the navigation, and to the other pages."""
    links = []
    for slug, title in (*PAGES, *others):
        here = {"aria_current": "page"} if slug == current else {}
        links.append(element("li", element("a", title, href=f"{slug}.html", **here)))
    return element(
        "header",
        element("a", "To the content", href="#content", class_="skip"),
        element("nav", element("ul", *links), aria_label="Report"),
    )


def site_page(
    title: str, facts: Sequence[Content], sections: Sequence[Section], about: dict[str, Any], *, slug: str,
    others: Sequence[tuple[str, str]] = (), data: Any = None, first: int | None = None,
) -> str:  # fmt: skip
    """Return a page of the report as text; of its sections the `first` stand open, the others are folded evidence."""
    made = [element("section", element("h2", heading, id=key), *content) for key, heading, content in sections]
    evidence = made[first:] if first is not None else []
    links = [element("li", element("a", heading, href=f"#{key}")) for key, heading, _ in sections]
    return page_text(
        f"{title}: {about['panel']}",
        element("h1", title),
        *([element("p", element("strong", str(about["old_panel"])), class_="warning")] if "old_panel" in about else []),
        *([element("p", element("strong", str(about["warning"])), class_="warning")] if "warning" in about else []),
        *([element("p", element("strong", "A preview: a quick answer, not the full posterior."))]
          if about["preview"] else []),
        *facts,
        element("nav", element("ul", *links), aria_label="On this page", class_="sections"),
        *made[: len(made) - len(evidence)],
        *([element("details", element("summary", "Evidence"), *evidence, class_="evidence")] if evidence else []),
        foot(about),
        before=navigation(slug, others),
        script=resource("page.js"),
        data=data,
    )  # fmt: skip


def foot(about: dict[str, Any]) -> ET.Element:
    """Return to which days its data run, and where a page's numbers come from."""
    return element(
        "footer",
        element(
            "p", f"{about['data_days']} Panel {about['panel']}, dated {about['panel_date']}, hash ",
            element("code", about["panel_hash"]),
            f"; spec {about['spec']}, seed {about['seed']}; bayescsc {about['versions']['bayescsc']}. Made on "
            f"{day(about['made'])}. Intervals are "
            f"{about['interval']['probability']:.0%}, equal-tailed, unless said otherwise.", class_="muted",
        ),
    )  # fmt: skip


def paragraphs(*texts: str) -> list[Content]:
    """Return each text that is not empty as a paragraph."""
    return [element("p", text) for text in texts if text]


def bullets(texts: Sequence[str]) -> ET.Element:
    """Return texts as a list."""
    return element("ul", *(element("li", text) for text in texts))
