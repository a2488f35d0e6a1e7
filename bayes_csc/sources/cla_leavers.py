"""Care leavers (SSDA903): those in touch with their authority, those aged 17 and 18, and 19-year-olds to 2013."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from bayes_csc.indicators import Indicator
from bayes_csc.sources.cla import EET, NOT_EET, SUITABLE
from bayes_csc.sources.cla_counts import LongCount, Place, WideCount, columns, count_cells, files

EARLY = "dfe-cla-2010-2019"
TOUCH, TOUCH_17_18 = "care_leaver_in_touch", "care_leaver_in_touch_17_18"
ACTIVITY_17_18, ACCOMMODATION_17_18 = "care_leaver_activity_17_18", "care_leaver_accommodation_17_18"
IN_TOUCH = ("Local authority in touch with care leaver",)
NOT_IN_TOUCH = (
    "Local authority not in touch with care leaver",
    "Young person no longer requires services",
    "Young person refuses contact",
)
IN_2016 = ("cla-sfr41-2016", f"{EARLY}/2016/SFR41_CareLeavers2016.csv", 2016)
IN_2017 = ("cla-sfr50-2017", f"{EARLY}/2017/SFR50_CareLeavers19to212017.csv", 2017)
IN_2017_17_18 = ("cla-sfr50-2017", f"{EARLY}/2017/SFR50_CareLeavers17182017.csv", 2017)
ACTIVE, INACTIVE = "Act_HE Act_OE Act_TE", "Act_NEET_ill Act_NEET_oth Act_NEET_preg"

# As at 19 to 21: the wanted category is the large part of a row, where a secondary suppression falls.
IN_TOUCH_COUNTS = tuple(
    LongCount(
        indicator, f"cla-{release}", f"dfe-cla-{release}/la_care_leavers_intouch.csv", years, ("age", age), "in_touch",
        "number", IN_TOUCH, "Total", NOT_IN_TOUCH,
    )
    for indicator, age in ((TOUCH, "Aged 19 to 21"), (TOUCH_17_18, "Aged 17 to 18"))
    for release, years in ((2024, range(2020, 2025)), (2022, range(2018, 2020)))
)  # fmt: skip

AGED_17_18 = (
    LongCount(
        ACTIVITY_17_18, "cla-2025", "dfe-cla-2025/la_care_leavers_activity.csv", range(2021, 2026),
        ("care_leaver_age", "17 to 18 years"), "breakdown", "care_leaver_count", (EET,), "Total", NOT_EET,
    ),
    LongCount(
        ACTIVITY_17_18, "cla-2022", "dfe-cla-2022/la_care_leavers_activity.csv", range(2018, 2021),
        ("age", "Aged 17 to 18"), "activity", "number", (EET,), "Total", NOT_EET,
    ),
    LongCount(
        ACCOMMODATION_17_18, "cla-2025", "dfe-cla-2025/la_care_leavers_accommodation_suitability.csv",
        range(2021, 2026), ("care_leaver_age", "17 to 18 years"), "breakdown", "care_leaver_count", (SUITABLE,),
        "Suitability total", ("Accommodation considered unsuitable", "No information"),
    ),
    LongCount(
        ACCOMMODATION_17_18, "cla-2022", "dfe-cla-2022/la_care_leavers_accommodation_suitability.csv",
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
    ("cla-sfr21-2011", f"{EARLY}/2011/SFE21_19YEARS.csv", 2011),
    ("cla-sfr20-2012", f"{EARLY}/2012/SFR20_19Yrs2012.csv", 2012),
    ("cla-sfr36-2013", f"{EARLY}/2013/SFR36_19Years2013.csv", 2013),
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
FILES = files(PLACES)


def care_leavers(raw: Path, indicators: Mapping[str, Indicator]) -> pd.DataFrame:
    """Read care leavers in touch (2017 to 2024), those aged 17 and 18 (2016 to 2025) and 19-year-olds (2011 to 2013).

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
