"""Reading official tables: text as published, numbers, and the symbols that stand for missing ones."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from bayes_csc.errors import DataError
from bayes_csc.files.csv_toml import FIRST_ROW

YEAR = "time_period"
TAIL = 100_000
LAST_YEAR = 2100
"""Bytes at the end of a file that hold its last row."""
HEADER_WITHIN = 20
"""Rows in which the names of columns are looked for that are not in the first."""


class Entry(NamedTuple):
    """One published figure: a number, or why there is none and what it may have been.

    Parameters
    ----------
    status
        "observed", "suppressed", "not_available" or "not_applicable".
    lower, upper
        Smallest and largest value the figure can have had; equal where observed.
    """

    status: str
    lower: float = float("nan")
    upper: float = float("nan")


UNAVAILABLE = Entry("not_available")
INAPPLICABLE = Entry("not_applicable")
SMALL_COUNT = Entry("suppressed", 1.0, 5.0)
# A full-time equivalent of at most five people: part-timers, so that it need not reach 1.
SMALL_FTE = Entry("suppressed", 0.0, 5.0)
# Rounds to zero at the one decimal published, but is not zero.
ROUNDS_TO_ZERO = Entry("suppressed", 0.0, 0.05)
# The same where whole numbers are published.
ROUNDS_TO_WHOLE_ZERO = Entry("suppressed", 0.0, 0.5)

# Releases on Explore Education Statistics, and the statistical first releases before them.
EES_SYMBOLS: Mapping[str, Entry] = {
    "c": SMALL_COUNT,
    "x": UNAVAILABLE,
    "u": UNAVAILABLE,
    ":": UNAVAILABLE,
    "z": INAPPLICABLE,
    "low": ROUNDS_TO_ZERO,
    "k": ROUNDS_TO_WHOLE_ZERO,
}
SFR_SYMBOLS: Mapping[str, Entry] = {"x": SMALL_COUNT, "..": UNAVAILABLE, ".": INAPPLICABLE, "-": INAPPLICABLE}
SFR_FTE_SYMBOLS: Mapping[str, Entry] = {**SFR_SYMBOLS, "x": SMALL_FTE}


def read_table(path: Path, needed: list[str], *, encoding: str = "utf-8-sig", skip: int = 0) -> pd.DataFrame:
    """Read an official CSV file as the text it publishes.

    Parameters
    ----------
    path
        The file.
    needed
        Columns that must be there.
    encoding
        UTF-8, with or without a byte-order mark, unless the release is older.
    skip
        Lines above the column names; such a file may have notes below its table too.

    Returns
    -------
    pandas.DataFrame
        All columns, as stripped strings; an empty cell is "".

    Raises
    ------
    DataError
        The file is missing, cannot be read as a table, or lacks a column.
    """
    if not path.is_file():
        raise DataError(f"{path}: the file is missing; expected the official release file of that name")
    try:
        table = pd.read_csv(path, dtype=str, encoding=encoding, keep_default_na=False, skiprows=skip)
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError, OSError) as error:
        raise DataError(f"{path}: expected a CSV file in {encoding}: {error}") from error
    if problems := _shape_problems(path, table, needed, notes=skip > 0):
        raise DataError(problems)
    out = pd.DataFrame({name: column.str.strip() for name, column in table.items()})
    if YEAR in needed:
        period = out[YEAR].where(out[YEAR].str.fullmatch(r"(19|20)\d{2}(\d{2})?"))  # of school years, 202021
        _parsed(out[YEAR], path, pd.to_numeric(period), "a year")  # so that every reader may take them for numbers
    return out


def _shape_problems(path: Path, table: pd.DataFrame, needed: list[str], *, notes: bool) -> list[str]:
    """What keeps a file from being the table that its release documents; with `notes`, text may follow it."""
    missing = [name for name in needed if name not in table.columns]
    if missing:
        names = ", ".join(map(str, table.columns[:40]))
        heads = table.head(HEADER_WITHIN).fillna("")
        below = [place for place, row in enumerate(heads.itertuples(index=False)) if set(missing) <= set(row)]
        hint = f"; row {below[0] + FIRST_ROW} holds the names: take out the rows above it" if below else ""
        return [f"{path}: row 1: column {name!r} is missing; found {names}{hint}" for name in missing]
    fields = table.shape[1]
    # pandas takes the first column for an index where rows are longer than the header, and fills short ones with blanks
    if not isinstance(table.index, pd.RangeIndex):
        return [f"{path}: row {FIRST_ROW}: more fields than the {fields} of the header; download the file again"]
    if not notes and len(last := _last_row(path)) < fields:
        return [
            f"{path}: row {len(table) + 1}, the last: {len(last)} fields, fewer than the {fields} of the header; "
            "the file was cut off: download it again"
        ]
    return []


def _last_row(path: Path) -> list[str]:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL))
        lines = file.read().decode("latin-1").rstrip("\r\n").split("\n")
    return next(csv.reader(lines[-1:]), [])


def since(year: int) -> range:
    """A year and every later one: what is read from a release that is renewed each year."""
    return range(year, LAST_YEAR)


def years(column: pd.Series, path: Path) -> pd.Series:
    """Parse a column of years of four digits.

    Raises
    ------
    DataError
        A text is something else.
    """
    return _parsed(column, path, pd.to_numeric(column.where(column.str.fullmatch(r"(19|20)\d{2}"))), "a year").astype(
        int
    )


def dates(column: pd.Series, path: Path) -> pd.Series:
    """Parse a column of dates such as 2025-03-31, some of them blank.

    Raises
    ------
    DataError
        A text is something else.
    """
    filled = column.where(column != "")
    when = pd.to_datetime(filled, format="%Y-%m-%d", errors="coerce")
    _parsed(column[filled.notna()], path, when[filled.notna()], "a date such as 2025-03-31")
    return when


def _parsed(column: pd.Series, path: Path, values: pd.Series, what: str) -> pd.Series:
    if (odd := column[values.isna()]).size:
        raise DataError(
            [
                f"{path}: {_row(row)}: column {column.name!r}: expected {what}, found {text!r}"
                for row, text in zip(odd.index, odd, strict=True)
            ]
        )
    return values


def _row(label: object) -> str:
    """Row of the file, or what stands for it where a file's rows were laid out anew."""
    return f"row {label + FIRST_ROW}" if isinstance(label, int) else f"the row of {label}"


