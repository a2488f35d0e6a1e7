"""Which deprivation score an analysis uses: the authorities' own, or a covariate of one year."""

from __future__ import annotations

import pandas as pd

from bayes_csc.errors import SpecError
from bayes_csc.panel import Panel


def deprivation_scores(panel: Panel, score: str) -> pd.Series:
    """Deprivation of each authority of a panel.

    Parameters
    ----------
    panel
        The panel.
    score
        "" for the score in the table of authorities; else a covariate and its year, such as "imd-2015". An authority
        without a figure in that year has the one of the nearest year, the earlier of two.

    Returns
    -------
    pandas.Series
        By code, NaN where there is none.

    Raises
    ------
    SpecError
        The panel has no such covariate in that year.
    """
    if not score:
        return panel.authorities["deprivation"]
    covariate, _, year = score.rpartition("-")
    rows = panel.covariates[panel.covariates["covariate"] == covariate]
    if not year.isdigit() or int(year) not in set(rows["year"]):
        known = ", ".join(f"{covariate}-{when}" for when in sorted(set(rows["year"]))) or "no such covariate"
        raise SpecError(
            f"pooling.deprivation_score: no {score!r} in the covariates of panel {panel.name}; found {known}"
        )
    near = rows.assign(distance=(rows["year"] - int(year)).abs()).sort_values(["distance", "year"])
    return near.groupby("authority")["value"].first().reindex(panel.authorities.index)
