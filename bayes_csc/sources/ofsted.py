"""Ofsted's judgements of children's services, one row per judgement."""

from __future__ import annotations

import datetime

import pandas as pd

from bayes_csc.errors import DataError
from bayes_csc.panel_files import INSPECTION_COLUMNS
from bayes_csc.sources.official import Official
from bayes_csc.sources.tables import dates, read_table

JUDGEMENTS = "ofsted_judgements_long.csv"
FRAMEWORKS = ("SIF", "ILACS")
EARLIER_FRAMEWORKS = ("SLAC", "CPI", "TLAC")
GRADES = {"Outstanding": 1, "Good": 2, "Requires improvement": 3, "Inadequate": 4}
DOMAINS = {
    "overall_effectiveness": "overall",
    "leadership": "leadership",
    "help_and_protection": "help_and_protection",
    "children_looked_after": "children_looked_after",
    "care_leavers": "care_leavers",
    "adoption": "adoption",
    "lscb": "lscb",
}
# What one judgement of the earlier frameworks was about; none of them judged an authority's services as a whole.
EARLIER_DOMAINS = {
    "SLAC safeguarding": "safeguarding",
    "SLAC safeguarding re-inspection": "safeguarding",
    "SLAC looked after children": "children_looked_after",
    "SLAC looked after children re-inspection": "children_looked_after",
    "Child protection": "child_protection",
    "Child protection re-inspection": "child_protection",
    "Targeted looked after children": "children_looked_after",
}
# ILACS judged children in care and care leavers together until this day, and each of them since.
SPLIT = pd.Timestamp("2023-01-01")
TOGETHER = "children_looked_after_and_care_leavers"
COLUMNS = {
    "old_la_code": "authority",
    "framework": "framework",
    "inspection_type": "type",
    "inspection_start_date": "start_date",
    "publication_date": "publication_date",
}


def judgements(official: Official, *, started_by: datetime.date, published_by: datetime.date) -> pd.DataFrame:
    """Read the SIF and ILACS judgements, overall and by domain.

    Under ILACS the domain is `children_looked_after_and_care_leavers` for inspections that started before January
    2023, and `children_looked_after` and `care_leavers` since. Under SIF `care_leavers` and `adoption` are graded parts
    of `children_looked_after`, and `lscb` is the judgement of the safeguarding children board. An inspection without
    an overall grade has its domains only.

    Parameters
    ----------
    official
        The official files.
    started_by, published_by
        Inspections that started (or, where the start is not known, were published) and were published by then.

    Returns
    -------
    pandas.DataFrame
        The panel's inspection columns; `start_date` is NaT where it is not known, and a domain that was not judged
        has no row.

    Raises
    ------
    DataError
        A grade that is not one of the four.
    """
    rows = _graded(official, FRAMEWORKS)
    started = rows["start_date"].fillna(rows["publication_date"])
    together = (rows["framework"] == "ILACS") & (rows["domain"] == "children_looked_after") & (started < SPLIT)
    rows["domain"] = rows["domain"].mask(together, TOGETHER)
    published = rows["publication_date"] <= pd.Timestamp(published_by)
    chosen = (started <= pd.Timestamp(started_by)) & published
    return rows.loc[chosen, list(INSPECTION_COLUMNS)].reset_index(drop=True)


def earlier_judgements(official: Official) -> pd.DataFrame:
    """Read the judgements of the frameworks before SIF, of 2009 to 2013.

    Safeguarding and looked-after children (SLAC), child protection (CPI) and targeted inspections of services for
    looked-after children (TLAC). Their judgements are of parts, each with a domain of its own and none "overall".
    Ofsted shows the grade "adequate" of that time as requires improvement. Only publication dates are known.

    Parameters
    ----------
    official
        The official files.

    Returns
    -------
    pandas.DataFrame
        The panel's inspection columns.
    """
    rows = _graded(official, EARLIER_FRAMEWORKS)
    lost = sorted(set(rows["type"]) - set(EARLIER_DOMAINS))
    if lost:
        raise DataError([f"{official.derived(JUDGEMENTS)}: unknown inspection type {name!r}" for name in lost])
    rows["domain"] = rows["type"].map(EARLIER_DOMAINS)
    return rows[list(INSPECTION_COLUMNS)].reset_index(drop=True)


def _graded(official: Official, frameworks: tuple[str, ...]) -> pd.DataFrame:
    path = official.derived(JUDGEMENTS)
    table = read_table(path, [*COLUMNS, *DOMAINS])
    table = table[table["framework"].isin(frameworks)]
    for name in ("inspection_start_date", "publication_date"):
        table[name] = dates(table[name], path)
    rows = table.melt(list(COLUMNS), list(DOMAINS), "domain", "grade").query("grade != ''")
    odd = rows[~rows["grade"].isin(list(GRADES))]
    if not odd.empty:
        raise DataError(
            [
                f"{path}: authority {row.old_la_code}, published {row.publication_date}: unknown grade {row.grade!r} "
                f"for {row.domain}; expected one of {', '.join(GRADES)}"
                for row in odd.itertuples()
            ]
        )
    rows = rows.rename(columns=COLUMNS).replace({"domain": DOMAINS})
    rows["grade"] = rows["grade"].map(GRADES).astype(int)
    return rows
