"""Children looked after (SSDA903): placement moves, and care leavers' activity and accommodation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd

from bayes_csc.indicators import Indicator
from bayes_csc.sources.cla_counts import LongCount, WideCount, columns, count_cells, files

EET = "Total in education, employment or training"
NOT_EET = ("Total not in education, employment or training", "Total information not known")
ACTIVITY, ACCOMMODATION = "care_leaver_activity", "care_leaver_accommodation"
SUITABLE = "Accommodation considered suitable"
THREE = "With 3 or more placements during the year"

# Care leavers in suitable accommodation, or in education, employment or training, are the large part of a row, which is
# where a secondary suppression falls.
LONG = (
    LongCount(
        "three_placements", "cla-2025", "dfe-cla-2025/la_cla_placement_stability.csv", range(2021, 2026),
        ("cla_group", "CLA on 31 March"), "placement_stability", "children_count", (THREE,), "Total children",
    ),
    LongCount(
        "three_placements", "cla-2022", "dfe-cla-2022/la_cla_at_31_march_placement_stability_indicator.csv",
        range(2018, 2021), ("cla_group", "Children looked after at 31 March"), "characteristic", "number",
        (THREE,), "Total children",
    ),
    LongCount(
        ACTIVITY, "cla-2025", "dfe-cla-2025/la_care_leavers_activity.csv", range(2021, 2026),
        ("care_leaver_age", "19 to 21 years"), "breakdown", "care_leaver_count", (EET,), "Total", NOT_EET,
    ),
    LongCount(
        ACTIVITY, "cla-2022", "dfe-cla-2022/la_care_leavers_activity.csv", range(2018, 2021),
        ("age", "Aged 19 to 21"), "activity", "number", (EET,), "Total", NOT_EET,
    ),
    LongCount(
        ACCOMMODATION, "cla-2025", "dfe-cla-2025/la_care_leavers_accommodation_suitability.csv", range(2021, 2026),
        ("care_leaver_age", "19 to 21 years"), "breakdown", "care_leaver_count", (SUITABLE,), "Suitability total",
        ("Accommodation considered unsuitable", "No information"),
    ),
    LongCount(
        ACCOMMODATION, "cla-2022", "dfe-cla-2022/la_care_leavers_accommodation_suitability.csv", range(2018, 2021),
        ("age", "19 to 21 years"), "accommodation_suitability", "number", (SUITABLE,), "Total",
        ("Accommodation considered not suitable", "No information"),
    ),
)  # fmt: skip

PLACED = ("CLA_1Pla", "CLA_2PLa")
IN_2013 = ("cla-sfr36-2013", "dfe-cla-2010-2019/2013/SFR36_CLA2013.csv", 2013)
IN_2014_PLACED = ("cla-sfr36-2014", "dfe-cla-2010-2019/2014/SFR36_CLA2014.csv", 2014)
IN_2014 = ("cla-sfr36-2014", "dfe-cla-2010-2019/2014/SFR36_FormerCareLeavers2014.csv", 2014)
IN_2015 = ("cla-sfr34-2015", "dfe-cla-2010-2019/2015/SFR34_FormerCareLeavers2015.csv", 2015)
IN_2016 = ("cla-sfr41-2016", "dfe-cla-2010-2019/2016/SFR41_CareLeavers2016.csv", 2016)
IN_2017 = ("cla-sfr50-2017", "dfe-cla-2010-2019/2017/SFR50_CareLeavers19to212017.csv", 2017)

IN_ACTIVITY, INACTIVE = "Act_HE Act_OE Act_TE", "Act_NEET_ill Act_NEET_oth Act_NEET_preg"
INACTIVE_2017 = ("CL_Act_NEET_ill19to21", "CL_Act_NEET_oth19to21", "CL_ACT_NEET_preg19to21", "CL_Act_NoInf19to21")

# The release of 2014 counts the care leavers who died in its total. In 2013 the placement counts of one row in ten
# fall short of the children by up to 3. Suitable and unsuitable accommodation and no information do not exhaust the
# care leavers of 2017, and are not all shown before.
WIDE = (
    WideCount("three_placements", *IN_2013, ("CLA_3Pla",), "CLA_Mar2013", PLACED, exhaustive=False, secondary="other"),
    WideCount(
        "three_placements", *IN_2014_PLACED, ("CLA_3Pla",), "CLA_Mar2014", PLACED, exhaustive=False, secondary="other",
    ),
    WideCount(ACTIVITY, *IN_2014, columns(IN_ACTIVITY), "All_aged1920&21", columns(f"{INACTIVE} LA_Noinf ChildDied")),
    WideCount(ACTIVITY, *IN_2015, columns(IN_ACTIVITY), "All_aged1920&21", columns(f"{INACTIVE} LA_NoActinf")),
    WideCount(
        ACTIVITY, *IN_2016, columns(IN_ACTIVITY, suffix="1920&21"), "All_aged1920&21",
        columns(f"{INACTIVE} LA_NoActinf", suffix="1920&21"),
    ),
    WideCount(ACTIVITY, *IN_2017, columns(IN_ACTIVITY, "CL_", "19to21"), "CL_All_19to21", INACTIVE_2017),
    WideCount(ACCOMMODATION, *IN_2014, ("Acc_SUIT",), "All_aged1920&21", (), exhaustive=False),
    WideCount(ACCOMMODATION, *IN_2015, ("Acc_SUIT",), "All_aged1920&21", (), exhaustive=False),
    WideCount(ACCOMMODATION, *IN_2016, ("Acc_SUIT1920&21",), "All_aged1920&21", (), exhaustive=False),
    WideCount(ACCOMMODATION, *IN_2017, ("CL_Acc_SUIT19to21",), "CL_All_19to21", (), exhaustive=False),
)  # fmt: skip
FILES = files([*LONG, *WIDE])

# Earlier vintages of years that are read from a newer release above.
EARLIER_LONG = tuple(replace(place, years=range(2021, 2023)) for place in LONG if place.source == "cla-2022")
IN_2018, IN_2019 = "dfe-cla-2010-2019/2018/", "dfe-cla-2010-2019/2019/"
SUITABILITY = ("CL_Acc_SUIT19to21",), "CL_Acc_Total_SUIT19to21", ("CL_Acc_NotSUIT19to21", "CL_Acc_NoSUITInfo19to21")
EET_2018 = ("CL_Act_EET19to21",), "CL_All_19to21", ("CL_Act_NEET19to21", "CL_Act_NoInf19to21")
EARLIER_WIDE = (
    WideCount("three_placements", "cla-2018", f"{IN_2018}CLA2018.csv", 2018, ("CLA_3_Pl",), "CLA_Mar2018", (),
              exhaustive=False, secondary="other"),
    WideCount("three_placements", "cla-2019", f"{IN_2019}CLA2019.csv", 2019, ("CLA_3_Pl",), "CLA_Mar2019", (),
              exhaustive=False, secondary="other"),
    WideCount(ACTIVITY, "cla-2018", f"{IN_2018}CareLeavers_Act_InTouch19to212018_amended.csv", 2018, *EET_2018,
              secondary="numerator"),
    WideCount(ACTIVITY, "cla-2019", f"{IN_2019}CareLeaver_Act_InTouch_19to212019.csv", 2019, *EET_2018,
              secondary="numerator"),
    WideCount(ACCOMMODATION, "cla-2018", f"{IN_2018}CareLeavers_Acc_StayPut19to212018.csv", 2018, *SUITABILITY,
              secondary="numerator"),
    WideCount(ACCOMMODATION, "cla-2019", f"{IN_2019}CareLeavers_Acc_StayPut19to212019.csv", 2019, *SUITABILITY,
              secondary="numerator"),
)  # fmt: skip


def looked_after(raw: Path, indicators: Mapping[str, Indicator]) -> pd.DataFrame:
    """Read placement moves (2013, 2014, 2018 to 2025) and care leavers aged 19 to 21 (2014 to 2025).

    Parameters
    ----------
    raw
        Folder of the official files.
    indicators
        The dictionary.

    Returns
    -------
    pandas.DataFrame
        Cells of a panel. The long files give a row to authorities in years when they did not exist, marked as not
        applicable; the caller leaves those out.
    """
    return count_cells(raw, indicators, [*LONG, *WIDE])


def earlier_releases(raw: Path, indicators: Mapping[str, Indicator]) -> pd.DataFrame:
    """Read years that a newer release has too, as the releases of 2018, 2019 and 2022 published them."""
    return count_cells(raw, indicators, [*EARLIER_LONG, *EARLIER_WIDE])
