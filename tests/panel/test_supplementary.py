"""The optional tables of a panel's folder: covariates, earlier inspections, visits and providers."""

from __future__ import annotations

import datetime
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from paths import PANELS

from bayes_csc.errors import DataError
from bayes_csc.measurement.design import design
from bayes_csc.panel.panel import Panel
from bayes_csc.panel.supplementary import SIDE_TABLES
from bayes_csc.spec import Spec

TOWNS = PANELS / "towns"
TEXTS = {
    "covariates.csv": "authority,year,covariate,value,source\n101,2022,population_0_17,10000,mye\n"
    "102,2022,population_0_17,20000,mye\n102,2024,spending_total,950.5,s251\n",
    "earlier_inspections.csv": "authority,framework,type,start_date,publication_date,domain,grade\n"
    "102,SLAC,first,,2012-01-31,safeguarding,2\n",
    "visits.csv": "authority,type,start_date,publication_date,theme,source\n"
    "102,focused visit,2023-02-01,2023-03-01,Front door,ofsted\n102,focused visit,2024-02-01,,,ofsted\n",
    "providers.csv": "authority,year,provision,event,grade,number,places,source\n"
    "102,2023,Children's home,latest full inspection,1,3,12,ofsted\n"
    "102,2023,Children's home,monitoring inspection,,2,,ofsted\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small panel with every optional table."""
    target = Path(shutil.copytree(TOWNS, tmp_path / "towns"))
    for name, text in TEXTS.items():
        (target / name).write_text(text, encoding="utf-8")
    return target


def test_a_panel_without_optional_tables_has_them_empty_and_writes_none_of_them() -> None:
    panel = Panel.read(TOWNS)
    assert [len(getattr(panel, name)) for name in SIDE_TABLES] == [0, 0, 0, 0]
    assert not set(TEXTS) & set(panel.files())


def test_the_optional_tables_come_back_byte_by_byte(folder: Path, tmp_path: Path) -> None:
    panel = Panel.read(folder)
    assert panel.covariates.loc[2, ["authority", "year", "value"]].tolist() == ["102", 2024, 950.5]
    assert pd.isna(panel.visits.loc[1, "publication_date"])
    assert pd.isna(panel.providers.loc[1, "grade"])
    panel.write(tmp_path / "copy")
    for name, text in TEXTS.items():
        assert (tmp_path / "copy" / name).read_text(encoding="utf-8") == text


@pytest.mark.parametrize("name", TEXTS)
def test_every_optional_table_is_part_of_the_hash(folder: Path, name: str) -> None:
    before = Panel.read(folder).hash
    (folder / name).unlink()
    assert Panel.read(folder).hash != before


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("covariates.csv", "102,2024", "999,2024", r"covariates\.csv: row 4: .*unknown authority"),
        ("covariates.csv", "102,2024", "102,24", r"row 4: .*year must be four digits, found '24'"),
        ("covariates.csv", "950.5", "c", r"row 4: .*value must be a number or blank, found 'c'"),
        ("covariates.csv", "950.5", "", r"row 4: .*value is blank"),
        ("covariates.csv", "102,2022", "101,2022", r"row 2: .*more than once; keep one \[2 rows: 2, 3\]"),
        ("visits.csv", "2023-03-01", "2023-01-01", r"visits\.csv: row 2: .*started after its publication"),
        ("visits.csv", "2024-02-01", "1 Feb 2024", r"row 3: .*start_date must be a date"),
        ("providers.csv", "2023,Children's home,m", "23,Children's home,m", r"providers\.csv: row 3: .*four digits"),
        (
            "earlier_inspections.csv",
            "safeguarding,2",
            "safeguarding,9",
            r"earlier_inspections\.csv: row 2: .*grade must",
        ),
        (
            "earlier_inspections.csv",
            "framework,type",
            "framework,kind",
            r"earlier_inspections\.csv: .*'type' is missing",
        ),
    ],
)
def test_a_breach_is_named_with_its_row(folder: Path, name: str, old: str, new: str, message: str) -> None:
    text = (folder / name).read_text(encoding="utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DataError, match=message):
        Panel.read(folder)


def test_as_of_leaves_out_what_was_not_known_yet(folder: Path) -> None:
    past = Panel.read(folder).as_of(datetime.date(2024, 2, 15))
    assert past.covariates["year"].tolist() == [2022, 2022]
    # The visit of February 2024 has no publication date: it is taken to come out 28 days later, as the other did.
    assert past.visits["start_date"].dt.year.tolist() == [2023]
    assert len(past.earlier_inspections) == 1
    assert Panel.read(folder).as_of(datetime.date(2011, 1, 1)).earlier_inspections.empty
    assert len(Panel.read(folder).as_of(datetime.date(2024, 3, 1)).visits) == 2


def test_of_the_optional_tables_the_design_has_the_grades_before_alone(folder: Path) -> None:
    with_tables, without = design(Panel.read(folder), Spec()), design(Panel.read(TOWNS), Spec())
    before = ["previous", "earlier"]
    pd.testing.assert_frame_equal(
        with_tables.observation.drop(columns=before), without.observation.drop(columns=before)
    )
    assert with_tables.observation.earlier.eq(True).sum() == 1
    assert not without.observation.earlier.eq(True).any()
    assert with_tables.judged == without.judged
    assert with_tables.year.tolist() == without.year.tolist()


def test_an_inspection_without_an_overall_grade_is_valid_and_no_observation(folder: Path) -> None:
    before = Panel.read(folder)
    ungraded = "102,ILACS,standard,2025-01-20,2025-02-20,leadership,1\n"
    with (folder / "inspections.csv").open("a", encoding="utf-8") as file:
        file.write(ungraded)
    after = Panel.read(folder)
    assert len(after.inspections) == len(before.inspections) + 1
    latest, others = after.latest_grades(), after.latest_grades().index != "102"
    pd.testing.assert_frame_equal(latest[others], before.latest_grades()[others])
    assert (latest.grade["102"], bool(latest.overall["102"])) == (1, False)  # the worst sub-judgement stands for it
    pd.testing.assert_frame_equal(design(after, Spec()).observation, design(before, Spec()).observation)


def test_the_order_of_rows_of_an_optional_table_does_not_matter(folder: Path) -> None:
    panel = Panel.read(folder)
    assert replace(panel, covariates=panel.covariates[::-1], visits=panel.visits[::-1]).hash == panel.hash
