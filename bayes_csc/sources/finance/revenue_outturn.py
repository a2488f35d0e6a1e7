"""Revenue outturn of local authorities: children's social care by line (RO3) and among all services (RSX)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from bayes_csc.errors import DataError
from bayes_csc.sources.download.official import Official
from bayes_csc.sources.readers.sheets import numbers, read_sheet, sheet_rows

SOCIAL_CARE, SUMMARY = "outturn", "outturn_summary"
# The sheets by authority, whose names end in the year.
SHEET, SUMMARY_SHEET = "RO3_LA_Data_*", "RSX_LA_Data_*"
# The sheets' own hidden codes of the total expenditure columns: their wording changes, and repeats.
LINES = {"RO3-csctot-tot-exp": "social_care", "RO3-csclkdres-tot-exp": "residential"}
SERVICES = "Total Service Expenditure - Total Expenditure (C3 = C1 + C2)"
EDUCATION = "Education services - Total Expenditure (C3 = C1 + C2)"
CHILDREN = "Children Social Care - Total Expenditure (C3 = C1 + C2)"
CODE, CLASS = "ONS Code", "Class"
# Unitary authorities, counties, London boroughs and metropolitan districts. Other classes have no children's services.
CLASSES = ("UA", "SC", "LB", "MD")
# No return in time ([x], M), no estimate ([n]), and no breakdown by line (Gateshead in 2024-25, [note 4]).
MISSING = ("", "[x]", "[n]", "M", "[note 4]")


def social_care_outturn(official: Official) -> pd.DataFrame:
    """Gross expenditure on children's social care, and on residential care of looked-after children, 2022-23 on.

    Parameters
    ----------
    official
        The official files.

    Returns
    -------
    pandas.DataFrame
        ons (code), year (the one in which the financial year ends), group, value (pounds), source; authorities without
        a return are left out.
    """
    return pd.concat([_social_care(official, file) for file in reversed(official.editions(SOCIAL_CARE))])


def _social_care(official: Official, file: str) -> pd.DataFrame:
    path, year, source = official / file, official.year(file), official.source(file)
    rows = sheet_rows(path, SHEET)
    header = _row_with([CODE, CLASS], rows, path)
    codes = _row_with(list(LINES), rows, path)
    code, kind = rows[header].index(CODE), rows[header].index(CLASS)
    body = {number: row for number, row in enumerate(rows, start=1) if row[kind] in CLASSES and _is_place(row[code])}
    parts = []
    for line, group in LINES.items():
        place = rows[codes].index(line)
        column = pd.Series({number: row[place] for number, row in body.items()}, name=line)
        value = 1000.0 * numbers(column, path, MISSING)
        ons = [row[code] for row in body.values()]
        parts.append(pd.DataFrame({"ons": ons, "year": year, "group": group, "value": value, "source": source}))
    return pd.concat(parts, ignore_index=True).dropna(subset="value")


def _row_with(names: Sequence[str], rows: list[list[str]], path: Path) -> int:
    place = next((place for place, row in enumerate(rows) if set(names) <= set(row)), None)
    if place is None:
        raise DataError(f"{path}: expected a row with {', '.join(names)}; found none")
    return place


def _is_place(code: str) -> bool:
    """Whether an ONS code is that of one authority, not of a class of them."""
    return len(code) == 9 and code.startswith("E")


def share_of_services(official: Official) -> pd.DataFrame:
    """Children's social care as a share of all service expenditure outside education, gross, in the latest outturn.

    Parameters
    ----------
    official
        The official files.

    Returns
    -------
    pandas.DataFrame
        ons (code), value; authorities without a return are left out.
    """
    path = official / SUMMARY
    table = read_sheet(path, SUMMARY_SHEET, 7, [CODE, CLASS, SERVICES, EDUCATION, CHILDREN])
    table = table[table[CLASS].isin(CLASSES) & table[CODE].map(_is_place)]
    figure = {name: numbers(table[name], path, MISSING) for name in (SERVICES, EDUCATION, CHILDREN)}
    share = figure[CHILDREN] / (figure[SERVICES] - figure[EDUCATION])
    return pd.DataFrame({"ons": table[CODE], "value": share.round(5)}).dropna(subset="value")
