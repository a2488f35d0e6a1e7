"""Ofsted's sheet of every inspection before ILACS, 2009 to 2018: one row per authority, one column per judgement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bayes_csc.errors import DataError
from bayes_csc.sources.download.official import Official
from bayes_csc.sources.readers.sheets import authority_codes, read_sheet

IN_2023 = "ofsted_2023"
SHEET, HEADER, NAME = "LA_inspections_2009-2023", 5, "Local authority name"
DAY = pd.Timestamp("2023-03-31")
"""Day that the sheet describes: the authorities of its first table existed on it, those of its second had ended."""
GRADES = {"Outstanding": 1, "Good": 2, "Requires improvement to be good": 3, "Inadequate": 4}
NOT_JUDGED = ("", "-", "Not judged")
SIF = "Single Inspection of LA Children's Services (SIF)"


@dataclass(frozen=True)
class Inspected:
    """Columns of one type of inspection.

    Parameters
    ----------
    framework, type
        Of the inspection.
    published
        Column of the publication date.
    domains
        Column of the grade, by domain.
    """

    framework: str
    type: str
    published: str
    domains: Mapping[str, str]


# What one judgement of the frameworks before SIF was about; none of them judged an authority's services as a whole.
INSPECTED = (
    Inspected("SIF", "SIF first", f"{SIF} First SIF publication date", {
        "overall": "First SIF Overall Judgement (OE)",
        "help_and_protection": "First SIF children who need help and protection",
        "children_looked_after": "First SIF children looked after and achieving permanence",
        "adoption": "First SIF CLA Sub: Adoption Performance",
        "care_leavers": "First SIF CLA Sub: Experiences and progress of care leavers",
        "leadership": "First SIF leadership, management and governance",
        "lscb": "LSCB Overall Effectiveness",
    }),
    Inspected("SIF", "SIF re-inspection", f"{SIF} SIF Re-inspection publication date", {
        "overall": "SIF Re-inspection Overall Judgement (OE)",
        "help_and_protection": "SIF Re-inspection children who need help and protection",
        "children_looked_after": "SIF Re-inspection children looked after and achieving permanence",
        "adoption": "SIF Re-inspection CLA Sub: Adoption Performance",
        "care_leavers": "SIF Re-inspection CLA Sub: Experiences and progress of care leavers",
        "leadership": "SIF Re-inspection leadership, management and governance",
    }),
    Inspected("SLAC", "SLAC safeguarding", "Safeguarding & Looked After Children (SLAC) Inspection publication date", {
        "safeguarding": "SLAC Safeguarding Overall effectiveness (OE)"}),
    Inspected("SLAC", "SLAC looked after children",
              "Safeguarding & Looked After Children (SLAC) Inspection publication date", {
        "children_looked_after": "SLAC Looked After Children Overall Effectiveness (OE)"}),
    Inspected("SLAC", "SLAC safeguarding re-inspection", "SLAC re-inspection of Safeguarding publication date", {
        "safeguarding": "SLAC re-inspection Safeguarding OE"}),
    Inspected("SLAC", "SLAC looked after children re-inspection",
              "SLAC re-inspection of services for Children Looked After publication date", {
        "children_looked_after": "SLAC re-inspection of services Children Looked After OE"}),
    Inspected("CPI", "Child protection", "Child Protection Inspections (CPI) publication date", {
        "child_protection": "CPI Overall Effectiveness (OE)"}),
    Inspected("CPI", "Child protection re-inspection", "Child Protection Re-Inspection (CPRI) publication date", {
        "child_protection": "CPRI Overall Effectiveness (OE)"}),
    Inspected("TLAC", "Targeted looked after children",
              "Targeted Looked After Children (TLAC) inspection publication date", {
        "children_looked_after": "TLAC Overall Effectiveness (OE)"}),
)  # fmt: skip


def history(official: Official, authorities: pd.DataFrame) -> pd.DataFrame:
    """Read every judgement before ILACS.

    Parameters
    ----------
    official
        The official files.
    authorities
        The panel's table of authorities.

    Returns
    -------
    pandas.DataFrame
        authority, framework, type, publication_date, domain, grade, one row per judgement.

    Raises
    ------
    DataError
        A column is missing, an authority unknown, or a grade is not one of the four.
    """
    path = official / IN_2023
    columns = [column for kind in INSPECTED for column in (kind.published, *kind.domains.values())]
    table = read_sheet(path, SHEET, HEADER, [NAME, *columns])
    table = table[table[NAME] != ""]
    table = table.assign(authority=_codes(table[NAME], authorities, path)).dropna(subset="authority")
    return pd.concat([_judged(table, kind, path) for kind in INSPECTED], ignore_index=True)


def _codes(names: pd.Series, authorities: pd.DataFrame, path: Path) -> pd.Series:
    """Codes by name; below the repeated header stand authorities that had ended, one of them by a current name."""
    repeated = names.index[names == NAME]
    if len(repeated) != 1:
        raise DataError(
            f"{path}: sheet {SHEET!r}: expected one further row of column names, above the authorities that had ended; "
            f"found {len(repeated)}"
        )
    existed = authorities["valid_to"].isna() | (authorities["valid_to"] >= DAY)
    tables = ((names[names.index < repeated[0]], existed), (names[names.index > repeated[0]], ~existed))
    parts = [
        authority_codes(part, {str(code): name for code, name in authorities.loc[alive, "name"].items()}, path)
        for part, alive in tables
    ]
    codes: pd.Series = pd.concat(parts)
    return codes.reindex(names.index)


def _judged(table: pd.DataFrame, kind: Inspected, path: Path) -> pd.DataFrame:
    rows = table.rename(columns={kind.published: "publication_date"})
    rows = rows[rows["publication_date"] != ""]
    names = {column: domain for domain, column in kind.domains.items()}
    long = rows.melt(["authority", "publication_date"], list(names), "column", "text", ignore_index=False)
    return pd.DataFrame(
        {
            "authority": long["authority"],
            "framework": kind.framework,
            "type": kind.type,
            "publication_date": pd.to_datetime(long["publication_date"], format="%Y-%m-%d"),
            "domain": long["column"].map(names),
            "grade": grades(long["text"], path),
        }
    ).dropna(subset="grade")


def grades(texts: pd.Series, path: Path) -> pd.Series:
    """Grades from 1, the best, as Ofsted writes them; NaN where none was given.

    Raises
    ------
    DataError
        A text is neither a grade nor one that stands for none.
    """
    known = texts.map(GRADES)
    odd = texts[known.isna() & ~texts.isin(NOT_JUDGED)]
    if not odd.empty:
        expected = ", ".join(GRADES)
        raise DataError(
            [f"{path}: row {row}: unknown grade {text!r}; expected one of {expected}" for row, text in odd.items()]
        )
    return known
