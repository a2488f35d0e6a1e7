"""A report says on which day it was made, and first of all where its panel is older than six months on that day."""

from __future__ import annotations

import datetime
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from page_elements import Page
from python_calamine import CalamineWorkbook
from simulated_report import FORBIDDEN, findings
from typer.testing import CliRunner

from bayes_csc.report.export.markdown import markdown
from bayes_csc.report.export.plain import json_text
from bayes_csc.report.export.spreadsheet import write_workbook
from bayes_csc.report.findings.age import age_warning, made_on
from bayes_csc.report.findings.collect import Findings
from bayes_csc.report.pages.overview_page import overview_page
from bayes_csc_cli import app
from bayes_csc_cli.run import report

DECEMBER = datetime.date(2025, 12, 31)
START = "The data are old: the panel is of 30 September 2022"


@pytest.fixture(scope="module")
def old() -> Findings:
    """The report of the hamlets as made in May 2023."""
    found = findings()
    return replace(found, about=found.about | made_on(found.panel.date, datetime.date(2023, 5, 15)))


@pytest.mark.parametrize(
    ("made", "warned"),
    [
        (datetime.date(2025, 6, 1), False),
        (DECEMBER, False),
        (datetime.date(2026, 6, 30), False),
        (datetime.date(2026, 7, 1), True),
        (datetime.date(2030, 1, 1), True),
    ],
)
def test_a_panel_is_old_after_six_months(made: datetime.date, warned: bool) -> None:
    assert bool(age_warning(DECEMBER, made)) == warned
    assert made_on(DECEMBER, made).get("made") == made.isoformat()
    assert ("old_panel" in made_on(DECEMBER, made)) == warned


def test_the_warning_says_both_days_and_the_age() -> None:
    text = age_warning(DECEMBER, datetime.date(2026, 11, 30))
    assert "the panel is of 31 December 2025, 11 months before 30 November 2026, when this report was made" in text
    assert "bayescsc data refresh" in text
    assert not FORBIDDEN.search(text)


def test_a_report_of_a_fresh_panel_says_its_day_and_no_warning(tmp_path: Path) -> None:
    found = findings()
    assert found.about["made"] == "2022-12-01"
    texts = (overview_page(found), markdown(found))
    assert all("1 December 2022" in text and "The data are old" not in text for text in texts)
    assert "old_panel" not in json.loads(json_text(found))["metadata"]
    assert all("Made on 1 December 2022" in re.sub(r"\s+", " ", text) for text in texts)


def test_the_pages_warn_before_any_name(old: Findings) -> None:
    page = overview_page(old)
    shown = " ".join(each["text"] for each in Page(page).all("body"))
    assert START in shown
    names = [name for name in old.authorities["name"] if name in shown]
    assert names
    assert shown.index(START) < min(shown.index(name) for name in names)
    (warning,) = [each for each in Page(page).all("p") if each.get("class") == "warning"]
    assert warning["text"] == old.about["old_panel"]


def test_markdown_json_and_workbook_warn_first(old: Findings, tmp_path: Path) -> None:
    lines = markdown(old).splitlines()
    assert lines[2].startswith(f"**{START}")
    whole = json.loads(json_text(old))
    assert next(iter(whole)) == "metadata"
    assert whole["metadata"]["old_panel"].startswith(START)
    write_workbook(old, tmp_path / "report.xlsx")
    notes = CalamineWorkbook.from_path(tmp_path / "report.xlsx").get_sheet_by_index(0).to_python()
    assert notes[1][0] == "Warning"
    assert str(notes[1][1]).startswith(START)


def test_the_command_warns_on_standard_error(old: Findings, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, object] = {}
    monkeypatch.setattr(report, "gathered", lambda *_, **settings: asked.update(settings) or old)
    done = CliRunner().invoke(app, ["report", "runs/hamlets", "--json", "--made", "2023-05-15"])
    assert done.exit_code == 0
    assert asked["made"] == datetime.date(2023, 5, 15)
    assert done.stderr == f"Warning: {old.about['old_panel']}\n"
    assert json.loads(done.stdout)["metadata"]["made"] == "2023-05-15"
    monkeypatch.setattr(report, "gathered", lambda *_, **settings: asked.update(settings) or findings())
    done = CliRunner().invoke(app, ["report", "runs/hamlets", "--json"])
    assert (asked["made"], done.stderr) == (None, "")


def test_the_example_in_the_repository_is_made_on_a_given_day(root: Path) -> None:
    text = (root / "Makefile").read_text("utf-8")
    assert re.search(r"^MADE := \d{4}-\d\d-\d\d$", text, re.M)
    assert "bayescsc report runs/england --overwrite --made $(MADE)" in text
