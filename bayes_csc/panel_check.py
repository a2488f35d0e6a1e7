"""The contract of a panel's files: every breach becomes a sentence that says where, what and what to do."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bayes_csc.geography import codes_of, listed
from bayes_csc.indicators import Indicator, read_indicator
from bayes_csc.panel_files import (
    AUTHORITY_COLUMNS,
    AUTHORITY_DATES,
    AUTHORITY_NUMBERS,
    CELL_COLUMNS,
    CELL_DATES,
    CELL_NUMBERS,
    INSPECTION_COLUMNS,
    INSPECTION_DATES,
    read_csv,
    read_toml,
)

STATUSES = ("observed", "suppressed", "not_available", "not_applicable")
WEIGHT_TOLERANCE = 1e-4
VALUE_TOLERANCE = 1e-4
HEAD_KEYS = ("name", "date", "published_by", "grades", "licence")
HEAD_NEEDED = ("name", "date", "grades")
HEAD_DATES = ("date", "published_by")
Describe = Callable[[Any], str]


def read_dictionary(path: Path, problems: list[str]) -> tuple[dict[str, Any], dict[str, Indicator]]:
    """Read indicators.toml: the `[panel]` table and the indicators, in their order.

    Parameters
    ----------
    path
        The file.
    problems
        List that every problem is added to.

    Returns
    -------
    tuple
        The `[panel]` values, see `read_head`, and the indicators by key.
    """
    tables = read_toml(path, problems)
    return ({}, {}) if tables is None else parse_dictionary(tables, path.name, problems)


def parse_dictionary(
    tables: Mapping[str, Any], where: str, problems: list[str]
) -> tuple[dict[str, Any], dict[str, Indicator]]:
    """Check the tables of a dictionary; see `read_dictionary`. `where` names the file in messages."""
    problems += [
        f"{where}: unknown table {name!r}; the tables are panel and indicator"
        for name in tables
        if name not in ("panel", "indicator")
    ]
    head = read_head(tables.get("panel", {}), where, problems)
    indicators = {}
    for key, table in tables.get("indicator", {}).items():
        indicator, found = read_indicator(key, table, where)
        problems += found
        if indicator is not None:
            indicators[key] = indicator
    if not tables.get("indicator"):
        problems.append(f"{where}: no [indicator.KEY] table; expected one per indicator of the cells")
    return head, indicators


def read_head(table: Mapping[str, Any], where: str, problems: list[str]) -> dict[str, Any]:
    """Read the `[panel]` table: dates parsed, grades as a tuple; a value that breaks its contract is left out."""
    at = f"{where}: [panel]"
    problems += [f"{at}: {name} is missing" for name in HEAD_NEEDED if name not in table]
    head: dict[str, Any] = {}
    for name, value in table.items():
        if name not in HEAD_KEYS:
            problems.append(f"{at}: unknown key {name!r}; the keys are {', '.join(HEAD_KEYS)}")
        elif name == "grades":
            if isinstance(value, list) and len(value) > 1 and all(isinstance(grade, str) and grade for grade in value):
                head[name] = tuple(value)
            else:
                problems.append(f"{at}: grades must be at least two texts, best first, found {value!r}")
        elif not isinstance(value, str):
            problems.append(f"{at}: {name} must be a text in quotes, found {value!r}")
        elif name not in HEAD_DATES:
            head[name] = value
        else:
            try:
                head[name] = datetime.date.fromisoformat(value)
            except ValueError:
                problems.append(f'{at}: {name} must be a date such as "2025-03-31", found {value!r}')
    return head


def read_authorities(path: Path, problems: list[str]) -> pd.DataFrame | None:
    """Read authorities.csv, indexed and sorted by code; None where it breaks its contract."""
    table = read_csv(path, AUTHORITY_COLUMNS, problems)
    if table is None:
        return None
    found = len(problems)
    at: Describe = lambda row: f"{path.name}: row {row.Index}: authority {row.code}"  # noqa: E731
    note = _noter(table, at, problems)
    note(
        table["code"].eq("") | table["code"].str.contains(r"[\s+]"),
        lambda r: f"the code must be one word without '+', found {r.code!r}",
    )
    note(table["code"].duplicated(keep=False), lambda r: "the code appears more than once; keep one row")
    for name in ("name", "region"):
        note(table[name].eq(""), lambda r, name=name: f"{name} is blank")
    codes = set(table["code"])
    for name in ("predecessors", "successors", "neighbours"):
        note(
            table[name].map(lambda text: not codes.issuperset(listed(text))),
            lambda r, name=name: f"{name} names an unknown authority: {getattr(r, name)!r}; add it or take it out",
        )
    note(~_weights_fit(table), lambda r: (
        f"predecessor_weights must be one positive number per predecessor, summing to 1; found {r.predecessor_weights!r} "
        f"for {r.predecessors!r}"
    ))  # fmt: skip
    parsed = _parse(table, AUTHORITY_NUMBERS, AUTHORITY_DATES, note)
    note(parsed["population"] < 0, lambda r: f"population is negative: {r.population}")
    note(
        parsed["valid_from"] > parsed["valid_to"], lambda r: f"valid_from {r.valid_from} is after valid_to {r.valid_to}"
    )
    return None if len(problems) > found else parsed.set_index("code").sort_index()


def read_inspections(
    path: Path, authorities: pd.DataFrame | None, head: Mapping[str, Any], problems: list[str]
) -> pd.DataFrame | None:
    """Read inspections.csv; None where it breaks its contract. References are checked where `authorities` is given."""
    table = read_csv(path, INSPECTION_COLUMNS, problems)
    if table is None:
        return None
    found = len(problems)
    at: Describe = lambda row: (  # noqa: E731
        f"{path.name}: row {row.Index}: authority {row.authority}, {row.framework} {row.start_date or row.publication_date}"
    )
    note = _noter(table, at, problems)
    for name in ("authority", "framework", "domain", "publication_date"):
        note(table[name].eq(""), lambda r, name=name: f"{name} is blank")
    grades = head.get("grades") or ()
    note(
        ~table["grade"].isin([str(grade) for grade in range(1, len(grades) + 1)]),
        lambda r: f"grade must be a whole number from 1 (the best) to {len(grades)}, found {r.grade!r}",
    )
    parsed = _parse(table, (), INSPECTION_DATES, note)
    note(
        parsed["start_date"] > parsed["publication_date"],
        lambda r: f"started on {r.start_date}, after its publication on {r.publication_date}; correct one of them",
    )
    key = ["authority", "framework", "start_date", "publication_date", "domain"]
    note(
        table.duplicated(key, keep=False),
        lambda r: f"the judgement on {r.domain!r} appears more than once; keep one row",
    )
    when = parsed["start_date"].fillna(parsed["publication_date"])
    for name, limit in (("date", parsed["start_date"]), ("published_by", parsed["publication_date"])):
        if isinstance(head.get(name), datetime.date):
            latest = pd.Timestamp(head[name])
            note(limit > latest, lambda r, latest=latest, name=name: (
                f"falls after the panel's {name}, {latest.date()}; leave it out or move the date in indicators.toml"
            ))  # fmt: skip
    if authorities is not None:
        note(~table["authority"].isin(authorities.index), lambda r: "unknown authority; add it to authorities.csv")
        begun, ended = (
            table["authority"].map(authorities["valid_from"]),
            table["authority"].map(authorities["valid_to"]),
        )
        note(
            when < begun,
            lambda r: (
                f"inspected before the authority existed (from {begun[r.Index].date()}); use its predecessor's code"
            ),
        )
        note(
            when > ended,
            lambda r: f"inspected after the authority ended ({ended[r.Index].date()}); use its successor's code",
        )
    if len(problems) > found:
        return None
    return parsed.astype({"grade": int}).reset_index(drop=True)


def read_cells(
    paths: list[Path],
    authorities: pd.DataFrame | None,
    indicators: Mapping[str, Indicator],
    problems: list[str],
) -> pd.DataFrame | None:
    """Read the indicator files; None where one breaks its contract.

    Parameters
    ----------
    paths
        The files.
    authorities
        Table of authorities, None where it could not be read; references are then not checked.
    indicators
        The dictionary, empty where it could not be read; keys are then not checked.
    problems
        List that every problem is added to.

    Returns
    -------
    pandas.DataFrame or None
        Cells of all files, numbers as floats and dates as datetimes.
    """
    found = len(problems)
    tables = {path.name: read_csv(path, CELL_COLUMNS, problems) for path in paths}
    parts = [
        _check_cells(name, table, authorities, indicators, problems)
        for name, table in tables.items()
        if table is not None
    ]
    if len(problems) > found or not parts:
        return None
    cells = pd.concat(parts, ignore_index=True)
    twice = cells[cells.duplicated(["authority", "year", "indicator"], keep=False)]
    problems += [
        f"indicators: authority {row.authority}, year {row.year}, indicator {row.indicator}: appears in more than one file"
        for row in twice.itertuples()
    ]
    return None if len(problems) > found else cells


def _check_cells(
    name: str,
    table: pd.DataFrame,
    authorities: pd.DataFrame | None,
    indicators: Mapping[str, Indicator],
    problems: list[str],
) -> pd.DataFrame:
    at: Describe = lambda row: (  # noqa: E731
        f"{name}: row {row.Index}: authority {row.authority}, year {row.year}, indicator {row.indicator}"
    )
    note = _noter(table, at, problems)
    note(~table["year"].str.fullmatch(r"[12]\d{3}"), lambda r: f"year must be four digits, found {r.year!r}")
    note(
        ~table["status"].isin(STATUSES),
        lambda r: f"unknown status {r.status!r}; expected one of {', '.join(STATUSES)}",
    )
    note(
        table.duplicated(["authority", "year", "indicator"], keep=False),
        lambda r: "duplicate cell; keep one row for each authority, year and indicator",
    )
    for column in ("authority", "source", *CELL_DATES):
        note(table[column].eq(""), lambda r, column=column: f"{column} is blank")
    if indicators:
        note(
            ~table["indicator"].isin(list(indicators)),
            lambda r: "indicator is not in indicators.toml; describe it there",
        )
    if authorities is not None:
        note(
            table["authority"].map(lambda text: not set(codes_of(text)) <= set(authorities.index)),
            lambda r: "unknown authority; add it to authorities.csv (a joint return is written 314+318)",
        )
    parsed = _parse(table, CELL_NUMBERS, CELL_DATES, note)
    _check_figures(parsed, indicators, note)
    _check_periods(parsed, authorities, note)
    parsed["year"] = pd.to_numeric(table["year"], errors="coerce").fillna(0).astype(int)
    return parsed


def _check_figures(cells: pd.DataFrame, indicators: Mapping[str, Indicator], note: Callable[..., None]) -> None:
    binomial = cells["indicator"].isin([key for key, value in indicators.items() if value.family == "binomial"])
    observed, suppressed = cells["status"] == "observed", cells["status"] == "suppressed"
    number = cells[list(CELL_NUMBERS)]
    for column in ("numerator", "denominator"):
        note(
            cells[column] < 0,
            lambda r, column=column: f"{column} is negative: {getattr(r, column)}; a count starts at 0",
        )
    note(
        binomial & (cells["numerator"] > cells["denominator"]),
        lambda r: f"numerator {r.numerator} is above its denominator {r.denominator}",
    )
    note(
        observed & np.where(binomial, number[["numerator", "denominator"]].isna().any(axis=1), number["value"].isna()),
        lambda r: (
            f"observed, but without its figure: numerator {r.numerator!r}, denominator {r.denominator!r}, value {r.value!r}"
        ),
    )
    note(
        observed & binomial & ((cells["numerator"] / cells["denominator"] - cells["value"]).abs() > VALUE_TOLERANCE),
        lambda r: f"value {r.value} is not numerator / denominator, {r.numerator} / {r.denominator}",
    )
    note(
        suppressed & number[["lower", "upper"]].isna().any(axis=1),
        lambda r: "suppressed without its interval; give lower and upper, the range of the numerator",
    )
    note(cells["lower"] > cells["upper"], lambda r: f"lower {r.lower} is above upper {r.upper}")
    note(binomial & (cells["lower"] < 0), lambda r: f"lower is negative: {r.lower}; a count starts at 0")
    note(
        binomial & (cells["upper"] > cells["denominator"]),
        lambda r: f"upper {r.upper} is above its denominator {r.denominator}",
    )
    note(
        ~observed & number[["numerator", "value"]].notna().any(axis=1),
        lambda r: f"status is {r.status}, but a numerator or value is given; blank it or call the cell observed",
    )


def _check_periods(cells: pd.DataFrame, authorities: pd.DataFrame | None, note: Callable[..., None]) -> None:
    start, end, published = cells["reference_start"], cells["reference_end"], cells["publication_date"]
    note(start > end, lambda r: f"reference_start {r.reference_start} is after reference_end {r.reference_end}")
    note(end > published, lambda r: f"published on {r.publication_date}, before reference_end {r.reference_end}")
    if authorities is None:
        return
    codes = cells["authority"].map(codes_of).explode()
    begun = codes.map(authorities["valid_from"]).groupby(level=0).max()
    ended = codes.map(authorities["valid_to"]).groupby(level=0).min()
    note(
        end < begun,
        lambda r: f"ends before the authority existed (from {begun[r.Index].date()}); use its predecessor's code",
    )
    note(
        start > ended, lambda r: f"starts after the authority ended ({ended[r.Index].date()}); use its successor's code"
    )


def _noter(table: pd.DataFrame, at: Describe, problems: list[str]) -> Callable[..., None]:
    """A function that adds one problem for each row of `table` where a mask holds."""

    def note(mask: Any, what: Describe) -> None:
        problems.extend(f"{at(row)}: {what(row)}" for row in table[np.asarray(mask, dtype=bool)].itertuples())

    return note


def _parse(
    table: pd.DataFrame, numbers: tuple[str, ...], dates: tuple[str, ...], note: Callable[..., None]
) -> pd.DataFrame:
    """Turn text columns into floats and datetimes, noting what is neither blank nor one of them."""
    parsed = table.copy()
    for name in numbers:
        value = pd.to_numeric(table[name].replace("", np.nan), errors="coerce").astype(float)
        note(
            (value.isna() & table[name].ne("")) | np.isinf(value),
            lambda r, name=name: (
                f"{name} must be a number or blank, found {getattr(r, name)!r}; a symbol belongs in status"
            ),
        )
        parsed[name] = value
    for name in dates:
        iso = table[name].where(table[name].str.fullmatch(r"\d{4}-\d{2}-\d{2}"))
        when = pd.to_datetime(iso, format="%Y-%m-%d", errors="coerce")
        note(
            when.isna() & table[name].ne(""),
            lambda r, name=name: f"{name} must be a date such as 2025-03-31, found {getattr(r, name)!r}",
        )
        parsed[name] = when
    return parsed


def _weights_fit(table: pd.DataFrame) -> pd.Series:
    def fits(parts: str, weights: str) -> bool:
        try:
            values = [float(weight) for weight in listed(weights)]
        except ValueError:
            return False
        if not parts:
            return not values
        return len(values) == len(listed(parts)) and min(values) > 0 and abs(sum(values) - 1) <= WEIGHT_TOLERANCE

    pairs = zip(table["predecessors"], table["predecessor_weights"], strict=True)
    return pd.Series([fits(*pair) for pair in pairs], index=table.index, dtype=bool)
