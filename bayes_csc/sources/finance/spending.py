"""Spending on children's services: Section 251 outturn and the Local Authority Interactive Tool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bayes_csc.errors import DataError
from bayes_csc.sources.download.official import Official
from bayes_csc.sources.readers.sheets import numbers, plain, read_sheet

LAIT = "lait"
LAIT_MEASURES = {
    "C&YPExpenditure": "total",
    "TotalLACFinance": "looked_after",
    "SafeguardingFinance": "safeguarding",
    "FamilySupportFinance": "family_support",
    "SureStartFinance": "early_years",
    "YoungPeopleFinance": "young_people",
    "YouthJusticeFinance": "youth_justice",
    "OtherChildren&FamilyFinance": "other",
}

# Lines of each group, spelled plainly. From 2012-13 the groups are the returns' own totals. Before, adoption and
# special guardianship stood apart from children looked after (in 2008-09 asylum seekers too), and safeguarding was
# split into safety and strategy with social work; until 2009-10 the total lacked children's centres and youth services.
LOOKED_AFTER = ("total children looked after", "adoption services", "special guardianship support")
SAFETY = "total children and young peoples safety"
STRATEGY = "total childrens services strategy"
TOTAL = "children and young peoples services"
SINCE_2013 = {
    "early_years": ("total sure start childrens centres",),
    "looked_after": ("total children looked after",),
    "safeguarding": ("total safeguarding children and young peoples services",),
    "family_support": ("total family support services",),
    "young_people": ("total services for young people",),
    "youth_justice": ("youth justice",),
    "other": ("other childrens and families services",),
    "total": (f"{TOTAL} budget excluding cera",),
}
EXPENDITURE = {
    "early_years": ("total sure start childrens centres and early years expenditure",),
    "total": (f"{TOTAL} expenditure excluding cera",),
}


@dataclass(frozen=True)
class Outturn:
    """One year's Section 251 outturn, Table A1.

    Parameters
    ----------
    file
        Id in the catalogue.
    header
        Row of the column names.
    authority, line, total
        Columns of the authority's code, of the spending line and of the gross expenditure.
    groups
        Lines that add up to each group.
    """

    file: str
    header: int
    authority: str
    line: str
    total: str
    groups: Mapping[str, tuple[str, ...]]


OUTTURNS = {
    2009: Outturn(
        "section_251_2009", 4, "LEA Number:", "S52 Line Reference:", "TOTAL EXPENDITURE (k)",
        {"looked_after": (*LOOKED_AFTER, "total asylum seeker"), "safeguarding": (SAFETY, STRATEGY)},
    ),
    2010: Outturn(
        "section_251_2010", 4, "LEA", "S52 Line Reference", "Total Expenditure (k)",
        {"looked_after": LOOKED_AFTER, "safeguarding": (SAFETY, STRATEGY)},
    ),
    2011: Outturn(
        "section_251_2011", 4, "LA", "S52 Line Reference", "Total Expenditure (k)",
        {
            "looked_after": LOOKED_AFTER,
            "safeguarding": (SAFETY, STRATEGY, "commissioning and social work"),
            "total": (f"total {TOTAL} budget excluding cera",),
        },
    ),
    2012: Outturn(
        "section_251_2012", 4, "LA", "CYPServiceDescription", "TotalExpenditure",
        {
            "looked_after": LOOKED_AFTER,
            "safeguarding": (f"{SAFETY} children social care", "childrens services strategy"),
            "total": (f"{TOTAL} budget excluding cera",),
        },
    ),
    2013: Outturn(
        "section_251_2013", 4, "LA", "CYPServiceDescription", "TotalExpenditure",
        {**SINCE_2013, "other": ("other childrens and family services",)},
    ),
    2014: Outturn(
        "section_251_2014", 1, "LA", "CYPServiceDescription", "TotalExpenditure", SINCE_2013,
    ),
    2015: Outturn(
        "section_251_2015", 1, "LA", "Description", "TotalExpenditure", {**SINCE_2013, **EXPENDITURE},
    ),
    2016: Outturn(
        "section_251_2016", 1, "LA", "Description", "TotalExpenditure", {**SINCE_2013, **EXPENDITURE},
    ),
}  # fmt: skip


def gross_spending(official: Official) -> pd.DataFrame:
    """Gross expenditure of each authority, year and group, in pounds of the year.

    Section 251 outturn for 2008-09 to 2015-16, the Local Authority Interactive Tool from 2016-17.

    Parameters
    ----------
    official
        The official files.

    Returns
    -------
    pandas.DataFrame
        authority, year (the one in which the financial year ends), group, value, source.
    """
    return pd.concat([*(_outturn(official, year) for year in OUTTURNS), _interactive_tool(official)], ignore_index=True)


def _outturn(official: Official, year: int) -> pd.DataFrame:
    place = OUTTURNS[year]
    path = official / place.file
    table = read_sheet(path, 0, place.header, [place.authority, place.line, place.total])
    table = table[table[place.authority].str.fullmatch(r"\d{3}")]
    table = table[_returned(numbers(table[place.total], path, ("", "NULL")), table[place.authority])]
    lines = table[place.line].map(plain)
    groups = {line: group for group, parts in place.groups.items() for line in parts}
    unknown = sorted(set(groups) - set(lines))
    if unknown:
        raise DataError([f"{path}: column {place.line!r}: no line reads {line!r}" for line in unknown])
    chosen = table[lines.isin(list(groups))]
    rows = pd.DataFrame(
        {
            "authority": chosen[place.authority],
            "year": year,
            "group": lines[chosen.index].map(groups),
            "value": numbers(chosen[place.total], path),
        }
    )
    repeated = pd.concat([rows["authority"], lines[chosen.index]], axis=1).duplicated()
    if repeated.any():
        raise DataError(
            [f"{path}: row {row}: the line appears twice for its authority" for row in rows.index[repeated]]
        )
    sums: pd.DataFrame = rows.groupby(["authority", "year", "group"])["value"].sum(min_count=1).reset_index()
    return sums.assign(source=official.source(place.file))


def _returned(total: pd.Series, authority: pd.Series) -> pd.Series:
    """Whether a row's authority made a return: one without has zeros in all lines (Stockton-on-Tees in 2009-10)."""
    return total.abs().groupby(authority).transform("sum") > 0


