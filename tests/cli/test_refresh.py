"""What changed between two panels, and the command that fetches, builds, describes and says so."""

from __future__ import annotations

import datetime
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from paths import PANELS
from typer.testing import CliRunner

from bayes_csc.errors import DataError
from bayes_csc.panel.describe.panel_changes import panel_changes
from bayes_csc.panel.panel import Panel
from bayes_csc.sources.england import panel as reading
from bayes_csc_cli import app
from bayes_csc_cli.data import refresh
from bayes_csc_cli.data.refresh import changes_text

TOWNS = PANELS / "towns"
DAY = datetime.date(2025, 12, 31)
TODAY = datetime.date(2026, 11, 30)


@pytest.fixture
def old() -> Panel:
    return Panel.read(TOWNS)


@pytest.fixture
def new(old: Panel) -> Panel:
    """The towns later: an inspection more, one grade otherwise, a figure revised, one gone, a year more."""
    cells, inspections = old.cells.copy(), old.inspections.copy()
    revised = (cells["authority"] == "102") & (cells["year"] == 2024)
    cells.loc[revised, ["numerator", "value"]] = [3.0, 0.05]
    later = cells[revised].assign(year=2025, publication_date=pd.Timestamp("2025-10-31"))
    for name in ("reference_start", "reference_end"):
        later[name] = later[name] + pd.DateOffset(years=1)
    cells = cells[~((cells["authority"] == "103") & (cells["year"] == 2024))]
    inspections.loc[inspections["domain"] == "leadership", "grade"] = 2
    judged = inspections[inspections["authority"] == "103"].assign(
        start_date=pd.Timestamp("2025-06-02"), publication_date=pd.Timestamp("2025-08-04")
    )
    return replace(
        old,
        date=DAY,
        published_by=DAY,
        cells=pd.concat([cells, later], ignore_index=True),
        inspections=pd.concat([inspections, judged], ignore_index=True),
    )


def test_a_panel_has_changed_in_nothing_from_itself(old: Panel, shipped: Panel) -> None:
    for panel in (old, shipped):
        again = replace(panel, cells=panel.cells.sample(frac=1, random_state=1), date=DAY)
        assert panel_changes(panel, again).none


def test_every_kind_of_change_is_told(old: Panel, new: Panel) -> None:
    changes = panel_changes(old, new)
    found = changes.inspections[["change", "authority", "name", "start_date"]].astype(str).to_numpy().tolist()
    assert found == [["new", "103", "Castle", "2025-06-02"], ["other judgements", "101", "Ashby", "2016-01-11"]]
    assert changes.revised.drop(columns="label").to_dict("index") == {
        "late": {"cells": 1, "first_year": 2024, "last_year": 2024}
    }
    assert changes.new_years["cells"].to_dict() == {("late", 2025): 1}
    assert changes.other_cells.drop(columns="label").to_dict("index") == {"late": {"new": 0, "gone": 1}}
    assert {table["label"].iloc[0] for table in (changes.revised, changes.new_years, changes.other_cells)} == {
        old.indicators["late"].label
    }


def test_backwards_what_was_new_is_gone(old: Panel, new: Panel) -> None:
    changes = panel_changes(new, old)
    assert changes.inspections["change"].tolist() == ["gone", "other judgements"]
    assert changes.other_cells.drop(columns="label").to_dict("index") == {"late": {"new": 1, "gone": 1}}
    assert changes.new_years.empty


def test_changes_are_read_as_text(old: Panel, new: Panel) -> None:
    text = changes_text(panel_changes(old, new), 100)
    assert text.startswith("Inspections: 1 new, 1 other judgements\n")
    assert "Castle  new               standard  2025-06-02  2025-08-04" in text
    assert "Revised figures: 1 of 1 indicators" in text
    assert "New years of figures: 1" in text
    assert changes_text(panel_changes(old, old), 100) == "Nothing changed"
    assert "Inspections: none new" in changes_text(panel_changes(old, replace(new, inspections=old.inspections)), 100)


# The command.


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """What the command asks for; nothing is fetched."""
    seen: dict[str, object] = {}
    monkeypatch.setattr(refresh, "fetch_files", lambda _, out: seen.update(fetched=out))
    return seen


def run(folder: Path, *options: str) -> tuple[int, str, BaseException | None]:
    command = ["data", "refresh", "--raw", str(folder / "official"), "--out", str(folder / "panel")]
    done = CliRunner().invoke(app, [*command, "--page", str(folder / "reports"), *options])
    return done.exit_code, done.stdout, done.exception


def test_a_refresh_fetches_builds_describes_and_says_what_changed(
    old: Panel, new: Panel, tmp_path: Path, asked: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "england", lambda *_, **options: asked.update(options) or new)
    shutil.copytree(TOWNS, tmp_path / "panel")
    code, said, _ = run(tmp_path, "--date", "2025-12-31")
    assert code == 0
    assert asked == {"fetched": tmp_path / "official", "date": DAY}
    assert Panel.read(tmp_path / "panel").hash == new.hash
    assert (tmp_path / "reports" / "two-towns-data.html").is_file()
    last = said.partition("\nSince ")[2]
    assert last.startswith(f"Two towns 2025-03-31, panel {old.hash[:12]}:\nInspections: 1 new")
    asked.clear()
    code, said, _ = run(tmp_path, "--no-fetch")
    assert (code, asked) == (0, {"date": datetime.date.today()})
    assert said.endswith(f"Since Two towns 2025-12-31, panel {new.hash[:12]}:\nNothing changed\n")


@pytest.mark.parametrize("step", ["fetch", "build", "check"])
def test_the_old_panel_stays_where_the_new_one_is_not_whole(
    old: Panel, new: Panel, tmp_path: Path, asked: dict[str, object], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def fails(*_: object, **__: object) -> Panel:
        raise DataError(["c1.csv: the server answered 404"])

    broken = replace(new, inspections=new.inspections.assign(grade=9))
    monkeypatch.setattr(reading, "england", fails if step == "build" else lambda *_, **__: broken)
    if step == "fetch":
        monkeypatch.setattr(refresh, "fetch_files", fails)
    shutil.copytree(TOWNS, tmp_path / "panel")
    code, _, error = run(tmp_path)
    assert code == 1
    assert isinstance(error, DataError)
    assert error.exit_code == 3
    assert Panel.read(tmp_path / "panel").hash == old.hash
    assert [path.name for path in tmp_path.iterdir()] == ["panel"]
