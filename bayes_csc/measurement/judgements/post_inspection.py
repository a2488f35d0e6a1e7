"""What a judgement of the worst grade may do to the figures that follow it: how much of each came after one.

An indicator whose dictionary says `post_inspection` has, on its link scale, the further term

    effect[k] w,   w = part of the figure's period that lies within two years after the start of such an inspection

w is between 0 and 1 for the count of a year, 0 or 1 for the count of a day. It says what follows a judgement, not what
the judgement does: what led to the one may lead to the other.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from bayes_csc.panel.geography import codes_of
from bayes_csc.panel.panel import Panel, inspection_dates

YEARS = 2.0
DAYS = 365.25
"""Days of a year."""


def after_worst(panel: Panel, rows: pd.DataFrame, indicators: Collection[str]) -> np.ndarray:
    """Part of each observation's period that came after a judgement of the worst grade, 0 to 1.

    Parameters
    ----------
    panel
        Whose inspections, by their whole grades, and reference periods are used.
    rows
        Observations: unit, indicator, year. That of several authorities together has the mean of theirs.
    indicators
        Keys of those that have such an effect; the others' observations have zero.
    """
    out = np.zeros(len(rows))
    at = np.flatnonzero(rows.indicator.isin(indicators))
    key = ["authority", "indicator", "year"]
    period = panel.cells.set_index(key)[["reference_start", "reference_end"]]
    mine = rows.iloc[at]
    chosen = period.loc[pd.MultiIndex.from_arrays([mine.unit, mine.indicator, mine.year], names=key)]
    first, last = (_days(chosen[name]) for name in ("reference_start", "reference_end"))
    windows = _windows(panel)
    for i, unit, begun, ended in zip(at, mine.unit, first, last + 1.0, strict=True):
        parts = [overlap(windows[code], begun, ended) for code in codes_of(unit) if code in windows]
        out[i] = sum(parts) / len(codes_of(unit))
    return out


def overlap(windows: np.ndarray, begun: float, ended: float) -> float:
    """Part of the time from `begun` to `ended` that lies in windows (window, 2) that do not overlap.

    Examples
    --------
    >>> overlap(np.array([[0.0, 2.0], [3.0, 9.0]]), 1.0, 5.0)
    0.75
    """
    inside = np.clip(windows[:, 1], begun, ended) - np.clip(windows[:, 0], begun, ended)
    return float(inside.sum() / (ended - begun))


def _windows(panel: Panel) -> dict[str, np.ndarray]:
    """By authority: start and end, in days, of the time after each judgement of the worst grade, up to the next."""
    table = panel.inspections
    whole = panel.whole_grades()
    worst = whole[whole.grade == len(panel.grades)]
    worst = worst.assign(day=_days(inspection_dates(table).loc[worst.index])).sort_values("day")
    out = {}
    for code, day in worst.groupby("authority").day:
        start = day.to_numpy()
        out[str(code)] = np.column_stack([start, np.minimum(start + YEARS * DAYS, np.append(start[1:], np.inf))])
    return out


def _days(dates: pd.Series) -> np.ndarray:
    return dates.to_numpy().astype("datetime64[D]").astype(float)
