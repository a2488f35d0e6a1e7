"""Judgements read from Ofsted's reports by a public tool: its traps, and how they join Ofsted's own tables."""

from __future__ import annotations

import datetime
import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from broken.workbooks import workbook

from bayes_csc.errors import DataError
from bayes_csc.panel.panel import Panel
from bayes_csc.sources.download.catalogue import Dataset, read_catalogue
from bayes_csc.sources.download.official import Official
from bayes_csc.sources.ofsted.outcomes import TOGETHER
from bayes_csc.sources.ofsted.report_cards import DOMAINS, judgements_to, read_reports, reconciled, reported
from bayes_csc.sources.places.authorities import places

COLUMNS = [
    "la_code", "local_authority", "inspection_framework", "inspection_start_date", "publication_date", *DOMAINS.values()
]  # fmt: skip
LONDON = ("301", "barking and dagenham", "standard")
DATED = ("10/07/2023", "04/09/23")
ALL_GOOD = ("good",) * 5
DECEMBER = datetime.date(2025, 12, 31)


@pytest.fixture
def authorities(shipped: Panel) -> pd.DataFrame:
    """Authorities of England, past and present."""
    return shipped.authorities


def reports(folder: Path, *rows: tuple[object, ...], name: str = "reports.xlsx") -> Path:
    path = folder / name
    workbook(path, [list(COLUMNS), *(list(row) for row in rows)])
    return path


def one(folder: Path, authorities: pd.DataFrame, *row: object) -> pd.DataFrame:
    return read_reports(reports(folder, row), authorities)


def grades(rows: pd.DataFrame) -> dict[str, int]:
    return dict(zip(rows["domain"], rows["grade"], strict=True))


def days(rows: pd.DataFrame) -> list[str]:
    first = rows.iloc[0]
    return [str(first[name])[:10] for name in ("start_date", "publication_date")]


# Reading.


def test_grades_and_dates_are_read_day_first(tmp_path: Path, authorities: pd.DataFrame) -> None:
    rows = one(
        tmp_path, authorities, "301", "barking and dagenham", "short", "11/09/2023", "05/08/24",
        "good", "requires improvement", "outstanding", "Inadequate", "requires improvement to be good",
    )  # fmt: skip
    assert days(rows) == ["2023-09-11", "2024-08-05"]
    assert set(rows["type"]) == {"ILACS Short Inspection"}
    assert grades(rows) == {
        "overall": 2, "leadership": 3, "help_and_protection": 1, "children_looked_after": 4, "care_leavers": 3
    }  # fmt: skip


def test_dates_that_a_workbook_holds_as_such_are_read_too(tmp_path: Path, authorities: pd.DataFrame) -> None:
    start, published = datetime.date(2023, 7, 10), datetime.date(2023, 9, 4)
    assert days(one(tmp_path, authorities, *LONDON, start, published, *ALL_GOOD)) == ["2023-07-10", "2023-09-04"]


@pytest.mark.parametrize(("start", "domain"), [("31/12/2022", TOGETHER), ("01/01/2023", "children_looked_after")])
def test_children_in_care_and_care_leavers_were_judged_together_until_2023(
    tmp_path: Path, authorities: pd.DataFrame, start: str, domain: str
) -> None:
    own = "inspection_pre_dates_judgement" if domain == TOGETHER else "good"
    rows = one(tmp_path, authorities, *LONDON, start, "28/02/23", "good", "good", "good", "inadequate", own)
    assert grades(rows)[domain] == 4
    assert ("care_leavers" in grades(rows)) == (domain != TOGETHER)


def test_two_inspections_of_april_2026_have_their_domains_and_no_overall_grade(
    tmp_path: Path, shipped: Panel, authorities: pd.DataFrame
) -> None:
    rows = read_reports(
        reports(
            tmp_path,
            ("384", "wakefield", "standard", "13/04/2026", "08/06/26", "", "good", "good", "inadequate", "good"),
            ("301", "barking and dagenham", "short", "20/04/2026", "15/06/26", "None", "good", "good", "good", "good"),
        ),
        authorities,
    )
    assert "overall" not in set(rows["domain"])
    assert rows.groupby("authority").size().tolist() == [4, 4]
    later = reconciled(shipped.inspections, rows)
    assert later.added["authority"].tolist() == ["301", "384"]
    day = datetime.date(2026, 6, 30)
    panel = replace(shipped, inspections=later.inspections, date=day, published_by=day)
    panel.write(tmp_path / "panel", checked=True)
    again = Panel.read(tmp_path / "panel")
    latest, others = again.latest_grades(), ~again.latest_grades().index.isin(["301", "384"])
    pd.testing.assert_frame_equal(latest[others], shipped.latest_grades()[others])
    assert latest.loc[["301", "384"], "grade"].tolist() == [2, 4]  # the worst sub-judgement
    assert not latest.loc[["301", "384"], "overall"].any()
    assert len(again.inspections) == len(shipped.inspections) + 8


