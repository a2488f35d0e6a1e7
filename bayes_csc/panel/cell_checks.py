"""The contract of a panel's cells."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from bayes_csc.files.csv_toml import CELL_COLUMNS, CELL_DATES, CELL_NUMBERS, CELL_OPTIONAL, WIDEST, read_csv
from bayes_csc.files.row_checks import TableCheck
from bayes_csc.panel.families import families_with
from bayes_csc.panel.geography import codes_of, each, existence
from bayes_csc.panel.indicators import Indicator

STATUSES = ("observed", "suppressed", "not_available", "not_applicable")
VALUE_TOLERANCE = 1e-4
REACH, LATEST = 10, 30
"""Years by which a period may begin before its cell's year, and a figure be published after it."""
FEW = 0.1
"""Share of an indicator's counts up to which those that are not whole are taken for mistakes."""
CELL = ["authority", "year", "indicator"]
VINTAGE = [*CELL, "publication_date"]
CONFIDENCE_LEVELS = ("1", "2", "3")
UNKNOWN = "unknown authority; add it to authorities.csv (a joint return is written 314+318)"


def read_cells(
    paths: list[Path],
    authorities: pd.DataFrame | None,
    indicators: Mapping[str, Indicator],
    problems: list[str],
) -> pd.DataFrame | None:
    """Read the indicator files.

    Parameters
    ----------
    paths
        The files.
    authorities
        Table of authorities; None where it could not be read, and is then not checked against.
    indicators
        The dictionary; empty where it could not be read, and is then not checked against.
    problems
        List that every problem is added to.

    Returns
    -------
    pandas.DataFrame or None
        Every vintage of the cells of all files, numbers as floats and dates as datetimes; None where a file breaks its
        contract.
    """
    found = len(problems)
    parts = []
    for path in paths:
        table = read_csv(path, CELL_COLUMNS, problems, optional=CELL_OPTIONAL)
        if table is not None:
            table["authority"] = each(table["authority"], sorted_return).astype(table["authority"].dtype)
            row = "authority {r.authority}, year {r.year}, indicator {r.indicator}"
            check = TableCheck(path.name, table, row, names=names_of(authorities))
            parts.append(_checked(check, authorities, indicators).assign(file=path.name))
            problems += check.problems()
    if len(problems) > found or not parts:
        return None
    cells = pd.concat(parts, ignore_index=True)
    homes = cells.groupby(CELL)["file"].transform("nunique")
    twice = cells[homes > 1]
    problems += [
        f"{row.file}: authority {row.authority}, year {row.year}, indicator {row.indicator}: "
        "the cell appears in more than one file; keep one"
        for row in twice.itertuples()
    ]
    return None if len(problems) > found else cells.drop(columns="file").astype({"year": int})


def _checked(check: TableCheck, authorities: pd.DataFrame | None, indicators: Mapping[str, Indicator]) -> pd.DataFrame:
    table = check.table
    check.note(~table["year"].str.fullmatch(r"[12]\d{3}"), "year must be four digits, found {r.year!r}")
    check.note(~table["status"].isin(STATUSES), f"unknown status {{r.status!r}}; expected one of {', '.join(STATUSES)}")
    check.note(
        table.duplicated(VINTAGE, keep=False),
        "duplicate cell; keep one row per authority, year, indicator and publication_date",
    )
    check.blank("authority", "source", *CELL_DATES)
    if indicators:
        unknown = ~table["indicator"].isin(list(indicators))
        check.note(unknown, "the indicator is not in indicators.toml; describe it there")
    parsed = check.parsed((*CELL_NUMBERS, *CELL_OPTIONAL), CELL_DATES)
    family = table["indicator"].map({key: indicator.family for key, indicator in indicators.items()})
    _check_figures(check, parsed, family)
    _check_values(check, parsed, family, indicators)
    _check_optional(check, parsed, family)
    _check_periods(check, parsed)
    if authorities is not None:
        check_authorities(check, parsed, authorities)
    return parsed


def _check_values(
    check: TableCheck, cells: pd.DataFrame, family: pd.Series, indicators: Mapping[str, Indicator]
) -> None:
    value = cells["value"]
    positive = family.isin(families_with("positive"))
    check.note(value.where(positive) <= 0, "value {r.value} is not above zero; its logarithm is modelled")
    most = cells["indicator"].map({key: indicator.categories for key, indicator in indicators.items()}).astype(float)
    category = value.where(family.isin(families_with("ordered")))
    check.note(
        (category < 1) | (category > most) | (category % 1 > 0),
        "value {r.value} is not a category; expected a whole number from 1 to {most:.0f}",
        most=most,
    )


