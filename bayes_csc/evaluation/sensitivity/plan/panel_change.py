"""A panel with part of its data left out, or grouped otherwise."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from bayes_csc.evaluation.sensitivity.plan.neighbours import neighbour_groups
from bayes_csc.evaluation.sensitivity.plan.plan import PanelChange
from bayes_csc.panel.geography import codes_of, linked_blocks
from bayes_csc.panel.panel import Panel

BLANK = ("numerator", "value", "lower", "upper")


def changed_panel(panel: Panel, change: PanelChange) -> Panel:
    """Apply a change to a panel; no change gives the panel itself.

    Figures of a year left out count as not available, so that the grid of theta, and with it now, stays. An authority
    left out takes its cells, inspections and side tables with it, and the joint returns that it is part of.
    """
    if change == PanelChange():
        return panel
    cells, revisions, authorities = panel.cells, panel.revisions, panel.authorities
    if change.drop_joint_returns:
        cells, revisions = (rows[~_joint(rows)].reset_index(drop=True) for rows in (cells, revisions))
    if change.drop_years:
        gone = cells["year"].isin(change.drop_years) & cells["status"].isin(["observed", "suppressed"])
        blank = {name: cells[name].mask(gone) for name in BLANK}
        cells = cells.assign(**blank, status=cells["status"].mask(gone, "not_available"))
        revisions = revisions[~revisions["year"].isin(change.drop_years)].reset_index(drop=True)
    if change.neighbour_groups:
        groups = neighbour_groups(authorities, change.neighbour_groups)
        authorities = authorities.assign(region=groups.reindex(authorities.index))
    kept = remaining(change, panel)
    changed = replace(panel, cells=cells, revisions=revisions, authorities=authorities)
    return changed if len(kept) == len(authorities) else of_authorities(changed, kept)


def remaining(change: PanelChange, panel: Panel) -> pd.Index:
    """Codes of the authorities that a change leaves."""
    table = panel.authorities
    gone = set(table.index[table["region"].isin(change.drop_regions)])
    small = set(table.index[table["population"] < change.smallest_population])
    for block in linked_blocks(table, ()):
        # successors and predecessors share their states, so that they go or stay together
        if gone & set(block) or (small & set(block) and small >= set(block)):
            gone |= set(block)
    return table.index[~table.index.isin(list(gone))]


def of_authorities(panel: Panel, kept: pd.Index) -> Panel:
    """The panel of some of its authorities, with the joint returns of no others."""
    there = set(kept)

    def of(rows: pd.DataFrame) -> pd.DataFrame:
        units = {unit: there.issuperset(codes_of(unit)) for unit in rows["authority"].unique()}
        inside = rows["authority"].map(units).to_numpy(dtype=bool) if len(rows) else np.zeros(0, dtype=bool)
        return rows[inside].reset_index(drop=True)

    names = ("cells", "revisions", "inspections", "covariates", "earlier_inspections", "visits", "providers")
    tables: dict[str, Any] = {name: of(getattr(panel, name)) for name in names}
    return replace(panel, authorities=panel.authorities.loc[kept], **tables)


def _joint(rows: pd.DataFrame) -> pd.Series:
    return rows["authority"].str.contains("+", regex=False).astype(bool)
