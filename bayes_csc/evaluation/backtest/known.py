"""A panel as it was known at an origin: figures, judgements, deprivation, population and authorities."""

from __future__ import annotations

import datetime
from dataclasses import replace

import pandas as pd

from bayes_csc.panel.geography import codes_of, predecessors
from bayes_csc.panel.panel import Panel

DEPRIVATION, POPULATION = "imd", "population_0_17"
"""Covariates, where a panel has them, that date what its table of authorities does not."""
POPULATION_LAG = 2
"""Estimates for the middle of a year come out about a year later: on 1 January those of two years before are known."""


def known_at(panel: Panel, origin: datetime.date) -> Panel:
    """Everything of a panel that was known on a day, and nothing else.

    `Panel.as_of` leaves out the figures, vintages and judgements that were published later; here the table of
    authorities goes back too. Authorities made later are not there, abolitions to come are not known, and where the
    panel has the covariates `imd` and `population_0_17`, deprivation is the latest edition of an earlier year (an
    authority without a figure in it has that of the nearest edition) and population the latest estimate that was out.
    Statistical neighbours, and the texts about releases, are left out: they have no date.

    Parameters
    ----------
    panel
        The whole panel.
    origin
        The day; what was published on it is in.

    Returns
    -------
    Panel
        Dated by the origin; its window, the dictionary and the regions are the panel's own.
    """
    known = panel.as_of(origin)
    authorities = _authorities(panel.authorities, pd.Timestamp(origin))
    authorities = authorities.assign(
        deprivation=_dated(panel, authorities, DEPRIVATION, origin.year - 1, "deprivation"),
        population=_dated(panel, authorities, POPULATION, origin.year - POPULATION_LAG, "population"),
    )
    # a mid-year estimate of the year before may not be out yet, though its year is over
    late = known.covariates["covariate"].eq(POPULATION) & (known.covariates["year"] > origin.year - POPULATION_LAG)
    return replace(
        known,
        authorities=authorities,
        inspections=_of(known.inspections, authorities),
        cells=_of(known.cells, authorities),
        revisions=_of(known.revisions, authorities),
        covariates=_of(known.covariates[~late], authorities),
        earlier_inspections=_of(known.earlier_inspections, authorities),
        visits=_of(known.visits, authorities),
        providers=_of(known.providers, authorities),
        releases=None,
        readme="",
    )


def _authorities(table: pd.DataFrame, when: pd.Timestamp) -> pd.DataFrame:
    """Rows of the authorities that had begun, without what happened to them afterwards."""
    begun = table[~(table["valid_from"] > when)]
    lasting = ~(begun["valid_to"] <= when)
    made = predecessors(begun)
    there = {part for parts in made.values() for part in parts}
    return begun.assign(
        valid_to=begun["valid_to"].mask(lasting),
        successors=begun["successors"].where(begun.index.isin(list(there)), ""),
        neighbours="",
    )


def _dated(panel: Panel, authorities: pd.DataFrame, covariate: str, last: int, column: str) -> pd.Series:
    """A covariate of the latest year up to `last`, by authority: its own nearest year, else the median of the others.

    Where the panel has no such covariate at all, the column of the table of authorities is all there is.
    """
    rows = panel.covariates[panel.covariates["covariate"] == covariate]
    rows = rows[(rows["year"] <= last) & rows["authority"].isin(authorities.index)]
    if rows.empty:
        return authorities[column]
    own = rows.sort_values("year").groupby("authority")["value"].last().reindex(authorities.index)
    return own.fillna(float(own.median()))


def _of(rows: pd.DataFrame, authorities: pd.DataFrame) -> pd.DataFrame:
    """Rows about authorities that had begun; a joint return needs all of its own."""
    there = set(authorities.index)
    units = {unit: there.issuperset(codes_of(unit)) for unit in rows["authority"].unique()}
    return rows[rows["authority"].map(units).astype(bool)].reset_index(drop=True)
