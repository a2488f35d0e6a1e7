"""Care leavers (SSDA903): those in touch with their authority, those aged 17 and 18, and 19-year-olds to 2013."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from bayes_csc.panel.indicators import Indicator
from bayes_csc.sources.download.official import Official
from bayes_csc.sources.looked_after.cla import EET, NOT_EET, SUITABLE
from bayes_csc.sources.looked_after.cla_counts import LongCount, Place, WideCount, columns, count_cells
from bayes_csc.sources.readers.tables import since

TOUCH, TOUCH_17_18 = "care_leaver_in_touch", "care_leaver_in_touch_17_18"
ACTIVITY_17_18, ACCOMMODATION_17_18 = "care_leaver_activity_17_18", "care_leaver_accommodation_17_18"
IN_TOUCH = ("Local authority in touch with care leaver",)
NOT_IN_TOUCH = (
    "Local authority not in touch with care leaver",
    "Young person no longer requires services",
    "Young person refuses contact",
)
IN_2016 = ("cla_2016_careleavers", 2016)
IN_2017 = ("cla_2017_careleavers19to21", 2017)
IN_2017_17_18 = ("cla_2017_careleavers1718", 2017)
ACTIVE, INACTIVE = "Act_HE Act_OE Act_TE", "Act_NEET_ill Act_NEET_oth Act_NEET_preg"

# As at 19 to 21: the wanted category is the large part of a row, where a secondary suppression falls.
IN_TOUCH_COUNTS = tuple(
    LongCount(
        indicator, file, years, ("age", age), "in_touch",
        "number", IN_TOUCH, "Total", NOT_IN_TOUCH,
    )
    for indicator, age in ((TOUCH, "Aged 19 to 21"), (TOUCH_17_18, "Aged 17 to 18"))
    for file, years in (
        ("cla_care_leavers_in_touch", since(2020)), ("cla_2022_care_leavers_in_touch", range(2018, 2020)),
    )
)  # fmt: skip

AGED_17_18 = (
    LongCount(
        ACTIVITY_17_18, "cla_care_leaver_activity", since(2021),
        ("care_leaver_age", "17 to 18 years"), "breakdown", "care_leaver_count", (EET,), "Total", NOT_EET,
    ),
    LongCount(
        ACTIVITY_17_18, "cla_2022_care_leaver_activity", range(2018, 2021),
        ("age", "Aged 17 to 18"), "activity", "number", (EET,), "Total", NOT_EET,
    ),
    LongCount(
        ACCOMMODATION_17_18, "cla_care_leaver_accommodation", since(2021),
        ("care_leaver_age", "17 to 18 years"), "breakdown", "care_leaver_count", (SUITABLE,),
        "Suitability total", ("Accommodation considered unsuitable", "No information"),
    ),
    LongCount(
        ACCOMMODATION_17_18, "cla_2022_care_leaver_accommodation",
        range(2018, 2021), ("age", "17 to 18 years"), "accommodation_suitability", "number", (SUITABLE,), "Total",
        ("Accommodation considered not suitable", "No information"),
    ),
    WideCount(
        ACTIVITY_17_18, *IN_2016, columns(ACTIVE, suffix="17&18"), "All_aged17&18",
        columns(f"{INACTIVE} LA_NoActinf", suffix="17&18"),
    ),
    WideCount(
        ACTIVITY_17_18, *IN_2017_17_18, columns(ACTIVE, "CL_", "17&18"), "CL_All_17&18",
        columns(f"{INACTIVE} Act_NoInf", "CL_", "17&18"),
    ),
    WideCount(ACCOMMODATION_17_18, *IN_2016, ("Acc_SUIT17&18",), "All_aged17&18", exhaustive=False),
    WideCount(
        ACCOMMODATION_17_18, *IN_2017_17_18, ("CL_Acc_SUIT17&18",), "CL_All_17&18",
        columns("NotSUIT NoSUITInfo GA Dep NK", "CL_Acc_", "17&18"), secondary="numerator",
    ),
)  # fmt: skip

IN_TOUCH_2017 = tuple(
    WideCount(
        indicator, *place, (f"CL_InTouch_IT{age}",), f"CL_All_{age}",
        columns("Refu NoServ Not", "CL_InTouch_", age), secondary="numerator",
    )
    for indicator, place, age in ((TOUCH, IN_2017, "19to21"), (TOUCH_17_18, IN_2017_17_18, "17&18"))
)  # fmt: skip

AT_19 = (
    ("cla_2011_19years", 2011),
    ("cla_2012_19years", 2012),
    ("cla_2013_19years", 2013),
)
ACTIVE_19, INACTIVE_19, LOST_19 = columns(ACTIVE), ("Act_Neet_ill", "Act_NEET_oth"), ("LA_nit",)
AGED_19 = tuple(
    count
    for place in AT_19
    for count in (
        WideCount("care_leaver_activity_19", *place, ACTIVE_19, "All_aged19", (*INACTIVE_19, *LOST_19)),
        WideCount("care_leaver_accommodation_19", *place, ("Acc_SUIT",), "All_aged19", exhaustive=False),
        WideCount("care_leaver_not_in_touch_19", *place, LOST_19, "All_aged19", (*ACTIVE_19, *INACTIVE_19)),
    )
)

PLACES: tuple[Place, ...] = (*IN_TOUCH_COUNTS, *IN_TOUCH_2017, *AGED_17_18, *AGED_19)


def care_leavers(official: Official, indicators: Mapping[str, Indicator]) -> pd.DataFrame:
    """Read care leavers in touch (2017 to 2024), those aged 17 and 18 (2016 to 2025) and 19-year-olds (2011 to 2013).

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
