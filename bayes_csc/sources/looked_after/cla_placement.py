"""Children looked after: how long placements last and how far away they are, other moves, children missing."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from bayes_csc.panel.indicators import Indicator
from bayes_csc.sources.download.official import Official
from bayes_csc.sources.looked_after.cla_counts import LongCount, Place, WideCount, columns, count_cells
from bayes_csc.sources.readers.tables import since

STABILITY_2022 = "cla_2022_placement_stability"
STABILITY_2025 = "cla_placement_stability"
LONG_STAY = "Children looked after continuously for at least 2.5 years {} 31 March aged under 16 years"
SAME_PLACEMENT = (
    "Living in the same placement for at least 2 years, or are placed for adoption and their adoption and their "
    "adoptive placement together with their previous placement, last for at least 2 years"
)
BY_STABILITY = ("placement_stability", "children_count")

SCHOOL_2022 = "cla_2022_school_moves"
SCHOOL_2025 = "cla_school_moves"
BY_SCHOOL = (("cla_group", "CLA on 31 March"), "school_stability", "number")
MID_YEAR = ("move_measure", "Mid-year moves")
MOVED = ("With one or more mid-year moves during the year",)
# The release of 2022 was given its files of school moves and social workers in July 2023. The release of stability
# measures of 2024 does not say when it came out: the end of the month by which its files were there stands for that.
ADDED_TO_2022 = "2023-07-31"
WORKERS_2020 = "cla_2022_social_workers"
WORKERS_2024 = "cla_social_workers"

MISSING_2022, MISSING = "cla_2022_missing", "cla_missing"
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
        "same_placement_2_years", STABILITY_2022, range(2018, 2023), ("cla_group", LONG_STAY.format("at")),
        "characteristic", "number", (SAME_PLACEMENT,), "Total children", secondary="either",
    ),
    LongCount(
        "same_carer_2_years", STABILITY_2025, since(2021), ("cla_group", LONG_STAY.format("on")),
        *BY_STABILITY, ("Living with the same carer for at least 2 years",), "Total children", secondary="either",
    ),
    LongCount(
        "three_placements_2_years", STABILITY_2025, since(2021),
        ("cla_group", "CLA 2 years on 31 March"), *BY_STABILITY,
        ("With 3 or more placements during the previous 2 years",), "Total children", secondary="either",
    ),
    LongCount(
        "school_move", SCHOOL_2025, since(2023), *BY_SCHOOL, MOVED, "Total children",
        also=MID_YEAR, first_published="2026-01-31",
    ),
    LongCount(
        "school_move", SCHOOL_2025, range(2020, 2023), *BY_SCHOOL, MOVED, "Total children",
        also=MID_YEAR, first_published=ADDED_TO_2022,
    ),
    LongCount(
        "school_move_early", SCHOOL_2022, range(2018, 2023), *BY_SCHOOL, ("At least one mid-year move",),
        "Total children", also=MID_YEAR, first_published=ADDED_TO_2022,
    ),
    LongCount(
        "social_worker_changes", WORKERS_2020, range(2019, 2021),
        ("change_measure", "Social worker changes across 12 months"), "social_worker_stability", "number",
        ("With two or more social worker changes",), "Total",
        ("With no social worker change", "With one social worker change"), secondary="either",
        first_published=ADDED_TO_2022,
    ),
    LongCount(
        "three_social_workers", WORKERS_2024, since(2024), ("cla_group", "CLA on 31 March"),
        "sw_stability", "number", ("3 or more social workers during the year",), "Total children",
        first_published="2025-12-31",
    ),
    LongCount(
        "missing_children", MISSING, since(2020), EVERY_ROW, "CLA_group", "number",
        WENT_MISSING, DURING_YEAR, secondary="either",
    ),
    LongCount(
        "missing_children", MISSING_2022, range(2018, 2020), EVERY_ROW, "cla_group", "number",
        WENT_MISSING, DURING_YEAR, secondary="either",
    ),
    LongCount(
        "missing_incidents", MISSING, since(2020), EVERY_ROW, "CLA_group", "number",
        INCIDENTS, DURING_YEAR, secondary="either", times=MONTHS,
    ),
    LongCount(
        "missing_incidents", MISSING_2022, range(2018, 2020), EVERY_ROW, "cla_group", "number",
        INCIDENTS, DURING_YEAR, secondary="either", times=MONTHS,
    ),
)  # fmt: skip

# As in 2013, the placement counts of 2011 and 2012 fall short of the children in some rows.
MOVES = tuple(
    WideCount(
        "three_placements_early", f"cla_{year}_cla", year, ("CLA_3Pla",), f"CLA_Mar{year}",
        ("CLA_1Pla", "CLA_2PLa"), exhaustive=False, secondary="other",
    )
    for year in (2011, 2012)
)  # fmt: skip

# In 2019 a suppressed number of distant placements was hidden to protect that of placements at no known distance.
DISTANCE = (
    WideCount(
        "over_20_miles", "cla_2017_cla", 2017, columns("InLA_GT20 OutLA_GT20", "CLA_"), "CLA_Mar2017",
        columns("InLA_LTE20 OutLA_LTE20 InLA_NoInfo OutLA_NoInfo", "CLA_"),
    ),
    *(
        WideCount(
            "over_20_miles", f"cla_{year}_cla", year, ("CLA_GT20",), f"CLA_Mar{year}", ("CLA_LTE20", "CLA_NoInfo"),
            secondary="numerator",
        )
        for year in (2018, 2019)
    ),
)  # fmt: skip

FIRST_MISSING = {2015: "CLA_Miss", 2016: "CLA_Miss", 2017: "Miss_Miss_"}
EARLY_MISSING = tuple(
    WideCount(
        indicator, f"cla_{year}_missing", year, (f"{prefix}{column}",), f"CLA_{year}", exhaustive=False,
        denominator_file=f"cla_{year}_cla", times=times,
    )
    for indicator, column, times in (
        ("missing_children_early", "DuringYear", 1), ("missing_incidents_early", "Incs", MONTHS),
    )
    for year, prefix in FIRST_MISSING.items()
)  # fmt: skip

PLACES: tuple[Place, ...] = (*LONG, *MOVES, *DISTANCE, *EARLY_MISSING)


def placements(official: Official, indicators: Mapping[str, Indicator]) -> pd.DataFrame:
    """Read the stability and distance of placements, moves of school and social worker, and children missing.

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
    return count_cells(official, indicators, PLACES)
