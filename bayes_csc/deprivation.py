"""Which deprivation score an analysis uses: the authorities' own, a covariate of one year, or its path over time."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bayes_csc.errors import DataError, SpecError
from bayes_csc.panel import Panel


def standardised_deprivation(
    panel: Panel, authority: tuple[str, ...], score: str, year: np.ndarray, window: np.ndarray
) -> np.ndarray:
    """Deprivation of some authorities, with mean zero and standard deviation one.

    x_a = (s_a - mean) / sd over the authorities; of a path x_at = (s_at - mean) / sd over the authorities and the years
    of the window.

    Parameters
    ----------
    panel
        The panel.
    authority
        Codes.
    score
        As in `deprivation_scores`, or a covariate without a year, such as "imd": its path (`deprivation_path`).
    year
        Grid points.
    window
        Those (indices) over which a path is centred and scaled.

    Returns
    -------
    numpy.ndarray
        (authority,), or (authority, year) of a path. A path on which no score changes is the fixed score.

    Raises
    ------
    SpecError
        The panel has no such covariate.
    DataError
        An authority has no score.
    """
    along = bool(score) and score in set(panel.covariates["covariate"])
    scores = deprivation_path(panel, score, year) if along else deprivation_scores(panel, score).to_frame()
    values = scores.loc[list(authority)].to_numpy(dtype=float)
    lost = ", ".join(np.array(authority)[np.isnan(values).any(axis=1)])
    if lost:
        where = "covariates.csv" if score else "authorities.csv"
        raise DataError(f"{where}: no deprivation score for {lost}; give it, or set pooling.deprivation = false")
    if (values == values[:, :1]).all():
        fixed = values[:, 0]
        centred = fixed - fixed.mean()
        return np.asarray(centred / (centred.std() or 1.0))
    within = values[:, window]
    return np.asarray((values - within.mean()) / (within.std() or 1.0))


def deprivation_path(panel: Panel, covariate: str, year: np.ndarray) -> pd.DataFrame:
    """Deprivation of each authority of a panel at each grid point, linear between the editions of a covariate.

    Parameters
    ----------
    panel
        The panel.
    covariate
        A covariate; the score of a year stands at the grid point of that year.
    year
        Grid points.

    Returns
    -------
    pandas.DataFrame
        By code and grid point, constant before the first and after the last score of an authority; NaN where it has
        none.
    """
    rows = panel.covariates[panel.covariates["covariate"] == covariate].dropna(subset="value").sort_values("year")
    found = {
        code: np.interp(year, editions["year"].to_numpy(float), editions["value"].to_numpy(float))
        for code, editions in rows.groupby("authority")
    }
    table = pd.DataFrame.from_dict(found, orient="index", columns=year.tolist())
    return table.reindex(panel.authorities.index)


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
