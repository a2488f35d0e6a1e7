"""Ofsted's judgements of children's services, one row per judgement, from its own spreadsheets."""

from __future__ import annotations

import datetime

import pandas as pd

from bayes_csc.errors import DataError
from bayes_csc.files.csv_toml import INSPECTION_COLUMNS
from bayes_csc.sources.download.official import Official
from bayes_csc.sources.ofsted.history import grades, history
from bayes_csc.sources.places.authorities import LOOKUP, ons_codes
from bayes_csc.sources.readers.sheets import read_sheet
from bayes_csc.sources.readers.tables import dates, read_table

STARTS = "ofsted_judgements_long.csv"
"""Table of judgements, of which the start dates are taken: before ILACS they are in the reports and in no sheet."""
OUTCOMES = "ofsted_outcomes"
FIRST_LONG = 2025
"""First edition of the outcomes whose history has a row per inspection."""
ILACS_TYPES = ("ILACS Short Inspection", "ILACS Standard Inspection")
ILACS = {
    "overall": "Overall effectiveness",
    "leadership": "The impact of leaders on social work practice with children and families",
    "help_and_protection": "The experiences and progress of children who need help and protection",
    "children_looked_after": "The experiences and progress of children in care",
    "care_leavers": "The experiences and progress of care leavers",
}
# ILACS judged children in care and care leavers together until this day, and each of them since.
SPLIT = pd.Timestamp("2023-01-01")
TOGETHER = "children_looked_after_and_care_leavers"


def judgements(
    official: Official, authorities: pd.DataFrame, *, started_by: datetime.date, published_by: datetime.date
) -> pd.DataFrame:
    """Read the SIF and ILACS judgements, overall and by domain.

    Under ILACS the domain is `children_looked_after_and_care_leavers` for inspections that started before January
    2023, and `children_looked_after` and `care_leavers` since. Under SIF `care_leavers` and `adoption` are graded parts
    of `children_looked_after`, and `lscb` is the judgement of the safeguarding children board. An inspection without
    an overall grade has its domains only.

    Parameters
    ----------
    official
        The official files.
    authorities
        The panel's table of authorities.
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
        A file is not as published: a grade, type or authority that is unknown.
    """
    before = history(official, authorities).query("framework == 'SIF'").merge(
        _starts(official), on=["authority", "type", "publication_date"], how="left", validate="many_to_one"
    )  # fmt: skip
    rows = pd.concat([before, _ilacs(official, started_by)], ignore_index=True)
    started = rows["start_date"].fillna(rows["publication_date"])
    published = rows["publication_date"] <= pd.Timestamp(published_by)
    chosen = (started <= pd.Timestamp(started_by)) & published
    return rows.loc[chosen, list(INSPECTION_COLUMNS)].astype({"grade": int}).reset_index(drop=True)


def earlier_judgements(official: Official, authorities: pd.DataFrame) -> pd.DataFrame:
    """Read the judgements of the frameworks before SIF, of 2009 to 2013.

    Safeguarding and looked-after children (SLAC), child protection (CPI) and targeted inspections of services for
    looked-after children (TLAC). Their judgements are of parts, each with a domain of its own and none "overall".
    Ofsted shows the grade "adequate" of that time as requires improvement. Only publication dates are known.

    Parameters
    ----------
    official
        The official files.
    authorities
        The panel's table of authorities.

    Returns
    -------
    pandas.DataFrame
        The panel's inspection columns.
    """
    rows = history(official, authorities).query("framework != 'SIF'")
    rows = rows.assign(start_date=pd.Series(pd.NaT, index=rows.index, dtype="datetime64[us]"))
    return rows[list(INSPECTION_COLUMNS)].astype({"grade": int}).reset_index(drop=True)


def outcomes_until(official: Official, day: datetime.date) -> list[str]:
    """Editions of the outcomes, newest first, that are as at a day not after the given one."""
    return [file for file in official.editions(OUTCOMES) if datetime.date(official.year(file), 3, 31) <= day]


def _ilacs(official: Official, day: datetime.date) -> pd.DataFrame:
    """Judgements of the history in the newest outcomes that are not of a later day."""
    file = next(iter(outcomes_until(official, day)), None)
    if file is None or official.year(file) < FIRST_LONG:
        raise DataError(
            f"the catalogue has no {OUTCOMES} as at a day from 31 March {FIRST_LONG} to {day}; for what was known on "
            "an earlier day, build the panel as of it"
        )
    path = official / file
    table = read_sheet(
        path,
        "ILACS_inspection_history",
        3,
        ["Local authority area code", "Inspection date", "Publication date", "Inspection type", *ILACS.values()],
    )
    lookup = read_table(official.derived(LOOKUP), ["old_la_code", "new_la_code", "other_new_la_codes"])
    codes = table["Local authority area code"].map(ons_codes(lookup))
    kind = table["Inspection type"]
    unknown = [
        *(f"{path}: row {row}: no authority has the code {table.loc[row, 'Local authority area code']!r}; add it to "
          f"{LOOKUP}" for row in table.index[codes.isna()]),
        *(f"{path}: row {row}: unknown type {text!r}" for row, text in kind[~kind.isin(ILACS_TYPES)].items()),
    ]  # fmt: skip
    if unknown:
        raise DataError(unknown)
    about = pd.DataFrame(
        {
            "authority": codes,
            "framework": "ILACS",
            "type": kind,
            "start_date": dates(table["Inspection date"], path),
            "publication_date": dates(table["Publication date"], path),
        }
    )
    judged = pd.concat([about.assign(domain=name, grade=grades(table[text], path)) for name, text in ILACS.items()])
    together = (judged["domain"] == "children_looked_after") & (judged["start_date"] < SPLIT)
    judged["domain"] = judged["domain"].mask(together, TOGETHER)
    return judged.dropna(subset="grade")


def _starts(official: Official) -> pd.DataFrame:
    """Start dates of the SIF inspections, from their reports; NaT where none was found."""
    path = official.derived(STARTS)
    names = {
        "old_la_code": "authority",
        "inspection_type": "type",
        "inspection_start_date": "start_date",
        "publication_date": "publication_date",
    }
    table = read_table(path, [*names, "framework"]).query("framework == 'SIF'").rename(columns=names)
    for name in ("start_date", "publication_date"):
        table[name] = dates(table[name], path)
    return table[list(names.values())]
