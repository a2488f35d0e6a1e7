"""What is forecast at an origin, and what came of it: the next inspection of each authority."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import pandas as pd

from bayes_csc.panel.geography import existing
from bayes_csc.panel.panel import OVERALL, Panel, inspection_dates

HORIZONS = (12, 24)
"""Months after the origin within which an inspection starts."""
KEY = ["authority", "horizon"]
YEAR_DAYS = 365.25


def overall_judgements(panel: Panel) -> pd.DataFrame:
    """Inspections in the order of their starts, each with its whole grade (`panel.whole_grades`).

    Returns
    -------
    pandas.DataFrame
        `authority`, `start` (estimated where it is not known, `panel.inspection_dates`), `published`, `grade`,
        `framework`, and `overall`, whether that is an overall grade: only such a one is an outcome to forecast or to
        learn from, while the worst sub-judgement, where there is none, may be what came before.
    """
    whole = panel.whole_grades()
    start = inspection_dates(panel.inspections).loc[whole.index]
    return (
        whole.assign(start=start, published=whole["publication_date"], overall=whole["domain"] == OVERALL)
        .sort_values(["authority", "start", "published"], ignore_index=True)
        .loc[:, ["authority", "start", "published", "grade", "framework", "overall"]]
    )


def targets(known: Panel, origin: datetime.date, horizons: Sequence[int] = HORIZONS) -> pd.DataFrame:
    """What a forecaster is asked: the grade of each authority's next inspection, given that it starts at a date.

    When an inspection starts is not known at the origin, so the date given is the middle of the horizon.

    Parameters
    ----------
    known
        The panel as known at the origin (`known.known_at`).
    origin
        The origin.
    horizons
        In months.

    Returns
    -------
    pandas.DataFrame
        Indexed by authority (those that exist at the origin) and horizon: `date`, the day given; `previous`, the
        grade of the last judgement that was out, and `previous_start` (NaN, NaT where there is none; a successor
        inherits none); `gap`, years from that start to `date`.
    """
    day = pd.Timestamp(origin)
    codes = existing(known.authorities, origin)
    last = overall_judgements(known).groupby("authority").tail(1).set_index("authority").reindex(codes)
    tables = []
    for months in horizons:
        date = day + pd.DateOffset(months=months // 2)
        table = pd.DataFrame(
            {
                "authority": codes,
                "horizon": months,
                "date": date,
                "previous": last["grade"].to_numpy(dtype=float),
                "previous_start": last["start"].to_numpy(),
            }
        )
        tables.append(table.assign(gap=(date - table["previous_start"]).dt.days / YEAR_DAYS))
    return pd.concat(tables, ignore_index=True).set_index(KEY)


def outcomes(panel: Panel, origin: datetime.date, horizons: Sequence[int] = HORIZONS) -> pd.DataFrame:
    """Grades of the first inspection of each authority that starts on the origin or later, within each horizon.

    An inspection that started before the origin and was published after it is no target, as it is no training. Where
    the first one has no overall grade nothing is scored: neither its sub-judgements nor a later inspection.

    Parameters
    ----------
    panel
        The whole panel.
    origin
        The origin.
    horizons
        In months.

    Returns
    -------
    pandas.DataFrame
        Indexed by authority and horizon: `start`, `published`, `grade`.
    """
    day = pd.Timestamp(origin)
    judgements = overall_judgements(panel)
    later = judgements[(judgements["start"] >= day) & (judgements["published"] > day)]
    first = later.groupby("authority").head(1)
    first = first[first["overall"] & first["grade"].notna()].astype({"grade": int})
    parts = [first[first["start"] < day + pd.DateOffset(months=m)].assign(horizon=m) for m in horizons]
    return pd.concat(parts, ignore_index=True).set_index(KEY)[["start", "published", "grade"]]


def straddling(panel: Panel, origin: datetime.date) -> int:
    """How many inspections had started before an origin and were published after it: neither training nor target."""
    judgements, day = overall_judgements(panel), pd.Timestamp(origin)
    return int(((judgements["start"] < day) & (judgements["published"] > day)).sum())
