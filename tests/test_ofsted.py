"""Ofsted's inspections and visits: its own spreadsheets against the table of judgements, and published states."""

from __future__ import annotations

import datetime

import pandas as pd
import pytest

from bayes_csc.errors import DataError
from bayes_csc.panel import Panel
from bayes_csc.sources.official import Official
from bayes_csc.sources.ofsted import GRADES, TOGETHER, earlier_judgements, judgements
from bayes_csc.sources.ofsted_visits import IN_2023, LATEST, providers, visits
from bayes_csc.sources.places import places
from bayes_csc.sources.sheets import authority_codes, read_sheet, sheet_rows

FIRST_SIF = "Single Inspection of LA Children's Services (SIF) First SIF publication date"
RE_SIF = "Single Inspection of LA Children's Services (SIF) SIF Re-inspection publication date"
SLAC = "Safeguarding & Looked After Children (SLAC) Inspection publication date"
# Type of inspection, column of the publication date, and column of the grade of each domain.
HISTORY = (
    ("SIF first", FIRST_SIF, {
        "overall": "First SIF Overall Judgement (OE)",
        "help_and_protection": "First SIF children who need help and protection",
        "children_looked_after": "First SIF children looked after and achieving permanence",
        "adoption": "First SIF CLA Sub: Adoption Performance",
        "care_leavers": "First SIF CLA Sub: Experiences and progress of care leavers",
        "leadership": "First SIF leadership, management and governance",
        "lscb": "LSCB Overall Effectiveness",
    }),
    ("SIF re-inspection", RE_SIF, {
        "overall": "SIF Re-inspection Overall Judgement (OE)",
        "help_and_protection": "SIF Re-inspection children who need help and protection",
        "children_looked_after": "SIF Re-inspection children looked after and achieving permanence",
        "adoption": "SIF Re-inspection CLA Sub: Adoption Performance",
        "care_leavers": "SIF Re-inspection CLA Sub: Experiences and progress of care leavers",
        "leadership": "SIF Re-inspection leadership, management and governance",
    }),
    ("SLAC safeguarding", SLAC, {"safeguarding": "SLAC Safeguarding Overall effectiveness (OE)"}),
    ("SLAC looked after children", SLAC, {
        "children_looked_after": "SLAC Looked After Children Overall Effectiveness (OE)"}),
    ("SLAC safeguarding re-inspection", "SLAC re-inspection of Safeguarding publication date", {
        "safeguarding": "SLAC re-inspection Safeguarding OE"}),
    ("SLAC looked after children re-inspection",
     "SLAC re-inspection of services for Children Looked After publication date", {
        "children_looked_after": "SLAC re-inspection of services Children Looked After OE"}),
    ("Child protection", "Child Protection Inspections (CPI) publication date", {
        "child_protection": "CPI Overall Effectiveness (OE)"}),
    ("Child protection re-inspection", "Child Protection Re-Inspection (CPRI) publication date", {
        "child_protection": "CPRI Overall Effectiveness (OE)"}),
    ("Targeted looked after children", "Targeted Looked After Children (TLAC) inspection publication date", {
        "children_looked_after": "TLAC Overall Effectiveness (OE)"}),
)  # fmt: skip
ILACS = {
    "overall": "Overall effectiveness",
    "leadership": "The impact of leaders on social work practice with children and families",
    "help_and_protection": "The experiences and progress of children who need help and protection",
    "children_looked_after": "The experiences and progress of children in care",
    "care_leavers": "The experiences and progress of care leavers",
}
ENGLISH = {**GRADES, "Requires improvement to be good": 3}
KEY = ["authority", "type", "publication_date", "domain"]
EVER = {"started_by": datetime.date(2026, 1, 1), "published_by": datetime.date(2026, 1, 1)}


@pytest.fixture(scope="module")
def authorities(official: Official) -> pd.DataFrame:
    """Authorities of England, past and present."""
    return places(official)


def graded(table: pd.DataFrame, kind: pd.Series, when: str, domains: dict[str, str]) -> pd.DataFrame:
    """Judgements of a sheet of Ofsted's, one row each."""
    rows = table.assign(type=kind, publication_date=table[when])
    rows = rows.melt(["authority", "type", "publication_date"], list(domains.values()), "column", "text")
    rows = rows[rows["text"].isin(list(ENGLISH)) & (rows["publication_date"] != "")]
    names = {column: domain for domain, column in domains.items()}
    return rows.assign(domain=rows["column"].map(names), grade=rows["text"].map(ENGLISH))[[*KEY, "grade"]]