def _check_figures(check: TableCheck, cells: pd.DataFrame, family: pd.Series) -> None:
    share, counted = family.isin(families_with("share")), family.isin(families_with("counted"))
    status, numerator, denominator = cells["status"], cells["numerator"], cells["denominator"]
    observed, suppressed = status == "observed", status == "suppressed"
    check.note(numerator < 0, "numerator is negative: {r.numerator}; a count starts at 0")
    check.note(denominator < 0, "denominator is negative: {r.denominator}; a count starts at 0")
    for name, count in (("numerator", numerator), ("denominator", denominator)):
        check.note(
            _odd_fractions(count.where(share), check.table["indicator"]),
            f"{name} {{r.{name}}} is not a whole number, as the indicator's other counts are; mend it",
        )
    check.note(numerator > denominator.where(share), "numerator {r.numerator} is above its denominator {r.denominator}")
    absent = np.where(counted, numerator.isna() | denominator.isna(), cells["value"].isna())
    check.note(
        observed & absent,
        "observed without its figure: numerator {r.numerator!r}, denominator {r.denominator!r}, value {r.value!r}; "
        "fill it in or say in status why there is none",
    )
    ratio = (numerator / denominator.where(denominator > 0)).where(share)
    check.note(
        (ratio - cells["value"]).abs() > VALUE_TOLERANCE,
        "value {r.value} is not numerator / denominator, {r.numerator} / {r.denominator}; correct it or leave it blank",
    )
    check.note(
        suppressed & (cells["lower"].isna() | cells["upper"].isna()),
        "suppressed without its interval; give lower and upper, the range of the numerator",
    )
    check.note(cells["lower"] > cells["upper"], "lower {r.lower} is above upper {r.upper}")
    check.note(cells["lower"].where(counted) < 0, "lower is negative: {r.lower}; a count starts at 0")
    check.note(cells["upper"] > denominator.where(share), "upper {r.upper} is above the denominator {r.denominator}")
    check.note(
        ~observed & (numerator.notna() | cells["value"].notna()),
        "status is {r.status}, but a numerator or value is given; blank it or call the cell observed",
    )


def _odd_fractions(count: pd.Series, indicator: pd.Series) -> pd.Series:
    """Counts that are not whole although almost all of the indicator's are; full-time equivalents mostly are not."""
    broken = count.mod(1).gt(0)
    number, of = broken.groupby(indicator).transform("sum"), count.notna().groupby(indicator).transform("sum")
    return broken & ((number <= FEW * of) | (number.eq(1) & of.gt(3)))


def names_of(authorities: pd.DataFrame | None) -> dict[str, str]:
    """Name of each authority by its code; of none where there is no table."""
    return {} if authorities is None else {str(code): str(name) for code, name in authorities["name"].items()}


def _check_optional(check: TableCheck, cells: pd.DataFrame, family: pd.Series) -> None:
    check.note(
        ~check.table["confidence"].isin(("", *CONFIDENCE_LEVELS)),
        "confidence must be 1 (low), 2 or 3 (high), or blank, found {r.confidence!r}",
    )
    given = cells[list(WIDEST)].notna().any(axis=1)
    check.note(
        given & (cells["status"] != "suppressed"),
        "status is {r.status}, but a widest interval is given; only a suppressed figure has one",
    )
    check.note(
        (cells["widest_lower"] > cells["lower"]) | (cells["widest_upper"] < cells["upper"]),
        "the widest interval, {r.widest_lower!r} to {r.widest_upper!r}, must hold {r.lower} to {r.upper}; "
        "leave a limit blank where it is the same",
    )
    check.note(
        cells["widest_lower"].where(family.isin(families_with("counted"))) < 0,
        "widest_lower is negative: {r.widest_lower}; a count starts at 0",
    )
    check.note(
        cells["widest_upper"] > cells["denominator"].where(family.isin(families_with("share"))),
        "widest_upper {r.widest_upper} is above the denominator {r.denominator}",
    )


def _check_periods(check: TableCheck, cells: pd.DataFrame) -> None:
    start, end, published = (cells[name] for name in CELL_DATES)
    year = pd.to_numeric(cells["year"], errors="coerce")
    for name, when, years in (
        ("reference_start", start, REACH),
        ("reference_end", end, 1),
        ("publication_date", published, LATEST),
    ):
        check.note(
            (when.dt.year - year).abs() > years,
            f"{name} {{r.{name}}} is more than {years} years from the year of the cell, {{r.year}}; mend one",
        )
    check.note(start > end, "reference_start {r.reference_start} is after reference_end {r.reference_end}")
    periods = check.table.groupby(CELL)[["reference_start", "reference_end"]].transform("nunique")
    check.note(
        (periods > 1).any(axis=1),
        "another vintage of the cell has another reference period than {r.reference_start} to {r.reference_end}; "
        "give both the same",
    )
    check.note(end > published, "published on {r.publication_date}, before its reference_end {r.reference_end}")


def sorted_return(authority: str) -> str:
    """Authority of a cell, the codes of a joint return in their order, so that each return is written in one way.

    Examples
    --------
    >>> sorted_return("318+314")
    '314+318'
    """
    return "+".join(sorted(codes_of(authority)))


def joined_with_itself(authority: str) -> bool:
    """Whether a joint return names an authority twice."""
    codes = codes_of(authority)
    return len(set(codes)) < len(codes)


def check_authorities(
    check: TableCheck, cells: pd.DataFrame, authorities: pd.DataFrame, *, unknown: str = UNKNOWN, **values: pd.Series
) -> None:
    """Note cells of authorities that are unknown, or that did not exist in the reference period.

    Parameters
    ----------
    check
        Where breaches are noted.
    cells
        `authority`, `reference_start` and `reference_end`, rows as in the check's table.
    authorities
        Table of authorities.
    unknown
        What is said of an unknown one, a format string over the row and `values`.
    **values
        Further series for `unknown`.
    """
    known = set(authorities.index)
    check.note(~each(cells["authority"], lambda unit: known.issuperset(codes_of(unit))), unknown, **values)
    check.note(each(cells["authority"], joined_with_itself), "a joint return of an authority with itself")
    lifetime = existence(cells["authority"], authorities)
    check.note(
        cells["reference_end"] < lifetime["begun"],
        "ends before the authority existed, from {begun:%Y-%m-%d}; give its predecessor's code",
        begun=lifetime["begun"],
    )
    check.note(
        cells["reference_start"] > lifetime["ended"],
        "starts after the authority ended, on {ended:%Y-%m-%d}; give its successor's code",
        ended=lifetime["ended"],
    )
