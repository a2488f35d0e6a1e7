"""The page of a panel: whole, closed, named, escaped, the same twice, and legible in either scheme and in grey."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest
from page_elements import Page
from paths import PANELS

from bayes_csc.panel.describe.panel_description import Description, described
from bayes_csc.panel.panel import Panel
from bayes_csc.report.drawing.html import element, page_text, table, write_page
from bayes_csc.report.drawing.style import PALETTE, STATUS_WORDS
from bayes_csc.report.pages.data_page import data_page

HAMLETS = PANELS / "hamlets"
NASTY = "Æ <script>alert('1')</script> & \"$x_1$\", O’Brien's; -->"


@pytest.fixture(scope="module")
def about(shipped: Panel) -> Description:
    return described(shipped)


@pytest.fixture(scope="module")
def text(about: Description) -> str:
    return data_page(about)


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


# The page as a document.


def test_every_tag_is_closed_and_ids_are_unique(page: Page) -> None:
    ids = [each["id"] for each in page.elements if "id" in each]
    assert len(ids) == len(set(ids))
    fragments = [each["href"] for each in page.elements if "href" in each]
    assert {link.removeprefix("#") for link in fragments} <= set(ids)


def test_nothing_is_fetched_and_nothing_runs(text: str, page: Page) -> None:
    assert not re.search(r"https?:|//\w|@import|url\((?!#)", text)
    assert page.all("script", "link", "img", "iframe", "object", "image") == []
    assert [each for each in page.elements if any(name.startswith("on") for name in each)] == []
    assert all(each.get("href", "#").startswith("#") for each in page.elements)


def test_language_title_and_headings_are_in_order(page: Page) -> None:
    assert page.all("html")[0]["lang"] == "en-GB"
    assert page.all("title")[0]["text"] == "England: the data"
    levels = [int(each["tag"][1]) for each in page.all("h1", "h2", "h3", "h4")]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert max(b - a for a, b in pairwise(levels)) == 1


def test_every_picture_has_a_name_a_finding_and_a_table_behind_it(page: Page, shipped: Panel) -> None:
    pictures = [each for each in page.all("svg", "div") if each.get("role") == "img" and "narrow" not in each["class"]]
    domains = {indicator.domain for indicator in shipped.indicators.values()}
    assert len(pictures) == 3 + len(domains)  # the two maps, covariates, and the national series of each domain
    words = {each.get("id"): each["text"] for each in page.all("strong", "span")}
    for each in pictures:
        finding, shown = (words[name] for name in each["aria-labelledby"].split())
        assert re.search(r"\d", finding)  # it says what was found, not only what is drawn
        assert shown
    behind = [each for each in page.all("table") if {"figure", "details"} <= set(each["inside"].split())]
    assert len(behind) == len(pictures) == len(page.all("figure"))


def test_every_table_has_a_caption_and_scoped_headings(page: Page) -> None:
    tables, captions = page.all("table"), page.all("caption")
    assert len(tables) == len(captions) > 8
    assert all(each["text"] for each in captions)
    assert {each.get("scope") for each in page.all("th")} == {"col", "row"}


def test_what_scrolls_can_be_reached_and_is_named(page: Page) -> None:
    regions = [each for each in page.elements if each.get("class") == "scroll"]
    assert len(regions) > 8
    assert all(each["tabindex"] == "0" and each["role"] == "region" and each["aria-label"] for each in regions)


def test_the_page_says_which_panel_it_is_of(about: Description, page: Page) -> None:
    body = page.all("body")[0]["text"]
    assert about.panel.hash in body
    assert "Panel dated 2025-12-31, with what was published by 2025-12-31." in body
    assert "Licence of the data: Open Government Licence v3.0." in body


def test_the_page_is_small_quick_and_the_same_twice(about: Description, text: str) -> None:
    started = time.process_time()
    again = data_page(described(about.panel))
    assert time.process_time() - started < 40.0  # some 90 charts
    assert again == text
    assert len(text.encode()) < 2_000_000


def test_the_reader_s_matplotlib_settings_change_nothing() -> None:
    import matplotlib as mpl

    small = described(Panel.read(HAMLETS))
    expected = data_page(small)
    with mpl.rc_context({"font.size": 20, "axes.facecolor": "red", "svg.fonttype": "path", "svg.hashsalt": None}):
        assert data_page(small) == expected


def test_figures_in_the_tables_are_those_of_the_description(about: Description, page: Page) -> None:
    lines: list[list[str]] = []
    for each in page.all("tr", "td", "th"):
        if each["tag"] == "tr":
            lines.append([])
        else:
            lines[-1].append(each["text"])
    told = {tuple(line[:2]): line for line in lines if len(line) == 10 and re.fullmatch(r"\d{4}", line[1])}
    assert len(told) == len(about.national)
    for (key, year), row in about.national.iterrows():  # type: ignore[misc]
        line = told[(about.label(str(key)), str(year))]
        assert line[4] == about.units[str(key)].full_text(row["value"])
        assert line[6:9] == [str(row["authorities"]), str(row["within"]), str(row["of"])]
    year = re.compile(r"\d{4}")
    counted = [
        line[2:] for line in lines if len(line) == 7 and all(map(str.isdigit, line[1:])) and year.fullmatch(line[1])
    ]
    found = np.array(counted, dtype=int)
    assert found.sum(axis=0).tolist() == about.coverage.sum().tolist()


# Texts from the data.


def test_names_with_markup_stay_text() -> None:
    panel = Panel.read(HAMLETS)
    indicators = {key: replace(each, label=f"{each.label} {NASTY}") for key, each in panel.indicators.items()}
    authorities = panel.authorities.assign(name=panel.authorities["name"] + NASTY)
    changed = replace(panel, name=NASTY, licence=NASTY, indicators=indicators, authorities=authorities)
    text = data_page(described(changed, threshold=1.0))
    page = Page(text)
    assert "<script>" not in text
    assert page.all("script") == []
    assert page.all("h1")[0]["text"] == f"{NASTY}: the data"
    names = {each["text"] for each in page.all("td", "th")}
    assert {f"Elm{NASTY}", f"Agency workers {NASTY}"} <= names
    # cut short in the picture, but neither markup nor mathematics there
    assert any(each["text"].startswith("Elm" + NASTY[:12]) for each in page.all("text"))


def test_an_attribute_cannot_be_closed_by_a_name() -> None:
    page = Page(page_text("t", table('a" onclick="x', ["b"], [['"><b>']])))
    region = next(each for each in page.elements if each.get("role") == "region")
    assert region["aria-label"] == 'a" onclick="x'
    assert page.all("th")[0]["scope"] == "col"
    assert page.all("b") == []


def test_texts_and_elements_alternate() -> None:
    assert "".join(element("p", "a", element("b", "c"), "d", None, "e").itertext()) == "acde"


# Files.


def test_a_page_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "new" / "page.html"
    write_page("old", path)
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("no space")))
    with pytest.raises(OSError, match="no space"):
        write_page("new", path)
    assert [(each.name, each.read_text()) for each in path.parent.iterdir()] == [("page.html", "old")]


# Colours.


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_and_lines_have_the_contrast_of_wcag_2_2_aa(scheme: int) -> None:
    paper = PALETTE["paper"][scheme]
    assert {role: contrast(PALETTE[role][scheme], paper) >= 4.5 for role in ("ink", "muted", "link")} == {
        "ink": True, "muted": True, "link": True
    }  # fmt: skip
    # tiles are outlined in the muted colour, so that even the palest stands out from the paper
    assert all(contrast(PALETTE[role][scheme], paper) >= 3 for role in ("line", "observed", "not_available", "muted"))


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_statuses_differ_in_lightness_so_that_grey_print_keeps_them_apart(scheme: int) -> None:
    def lightness(colour: str) -> float:
        return 116 * luminance(colour) ** (1 / 3) - 16

    fills = {status: lightness(PALETTE[status][scheme]) for status in STATUS_WORDS if status in PALETTE}
    assert len(fills) == 4
    assert min(abs(a - b) for a, b in combinations(fills.values(), 2)) >= 10


def test_a_chart_takes_its_colours_from_the_page(text: str) -> None:
    drawings = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    assert re.findall(r"#[0-9a-f]{6}\b|rgb\(", "".join(drawings)) == []
    used = set(re.findall(r"\b[fs]-([a-z0-9-]+)", " ".join(re.findall(r'class="([^"]*)"', "".join(drawings)))))
    assert used <= {role.replace("_", "-") for role in PALETTE}
    assert {"ink", "muted", "observed", "suppressed", "not-available", "line", "band"} <= used
    assert len({light for light, _ in PALETTE.values()}) == len(PALETTE)
