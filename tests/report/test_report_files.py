"""Other forms of a report: workbook, Markdown, JSON, single charts, the map's layout, and a server for this machine."""

from __future__ import annotations

import functools
import http.client
import json
import subprocess
import sys
import threading
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command_runner import command
from python_calamine import CalamineWorkbook
from simulated_report import NASTY, findings, fitted

from bayes_csc.errors import UsageError
from bayes_csc.panel.panel import Panel
from bayes_csc.report.charts import authority_charts as charts
from bayes_csc.report.charts.interval_chart import interval_chart
from bayes_csc.report.charts.method.specification_chart import specification_chart
from bayes_csc.report.charts.panels.indicator_chart import indicator_panels
from bayes_csc.report.charts.single_chart import authority_picture, write_chart
from bayes_csc.report.drawing.style import WIDTH
from bayes_csc.report.export.formats import check_formats
from bayes_csc.report.export.markdown import markdown
from bayes_csc.report.export.plain import json_text
from bayes_csc.report.export.spreadsheet import write_sheets, write_workbook
from bayes_csc.report.findings.authority import single
from bayes_csc.report.findings.authority.single import OneChart, gather_chart
from bayes_csc.report.findings.hexagon_layout import hexagon_layout
from bayes_csc.report.findings.tables import tables
from bayes_csc.report.findings.words.vocabulary import number
from bayes_csc.report.server import server
from bayes_csc.sources.places.hexagons import centres, hexagon_text, hexagons
from bayes_csc_models import trajectory

# The workbook.


def test_the_workbook_holds_the_tables_typed_and_the_same_bytes_twice(tmp_path: Path) -> None:
    write_workbook(findings(), tmp_path / "a.xlsx")
    write_workbook(findings(), tmp_path / "b.xlsx")
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()
    book = CalamineWorkbook.from_path(str(tmp_path / "a.xlsx"))
    parts = tables(findings())
    assert book.sheet_names == ["notes", *parts]
    head, *rows = book.get_sheet_by_name("decline").to_python()
    assert head == list(parts["decline"].columns)
    assert len(rows) == len(parts["decline"])
    at = head.index("p_decline")
    read = np.array([row[at] if row[at] != "" else np.nan for row in rows], dtype=float)
    np.testing.assert_array_equal(read, parts["decline"]["p_decline"].to_numpy())
    assert NASTY in {row[head.index("name")] for row in rows}


def test_a_text_that_looks_like_a_formula_stays_text_and_dates_are_dates(tmp_path: Path) -> None:
    sheet = pd.DataFrame({"a": ["=1+1", "\x01b", None], "b": pd.to_datetime(["2024-02-29", None, "1900-03-01"])})
    write_sheets({"one": sheet.assign(c=[True, False, True])}, tmp_path / "a.xlsx")
    rows = CalamineWorkbook.from_path(str(tmp_path / "a.xlsx")).get_sheet_by_index(0).to_python()
    assert [row[0] for row in rows] == ["a", "=1+1", "\ufffdb", ""]
    assert [str(row[1])[:10] for row in rows[1:]] == ["2024-02-29", "", "1900-03-01"]
    assert [row[2] for row in rows[1:]] == [True, False, True]
    with zipfile.ZipFile(tmp_path / "a.xlsx") as archive:
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")


# Markdown and JSON.


def test_markdown_names_every_authority_and_keeps_markup_as_text() -> None:
    text = markdown(findings())
    assert text.count("\n## ") == 6 + 2
    assert "<script>" not in text
    assert "\\<script\\>" in text
    assert "bayescsc sensitivity" in text


def test_json_has_the_tables_and_what_is_missing() -> None:
    whole = json.loads(json_text(findings()))
    assert whole["metadata"]["panel_hash"] == findings().about["panel_hash"]
    rows = {row["authority"]: row for row in whole["tables"]["decline"]}
    expected = findings().decline.set_index("authority")["p_decline"]
    assert rows["402"]["p_decline"] == pytest.approx(expected["402"], rel=1e-12)
    assert rows["405"]["p_decline"] is None
    assert [part["command"].split()[1] for part in whole["missing"]] == ["backtest", "sensitivity"]


