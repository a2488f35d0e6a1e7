"""How old a panel is on the day that a report of it is made, and what to say where that is too old."""

from __future__ import annotations

import datetime

import pandas as pd

from bayes_csc.panel.calendar import day
from bayes_csc.report.findings.words.vocabulary import years

OLD_AFTER = pd.DateOffset(months=6)
"""Age of a panel from which a report says first of all how old it is."""
DAYS_A_YEAR = 365.25


def age_warning(panel_date: datetime.date, made: datetime.date) -> str:
    """Say that a panel is older than six months; "" where it is not.

    Parameters
    ----------
    panel_date
        The panel's date.
    made
        The day the report is made.

    Examples
    --------
    >>> age_warning(datetime.date(2025, 12, 31), datetime.date(2026, 6, 30))
    ''
    >>> age_warning(datetime.date(2025, 12, 31), datetime.date(2026, 11, 30)).partition(":")[0]
    'The data are old'
    """
    if pd.Timestamp(made) <= pd.Timestamp(panel_date) + OLD_AFTER:
        return ""
    age = years((made - panel_date).days / DAYS_A_YEAR)
    return (
        f"The data are old: the panel is of {day(panel_date)}, {age} before {day(made)}, when this report was made. "
        "Inspections and figures published since are not in it, and any authority may have been inspected again. "
        "For England, bayescsc data refresh brings the panel up to date."
    )


def made_on(panel_date: datetime.date, made: datetime.date) -> dict[str, str]:
    """Return what a report says of its day: `made`, and `old_panel` where the panel is old then."""
    warning = age_warning(panel_date, made)
    return {"made": made.isoformat()} | ({"old_panel": warning} if warning else {})
