"""The files of a panel folder as tables: reading text with its row numbers, and writing it back to the byte."""

from __future__ import annotations

import csv
import datetime
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bayes_csc.files.decoding import decoded, read_bytes

CELL_COLUMNS = (
    *("authority", "year", "indicator", "numerator", "denominator", "value", "status", "lower", "upper"),
    *("reference_start", "reference_end", "publication_date", "source"),
)
CELL_NUMBERS = ("numerator", "denominator", "value", "lower", "upper")
# Columns that a file of cells has only where some cell of it needs them.
WIDEST = ("widest_lower", "widest_upper")
CELL_OPTIONAL = ("confidence", *WIDEST)
CELL_DATES = ("reference_start", "reference_end", "publication_date")
INSPECTION_COLUMNS = ("authority", "framework", "type", "start_date", "publication_date", "domain", "grade")
INSPECTION_DATES = ("start_date", "publication_date")
AUTHORITY_COLUMNS = (
    *("code", "name", "region", "deprivation", "rural_urban", "predecessors", "predecessor_weights", "successors"),
    *("valid_from", "valid_to", "population", "neighbours"),
)
AUTHORITY_NUMBERS = ("deprivation", "population")
AUTHORITY_DATES = ("valid_from", "valid_to")
FORMULA = re.compile(r"'*[=+\-@\t\r]")
"""How a text begins that a spreadsheet takes for a formula, or one that was kept from it."""
FIGURE = re.compile(r"N( to N)?( \(N to N\))?".replace("N", r"[+-]?[\d.,]+%?"))
"""A number or a range, which is no formula whatever its sign."""
GUARDED = re.compile(r"^'('*[=+\-@\t\r])")
# Row of the first data line, as an editor or a spreadsheet numbers it.
FIRST_ROW = 2
MOST_COLUMNS = 2000


def read_text(path: Path, problems: list[str]) -> str | None:
    """Read a UTF-8 file, with or without a byte-order mark; None, with a problem, where that is impossible."""
    data = read_bytes(path, problems)
    return None if data is None else decoded(data, path.name, problems)


def read_csv(
    path: Path, columns: tuple[str, ...], problems: list[str], *, optional: tuple[str, ...] = ()
) -> pd.DataFrame | None:
    """Read a CSV file of the panel as text.

    Parameters
    ----------
    path
        The file.
    columns
        The columns it must have, in any order, and no others.
    problems
        List that every problem is added to.
    optional
        Columns it may have besides; blank where it does not.

    Returns
    -------
    pandas.DataFrame or None
        Stripped strings in the order of `columns` and `optional`, indexed by row of the file; None where the file is
        not such a table.
    """
    text = read_text(path, problems)
    if text is None:
        return None
    if too_wide(text, path.name, problems):
        return None
    plain = _plain_table(text)
    if plain is not None and set(columns) <= set(plain) <= {*columns, *optional}:
        plain = plain.reindex(columns=[*columns, *optional], fill_value="")
        return as_meant(plain) if "'" in text else plain
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        problems.append(f"{path.name}: not a CSV file: {error}; look for a quotation mark that is not closed")
        return None
    header = [name.strip() for name in rows[0]] if rows else []
    found = len(problems)
    problems += [
        f"{path.name}: column {name!r} is missing; expected {','.join(columns)}"
        for name in columns
        if name not in header
    ]
    problems += [
        f"{path.name}: unknown column {name!r}; expected {','.join(columns)}"
        for name in header
        if name not in (*columns, *optional)
    ]
    problems += [
        f"{path.name}: column {name!r} appears twice" for name in sorted(set(header)) if header.count(name) > 1
    ]
    body = [(number, row) for number, row in enumerate(rows[1:], start=FIRST_ROW) if row]
    for number, row in body:
        if len(row) != len(header):
            problems.append(f"{path.name}: row {number}: expected {len(header)} fields, found {len(row)}")
    if len(problems) > found:
        return None
    fields = zip(*(row for _, row in body), strict=True) if body else ((),) * len(header)
    index = pd.Index([number for number, _ in body], dtype=int)
    texts = {name: pd.Series(column, index=index, dtype=str) for name, column in zip(header, fields, strict=True)}
    table = pd.DataFrame({name: column.str.strip() for name, column in texts.items()})
    return as_meant(table.reindex(columns=[*columns, *optional], fill_value=""))


def too_wide(text: str, name: str, problems: list[str]) -> bool:
    """Whether a line of a CSV file has more fields than any table, which becomes a problem before it is taken apart."""
    row = next((n for n, line in enumerate(text.split("\n"), 1) if line.count(",") >= MOST_COLUMNS), None)
    if row:
        problems.append(f"{name}: row {row}: more than {MOST_COLUMNS} fields; keep the columns that are needed")
    return row is not None