def _interactive_tool(official: Official) -> pd.DataFrame:
    table = interactive_tool(official / LAIT, list(LAIT_MEASURES))
    return pd.DataFrame(
        {
            "authority": table["authority"],
            "year": table["Years"].str[:4].astype(int) + 1,
            "group": table["Short Desc"].map(LAIT_MEASURES),
            "value": table["value"],
            "source": official.source(LAIT),
        }
    )


def interactive_tool(path: Path, measures: list[str]) -> pd.DataFrame:
    """Figures of the Local Authority Interactive Tool about authorities, those it has.

    Parameters
    ----------
    path
        Its long file.
    measures
        Short names of the measures.

    Returns
    -------
    pandas.DataFrame
        Short Desc, Years (text), authority, value.
    """
    if not path.is_file():
        raise DataError(f"{path}: the file is missing; expected the official release file of that name")
    table: pd.DataFrame = pd.read_parquet(path, columns=["Short Desc", "Years", "LA Number", "Values"])
    table = table[table["Short Desc"].isin(measures) & (table["LA Number"] < 970)]
    lost = sorted(set(measures) - set(table["Short Desc"]))
    if lost:
        raise DataError([f"{path}: no measure is called {name!r}" for name in lost])
    codes, values = table["LA Number"].astype(int).astype(str), numbers(table["Values"], path, ("-",))
    found: pd.DataFrame = table.assign(authority=codes, value=values).dropna(subset="value")
    return found
