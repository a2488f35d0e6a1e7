"""The columns and the table that a panel may have besides: confidence, widest intervals, releases."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from paths import PANELS

from bayes_csc.errors import DataError
from bayes_csc.panel.panel import Panel
from bayes_csc.sources.download.publications import release_table

TOWNS = PANELS / "towns"
CELLS = Path("indicators") / "assessment.csv"
RELEASES = "id,title,publisher,published,url,licence\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small panel that keeps its contract."""
    return Path(shutil.copytree(TOWNS, tmp_path / "towns"))


def with_column(folder: Path, name: str, values: dict[int, str]) -> None:
    """Add a column; `values` by row of the file, blank elsewhere."""
    head, *rows = (folder / CELLS).read_text(encoding="utf-8").splitlines()
    lines = [f"{head},{name}", *(f"{row},{values.get(number, '')}" for number, row in enumerate(rows, start=2))]
    (folder / CELLS).write_text("\n".join(lines) + "\n", encoding="utf-8")


# Columns.


@pytest.mark.parametrize(("name", "values"), [("confidence", {2: "1", 3: "3"}), ("widest_upper", {3: "40"})])
def test_an_optional_column_comes_back_and_is_part_of_the_hash(
    folder: Path, tmp_path: Path, name: str, values: dict[int, str]
) -> None:
    plain = Panel.read(folder)
    with_column(folder, name, values)
    panel = Panel.read(folder)
    assert panel.cells[name].dropna().tolist() == [float(value) for value in values.values()]
    panel.write(tmp_path / "copy")
    assert Panel.read(tmp_path / "copy").files() == panel.files()
    assert panel.hash != plain.hash


def test_a_column_that_no_cell_needs_is_not_written(folder: Path) -> None:
    plain = Panel.read(folder)
    with_column(folder, "confidence", {})
    assert Panel.read(folder).files() == plain.files()


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        (
            "confidence",
            {2: "4"},
            "row 2: authority 101 .Ashby., year 2023, indicator late: confidence must be 1 .low., 2 or 3",
        ),
        ("confidence", {2: "high"}, "confidence must be 1 .low., 2 or 3 .high., or blank, found 'high'"),
        ("widest_upper", {2: "40"}, "row 2: .*status is observed, but a widest interval is given"),
        (
            "widest_upper",
            {3: "4"},
            re.escape("row 3: authority 102 (Barrow), year 2023, indicator late: the widest interval"),
        ),
        ("widest_lower", {3: "2"}, "the widest interval, '2' to '', must hold 1 to 5"),
        ("widest_lower", {3: "-1"}, "widest_lower is negative: -1"),
        ("widest_upper", {3: "71"}, "widest_upper 71 is above the denominator 70"),
        ("widest_upper", {3: "all"}, "widest_upper must be a number or blank, found 'all'"),
        ("narrowest", {3: "4"}, "unknown column 'narrowest'"),
    ],
)
def test_a_breach_of_an_optional_column_is_reported_where_it_is(
    folder: Path, name: str, values: dict[int, str], message: str
) -> None:
    with_column(folder, name, values)
    with pytest.raises(DataError, match=message):
        Panel.read(folder)


# Releases.


def test_a_panel_without_releases_has_sources_of_free_text(folder: Path) -> None:
    panel = Panel.read(folder)
    assert panel.releases is None
    assert "releases.csv" not in panel.files()


def test_releases_come_back_and_are_part_of_the_hash(folder: Path, tmp_path: Path) -> None:
    plain = Panel.read(folder).hash
    row = 'made,"Made, for a test",Us,2023-10-31,,\n'
    (folder / "releases.csv").write_text(RELEASES + row, encoding="utf-8")
    panel = Panel.read(folder)
    assert panel.releases is not None
    assert panel.releases.loc["made", "title"] == "Made, for a test"
    assert panel.releases.loc["made", "published"] == pd.Timestamp("2023-10-31")
    panel.write(tmp_path / "copy")
    assert (tmp_path / "copy" / "releases.csv").read_text(encoding="utf-8") == RELEASES + row
    assert panel.hash != plain


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("other,Another,,,,\n", r"releases\.csv: no release 'made', the source of 5 rows, such as authority 101, year"),
        ("made,,,,,\n", r"releases\.csv: row 2: release made: title is blank"),
        ("made,A,,,,\nmade,B,,,,\n", r"releases\.csv: row 2: release made: the id appears more than once"),
        ("made,A,,last year,,\n", "published must be a date such as 2025-03-31, found 'last year'"),
    ],
)
def test_a_breach_of_the_releases_is_reported(folder: Path, rows: str, message: str) -> None:
    (folder / "releases.csv").write_text(RELEASES + rows, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        Panel.read(folder)


def test_an_earlier_vintage_needs_its_release_too(folder: Path) -> None:
    panel = Panel.read(folder)
    releases = pd.DataFrame(
        {"title": ["Made"], "publisher": [""], "published": [pd.NaT], "url": [""], "licence": [""]},
        index=pd.Index(["made"], name="id"),
    )
    earlier = panel.cells.iloc[:1].assign(publication_date=panel.cells["reference_end"].iloc[:1], source="draft")
    replace(panel, releases=releases, revisions=earlier).write(folder)
    with pytest.raises(DataError, match="no release 'draft', the source of 1 rows"):
        Panel.read(folder)


# The table of releases from a description.


def rows_of(source: str, *published: str) -> pd.DataFrame:
    return pd.DataFrame({"source": source, "publication_date": pd.to_datetime(list(published))})


def test_a_release_described_by_its_title_is_dated_by_its_last_period() -> None:
    found = release_table({"a": "DfE, A"}, rows_of("a", "2021-10-31", "2022-10-31"), "OGL", where="x.toml").loc["a"]
    assert found["published"] == pd.Timestamp("2022-10-31")
    assert (found["publisher"], found["licence"], found["url"]) == ("Department for Education", "OGL", "")


def test_what_is_said_of_a_release_stands() -> None:
    said = {"title": "A", "publisher": "P", "published": "2022-10-27", "url": "example.org", "licence": "MIT"}
    found = release_table({"a": said}, rows_of("a", "2022-10-31"), "OGL", where="x.toml").loc["a"]
    assert {name: found[name] for name in said} == said | {"published": pd.Timestamp("2022-10-27")}


def test_every_problem_of_the_description_is_named() -> None:
    described = {"a": {"name": "A"}, "b": {"title": "B", "published": "in 2022"}}
    with pytest.raises(DataError, match="no 'c', a source of the cells") as caught:
        release_table(described, rows_of("c", "2022-10-31"), "", where="x.toml")
    assert [problem.removeprefix("x.toml: [release] ") for problem in caught.value.problems] == [
        "has no 'c', a source of the cells; add its title, or its release to the catalogue",
        "a: unknown key 'name'; the keys are title, publisher, published, url, licence",
        "a: title is missing",
        "b: published must be a date such as \"2025-10-30\", found 'in 2022'",
    ]


def test_a_release_without_cells_has_no_nominal_date() -> None:
    found = release_table({"a": "A", "b": "B"}, rows_of("a", "2022-10-31"), "", where="x.toml")
    assert np.isnat(found.loc["b", "published"].to_datetime64())
