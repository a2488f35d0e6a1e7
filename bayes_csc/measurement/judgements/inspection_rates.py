"""When an authority is inspected next: rates of inspection by previous grade and time since, from a panel's own record.

Time since an inspection is counted while inspections go on: a quarter in which none started anywhere (the pandemic)
has neither exposure nor duration. Seen in England: counted so, the gaps of before, across and after the pandemic agree
(3.8, 3.9 and 3.1 years and more after "good"); by the calendar those across it are a year longer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from bayes_csc.panel.calendar import grid_position
from bayes_csc.panel.panel import Panel, inspection_dates

BAND = 0.5
"""Years of a band of time since the last inspection."""
LONGEST = 5.0
"""The last band has no end: few authorities wait longer, and their rate is taken to stay."""
ENOUGH_A_QUARTER = 3.0
"""Inspections a quarter, on average, from which a quarter without any is no accident (probability below 0.05)."""
TYPICAL_GAP, WEIGHT = 3.0, 1.0
"""A panel without inspections to learn from: a gap in years, and how many inspections' worth that counts."""
NEVER = 0
"""Stands for the previous grade of an authority that was never inspected: rates of all grades together."""


@dataclass(frozen=True)
class OpenTime:
    """Time during which inspections go on, in years.

    Attributes
    ----------
    closed
        Grid positions of the starts and ends of the closed quarters (quarter, 2), in order.
    """

    closed: np.ndarray

    @classmethod
    def of(cls, start: pd.Series, until: pd.Timestamp) -> OpenTime:
        """Find the closed quarters between the first of the inspections' starts and a day."""
        quarter = start[start <= until].dt.to_period("Q")
        if quarter.empty:
            return cls(np.zeros((0, 2)))
        whole = pd.period_range(quarter.min(), (until + pd.Timedelta(days=1)).to_period("Q") - 1, freq="Q")
        empty = whole[~whole.isin(quarter)]
        if not empty.size or len(quarter) / len(whole) < ENOUGH_A_QUARTER:
            return cls(np.zeros((0, 2)))
        ends = [grid_position(edge.to_timestamp().to_series()) for edge in (empty, empty + 1)]
        return cls(np.column_stack(ends))

    def __call__(self, position: np.ndarray) -> np.ndarray:
        """Open time at grid positions: the position less what was closed before it."""
        at = np.asarray(position, dtype=float)[..., None]
        gone = np.clip(at - self.closed[:, 0], 0.0, self.closed[:, 1] - self.closed[:, 0])
        return np.asarray(at[..., 0] - gone.sum(axis=-1))


@dataclass(frozen=True)
class Reinspection:
    """The rate at which inspections start, by previous grade and time since the last one.

        rate[g, b] = (events[g, b] + w) / (exposure[g, b] + w / rate[b]),   w = WEIGHT,
        rate[b] = (events[b] + w) / (exposure[b] + w / rate),               rate = (events + w) / (exposure + w gap)

    so that a cell with few inspections leans on its band, and a band on the whole: gamma-Poisson means. Given its
    prior's mean (of a cell the band's rate, of a band the whole's), the rate itself is

        r[g, b] ~ Gamma(shape = events[g, b] + w, rate = exposure[g, b] + w / rate[b]),

    independent between bands. With x[b] the years to be spent in band b until t, the predictive probability that no
    inspection has started by t averages over that posterior,

        P(none by t) = E[exp(-sum over b of r[g, b] x[b])] = product over b of (1 + x[b] rate[g, b] / shape) ** -shape,

    in closed form: what any number of draws of the rates tends to. A prior's own uncertainty is left out: it is small
    beside that of a cell about it, whose weight is one inspection.

    Attributes
    ----------
    table
        `events`, `exposure` (years), `rate` (a year) and the posterior's `shape` by `grade` (0: all together) and
        `band` (its start, years).
    last
        Indexed by authority: `grade` (0: never inspected) and `years` of open time up to the panel's date since the
        last inspection (since the authority, or else the record, began).
    now
        Grid position of the panel's date.
    """

    table: xr.Dataset
    last: pd.DataFrame
    now: float

    @classmethod
    def of(cls, panel: Panel) -> Reinspection:
        """Count the inspections of a panel and the time in which there might have been one.

        Exposure ends where inspections may not have been published yet: the panel's date, or the day by which they were
        published less the typical lag.
        """
        overall = panel.whole_grades()
        overall = overall.assign(start=inspection_dates(panel.inspections).loc[overall.index])
        overall = overall[overall.start <= pd.Timestamp(panel.date)]
        clock = OpenTime.of(overall.start, seen_until(panel, overall))
        order = ["authority", "start", "publication_date"]
        spells = overall.sort_values(order)[["authority", "grade", "start"]].reset_index(drop=True)
        spells["grade"] = spells.grade.fillna(NEVER).astype(int)  # one that compares with none: the rates of all
        spells["begun"] = clock(grid_position(spells.start))
        spells["ended"] = spells.groupby("authority").begun.shift(-1)
        spells["event"] = spells.ended.notna()
        unseen = float(clock(np.array(grid_position(seen_until(panel, overall)))))
        spells["ended"] = np.maximum(spells.ended.fillna(unseen), spells.begun)
        now = float(grid_position(panel.date))
        last = _last(panel, spells, float(clock(np.array(now))), clock)
        return cls(inspection_rates(spells, len(panel.grades)), last, now)

    def cumulative(self, codes: list[str], years: np.ndarray) -> np.ndarray:
        """Expected inspections (authority, time) of each authority from the panel's date to so many years after it."""
        return self._over_bands(codes, years, lambda spent, rate, shape: spent * rate)

    def started(self, codes: list[str], years: np.ndarray) -> np.ndarray:
        """Predictive probability (authority, time) that the next inspection has started so many years after the date.

        That of never having started by then is averaged over the rates' posterior.
        """
        return -np.expm1(
            -self._over_bands(codes, years, lambda spent, rate, shape: shape * np.log1p(spent * rate / shape))
        )

    def probabilities(self, codes: list[str], edges: np.ndarray) -> np.ndarray:
        """Probability (authority, period) that the next inspection starts between two edges, years after the date.

        What is left after the last edge counts to the last period, so that each row sums to one.
        """
        by = self.started(codes, edges)
        by[:, 0], by[:, -1] = 0.0, 1.0
        return np.asarray(np.diff(by, axis=1))

    def quantile(self, codes: list[str], level: float, horizon: float) -> np.ndarray:
        """Years after the panel's date by which the next inspection has started with this probability, capped."""
        years = np.linspace(0.0, horizon, int(horizon * 365) + 1)
        by = self.started(codes, years)
        return years[np.minimum((by < level).sum(axis=1), years.size - 1)]

    def _over_bands(
        self, codes: list[str], years: np.ndarray, part: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
    ) -> np.ndarray:
        """Sum over bands (authority, time) of a function of the years spent in a band, its rate and its shape."""
        last = self.last.loc[codes]
        since = last.years.to_numpy()[:, None]
        start, length = self.table.band.to_numpy(), np.append(np.diff(self.table.band.to_numpy()), np.inf)
        rate, shape = (self.table[name].to_numpy()[last.grade] for name in ("rate", "shape"))
        total = np.zeros((len(codes), np.size(years)))
        for b in range(start.size):
            spent = np.clip(since + years - start[b], 0.0, length[b]) - np.clip(since - start[b], 0.0, length[b])
            total += part(spent, rate[:, b, None], shape[:, b, None])
        return total


