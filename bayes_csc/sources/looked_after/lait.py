"""Local Authority Interactive Tool: measures that are published as rates, without the counts behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from bayes_csc.errors import DataError
from bayes_csc.panel.indicators import Indicator
from bayes_csc.sources.download.official import Official
from bayes_csc.sources.looked_after.lait_totals import TOTALS
from bayes_csc.sources.readers.cells import on_day, panel_cells, year_to_march
from bayes_csc.sources.readers.rounded import rounded_cell
from bayes_csc.sources.readers.tables import UNAVAILABLE, Entry, entries, since

NEWEST, OLDER = "lait", "lait_2025"
COLUMNS = ["Short Desc", "Years", "LA Number", "Values"]
# Every kind of missing figure is a dash, so that the reason is lost.
SYMBOLS: Mapping[str, Entry] = {"-": UNAVAILABLE}
# Codes from here on are England, regions and discontinued areas.
FIRST_AREA = 970


@dataclass(frozen=True)
class Measure:
    """Where one indicator stands in the long file, and what its rate is a rate of.

    Parameters
    ----------
    indicator
        Key.
    name
        The file's name of the measure.
    years
        Years to read, by file.
    per, decimals, own_total
        See `bayes_csc.sources.readers.rounded.rounded_cell`.
    total
        Key of `bayes_csc.sources.looked_after.lait_totals.TOTALS`.
    stock
        Whether the figure is of 31 March rather than of the year.
    unsettled
        Authorities and years whose figure is about an area that cannot be told.
    """

    indicator: str
    name: str
    years: Mapping[str, range]
    per: float
    decimals: int
    total: str
    own_total: bool
    stock: bool = False
    unsettled: frozenset[tuple[str, int]] = field(default_factory=frozenset)


MEASURES = (
    Measure(
        "assessment_within_45_days_lait", "Continue_Assess_Comp", {NEWEST: since(2023)},
        per=100, decimals=1, total="assessments_with_factors", own_total=False,
    ),
    Measure(
        "plan_reviewed", "RevCP", {NEWEST: since(2023)},
        per=100, decimals=1, total="plans_over_3_months", own_total=True, stock=True,
    ),
    Measure(
        "placed_over_20_miles_lait", "LACDistance", {OLDER: range(2015, 2016), NEWEST: since(2016)},
        per=100, decimals=0, total="looked_after", own_total=True, stock=True,
    ),
    # From 2017 to 2019 part of Bournemouth's and Poole's applications stand under an authority that began in 2019, and
    # theirs are blank: what area Dorset's figure of those years is about is not said.
    Measure(
        "care_application_rate", "CareApplications", {OLDER: range(2015, 2016), NEWEST: since(2016)},
        per=10_000, decimals=1, total="children", own_total=False,
        unsettled=frozenset(("835", year) for year in range(2017, 2020)),
    ),
)  # fmt: skip


def interactive_tool(official: Official, indicators: Mapping[str, Indicator]) -> pd.DataFrame:
    """Read the measures whose counts no file at hand has.

    The sampling variance comes from an implied denominator, which another release publishes (see
    `sources.looked_after.lait_totals`); the numerator is the interval that the rounding of the rate allows. Where the
    denominator is not the very number that the rate was divided by, the cell keeps the rate to within its rounding,
    and the sampling variance is as good as the denominator.

    Parameters
    ----------
    official
        The official files.
    indicators
        The dictionary.

    Returns
    -------
    pandas.DataFrame
        Cells of a panel; a figure under the code of an abolished authority is about a year in which that did not
        exist, and is left out with it.
    """
    figures = {file: read_long(official / file, [m.name for m in MEASURES]) for file in (NEWEST, OLDER)}
    parts = []
    for measure in MEASURES:
        totals = TOTALS[measure.total](official)
        for file, years in measure.years.items():
            table = figures[file]
            table = table[(table["measure"] == measure.name) & table["year"].isin(years)]
            period = on_day(table["year"], "03-31") if measure.stock else year_to_march(table["year"])
            cells = [
                rounded_cell(
                    UNAVAILABLE if key in measure.unsettled else rate,
                    totals.get(key, UNAVAILABLE),
                    per=measure.per,
                    decimals=measure.decimals,
                    own_total=measure.own_total,
                )
                for rate, key in zip(table["figure"], zip(table["authority"], table["year"], strict=True), strict=True)
            ]
            keys = pd.concat([table[["authority", "year"]], period], axis=1)
            parts.append(panel_cells(indicators[measure.indicator], keys, cells, official.source(file)))
    return pd.concat(parts)


def read_long(path: Path, measures: list[str]) -> pd.DataFrame:
    """Read local authorities' figures of some measures from the long file.

    Parameters
    ----------
    path
        The file, Parquet.
    measures
        Names of the measures, whose years must be single ones.

    Returns
    -------
    pandas.DataFrame
        measure, authority, year and figure (Entry), one row per figure, sorted.

    Raises
    ------
    DataError
        The file is missing, cannot be read, lacks a column or a measure, or holds a figure twice or one that is no
        number.
    """
    if not path.is_file():
        raise DataError(f"{path}: the file is missing; expected the official release file of that name")
    try:
        table = pd.read_parquet(path, columns=COLUMNS, filters=[("Short Desc", "in", measures)])
    except (ValueError, OSError) as error:
        raise DataError(f"{path}: expected a Parquet file with the columns {', '.join(COLUMNS)}: {error}") from error
    kinds = dict.fromkeys(COLUMNS, "text") | {"LA Number": "numbers"}
    wrong = [
        f"{name} as {kind}"
        for name, kind in kinds.items()
        if pd.api.types.is_numeric_dtype(table[name]) == (kind == "text")
    ]
    if wrong:
        raise DataError(f"{path}: expected the columns {', '.join(wrong)}")
    table = table[table["LA Number"].lt(FIRST_AREA)].reset_index(drop=True)
    problems = [
        f"{path}: measure {name!r} is missing; look for its new name in the data dictionary"
        for name in measures
        if name not in set(table["Short Desc"])
    ]
    odd = table[~table["Years"].str.fullmatch(r"20\d\d")]
    problems += [
        f"{path}: authority {row['LA Number']:.0f}: expected a year, found {row['Years']!r}"
        for _, row in odd.iterrows()
    ]
    twice = table[table.duplicated(["Short Desc", "LA Number", "Years"])]
    problems += [
        f"{path}: authority {row['LA Number']:.0f}, year {row['Years']}: {row['Short Desc']} appears more than once"
        for _, row in twice.iterrows()
    ]
    if problems:
        raise DataError(problems)
    # Figures went through binary floating point: 76.1 is printed as 76.100000000000009.
    figures = [
        Entry(entry.status, round(entry.lower, 6), round(entry.upper, 6)) if entry.status == "observed" else entry
        for entry in entries(table["Values"].str.strip(), SYMBOLS, path)
    ]
    found = pd.DataFrame(
        {
            "measure": table["Short Desc"],
            "authority": table["LA Number"].astype(int).astype(str),
            "year": table["Years"].astype(int),
            "figure": pd.Series(figures, dtype=object),
        }
    )
    return found.sort_values(["measure", "authority", "year"], ignore_index=True)
