"""Ofsted's latest judgement of each authority, as a public tool reads it from the reports every week."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bayes_csc.errors import DataError
from bayes_csc.files.csv_toml import INSPECTION_COLUMNS
from bayes_csc.panel.geography import existing, listed
from bayes_csc.sources.download.official import RAW, Official
from bayes_csc.sources.ofsted.outcomes import SPLIT, TOGETHER, judgements, outcomes_until
from bayes_csc.sources.readers.sheets import plain, read_sheet

REPORTS, NEWEST = "ofsted_reports", "ofsted_reports_newest"

ILACS_NAME = "ILACS"
CODE, NAME, KIND = "la_code", "local_authority", "inspection_framework"
START, PUBLISHED = "inspection_start_date", "publication_date"
DOMAINS = {
    "overall": "overall_effectiveness_grade",
    "leadership": "impact_of_leaders_grade",
    "help_and_protection": "help_and_protection_grade",
    "children_looked_after": "in_care_grade",
    "care_leavers": "care_leavers_grade",
}
GRADES = {
    "outstanding": 1,
    "good": 2,
    "requires improvement": 3,
    "requires improvement to be good": 3,
    "inadequate": 4,
}
LABELS = {1: "outstanding", 2: "good", 3: "requires improvement", 4: "inadequate"}
# What stands for no grade: care leavers have none of their own before 2023, nothing an overall one since April 2026.
NO_GRADE = ("", "none", "nan", "not judged", "inspection_pre_dates_judgement")
KINDS = {
    "short": "ILACS Short Inspection",
    "standard": "ILACS Standard Inspection",
    "none": "ILACS Inspection",
    "": "ILACS Inspection",
}
# Days first; a workbook's own dates are read as 2025-03-31.
DAYS = {"%d/%m/%Y": r"\d{1,2}/\d{1,2}/\d{4}", "%d/%m/%y": r"\d{1,2}/\d{1,2}/\d{2}", "%Y-%m-%d": r"\d{4}-\d\d-\d\d"}
ADDED = ["authority", "start_date", "publication_date"]
DIFFERENCES = ("authority", "start_date", "what", "ofsted", "reports")


@dataclass(frozen=True)
class Reconciled:
    """Judgements of Ofsted's tables and, after them, of its reports.

    Parameters
    ----------
    inspections
        The panel's inspection columns.
    added
        One row per inspection that only the reports have: `authority`, `start_date`, `publication_date`.
    differences
        What the reports say otherwise about an inspection that Ofsted's tables have, which stand: `authority`,
        `start_date`, `what` (a domain, "start_date", "publication_date", or "inspection" where a report without a start
        date is of none in the tables and is left out), `ofsted`, `reports` (texts, "" where one has nothing).
    compared
        Number of inspections that both have.
    sources
        Ids of the releases that the reports are of.
    """

    inspections: pd.DataFrame
    added: pd.DataFrame
    differences: pd.DataFrame
    compared: int
    sources: tuple[str, ...] = ()


def judgements_to(
    official: Official, authorities: pd.DataFrame, *, started_by: datetime.date, published_by: datetime.date
) -> Reconciled | None:
    """Read judgements of Ofsted's tables, and those of its reports on later days that the tables do not reach.

    Parameters
    ----------
    official
        The official files.
    authorities
        The panel's table of authorities.
    started_by, published_by
        Inspections that started and were published by then.

    Returns
    -------
    Reconciled or None
        None where Ofsted's newest table is as at `started_by` itself, so that no report is needed.

    Raises
    ------
    DataError
        A file is missing or is not as published.
    """
    newest = next(iter(outcomes_until(official, started_by)), None)
    if newest is not None and datetime.date(official.year(newest), 3, 31) == started_by:
        return None
    table = judgements(official, authorities, started_by=started_by, published_by=published_by)
    reports, sources = reported(official, authorities)
    started = reports["start_date"].fillna(reports["publication_date"])
    known = (started <= pd.Timestamp(started_by)) & (reports["publication_date"] <= pd.Timestamp(published_by))
    return reconciled(table, reports[known], sources)


def reported(official: Official, authorities: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Read the judgements of every file of reports at hand, and say which releases these are.

    Each file has the latest inspection of each authority alone, so that an older file may hold one that a newer file no
    longer has. The newest file, of no fixed date, is read where it is there.

    Parameters
    ----------
    official
        The official files.
    authorities
        The panel's table of authorities.

    Returns
    -------
    pandas.DataFrame
        As `read_reports`; of an inspection in two files the newer one's rows.
    tuple of str
        Ids of the releases.

    Raises
    ------
    DataError
        No file is there, or one is not as published.
    """
    dated = official.editions(REPORTS)
    known = [NEWEST, *dated] if NEWEST in official.catalogue.datasets else dated
    there = [file for file in known if (official.folder / RAW / official.dataset(file).path).is_file()]
    rows, seen = [], set[tuple[str, pd.Timestamp]]()
    for file in there or [REPORTS]:
        table = read_reports(official / file, authorities)
        key = pd.Series(list(zip(table["authority"], table["publication_date"], strict=True)), index=table.index)
        rows.append(table[~key.isin(seen)])
        seen |= set(key)
    return pd.concat(rows, ignore_index=True), tuple(official.source(file) for file in there)