def published_history(official: Official, authorities: pd.DataFrame) -> pd.DataFrame:
    """Every judgement of 2009 to 2018 in Ofsted's sheet of 2023."""
    path = official / IN_2023
    columns = [when for _, when, _ in HISTORY]
    table = read_sheet(path, "LA_inspections_2009-2023", 5, ["Local authority name", *columns])
    table = table[~table["Local authority name"].isin(["", "Local authority name"])]
    # Four authorities that had ended stand in a second table; Dorset is in both.
    ended = table.index > 158
    last = datetime.date(2023, 3, 31)
    current = authorities[authorities["valid_to"].isna() | (authorities["valid_to"] >= pd.Timestamp(last))]
    gone = authorities.drop(current.index)
    codes = pd.concat(
        [
            authority_codes(table["Local authority name"][~ended], current["name"].to_dict(), path),
            authority_codes(table["Local authority name"][ended], gone["name"].to_dict(), path),
        ]
    )
    table = table.assign(authority=codes)
    return pd.concat([graded(table, pd.Series(kind, table.index), when, domains) for kind, when, domains in HISTORY])


def test_ofsteds_sheet_and_the_table_of_judgements_give_the_same_grades_before_ilacs(
    official: Official, authorities: pd.DataFrame
) -> None:
    ours = pd.concat([judgements(official, **EVER).query("framework == 'SIF'"), earlier_judgements(official)])
    ours = ours.assign(publication_date=ours["publication_date"].dt.strftime("%Y-%m-%d"))
    both = published_history(official, authorities).merge(
        ours[[*KEY, "grade"]], on=KEY, how="outer", suffixes=("", "_ours")
    )
    # SIF: 1,186 judgements of 173 inspections; SLAC 314, CPI 51, TLAC 5.
    assert len(both) == 1186 + 370
    assert both[both["grade"] != both["grade_ours"]].to_numpy().tolist() == []


def test_ofsteds_sheet_and_the_table_of_judgements_give_the_same_grades_under_ilacs(
    official: Official, authorities: pd.DataFrame
) -> None:
    path = official / "ofsted_outcomes_2025"
    table = read_sheet(path, "ILACS_inspection_history", 3, ["Local authority name", *ILACS.values()])
    ended = table["Local authority status"] == "No longer exists"
    current = authorities[authorities["valid_to"].isna()]
    codes = pd.concat(
        [
            authority_codes(table["Local authority name"][~ended], current["name"].to_dict(), path),
            authority_codes(
                table["Local authority name"][ended], authorities.drop(current.index)["name"].to_dict(), path
            ),
        ]
    )
    sheet = graded(table.assign(authority=codes), table["Inspection type"], "Publication date", ILACS)
    ours = judgements(official, **EVER).query("framework == 'ILACS'")
    ours = ours.assign(publication_date=ours["publication_date"].dt.strftime("%Y-%m-%d"))
    ours["domain"] = ours["domain"].replace({TOGETHER: "children_looked_after"})
    both = sheet.merge(ours[[*KEY, "grade", "start_date"]], on=KEY, how="outer", suffixes=("", "_ours"))
    assert len(both) == 4 * 271 + 103
    assert both[both["grade"] != both["grade_ours"]].to_numpy().tolist() == []
    starts = table.assign(authority=codes).set_index(["authority", "Publication date"])["Inspection date"]
    known = both.drop_duplicates(["authority", "publication_date"])
    expected = starts.reindex(pd.MultiIndex.from_frame(known[["authority", "publication_date"]]))
    assert (known["start_date"].dt.strftime("%Y-%m-%d").to_numpy() == expected.to_numpy()).all()


def test_the_first_round_of_sif_gave_the_published_grades(official: Official) -> None:
    first = judgements(official, **EVER).query("domain == 'overall' and type == 'SIF first'")["grade"]
    assert first.value_counts().sort_index().tolist() == [3, 51, 65, 33]


def test_the_latest_overall_grades_are_ofsteds_published_state(official: Official, authorities: pd.DataFrame) -> None:
    inspections = judgements(official, started_by=datetime.date(2025, 3, 31), published_by=datetime.date(2025, 6, 30))
    panel = Panel(
        "England", datetime.date(2025, 3, 31), ("1", "2", "3", "4"), {}, pd.DataFrame(), inspections, authorities
    )
    assert panel.latest_grades()["grade"].value_counts().sort_index().tolist() == [36, 67, 31, 19]
    path = official / "ofsted_outcomes_2025"
    state = read_sheet(path, "Inspections_as_at_31_March", 3, ["Overall effectiveness"])["Overall effectiveness"]
    assert state.map(ENGLISH).value_counts().sort_index().tolist() == [36, 67, 31, 19]


def test_care_leavers_are_judged_apart_from_january_2023(official: Official) -> None:
    ilacs = judgements(official, **EVER).query("framework == 'ILACS'")
    split = pd.Timestamp("2023-01-01")
    assert (ilacs.query("domain == @TOGETHER")["start_date"] < split).all()
    apart = ilacs[ilacs["domain"].isin(["children_looked_after", "care_leavers"])]
    assert (apart["start_date"] >= split).all()
    assert apart.groupby("domain").size().to_dict() == {"care_leavers": 103, "children_looked_after": 103}
    assert (ilacs["domain"] == TOGETHER).sum() == 271 - 103


def test_earlier_inspections_judge_parts_and_never_all(official: Official) -> None:
    earlier = earlier_judgements(official)
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
    monkeypatch.setattr("bayes_csc.sources.ofsted_visits.VISIT_TYPES", {"ILACS Focused Visit": "focused visit"})
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
