"""Reading looked-after children: the parts, the two forms of file, and tables that were saved from spreadsheets."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from official_folders import filed

from bayes_csc.errors import DataError
from bayes_csc.panel.indicators import Indicator, parse_dictionary
from bayes_csc.sources.download.official import Official
from bayes_csc.sources.england.panel import description
from bayes_csc.sources.looked_after.cla_counts import LongCount, WideCount, at_least, count_cells
from bayes_csc.sources.looked_after.cla_health import rounded_cell
from bayes_csc.sources.looked_after.cla_scores import score_cell
from bayes_csc.sources.looked_after.cla_sheets import Sheet, sheet_entries, sheet_table
from bayes_csc.sources.readers.tables import SMALL_COUNT, UNAVAILABLE, Entry


def shown(value: float) -> Entry:
    return Entry("observed", value, value)


@pytest.fixture(scope="module")
def indicators() -> dict[str, Indicator]:
    """The dictionary of the England panel."""
    described = description()
    return parse_dictionary({key: described[key] for key in ("panel", "indicator")}, "england.toml", [])[1]


@given(st.integers(1, 60), st.integers(0, 60))
def test_the_interval_of_rounded_counts_holds_every_share_that_rounds_to_them(fives: int, more: int) -> None:
    n, d = 5 * fives, 5 * (fives + more)
    found = rounded_cell(shown(n), shown(d))
    for count in range(n - 2, n + 3):
        for total in range(max(d - 2, count), d + 3):
            assert found["lower"] <= d * count / total <= found["upper"]
    assert found["denominator"] == d


def test_a_suppressed_rounded_count_may_be_any_but_none() -> None:
    found = rounded_cell(SMALL_COUNT, shown(50))
    assert (found["lower"], found["upper"]) == (1, 50)
    assert rounded_cell(shown(0), shown(0))["status"] == "not_applicable"


@pytest.mark.parametrize(
    ("mean", "scored", "status"),
    [
        (shown(14.1), shown(55), "observed"),
        (shown(14.1), SMALL_COUNT, "not_available"),
        (SMALL_COUNT, shown(55), "not_available"),
        (UNAVAILABLE, shown(55), "not_available"),
        (shown(0), shown(0), "not_applicable"),
        (Entry("not_applicable"), shown(0), "not_applicable"),
    ],
)
def test_a_mean_needs_the_number_of_children_that_it_is_of(mean: Entry, scored: Entry, status: str) -> None:
    found = score_cell(mean, scored)
    assert found["status"] == status
    assert np.isnan(found["numerator"])
    assert np.isnan(found["value"]) == (status != "observed")


def test_only_a_hidden_count_with_larger_parts_loses_its_limit() -> None:
    counts = [SMALL_COUNT, SMALL_COUNT, shown(4), UNAVAILABLE]
    parts = [[shown(22), shown(2), shown(22), shown(9)], [SMALL_COUNT, UNAVAILABLE, SMALL_COUNT, shown(9)]]
    assert at_least(counts, parts) == [Entry("suppressed", 23, np.inf), *counts[1:]]


LONG_HEAD = "time_period,geographic_level,old_la_code,group,what,number"
LONG = LongCount("convictions", "long", range(2021, 2023), ("group", "all"), "what", "number", ("yes",), "Total")


def long_file(folder: Path, rows: list[str]) -> Official:
    return filed(folder, long="\n".join([LONG_HEAD, *rows]) + "\n")


LONG_ROWS = [
    f"{year},Local authority,{code},all,{what},{count}"
    for year in (2021, 2022)
    for code, counts in (("201", ("c", "9")), ("330", ("12", "400")), ("420", ("z", "0")))
    for what, count in zip(("yes", "Total"), counts, strict=True)
]


@settings(deadline=None, max_examples=25)
@given(st.permutations(LONG_ROWS))
def test_the_order_of_rows_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, indicators: dict[str, Indicator], rows: list[str]
) -> None:
    expected = count_cells(long_file(tmp_path_factory.mktemp("a"), LONG_ROWS), indicators, [LONG])
    found = count_cells(long_file(tmp_path_factory.mktemp("b"), rows), indicators, [LONG])
    pd.testing.assert_frame_equal(found, expected)
    assert expected["status"].tolist() == ["suppressed", "suppressed", "observed", "observed", *["not_applicable"] * 2]


@pytest.mark.parametrize(
    "rows",
    [
        [*LONG_ROWS, LONG_ROWS[0]],  # twice
        LONG_ROWS[1:],  # one lacking
        [row for row in LONG_ROWS if "yes" not in row],  # a category that was renamed
        [row.replace(",all,", ",everybody,") for row in LONG_ROWS],  # a group that was renamed
        [row.replace("2021,", "202021,").replace("2022,", "202122,") for row in LONG_ROWS],  # years of another form
    ],
)
def test_a_long_file_needs_each_category_once(
    tmp_path: Path, indicators: dict[str, Indicator], rows: list[str]
) -> None:
    with pytest.raises(DataError, match=r"long\.csv: expected one row per authority and year for each of yes, Total"):
        count_cells(long_file(tmp_path, rows), indicators, [LONG])


def test_an_unknown_symbol_of_a_long_file_is_reported_with_its_row(
    tmp_path: Path, indicators: dict[str, Indicator]
) -> None:
    rows = [row.replace(",12", ",twelve") for row in LONG_ROWS]
    with pytest.raises(DataError, match=r"long\.csv: row 4: column 'number': .* found 'twelve'"):
        count_cells(long_file(tmp_path, rows), indicators, [LONG])


def test_a_denominator_from_another_release_is_refused(tmp_path: Path, indicators: dict[str, Indicator]) -> None:
    files = filed(
        tmp_path, missing="geog_l,geog_c,missing\nLA,201,3\nLA,330,10\n", all="geog_l,geog_c,all\nLA,330,400\n"
    )
    place = WideCount("missing_children_early", "missing", 2017, ("missing",), "all", denominator_file="all")
    with pytest.raises(DataError, match=r"all\.csv: no row for 201, found in missing\.csv"):
        count_cells(files, indicators, [place])


@pytest.mark.parametrize(
    ("rows", "found"),
    [(["LA,201,3", "LA,330,10", "LA,201,3"], "more for 201"), (["REGION,A,13"], "none")],
)
def test_a_wide_file_has_one_row_per_authority(
    tmp_path: Path, indicators: dict[str, Indicator], rows: list[str], found: str
) -> None:
    files = filed(tmp_path, wide="\n".join(["geog_l,geog_c,all", *rows]) + "\n")
    place = WideCount("convictions", "wide", 2017, ("all",), "all")
    with pytest.raises(DataError, match=rf"wide\.csv: expected one row per local authority; found {found}"):
        count_cells(files, indicators, [place])


# Spreadsheets saved as CSV.

SHEET = Sheet("sheet", (2012, 2013), named=False, encoding="cp1252")
HEADINGS = {"mean": "Average score"}
SHEET_ROWS = [
    "Table 1: Children\u2019s scores,,,",
    ",,2012,,2013",
    ",,Average score per child,Number,Average score per child,Number",
    ',England,14.0,"23,480",13.9,"24,080"',
    "330,Birmingham,13.1,900,13.4,905",
    "201,City of London,x,x,.,0",
    "1. Average scores are rounded.",
]


def sheet_file(folder: Path, rows: list[str], encoding: str = "cp1252") -> Official:
    return filed(folder, sheet="\r\n".join(rows).encode(encoding))


def test_title_rows_notes_and_england_are_not_authorities(tmp_path: Path) -> None:
    table = sheet_table(sheet_file(tmp_path, SHEET_ROWS), SHEET, HEADINGS, 2013)
    assert table.to_numpy().tolist() == [["330", "13.4"], ["201", "."]]


def test_an_odd_text_of_a_sheet_is_reported_with_its_row(tmp_path: Path) -> None:
    rows = [row.replace("13.4", "13 point 4") for row in SHEET_ROWS]
    with pytest.raises(DataError, match=r"sheet\.csv: row 5: column 'mean': .* found '13 point 4'"):
        sheet_entries(sheet_file(tmp_path, rows), SHEET, HEADINGS, 2013)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (SHEET_ROWS[:2] + SHEET_ROWS[3:], "expected the heading 'Average score' 2 times in one row"),
        ([SHEET_ROWS[2], *SHEET_ROWS[2:]], "found it 4 times"),
        ([*SHEET_ROWS, SHEET_ROWS[4]], "expected each local authority once; found 3 rows"),
        (SHEET_ROWS[:4], "expected each local authority once; found 0 rows"),
    ],
)
def test_a_sheet_of_another_form_is_refused(tmp_path: Path, rows: list[str], message: str) -> None:
    with pytest.raises(DataError, match=re.escape(message)):
        sheet_table(sheet_file(tmp_path, rows), SHEET, HEADINGS, 2013)


def test_a_sheet_in_another_encoding_is_refused(tmp_path: Path) -> None:
    utf8 = Sheet("sheet", (2012, 2013), named=False, encoding="utf-8-sig")
    with pytest.raises(DataError, match=r"sheet\.csv: expected a CSV file in utf-8-sig"):
        sheet_table(sheet_file(tmp_path, SHEET_ROWS), utf8, HEADINGS, 2013)
    with pytest.raises(DataError, match="the file is missing"):
        sheet_table(replace(sheet_file(tmp_path, SHEET_ROWS), folder=tmp_path / "elsewhere"), SHEET, HEADINGS, 2013)
