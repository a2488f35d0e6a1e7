"""When authorities were inspected, as observations of theta: a hazard in discrete time.

For every reporting year t (April to March) in which an inspection of authority a might have started,

    y[a, t] = 1{an inspection of a starts in t}
    P(y = 1) = Phi(level + grade[g] + since[s] + year[t] + b x[a] + loading theta(a, middle of t))

with g the overall grade of the last inspection before the year and s the time since it, in which inspections went on
(`inspection_rates`). Written as a score with unit noise, y = 1{u > 0}, half of whose variance is white noise of the
observation and half is in its likelihood, a cell enters as a count does, by a Gaussian site.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import log_ndtr

from bayes_csc.errors import SpecError
from bayes_csc.measurement.judgements.inspection_rates import NEVER, OpenTime, seen_until
from bayes_csc.panel.calendar import grid_position
from bayes_csc.panel.panel import Panel, inspection_dates

TIMING = "inspection_timing"
"""What stands for an indicator's key in these observations, and is their family."""
WHITE_VARIANCE = 0.5
"""Part of the score's unit noise variance that is white noise; the rest is in the likelihood."""
BANDS = ("under 1 year", "1 to 2 years", "2 to 3 years", "3 to 4 years", "4 years or more")
START, FIRST_MONTH = 0.7, 4
"""Distance of a site's first guess from zero, in probits; month in which a reporting year begins."""


def timing_rows(panel: Panel, authority: Sequence[str]) -> pd.DataFrame:
    """Whether each authority was inspected in each reporting year, as observations.

    Years count from the first that began after the record did to the last whose inspections are all known; a year
    in which inspections were closed throughout does not, nor one in which the authority did not exist throughout.

    Parameters
    ----------
    panel
        Whose inspections, their whole grades and dates are used.
    authority
        Codes.

    Returns
    -------
    pandas.DataFrame
        Columns of `observations.observation_rows`, with `numerator` 1 or 0, and `previous` (index of the grade before
        the year, 0: never inspected) and `since` (index in `BANDS`).

    Raises
    ------
    SpecError
        No whole year of inspections.
    """
    overall = panel.whole_grades()
    overall = overall.assign(start=inspection_dates(panel.inspections).loc[overall.index])
    until = seen_until(panel, overall)
    overall = overall[overall.start <= until].sort_values(["start", "publication_date"])
    years = whole_years(overall.start, until)
    if not years.size:
        raise SpecError(f"ratings.timing: panel {panel.name} has no whole year of inspections; leave timing out")
    clock = OpenTime.of(overall.start, until)
    begun = clock(grid_position(first_day(years)))
    open_years = clock(grid_position(first_day(years + 1))) - begun
    table = panel.authorities.loc[list(authority)]
    born = table.valid_from.fillna(overall.start.min()).clip(lower=overall.start.min())
    parts = [
        _authority_rows(code, overall[overall.authority == code], born[code], years, begun, clock) for code in authority
    ]
    rows = pd.concat(parts, ignore_index=True)
    place = rows.year.to_numpy() - years[0]
    there = table.loc[rows.unit]
    whole = there.valid_from.isna().to_numpy() | (there.valid_from.to_numpy() <= first_day(rows.year.to_numpy()))
    whole &= there.valid_to.isna().to_numpy() | (there.valid_to.to_numpy() >= first_day(rows.year.to_numpy() + 1))
    kept: pd.DataFrame = rows[whole & (open_years[place] > 0)].reset_index(drop=True)
    return kept


def whole_years(start: pd.Series, until: pd.Timestamp) -> np.ndarray:
    """Reporting years (by the year in which they end) that began after the first start and were over by a day."""
    if start.empty:
        return np.zeros(0, dtype=int)
    years = np.arange(start.min().year, until.year + 2)
    known = (first_day(years) >= start.min()) & (first_day(years + 1) <= until + pd.Timedelta(days=1))
    return np.asarray(years[known])


def first_day(year: np.ndarray) -> pd.DatetimeIndex:
    """First day of reporting years: 1 April of the year before the one in which they end."""
    return pd.DatetimeIndex([pd.Timestamp(int(t) - 1, FIRST_MONTH, 1) for t in year])


def _authority_rows(
    code: str, mine: pd.DataFrame, born: pd.Timestamp, years: np.ndarray, begun: np.ndarray, clock: OpenTime
) -> pd.DataFrame:
    """One authority's years; `begun` is the open time at which each began."""
    starts = mine.start.to_numpy()
    before = np.searchsorted(starts, first_day(years), side="left")
    by_the_end = np.searchsorted(starts, first_day(years + 1), side="left")
    inspected = (by_the_end > before).astype(float)
    then = clock(grid_position(pd.DatetimeIndex([born, *mine.start])))[before]
    grades = np.array([NEVER, *mine.grade.fillna(NEVER)], dtype=int)
    return pd.DataFrame(
        {
            "unit": code,
            "indicator": TIMING,
            "family": TIMING,
            "year": years,
            "position": years.astype(float),
            "z": START * (2.0 * inspected - 1.0),
            "variance": 1.0,
            "confidence_variance": 0.0,
            "sign": 1.0,
            "numerator": inspected,
            "denominator": 1.0,
            "site": True,
            "previous": grades[before],
            "since": np.clip(np.floor(begun - then), 0, len(BANDS) - 1).astype(int),
        }
    )


def timing_log_likelihood(inspected: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Log P(y | z) = log Phi((2 y - 1) z / sd), the sd that of the noise which z does not have yet."""
    return np.asarray(log_ndtr((2.0 * inspected - 1.0) * z / np.sqrt(1.0 - WHITE_VARIANCE)))
