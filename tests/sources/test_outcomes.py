"""Ofsted's inspections and visits: its own spreadsheets against the table of judgements, and published states."""

from __future__ import annotations

import datetime
from pathlib import Path

import pandas as pd
import pytest

from bayes_csc.errors import DataError
from bayes_csc.panel.panel import Panel
from bayes_csc.sources.download.official import Official
from bayes_csc.sources.ofsted import outcomes as ofsted
from bayes_csc.sources.ofsted.history import GRADES, IN_2023, grades
from bayes_csc.sources.ofsted.outcomes import STARTS, TOGETHER, earlier_judgements, judgements
from bayes_csc.sources.ofsted.visits import LATEST, providers, visits
from bayes_csc.sources.places.authorities import places
from bayes_csc.sources.readers.sheets import read_sheet, sheet_rows
from bayes_csc.sources.readers.tables import read_table

# Columns of the table of judgements, which was put together from the same sheets, and partly from the reports.
DERIVED = {
    "overall_effectiveness": "overall",
    "leadership": "leadership",
    "help_and_protection": "help_and_protection",
    "children_looked_after": "children_looked_after",
    "care_leavers": "care_leavers",
    "adoption": "adoption",
    "lscb": "lscb",
}
PARTS = {
    "SLAC safeguarding": "safeguarding",
    "SLAC safeguarding re-inspection": "safeguarding",
    "SLAC looked after children": "children_looked_after",
    "SLAC looked after children re-inspection": "children_looked_after",
    "Child protection": "child_protection",
    "Child protection re-inspection": "child_protection",
    "Targeted looked after children": "children_looked_after",
}
ENGLISH = {**GRADES, "Requires improvement": 3}
KEY = ["authority", "type", "publication_date", "domain"]
EVER = {"started_by": datetime.date(2026, 1, 1), "published_by": datetime.date(2026, 1, 1)}


@pytest.fixture(scope="module")
def authorities(official: Official) -> pd.DataFrame:
    """Authorities of England, past and present."""
    return places(official)


@pytest.fixture(scope="module")
def every(official: Official, authorities: pd.DataFrame) -> pd.DataFrame:
    """Every judgement under SIF and ILACS."""
    return judgements(official, authorities, **EVER)


@pytest.fixture(scope="module")
def derived(official: Official) -> pd.DataFrame:
    """The table of judgements, one row each."""
    table = read_table(official.derived(STARTS), list(DERIVED)).rename(
        columns={"old_la_code": "authority", "inspection_type": "type"}
    )
    rows = table.melt([*KEY[:3], "framework", "inspection_start_date"], list(DERIVED), "domain", "grade")
    rows = rows[rows["grade"] != ""]
    return rows.assign(
        domain=rows["type"].map(PARTS).fillna(rows["domain"].map(DERIVED)), grade=rows["grade"].map(ENGLISH)
    )


def side_by_side(ours: pd.DataFrame, derived: pd.DataFrame, frameworks: list[str]) -> pd.DataFrame:
    """Judgements of a reader and of the table, one row for each that either has."""
    texts = {name: ours[name].dt.strftime("%Y-%m-%d").fillna("") for name in ("publication_date", "start_date")}
    ours = ours.assign(**texts).replace({"domain": {TOGETHER: "children_looked_after"}})
    theirs = derived[derived["framework"].isin(frameworks)]
    return theirs.merge(ours[ours["framework"].isin(frameworks)], on=KEY, how="outer", suffixes=("", "_ours"))


def test_ofsteds_sheets_and_the_table_of_judgements_give_the_same_grades_and_start_dates(
    official: Official, authorities: pd.DataFrame, every: pd.DataFrame, derived: pd.DataFrame
) -> None:
    earlier = earlier_judgements(official, authorities)
    # SIF: 1,186 judgements of 173 inspections; SLAC 314, CPI 51, TLAC 5; ILACS: 271 inspections, care leavers in 103.
    for ours, frameworks, number in (
        (every, ["SIF"], 1186),
        (earlier, ["SLAC", "CPI", "TLAC"], 370),
        (every, ["ILACS"], 4 * 271 + 103),
    ):
        both = side_by_side(ours, derived, frameworks)
        assert len(both) == number
        assert both[both["grade"] != both["grade_ours"]].to_numpy().tolist() == []
        assert both[both["inspection_start_date"] != both["start_date"]].to_numpy().tolist() == []