def inspection_rates(spells: pd.DataFrame, grades: int) -> xr.Dataset:
    """Events, exposure, smoothed rate and its posterior's shape by previous grade and band of time since.

    Parameters
    ----------
    spells
        One row from each inspection to the next or to where the record ends: `grade`, `begun`, `ended` (open time,
        years) and whether it ended in an inspection, `event`.
    grades
        Number of grades.
    """
    band = np.arange(0.0, LONGEST + BAND / 2, BAND)
    length = (spells.ended - spells.begun).to_numpy(dtype=float)[:, None]
    exposure = np.clip(length - band, 0.0, np.append(np.full(band.size - 1, BAND), np.inf))
    here = np.minimum(np.floor(length / BAND), band.size - 1) == np.arange(band.size)
    events = here & spells.event.to_numpy(dtype=bool)[:, None]
    mine = np.arange(grades + 1)[:, None] == spells.grade.to_numpy(dtype=int)
    mine[NEVER] = True
    n, years = (mine.astype(float) @ np.asarray(x, dtype=float) for x in (events, exposure))
    whole = (n[NEVER].sum() + WEIGHT) / (years[NEVER].sum() + WEIGHT * TYPICAL_GAP)
    by_band = (n[NEVER] + WEIGHT) / (years[NEVER] + WEIGHT / whole)
    rate = (n + WEIGHT) / (years + WEIGHT / by_band)
    rate[NEVER] = by_band
    dims = ("grade", "band")
    values = {"events": (dims, n), "exposure": (dims, years), "rate": (dims, rate), "shape": (dims, n + WEIGHT)}
    return xr.Dataset(values, coords={"grade": np.arange(grades + 1), "band": band})


def seen_until(panel: Panel, overall: pd.DataFrame) -> pd.Timestamp:
    """Day up to which inspections that started are in the panel."""
    if panel.published_by is None or overall.empty:
        return pd.Timestamp(panel.date)
    lag = pd.Timedelta(days=float((overall.publication_date - overall.start).dt.days.median()))
    known: pd.Timestamp = pd.Timestamp(panel.published_by) - lag
    return min(pd.Timestamp(panel.date), known)


def _last(panel: Panel, spells: pd.DataFrame, now: float, clock: OpenTime) -> pd.DataFrame:
    """Grade of each authority's last inspection and the open time since."""
    ended = spells.groupby("authority").tail(1).set_index("authority").reindex(panel.authorities.index)
    first = spells.begun.min() if len(spells) else now
    born = clock(grid_position(panel.authorities.valid_from))
    begun = ended.begun.fillna(pd.Series(np.fmax(born, first), index=ended.index))
    return pd.DataFrame({"grade": ended.grade.fillna(NEVER).astype(int), "years": np.maximum(now - begun, 0.0)})