def _plain_table(text: str) -> pd.DataFrame | None:
    """Read the text of a table without quotation marks, blank lines or rows of another length; None if it is none."""
    lines = text.removesuffix("\n").split("\n")
    width = lines[0].count(",") + 1
    if '"' in text or "\r" in text or "" in lines or any(line.count(",") != width - 1 for line in lines):
        return None
    fields = ",".join(lines).split(",")
    index = pd.RangeIndex(FIRST_ROW, len(lines) - 1 + FIRST_ROW)
    header = [name.strip() for name in fields[:width]]
    texts = [pd.Series(fields[width + at :: width], index=index, dtype=str).str.strip() for at in range(width)]
    return pd.concat(texts, axis=1, keys=header) if len(set(header)) == width else None


def guarded(text: str) -> str:
    """Return a text as a CSV file has it: an apostrophe before what a spreadsheet would take for a formula.

    A formula in a file from elsewhere can send what else is in the sheet to anybody. Numbers stay as they are, and so
    do ranges. `as_meant` takes the apostrophe off again; for this, a text that begins with one before such a sign gets
    another.

    Examples
    --------
    >>> [guarded(text) for text in ("=A1", "-1+A1", "-1", "-0.1 (-0.2 to +0.1)", "Herefordshire", "'=A1")]
    ["'=A1", "'-1+A1", '-1', '-0.1 (-0.2 to +0.1)', 'Herefordshire', "''=A1"]
    """
    return f"'{text}" if FORMULA.match(text) and not FIGURE.fullmatch(text) else text


def guarded_column(values: pd.Series) -> pd.Series:
    """Guard the texts of a column; other values are left alone."""
    if values.dtype.kind in "biufM" or (
        isinstance(values.dtype, pd.StringDtype) and not values.str.match(FORMULA.pattern).any()
    ):
        return values
    return values.astype(object).map(lambda value: guarded(value) if isinstance(value, str) else value)


def unguarded(text: str) -> str:
    """Return a text as it was before it was `guarded`."""
    return GUARDED.sub(r"\1", text)


def as_meant(table: pd.DataFrame) -> pd.DataFrame:
    """A table that was read, without what `guarded` has put before its texts."""
    texts = {str(name): table[name] for name in table if isinstance(table[name].dtype, pd.StringDtype)}
    return table.assign(**{name: values.str.replace(GUARDED, r"\1", regex=True) for name, values in texts.items()})


def table_text(table: pd.DataFrame, *, float_format: str | None = None) -> str:
    """Write a table of results as CSV text, its numbers with all of their digits, its texts `guarded`.

    Parameters
    ----------
    table
        The table; its index is left out.
    float_format
        Of its numbers, such as "%.6f".
    """
    made = table.assign(**{str(name): guarded_column(table[name]) for name in table})
    text: str = made.rename(columns=guarded).to_csv(index=False, lineterminator="\n", float_format=float_format)
    return text


def csv_text(table: pd.DataFrame) -> str:
    """Write a table as CSV text: ISO dates, shortest numbers, line feeds, texts `guarded`, what is missing blank."""
    rows = [tuple(table.columns), *zip(*(_column_text(table[name]) for name in table), strict=True)]
    text = "\n".join(map(",".join, rows)) + "\n"
    plain = '"' not in text and "\r" not in text and text.count("\n") == len(rows)
    commas = len(rows) * (len(rows[0]) - 1)
    if plain and commas and text.count(",") == commas:
        return text  # nothing to quote: as the writer below has it, in a fifth of the time
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def _column_text(values: pd.Series) -> list[str]:
    """Write a column as `field_text` does, each different value once."""
    if isinstance(values.dtype, pd.StringDtype):
        return list(guarded_column(values.fillna("")).tolist())
    place, different = pd.factorize(values)
    texts = np.array([*map(field_text, different), ""], dtype=object)  # -1, the last, where there is no value
    return list(texts[place])


def field_text(value: Any) -> str:
    """Write one field; a number keeps 15 significant digits, whole numbers have no decimal point.

    Examples
    --------
    >>> [field_text(v) for v in (3.0, 0.25, -0.0, float("nan"), pd.Timestamp("2025-03-31"), "a")]
    ['3', '0.25', '0', '', '2025-03-31', 'a']
    """
    if isinstance(value, str):
        return guarded(value)
    if value is None or value is pd.NaT or value != value:
        return ""
    if isinstance(value, datetime.date):
        return f"{value.year:04}-{value.month:02}-{value.day:02}"  # strftime is ten times slower
    return f"{value:.15g}" if value else "0"  # not -0
