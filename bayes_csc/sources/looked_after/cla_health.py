"""Children looked after for 12 months (the OC2 return): health checks, substances, offending."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

from bayes_csc.panel.indicators import Indicator
from bayes_csc.sources.download.official import Official
from bayes_csc.sources.looked_after.cla_counts import LongCount, Place, WideCount, count_cells
from bayes_csc.sources.looked_after.cla_sheets import Sheet, sheet_entries
from bayes_csc.sources.readers.cells import cell, panel_cells
from bayes_csc.sources.readers.tables import Entry, since

CHECKS = "Health assessments: Children looked after all ages"
SUBSTANCES = "Substance misuse: Children looked after all ages"
SCORES = "Ages 5 to 16 years with SDQ score"
MISUSE = "substance_misuse"


class Share(NamedTuple):
    """A share of the children in the long files: group, numerator, denominator, secondary, parts of the numerator."""

    group: str
    numerator: str
    denominator: str
    secondary: str
    within: tuple[str, ...] = ()


# Checks are the rule, so that a suppressed number of them may be all but one to five, which no file shows: "either".
# Substance misuse and convictions are the exception.
SHARES = {
    "health_assessment": Share(CHECKS, "Had their annual health assessment", "Total all ages", "either"),
    "dental_check": Share(CHECKS, "Had their teeth checked by a dentist", "Total all ages", "either"),
    "immunisations": Share(CHECKS, "Had their immunisations up to date", "Total all ages", "either"),
    "development_assessment": Share(
        "Development assessments: Children looked after ages 0 to 4 years", "Development assessments up to date",
        "Total ages 0 to 4 years", "either",
    ),
    "sdq_received": Share(SCORES, "SDQ score was received", "Total ages 5 to 16 years", "either"),
    MISUSE: Share(
        SUBSTANCES, "Identified as having a substance misuse problem", "Total all ages", "other",
        ("Received an intervention for their substance misuse problem", "Offered intervention but refused it"),
    ),
    "convictions": Share(
        "Convictions: Children looked after Ages 10 to 17 years",
        "Convicted or subject to youth cautions, or youth conditional cautions during the year",
        "Total ages 10 to 17 years", "other",
    ),
}  # fmt: skip
RELEASES = (
    ("cla_health", since(2021), "characteristic", "breakdown", "children_count"),
    ("cla_2022_health", range(2018, 2021), "cla_group", "characteristic", "number"),
)
LONG = tuple(
    LongCount(
        indicator, file, years, (group, share.group), category, count, (share.numerator,), share.denominator,
        secondary=share.secondary, within=share.within,
    )
    for indicator, share in SHARES.items()
    for file, years, group, category, count in RELEASES
)  # fmt: skip


class Wide(NamedTuple):
    """A wide file of one year, and the columns of each indicator: numerator, denominator, parts of the numerator."""

    file: str
    year: int
    code: str
    encoding: str
    columns: Mapping[str, tuple[str, ...]]


LOOKED_AFTER = "Number of children looked after continuously for 12 months"
IN_2010, IN_2011 = (f"{LOOKED_AFTER} at 31 March {year}" for year in (2010, 2011))
AGED_10 = f"{LOOKED_AFTER} aged 10 or over at 31 March "
WIDE_FILES = (
    Wide("cla_2010_oc2", 2010, "LA Number", "cp1252", {
        "health_assessment": ("Number of children whose health assessments were up to date ", IN_2010),
        "dental_check": ("Number of children whose teeth were checked by a dentist ", IN_2010),
        "immunisations": ("Number of children who immunisations were up to date ", IN_2010),
        MISUSE: (
            "Number of children identified as having a substance misuse problem ", IN_2010,
            "Number of children who received an intervention for a substance misuse problem ",
            "Number of children offered an intervention for a substance problem but who refused it ",
        ),
        "convictions": ("Number of children with cautions or conviction ", AGED_10),
    }),
    Wide("cla_2011_oc2", 2011, "Unnamed: 0", "utf-8-sig", {
        "health_assessment": ("Number whose health assessments were up to date ", IN_2011),
        "dental_check": ("Number whose teeth were checked by a dentist ", IN_2011),
        "immunisations": ("Number whose immunisations were up to date ", IN_2011),
        MISUSE: (
            "Number of children looked after identified as having a substance misuse problem ",
            IN_2011,
            "Number who received an intervention for a substance misuse problem ",
            "Number who were offered an intervention for a substance problem but who refused it ",
        ),
        "convictions": (
            "Number of children looked after with cautions or conviction ",
            AGED_10,
        ),
    }),
    Wide("cla_2012_oc2", 2012, "la_code", "cp1252", {
        "health_assessment": ("health_assess", "CLA_12_months_2012"),
        "dental_check": ("teeth_check", "CLA_12_months_2012"),
        "immunisations": ("immunisations", "CLA_12_months_2012"),
        MISUSE: ("substance_misuse", "CLA_12_months_2012", "substance_intervention", "refused_intervention"),
        "convictions": ("caution_conviction", "CLA_12_months_2012_10plus"),
    }),
    *(
        Wide(f"cla_{year}_oc2", year, "geog_c", "cp1252", {
            "health_assessment": (f"{cla}_healthassmt", f"{cla}_12mths"),
            "dental_check": (f"{cla}_teethcheck", f"{cla}_12mths"),
            "immunisations": (f"{cla}_immunisation", f"{cla}_12mths"),
            "sdq_received": (f"{cla}_SDQ", f"{cla}_5to16"),
            MISUSE: (f"{cla}_submisuse", f"{cla}_12mths", f"{cla}_subint", f"{cla}_suboffint"),
            "convictions": (f"{cla}_convicted", f"{cla}_{offenders}"),
            **({} if year == 2015 else {"development_assessment": (f"{cla}_devassmt", f"{cla}_{infants}")}),
        })
        for year, cla, offenders, infants in (
            (2015, "CLA", "10over", ""),
            (2016, "CLA", "10over", "under5"),
            (2017, "OC2", "10to17", "U5"),
        )
    ),
)  # fmt: skip
WIDE = tuple(
    WideCount(
        indicator, wide.file, wide.year, (names[0],), names[1], exhaustive=False,
        secondary=SHARES[indicator].secondary, within=names[2:], code=wide.code,
        encoding=wide.encoding,
    )
    for wide in WIDE_FILES
    for indicator, names in wide.columns.items()
)  # fmt: skip
PLACES: tuple[Place, ...] = (*LONG, *WIDE)

ROUNDED = Sheet("cla_2014_sheet6_oc23", (2014,), named=True, encoding="utf-8-sig")
ALL_CHILDREN = "Number of children looked after at 31 March who had been looked after for at least 12 months"
ROUNDED_CHECKS = {
    "health_assessment": "Number of children who had their annual health assessment",
    "dental_check": "Number of children who had their teeth checked by a dentist",
    "immunisations": "Number of children whose immunisations were up to date",
}
# Counts in spreadsheets are to the nearest 5: the count is at most 2 away.
OFF = 2


def health(official: Official, indicators: Mapping[str, Indicator]) -> pd.DataFrame:
    """Read health checks, substance misuse and convictions, 2010 to 2025.

    Parameters
    ----------
    official
        The official files.
    indicators
        The dictionary.

    Returns
    -------
    pandas.DataFrame
        Cells of a panel; see `bayes_csc.sources.looked_after.cla.looked_after`.
    """
    rounded = [_rounded_checks(official, indicators[key], heading) for key, heading in ROUNDED_CHECKS.items()]
    return pd.concat([count_cells(official, indicators, PLACES), *rounded])


def rounded_cell(numerator: Entry, denominator: Entry) -> dict[str, Any]:
    """Turn two counts that were rounded to the nearest 5 into a cell.

    The cell keeps the denominator as published and takes up the rounding of both in the interval of the numerator,
    so that it is marked as suppressed: between (n - 2) / (d + 2) and (n + 2) / (d - 2) of the denominator d.

    Parameters
    ----------
    numerator, denominator
        The counts; a count that is suppressed was at most 5, and none that is shown is below 6.

    Returns
    -------
    dict
        See `bayes_csc.sources.readers.cells.cell`.

    Examples
    --------
    >>> found = rounded_cell(Entry("observed", 230, 230), Entry("observed", 250, 250))
    >>> found["lower"], found["upper"], found["denominator"]
    (226, 234, 250)
    """
    n, d = numerator.lower, denominator.lower
    if numerator.status != "observed" or denominator.status != "observed" or n == 0 or d <= OFF:
        return cell([numerator], [denominator], secondary="either")
    lower, upper = math.floor((n - OFF) * d / (d + OFF)), math.ceil((n + OFF) * d / (d - OFF))
    return cell([Entry("suppressed", lower, min(d, upper))], [denominator])


def _rounded_checks(official: Official, indicator: Indicator, heading: str) -> pd.DataFrame:
    year = ROUNDED.years[0]
    keys, found = sheet_entries(official, ROUNDED, {"count": heading, "all": ALL_CHILDREN}, year)
    figures = [rounded_cell(*parts) for parts in zip(found["count"], found["all"], strict=True)]
    return panel_cells(indicator, keys, figures, official.source(ROUNDED.file))
