"""A page's elements, read as a browser reads them."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "br", "hr", "img", "link", "input"}
ENDED_BY = {"td": ("td", "th"), "th": ("td", "th"), "tr": ("td", "th", "tr"), "tbody": ("td", "th", "tr")}
"""Tags, and what their beginning or end leaves behind without an end tag: the HTML standard's optional ones."""


class Page(HTMLParser):
    """Every element, with its attributes and its text; fails on a tag that is not closed in its order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[dict[str, str]] = []
        self.elements: list[dict[str, str]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._leave(ENDED_BY.get(tag, ()))
        made = {"tag": tag, "text": "", "inside": " ".join(e["tag"] for e in self.open)}
        made |= {name: value or "" for name, value in attrs}
        self.elements.append(made)
        if tag not in VOID:
            self.open.append(made)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("thead", "tbody"):
            self._leave(ENDED_BY["tbody"])
        assert self.open.pop()["tag"] == tag

    def _leave(self, tags: tuple[str, ...]) -> None:
        while self.open and self.open[-1]["tag"] in tags:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        for each in self.open:
            each["text"] += data

    def all(self, *tags: str) -> list[dict[str, str]]:
        return [each for each in self.elements if each["tag"] in tags]

    def table(self, caption: str) -> list[list[str]]:
        """Rows of the table of a caption, its heading among them; what rows share is said of each."""
        rows: list[list[str]] = []
        here, group, named = False, "", ""
        for each in self.elements:
            if each["tag"] == "table":
                group = named = each.get("data-group", "")
            if each["tag"] == "caption":
                here = each["text"] == caption
            elif here and each.get("scope") == "rowgroup":
                named = each["text"]
                rows.pop()
            elif here and each["tag"] == "tr":
                rows.append([named] if group else [])
            elif here and each["tag"] in ("th", "td"):
                rows[-1].append(each["text"])
        return rows
