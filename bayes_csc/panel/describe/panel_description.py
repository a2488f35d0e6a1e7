"""A panel's description: every table that the page and the command line show of it, computed once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from bayes_csc.panel.describe.coverage import coverage, identity, national, suppression
from bayes_csc.panel.describe.display_unit import DisplayUnit, display_units
from bayes_csc.panel.describe.outlying_changes import THRESHOLD, jumps
from bayes_csc.panel.describe.supplementary_summary import covariate_summary, provider_summary, visit_summary
from bayes_csc.panel.geography import codes_of
from bayes_csc.panel.panel import Panel
from bayes_csc.panel.revisions import current_cells, revision_summary


@dataclass(frozen=True)
class Description:
    """All that the page and the command line say of a panel.

    Parameters
    ----------
    panel
        The data.
    identity
        Name, dates and hash.
    coverage, suppression, national, revisions, jumps
        See the functions of these names in `coverage`, `bayes_csc.panel.revisions` and `outlying_changes`.
    covariates, visits, providers
        See `bayes_csc.panel.describe.supplementary_summary`; without rows where the panel has no such table.
    units
        The unit of each indicator.
    threshold
        Smallest |z| of a jump.
    """

    panel: Panel
    identity: dict[str, str]
    coverage: pd.DataFrame
    suppression: pd.DataFrame
    national: pd.DataFrame
    revisions: pd.DataFrame
    jumps: pd.DataFrame
    covariates: pd.DataFrame
    visits: pd.DataFrame
    providers: pd.DataFrame
    units: dict[str, DisplayUnit]
    threshold: float

    def label(self, key: str) -> str:
        """Label of an indicator."""
        return self.panel.indicators[key].label

    def place(self, authority: str) -> str:
        """Name of an authority, or names of those behind a joint return."""
        return " and ".join(self.panel.authorities.loc[list(codes_of(authority)), "name"])


def described(panel: Panel, threshold: float = THRESHOLD) -> Description:
    """Compute a panel's description."""
    return Description(
        panel=panel,
        identity=identity(panel),
        coverage=coverage(panel),
        suppression=suppression(panel),
        national=national(panel),
        revisions=revision_summary(panel),
        jumps=jumps(panel, threshold),
        covariates=covariate_summary(panel),
        visits=visit_summary(panel),
        providers=provider_summary(panel),
        units=display_units(panel.indicators, current_cells(panel)),
        threshold=threshold,
    )


def records(table: pd.DataFrame) -> list[Any]:
    """Rows of a table as tuples with names, the row's label in `Index`."""
    return list(table.itertuples())