def local_authorities(table: pd.DataFrame) -> pd.DataFrame:
    """Rows about local authorities of a table from Explore Education Statistics."""
    return table[table["geographic_level"] == "Local authority"]


def entries(column: pd.Series, symbols: Mapping[str, Entry], path: Path) -> list[Entry]:
    """Parse a column of published figures.

    Parameters
    ----------
    column
        Text as published; thousands separators are allowed.
    symbols
        Meaning of each symbol in this release.
    path
        The file, for messages.

    Returns
    -------
    list of Entry
        One per row.

    Raises
    ------
    DataError
        A text is neither a number nor a known symbol, or a number is negative.
    """
    grouped = column.str.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?")
    number = pd.to_numeric(column.where(~grouped, column.str.replace(",", "")), errors="coerce")
    odd = column[(number.isna() & ~column.isin(list(symbols))) | (number < 0) | number.eq(float("inf"))]
    if not odd.empty:
        known = ", ".join(symbols)
        raise DataError(
            [
                f"{path}: {_row(row)}: column {column.name!r}: expected a number of at least 0 or one of {known}; "
                f"found {text!r}; if the release has a new symbol, say what it means in the symbols of its source"
                for row, text in zip(odd.index, odd, strict=True)
            ]
        )
    return [
        symbols[text] if pd.isna(value) else Entry("observed", value, value)
        for text, value in zip(column, number.astype(float), strict=True)
    ]