def read_reports(path: Path, authorities: pd.DataFrame) -> pd.DataFrame:
    """Read the judgements of one file of reports.

    Parameters
    ----------
    path
        The workbook; one row per authority, about its latest inspection.
    authorities
        The panel's table of authorities.

    Returns
    -------
    pandas.DataFrame
        The panel's inspection columns; `start_date` is NaT where the tool found none, and a domain without a grade, the
        overall one too, has no row.

    Raises
    ------
    DataError
        A column is missing, or a grade, date, type or authority is not one that can be.
    """
    table = read_sheet(path, 0, 1, [CODE, NAME, KIND, START, PUBLISHED, *DOMAINS.values()])
    kind = table[KIND].str.lower()
    start, published = _days(table[START], path), _days(table[PUBLISHED], path)
    problems = [
        *(f"{path}: row {row}: unknown type {text!r}; expected short or standard"
          for row, text in table.loc[~kind.isin(list(KINDS)), KIND].items()),
        *(f"{path}: row {row}: expected a publication date, found none" for row in table.index[published.isna()]),
        *(f"{path}: row {row}: published on {published[row]:%-d %B %Y}, before its start on {start[row]:%-d %B %Y}; "
          "expected days before months" for row in table.index[published < start]),
    ]  # fmt: skip
    if problems:
        raise DataError(problems)
    about = pd.DataFrame(
        {
            "authority": _authorities(table, start.fillna(published), authorities, path),
            "framework": ILACS_NAME,
            "type": kind.map(KINDS),
            "start_date": start,
            "publication_date": published,
        }
    )
    judged = pd.concat([about.assign(domain=name, grade=_grades(table[text], path)) for name, text in DOMAINS.items()])
    together = (judged["domain"] == "children_looked_after") & (judged["start_date"] < SPLIT)
    judged["domain"] = judged["domain"].mask(together, TOGETHER)
    judged = judged.dropna(subset="grade")
    silent = about.index[~about.index.isin(judged.index)]
    if not silent.empty:
        raise DataError([f"{path}: row {row}: expected a grade of at least one domain, found none" for row in silent])
    return judged[list(INSPECTION_COLUMNS)].astype({"grade": int}).reset_index(drop=True)


def reconciled(table: pd.DataFrame, reports: pd.DataFrame, sources: tuple[str, ...] = ()) -> Reconciled:
    """Add to Ofsted's tables the inspections that only its reports have, and say where the two differ.

    An inspection is the same where authority and start date are, or authority and publication date. Ofsted's tables
    stand. A report without a start date is used for comparison only.

    Parameters
    ----------
    table, reports
        Judgements of Ofsted's tables and of its reports, the panel's inspection columns.
    sources
        Ids of the releases of the reports.

    Returns
    -------
    Reconciled
        Sorted as given, the added inspections last.
    """
    matched = _matched(table, reports)
    both = matched.notna()
    lost = reports[~both & reports["start_date"].isna()].drop_duplicates(["authority", "publication_date"])
    unknown = pd.DataFrame(
        {
            "authority": lost["authority"],
            "start_date": lost["start_date"],
            "what": "inspection",
            "ofsted": "",
            "reports": lost["publication_date"].dt.strftime("published on %Y-%m-%d, without a start date"),
        }
    )
    new = reports[~both & reports["start_date"].notna()]
    different = _differences(table, reports[both].assign(matched=matched[both]))
    differences = pd.concat([part for part in (different, unknown) if not part.empty] or [different])
    return Reconciled(
        pd.concat([table, new], ignore_index=True) if len(new) else table,
        new[ADDED].drop_duplicates().sort_values(ADDED, ignore_index=True),
        differences.sort_values(["authority", "start_date", "what"], ignore_index=True),
        len(pd.DataFrame({"authority": reports["authority"], "start": matched})[both].drop_duplicates()),
        sources,
    )


