"""Children looked after (SSDA903): placement moves, and care leavers' activity and accommodation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from bayes_csc.panel.indicators import Indicator
from bayes_csc.sources.download.official import Official
from bayes_csc.sources.looked_after.cla_counts import LongCount, WideCount, columns, count_cells
from bayes_csc.sources.readers.tables import since

EET = "Total in education, employment or training"
NOT_EET = ("Total not in education, employment or training", "Total information not known")
ACTIVITY, ACCOMMODATION = "care_leaver_activity", "care_leaver_accommodation"
SUITABLE = "Accommodation considered suitable"
THREE = "With 3 or more placements during the year"

# Care leavers in suitable accommodation, or in education, employment or training, are the large part of a row, which is
# where a secondary suppression falls.
LONG = (
    LongCount(
        "three_placements", "cla_placement_stability", since(2021),
        ("cla_group", "CLA on 31 March"), "placement_stability", "children_count", (THREE,), "Total children",
    ),
    LongCount(
        "three_placements", "cla_2022_placement_stability",
        range(2018, 2021), ("cla_group", "Children looked after at 31 March"), "characteristic", "number",
        (THREE,), "Total children",
    ),
    LongCount(
        ACTIVITY, "cla_care_leaver_activity", since(2021),
        ("care_leaver_age", "19 to 21 years"), "breakdown", "care_leaver_count", (EET,), "Total", NOT_EET,
    ),
    LongCount(
        ACTIVITY, "cla_2022_care_leaver_activity", range(2018, 2021),
        ("age", "Aged 19 to 21"), "activity", "number", (EET,), "Total", NOT_EET,
    ),
    LongCount(
        ACCOMMODATION, "cla_care_leaver_accommodation", since(2021),
        ("care_leaver_age", "19 to 21 years"), "breakdown", "care_leaver_count", (SUITABLE,), "Suitability total",
        ("Accommodation considered unsuitable", "No information"),
    ),
    LongCount(
        ACCOMMODATION, "cla_2022_care_leaver_accommodation", range(2018, 2021),
        ("age", "19 to 21 years"), "accommodation_suitability", "number", (SUITABLE,), "Total",
        ("Accommodation considered not suitable", "No information"),
    ),
)  # fmt: skip

PLACED = ("CLA_1Pla", "CLA_2PLa")
IN_2013 = ("cla_2013_cla", 2013)
IN_2014_PLACED = ("cla_2014_cla", 2014)
IN_2014 = ("cla_2014_formercareleavers", 2014)
IN_2015 = ("cla_2015_formercareleavers", 2015)
IN_2016 = ("cla_2016_careleavers", 2016)
IN_2017 = ("cla_2017_careleavers19to21", 2017)

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

# Earlier vintages of years that are read from a newer release above.
EARLIER_LONG = tuple(replace(place, years=range(2021, 2023)) for place in LONG if place.file.startswith("cla_2022"))
SUITABILITY = ("CL_Acc_SUIT19to21",), "CL_Acc_Total_SUIT19to21", ("CL_Acc_NotSUIT19to21", "CL_Acc_NoSUITInfo19to21")
EET_2018 = ("CL_Act_EET19to21",), "CL_All_19to21", ("CL_Act_NEET19to21", "CL_Act_NoInf19to21")
EARLIER_WIDE = (
    WideCount("three_placements", "cla_2018_cla", 2018, ("CLA_3_Pl",), "CLA_Mar2018", (),
              exhaustive=False, secondary="other"),
    WideCount("three_placements", "cla_2019_cla", 2019, ("CLA_3_Pl",), "CLA_Mar2019", (),
              exhaustive=False, secondary="other"),
    WideCount(ACTIVITY, "cla_2018_careleavers_act_intouch19to21", 2018, *EET_2018,
              secondary="numerator"),
    WideCount(ACTIVITY, "cla_2019_careleaver_act_intouch_19to21", 2019, *EET_2018,
              secondary="numerator"),
    WideCount(ACCOMMODATION, "cla_2018_careleavers_acc_stayput19to21", 2018, *SUITABILITY,
              secondary="numerator"),
    WideCount(ACCOMMODATION, "cla_2019_careleavers_acc_stayput19to21", 2019, *SUITABILITY,
              secondary="numerator"),
)  # fmt: skip


def looked_after(official: Official, indicators: Mapping[str, Indicator]) -> pd.DataFrame:
    """Read placement moves (2013, 2014, 2018 to 2025) and care leavers aged 19 to 21 (2014 to 2025).

    Parameters
    ----------
    official
        The official files.
    indicators
        The dictionary.

    Returns
    -------
    pandas.DataFrame
        Cells of a panel. The long files give a row to authorities in years when they did not exist, marked as not
        applicable; the caller leaves those out.
    """
    return count_cells(official, indicators, [*LONG, *WIDE])


def earlier_releases(official: Official, indicators: Mapping[str, Indicator]) -> pd.DataFrame:
    """Read years that a newer release has too, as the releases of 2018, 2019 and 2022 published them."""
    return count_cells(official, indicators, [*EARLIER_LONG, *EARLIER_WIDE])
