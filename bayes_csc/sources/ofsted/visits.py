"""Ofsted's visits without a grade, and the providers in each authority's area, from its own spreadsheets."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bayes_csc.errors import DataError
from bayes_csc.panel.geography import existing
from bayes_csc.panel.supplementary import PROVIDERS, VISITS
from bayes_csc.sources.download.official import Official
from bayes_csc.sources.ofsted.history import GRADES, IN_2023
from bayes_csc.sources.ofsted.outcomes import ILACS_TYPES, outcomes_until
from bayes_csc.sources.readers.sheets import authority_codes, numbers, read_sheet

VISIT_TYPES = {"ILACS Focused Visit": "focused visit", "LA Monitoring visit": "monitoring visit"}
LATEST = "latest full inspection"
PROVIDER_YEAR = 2023
NAME, GRADE = "Local authority", "Overall experiences and progress of children and young people"


@dataclass(frozen=True)
class Activity:
    """A sheet of the inspections and visits of one year to 31 March.

    Parameters
    ----------
    sheet, header
        Its name, and the row of the column names.
    published
        Column of the publication date; "" where the release has none.
    """

    sheet: str
    header: int
    published: str = ""


# By file, where they differ from those of every later release.
SHEETS = {
    "ofsted_outcomes_2024": Activity("Inspections_in_year_2023-24", 3),
    IN_2023: Activity("LA_level_in_year_2022-23", 3),
}
SINCE_2025 = Activity("In-year_inspections", 3, "Publication date")


def visits(
    official: Official, authorities: pd.DataFrame, *, started_by: datetime.date, published_by: datetime.date
) -> pd.DataFrame:
    """Read the focused and monitoring visits since March 2022.

    Parameters
    ----------
    official
        The official files.
    authorities
        The panel's table of authorities.
    started_by, published_by
        Visits that started by then and, where that is known, were published by then.

    Returns
    -------
    pandas.DataFrame
        The panel's columns of visits; a visit that two releases list has one row, of the newest. A release
        about a later day than `started_by` is not read.
    """
    files = (*outcomes_until(official, started_by), IN_2023)
    rows = pd.concat([_visits_of(official, file, authorities) for file in files], ignore_index=True)
    rows = rows.drop_duplicates(["authority", "type", "start_date"])
    late = (rows["start_date"] > pd.Timestamp(started_by)) | (rows["publication_date"] > pd.Timestamp(published_by))
    return rows.loc[~late, list(VISITS.columns)].reset_index(drop=True)


def _visits_of(official: Official, file: str, authorities: pd.DataFrame) -> pd.DataFrame:
    path, place = official / file, SHEETS.get(file, SINCE_2025)
    what, when, theme = "Inspection/Visit type", "Inspection/Visit date", "Visit Theme"
    named = "Local authority name"
    table = read_sheet(
        path, place.sheet, place.header, [named, what, when, theme, *([place.published] if place.published else [])]
    )
    odd = table[~table[what].isin([*VISIT_TYPES, *ILACS_TYPES])]
    if not odd.empty:
        raise DataError([f"{path}: row {row}: unknown type {text!r}" for row, text in odd[what].items()])
    table = table[table[what].isin(list(VISIT_TYPES))]
    start = pd.to_datetime(table[when], format="%Y-%m-%d")
    published = table[place.published] if place.published else pd.Series("", index=table.index)
    return pd.DataFrame(
        {
            "authority": _codes(table[named], start, authorities, path),
            "type": table[what].map(VISIT_TYPES),
            "start_date": start,
            "publication_date": pd.to_datetime(published.replace("", None), format="%Y-%m-%d"),
            "theme": table[theme],
            "source": official.source(file),
        }
    )


def _codes(names: pd.Series, when: pd.Series, authorities: pd.DataFrame, path: Path) -> pd.Series:
    """Codes of authorities by name on a day, for a name may pass to a successor."""
    parts = [
        authority_codes(names[when == day], authorities.loc[existing(authorities, day.date()), "name"].to_dict(), path)
        for day in when.drop_duplicates()
    ]
    codes: pd.Series = pd.concat(parts)
    return codes.reindex(names.index)


def providers(official: Official, authorities: pd.DataFrame) -> pd.DataFrame:
    """Count the providers in each authority's area on 31 March 2023, and their inspections in the year to that day.

    Parameters
    ----------
    official
        The official files.
    authorities
        The panel's table of authorities.

    Returns
    -------
    pandas.DataFrame
        The panel's columns of providers. `event` is "latest full inspection" (a row counts the providers whose latest
        one gave the grade, with their places) or the kind of inspection in the year (a row counts those that gave the
        grade; monitoring inspections give none, but for two).
    """
    path = official / IN_2023
    known = authorities.loc[existing(authorities, datetime.date(PROVIDER_YEAR, 3, 31)), "name"].to_dict()
    state = read_sheet(path, "Provider_level_at_31_Mar_2023", 4, [NAME, "Provision type", "Places", GRADE])
    events = read_sheet(
        path, "Provider_level_in_year_2022-23", 4, [NAME, "Provision type", "Inspection event type", GRADE]
    )
    state = state.assign(event=LATEST, places=numbers(state["Places"], path))
    events = events.assign(event=events["Inspection event type"].str.lower(), places=float("nan"))
    rows = pd.concat([state, events])
    unknown = rows[~rows[GRADE].isin([*GRADES, ""])]
    if not unknown.empty:
        raise DataError([f"{path}: row {row}: unknown grade {text!r}" for row, text in unknown[GRADE].items()])
    rows = rows.assign(
        authority=authority_codes(rows[NAME], known, path),
        provision=rows["Provision type"].str.capitalize(),
        grade=rows[GRADE].map(GRADES).astype(float),
    )
    groups = rows.groupby(["authority", "event", "provision", "grade"], dropna=False)["places"]
    counts = groups.agg(number="size", places=lambda places: places.sum(min_count=1)).reset_index()
    counts = counts.assign(number=counts["number"].astype(float), year=PROVIDER_YEAR, source=official.source(IN_2023))
    return counts[list(PROVIDERS.columns)]
