"""Reading official spreadsheets: one sheet as the text it shows, and authorities by name."""

from __future__ import annotations

import datetime
import fnmatch
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import python_calamine

from bayes_csc.errors import DataError

# Names that releases give to authorities, where plain spelling does not lead to the name in the table of authorities.
ALIASES = {
    "bedford borough": "bedford",
    "bristol": "bristol city of",
    "durham": "county durham",
    "herefordshire": "herefordshire county of",
    "hull": "kingston upon hull city of",
    "kingston upon hull": "kingston upon hull city of",
}


def read_sheet(path: Path, sheet: str | int, header: int, needed: Sequence[str]) -> pd.DataFrame:
    """Read one sheet of an official spreadsheet as text.

    Parameters
    ----------
    path
        An .xlsx, .xls or .ods file.
    sheet
        Name of the sheet, in which `*` stands for any text, or its place from 0.
    header
        Row of the column names, from 1.
    needed
        Columns that must be there.

    Returns
    -------
    pandas.DataFrame
        Stripped strings, indexed by row of the sheet; dates as 2025-03-31, whole numbers without a decimal point;
        rows that are blank throughout are left out.

    Raises
    ------
    DataError
        The file or the sheet is missing or unreadable, or lacks a column.
    """
    rows = sheet_rows(path, sheet)
    if len(rows) < header:
        raise DataError(f"{path}: sheet {sheet!r}: expected column names in row {header}, found {len(rows)} rows")
    names = [re.sub(r"\s+", " ", name) for name in rows[header - 1]]
    missing = [name for name in needed if name not in names]
    if missing:
        shown = ", ".join(name for name in names[:20] if name)
        raise DataError(
            [f"{path}: sheet {sheet!r}: column {name!r} is missing in row {header}; found {shown}" for name in missing]
        )
    filled = {number: row for number, row in enumerate(rows[header:], start=header + 1) if any(row)}
    return pd.DataFrame(list(filled.values()), columns=names, index=list(filled), dtype=str)


def sheet_rows(path: Path, sheet: str | int) -> list[list[str]]:
    """Read every row of one sheet as text; see `read_sheet`.

    Raises
    ------
    DataError
        The file or the sheet is missing or unreadable.
    """
    if not path.is_file():
        raise DataError(f"{path}: the file is missing; expected the official release file of that name")
    try:
        book = python_calamine.load_workbook(str(path))
        if isinstance(sheet, int):
            found = book.get_sheet_by_index(sheet)
        else:
            found = book.get_sheet_by_name(next(iter(fnmatch.filter(book.sheet_names, sheet)), sheet))
        rows = found.to_python(skip_empty_area=False)
    except (python_calamine.CalamineError, IndexError) as error:
        raise DataError(f"{path}: sheet {sheet!r}: expected a spreadsheet with that sheet: {error}") from error
    return [[_text(value) for value in row] for row in rows]


def _text(value: Any) -> str:
    if isinstance(value, datetime.datetime):
        return value.date().isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def numbers(column: pd.Series, path: Path, missing: Sequence[str] = ("",)) -> pd.Series:
    """Parse a column of figures, NaN where the text is one of those that stand for none.

    Raises
    ------
    DataError
        A text is neither a number nor one of them.
    """
    value = pd.to_numeric(column.str.replace(",", ""), errors="coerce")
    odd = column[value.isna() & ~column.isin(list(missing))]
    if not odd.empty:
        raise DataError(
            [
                f"{path}: row {row}: column {column.name!r}: expected a number, found {text!r}"
                for row, text in odd.items()
            ]
        )
    return value.astype(float)


def authority_codes(names: pd.Series, known: Mapping[str, str], path: Path) -> pd.Series:
    """Codes of authorities that a release gives by name only.

    Parameters
    ----------
    names
        Names as published.
    known
        Name of each authority that can be meant, by code.
    path
        The file, for messages.

    Returns
    -------
    pandas.Series
        Codes.

    Raises
    ------
    DataError
        A name is not that of a known authority.
    """
    codes = {plain(name): code for code, name in known.items()}
    spelled = names.map(plain)
    found = spelled.map(codes).fillna(spelled.replace(ALIASES).map(codes))
    lost = names[found.isna()].drop_duplicates()
    if not lost.empty:
        raise DataError(
            [f"{path}: row {row}: no authority is called {name!r}; add its spelling" for row, name in lost.items()]
        )
    return found


def plain(name: str) -> str:
    """Spell a name without capitals, punctuation, "&" and repeated blanks.

    Examples
    --------
    >>> plain("Bournemouth, Christchurch & Poole")
    'bournemouth christchurch and poole'
    """
    return " ".join(re.sub(r"[^a-z]+", " ", name.lower().replace("&", " and ").replace("'", "")).split())
