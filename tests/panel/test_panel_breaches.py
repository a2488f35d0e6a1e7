"""What is said of each breach of a panel's contract: the file, the row, the authority, what was expected and found."""

from __future__ import annotations

import contextlib
import re
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from paths import PANELS

from bayes_csc.errors import DataError
from bayes_csc.panel.panel import Panel

TOWNS = PANELS / "towns"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small panel that keeps its contract."""
    return Path(shutil.copytree(TOWNS, tmp_path / "towns"))


def change(folder: Path, name: str, old: str, new: str) -> None:
    text = (folder / name).read_text(encoding="utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")


CELLS, INSPECTIONS, AUTHORITIES = "indicators/assessment.csv", "inspections.csv", "authorities.csv"
AT_101 = "assessment.csv: row 2: authority 101 (Ashby), year 2023, indicator late: "
AT_102 = "assessment.csv: row 3: authority 102 (Barrow), year 2023, indicator late: "
CELL_BREACHES = [
    ("20,80,0.25", "90,80,1.125", AT_101 + "numerator 90 is above its denominator 80"),
    ("20,80,0.25", "-1,80,", AT_101 + "numerator is negative: -1"),
    ("20,80,0.25", "20,-80,", AT_101 + "denominator is negative: -80"),
    ("20,80,0.25", "x,80,", AT_101 + "numerator must be a number or blank, found 'x'"),
    ("20,80,0.25", "20,inf,", AT_101 + "denominator must be a number or blank, found 'inf'"),
    ("20,80,0.25", "20,,", AT_101 + "observed without its figure"),
    ("20,80,0.25", "20,80,0.5", AT_101 + "value 0.5 is not numerator / denominator, 20 / 80"),
    ("0.25,observed", "0.25,seen", AT_101 + "unknown status 'seen'; expected one of observed, suppressed"),
    ("suppressed,1,5", "suppressed,,", AT_102 + "suppressed without its interval"),
    ("suppressed,1,5", "suppressed,5,1", AT_102 + "lower 5 is above upper 1"),
    ("suppressed,1,5", "suppressed,-1,5", AT_102 + "lower is negative: -1"),
    ("suppressed,1,5", "suppressed,1,75", AT_102 + "upper 75 is above the denominator 70"),
    ("late,,70,", "late,3,70,", AT_102 + "status is suppressed, but a numerator or value is given"),
    ("101,2023,late", "101,23,late", "row 2: authority 101 (Ashby), year 23, indicator late: year must be four digits"),
    ("101,2023,late", "101,2023,early", "indicator early: the indicator is not in indicators.toml"),
    ("101,2023,late", "999,2023,late", "authority 999, year 2023, indicator late: unknown authority"),
    ("101+102,2022", "101+999,2022", "authority 101+999, year 2022, indicator late: unknown authority"),
    ("102,2023,late", "101,2023,late", AT_101 + "duplicate cell"),
    ("2022-04-01", "2022-04-31", AT_101 + "reference_start must be a date such as 2025-03-31, found '2022-04-31'"),
    ("2022-04-01", "01/04/2022", AT_101 + "reference_start must be a date such as 2025-03-31, found '01/04/2022'"),
    ("2022-04-01", "2023-04-01", AT_101 + "reference_start 2023-04-01 is after reference_end 2023-03-31"),
    ("2023-10-31", "2023-01-31", AT_101 + "published on 2023-01-31, before its reference_end 2023-03-31"),
    ("2023-10-31", "", AT_101 + "publication_date is blank"),
    ("101,2023,late,20", "103,2023,late,20",
     "authority 103 (Castle), year 2023, indicator late: ends before the authority existed, from 2023-04-01"),
    ("102,2024,late,0,60,0,observed,,,2023-04-01,2024-03-31", "101,2025,late,0,60,0,observed,,,2024-04-01,2024-09-30",
     "authority 101 (Ashby), year 2025, indicator late: starts after the authority ended, on 2024-03-31"),
    ("authority,year", "authority,jahr", "assessment.csv: column 'year' is missing"),
    ("authority,year", "authority,jahr", "assessment.csv: unknown column 'jahr'"),
    ("authority,year", "year,year", "assessment.csv: column 'year' appears twice"),
    ("101,2023,late,20", "101,2023,late,1,20", "assessment.csv: row 2: expected 13 fields, found 14"),
]  # fmt: skip
INSPECTION_BREACHES = [
    ("overall,1", "overall,3", "row 4: authority 101 .Ashby., ILACS .*: grade must be .* to 2, found '3'"),
    ("overall,1", "overall,good", "grade must be a whole number from 1 .* to 2, found 'good'"),
    ("2024-02-05", "2024-05-05", "authority 101 .Ashby., ILACS .*: started after its publication"),
    ("2024-02-05", "soon", "start_date must be a date such as 2025-03-31, found 'soon'"),
    ("103,ILACS,standard,2024-11-04,2025-01-10", "103,SIF,standard,2016-11-04,2017-01-10",
     "row 6: authority 103 .Castle., SIF .*: inspected before the authority existed, from 2023-04-01; give its pre"),
    ("103,ILACS,standard", "101,ILACS,standard",
     "row 6: authority 101 .Ashby., ILACS .*: inspected after the authority ended, on 2024-03-31; give its succ"),
    ("103,ILACS", "999,ILACS", "row 6: authority 999, ILACS .*: unknown authority"),
    ("leadership,1", "overall,1", "row 2: authority 101 .Ashby., SIF .*: the judgement 'overall' .*2 rows: 2, 3"),
    ("2024-11-04,2025-01-10", "2025-04-04,2025-06-10", "falls after the panel's date, 2025-03-31"),
    ("2017-06-30", "", "row 5: authority 102 .Barrow., .*: publication_date is blank"),
    (",grade", "", "inspections.csv: column 'grade' is missing"),
]  # fmt: skip
AUTHORITY_BREACHES = [
    ("102,Barrow", "101,Barrow", r"row 2: authority 101: the code appears more than once; keep one row .2 rows: 2, 3"),
    ("102,Barrow", "10+2,Barrow", r"the code must be one word without '\+', found '10\+2'"),
    ("Barrow,North", "Barrow,", "row 3: authority 102: region is blank"),
    ("101 102\n", "101 999\n", "row 4: authority 103: neighbours names an unknown authority: '101 999'"),
    ("101,1,,", "999,1,,", "row 4: authority 103: predecessors names an unknown authority: '999'"),
    ("101,1,,", "101,0.9,,", "predecessor_weights must be one positive number per predecessor .*; found '0.9'"),
    ("101,1,,", "101,,,", "predecessor_weights must be one positive number per predecessor .*; found ''"),
    ("101,1,,", "101,all,,", "predecessor_weights must be one positive number per predecessor .*; found 'all'"),
    ("20000", "-5", "row 3: authority 102: population is negative: -5"),
    ("20.5", "deprived", "deprivation must be a number or blank, found 'deprived'"),
    ("2023-04-01,,", "2023-04-01,2020-01-01,", "valid_from 2023-04-01 is after valid_to 2020-01-01"),
    ("2023-04-01", "1 April 2023", "valid_from must be a date such as 2025-03-31, found '1 April 2023'"),
]  # fmt: skip
DICTIONARY_BREACHES = [
    ('date = "2025-03-31"', "", r"indicators.toml: \[panel\]: date is missing"),
    ('"2025-03-31"', '"31 March 2025"', r"\[panel\]: date must be a date such as .*, found '31 March 2025'"),
    ('"2025-03-31"', "2025-03-31", r"\[panel\]: date must be a text in quotes"),
    ('["good", "bad"]', '["good"]', r"\[panel\]: grades must be at least two texts, best first, found \['good'\]"),
    ("name = ", "nom = ", r"\[panel\]: unknown key 'nom'"),
    ("[panel]", "[pannel]", "unknown table 'pannel'; the tables are panel and indicator"),
    ("binomial", "binormal", r"\[indicator.late\]: family must be one of 'binomial', .*, found 'binormal'"),
    ("higher is worse", "lower is better", r"\[indicator.late\]: polarity must be one of"),
    ('"midpoint"', '"start"', r"\[indicator.late\]: reference_instant must be one of 'midpoint', 'end', found 'start'"),
    (
        "publication_month = 10",
        "publication_month = 13",
        r"publication_month must be a whole number from 1 to 12, found 13",
    ),
    ('domain = "assessment"', 'domain = ""', r"\[indicator.late\]: domain must be a text that is not empty"),
    ('release = "made"', 'weight = "made"', r"\[indicator.late\]: release is missing\n.*unknown key 'weight'"),
    ("[panel]", "[panel", "indicators.toml: not valid TOML"),
    ("[panel]", "panel = 3\n[table]", r"indicators.toml: \[panel\] must be a table, found 3"),
    ("[indicator.late]", "[indicator]", r"\[indicator.label\]: expected a table, found 'Late assessments'"),
    ("[indicator.late]", '[indicator."too late"]', "key must be made of letters, digits, hyphens and underscores"),
    (
        'domain = "assessment"',
        'domain = "a/b"',
        "domain must be made of letters, .*, found 'a/b'",
    ),
]


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        *((CELLS, old, new, re.escape(message)) for old, new, message in CELL_BREACHES),
        *((INSPECTIONS, *breach) for breach in INSPECTION_BREACHES),
        *((AUTHORITIES, *breach) for breach in AUTHORITY_BREACHES),
        *(("indicators.toml", *breach) for breach in DICTIONARY_BREACHES),
    ],
)
def test_a_breach_is_reported_where_it_is(folder: Path, name: str, old: str, new: str, message: str) -> None:
    change(folder, name, old, new)
    with pytest.raises(DataError, match=message):
        Panel.read(folder)


def test_all_problems_of_all_files_are_reported_together_in_the_order_of_rows(folder: Path) -> None:
    change(folder, CELLS, "20,80,0.25,observed", "90,80,,seen")
    change(folder, CELLS, "suppressed,1,5", "suppressed,,")
    change(folder, INSPECTIONS, "overall,1", "overall,9")
    change(folder, AUTHORITIES, "20000", "-5")
    with pytest.raises(DataError, match="population is negative") as caught:
        Panel.read(folder)
    where = [problem.split(":")[0] + problem.split(":")[1] for problem in caught.value.problems]
    assert where == [
        "authorities.csv row 3",
        "inspections.csv row 4",
        *("assessment.csv row 2",) * (len(where) - 3),
        "assessment.csv row 3",
    ]
    assert len(where) >= 5


@pytest.mark.parametrize("name", ["indicators.toml", "inspections.csv", "authorities.csv", "README.md"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(DataError, match=rf"{re.escape(name)}: the file is missing"):
        Panel.read(folder)


def test_a_panel_without_cells_or_without_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    (folder / CELLS).unlink()
    with pytest.raises(DataError, match="no CSV file found"):
        Panel.read(folder)
    with pytest.raises(DataError, match="no such folder"):
        Panel.read(tmp_path / "nowhere")


def test_a_cell_that_two_files_hold_is_reported(folder: Path) -> None:
    head, first, *_ = (TOWNS / CELLS).read_text(encoding="utf-8").splitlines()
    (folder / "indicators" / "more.csv").write_text(f"{head}\n{first}\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"more\.csv: authority 101, year 2023, indicator late: .* more than one file"):
        Panel.read(folder)


def test_a_quotation_mark_that_is_not_closed_is_reported(folder: Path) -> None:
    path = folder / CELLS
    rows = (TOWNS / CELLS).read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([rows[0], '"' + rows[1], *[rows[2]] * 4000]), encoding="utf-8")
    with pytest.raises(DataError, match="look for a quotation mark that is not closed"):
        Panel.read(folder)


def test_another_encoding_is_reported(folder: Path) -> None:
    (folder / AUTHORITIES).write_bytes(
        (TOWNS / AUTHORITIES).read_text(encoding="utf-8").replace("Barrow", "Bärrow").encode("latin-1")
    )
    with pytest.raises(DataError, match=r"authorities\.csv: expected UTF-8, found byte 0xe4 at"):
        Panel.read(folder)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(
    name=st.sampled_from(["indicators.toml", CELLS, INSPECTIONS, AUTHORITIES]),
    place=st.integers(0, 2000),
    length=st.integers(0, 12),
    junk=st.one_of(
        st.text(max_size=8), st.sampled_from(["\x00", '"', ",", "\n", "-", "1e999", "nan", "[", "99999-01-01"])
    ),
)
def test_whatever_stands_in_a_file_is_read_or_refused_but_never_a_traceback(
    folder: Path, name: str, place: int, length: int, junk: str
) -> None:
    text = (TOWNS / name).read_text(encoding="utf-8")
    start = place % len(text)
    changed = text[:start] + junk + text[start + length :]
    (folder / name).write_bytes(changed.encode("utf-8", "surrogatepass"))
    with contextlib.suppress(DataError):
        Panel.read(folder)
    (folder / name).write_text(text, encoding="utf-8")
