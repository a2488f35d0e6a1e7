"""Children's social work workforce census, in full-time equivalents: agency, vacancy, turnover, absence, caseload."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from typing import Any

import pandas as pd

from bayes_csc.panel.indicators import Indicator
from bayes_csc.sources.download.official import Official
from bayes_csc.sources.readers.cells import NAN, cell, on_day, panel_cells
from bayes_csc.sources.readers.tables import (
    EES_SYMBOLS,
    SFR_FTE_SYMBOLS,
    UNAVAILABLE,
    Entry,
    entries,
    local_authorities,
    read_table,
    years,
)

CENSUS = "09-30"
INDICATORS = "csww_indicators"
EARLIER = {
    2015: "csww_2015",
    2016: "csww_2016",
}
EARLIER_COLUMNS = {
    "A1_FTE_ChildrensSocialWorkers": "inpost_fte",
    "D1_FTE_AgencyWorkers": "agency_fte",
    "A2_FTE_Vacancies": "vacancy_fte",
    "B2_FTE_Leavers": "leavers_fte",
    "C1_FTE_Absence": "working_days_lost_fte",
}
FIGURES = ("inpost_fte", "agency_fte", "vacancy_fte", "leavers_fte", "working_days_lost_fte")
CASES = ("cases", "case_holders_fte")
# The census of 2015 divides children in need by social workers, whole numbers; later ones cases by those who hold them.
CASELOAD_2015 = "CiNperCSW_FTE_2015"
# The census of 2016 shows the joint return of Kingston and Richmond in Kingston's row and none in Richmond's.
JOINT_ROWS = {2016: ("314", "318")}
# The release of 2022 shows a joint return in the row of the first authority and marks the other's "z".
HEADLINES = "csww_2022"
HEADLINE_COLUMNS = {"social_worker_fte": "inpost_fte", "leaver_fte": "leavers_fte"}
JOINT_RETURNS = (("314", "318", 2016), ("940", "941", 2021))
INDICATOR_KEYS = ("agency", "vacancy", "turnover")
# Working days of a year without and with a 29 February, by which the official rate divides; that of 2016 is by 253 too.
WORKING_DAYS = (253, 254)
FIRST_LONG_YEAR = 2020
# A rate that rounds to 0.0% or reaches 100% is a failure to record: nobody ill among a hundred people for a year.
CREDIBLE_ABSENCE = (0.0005, 1.0)


def workforce(official: Official, indicators: Mapping[str, Indicator]) -> pd.DataFrame:
    """Read the censuses of 30 September, 2015 to 2025.

    The denominators are those of the official rates: agency / (agency + in post), vacancy / (vacancy + in post),
    leavers of the year / in post at its end, cases / those who hold them (from 2017), working days lost in the year /
    (in post at its end * working days).

    Parameters
    ----------
    official
        The official files.
    indicators
        The dictionary.

    Returns
    -------
    pandas.DataFrame
        Cells of a panel; a joint return is one row about both authorities.
    """
    censuses = [
        _latest(official),
        *(_earlier(official, year) for year in EARLIER),
    ]
    keys = ("agency", "vacancy", "turnover", "absence")
    return pd.concat(
        [
            *(_indicator_cells(census, indicators[key]) for key in keys for census in censuses),
            _caseloads(official, indicators["caseload"]),
            _children_per_worker(official, indicators["children_in_need_per_worker"]),
        ]
    )


def workforce_of_2022(official: Official, indicators: Mapping[str, Indicator]) -> pd.DataFrame:
    """Read the censuses of 2017 to 2022 as the release of 2022 published them; see `workforce`."""
    path = official / HEADLINES
    names = {**HEADLINE_COLUMNS, "agency_fte": "agency_fte", "vacancy_fte": "vacancy_fte"}
    table = local_authorities(read_table(path, ["time_period", "old_la_code", "geographic_level", *names]))
    census = pd.DataFrame(
        {new: entries(table[old], EES_SYMBOLS, path) for old, new in names.items()}, index=table.index
    ).assign(authority=table["old_la_code"], year=table["time_period"].astype(int), source=official.source(HEADLINES))
    for filer, other, since in JOINT_RETURNS:
        joint = census["year"] >= since
        census = census[~(joint & (census["authority"] == other))]
        census["authority"] = census["authority"].mask(joint & (census["authority"] == filer), f"{filer}+{other}")
    return pd.concat([_indicator_cells(census, indicators[key]) for key in INDICATOR_KEYS])


def _latest(official: Official) -> pd.DataFrame:
    path = official / INDICATORS
    table = local_authorities(read_table(path, ["time_period", "old_la_code", "geographic_level", *FIGURES]))
    census = pd.DataFrame({name: entries(table[name], EES_SYMBOLS, path) for name in FIGURES}, index=table.index)
    return census.assign(
        authority=table["old_la_code"].str.replace(" / ", "+"),
        year=years(table["time_period"], path),
        source=official.source(INDICATORS),
    )


def _earlier(official: Official, year: int) -> pd.DataFrame:
    path = official / EARLIER[year]
    columns = {f"{old}_{year}": new for old, new in EARLIER_COLUMNS.items()}
    table = read_table(path, ["LA_code (3 digit)", *columns], encoding="cp1252")
    table = table[table["LA_code (3 digit)"] != ""]
    census = pd.DataFrame(
        {new: entries(table[old], SFR_FTE_SYMBOLS, path) for old, new in columns.items()}, index=table.index
    ).assign(authority=table["LA_code (3 digit)"], year=year, source=official.source(EARLIER[year]))
    if year in JOINT_ROWS:
        filer, other = JOINT_ROWS[year]
        census = census[census["authority"] != other].replace({"authority": {filer: f"{filer}+{other}"}})
    return census


def _indicator_cells(census: pd.DataFrame, indicator: Indicator) -> pd.DataFrame:
    keys = _census_keys(census["authority"], census["year"])
    if indicator.key in ("turnover", "absence"):
        keys["reference_start"] = pd.to_datetime((census["year"] - 1).astype(str) + "-10-01")
    if indicator.key == "absence":
        parts = zip(census["inpost_fte"], census["working_days_lost_fte"], census["year"], strict=True)
        figures = [absence_cell(*part) for part in parts]
    else:
        figures = [_figure(indicator.key, *row) for row in census[list(FIGURES[:4])].itertuples(index=False)]
    rows = panel_cells(indicator, keys, figures, "")
    rows["source"] = census["source"].to_numpy()
    return rows


def _figure(key: str, inpost: Entry, agency: Entry, vacancy: Entry, leavers: Entry) -> dict[str, Any]:
    if key == "turnover":
        return cell([leavers], [inpost])
    part = agency if key == "agency" else vacancy
    return cell([part], [part, inpost])


def absence_cell(inpost: Entry, days: Entry, year: int) -> dict[str, Any]:
    """Absence rate as a share of the working days of those in post, who are its denominator.

    A rate below 0.05%, as well as one of 100% or more and one whose days are suppressed because they are that few, is
    not believed and counts as not available: a lognormal figure of next to nothing would outweigh all others.

    Parameters
    ----------
    inpost
        Social workers in post at the end of the year, in full-time equivalents.
    days
        Working days lost to sickness in the year.
    year
        Year of the census, which the year of the absences ends with.

    Returns
    -------
    dict
        numerator (blank), denominator, value, status, lower, upper.
    """
    blank = {"numerator": NAN, "denominator": NAN, "value": NAN, "lower": NAN, "upper": NAN}
    if "not_applicable" in (inpost.status, days.status) or inpost.upper == 0:
        return {**blank, "status": "not_applicable"}
    if not inpost.status == days.status == "observed":
        return {**blank, "status": "not_available"}
    long = calendar.isleap(year) and year >= FIRST_LONG_YEAR
    rate = days.lower / (inpost.lower * WORKING_DAYS[long])
    least, most = CREDIBLE_ABSENCE
    if not least <= rate < most:
        return {**blank, "status": "not_available"}
    return {**blank, "denominator": inpost.lower, "value": round(rate, 6), "status": "observed"}


def _caseloads(official: Official, indicator: Indicator) -> pd.DataFrame:
    path = official / INDICATORS
    table = local_authorities(read_table(path, ["time_period", "old_la_code", "geographic_level", *CASES]))
    keys = _census_keys(table["old_la_code"].str.replace(" / ", "+"), table["time_period"].astype(int))
    cases, holders = (entries(table[name], EES_SYMBOLS, path) for name in CASES)
    figures = [_per_unit(count, units) for count, units in zip(cases, holders, strict=True)]
    return panel_cells(indicator, keys, figures, official.source(INDICATORS))


def _per_unit(count: Entry, units: Entry) -> dict[str, Any]:
    """Cell of a count over the units that share it, a mean; a suppressed one is not available, as it has no count."""
    figure = cell([count], [units])
    status = "not_available" if figure["status"] == "suppressed" else figure["status"]
    return {**figure, "numerator": NAN, "lower": NAN, "upper": NAN, "status": status}


def _children_per_worker(official: Official, indicator: Indicator) -> pd.DataFrame:
    path = official / EARLIER[2015]
    inpost = "A1_FTE_ChildrensSocialWorkers_2015"
    table = read_table(path, ["LA_code (3 digit)", inpost, CASELOAD_2015], encoding="cp1252")
    table = table[table["LA_code (3 digit)"] != ""]
    keys = _census_keys(table["LA_code (3 digit)"], pd.Series(2015, index=table.index))
    symbols = {**SFR_FTE_SYMBOLS, "x": UNAVAILABLE}
    loads, workers = (entries(table[name], symbols, path) for name in (CASELOAD_2015, inpost))
    figures = [_mean(load, units) for load, units in zip(loads, workers, strict=True)]
    return panel_cells(indicator, keys, figures, official.source(EARLIER[2015]))


def _mean(value: Entry, units: Entry) -> dict[str, Any]:
    """Cell of a published mean over some units, or of why there is none."""
    blank = {"numerator": NAN, "denominator": NAN, "value": NAN, "lower": NAN, "upper": NAN}
    for status in ("not_available", "not_applicable"):
        if status in (value.status, units.status):
            return {**blank, "status": status}
    return {**blank, "denominator": units.lower, "value": value.lower, "status": "observed"}


def _census_keys(authority: pd.Series, year: pd.Series) -> pd.DataFrame:
    return pd.concat([authority.rename("authority"), year.rename("year"), on_day(year, CENSUS)], axis=1)
