"""A panel about a day after Ofsted's newest table: judgements from its reports, and what the README says of them."""

from __future__ import annotations

import datetime
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from bayes_csc.errors import UsageError
from bayes_csc.files.csv_toml import INSPECTION_COLUMNS
from bayes_csc.panel.panel import Panel
from bayes_csc.sources.download.official import Official
from bayes_csc.sources.england import panel as reading
from bayes_csc.sources.england.panel import about_day, about_year, england
from bayes_csc.sources.workforce.csww import workforce_of_2022
from bayes_csc_cli import app

DECEMBER = datetime.date(2025, 12, 31)
HEAD = {"date": datetime.date(2025, 3, 31), "published_by": datetime.date(2025, 6, 30), "window": (2013, 2025)}
LATER = {"date": DECEMBER, "published_by": DECEMBER, "window": (2013, 2025)}


@pytest.fixture(scope="module")
def dated(official: Official) -> Panel:
    """The panel about 31 December 2025, of one reader's figures."""
    with pytest.MonkeyPatch.context() as patched:
        only_workforce(patched)
        return england(official.folder, date=DECEMBER)


def only_workforce(patched: pytest.MonkeyPatch) -> None:
    """Let the panel have the indicators of the workforce alone, which are read in a second."""
    described = reading.description()
    workforce = {key: table for key, table in described["indicator"].items() if table["release"] == "csww"}
    patched.setattr(reading, "description", lambda: {**described, "indicator": workforce})
    patched.setattr(reading, "READERS", (reading.workforce,))
    patched.setattr(reading, "earlier_vintages", workforce_of_2022)


def rows(panel: Panel) -> pd.DataFrame:
    order = list(INSPECTION_COLUMNS)
    return panel.inspections[order].sort_values(order, ignore_index=True)


def test_a_panel_about_a_day_has_the_judgements_of_both_tables_and_reports(dated: Panel, shipped: Panel) -> None:
    assert (dated.date, dated.published_by, dated.window) == (DECEMBER, DECEMBER, (2013, 2025))
    march = shipped.inspections["start_date"].fillna(shipped.inspections["publication_date"]) <= "2025-03-31"
    both = rows(dated).merge(shipped.inspections[march], how="right", indicator=True)
    assert (both["_merge"] == "both").all()
    wakefield = dated.latest_grades().loc["384"]
    assert f"{wakefield['start_date']:%Y-%m-%d} {wakefield['publication_date']:%Y-%m-%d}" == "2025-03-24 2025-07-18"
    assert dated.inspections["publication_date"].max() <= pd.Timestamp(DECEMBER)
    assert dated.releases is not None
    assert dated.releases.loc["ofsted-reports-2026", "publisher"] == "Data to Insight, from Ofsted's reports"


def test_a_panel_about_a_day_keeps_the_figures_at_hand(dated: Panel) -> None:
    assert dated.cells.query("indicator == 'agency'")["reference_end"].max() == pd.Timestamp("2025-09-30")


def test_the_readme_says_which_inspections_are_from_reports_and_where_they_differ(dated: Panel, shipped: Panel) -> None:
    assert "Ofsted's newest table of outcomes ends before 31 December 2025." in dated.readme
    assert "Wakefield 24 March 2025" in dated.readme
    assert "| St. Helens | 10 July 2023 | `care_leavers` | outstanding | good |" in dated.readme
    assert "ofsted_csc_ilacs_overview_2026-01-05.xlsx" in dated.readme


def test_the_same_day_as_it_was_known_earlier(official: Official, monkeypatch: pytest.MonkeyPatch) -> None:
    only_workforce(monkeypatch)
    day = datetime.date(2025, 6, 30)
    panel = england(official.folder, date=DECEMBER, as_of=day)
    assert (panel.date, panel.published_by) == (day, day)
    assert "Wakefield" not in panel.readme.partition("## Inspections from reports")[2].partition("##")[0]
    assert panel.cells["reference_end"].max() == pd.Timestamp("2024-09-30")


@pytest.mark.parametrize("head", [HEAD, LATER])
def test_the_window_follows_the_year_of_the_day(head: dict[str, object]) -> None:
    assert about_day(DECEMBER, head) == LATER
    assert about_year(2025, head) == HEAD
    assert about_day(datetime.date(2026, 6, 30), head)["window"] == (2013, 2026)
    with pytest.raises(UsageError, match=r"--date: expected 2025 or later, found 2024; .* --as-of"):
        about_day(datetime.date(2024, 12, 31), head)


def test_a_year_and_a_date_are_refused(official: Official) -> None:
    with pytest.raises(UsageError, match="--year 2025 and --date 2025-12-31 both say what day"):
        england(official.folder, year=2025, date=DECEMBER)


def test_the_command_takes_the_date(official: Official, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {}

    def seen(*_: object, **options: object) -> Panel:
        asked.update(options)
        raise UsageError("enough")

    monkeypatch.setattr(reading, "england", seen)
    options = ["data", "build", "--raw", str(official.folder), "--out", str(tmp_path / "p"), "--date", "2025-12-31"]
    CliRunner().invoke(app, options)
    assert asked == {"year": None, "date": DECEMBER, "as_of": None}
