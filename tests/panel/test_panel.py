"""A panel folder: what it says, and that writing it loses nothing."""

from __future__ import annotations

import csv
import datetime
import io
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from paths import PANELS
from typer.testing import CliRunner

from bayes_csc.errors import DataError, UsageError
from bayes_csc.files.csv_toml import CELL_COLUMNS, csv_text, field_text, guarded
from bayes_csc.panel.panel import Panel
from bayes_csc.sources.download.catalogue import read_catalogue
from bayes_csc.sources.england import panel as england
from bayes_csc_cli import app

TOWNS = PANELS / "towns"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small panel that keeps its contract."""
    return Path(shutil.copytree(TOWNS, tmp_path / "towns"))


def change(folder: Path, name: str, old: str, new: str) -> None:
    text = (folder / name).read_text(encoding="utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")


# Reading and writing.


def test_reading_gives_typed_columns_and_blanks_as_missing(folder: Path) -> None:
    panel = Panel.read(folder)
    assert (panel.name, panel.date, panel.grades) == ("Two towns", datetime.date(2025, 3, 31), ("good", "bad"))
    assert panel.indicators["late"].domain == "assessment"
    cell = panel.cells.query("authority == '102' and year == 2023").iloc[0]
    assert (cell["lower"], cell["upper"], cell["denominator"]) == (1.0, 5.0, 70.0)
    assert pd.isna(cell["numerator"])
    assert panel.inspections["start_date"].isna().sum() == 1
    assert panel.authorities.loc["103", "valid_from"] == pd.Timestamp("2023-04-01")
    assert pd.isna(panel.authorities.loc["102", "valid_to"])


def test_a_panel_comes_back_from_its_folder_byte_by_byte(folder: Path, tmp_path: Path) -> None:
    panel = Panel.read(folder)
    panel.write(tmp_path / "copy")
    again = Panel.read(tmp_path / "copy")
    assert again.hash == panel.hash
    assert again.files() == panel.files()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(st.data())
def test_the_order_of_rows_never_matters(folder: Path, data: st.DataObject) -> None:
    expected = Panel.read(folder).hash
    for path in sorted(TOWNS.rglob("*.csv")):
        head, *rows = path.read_text(encoding="utf-8").splitlines()
        shuffled = "\n".join([head, *data.draw(st.permutations(rows))])
        (folder / path.relative_to(TOWNS)).write_text(shuffled + "\n", encoding="utf-8")
    assert Panel.read(folder).hash == expected


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("indicators/assessment.csv", "20,80,0.25", "40,160,0.25"),
        ("inspections.csv", "2025-01-10,overall,2", "2025-01-10,overall,1"),
        ("authorities.csv", "20.5", "20.6"),
        ("indicators.toml", "higher is worse", "not agreed"),
    ],
)
def test_a_change_of_content_changes_the_hash(folder: Path, name: str, old: str, new: str) -> None:
    before = Panel.read(folder).hash
    change(folder, name, old, new)
    assert Panel.read(folder).hash != before


def test_the_readme_is_not_part_of_the_hash(folder: Path) -> None:
    panel = Panel.read(folder)
    assert replace(panel, readme="other").hash == panel.hash


def test_a_byte_order_mark_and_windows_line_ends_are_harmless(folder: Path) -> None:
    before = Panel.read(folder).hash
    path = folder / "authorities.csv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert Panel.read(folder).hash == before


def test_writing_replaces_a_panel_but_nothing_else(folder: Path, tmp_path: Path) -> None:
    panel = Panel.read(folder)
    (folder / "indicators" / "leftover.csv").write_text(",".join(CELL_COLUMNS))
    panel.write(folder)
    assert not (folder / "indicators" / "leftover.csv").exists()
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("mine")
    with pytest.raises(UsageError, match="not a panel folder"):
        panel.write(tmp_path / "thesis")
    with pytest.raises(UsageError, match="not a panel folder"):
        panel.write(tmp_path / "thesis" / "chapter.txt")
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "mine"


def test_a_write_that_fails_leaves_the_old_panel_and_no_debris(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    panel = Panel.read(folder)
    before = sorted(folder.parent.rglob("*"))

    def full(self: Path, *_: object, **__: object) -> int:
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="no space left"):
        panel.write(folder)
    assert sorted(folder.parent.rglob("*")) == before


# What a panel says.


def test_the_latest_grade_is_of_authorities_that_exist_at_the_date(folder: Path) -> None:
    latest = Panel.read(folder).latest_grades()
    assert latest["grade"].to_dict() == {"102": 2, "103": 2}
    earlier = Panel.read(folder).as_of(datetime.date(2024, 3, 31)).latest_grades()
    assert earlier["grade"].to_dict() == {"101": 2, "102": 2}


def test_as_of_keeps_cells_published_by_the_day(folder: Path) -> None:
    panel = Panel.read(folder)
    assert sorted(panel.as_of(datetime.date(2023, 10, 31)).cells["year"]) == [2022, 2023, 2023]
    assert sorted(panel.as_of(datetime.date(2023, 10, 30)).cells["year"]) == [2022]


# The command.


def test_data_build_writes_the_panel_that_is_built_from_the_files(
    shared: Path, rebuilt: Panel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def built(*arguments: object, **options: object) -> Panel:
        asked.append((arguments, options))
        return rebuilt  # by the same function of the same files

    monkeypatch.setattr(england, "england", built)
    done = CliRunner().invoke(app, ["data", "build", "--raw", str(shared / "data"), "--out", str(tmp_path / "england")])
    assert done.exit_code == 0
    assert re.fullmatch(r"Wrote \d+ cells of \d+ indicators to .*england\n", done.output)
    assert asked == [((shared / "data", read_catalogue()), {"year": None, "date": None, "as_of": None})]
    assert Panel.read(tmp_path / "england").hash == rebuilt.hash


def test_data_build_writes_nothing_when_the_files_are_not_there(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        app, ["data", "build", "--raw", str(tmp_path / "none"), "--out", str(tmp_path / "england")]
    )
    assert isinstance(done.exception, DataError)
    assert not (tmp_path / "england").exists()


def test_a_column_is_written_as_its_fields_are() -> None:
    table = pd.DataFrame(
        {
            "number": [1.0, 0.1 + 0.2, float("nan"), 1e-9, 12345678.9],
            "day": pd.to_datetime(["2025-03-31", None, "1999-12-31", "2025-03-31", "0900-01-02"], errors="coerce"),
            "whole": [1, 20, 300, -4, 0],
            "text": ["a,b", "", "é", '"', "x"],
        }
    )
    lines = [[field_text(value) for value in row] for row in zip(*(table[name] for name in table), strict=True)]
    assert [list(line) for line in csv.reader(io.StringIO(csv_text(table)))][1:] == lines


@given(st.lists(st.tuples(*[st.text(st.sampled_from('a",\n\r é'), max_size=3)] * 2), max_size=4))
def test_tables_are_quoted_as_the_csv_module_quotes(rows: list[tuple[str, str]]) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows([("one", "two"), *(map(guarded, row) for row in rows)])
    assert csv_text(pd.DataFrame(rows, columns=["one", "two"], dtype=str)) == out.getvalue()
