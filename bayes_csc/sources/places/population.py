"""Children aged 0 to 17 of each authority at each mid-year, the exposure of activity rates."""

from __future__ import annotations

from bayes_csc.sources.download.official import Official
from bayes_csc.sources.readers.tables import EES_SYMBOLS, Entry, entries, local_authorities, read_table

ESTIMATES = "population"
# The estimates leave out the three authorities that Dorset lost in 2019. The releases on children looked after have
# theirs, as estimated before the census of 2021: the one of 2018 calls mid-2013 CLA_Pop2014, the one of 2019 calls each
# mid-year by its own year. Mid-2012 is in neither.
BEFORE_2019 = {
    "cla_2018_cla": {2013: "CLA_Pop2014"},
    "cla_2019_cla": {year: f"CLA_Pop{year}" for year in range(2014, 2019)},
}
ABOLISHED_2019 = ("835", "836", "837")


def children(official: Official) -> dict[tuple[str, int], Entry]:
    """Read the number of children aged 0 to 17 by authority and mid-year.

    Parameters
    ----------
    official
        The official files.

    Returns
    -------
    dict
        Entry by authority and the year of the mid-year estimate, 2012 to 2024.
    """
    path = official / ESTIMATES
    columns = ["time_period", "geographic_level", "old_la_code", "population_estimate"]
    table = local_authorities(read_table(path, columns))
    keys = zip(table["old_la_code"], table["time_period"].astype(int), strict=True)
    found = dict(zip(keys, entries(table["population_estimate"], EES_SYMBOLS, path), strict=True))
    for name, years in BEFORE_2019.items():
        path = official / name
        older = read_table(path, ["geog_c", *years.values()], encoding="cp1252").set_index("geog_c", drop=False)
        older = older.loc[list(ABOLISHED_2019)]
        for year, column in years.items():
            figures = entries(older[column].reset_index(drop=True), EES_SYMBOLS, path)
            found |= {(code, year): entry for code, entry in zip(ABOLISHED_2019, figures, strict=True)}
    return found
