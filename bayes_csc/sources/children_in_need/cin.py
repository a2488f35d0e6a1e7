"""Children in need census: referrals, assessments, conferences and child protection plans, from counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from bayes_csc.panel.indicators import Indicator
from bayes_csc.sources.download.official import Official
from bayes_csc.sources.readers.cells import on_day, summed_cells, year_to_march
from bayes_csc.sources.readers.tables import EES_SYMBOLS, entries, local_authorities, read_table, years


@dataclass(frozen=True)
class Count:
    """Where one indicator's counts stand in a file, and how its parts add up.

    Parameters
    ----------
    indicator
        Key.
    file
        Id in the catalogue.
    numerator
        Columns whose sum is the numerator.
    denominator
        Column of the denominator.
    others
        Columns of the rest of the denominator.
    exhaustive, secondary
        See `bayes_csc.sources.readers.cells.suppressed_interval`.
    stock
        Whether the figure is of 31 March rather than of the year.
    """

    indicator: str
    file: str
    numerator: tuple[str, ...]
    denominator: str
    others: tuple[str, ...] = ()
    exhaustive: bool = False
    secondary: str = "other"
    stock: bool = False


REFERRALS = "cin_referrals"
CONFERENCES = "cin_conferences"
SUBSEQUENT = "cin_second_plans"
DURATION = "cin_plan_lengths"
ASSESSMENTS = "cin_2022_c2"
REVIEWS = "cin_2022_d6"
ENDED = "cin_2022_d7"

COUNTS = (
    Count("re_referral", REFERRALS, ("rereferral_count",), "referral_count"),
    Count("no_further_action", REFERRALS, ("no_further_action_count",), "referral_count"),
    Count(
        "assessment_within_45_days",
        ASSESSMENTS,
        ("Same_day", "1-10_days", "11-20_days", "21-30_days", "31-40_days", "41-45_days"),
        "Assessments_completed",
        ("46-50_days", "51-60_days", "61+_days"),
        exhaustive=True,
        secondary="either",
    ),
    # The bands of one row in fourteen fall short of the conferences, so that they do not exhaust them.
    Count(
        "conference_within_15_days",
        CONFERENCES,
        ("Duration_0-10_days", "Duration_11-15_days"),
        "ICPC",
        ("Duration_16-20_days", "Duration_21+_days"),
        secondary="either",
    ),
    Count("second_plan", SUBSEQUENT, ("CPP_subsequent",), "CPP_start"),
    Count(
        "plan_over_2_years",
        DURATION,
        ("2_years_or_more",),
        "CPP_At31",
        (
            "3_months_or_less",
            "more_than_3_months_6_months",
            "more_than_6_months_less_than_1_year",
            "1_year_less_than_2_years",
        ),
        exhaustive=True,
        stock=True,
    ),
    # Lincolnshire's 2021 is hidden beside 263 plans: a few, or, by its other years, nearly all.
    Count(
        "plan_reviewed",
        REVIEWS,
        ("Reviewed_within_timescales",),
        "CPP_At31_3Months",
        secondary="either",
        stock=True,
    ),
    # Regional totals show that the longest plans are sometimes the part hidden to protect another.
    Count(
        "plan_ended_over_2_years",
        ENDED,
        ("2_years_or_more",),
        "CPP_End",
        (
            "3_months_or_less",
            "more_than_3_months_6_months",
            "more_than_6_months_less_than_1_year",
            "1_year_less_than_2_years",
        ),
        exhaustive=True,
        secondary="either",
    ),
)


def children_in_need(official: Official, indicators: Mapping[str, Indicator]) -> pd.DataFrame:
    """Read every indicator of the children in need census.

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
    return pd.concat([_cells(official, count, indicators[count.indicator]) for count in COUNTS])


def _cells(official: Official, count: Count, indicator: Indicator) -> pd.DataFrame:
    path = official / count.file
    names = ["time_period", "old_la_code", *count.numerator, count.denominator, *count.others]
    table = local_authorities(read_table(path, [*names, "geographic_level"]))
    year = years(table["time_period"], path)
    period = on_day(year, "03-31") if count.stock else year_to_march(year)
    keys = pd.concat([table["old_la_code"].rename("authority"), year.rename("year"), period], axis=1)
    columns = [entries(table[name], EES_SYMBOLS, path) for name in names[2:]]
    last = len(count.numerator)
    return summed_cells(
        indicator, official.source(count.file), keys, columns[:last], columns[last], columns[last + 1 :],
        exhaustive=count.exhaustive, secondary=count.secondary,
    )  # fmt: skip
