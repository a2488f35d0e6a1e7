"""Children's social work workforce census: agency, vacancy and turnover, in full-time equivalents."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from bayes_csc.indicators import Indicator
from bayes_csc.sources.cells import cell, on_day, panel_cells
from bayes_csc.sources.tables import EES_SYMBOLS, SFR_FTE_SYMBOLS, Entry, entries, local_authorities, read_table, years

CENSUS = "09-30"
INDICATORS = "dfe-csww/csww_indicators_2017_to_2025.csv"
EARLIER = {
    2015: ("csww-sfr07-2016", "dfe-csww/SFR07_2016_UD.csv"),
    2016: ("csww-sfr08-2017", "dfe-csww/SFR08_2017_UD.csv"),
}
EARLIER_COLUMNS = {
    "A1_FTE_ChildrensSocialWorkers": "inpost_fte",
    "D1_FTE_AgencyWorkers": "agency_fte",
    "A2_FTE_Vacancies": "vacancy_fte",
    "B2_FTE_Leavers": "leavers_fte",
}
FIGURES = ("inpost_fte", "agency_fte", "vacancy_fte", "leavers_fte")
# The census of 2016 shows the joint return of Kingston and Richmond in Kingston's row and none in Richmond's.
JOINT_ROWS = {2016: ("314", "318")}


def workforce(raw: Path, indicators: Mapping[str, Indicator]) -> pd.DataFrame:
    """Read agency, vacancy and turnover of the censuses of 30 September, 2015 to 2025.

    The denominators are those of the official rates: agency / (agency + in post), vacancy / (vacancy + in post),
    leavers of the year / in post at its end.

    Parameters
    ----------
    raw
        Folder of the official files.
    indicators
        The dictionary.

    Returns
    -------
    pandas.DataFrame
        Cells of a panel; a joint return is one row about both authorities.
    """
    censuses = [
        _latest(raw / INDICATORS),
        *(_earlier(raw / file, year, source) for year, (source, file) in EARLIER.items()),
    ]
    return pd.concat(
        [_indicator_cells(census, indicators[key]) for key in ("agency", "vacancy", "turnover") for census in censuses]
    )


def _latest(path: Path) -> pd.DataFrame:
    table = local_authorities(read_table(path, ["time_period", "old_la_code", "geographic_level", *FIGURES]))
    census = pd.DataFrame({name: entries(table[name], EES_SYMBOLS, path) for name in FIGURES}, index=table.index)
    return census.assign(
        authority=table["old_la_code"].str.replace(" / ", "+"),
        year=years(table["time_period"], path),
        source="csww-2025",
    )


def _earlier(path: Path, year: int, source: str) -> pd.DataFrame:
    columns = {f"{old}_{year}": new for old, new in EARLIER_COLUMNS.items()}
    table = read_table(path, ["LA_code (3 digit)", *columns], encoding="cp1252")
    table = table[table["LA_code (3 digit)"] != ""]
    census = pd.DataFrame(
        {new: entries(table[old], SFR_FTE_SYMBOLS, path) for old, new in columns.items()}, index=table.index
    ).assign(authority=table["LA_code (3 digit)"], year=year, source=source)
    if year in JOINT_ROWS:
        filer, other = JOINT_ROWS[year]
        census = census[census["authority"] != other].replace({"authority": {filer: f"{filer}+{other}"}})
    return census


def _indicator_cells(census: pd.DataFrame, indicator: Indicator) -> pd.DataFrame:
    keys = pd.concat([census[["authority", "year"]], on_day(census["year"], CENSUS)], axis=1)
    if indicator.key == "turnover":
        keys["reference_start"] = pd.to_datetime((census["year"] - 1).astype(str) + "-10-01")
    figures = [_figure(indicator.key, *row) for row in census[list(FIGURES)].itertuples(index=False)]
    rows = panel_cells(indicator, keys, figures, "")
    rows["source"] = census["source"].to_numpy()
    return rows


def _figure(key: str, inpost: Entry, agency: Entry, vacancy: Entry, leavers: Entry) -> dict[str, object]:
    if key == "turnover":
        return cell([leavers], [inpost])
    part = agency if key == "agency" else vacancy
    return cell([part], [part, inpost])
