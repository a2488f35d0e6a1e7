"""Ofsted's judgements of children's services under SIF and ILACS, one row per judgement."""

from __future__ import annotations

import datetime
from pathlib import Path

import pandas as pd

from bayes_csc.errors import DataError
from bayes_csc.panel_files import INSPECTION_COLUMNS
from bayes_csc.sources.tables import dates, read_table

JUDGEMENTS = "derived/ofsted_judgements_long.csv"
FRAMEWORKS = ("SIF", "ILACS")
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
COLUMNS = {
    "old_la_code": "authority",
    "framework": "framework",
    "inspection_type": "type",
    "inspection_start_date": "start_date",
    "publication_date": "publication_date",
}


def judgements(raw: Path, *, started_by: datetime.date, published_by: datetime.date) -> pd.DataFrame:
    """Read the SIF and ILACS judgements, overall and by domain.

    Parameters
    ----------
    raw
        Folder of the official files.
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
    path = raw / JUDGEMENTS
    table = read_table(path, [*COLUMNS, *DOMAINS])
    table = table[table["framework"].isin(FRAMEWORKS)]
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
    started = rows["start_date"].fillna(rows["publication_date"]) <= pd.Timestamp(started_by)
    published = rows["publication_date"] <= pd.Timestamp(published_by)
    return rows.loc[started & published, list(INSPECTION_COLUMNS)].reset_index(drop=True)