@pytest.mark.parametrize(
    ("code", "start", "published", "expected"),
    [
        ("838", "17/03/2025", "09/05/25", "838"),
        ("835", "17/03/2025", "09/05/25", "838"),
        ("838", "01/02/2019", "20/03/19", "835"),
        ("835", "01/02/2019", "20/03/19", "835"),
    ],
)
def test_dorset_is_the_authority_that_existed_when_it_was_inspected(
    tmp_path: Path, authorities: pd.DataFrame, code: str, start: str, published: str, expected: str
) -> None:
    rows = one(tmp_path, authorities, code, "dorset", "short", start, published, *ALL_GOOD)
    assert set(rows["authority"]) == {expected}


BROKEN = {
    "row 2: column 'overall_effectiveness_grade': unknown grade 'satisfactory'; expected one of outstanding, good": (
        *LONDON, *DATED, "satisfactory", *ALL_GOOD[1:]
    ),
    "row 2: column 'inspection_start_date': expected a date such as 31/03/2025 or 31/03/25, found '07/31/2023'": (
        *LONDON, "07/31/2023", "04/09/23", *ALL_GOOD
    ),
    "row 2: unknown type 'focused'; expected short or standard": (*LONDON[:2], "focused", *DATED, *ALL_GOOD),
    "row 2: expected a publication date, found none": (*LONDON, "10/07/2023", "", *ALL_GOOD),
    "row 2: published on 9 April 2023, before its start on 10 July 2023; expected days before months": (
        *LONDON, "10/07/2023", "09/04/23", *ALL_GOOD
    ),
    "row 2: no authority with the code '999' (utopia) existed on 10 July 2023; add it to la_lookup.csv": (
        "999", "utopia", "short", *DATED, *ALL_GOOD
    ),
    "row 2: no authority with the code '909' (cumbria) existed on 10 July 2023; add it": (
        "909", "cumbria", "short", *DATED, *ALL_GOOD
    ),
    "row 2: expected a grade of at least one domain, found none": (*LONDON, *DATED, *("",) * 5),
}  # fmt: skip


@pytest.mark.parametrize("problem", BROKEN)
def test_what_cannot_be_is_told_with_its_row(tmp_path: Path, authorities: pd.DataFrame, problem: str) -> None:
    with pytest.raises(DataError, match=re.escape(problem)):
        one(tmp_path, authorities, *BROKEN[problem])


def test_a_missing_column_is_told(tmp_path: Path, authorities: pd.DataFrame) -> None:
    workbook(tmp_path / "reports.xlsx", [COLUMNS[:-1], [*LONDON, *DATED, *ALL_GOOD[:-1]]])
    with pytest.raises(DataError, match="column 'care_leavers_grade' is missing in row 1"):
        read_reports(tmp_path / "reports.xlsx", authorities)


# Joining them with Ofsted's tables.


def read(folder: Path, authorities: pd.DataFrame, *rows: tuple[object, ...]) -> pd.DataFrame:
    return read_reports(reports(folder, *rows), authorities)


def test_ofsteds_table_stands_and_what_differs_is_reported(tmp_path: Path, authorities: pd.DataFrame) -> None:
    table = read(tmp_path, authorities, (*LONDON, *DATED, "good", "good", "good", "good", ""))
    same = read(tmp_path, authorities, (*LONDON, *DATED, "inadequate", "good", "good", "good", "good"))
    found = reconciled(table, same)
    assert found.inspections is table
    assert (found.compared, len(found.added)) == (1, 0)
    assert found.differences.drop(columns="start_date").to_numpy().tolist() == [
        ["301", "care_leavers", "", "good"],
        ["301", "overall", "good", "inadequate"],
    ]


def test_a_report_of_the_same_publication_is_the_same_inspection(tmp_path: Path, authorities: pd.DataFrame) -> None:
    table = read(tmp_path, authorities, (*LONDON, *DATED, *ALL_GOOD))
    found = reconciled(table, read(tmp_path, authorities, (*LONDON, "17/07/2023", DATED[1], *ALL_GOOD)))
    assert found.added.empty
    assert found.differences[["what", "ofsted", "reports"]].to_numpy().tolist() == [
        ["start_date", "2023-07-10", "2023-07-17"]
    ]
    found = reconciled(table, read(tmp_path, authorities, (*LONDON, DATED[0], "05/09/23", *ALL_GOOD)))
    assert found.added.empty
    assert found.differences[["what", "ofsted", "reports"]].to_numpy().tolist() == [
        ["publication_date", "2023-09-04", "2023-09-05"]
    ]


