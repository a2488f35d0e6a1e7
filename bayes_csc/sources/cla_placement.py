"""Children looked after: how long placements last and how far away they are, other moves, children missing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from bayes_csc.indicators import Indicator
from bayes_csc.sources.cla_counts import LongCount, Place, WideCount, columns, count_cells, files

EARLY = "dfe-cla-2010-2019"
IN_2017, IN_2018, IN_2019 = (
    f"{EARLY}/{file}" for file in ("2017/SFR50_CLA2017.csv", "2018/CLA2018.csv", "2019/CLA2019.csv")
)
STABILITY_2022 = "dfe-cla-2022/la_cla_at_31_march_placement_stability_indicator.csv"
STABILITY_2025 = "dfe-cla-2025/la_cla_placement_stability.csv"
LONG_STAY = "Children looked after continuously for at least 2.5 years {} 31 March aged under 16 years"
SAME_PLACEMENT = (
    "Living in the same placement for at least 2 years, or are placed for adoption and their adoption and their "
    "adoptive placement together with their previous placement, last for at least 2 years"
)
BY_STABILITY = ("placement_stability", "children_count")

SCHOOL_2022 = "dfe-cla-2022/official_statistics_la_cla_school_moves.csv"
SCHOOL_2025 = "dfe-cla-2025/la_cla_school_moves.csv"
BY_SCHOOL = (("cla_group", "CLA on 31 March"), "school_stability", "number")
MID_YEAR = ("move_measure", "Mid-year moves")
MOVED = ("With one or more mid-year moves during the year",)
# The release of 2022 was given its files of school moves and social workers in July 2023. The release of stability
# measures of 2024 does not say when it came out: the end of the month by which its files were there stands for that.
ADDED_TO_2022 = "2023-07-31"
WORKERS_2020 = "dfe-cla-2022/official_statistics_la_cco_sw_stability.csv"
WORKERS_2024 = "dfe-cla-2025/la_cla_swcount.csv"

MISSING = "la_children_who_were_missing_or_away_from_placement_without_authorisation.csv"
MISSING_2022, MISSING_2024 = (f"dfe-cla-{year}/{MISSING}" for year in (2022, 2024))
EVERY_ROW = ("time_identifier", "Reporting year")
WENT_MISSING = ("Children who had a missing incident during the year",)
INCIDENTS = ("Number of missing incidents during the year",)
DURING_YEAR = "Children looked after during the year"
# Some authorities have more incidents than children: over the children's months the count stays below its exposure.
MONTHS = 12

# A child who stays is the rule, so that a suppressed number of them may be all but one to five, which no file shows.
# A suppressed number of children who went missing, of their incidents, or of those with three placements in two years
# may be hidden to protect another figure: Slough's of 2022 are 8 children in the release of that year, and England's
# counts are too large for one to five each. All these are "either": no limit but the total.
LONG = (
    LongCount(
        "same_placement_2_years", "cla-2022", STABILITY_2022, range(2018, 2023), ("cla_group", LONG_STAY.format("at")),
        "characteristic", "number", (SAME_PLACEMENT,), "Total children", secondary="either",
    ),
    LongCount(
        "same_carer_2_years", "cla-2025", STABILITY_2025, range(2021, 2026), ("cla_group", LONG_STAY.format("on")),
        *BY_STABILITY, ("Living with the same carer for at least 2 years",), "Total children", secondary="either",
    ),
    LongCount(
        "three_placements_2_years", "cla-2025", STABILITY_2025, range(2021, 2026),
        ("cla_group", "CLA 2 years on 31 March"), *BY_STABILITY,
        ("With 3 or more placements during the previous 2 years",), "Total children", secondary="either",
    ),
    LongCount(
        "school_move", "cla-stability-2024", SCHOOL_2025, range(2023, 2025), *BY_SCHOOL, MOVED, "Total children",
        also=MID_YEAR, first_published="2026-01-31",
    ),
    LongCount(
        "school_move", "cla-stability-2024", SCHOOL_2025, range(2020, 2023), *BY_SCHOOL, MOVED, "Total children",
        also=MID_YEAR, first_published=ADDED_TO_2022,
    ),
    LongCount(
        "school_move_early", "cla-2022", SCHOOL_2022, range(2018, 2023), *BY_SCHOOL, ("At least one mid-year move",),
        "Total children", also=MID_YEAR, first_published=ADDED_TO_2022,
    ),
    LongCount(
        "social_worker_changes", "cla-2022", WORKERS_2020, range(2019, 2021),
        ("change_measure", "Social worker changes across 12 months"), "social_worker_stability", "number",
        ("With two or more social worker changes",), "Total",
        ("With no social worker change", "With one social worker change"), secondary="either",
        first_published=ADDED_TO_2022,
    ),
    LongCount(
        "three_social_workers", "cla-stability-2024", WORKERS_2024, range(2024, 2025), ("cla_group", "CLA on 31 March"),
        "sw_stability", "number", ("3 or more social workers during the year",), "Total children",
        first_published="2025-12-31",
    ),
    LongCount(
        "missing_children", "cla-2024", MISSING_2024, range(2020, 2025), EVERY_ROW, "CLA_group", "number",
        WENT_MISSING, DURING_YEAR, secondary="either",
    ),
    LongCount(
        "missing_children", "cla-2022", MISSING_2022, range(2018, 2020), EVERY_ROW, "cla_group", "number",
        WENT_MISSING, DURING_YEAR, secondary="either",
    ),
    LongCount(
        "missing_incidents", "cla-2024", MISSING_2024, range(2020, 2025), EVERY_ROW, "CLA_group", "number",
        INCIDENTS, DURING_YEAR, secondary="either", times=MONTHS,
    ),
    LongCount(
        "missing_incidents", "cla-2022", MISSING_2022, range(2018, 2020), EVERY_ROW, "cla_group", "number",
        INCIDENTS, DURING_YEAR, secondary="either", times=MONTHS,
    ),
)  # fmt: skip

# As in 2013, the placement counts of 2011 and 2012 fall short of the children in some rows.
MOVES = tuple(
    WideCount(
        "three_placements_early", source, f"{EARLY}/{file}", year, ("CLA_3Pla",), f"CLA_Mar{year}",
        ("CLA_1Pla", "CLA_2PLa"), exhaustive=False, secondary="other",
    )
    for source, file, year in (
        ("cla-sfr21-2011", "2011/SFR21_CLA.csv", 2011), ("cla-sfr20-2012", "2012/SFR20_CLA2012.csv", 2012),
    )
)  # fmt: skip

# In 2019 a suppressed number of distant placements was hidden to protect that of placements at no known distance.
DISTANCE = (
    WideCount(
        "over_20_miles", "cla-sfr50-2017", IN_2017, 2017, columns("InLA_GT20 OutLA_GT20", "CLA_"), "CLA_Mar2017",
        columns("InLA_LTE20 OutLA_LTE20 InLA_NoInfo OutLA_NoInfo", "CLA_"),
    ),
    *(
        WideCount(
            "over_20_miles", f"cla-{year}", file, year, ("CLA_GT20",), f"CLA_Mar{year}", ("CLA_LTE20", "CLA_NoInfo"),
            secondary="numerator",
        )
        for file, year in ((IN_2018, 2018), (IN_2019, 2019))
    ),
)  # fmt: skip

FIRST_MISSING = (
    ("cla-sfr34-2015", "2015/SFR34_Missing2015.csv", "2015/SFR34_CLA2015.csv", 2015, "CLA_Miss"),
    ("cla-sfr41-2016", "2016/SFR41_Missing2016.csv", "2016/SFR41_CLA2016.csv", 2016, "CLA_Miss"),
    ("cla-sfr50-2017", "2017/SFR50_Missing_2017.csv", "2017/SFR50_CLA2017.csv", 2017, "Miss_Miss_"),
)
EARLY_MISSING = tuple(
    WideCount(
        indicator, source, f"{EARLY}/{file}", year, (f"{prefix}{column}",), f"CLA_{year}", exhaustive=False,
        denominator_file=f"{EARLY}/{denominators}", times=times,
    )
    for indicator, column, times in (
        ("missing_children_early", "DuringYear", 1), ("missing_incidents_early", "Incs", MONTHS),
    )
    for source, file, denominators, year, prefix in FIRST_MISSING
)  # fmt: skip

PLACES: tuple[Place, ...] = (*LONG, *MOVES, *DISTANCE, *EARLY_MISSING)
FILES = files(PLACES)


def placements(raw: Path, indicators: Mapping[str, Indicator]) -> pd.DataFrame:
    """Read the stability and distance of placements, moves of school and social worker, and children missing.

    Parameters
    ----------
    raw
        Folder of the official files.
    indicators
        The dictionary.

    Returns
    -------
    pandas.DataFrame
        Cells of a panel; see `bayes_csc.sources.cla.looked_after`.
    """
    return count_cells(raw, indicators, PLACES)
