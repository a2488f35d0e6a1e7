"""Earlier releases of years that a newer one has too: the vintages that were known before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from bayes_csc.panel.indicators import Indicator
from bayes_csc.sources.children_in_need.cin import COUNTS, Count
from bayes_csc.sources.download.official import Official
from bayes_csc.sources.looked_after.cla import earlier_releases
from bayes_csc.sources.readers.cells import on_day, summed_cells, year_to_march
from bayes_csc.sources.readers.tables import SFR_SYMBOLS, entries, read_table
from bayes_csc.sources.workforce.csww import workforce_of_2022

CENSUS_OF_2013 = "cin_2013"
# Columns of the numerator, the denominator and its other parts, as in `bayes_csc.sources.children_in_need.cin.COUNTS`.
COLUMNS_OF_2013: Mapping[str, tuple[tuple[str, ...], str, tuple[str, ...]]] = {
    "re_referral": (("ReferralsWithin12mths1213",), "Referrals1213", ()),
    "no_further_action": (("ReferralsNFA1213",), "Referrals1213", ()),
    "conference_within_15_days": (
        ("ICPC0-10days1213", "ICPC11-15days1213"),
        "ICPC1213",
        ("ICPC16-20days1213", "ICPC21+days1213"),
    ),
    "second_plan": (("CPPStart1213SecondTime",), "CPPStart1213", ()),
    "plan_over_2_years": (
        ("CPPAt310313Duration2+yrs",),
        "CPPAt310313",
        (
            "CPPAt310313Duration<3mths",
            "CPPAt310313Duration3-6mths",
            "CPPAt310313Duration6mths-1yr",
            "CPPAt310313Duration1-2yrs",
        ),
    ),
}


def earlier_vintages(official: Official, indicators: Mapping[str, Indicator]) -> pd.DataFrame:
    """Read every earlier release at hand.

    Parameters
    ----------
    official
        The official files.
    indicators
        The dictionary.

    Returns
    -------
    pandas.DataFrame
        Cells of a panel, one row per authority, year, indicator and release, whether or not the figure was restated.
    """
    places = [
        replace(count, numerator=columns[0], denominator=columns[1], others=columns[2])
        for count in COUNTS
        if (columns := COLUMNS_OF_2013.get(count.indicator)) is not None
    ]
    return pd.concat(
        [
            *(_census_of_2013(official, place, indicators[place.indicator]) for place in places),
            workforce_of_2022(official, indicators),
            earlier_releases(official, indicators),
        ],
        ignore_index=True,
    )


def _census_of_2013(official: Official, count: Count, indicator: Indicator) -> pd.DataFrame:
    path = official / CENSUS_OF_2013
    names = [*count.numerator, count.denominator, *count.others]
    table = read_table(path, ["geog_l", "geog_c", *names], encoding="cp1252")
    table = table[table["geog_l"] == "LA"].reset_index(drop=True)
    year = pd.Series(2013, index=table.index, name="year")
    period = on_day(year, "03-31") if count.stock else year_to_march(year)
    keys = pd.concat([table["geog_c"].rename("authority"), year, period], axis=1)
    columns = [entries(table[name], SFR_SYMBOLS, path) for name in names]
    last = len(count.numerator)
    return summed_cells(
        indicator, official.source(CENSUS_OF_2013), keys, columns[:last], columns[last], columns[last + 1 :],
        exhaustive=count.exhaustive, secondary=count.secondary,
    )  # fmt: skip