def _matched(table: pd.DataFrame, reports: pd.DataFrame) -> pd.Series:
    """Start date in Ofsted's tables of the inspection that each row of the reports is of; NaT where they lack it."""
    theirs = table[table["framework"] == ILACS_NAME].dropna(subset="start_date")
    by_start, by_publication = (
        dict(zip(zip(theirs["authority"], theirs[day], strict=True), theirs["start_date"], strict=True))
        for day in ("start_date", "publication_date")
    )
    keys = zip(reports["authority"], reports["start_date"], reports["publication_date"], strict=True)
    found = [by_start.get((code, start), by_publication.get((code, day), pd.NaT)) for code, start, day in keys]
    return pd.Series(found, index=reports.index, dtype="datetime64[us]")


def _differences(table: pd.DataFrame, reports: pd.DataFrame) -> pd.DataFrame:
    """What differs between inspections that both have; `matched` is the start date of each in Ofsted's tables."""
    together = (reports["domain"] == "children_looked_after") & (reports["matched"] < SPLIT)
    reports = reports.assign(domain=reports["domain"].mask(together, TOGETHER))
    theirs = dict(iter(table.groupby(["authority", "start_date"])))
    rows = []
    for key, ours in reports.groupby(["authority", "matched"]):
        one, other = _said(theirs[key]), _said(ours)
        rows += [
            (*key, what, one.get(what, ""), other.get(what, ""))
            for what in dict.fromkeys([*one, *other])
            if one.get(what, "") != other.get(what, "") and (what != "start_date" or other[what])
        ]
    return pd.DataFrame(rows, columns=list(DIFFERENCES)).astype({"start_date": "datetime64[us]"})


def _said(judged: pd.DataFrame) -> dict[str, str]:
    """Dates and grades of one inspection as texts."""
    days = {day: judged[day].dt.strftime("%Y-%m-%d").fillna("").iloc[0] for day in ("start_date", "publication_date")}
    return {**days, **dict(zip(judged["domain"], judged["grade"].map(LABELS), strict=True))}


def _days(column: pd.Series, path: Path) -> pd.Series:
    """Dates with the day first and two or four digits of the year; NaT where blank."""
    filled = column.mask(column.str.lower().isin(["none", "nan", "nat"]), "")
    found = pd.Series(pd.NaT, index=column.index, dtype="datetime64[us]")
    for form, pattern in DAYS.items():
        found = found.fillna(pd.to_datetime(filled.where(filled.str.fullmatch(pattern)), format=form, errors="coerce"))
    odd = column[found.isna() & (filled != "")]
    if not odd.empty:
        raise DataError(
            [
                f"{path}: row {row}: column {column.name!r}: expected a date such as 31/03/2025 or 31/03/25, found "
                f"{text!r}"
                for row, text in odd.items()
            ]
        )
    return found


def _grades(column: pd.Series, path: Path) -> pd.Series:
    """Grades from 1, the best; NaN where none was given."""
    lower = column.str.lower()
    known = lower.map(GRADES)
    odd = column[known.isna() & ~lower.isin(NO_GRADE)]
    if not odd.empty:
        expected = ", ".join(GRADES)
        raise DataError(
            [
                f"{path}: row {row}: column {column.name!r}: unknown grade {text!r}; expected one of {expected}"
                for row, text in odd.items()
            ]
        )
    return known


def _authorities(table: pd.DataFrame, when: pd.Series, authorities: pd.DataFrame, path: Path) -> pd.Series:
    """Code of the authority that existed when an inspection started: the tool's, or that of its namesake beside it.

    Dorset had the code 835 to 31 March 2019 and has had 838 since; a row about one may have the code of the other.
    """
    codes, problems = [], []
    for row, code, name, moment in zip(table.index, table[CODE], table[NAME], when, strict=True):
        near = (
            [code, *listed(authorities.loc[code, "successors"]), *listed(authorities.loc[code, "predecessors"])]
            if code in authorities.index
            else []
        )
        alive = set(existing(authorities, moment.date()))
        found = [
            other for other in near
            if other in alive and (other == code or plain(str(authorities.loc[other, "name"])) == plain(name))
        ]  # fmt: skip
        codes.append(found[0] if found else "")
        if not found:
            problems.append(
                f"{path}: row {row}: no authority with the code {code!r} ({name}) existed on {moment:%-d %B %Y}; add "
                "it to la_lookup.csv, with its predecessors"
            )
    if problems:
        raise DataError(problems)
    return pd.Series(codes, index=table.index, dtype=str)