def test_a_day_before_the_first_history_of_ofsteds_is_refused(official: Official, authorities: pd.DataFrame) -> None:
    limits = {"started_by": datetime.date(2024, 3, 31), "published_by": datetime.date(2024, 6, 30)}
    with pytest.raises(DataError, match="no ofsted_outcomes as at a day from 31 March 2025 to 2024-03-31"):
        judgements(official, authorities, **limits)


def test_an_inspection_without_an_overall_grade_has_its_domains_only(
    official: Official, authorities: pd.DataFrame, every: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = ofsted.read_sheet

    def without(*arguments: object) -> pd.DataFrame:
        table: pd.DataFrame = plain(*arguments)  # type: ignore[arg-type]
        if "Overall effectiveness" in table:
            table.loc[table.index[-1], "Overall effectiveness"] = ""
        return table

    monkeypatch.setattr(ofsted, "read_sheet", without)
    found = judgements(official, authorities, **EVER)
    assert len(found) == len(every) - 1
    york = found[(found["authority"] == "816") & (found["start_date"] == pd.Timestamp("2025-02-24"))]
    assert sorted(york["domain"]) == ["care_leavers", "children_looked_after", "help_and_protection", "leadership"]


def test_a_new_grade_type_or_code_is_reported_with_its_row(
    official: Official, authorities: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(
        DataError, match=r"a\.ods: row 4: unknown grade 'Satisfactory'; expected one of Outstanding, Good"
    ):
        grades(pd.Series(["Good", "Satisfactory", ""], index=[3, 4, 5]), Path("a.ods"))
    monkeypatch.setattr(ofsted, "ILACS_TYPES", ("ILACS Short Inspection",))
    monkeypatch.setattr(ofsted, "ons_codes", lambda lookup: {"E09000002": "301"})
    with pytest.raises(DataError) as found:
        judgements(official, authorities, **EVER)
    said = "\n".join(found.value.problems)
    assert "row 6: no authority has the code 'E09000003'; add it to la_lookup.csv" in said
    assert "row 4: unknown type 'ILACS Standard Inspection'" in said


def test_the_first_round_of_sif_gave_the_published_grades(every: pd.DataFrame) -> None:
    first = every.query("domain == 'overall' and type == 'SIF first'")["grade"]
    assert first.value_counts().sort_index().tolist() == [3, 51, 65, 33]


def test_the_latest_overall_grades_are_ofsteds_published_state(official: Official, authorities: pd.DataFrame) -> None:
    limits = {"started_by": datetime.date(2025, 3, 31), "published_by": datetime.date(2025, 6, 30)}
    inspections = judgements(official, authorities, **limits)
    panel = Panel(
        "England", datetime.date(2025, 3, 31), ("1", "2", "3", "4"), {}, pd.DataFrame(), inspections, authorities
    )
    assert panel.latest_grades()["grade"].value_counts().sort_index().tolist() == [36, 67, 31, 19]
    path = official / "ofsted_outcomes_2025"
    state = read_sheet(path, "Inspections_as_at_31_March", 3, ["Overall effectiveness"])["Overall effectiveness"]
    assert state.map(ENGLISH).value_counts().sort_index().tolist() == [36, 67, 31, 19]


def test_care_leavers_are_judged_apart_from_january_2023(every: pd.DataFrame) -> None:
    ilacs = every.query("framework == 'ILACS'")
    split = pd.Timestamp("2023-01-01")
    assert (ilacs.query("domain == @TOGETHER")["start_date"] < split).all()
    apart = ilacs[ilacs["domain"].isin(["children_looked_after", "care_leavers"])]
    assert (apart["start_date"] >= split).all()
    assert apart.groupby("domain").size().to_dict() == {"care_leavers": 103, "children_looked_after": 103}
    assert (ilacs["domain"] == TOGETHER).sum() == 271 - 103


def test_earlier_inspections_judge_parts_and_never_all(official: Official, authorities: pd.DataFrame) -> None:
    earlier = earlier_judgements(official, authorities)
    assert earlier.groupby("framework").size().to_dict() == {"CPI": 51, "SLAC": 314, "TLAC": 5}
    assert "overall" not in set(earlier["domain"])
    assert earlier["start_date"].isna().all()
    assert earlier["publication_date"].dt.year.agg(["min", "max"]).tolist() == [2009, 2013]


# Visits.


def test_visits_are_those_of_ofsteds_yearly_sheets(official: Official, authorities: pd.DataFrame) -> None:
    found = visits(official, authorities, **EVER)
    # Sheets of 2022-23, 2023-24 and 2024-25: 36 + 37 + 36 focused and 24 + 28 + 24 monitoring visits.
    assert found["type"].value_counts().to_dict() == {"focused visit": 109, "monitoring visit": 76}
    assert not found.duplicated(["authority", "type", "start_date"]).any()
    bury = found[(found["authority"] == "351") & (found["start_date"] == pd.Timestamp("2023-02-28"))]
    assert bury[["type", "theme"]].to_numpy().tolist() == [["monitoring visit", "Achieving permanence"]]
    barking = found.query("authority == '301'").sort_values("start_date").iloc[-1]
    assert (barking["start_date"], barking["publication_date"]) == (
        pd.Timestamp("2025-03-26"), pd.Timestamp("2025-04-29"),
    )  # fmt: skip
    # Only the release of 2025 says when a letter was published.
    assert found["publication_date"].notna().equals(found["source"] == "ofsted-la-2025")


def test_visits_after_the_panels_date_are_left_out(official: Official, authorities: pd.DataFrame) -> None:
    limit = datetime.date(2023, 3, 31)
    found = visits(official, authorities, started_by=limit, published_by=limit)
    assert found["start_date"].max() <= pd.Timestamp(limit)
    # Those of the sheet of 2022-23; the next one lists five more because their letters came out after March 2023.
    assert found["source"].value_counts().to_dict() == {"ofsted-csc-2023": 60}


def test_an_unknown_type_of_visit_is_reported(
    official: Official, authorities: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bayes_csc.sources.ofsted.visits.VISIT_TYPES", {"ILACS Focused Visit": "focused visit"})
    with pytest.raises(DataError, match=r"row \d+: unknown type 'LA Monitoring visit'"):
        visits(official, authorities, **EVER)


# Providers.


def test_providers_and_their_grades_are_the_published_totals(official: Official, authorities: pd.DataFrame) -> None:
    found = providers(official, authorities)
    latest = found[found["event"] == LATEST]
    # Table 8a of the release: all providers on 31 March 2023.
    assert latest.groupby("grade")["number"].sum().tolist() == [468, 2447, 558, 73]
    homes = found[found["provision"].isin(
        ["Children's home", "Secure children's home", "Residential special school (registered as a children's home)"]
    )]  # fmt: skip
    inspected = homes[(homes["event"] == "full inspection") & homes["grade"].notna()]
    # Table 9a: full inspections of children's homes of all kinds in the year to 31 March 2023.
    rows = sheet_rows(official / IN_2023, "In_Year_Time_series")
    published = next([float(text) for text in row[1:]] for row in rows if row[0] == "2022-23")
    assert published == [215, 1777, 515, 234]
    assert inspected.groupby("grade")["number"].sum().tolist() == published
    # Two monitoring inspections led to a grade, which Ofsted lists as the homes' latest full inspections.
    assert found.query("event == 'monitoring inspection' and grade == grade")["number"].tolist() == [1, 1]
    assert latest["places"].notna().any()
    assert found.query("event != @LATEST")["places"].isna().all()
