"""Tables of looked-after children that were published as spreadsheets: title rows, merged headings, names for codes."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bayes_csc.errors import DataError
from bayes_csc.sources.download.official import Official
from bayes_csc.sources.looked_after.cla_counts import WIDE_SYMBOLS
from bayes_csc.sources.readers.cells import year_to_march
from bayes_csc.sources.readers.tables import Entry, entries, read_table

CODE = re.compile(r"[2-9]\d\d")
# Names in these tables that the file of names spells otherwise, or leaves out.
OTHER_NAMES = {"bedfordborough": "822", "islesofscilly": "420"}
NAMES = "cla_2014_cla"


@dataclass(frozen=True)
class Sheet:
    """A spreadsheet-like file.

    Parameters
    ----------
    file
        Id in the catalogue.
    years
        Years of its blocks of columns, from left to right.
    named
        Whether it gives authorities by name, rather than by code.
    encoding
        Encoding of its text.
    """

    file: str
    years: tuple[int, ...]
    named: bool
    encoding: str


def sheet_table(official: Official, sheet: Sheet, headings: Mapping[str, str], year: int) -> pd.DataFrame:
    """Read the rows about local authorities of one year's block of columns.

    Parameters
    ----------
    official
        The official files.
    sheet
        The file.
    headings
        Start of the heading, by name of the column wanted. Every block has each heading once.
    year
        The year wanted.

    Returns
    -------
    pandas.DataFrame
        Columns authority and those of `headings`, as stripped text, indexed so that an error names the file's row.

    Raises
    ------
    DataError
        The file is missing, a heading does not stand there once for each year, or an authority is unknown.
    """
    path = official / sheet.file
    rows = _rows(path, sheet.encoding)
    block = sheet.years.index(year)
    at, problems = {}, []
    for name, heading in headings.items():
        places = [(i, j) for i, row in enumerate(rows) for j, text in enumerate(row) if text.startswith(heading)]
        if len(places) != len(sheet.years) or len({i for i, _ in places}) != 1:
            problems.append(
                f"{path}: expected the heading {heading!r} {len(sheet.years)} times in one row, once for each of "
                f"{', '.join(map(str, sheet.years))}; found it {len(places)} times"
            )
        else:
            at[name] = places[block]
    if problems:
        raise DataError(problems)
    body = max(i for i, _ in at.values()) + 1
    codes = authority_names(official) if sheet.named else None
    found = {
        i: (code, *(row[j] for _, j in at.values()))
        for i, row in enumerate(rows[body:], start=body)
        if (code := _authority(row, codes)) is not None
    }
    # an error names a row two after its index, counting from one with a heading above
    table = pd.DataFrame.from_dict(found, orient="index", columns=["authority", *at]).rename(index=lambda i: i - 1)
    lost = sorted(set((codes or {}).values()) - set(table["authority"]))
    if lost or table["authority"].duplicated().any() or table.empty:
        raise DataError(
            f"{path}: expected each local authority once; found {len(table)} rows, "
            f"without {', '.join(lost) or 'none missing'}"
        )
    return table


def sheet_entries(
    official: Official, sheet: Sheet, headings: Mapping[str, str], year: int
) -> tuple[pd.DataFrame, dict[str, list[Entry]]]:
    """Keys of one year's cells of a sheet, and the entries of its columns in the same order; see `sheet_table`."""
    table = sheet_table(official, sheet, headings, year)
    keys = pd.DataFrame({"authority": table["authority"].to_numpy(), "year": year})
    found = {name: entries(table[name], WIDE_SYMBOLS, official / sheet.file) for name in headings}
    return keys.join(year_to_march(keys["year"])), found


def authority_names(official: Official) -> dict[str, str]:
    """Codes of the authorities of 2014 by name, its letters only."""
    table = read_table(official / NAMES, ["geog_l", "geog_c", "geog_n"], encoding="cp1252")
    table = table[table["geog_l"] == "LA"]
    return {**dict(zip(map(_letters, table["geog_n"]), table["geog_c"], strict=True)), **OTHER_NAMES}


def _authority(row: list[str], codes: Mapping[str, str] | None) -> str | None:
    if codes is not None:
        return codes.get(_letters(row[0])) if row else None
    return next((text for text in row[:2] if CODE.fullmatch(text)), None)


def _letters(name: str) -> str:
    return re.sub("[^a-z]", "", name.lower())


def _rows(path: Path, encoding: str) -> list[list[str]]:
    if not path.is_file():
        raise DataError(f"{path}: the file is missing; expected the official release file of that name")
    try:
        text = path.read_text(encoding=encoding)
        return [[field.strip() for field in row] for row in csv.reader(io.StringIO(text, newline=""))]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: expected a CSV file in {encoding}: {error}") from error
