"""The optional tables of a panel, which describe authorities and are never taken for quality."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bayes_csc.files.csv_toml import INSPECTION_COLUMNS, csv_text, read_csv
from bayes_csc.files.row_checks import TableCheck
from bayes_csc.panel.authorities_and_inspections import read_inspections
from bayes_csc.panel.geography import codes_of, each


@dataclass(frozen=True)
class SideTable:
    """The contract of one optional table.

    Parameters
    ----------
    file
        Its name in the panel's folder.
    columns
        Its columns.
    key
        The columns that make a row unique, and its order in the file.
    optional
        Columns that may be blank.
    numbers, dates
        Columns of numbers and of dates.
    """

    file: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    optional: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()

    def empty(self) -> pd.DataFrame:
        """The table without rows."""
        return pd.DataFrame({name: [] for name in self.columns})

    def text(self, table: pd.DataFrame) -> str:
        """The table as the text of its file, in canonical order of rows."""
        return csv_text(table.sort_values(list(self.key))[list(self.columns)])


COVARIATES = SideTable(
    "covariates.csv",
    ("authority", "year", "covariate", "value", "source"),
    ("covariate", "authority", "year"),
    numbers=("value",),
)
EARLIER_INSPECTIONS = SideTable(
    "earlier_inspections.csv",
    INSPECTION_COLUMNS,
    ("authority", "publication_date", "framework", "type", "domain", "grade"),
)
VISITS = SideTable(
    "visits.csv",
    ("authority", "type", "start_date", "publication_date", "theme", "source"),
    ("authority", "start_date", "type"),
    optional=("publication_date", "theme"),
    dates=("start_date", "publication_date"),
)
PROVIDERS = SideTable(
    "providers.csv",
    ("authority", "year", "provision", "event", "grade", "number", "places", "source"),
    ("authority", "year", "event", "provision", "grade"),
    optional=("grade", "places"),
    numbers=("grade", "number", "places"),
)
SIDE_TABLES: Mapping[str, SideTable] = {
    "covariates": COVARIATES,
    "earlier_inspections": EARLIER_INSPECTIONS,
    "visits": VISITS,
    "providers": PROVIDERS,
}


def read_side_tables(
    folder: Path, authorities: pd.DataFrame | None, head: Mapping[str, Any], problems: list[str]
) -> dict[str, pd.DataFrame]:
    """Read the optional tables of a panel's folder.

    Parameters
    ----------
    folder
        The panel's folder.
    authorities
        Table of authorities; None where it could not be read, and is then not checked against.
    head
        The `[panel]` values.
    problems
        List that every problem is added to.

    Returns
    -------
    dict of str to pandas.DataFrame
        By name; a table whose file is not there has no rows.
    """
    tables = {}
    for name, contract in SIDE_TABLES.items():
        path = folder / contract.file
        table: pd.DataFrame | None = contract.empty()
        if path.is_file():
            if contract is EARLIER_INSPECTIONS:
                table = read_inspections(path, authorities, head, problems)
            else:
                table = _read(path, contract, authorities, problems)
        tables[name] = contract.empty() if table is None else table
    return tables


def side_texts(tables: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    """Text of each optional file that has rows, by path."""
    return {
        contract.file: contract.text(tables[name]) for name, contract in SIDE_TABLES.items() if not tables[name].empty
    }


def known_by(tables: Mapping[str, pd.DataFrame], day: pd.Timestamp) -> dict[str, pd.DataFrame]:
    """Leave out what was not yet published on a day.

    Inspections go by their publication date; so do visits, and one whose publication is not known is taken to have
    come out after the longest lag of the others. Covariates and providers have no publication date: those about years
    before the day's own are kept, of which the latest may have come out some months after the day.
    """
    kept = {}
    for name, table in tables.items():
        if table.empty:
            kept[name] = table
        elif "year" in table:
            kept[name] = table[table["year"] < day.year]
        else:
            kept[name] = table[_published(table) <= day]
    return {name: table.reset_index(drop=True) for name, table in kept.items()}


def _published(table: pd.DataFrame) -> pd.Series:
    lag = (table["publication_date"] - table["start_date"]).max()
    return table["publication_date"].fillna(table["start_date"] + (pd.Timedelta(0) if pd.isna(lag) else lag))


def _read(
    path: Path, contract: SideTable, authorities: pd.DataFrame | None, problems: list[str]
) -> pd.DataFrame | None:
    table = read_csv(path, contract.columns, problems)
    if table is None:
        return None
    row = ", ".join(f"{name} {{r.{name}}}" for name in contract.key)
    check = TableCheck(path.name, table, row)
    check.blank(*(name for name in contract.columns if name not in contract.optional))
    check.note(table.duplicated(list(contract.key), keep=False), "the row appears more than once; keep one")
    if "year" in contract.columns:
        check.note(~table["year"].str.fullmatch(r"[12]\d{3}"), "year must be four digits, found {r.year!r}")
    if authorities is not None:
        known = set(authorities.index)
        check.note(
            ~each(table["authority"], lambda text: known.issuperset(codes_of(text))),
            "unknown authority; add it to authorities.csv",
        )
    parsed = check.parsed(contract.numbers, contract.dates)
    if contract.dates:
        late = parsed["start_date"] > parsed["publication_date"]
        check.note(late, "started after its publication; correct one of the dates")
    problems += check.problems()
    if check.breaches:
        return None
    return (parsed.astype({"year": int}) if "year" in contract.columns else parsed).reset_index(drop=True)
