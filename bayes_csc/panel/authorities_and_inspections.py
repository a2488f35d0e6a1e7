"""The contract of a panel's authorities and inspections."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from bayes_csc.files.csv_toml import (
    AUTHORITY_COLUMNS,
    AUTHORITY_DATES,
    AUTHORITY_NUMBERS,
    INSPECTION_COLUMNS,
    INSPECTION_DATES,
    read_csv,
)
from bayes_csc.files.row_checks import TableCheck
from bayes_csc.panel.geography import listed

WEIGHT_TOLERANCE = 1e-3
MOST_DAYS, EARLIEST = 3653, 1900
"""Days from an inspection's start to its publication, and the year before which none was published."""
JUDGEMENT = ["authority", "framework", "start_date", "publication_date", "domain"]


def read_authorities(path: Path, problems: list[str]) -> pd.DataFrame | None:
    """Read authorities.csv.

    Parameters
    ----------
    path
        The file.
    problems
        List that every problem is added to.

    Returns
    -------
    pandas.DataFrame or None
        Indexed and sorted by code; None where the file breaks its contract.
    """
    table = read_csv(path, AUTHORITY_COLUMNS, problems)
    if table is None:
        return None
    if table.empty:
        problems.append(f"{path.name}: only a header; expected a row for each authority")
        return None
    check = TableCheck(path.name, table, "authority {r.code}")
    check.note(
        table["code"].eq("") | table["code"].str.contains(r"[\s+]"),
        "the code must be one word without '+', found {r.code!r}",
    )
    check.note(table["code"].duplicated(keep=False), "the code appears more than once; keep one row")
    check.blank("name", "region")
    codes = set(table["code"])
    for name in ("predecessors", "successors", "neighbours"):
        unknown = ~table[name].map(lambda text: codes.issuperset(listed(text)))
        check.note(unknown, f"{name} names an unknown authority: {{r.{name}!r}}; add it or take it out")
    check.note(
        ~_weights_fit(table),
        "predecessor_weights must be one positive number per predecessor in {r.predecessors!r}, summing to 1; "
        "found {r.predecessor_weights!r}",
    )
    parsed = check.parsed(AUTHORITY_NUMBERS, AUTHORITY_DATES)
    check.note(parsed["population"] < 0, "population is negative: {r.population}")
    check.note(parsed["valid_from"] > parsed["valid_to"], "valid_from {r.valid_from} is after valid_to {r.valid_to}")
    problems += check.problems()
    return None if check.breaches else parsed.set_index("code").sort_index()


def read_inspections(
    path: Path, authorities: pd.DataFrame | None, head: Mapping[str, Any], problems: list[str]
) -> pd.DataFrame | None:
    """Read inspections.csv.

    Parameters
    ----------
    path
        The file.
    authorities
        Table of authorities; None where it could not be read, and is then not checked against.
    head
        The `[panel]` values: grades, those of frameworks with their own, date and published_by, each checked where
        given.
    problems
        List that every problem is added to.

    Returns
    -------
    pandas.DataFrame or None
        One row per judgement; None where the file breaks its contract.
    """
    table = read_csv(path, INSPECTION_COLUMNS, problems)
    if table is None:
        return None
    row = "authority {r.authority}, {r.framework} started {r.start_date} published {r.publication_date}"
    check = TableCheck(path.name, table, row, names={} if authorities is None else dict(authorities["name"]))
    check.blank("authority", "framework", "domain", "publication_date")
    grades, own = len(head.get("grades", ())), head.get("framework_grades", {})
    if grades:
        worst = table["framework"].map({name: len(labels) for name, labels in own.items()}).fillna(grades).astype(int)
        for number in worst.unique():
            check.note(
                worst.eq(number) & ~table["grade"].isin([str(grade) for grade in range(1, number + 1)]),
                f"grade must be a whole number from 1 (the best) to {number}, found {{r.grade!r}}",
            )
    check.note(
        table.duplicated(JUDGEMENT, keep=False), "the judgement {r.domain!r} appears more than once; keep one row"
    )
    parsed = check.parsed((), INSPECTION_DATES)
    check.note(
        parsed["start_date"] > parsed["publication_date"], "started after its publication; correct one of the dates"
    )
    check.note(
        (parsed["publication_date"] - parsed["start_date"]).dt.days > MOST_DAYS,
        "published more than ten years after its start; correct one of the dates",
    )
    check.note(parsed["publication_date"].dt.year < EARLIEST, f"published before {EARLIEST}; correct the date")
    started = parsed["start_date"].fillna(parsed["publication_date"])
    _within_panel(check, started, "date", head)
    _within_panel(check, parsed["publication_date"], "published_by", head)
    if authorities is not None:
        _while_existing(check, started, authorities)
    problems += check.problems()
    return None if check.breaches or not grades else parsed.astype({"grade": int}).reset_index(drop=True)


def _within_panel(check: TableCheck, when: pd.Series, name: str, head: Mapping[str, Any]) -> None:
    limit = head.get(name)
    if isinstance(limit, datetime.date):
        what = f"falls after the panel's {name}, {limit}; leave it out or move {name} in indicators.toml"
        check.note(when > pd.Timestamp(limit), what)


def _while_existing(check: TableCheck, started: pd.Series, authorities: pd.DataFrame) -> None:
    authority = check.table["authority"]
    check.note(~authority.isin(authorities.index), "unknown authority; add it to authorities.csv")
    begun, ended = authority.map(authorities["valid_from"]), authority.map(authorities["valid_to"])
    check.note(
        started < begun,
        "inspected before the authority existed, from {begun:%Y-%m-%d}; give its predecessor's code",
        begun=begun,
    )
    check.note(
        started > ended,
        "inspected after the authority ended, on {ended:%Y-%m-%d}; give its successor's code",
        ended=ended,
    )


def _weights_fit(table: pd.DataFrame) -> pd.Series:
    def fit(parts: str, weights: str) -> bool:
        try:
            values = [float(weight) for weight in listed(weights)]
        except ValueError:
            return False
        if not parts or len(values) != len(listed(parts)):
            return not parts and not values
        return min(values) > 0 and abs(sum(values) - 1) <= WEIGHT_TOLERANCE

    pairs = zip(table["predecessors"], table["predecessor_weights"], strict=True)
    return pd.Series([fit(*pair) for pair in pairs], index=table.index, dtype=bool)