def test_a_report_without_a_start_date_is_compared_and_never_added(tmp_path: Path, authorities: pd.DataFrame) -> None:
    table = read(tmp_path, authorities, (*LONDON, *DATED, *ALL_GOOD))
    same = reconciled(table, read(tmp_path, authorities, (*LONDON[:2], "None", "", DATED[1], *ALL_GOOD)))
    assert (same.compared, len(same.added), len(same.differences)) == (1, 0, 0)
    later = reconciled(table, read(tmp_path, authorities, (*LONDON[:2], "None", "", "04/09/24", *ALL_GOOD)))
    assert (later.compared, len(later.added)) == (0, 0)
    assert later.differences[["what", "reports"]].to_numpy().tolist() == [
        ["inspection", "published on 2024-09-04, without a start date"]
    ]


def test_an_inspection_that_only_the_reports_have_is_added(tmp_path: Path, authorities: pd.DataFrame) -> None:
    table = read(tmp_path, authorities, (*LONDON, *DATED, *ALL_GOOD))
    new = read(tmp_path, authorities, (*LONDON, "13/01/2025", "03/03/25", *ALL_GOOD))
    found = reconciled(table, new)
    assert found.added.astype(str).to_numpy().tolist() == [["301", "2025-01-13", "2025-03-03"]]
    assert found.differences.empty
    pd.testing.assert_frame_equal(found.inspections, pd.concat([table, new], ignore_index=True))


def test_an_older_file_has_inspections_that_a_newer_one_no_longer_has(
    tmp_path: Path, authorities: pd.DataFrame
) -> None:
    known = read_catalogue()
    paths = {"ofsted_reports": "old.xlsx", "ofsted_reports_newest": "new.xlsx"}
    datasets = {name: replace(known.datasets[name], path=path) for name, path in paths.items()}
    official = Official(tmp_path, replace(known, datasets=datasets))
    (tmp_path / "raw").mkdir()
    with pytest.raises(DataError, match=r"old\.xlsx: the file is missing"):
        reported(official, authorities)
    first, second = (*LONDON, *DATED, *ALL_GOOD), (*LONDON, "13/01/2025", "03/03/25", *ALL_GOOD)
    again = ("201", "city of london", "short", "02/09/2024", "05/11/24")
    reports(tmp_path / "raw", first, (*again, *ALL_GOOD), name="old.xlsx")
    rows, sources = reported(official, authorities)
    assert (len(rows), sources) == (10, ("ofsted-reports-2026",))
    reports(tmp_path / "raw", second, (*again, *("outstanding",) * 5), name="new.xlsx")
    rows, sources = reported(official, authorities)
    assert sources == ("ofsted-reports", "ofsted-reports-2026")
    starts = rows[rows["domain"] == "overall"].set_index(["authority", "start_date"])["grade"]
    assert {(code, f"{day:%Y-%m-%d}"): grade for (code, day), grade in starts.items()} == {
        ("301", "2023-07-10"): 2, ("301", "2025-01-13"): 2, ("201", "2024-09-02"): 1
    }  # fmt: skip


# The file of January 2026.


def test_the_file_agrees_with_ofsteds_table_but_for_st_helens(official: Official) -> None:
    found = judgements_to(official, places(official), started_by=DECEMBER, published_by=DECEMBER)
    assert found is not None
    # 127 inspections by their start date; Brighton and Hove, Nottingham, Redcar and Cleveland by their publication.
    assert found.compared == 130
    wrong = found.differences[["authority", "what"]].to_numpy().tolist()
    assert wrong == [
        *(["342", what] for what in ("care_leavers", "children_looked_after", "help_and_protection")),
        *([code, "care_leavers"] for code in ("807", "892")),
    ]
    assert "384" in set(found.added["authority"])
    assert found.sources == ("ofsted-reports-2026",)


def test_wakefields_last_inspection_was_published_after_ofsteds_table(official: Official) -> None:
    table = places(official)
    june = judgements_to(official, table, started_by=DECEMBER, published_by=datetime.date(2025, 6, 30))
    assert june is not None
    assert "384" not in set(june.added["authority"])


def test_where_ofsteds_table_is_as_at_the_day_no_report_is_read(official: Official) -> None:
    opened = Official(official.folder)
    day = datetime.date(2025, 3, 31)
    assert judgements_to(opened, pd.DataFrame(), started_by=day, published_by=datetime.date(2025, 6, 30)) is None
    assert opened.opened == set()


def test_the_newest_file_of_reports_changes_every_week_at_one_address() -> None:
    newest: Dataset = read_catalogue().datasets["ofsted_reports_newest"]
    assert newest.renewed == "weekly"
    assert newest.url.endswith("/HEAD/ofsted_csc_ilacs_overview.xlsx")
