"""Inspections that there may be: one a year of every authority, of which a model of their timing takes some."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from bayes_csc.measurement.judgements.inspection_rates import OpenTime, seen_until
from bayes_csc.measurement.judgements.inspection_timing import FIRST_MONTH, first_day, timing_rows
from bayes_csc.panel.calendar import grid_position
from bayes_csc.panel.panel import INSPECTION, OVERALL, Panel, inspection_dates

KEY = ["authority", "timing_year"]


def with_possible(panel: Panel, rng: np.random.Generator) -> Panel:
    """Put one possible inspection of every authority and year in the place of those that there were.

    The years are those whose inspections `timing.timing_rows` observes; inspections outside them, such as those before
    the first such year, stay. A possible inspection starts on any day of its year on which inspections go on. Its
    framework, type and domains are those of the latest inspection of any authority by that day, the time to its
    publication is the record's median, and its grades, which stand until others are drawn, are the record's at random.

    Parameters
    ----------
    panel
        A panel with inspections.
    rng
        Source of chance.

    Returns
    -------
    Panel
        With the column `timing_year` in `inspections`: the year of a possible inspection, blank of one that stays.
    """
    table = panel.inspections.assign(start_date=inspection_dates(panel.inspections))
    asked = timing_rows(panel, list(panel.authorities.index))[["unit", "year"]].set_axis(KEY, axis=1)
    first = first_day(np.array([asked.timing_year.min()]))[0]
    year = reporting_year(table.start_date)
    observed = pd.MultiIndex.from_arrays([table.authority, year]).isin(pd.MultiIndex.from_frame(asked))
    stays = table[~observed | (table.start_date <= first)].assign(timing_year=np.nan)
    done = pd.MultiIndex.from_arrays([stays.authority, reporting_year(stays.start_date)])
    asked = asked[~pd.MultiIndex.from_frame(asked).isin(done)].reset_index(drop=True)
    possible = _possible(table, asked.assign(start_date=_open_days(panel, table, asked.timing_year, rng)))
    possible["grade"] = rng.choice(table.grade[table.domain == OVERALL].to_numpy(dtype=int), len(possible))
    return replace(panel, inspections=pd.concat([stays, possible[list(stays.columns)]], ignore_index=True))


def _possible(table: pd.DataFrame, asked: pd.DataFrame) -> pd.DataFrame:
    """Judgements of inspections of these authorities on these days, each like the record's latest by that day."""
    models = table.sort_values("start_date", kind="stable")
    number = models.groupby(INSPECTION, sort=False, dropna=False).ngroup().to_numpy()
    place = np.searchsorted(models.start_date.to_numpy(), asked.start_date.to_numpy(), side="right")
    asked = asked.assign(model=number[np.maximum(place - 1, 0)])
    parts = models.assign(model=number)[["model", "framework", "type", "domain"]]
    lag = (table.publication_date - table.start_date).dt.days.median()
    possible = asked.merge(parts, on="model").drop(columns="model")
    return possible.assign(publication_date=possible.start_date + pd.Timedelta(days=round(float(lag))))


def reporting_year(start: pd.Series) -> np.ndarray:
    """Year in which the reporting year (April to March) of a day ends."""
    return np.asarray(start.dt.year + (start.dt.month >= FIRST_MONTH), dtype=int)


def _open_days(panel: Panel, table: pd.DataFrame, years: pd.Series, rng: np.random.Generator) -> pd.Series:
    """A day of each of these reporting years, any of those on which inspections went on."""
    overall = table[table.domain == OVERALL].assign(start=table.start_date)
    closed = OpenTime.of(overall.start, seen_until(panel, overall)).closed
    out = pd.Series(pd.NaT, index=years.index, dtype="datetime64[ns]")
    for year, chosen in years.groupby(years):
        first, after = first_day(np.array([year, year + 1]))
        days = pd.Series(pd.date_range(first, after, inclusive="left"))
        at = np.asarray(grid_position(days))[:, None]
        days = days[~((closed[:, 0] <= at) & (at < closed[:, 1])).any(axis=1)]
        out[chosen.index] = rng.choice(days.to_numpy(), len(chosen))
    return out


def those_taken(table: pd.DataFrame, taken: pd.DataFrame) -> pd.DataFrame:
    """Inspections that stay, and the possible ones of these authorities and years.

    Parameters
    ----------
    table
        Judgements with `timing_year`, as of `with_possible`.
    taken
        Columns `authority` and `timing_year`.
    """
    chosen = pd.MultiIndex.from_frame(table[KEY]).isin(pd.MultiIndex.from_frame(taken[KEY].astype({KEY[1]: float})))
    return table[table.timing_year.isna().to_numpy() | chosen].drop(columns="timing_year").reset_index(drop=True)
