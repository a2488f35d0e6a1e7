"""Positions in time: the year grid of the latent state, reference instants and publication dates."""

from __future__ import annotations

import datetime
from typing import Any, overload

import numpy as np
import pandas as pd

GRID_MONTH, GRID_DAY = 9, 30


@overload
def grid_position(dates: datetime.date | pd.Timestamp) -> float: ...


@overload
def grid_position(dates: pd.Series | pd.DatetimeIndex | np.ndarray) -> np.ndarray: ...


def grid_position(dates: Any) -> float | np.ndarray:
    """Position of dates on the year grid, where grid point t is 30 September of t - 1.

    Between two grid points the position is linear in days, so that a latent state on the grid is interpolated
    with weights 1 - w and w, w the fractional part.

    Parameters
    ----------
    dates
        One date or timestamp, or a series or array of datetimes; a missing date gives NaN.

    Returns
    -------
    float or numpy.ndarray
        The position, in years; an array, of the same length, where several dates are given.

    Examples
    --------
    >>> grid_position(datetime.date(2023, 9, 30))
    2024.0
    >>> round(float(grid_position(datetime.date(2024, 3, 31))), 3)
    2024.5
    """
    one = isinstance(dates, datetime.date | np.datetime64)
    days = np.atleast_1d(np.asarray(dates, dtype="datetime64[D]"))
    missing = np.isnat(days)
    known = np.where(missing, np.datetime64("2000-09-30"), days)
    year = known.astype("datetime64[Y]").astype(int) + 1970
    year = year - (known < _anchor(year))
    start, end = _anchor(year), _anchor(year + 1)
    position = year + 1 + (known - start) / (end - start)
    position = np.where(missing, np.nan, position)
    return float(position[0]) if one else position


def _anchor(year: np.ndarray) -> np.ndarray:
    first = (year - 1970).astype("datetime64[Y]").astype("datetime64[M]") + np.timedelta64(GRID_MONTH - 1, "M")
    anchor: np.ndarray = first.astype("datetime64[D]") + np.timedelta64(GRID_DAY - 1, "D")
    return anchor


def grid_date(position: float) -> datetime.date:
    """Date of a position on the year grid, the inverse of `grid_position` up to rounding to a day.

    Examples
    --------
    >>> grid_date(2026)
    datetime.date(2025, 9, 30)
    """
    point = int(np.floor(position))
    start = datetime.date(point - 1, GRID_MONTH, GRID_DAY)
    end = datetime.date(point, GRID_MONTH, GRID_DAY)
    return start + datetime.timedelta(days=round((position - point) * (end - start).days))


def reference_instant(start: pd.Series, end: pd.Series, kind: str) -> pd.Series:
    """Instant that a figure speaks about: the middle of a flow's period, or its last day.

    Parameters
    ----------
    start, end
        First and last day of the period, datetimes; equal for a stock.
    kind
        "midpoint" or "end", from the indicator dictionary.

    Returns
    -------
    pandas.Series
        Datetimes at midnight: the middle of a year ending on 31 March is 30 September.
    """
    if kind == "end":
        return end
    if kind == "midpoint":
        return (start + (end - start) / 2).dt.normalize()
    raise ValueError(f'reference instant must be "midpoint" or "end", found {kind!r}')


def publication_date(reference_end: pd.Series, month: int) -> pd.Series:
    """Nominal day on which figures became known: the last day of the first `month` after the period's end.

    Parameters
    ----------
    reference_end
        Last day of the period, datetimes.
    month
        The release's usual month, 1 to 12.

    Returns
    -------
    pandas.Series
        Datetimes, each the last day of its month.
    """
    year = reference_end.dt.year + (reference_end.dt.month >= month)
    first = pd.to_datetime(pd.DataFrame({"year": year, "month": month, "day": 1}))
    return first + pd.offsets.MonthEnd(0)


def day(date: datetime.date | str) -> str:
    """Write a date in words.

    Examples
    --------
    >>> day("2023-07-10")
    '10 July 2023'
    """
    when = datetime.date.fromisoformat(date) if isinstance(date, str) else date
    return f"{when.day} {when:%B %Y}"
