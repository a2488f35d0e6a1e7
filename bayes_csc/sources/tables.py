"""Reading official tables: text as published, numbers, and the symbols that stand for missing ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from bayes_csc.errors import DataError
from bayes_csc.panel_files import FIRST_ROW


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

# Releases on Explore Education Statistics, and the statistical first releases before them.
EES_SYMBOLS: Mapping[str, Entry] = {
    "c": SMALL_COUNT,
    "x": UNAVAILABLE,
    "u": UNAVAILABLE,
    ":": UNAVAILABLE,
    "z": INAPPLICABLE,
    "low": ROUNDS_TO_ZERO,
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
        Lines above the column names.

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
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise DataError(f"{path}: expected a CSV file in {encoding}: {error}") from error
    missing = [name for name in needed if name not in table.columns]
    if missing:
        raise DataError(
            [f"{path}: column {name!r} is missing; found {', '.join(table.columns[:40])}" for name in missing]
        )
    return pd.DataFrame({name: column.str.strip() for name, column in table.items()})


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
    number = pd.to_numeric(column.str.replace(",", ""), errors="coerce")
    odd = column[(number.isna() & ~column.isin(list(symbols))) | (number < 0)]
    if not odd.empty:
        known = ", ".join(symbols)
        raise DataError(
            [
                f"{path}: row {row}: column {column.name!r}: expected a number of at least 0 or one of {known}; found "
                f"{text!r}; if the release has a new symbol, say what it means in the symbols of its source"
                for row, text in zip(odd.index + FIRST_ROW, odd, strict=True)
            ]
        )
    return [
        symbols[text] if pd.isna(value) else Entry("observed", value, value)
        for text, value in zip(column, number.astype(float), strict=True)
    ]
