"""The pages of a report in a real browser: silent, sortable, reachable by keyboard, printable, nowhere overlapping."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import axe_source, needs_chromium
from shown_page import A4_TEXT, OVERLAPS, shown
from simulated_report import findings

from bayes_csc.files.csv_toml import guarded
from bayes_csc.report.export.browser import Tab, browser, print_pdf
from bayes_csc.report.site import write_site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    needs_chromium()
    folder = tmp_path_factory.mktemp("site") / "hamlets"
    write_site(findings(), folder, cores=1)
    return folder


@pytest.fixture(scope="module")
def tab(site: Path) -> Iterator[Tab]:
    with browser() as opened:
        yield opened


PAGES = ("index.html", "method.html", "data.html", "authority-401.html", "authority-405.html", "authority-408.html")
WIDTHS = (360, 768, 1280, 1920)


def key(tab: Tab, name: str) -> None:
    code = {"Tab": 9, "Enter": 13}[name]
    text = {"text": "\r"} if name == "Enter" else {}
    tab.call("Input.dispatchKeyEvent", type="keyDown", key=name, code=name, windowsVirtualKeyCode=code, **text)
    tab.call("Input.dispatchKeyEvent", type="keyUp", key=name, code=name, windowsVirtualKeyCode=code)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_loads_without_an_error_or_a_request_and_is_soon_there(tab: Tab, site: Path, name: str) -> None:
    tab.events.clear()
    shown(tab, site, name)
    tab.evaluate("new Promise(done => setTimeout(done, 50))")
    methods = [event.get("method") for event in tab.events]
    asked = [e["params"]["request"]["url"] for e in tab.events if e.get("method") == "Network.requestWillBeSent"]
    assert [url for url in asked if not url.startswith("file:")] == []
    assert len(asked) == 1
    assert "Runtime.exceptionThrown" not in methods
    logged = [e["params"]["entry"] for e in tab.events if e.get("method") == "Log.entryAdded"]
    said = [e["params"] for e in tab.events if e.get("method") == "Runtime.consoleAPICalled"]
    assert logged == said == []


def test_a_page_is_interactive_within_a_second_and_a_half_of_its_processor(tab: Tab, site: Path) -> None:
    tab.call("Performance.enable", timeDomain="threadTicks")
    shown(tab, site, "authority-401.html")
    metrics = {m["name"]: m["value"] for m in tab.call("Performance.getMetrics")["metrics"]}
    work = sum(metrics[n] for n in ("ScriptDuration", "LayoutDuration", "RecalcStyleDuration"))
    assert work < 1.5
    tab.call("Performance.disable")


def test_the_list_sorts_both_ways_and_filters(tab: Tab, site: Path) -> None:
    shown(tab, site, "index.html")
    column = 5
    cells = f"[...document.querySelector('table.sortable').tBodies[0].rows].map(r => r.cells[{column}].textContent)"
    click = f"document.querySelectorAll('table.sortable')[0].tHead.rows[0].cells[{column}].firstChild.click()"
    tab.evaluate(click)
    up = [float(v) for v in tab.evaluate(cells) if v]
    tab.evaluate(click)
    down = [float(v) for v in tab.evaluate(cells) if v]
    assert up == sorted(up)
    assert down == up[::-1]
    assert len(up) == 5
    assert tab.evaluate(cells)[-1] == ""  # what has no figure is last, either way
    tab.evaluate(
        "(() => { const f = document.querySelector('.filter input'); f.value = 'MAPLE';"
        " f.dispatchEvent(new Event('input')); })()"
    )
    rows = "[...document.querySelector('table.sortable').tBodies[0].rows].filter(r => !r.hidden).length"
    assert tab.evaluate(rows) == 1


def test_a_table_is_saved_as_csv_with_its_numbers(tab: Tab, site: Path) -> None:
    shown(tab, site, "authority-402.html")
    saved = tab.evaluate(
        """new Promise(async (done) => {
          URL.createObjectURL = (blob) => { blob.text().then(done); return 'blob:none'; };
          document.querySelector('#answer').closest('section').querySelector('.tools button').click();
        })"""
    )
    own = next(p for p in findings().pages if p.code == "402")
    lines = saved.removeprefix("\ufeff").strip().split("\r\n")
    assert len(lines) == 1 + len(own.fan)
    first = float(lines[1].split(",")[1])
    assert abs(first - own.fan["median"].iloc[0]) < 0.006


def test_a_table_whose_rows_share_a_name_repeats_it_in_its_csv(tab: Tab, site: Path) -> None:
    shown(tab, site, "authority-402.html")
    saved = tab.evaluate(
        """new Promise(async (done) => {
          URL.createObjectURL = (blob) => { blob.text().then(done); return 'blob:none'; };
          document.querySelector('table[data-group]').closest('details').querySelector('.tools button').click();
        })"""
    )
    head, *rows = csv.reader(saved.removeprefix("\ufeff").splitlines())
    own = next(p for p in findings().pages if p.code == "402")
    used = own.figures[own.figures["indicator"].isin(findings().used)]
    assert head[:3] == ["Indicator", "Year", "Observed"]
    assert {len(row) for row in rows} == {len(head)}
    labels = [f"{findings().panel.indicators[k].label}, {own.units[k].name}" for k in used["indicator"]]
    assert sorted(zip(labels, used["year"], strict=True)) == sorted((row[0], int(row[1])) for row in rows)


def test_a_saved_csv_has_no_formula_and_its_numbers_are_numbers(tab: Tab, site: Path) -> None:
    shown(tab, site, "authority-402.html")
    texts = [
        "=A1",
        "+A1",
        "-1+A1",
        "@A1",
        "-1 =cmd|' /C calc'!A0",
        "'=A1",
        "\u22120.25",
        "+1.5%",
        "-0.1 to +0.2",
        "Leeds",
    ]
    saved = tab.evaluate(
        """new Promise(async (done) => {
          URL.createObjectURL = (blob) => { blob.text().then(done); return 'blob:none'; };
          const section = document.querySelector('#answer').closest('section');
          const rows = [...section.querySelector('table').tBodies[0].rows];
          TEXTS.forEach((text, i) => { rows[i % rows.length].cells[i < rows.length ? 0 : 1].textContent = text; });
          section.querySelector('.tools button').click();
        })""".replace("TEXTS", json.dumps(texts))
    )
    cells = {cell for row in csv.reader(saved.removeprefix("\ufeff").splitlines()) for cell in row}
    expected = [guarded(text.replace("\u2212", "-")) for text in texts]
    assert [text for text in expected if text not in cells] == []
    assert not cells & {"=A1", "+A1", "-1+A1", "@A1", "-1 =cmd|' /C calc'!A0"}


def test_the_keyboard_alone_reaches_everything_and_sorts(tab: Tab, site: Path) -> None:
    shown(tab, site, "index.html")
    tab.evaluate(
        """window.wanted = [...document.querySelectorAll("a[href], button, input, select, summary, [tabindex='0']")]
          .filter((e) => !e.closest("details:not([open]) > :not(summary)")); document.body.focus();"""
    )
    total = tab.evaluate("window.wanted.length")
    for _ in range(total + 5):
        key(tab, "Tab")
        tab.evaluate("(window.reached ??= new Set()).add(document.activeElement)")
    missed = tab.evaluate("window.wanted.filter(e => !window.reached.has(e)).map(e => e.outerHTML.slice(0, 80))")
    assert missed == []
    tab.evaluate("document.querySelector('table.sortable thead button').focus()")
    key(tab, "Enter")
    assert tab.evaluate("document.querySelector('table.sortable th').getAttribute('aria-sort')") == "ascending"


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES[:5])
def test_nothing_overlaps_or_hangs_over_the_edge(tab: Tab, site: Path, name: str, width: int) -> None:
    shown(tab, site, name, width)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.evaluate(OVERLAPS) == []


LABELS = """[...document.querySelectorAll("svg text")].filter((t) => t.getBoundingClientRect().width)
  .map((t) => parseFloat(getComputedStyle(t).fontSize) * t.ownerSVGElement.getBoundingClientRect().width
    / t.ownerSVGElement.viewBox.baseVal.width)"""
"""Heights of all labels that are shown, pixels."""


@pytest.mark.parametrize("name", PAGES)
def test_every_chart_on_a_telephone_is_whole_and_its_labels_can_be_read(tab: Tab, site: Path, name: str) -> None:
    shown(tab, site, name, 390)
    tab.evaluate("document.querySelectorAll('.evidence').forEach((e) => { e.open = true; })")
    sizes = tab.evaluate(LABELS)
    assert len(sizes) > 20
    assert min(sizes) >= 11.0
    wide = "[...document.querySelectorAll('svg')].filter((e) => e.getBoundingClientRect().right > 390).length"
    assert tab.evaluate(wide) == 0
    assert tab.evaluate("document.querySelectorAll('.chart .scroll, .scroll .chart').length") == 0
    rows = "[...document.querySelectorAll('.wide')].every((e) => getComputedStyle(e).display === 'none')"
    assert tab.evaluate(rows)


def test_the_list_is_a_card_an_authority_on_a_telephone_and_still_a_table_to_those_who_hear_it(
    tab: Tab, site: Path
) -> None:
    shown(tab, site, "index.html", 390)
    card = "document.querySelector('table.cards tbody tr')"
    assert tab.evaluate(f"getComputedStyle({card}).display") == "block"
    assert tab.evaluate(f"{card}.getBoundingClientRect().right") <= 390
    labels = f"[...{card}.querySelectorAll('td')].map((cell) => getComputedStyle(cell, '::before').content)"
    heads = "[...document.querySelectorAll('table.cards thead')][0].innerText"
    said, named = tab.evaluate(labels), tab.evaluate(heads)
    assert all(text.split('"')[1] in named for text in said)
    roles = tab.evaluate(f"[...new Set([...{card}.children].map((cell) => cell.getAttribute('role')))]")
    assert roles == ["rowheader", "cell"]
    assert tab.evaluate(f"{card}.getAttribute('role')") == "row"


@pytest.mark.parametrize("name", PAGES)
def test_nothing_hangs_over_the_edge_of_a_printed_page(tab: Tab, site: Path, name: str) -> None:
    shown(tab, site, name, A4_TEXT, media="print")
    wide = tab.evaluate(
        "[...document.querySelectorAll('main *')].filter(e => !e.closest('svg *') && "
        f"e.getBoundingClientRect().right > {A4_TEXT} + 1 && e.offsetParent)"
        ".map(e => `${e.tagName} ${e.textContent.slice(0, 40)}`)"
    )
    assert wide == []


def test_pages_print_as_pdf_with_numbers_and_uncut_charts(tab: Tab, site: Path, tmp_path: Path) -> None:
    tab.call("Emulation.setEmulatedMedia", media="", features=[])
    sheets = {}
    for full in (False, True):
        print_pdf(site / "authority-402.html", tmp_path / "one.pdf", tab, full=full)
        data = (tmp_path / "one.pdf").read_bytes()
        assert data.startswith(b"%PDF-")
        sheets[full] = len(re.findall(rb"/Type\s*/Page\b", data))
    assert sheets[False] == 1
    assert sheets[True] > 3
    rule = "getComputedStyle(document.querySelector('figure > .chart > .wide')).breakInside"
    shown(tab, site, "authority-402.html", A4_TEXT, media="print")
    assert tab.evaluate(rule) == "avoid"


def test_other_settings_follow_from_the_draws(tab: Tab, site: Path) -> None:
    shown(tab, site, "authority-402.html")
    own = next(p for p in findings().pages if p.code == "402")
    said = tab.evaluate("document.querySelector('.answer').textContent")
    p = float(re.search(r"probability (\d\.\d\d)\)", said)[1])  # type: ignore[index]
    assert abs(p - own.decline["p_decline"]) < 0.011
    set_to = (
        "(() => {{ const f = document.querySelector('form.what-if'); f.elements.epsilon.value = '{}';"
        " f.dispatchEvent(new Event('input')); return document.querySelector('.answer').textContent; }})()"
    )
    least, most = (
        float(re.search(r"probability (\d\.\d\d)\)", tab.evaluate(set_to.format(e)))[1])  # type: ignore[index]
        for e in (1.5, 0)
    )
    assert least < p < most


def test_other_settings_of_a_group_list_its_authorities(tab: Tab, site: Path) -> None:
    shown(tab, site, "index.html")
    rows = tab.evaluate(
        "(() => { const f = document.querySelector('form.what-if'); f.elements.group.value = 'all';"
        " f.dispatchEvent(new Event('input')); return document.querySelectorAll('.answer tbody tr').length; })()"
    )
    assert rows == len(findings().authorities)
    changed = (
        "(() => {{ const f = document.querySelector('form.what-if'); f.elements.horizon.value = '{}';"
        " f.dispatchEvent(new Event('input')); const rows = [...document.querySelectorAll('.answer tbody tr')];"
        " return Object.fromEntries(rows.map(r => [r.cells[0].textContent, r.cells[1].textContent])); }})()"
    )
    for period, column in (("inspection", "p_decline"), ("2", "p_recent_decline")):
        said = tab.evaluate(changed.format(period))
        for row in findings().decline.to_dict("records"):
            told = said[row["name"]]
            assert told == "" if row[column] != row[column] else abs(float(told) - row[column]) < 0.011
    assert tab.evaluate(changed.format("3")) != said
    drawn = "[...document.querySelectorAll('.interval')].every(e => e.closest('#group ~ *'))"
    assert tab.evaluate(drawn)  # the intervals are drawn once, in the list
    assert tab.evaluate("document.querySelectorAll('.interval').length") == 5


def test_a_pointer_shows_what_it_is_over(tab: Tab, site: Path) -> None:
    shown(tab, site, "authority-402.html")
    x, y = tab.evaluate(
        """(() => { const over = document.querySelector('#answer ~ figure [data-tip]');
          over.scrollIntoView({ block: 'center' });
          const r = over.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()"""
    )
    tip = "(() => { const t = document.querySelector('.tip'); return t.hidden ? '' : t.textContent; })()"
    tab.call("Input.dispatchMouseEvent", type="mouseMoved", x=2, y=2)
    assert tab.evaluate(tip) == ""
    tab.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
    assert "median" in tab.evaluate(tip)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", PAGES[:5])
def test_axe_finds_no_violation(tab: Tab, site: Path, axe: str, name: str, dark: bool) -> None:
    shown(tab, site, name, dark=dark)
    tab.evaluate(axe)
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    options = json.dumps({"runOnly": {"type": "tag", "values": tags}, "resultTypes": ["violations"]})
    found = tab.evaluate(
        f"axe.run(document, {options}).then(r => r.violations.map(v => [v.id, v.nodes.length, "
        "v.nodes[0].html.slice(0, 120), (v.nodes[0].any[0] || {}).message]))"
    )
    assert found == []


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    return axe_source(tmp_path_factory.mktemp("axe"))


def test_a_browser_ends_when_it_is_no_longer_needed(site: Path) -> None:
    with browser() as other:
        shown(other, site, "method.html")
    time.sleep(0.1)
    with pytest.raises(OSError, match=r"."):
        other.call("Page.enable")


def test_a_browser_starts_where_a_fork_frees_the_descriptors_that_it_talks_by() -> None:
    """Matplotlib's fonts are open on the lowest descriptors, and it closes them in a forked process."""
    needs_chromium()
    script = (
        "import os\n"
        "from bayes_csc.report.export.browser import browser\n"
        "taken = [os.open(os.devnull, os.O_RDONLY) for _ in range(6)]\n"
        "os.register_at_fork(after_in_child=lambda: [os.close(n) for n in taken])\n"
        "with browser() as tab: print(taken[:2], tab.evaluate('6 * 7'))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout == "[3, 4] 42\n", done.stderr