# Charts.


def test_every_figure_has_its_own_interval_through_it_and_every_suppressed_one_a_bar() -> None:
    own = next(p for p in findings().pages if p.code == "402")
    labels = {k: own.record.indicators[k].label for k in own.record.indicators}
    years = (int(own.figures["year"].min()), int(own.figures["year"].max()))
    panels = indicator_panels(own.figures, labels, own.units, years, {})
    intervals, bars, dots = ([] for _ in range(3))
    for panel in panels:
        intervals += panel.lines[("ink", 0.7, "solid")]
        bars += panel.lines[("accent", 2.2, "solid")]
        dots += [point for points in panel.dots[("ink", 2.6, "dot")] for point in points]
    seen = own.figures[own.figures["status"] == "observed"]
    assert len(dots) == len(seen)
    assert len(intervals) == seen["own_lower"].notna().sum()
    assert len(bars) == own.figures["range_upper"].notna().sum()
    for (x, low), (other, high) in intervals:
        assert x == other
        assert any(abs(x - a) < 1e-9 and high - 1e-9 <= b <= low + 1e-9 for a, b in dots)
    assert all(low - high > 0.03 for (_, low), (_, high) in bars)


A4 = (186.0, 267.0)
"""Text of a printed page, mm, whose height a chart shares with its caption of three lines, 15 mm."""


def test_no_chart_is_too_tall_for_a_printed_page() -> None:
    choices = pd.DataFrame({"choice": [f"c{i}" for i in range(30)], "p_decline": 0.5, "error": 0.01})
    rows = pd.DataFrame({"label": range(48), "middle": 0.0, "lower": -1.0, "upper": 1.0})
    charts = [interval_chart(rows), specification_chart(choices.assign(base=False, question=False), 0.5)]
    assert [chart.height for chart in charts if A4[0] * chart.height / chart.width > A4[1] - 15.0] == []


def one(kind: str, *codes: str) -> OneChart:
    """What a chart of the hamlets is made from."""
    return gather_chart(fitted(), trajectory, Path("runs/none"), kind, list(codes))


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_a_single_chart_is_written_the_same_twice(tmp_path: Path, ending: str) -> None:
    for name in ("a", "b"):
        write_chart(authority_picture(one("trajectory", "402"), "402"), tmp_path / f"{name}.{ending}")
    assert (tmp_path / f"a.{ending}").read_bytes() == (tmp_path / f"b.{ending}").read_bytes()


def test_a_picture_says_whose_it_is_the_finding_the_axis_and_the_source(tmp_path: Path) -> None:
    own = next(p for p in findings().pages if p.code == "402")
    write_chart(authority_picture(one("trajectory", "402"), "402"), tmp_path / "a.svg")
    words = " ".join(ET.parse(tmp_path / "a.svg").getroot().itertext())
    assert f"{own.name}. Since the inspection of" in words
    assert number(own.decline["delta_median"], "+.2f") in words
    assert "Latent quality (up is better)" in words
    assert f"Source: {findings().about['panel']}" in words
    write_chart(authority_picture(one("indicators", "402"), "402"), tmp_path / "b.svg")
    words = " ".join(ET.parse(tmp_path / "b.svg").getroot().itertext())
    labels = [findings().panel.indicators[key].label for key in findings().used]
    assert all(label.split()[0] in words for label in labels)
    assert [key for key in findings().used if "_" in key and key in words] == []


