"""Children looked after (SSDA903): placement moves, and care leavers' activity and accommodation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bayes_csc.errors import DataError
from bayes_csc.indicators import Indicator
from bayes_csc.sources.cells import summed_cells, year_to_march
from bayes_csc.sources.tables import EES_SYMBOLS, SFR_SYMBOLS, Entry, entries, local_authorities, read_table, years


@dataclass(frozen=True)
class LongCount:
    """Where an indicator stands in a long file: one row per group and category, one column of counts."""

    indicator: str
    source: str
    file: str
    years: range
    group: tuple[str, str]
    category: str
    count: str
    numerator: tuple[str, ...]
    denominator: str
    others: tuple[str, ...] = ()
    secondary: str = "numerator"


@dataclass(frozen=True)
class WideCount:
    """Where an indicator stands in a wide file of one year: one row per authority, one column per category."""

    indicator: str
    source: str
    file: str
    year: int
    numerator: tuple[str, ...]
    denominator: str
    others: tuple[str, ...]
    exhaustive: bool = True
    secondary: str = "either"


EET = "Total in education, employment or training"
NOT_EET = ("Total not in education, employment or training", "Total information not known")
ACTIVITY, ACCOMMODATION = "care_leaver_activity", "care_leaver_accommodation"
SUITABLE = "Accommodation considered suitable"
THREE = "With 3 or more placements during the year"

# Care leavers in suitable accommodation, or in education, employment or training, are the large part of a row, which is
# where a secondary suppression falls.
LONG = (
    LongCount(
        "three_placements", "cla-2025", "dfe-cla-2025/la_cla_placement_stability.csv", range(2021, 2026),
        ("cla_group", "CLA on 31 March"), "placement_stability", "children_count", (THREE,), "Total children",
    ),
    LongCount(
        "three_placements", "cla-2022", "dfe-cla-2022/la_cla_at_31_march_placement_stability_indicator.csv",
        range(2018, 2021), ("cla_group", "Children looked after at 31 March"), "characteristic", "number",
        (THREE,), "Total children",
    ),
    LongCount(
        ACTIVITY, "cla-2025", "dfe-cla-2025/la_care_leavers_activity.csv", range(2021, 2026),
        ("care_leaver_age", "19 to 21 years"), "breakdown", "care_leaver_count", (EET,), "Total", NOT_EET,
    ),
    LongCount(
        ACTIVITY, "cla-2022", "dfe-cla-2022/la_care_leavers_activity.csv", range(2018, 2021),
        ("age", "Aged 19 to 21"), "activity", "number", (EET,), "Total", NOT_EET,
    ),
    LongCount(
        ACCOMMODATION, "cla-2025", "dfe-cla-2025/la_care_leavers_accommodation_suitability.csv", range(2021, 2026),
        ("care_leaver_age", "19 to 21 years"), "breakdown", "care_leaver_count", (SUITABLE,), "Suitability total",
        ("Accommodation considered unsuitable", "No information"),
    ),
    LongCount(
        ACCOMMODATION, "cla-2022", "dfe-cla-2022/la_care_leavers_accommodation_suitability.csv", range(2018, 2021),
        ("age", "19 to 21 years"), "accommodation_suitability", "number", (SUITABLE,), "Total",
        ("Accommodation considered not suitable", "No information"),
    ),
)  # fmt: skip

PLACED = ("CLA_1Pla", "CLA_2PLa")
IN_2013 = ("cla-sfr36-2013", "dfe-cla-2010-2019/2013/SFR36_CLA2013.csv", 2013)
IN_2014_PLACED = ("cla-sfr36-2014", "dfe-cla-2010-2019/2014/SFR36_CLA2014.csv", 2014)
IN_2014 = ("cla-sfr36-2014", "dfe-cla-2010-2019/2014/SFR36_FormerCareLeavers2014.csv", 2014)
IN_2015 = ("cla-sfr34-2015", "dfe-cla-2010-2019/2015/SFR34_FormerCareLeavers2015.csv", 2015)
IN_2016 = ("cla-sfr41-2016", "dfe-cla-2010-2019/2016/SFR41_CareLeavers2016.csv", 2016)
IN_2017 = ("cla-sfr50-2017", "dfe-cla-2010-2019/2017/SFR50_CareLeavers19to212017.csv", 2017)


def _columns(names: str, prefix: str = "", suffix: str = "") -> tuple[str, ...]:
    return tuple(f"{prefix}{name}{suffix}" for name in names.split())


IN_ACTIVITY, INACTIVE = "Act_HE Act_OE Act_TE", "Act_NEET_ill Act_NEET_oth Act_NEET_preg"
INACTIVE_2017 = ("CL_Act_NEET_ill19to21", "CL_Act_NEET_oth19to21", "CL_ACT_NEET_preg19to21", "CL_Act_NoInf19to21")

# The release of 2014 counts the care leavers who died in its total. In 2013 the placement counts of one row in ten
# fall short of the children by up to 3. Suitable and unsuitable accommodation and no information do not exhaust the
# care leavers of 2017, and are not all shown before.
WIDE = (
    WideCount("three_placements", *IN_2013, ("CLA_3Pla",), "CLA_Mar2013", PLACED, exhaustive=False, secondary="other"),
    WideCount(
        "three_placements", *IN_2014_PLACED, ("CLA_3Pla",), "CLA_Mar2014", PLACED, exhaustive=False, secondary="other",
    ),
    WideCount(ACTIVITY, *IN_2014, _columns(IN_ACTIVITY), "All_aged1920&21", _columns(f"{INACTIVE} LA_Noinf ChildDied")),
    WideCount(ACTIVITY, *IN_2015, _columns(IN_ACTIVITY), "All_aged1920&21", _columns(f"{INACTIVE} LA_NoActinf")),
    WideCount(
        ACTIVITY, *IN_2016, _columns(IN_ACTIVITY, suffix="1920&21"), "All_aged1920&21",
        _columns(f"{INACTIVE} LA_NoActinf", suffix="1920&21"),
    ),
    WideCount(ACTIVITY, *IN_2017, _columns(IN_ACTIVITY, "CL_", "19to21"), "CL_All_19to21", INACTIVE_2017),
    WideCount(ACCOMMODATION, *IN_2014, ("Acc_SUIT",), "All_aged1920&21", (), exhaustive=False),
    WideCount(ACCOMMODATION, *IN_2015, ("Acc_SUIT",), "All_aged1920&21", (), exhaustive=False),
    WideCount(ACCOMMODATION, *IN_2016, ("Acc_SUIT1920&21",), "All_aged1920&21", (), exhaustive=False),
    WideCount(ACCOMMODATION, *IN_2017, ("CL_Acc_SUIT19to21",), "CL_All_19to21", (), exhaustive=False),
)  # fmt: skip


def looked_after(raw: Path, indicators: Mapping[str, Indicator]) -> pd.DataFrame:
    """Read placement moves (2013, 2014, 2018 to 2025) and care leavers aged 19 to 21 (2014 to 2025).

    Parameters
    ----------
    raw
        Folder of the official files.
    indicators
        The dictionary.

    Returns
    -------
    pandas.DataFrame
        Cells of a panel. The long files give a row to authorities in years when they did not exist, marked as not
        applicable; the caller leaves those out.
    """
    long = [_long_cells(raw / place.file, place, indicators[place.indicator]) for place in LONG]
    wide = [_wide_cells(raw / place.file, place, indicators[place.indicator]) for place in WIDE]
    return pd.concat([*long, *wide])


def _long_cells(path: Path, place: LongCount, indicator: Indicator) -> pd.DataFrame:
    column, group = place.group
    table = read_table(path, ["time_period", "old_la_code", "geographic_level", column, place.category, place.count])
    table = local_authorities(table)
    table = table[(table[column] == group) & years(table["time_period"], path).isin(place.years)]
    names = (*place.numerator, place.denominator, *place.others)
    by = ["old_la_code", "time_period", place.category]
    table = table[table[place.category].isin(names)]
    parts = table.set_index(by)[place.count].unstack()
    if list(parts) != sorted(names) or parts.isna().any(axis=None):
        raise DataError(f"{path}: expected one row per authority and year for each of {', '.join(names)} ({group})")
    keys = parts.index.to_frame(index=False).set_axis(["authority", "year"], axis=1).astype({"year": int})
    columns = [entries(parts[name], EES_SYMBOLS, path) for name in names]
    return _panel_rows(indicator, place, keys, columns, exhaustive=bool(place.others))


def _wide_cells(path: Path, place: WideCount, indicator: Indicator) -> pd.DataFrame:
    names = [*place.numerator, place.denominator, *place.others]
    table = read_table(path, ["geog_l", "geog_c", *names], encoding="cp1252")
    table = table[table["geog_l"] == "LA"]
    keys = pd.DataFrame({"authority": table["geog_c"].to_numpy(), "year": place.year})
    columns = [entries(table[name], SFR_SYMBOLS, path) for name in names]
    return _panel_rows(indicator, place, keys, columns, exhaustive=place.exhaustive)


def _panel_rows(
    indicator: Indicator,
    place: LongCount | WideCount,
    keys: pd.DataFrame,
    columns: list[list[Entry]],
    *,
    exhaustive: bool,
) -> pd.DataFrame:
    last = len(place.numerator)
    return summed_cells(
        indicator, place.source, keys.join(year_to_march(keys["year"])), columns[:last], columns[last],
        columns[last + 1 :], exhaustive=exhaustive, secondary=place.secondary,
    )  # fmt: skip
