"""Arrays of the joint likelihood on series by years: what the peers' models of one posterior have in common."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayes_csc.measurement.design import Design
from bayes_csc.measurement.judgements.scales import JUDGEMENT
from bayes_csc.measurement.state_prior import SLOPE


@dataclass(frozen=True)
class Arrays:
    """The cells of a design, and where in arrays of series by reporting years each stands.

    Attributes
    ----------
    cell
        Rows of `Design.observation` that are no judgements, as indices.
    series, time, position
        Of each cell: its series (a unit's indicator), reporting year from 0, index of its instant.
    series_unit, series_kind
        Unit and indicator of each series.
    domain_cell, domain_series
        Cells (indices into `cell`) that share a domain's deviation, and the domain series of each.
    domain_of
        Domain of each domain series.
    years
        Number of reporting years.
    unit_authority, unit_share
        (unit, member): authorities of each unit and their shares, padded with shares of zero.
    weight
        (position, grid year): interpolation weights of theta at each instant.
    """

    cell: np.ndarray
    series: np.ndarray
    time: np.ndarray
    position: np.ndarray
    series_unit: np.ndarray
    series_kind: np.ndarray
    domain_cell: np.ndarray
    domain_series: np.ndarray
    domain_of: np.ndarray
    years: int
    unit_authority: np.ndarray
    unit_share: np.ndarray
    weight: np.ndarray

    @property
    def unit(self) -> np.ndarray:
        """Unit of each cell."""
        return np.asarray(self.series_unit[self.series])

    def unit_instant(self) -> np.ndarray:
        """Index (series, reporting year) into a raveled array of units by instants; 0 where there is no cell."""
        return self.dense(self.unit * len(self.weight) + self.position, 0)

    def dense(self, values: np.ndarray, empty: float) -> np.ndarray:
        """Lay values of the cells out as (series, reporting year), `empty` where there is no cell."""
        out = np.full((self.series_unit.size, self.years), empty, dtype=np.asarray(values).dtype)
        out[self.series, self.time] = values
        return out


def arrays_of(d: Design) -> Arrays:
    """Lay a design out by series and years; series and domain series in the order of `bayes_csc_models.joint`."""
    cell = np.flatnonzero((d.observation.indicator != JUDGEMENT).to_numpy())
    rows = d.observation.iloc[cell]
    series = pd.factorize(rows.unit + ":" + rows.indicator)[0]
    first = np.unique(series, return_index=True)[1]
    unit, _ = pd.factorize(rows.unit)
    unit_first = np.unique(unit, return_index=True)[1]
    authority, share = _members(rows.iloc[unit_first])
    instant, position = np.unique(rows.position.to_numpy(), return_inverse=True)
    at = np.flatnonzero(rows.domain.to_numpy() >= 0)
    shared = rows.iloc[at]
    domain_series = pd.factorize(shared.unit + ":" + shared.domain.astype(str))[0]
    domain_first = np.unique(domain_series, return_index=True)[1]
    year = rows.year.to_numpy()
    return Arrays(
        cell=cell,
        series=series,
        time=year - year.min(),
        position=position,
        series_unit=unit[first],
        series_kind=rows.kind.to_numpy()[first],
        domain_cell=at,
        domain_series=domain_series,
        domain_of=shared.domain.to_numpy()[domain_first],
        years=int(year.max() - year.min()) + 1,
        unit_authority=authority,
        unit_share=share,
        weight=d.weights(instant),
    )


def _members(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    width = max(len(m) for m in rows.members)
    authority, share = np.zeros((len(rows), width), dtype=int), np.zeros((len(rows), width))
    for i, (members, shares) in enumerate(zip(rows.members, rows.shares, strict=True)):
        authority[i, : len(members)], share[i, : len(members)] = members, shares
    return authority, share


@dataclass(frozen=True)
class Columns:
    """The columns of all blocks' covariance factors, block by block as in `bayes_csc_models.joint.states`.

    Attributes
    ----------
    kind
        Of every column.
    own
        Authorities by themselves, in block order.
    place
        (own authority, column): the columns of each.
    linked
        (block, columns) of every other block.
    """

    kind: np.ndarray
    own: np.ndarray
    place: np.ndarray
    linked: list[tuple[int, np.ndarray]]


def columns_of(d: Design) -> Columns:
    """Number the columns of all blocks."""
    sizes = [d.template[k].matrix.shape[1] for k in d.block_template]
    start = np.concatenate([[0], np.cumsum(sizes)]).astype(int)
    alone = [b for b, k in enumerate(d.block_template) if k == 0]
    return Columns(
        kind=np.concatenate([d.template[k].column_kind for k in d.block_template]),
        own=np.array([d.block[b][0] for b in alone], dtype=int),
        place=start[alone][:, None] + np.arange(d.template[0].matrix.shape[1]),
        linked=[(b, np.arange(start[b], start[b + 1])) for b, k in enumerate(d.block_template) if k != 0],
    )


def trend_unit(d: Design) -> float:
    """Coefficient of the own template's slope column that is a trend of one per unit of `Design.time`."""
    slope = d.template[0].matrix[:, SLOPE]
    return float(np.dot(slope, d.time) / np.dot(slope, slope))
