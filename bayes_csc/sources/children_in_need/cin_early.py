"""Children in need census of 2010 to 2013: initial and core assessments, and how far each return can be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bayes_csc.errors import DataError
from bayes_csc.files.csv_toml import FIRST_ROW
from bayes_csc.panel.indicators import Indicator
from bayes_csc.sources.download.official import Official
from bayes_csc.sources.readers.cells import summed_cells, year_to_march
from bayes_csc.sources.readers.tables import SFR_SYMBOLS, UNAVAILABLE, Entry, entries, read_table

FILES = {
    2010: "cin_2010",
    2011: "cin_2011",
    2012: "cin_2012",
    2013: "cin_2013",
}
# A total is hidden not only where it is 1 to 5, but also where it differs from its part by 1 to 5.
TOTAL_SYMBOLS: Mapping[str, Entry] = {**SFR_SYMBOLS, "x": UNAVAILABLE}
CONFIDENCE = {"1": 1.0, "2": 2.0, "3": 3.0}
# No figure of confidence: none supplied or published, figures returned in aggregate, a pilot of other assessments.
NO_CONFIDENCE = ("..", "A", "P")
LEVELS = ", ".join([*CONFIDENCE, *NO_CONFIDENCE])


@dataclass(frozen=True)
class EarlyCount:
    """Where one indicator's counts of one year stand; see `bayes_csc.sources.children_in_need.cin.Count`.

    `confidence` is the column of the data confidence indicator of the same figures, or else of their denominator.
    """

    indicator: str
    year: int
    numerator: tuple[str, ...]
    denominator: str
    confidence: str
    others: tuple[str, ...] = ()
    exhaustive: bool = False
    secondary: str = "other"


INITIAL, CORE = "initial_assessment_within_10_days", "core_assessment_within_35_days"
CONFERENCE, REFERRED, SECOND = "conference_within_15_days_early", "re_referral_early", "second_plan_early"


def _initial(year: int, label: str) -> EarlyCount:
    within = tuple(f"IAs{band}{label}" for band in ("StartEndSameDay", "1-5days", "6-10days"))
    later = tuple(f"IAs{band}{label}" for band in ("11-15days", "16-20days", "21+days"))
    return EarlyCount(INITIAL, year, within, f"IAs{label}", f"IAsDuration{label}DCI", later, secondary="either")


def _core(year: int, label: str) -> EarlyCount:
    within = tuple(f"CAs{band}{label}" for band in ("0-10days", "11-20days", "21-30days", "31-35days"))
    later = tuple(f"CAs{band}{label}" for band in ("36-40days", "41-50days", "51-60days", "61+days"))
    return EarlyCount(CORE, year, within, f"CAs{label}", f"CAsDuration{label}DCI", later, secondary="either")


# Re-referrals start in 2011: in 2010 children who were referred more than once in the year are counted instead. Core
# assessments start in 2011: the authorities' counts of 2010 come to 72%, where the release's own England row says 78%.
COUNTS = (
    EarlyCount(INITIAL, 2010, ("IAsWithin10wd0910",), "IAs0910", "IAsWithin7wd0910DCI"),
    EarlyCount(INITIAL, 2011, ("IAsWithin10wd1011",), "IAs1011", "IAsWithin7wd1011DCI"),
    _initial(2012, "1112"),
    _initial(2013, "1213"),
    EarlyCount(CORE, 2011, ("CAsWithin35wd1011",), "CAs1011", "CAsWithin35wd1011DCI"),
    _core(2012, "1112"),
    _core(2013, "1213"),
    EarlyCount(CONFERENCE, 2010, ("ICPC15daysofS470910",), "ICPCin0910", "ICPC15daysofS470910DCI"),
    EarlyCount(CONFERENCE, 2011, ("ICPC15daysofS471011",), "ICPCin1011", "ICPCin1011DCI"),
    EarlyCount(
        CONFERENCE, 2012, ("ICPC0-10days1112", "ICPC11-15days1112"), "ICPC1112", "ICPC1112DCI",
        ("ICPC16-20days1112", "ICPC21+days1112"), secondary="either",
    ),
    EarlyCount(REFERRED, 2011, ("ReferralsWithin12mths1011",), "Referrals1011", "Referrals1011DCI"),
    EarlyCount(REFERRED, 2012, ("ReferralsWithin12mths1112",), "Referrals1112", "Rereferrals1112DCI"),
    EarlyCount(SECOND, 2010, ("CPPin0910SecondTime",), "CPPIn0910", "CPPin0910SecondTimeDCI"),
    EarlyCount(SECOND, 2011, ("CPPin1011SecondTime",), "CPPIn1011", "CPPin1011SecondTimeDCI"),
    EarlyCount(SECOND, 2012, ("CPPStart1112SecondTime",), "CPPStart1112", "CPPStart1112SecondTimeDCI"),
)  # fmt: skip


def early_children_in_need(official: Official, indicators: Mapping[str, Indicator]) -> pd.DataFrame:
    """Read the indicators of the censuses of 2010 to 2013.

    Parameters
    ----------
    official
        The official files.
    indicators
        The dictionary.

    Returns
    -------
    pandas.DataFrame
        Cells of a panel.
    """
    return pd.concat([early_cells(official, count, indicators[count.indicator]) for count in COUNTS])


def early_cells(official: Official, count: EarlyCount, indicator: Indicator) -> pd.DataFrame:
    """Cells of one indicator and year."""
    path = official / FILES[count.year]
    table = authorities(path, [*count.numerator, count.denominator, *count.others])
    year = pd.Series(count.year, index=table.index)
    keys = pd.concat([table["geog_c"].rename("authority"), year.rename("year"), year_to_march(year)], axis=1)
    return summed_cells(
        indicator,
        official.source(FILES[count.year]),
        keys,
        [entries(table[column], SFR_SYMBOLS, path) for column in count.numerator],
        entries(table[count.denominator], TOTAL_SYMBOLS, path),
        [entries(table[column], SFR_SYMBOLS, path) for column in count.others],
        exhaustive=count.exhaustive,
        secondary=count.secondary,
    )


def data_confidence(official: Official) -> pd.DataFrame:
    """Read the publisher's confidence in each figure of 2010 to 2013, a covariate of its noise.

    Parameters
    ----------
    official
        The official files.

    Returns
    -------
    pandas.DataFrame
        authority, year, indicator and confidence: 1 low, 2 medium, 3 high; NaN where the release gives none, because
        nothing was returned, figures came in aggregate, or the authority piloted other assessments.

    Raises
    ------
    DataError
        A confidence is none of those known.
    """
    parts, problems = [], []
    for count in COUNTS:
        path = official / FILES[count.year]
        table = authorities(path, [count.confidence])
        text = table[count.confidence]
        odd = text[~text.isin([*CONFIDENCE, *NO_CONFIDENCE])]
        problems += [
            f"{path}: row {row}: column {count.confidence!r}: expected one of {LEVELS}; found {found!r}"
            for row, found in zip(odd.index + FIRST_ROW, odd, strict=True)
        ]
        part = {"authority": table["geog_c"], "year": count.year, "indicator": count.indicator}
        parts.append(pd.DataFrame({**part, "confidence": text.map(CONFIDENCE).astype(float)}))
    if problems:
        raise DataError(problems)
    return pd.concat(parts, ignore_index=True)


def authorities(path: Path, columns: list[str]) -> pd.DataFrame:
    """Rows about local authorities of one of the wide files."""
    table = read_table(path, ["geog_l", "geog_c", *columns], encoding="cp1252")
    return table[table["geog_l"] == "LA"]
