"""Children in need census: how much each authority does, per child who lives there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from bayes_csc.panel.indicators import Indicator
from bayes_csc.sources.children_in_need.cin import ASSESSMENTS, CONFERENCES, DURATION, REFERRALS, SUBSEQUENT
from bayes_csc.sources.download.official import Official
from bayes_csc.sources.places.population import children
from bayes_csc.sources.readers.cells import cell, on_day, panel_cells, year_to_march
from bayes_csc.sources.readers.tables import EES_SYMBOLS, UNAVAILABLE, entries, local_authorities, read_table

IN_NEED = "cin_children"


@dataclass(frozen=True)
class Rate:
    """Where the count of an activity stands.

    `stock` says whether it is of 31 March rather than of the year; `since` is the first year that is read.
    """

    indicator: str
    file: str
    count: str
    stock: bool = False
    since: int = 2013


RATES = (
    Rate("in_need_rate", IN_NEED, "At31_episodes", stock=True),
    Rate("referral_rate", REFERRALS, "referral_count"),
    # Authorities moved to the single assessment during 2013-14, in which most had few of them and 44 had none.
    Rate("assessment_rate", ASSESSMENTS, "Assessments_completed", since=2015),
    Rate("section_47_rate", CONFERENCES, "Section47"),
    Rate("initial_conference_rate", CONFERENCES, "ICPC"),
    Rate("plan_start_rate", SUBSEQUENT, "CPP_start"),
    Rate("plan_rate", DURATION, "CPP_At31", stock=True),
)


def activity(official: Official, indicators: Mapping[str, Indicator]) -> pd.DataFrame:
    """Read the activity rates of the children in need census.

    The numerator is a count, the denominator the children aged 0 to 17 at the mid-year before, as in the official
    rates; these count per 10,000 and take the estimate of their day, so that they differ by its later revision.

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
    exposure = children(official)
    parts = []
    for rate in RATES:
        path = official / rate.file
        table = local_authorities(read_table(path, ["time_period", "geographic_level", "old_la_code", rate.count]))
        table = table[table["time_period"].astype(int) >= rate.since]
        year = table["time_period"].astype(int)
        period = on_day(year, "03-31") if rate.stock else year_to_march(year)
        keys = pd.concat([table["old_la_code"].rename("authority"), year.rename("year"), period], axis=1)
        figures = [
            cell([count], [exposure.get((authority, at - 1), UNAVAILABLE)])
            for count, authority, at in zip(
                entries(table[rate.count], EES_SYMBOLS, path), keys["authority"], year, strict=True
            )
        ]
        parts.append(panel_cells(indicators[rate.indicator], keys, figures, official.source(rate.file)))
    return pd.concat(parts)
