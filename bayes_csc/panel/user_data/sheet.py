"""A user's CSV file or Excel sheet as a table of text with its row numbers, or what keeps it from being one."""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from bayes_csc.files.csv_toml import too_wide
from bayes_csc.files.decoding import decoded, read_bytes
from bayes_csc.files.spelling import some
from bayes_csc.panel.user_data.workbook import OLE, ZIP, column_letters, workbook_rows

WORKBOOKS = (".xlsx", ".xlsm")
OTHERS = (".xls", ".xlsb", ".ods", ".numbers")
DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
HEADER_WITHIN = 20
"""Rows in which a header is looked for that is not the first."""

Rows = list[tuple[int, list[str]]]


def read_sheet(
    path: Path, needed: Sequence[str], problems: list[str], *, sheet: str | None = None
) -> pd.DataFrame | None:
    """Read a table as text, whatever program wrote it.

    Parameters
    ----------
    path
        A .csv file, comma-separated and in UTF-8, or an .xlsx workbook.
    needed
        Columns that must be there; others may be.
    problems
        List that every problem is added to.
    sheet
        Name of the workbook's sheet; needed only where there are several.

    Returns
    -------
    pandas.DataFrame or None
        Stripped strings, indexed by row of the file as an editor or Excel numbers it; rows that are no rows of the
        table are noted and left out, and needed columns that it lacks are noted; None where there is no table.
    """
    if path.suffix.lower() in OTHERS:
        problems.append(f"{path.name}: expected .csv or .xlsx; save it as one of these")
        return None
    data = read_bytes(path, problems)
    if data is None:
        return None
    if not data.strip():
        problems.append(_empty(path.name, needed))
        return None
    if path.suffix.lower() in WORKBOOKS:
        rows = workbook_rows(data, path.name, problems, sheet=sheet)
    elif data.startswith((ZIP, OLE)):
        problems.append(
            f"{path.name}: expected CSV, found an Excel workbook; give it the ending .xlsx, or save it as CSV"
        )
        return None
    else:
        rows = _csv_rows(data, path.name, problems)
    return None if rows is None else _table(rows, path.name, needed, problems)


def _csv_rows(data: bytes, name: str, problems: list[str]) -> Rows | None:
    text = decoded(data, name, problems)
    if text is None or too_wide(text, name, problems):
        return None
    rows: Rows = []
    try:
        for number, row in enumerate(csv.reader(io.StringIO(text, newline=""), strict=True), start=1):
            rows.append((number, [field.strip() for field in row]))
    except csv.Error as error:
        problems.append(
            f"{name}: row {len(rows) + 1}: {error}; look there for a quotation mark that is not closed or not doubled"
        )
        return None
    return rows


def _table(rows: Rows, name: str, needed: Sequence[str], problems: list[str]) -> pd.DataFrame | None:
    filled = [(number, row) for number, row in rows if any(row)]
    if not filled:
        problems.append(_empty(name, needed))
        return None
    (first, header), *body = filled
    # a spreadsheet saves blank columns beside the table: they are none of it
    width = max(place + 1 for _, row in filled for place, field in enumerate(row[: len(header)]) if field)
    header = header[:width]
    if found := _header_problems(name, first, header, body, needed):
        problems += found
        return None
    problems += _missing_columns(name, header, needed)
    kept = []
    for number, row in body:
        if row[:width] == header:
            problems.append(f"{name}: row {number}: repeats the header; delete it")
        elif len(row) < width or any(row[width:]):
            problems.append(
                f"{name}: row {number}: expected {width} fields, found {len(row)}; look for a comma in a text or "
                "number without quotation marks, or a line that was cut off"
            )
        else:
            kept.append((number, row[:width]))
    if not body:
        problems.append(f"{name}: only a header; expected a row per authority and year below it")
        return None
    table = pd.DataFrame([row for _, row in kept], columns=header, index=[number for number, _ in kept], dtype=str)
    return table.loc[:, [column for column in header if column]]


def _empty(name: str, needed: Sequence[str]) -> str:
    return f"{name}: the file is empty; expected a header row" + (f" with {', '.join(needed)}" if needed else "")


def _header_problems(name: str, first: int, header: list[str], body: Rows, needed: Sequence[str]) -> list[str]:
    if len(header) == 1:
        for mark, word in DELIMITERS.items():
            if mark in header[0]:
                return [f"{name}: columns separated by {word}; save it as CSV with commas"]
    problems = [
        f"{name}: row {first}: column {column!r} appears twice; give each column a name of its own"
        for column in sorted(set(filter(None, header)))
        if header.count(column) > 1
    ]
    nameless = [
        column_letters(place + 1)
        for place, column in enumerate(header)
        if not column and any(place < len(row) and row[place] for _, row in body)
    ]
    if not set(needed) <= set(header) and (hint := _header_below(body, needed)):
        return [f"{name}: row {first}: expected the header, which is in row {hint}; delete the rows above it"]
    if nameless:
        problems.append(
            f"{name}: row {first}: no name for column {', '.join(nameless)}; a table has one header row with one name "
            "per column: take out merged cells and second header rows"
        )
    return problems + (_missing_columns(name, header, needed) if problems else [])


def _missing_columns(name: str, header: list[str], needed: Sequence[str]) -> list[str]:
    problems = []
    for column in needed:
        if column in header:
            continue
        close = difflib.get_close_matches(column.lower(), [other[:100].lower() for other in header], 1)
        meant = next((other for other in header if close and other.lower() == close[0]), None)
        problems.append(
            f"{name}: column {column!r} is missing; found {some(list(filter(None, header)), 30)[:1000]}; "
            + (f"is it {meant!r}? " if meant else "")
            + "name the column under columns in the description as it is in the file"
        )
    return problems


def _header_below(body: Rows, needed: Sequence[str]) -> int | None:
    return next((number for number, row in body[:HEADER_WITHIN] if set(needed) <= set(row)), None)