@pytest.mark.parametrize("kind", ["trajectory", "change", "contributions", "specification", "domains"])
def test_a_single_chart_computes_only_what_it_draws(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    for name in ("contributions", "next_inspections", "revisit", "read_sensitivity"):
        real = getattr(single, name)
        noted = functools.partial(lambda real, name, *a, **k: (asked.append(name), real(*a, **k))[1], real, name)
        monkeypatch.setattr(single, name, noted)
    one(kind, "402")
    needs = {"contributions": ["contributions"], "domains": ["next_inspections"], "specification": ["read_sensitivity"]}
    assert asked == needs.get(kind, [])


def test_a_single_chart_is_that_of_the_report() -> None:
    own = next(p for p in findings().pages if p.code == "402")
    for kind, whole in (("contributions", charts.contributions(own)), ("change", charts.change(own, findings().about))):
        assert whole is not None
        shown = authority_picture(one(kind, "402"), "402")
        assert {t.words for t in whole.canvas(WIDTH).texts} <= {t.words for t in shown.texts}


def test_a_chart_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a chart of trajectory, change"):
        authority_picture(one("pie", "402"), "402")
    with pytest.raises(UsageError, match="nothing to draw in the chart change, for want of an inspection"):
        authority_picture(one("change", "405"), "405")
    with pytest.raises(UsageError, match="for want of a sensitivity analysis"):
        authority_picture(one("specification", "402"), "402")
    with pytest.raises(UsageError, match=r"ends in \.svg or \.png"):
        write_chart(authority_picture(one("trajectory", "402"), "402"), tmp_path / "a.gif")


# The map.


def test_the_shipped_layout_is_computed_from_the_boundaries(shared: Path, root: Path) -> None:
    made = hexagons(centres(shared / "data" / "derived" / "utla_2023_boundaries.geojson"))
    assert hexagon_text(made) == (root / "data" / "hexagons.csv").read_text(encoding="utf-8")


def test_every_authority_of_england_has_a_hexagon_of_its_own(shipped: Panel) -> None:
    there = shipped.authorities["valid_to"].isna()
    layout, geographic = hexagon_layout(shipped.authorities.loc[there, "region"])
    assert geographic
    assert len(layout) == 153
    assert not layout.duplicated().any()


def test_other_places_are_laid_out_by_region() -> None:
    region = pd.Series(["South"] * 5 + ["North"] * 7, index=[f"x{i}" for i in range(12)])
    layout, geographic = hexagon_layout(region)
    assert not geographic
    assert set(layout.index) == set(region.index)
    assert not layout.duplicated().any()


# Serving and the command line.


def test_the_server_answers_this_machine_by_its_own_name_only(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("here")
    running = server(tmp_path)
    assert running.server_address[0] == "127.0.0.1"
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    answers = []
    for host in (f"127.0.0.1:{running.server_address[1]}", "localhost", "elsewhere.example"):
        asked = http.client.HTTPConnection("127.0.0.1", running.server_address[1], timeout=10)
        asked.request("GET", "/index.html", headers={"Host": host})
        answers.append(asked.getresponse().status)
        asked.close()
    running.shutdown()
    running.server_close()
    thread.join()
    assert answers == [200, 200, 403]


def test_formats_that_do_not_exist_are_refused() -> None:
    with pytest.raises(UsageError, match="expected html, md, xlsx, pdf, found doc"):
        check_formats(["md", "doc"])


def test_the_commands_write_a_report_and_a_chart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, out = tmp_path / "run", tmp_path / "out"
    fitted().write(run)
    assert command("report", run, "--group", "402", "--out", out, "--format", "md", "--format", "xlsx") == 0
    assert sorted(p.name for p in out.iterdir()) == [
        "authority-402.html", "data.html", "index.html", "method.html", "report.md", "report.xlsx"
    ]  # fmt: skip
    assert "and 3 more pages" in capsys.readouterr().out
    assert command("report", run, "--group", "402", "--out", out) == 2
    assert "exists; give another --out" in capsys.readouterr().err
    assert command("plot", run, "Fern", "--chart", "grades", "--format", "png", "--out", out) == 0
    assert (out / "authority-402-grades.png").read_bytes().startswith(b"\x89PNG")
    assert command("plot", run, "Fern", "--chart", "pie", "--format", "gif") == 2
    assert "--chart: expected" in capsys.readouterr().err


def test_a_report_needs_nothing_that_only_posix_has() -> None:
    """What writes pages and starts the commands is imported without the modules that Windows lacks."""
    code = (
        "import sys; sys.modules.update(dict.fromkeys(('fcntl', 'resource', 'pwd', 'grp', 'termios'))); "
        "import bayes_csc.report.export.formats, bayes_csc.report.site, bayes_csc_cli.run.report; "
        "import bayes_csc_cli.command_line"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
