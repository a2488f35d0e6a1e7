"""Other forms of a report: workbook, Markdown, JSON, single charts, the map's layout, and a server for this machine."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from command_runner import command
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure
from matplotlib.image import imread
from python_calamine import CalamineWorkbook
from simulated_report import NASTY, findings, fitted

from bayes_csc.errors import UsageError
from bayes_csc.panel.describe.display_unit import DisplayUnit
from bayes_csc.panel.panel import Panel
from bayes_csc.report.charts.change_chart import change_chart
from bayes_csc.report.charts.contribution_chart import contribution_chart
from bayes_csc.report.charts.fan_chart import fan_chart
from bayes_csc.report.charts.grade_chart import grade_chart
from bayes_csc.report.charts.hexagon_chart import hexagon_chart
from bayes_csc.report.charts.indicator_chart import COLUMN as SERIES_COLUMNS
from bayes_csc.report.charts.indicator_chart import indicator_chart
from bayes_csc.report.charts.interval_chart import interval_chart
from bayes_csc.report.charts.method.specification_chart import specification_chart
from bayes_csc.report.charts.series_chart import series_chart
from bayes_csc.report.charts.single_chart import authority_chart, write_chart
from bayes_csc.report.drawing.style import colour, look
from bayes_csc.report.export.formats import check_formats
from bayes_csc.report.export.markdown import markdown
from bayes_csc.report.export.plain import json_text
from bayes_csc.report.export.spreadsheet import write_sheets, write_workbook
from bayes_csc.report.findings.hexagon_layout import hexagon_layout
from bayes_csc.report.findings.tables import tables
from bayes_csc.report.pages.overview_page import MOST as MOST_ROWS
from bayes_csc.report.pages.overview_page import MOST_SERIES
from bayes_csc.report.pages.sections.indicator_sections import MOST
from bayes_csc.report.server import server
from bayes_csc.sources.places.hexagons import centres, hexagon_text, hexagons

GOLDEN = Path(__file__).parent / "golden"
DPI = 50


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


def made_change() -> Figure:
    x = np.linspace(-2.0, 2.0, 81)
    bell = np.exp(-((x + 0.2) ** 2) / 0.4)
    return change_chart(pd.DataFrame({"change": x, "density": bell, "no_data": 0.6 * np.exp(-(x**2) / 1.2)}), 0.25)


def made_grades() -> Figure:
    p = {"": 0.2, "_lower": 0.05, "_upper": 0.5}
    row = {f"p_grade_{g}{end}": value * g / 2 for g in (1, 2, 3, 4) for end, value in p.items()}
    base = pd.Series({"grade_1": 0.1, "grade_2": 0.4, "grade_3": 0.3, "grade_4": 0.2, "number": 50})
    return grade_chart(row, base, ("best", "good", "fair", "bad"))


def made_contributions() -> Figure:
    values = np.array([0.3, -0.2, 0.1, 0.05])
    parts = pd.DataFrame({"label": ["first", "second", "third", "rest"], "contribution": values})
    return contribution_chart(parts.assign(lower=values - 0.1, upper=values + 0.1), 0.25)


def made_intervals() -> Figure:
    middle = np.linspace(-1.0, 1.0, 9)
    rows = pd.DataFrame({"label": [f"place {i}" for i in range(9)], "middle": middle})
    return interval_chart(rows.assign(lower=middle - 0.5, upper=middle + 0.7), accent=-0.25, label="change")


def made_map() -> Figure:
    number = np.arange(24)
    places = pd.DataFrame({"name": [f"n{i}" for i in number], "column": number % 5, "row": number // 5})
    p = np.where(number == 7, np.nan, number / 23)
    return hexagon_chart(places.assign(p=p, listed=number % 4 == 0))


def made_trajectory() -> Figure:
    position = np.arange(2015, 2025) + 0.75
    middle = np.linspace(0.6, -0.5, 10)
    steps = {"median": 0.0, "lower": -0.9, "upper": 0.9, "inner_lower": -0.35, "inner_upper": 0.35}
    path = pd.DataFrame({"position": position} | {name: middle + step for name, step in steps.items()})
    path.index = pd.RangeIndex(2016, 2026)
    judged = pd.DataFrame({"date": pd.to_datetime(["2016-03-01", "2021-06-01"]), "label": ["good", "fair"]})
    judged["position"] = [2016.16, 2021.42]
    region = pd.Series(np.linspace(0.2, 0.1, 10), index=path.index)
    return fan_chart(SimpleNamespace(fan=path, inspections=judged, region_path=region, region="North"), "here", 0.89)


def made_indicators() -> Figure:
    rows = pd.DataFrame({"indicator": np.repeat(list("abcdef"), 6), "year": np.tile(np.arange(2018, 2024), 6)})
    value = 0.4 + 0.03 * np.sin(np.arange(36.0))
    value[::7] = np.nan
    rows = rows.reindex(columns=["indicator", "year", *SERIES_COLUMNS]).assign(
        value=value, own_lower=value - 0.02, own_upper=value + 0.02, band_lower=0.3, band_upper=0.5, neighbours=0.42,
        fitted=0.41, fitted_lower=0.39, fitted_upper=0.43, national=0.4,
        range_lower=np.where(np.isnan(value), 0.35, np.nan), range_upper=np.where(np.isnan(value), 0.36, np.nan),
    )  # fmt: skip
    labels = {key: f"Indicator {key}" for key in "abcdef"}
    return indicator_chart(rows, labels, dict.fromkeys(labels, DisplayUnit(100.0, "%", 1)), (2018, 2023))


CHARTS: dict[str, Callable[[], Figure]] = {
    "change": made_change, "grades": made_grades, "contributions": made_contributions, "intervals": made_intervals,
    "map": made_map, "trajectory": made_trajectory, "indicators": made_indicators,
}  # fmt: skip


def drawn(name: str, path: Path) -> np.ndarray:
    with look():
        CHARTS[name]().savefig(path, dpi=DPI, facecolor=colour("paper"), metadata={"Software": None})
    return np.asarray(imread(path))[..., :3]


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_looks_as_it_did(name: str, tmp_path: Path) -> None:
    now, before = drawn(name, tmp_path / "now.png"), np.asarray(imread(GOLDEN / f"{name}.png"))[..., :3]
    assert now.shape == before.shape
    # fonts are matplotlib's own; what is left is how edges are smoothed
    assert np.abs(now - before).mean() < 0.005
    assert (np.abs(now - before).max(axis=2) > 0.25).mean() < 0.01


def test_a_chart_that_changed_would_be_seen(tmp_path: Path) -> None:
    one, other = drawn("grades", tmp_path / "a.png"), np.asarray(imread(GOLDEN / "contributions.png"))[..., :3]
    height = min(len(one), len(other))
    assert np.abs(one[:height] - other[:height]).mean() > 0.01


def test_every_figure_has_its_own_interval_through_it_and_every_suppressed_one_a_bar() -> None:
    own = next(p for p in findings().pages if p.code == "402")
    labels = {k: own.record.indicators[k].label for k in own.record.indicators}
    years = (int(own.figures["year"].min()), int(own.figures["year"].max()))
    with look():
        figure = indicator_chart(own.figures, labels, own.units, years)
    lines = [c for c in figure.axes[0].collections if isinstance(c, LineCollection)]
    intervals, bars = (
        [s for c in lines if c.get_linewidth()[0] == width for s in c.get_segments()] for width in (0.7, 2.2)
    )
    marks = [c.get_offsets() for c in figure.axes[0].collections if isinstance(c, PathCollection)]
    (dots,) = (points for points in marks if len(points) > 1)  # the other is the legend's
    intervals, bars = (sorted(part, key=lambda s: s[:, 1].max())[1:] for part in (intervals, bars))  # not the legend's
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


def printed(figure: Figure) -> float:
    width, height = figure.get_size_inches()
    return float(A4[0] * height / width)


def test_no_chart_is_too_tall_for_a_printed_page() -> None:
    keys = [f"k{i}" for i in range(MOST)]
    labels = dict.fromkeys(keys, "A label of some length")
    figures = pd.DataFrame({"indicator": keys, "year": 2020, "value": 0.5}).reindex(
        columns=["indicator", "year", *SERIES_COLUMNS]
    )
    effects = pd.DataFrame({"indicator": keys[:MOST_SERIES], "year": 2020, "mean": 0.0, "lower": -1.0, "upper": 1.0})
    rows = pd.DataFrame({"label": range(MOST_ROWS), "middle": 0.0, "lower": -1.0, "upper": 1.0})
    choices = pd.DataFrame({"choice": [f"c{i}" for i in range(30)], "p_decline": 0.5, "error": 0.01})
    with look():
        charts = [
            indicator_chart(figures, labels, dict.fromkeys(keys, DisplayUnit(100.0, "%", 1)), (2010, 2025)),
            series_chart(effects, dict(list(labels.items())[:MOST_SERIES])), interval_chart(rows),
            specification_chart(choices.assign(base=False, question=False), 0.5),
        ]  # fmt: skip
    assert [round(printed(figure)) for figure in charts if printed(figure) > A4[1] - 15.0] == []


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_a_single_chart_is_written_the_same_twice(tmp_path: Path, ending: str) -> None:
    for name in ("a", "b"):
        write_chart(authority_chart(findings(), "402", "trajectory"), tmp_path / f"{name}.{ending}")
    assert (tmp_path / f"a.{ending}").read_bytes() == (tmp_path / f"b.{ending}").read_bytes()


def test_a_chart_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a chart of trajectory, change"):
        authority_chart(findings(), "402", "pie")
    with pytest.raises(UsageError, match="nothing to draw in the chart change, for want of an inspection"):
        authority_chart(findings(), "405", "change")
    with pytest.raises(UsageError, match="for want of a sensitivity analysis"):
        authority_chart(findings(), "402", "specification")
    with pytest.raises(UsageError, match=r"ends in \.svg or \.png"):
        write_chart(authority_chart(findings(), "402"), tmp_path / "a.gif")


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
        "authority-402.html", "index.html", "method.html", "report.md", "report.xlsx"
    ]  # fmt: skip
    assert "and 2 more pages" in capsys.readouterr().out
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
