"""What the Interactive Tool's rates are rates of: published denominators, by authority and year."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd

from bayes_csc.sources.children_in_need.cin import DURATION
from bayes_csc.sources.download.official import Official
from bayes_csc.sources.places import population
from bayes_csc.sources.readers.tables import (
    EES_SYMBOLS,
    SFR_SYMBOLS,
    UNAVAILABLE,
    Entry,
    entries,
    local_authorities,
    read_table,
    since,
)

Totals = dict[tuple[str, int], Entry]

FACTORS = "cin_factors"
OVER_3_MONTHS = (
    "more_than_3_months_6_months",
    "more_than_6_months_less_than_1_year",
    "1_year_less_than_2_years",
    "2_years_or_more",
)
# Newest release first: file, years, column of the group, group, column of the count.
LOOKED_AFTER = (
    (
        "cla_numbers",
        since(2021),
        "population_type",
        "Children looked after on 31 March each year",
        "children_count",
    ),
    (
        "cla_2022_numbers",
        range(2018, 2021),
        "population_count",
        "Children looked after at 31 March each year",
        "number",
    ),
)
LOOKED_AFTER_BEFORE = {
    2015: ("cla_2015_cla", "CLA_Mar2015"),
    2016: ("cla_2016_cla", "CLA_Mar2016"),
    2017: ("cla_2017_cla", "CLA_Mar2017"),
}
ENGLAND = "999"


def assessments_with_factors(official: Official) -> Totals:
    """Episodes with an assessment whose factors were recorded, 2018 to 2025.

    Assessments completed are in no file at hand for 2023 to 2025. These episodes are fewer in every authority and year
    in which both are known (2018 to 2022: 80% in all, 40% at least), so that a sampling variance from them is too wide
    by a quarter, typically, and never too narrow.
    """
    path = official / FACTORS
    table = local_authorities(read_table(path, ["time_period", "geographic_level", "old_la_code"]))
    return _by_year(table, entries(table["Episodes_with_assessment_factor"], EES_SYMBOLS, path))


def plans_over_3_months(official: Official) -> Totals:
    """Child protection plans on 31 March that had lasted more than 3 months, 2013 to 2025.

    Of the plans of "at least 3 months" that the rate is of, these leave out those of 3 months to the day: in 2013 to
    2022, when both are known, the two are equal in 1,300 of 1,473 authority years and differ by 0.1% in all. Where a
    band is hidden they lie between the sum of the others and what the total leaves.
    """
    path = official / DURATION
    needed = ["time_period", "geographic_level", "old_la_code", "CPP_At31", "3_months_or_less", *OVER_3_MONTHS]
    table = local_authorities(read_table(path, needed))
    total, short, *bands = (entries(table[name], EES_SYMBOLS, path) for name in needed[3:])
    figures = [_rest(total[i], short[i], [band[i] for band in bands]) for i in range(len(table))]
    return _by_year(table, figures)


def _rest(total: Entry, short: Entry, bands: list[Entry]) -> Entry:
    if all(band.status == "observed" for band in bands):
        known = sum(band.lower for band in bands)
        return Entry("observed", known, known)
    if total.status != "observed" or any(part.status not in ("observed", "suppressed") for part in (short, *bands)):
        return UNAVAILABLE
    if short.status == "observed":
        return Entry("observed", total.lower - short.lower, total.lower - short.lower)
    return Entry("suppressed", sum(band.lower for band in bands), total.lower - short.lower)


def looked_after(official: Official) -> Totals:
    """Children looked after on 31 March, 2015 to 2025, each year from the newest release that has it."""
    found: Totals = {}
    for name, years, column, group, count in LOOKED_AFTER:
        path = official / name
        table = local_authorities(read_table(path, ["time_period", "geographic_level", "old_la_code", column, count]))
        table = table[(table[column] == group) & table["time_period"].astype(int).isin(years)]
        found |= _by_year(table, entries(table[count], EES_SYMBOLS, path))
    for year, (name, column) in LOOKED_AFTER_BEFORE.items():
        path = official / name
        table = read_table(path, ["geog_c", column], encoding="cp1252")
        table = table[table["geog_c"].str.fullmatch(r"\d{3}") & (table["geog_c"] != ENGLAND)]
        figures = entries(table[column], SFR_SYMBOLS, path)
        found |= {(code, year): entry for code, entry in zip(table["geog_c"], figures, strict=True)}
    return found


def children(official: Official) -> Totals:
    """Children aged 0 to 17 at the mid-year before each year.

    The tool's own population is a projection that it does not publish: rates of small authorities times these
    estimates come near a whole number no more often than by chance.
    """
    return {(code, year + 1): entry for (code, year), entry in population.children(official).items()}


def _by_year(table: pd.DataFrame, figures: list[Entry]) -> Totals:
    return dict(zip(zip(table["old_la_code"], table["time_period"].astype(int), strict=True), figures, strict=True))


TOTALS: Mapping[str, Callable[[Official], Totals]] = {
    "assessments_with_factors": assessments_with_factors,
    "plans_over_3_months": plans_over_3_months,
    "looked_after": looked_after,
    "children": children,
}
