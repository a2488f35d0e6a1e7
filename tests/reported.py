"""A report's findings and pages, made once: the hamlets with a name that is markup, and authorities of every kind."""

from __future__ import annotations

import dataclasses
import functools
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd

from bayes_csc.diagnostics import Gate
from bayes_csc.findings.findings import Findings, gather
from bayes_csc.fit import Fit, preview
from bayes_csc.panel import Panel
from bayes_csc_models import trajectory

HAMLETS = Path(__file__).parent / "hamlets"
NASTY = "O’Brien, Æ <script>alert('1')</script> & \"$x$\""
PASSED = Gate(True, 1.001, 900.0, 800.0, 0.9, 0, (), "")
VOID = {"meta", "br", "hr", "img", "link", "input"}


def hamlets() -> Panel:
    """Elm has a name that is markup, Fern was judged once, Gorse eight years ago, Ivy never; Hazel cannot get worse."""
    panel = Panel.read(HAMLETS)
    rows = panel.inspections
    rows = rows[rows["authority"] != "405"]
    once = (rows["authority"] == "402") & (rows["start_date"] < "2022-01-01")
    old = rows["authority"] == "403"
    rows = rows[~once & ~(old & (rows["start_date"] > "2019-01-01"))].copy()
    moved = rows["authority"] == "403"
    rows.loc[moved, ["start_date", "publication_date"]] = [pd.Timestamp("2014-09-10"), pd.Timestamp("2014-11-10")]
    rows.loc[moved, "grade"] = 3
    table = panel.authorities.copy()
    table.loc["401", "name"] = NASTY
    table.loc["402", "neighbours"] = "401 403"
    labels = {k: dataclasses.replace(i, label=f"{i.label} {NASTY}") for k, i in panel.indicators.items()}
    return dataclasses.replace(
        panel, inspections=rows.reset_index(drop=True), authorities=table, indicators=labels, readme=f"# {NASTY}\n"
    )


@functools.cache
def fitted() -> Fit:
    run = preview(hamlets(), trajectory, seed=3, chains=2, draws=40)
    return dataclasses.replace(run, gate=PASSED)


@functools.cache
def findings() -> Findings:
    return gather(fitted(), trajectory, Path("runs/none"), equations="theta = ...", group="all")


class Page(HTMLParser):
    """Elements of a page with their attributes and texts; fails on a tag that is not closed in its order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[dict[str, str]] = []
        self.elements: list[dict[str, str]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        made = {"tag": tag, "text": "", "inside": " ".join(e["tag"] for e in self.open)}
        made |= {name: value or "" for name, value in attrs}
        self.elements.append(made)
        if tag not in VOID:
            self.open.append(made)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop()["tag"] == tag

    def handle_data(self, data: str) -> None:
        for each in self.open:
            each["text"] += data

    def all(self, *tags: str) -> list[dict[str, str]]:
        return [each for each in self.elements if each["tag"] in tags]

    def table(self, caption: str) -> list[list[str]]:
        """Rows of the table of a caption, its heading among them."""
        rows: list[list[str]] = []
        here = False
        for each in self.elements:
            if each["tag"] == "caption":
                here = each["text"] == caption
            elif here and each["tag"] == "tr":
                rows.append([])
            elif here and each["tag"] in ("th", "td"):
                rows[-1].append(each["text"])
        return rows
