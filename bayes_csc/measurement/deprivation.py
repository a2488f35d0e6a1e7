"""Which deprivation score an analysis uses: the authorities' own, a covariate of one year, or its path over time."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bayes_csc.errors import DataError, SpecError
from bayes_csc.panel.panel import Panel

SPLINE_KNOTS = (0.05, 0.35, 0.65, 0.95)
"""Quantiles of the score at which a spline of it may bend."""


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


def deprivation_curve(score: np.ndarray, form: str) -> tuple[np.ndarray, np.ndarray]:
    """Give a score's form: what stands for the score, and the terms that bend it.

    Parameters
    ----------
    score
        Standardised, (authority,).
    form
        "linear": the score alone; "spline": beside it the two terms of a natural cubic spline with knots at the 5th,
        35th, 65th and 95th percentiles (Harrell 2015, section 2.4.6); "fifths": the mean of the authority's fifth in
        its place, and the steps from one fifth to the next that it leaves.

    Returns
    -------
    tuple of numpy.ndarray
        The score (authority,), standardised, and the terms (authority, term), each of mean zero and standard deviation
        one, uncorrelated with it and with each other.

    Raises
    ------
    SpecError
        A path has a linear form only.
    """
    none = np.zeros((len(score), 0))
    if form == "linear":
        return score, none
    if score.ndim > 1:
        raise SpecError(
            f"pooling.deprivation_form: {form!r} needs a score of one year (pooling.deprivation_score such as "
            "'imd-2019'), not a path"
        )
    if form == "fifths":
        rank = np.argsort(np.argsort(score, kind="stable"), kind="stable")
        steps = (5 * rank // score.size)[:, None] == np.arange(5)
        middle = steps @ np.array([score[s].mean() if s.any() else 0.0 for s in steps.T])
        centred = middle - middle.mean()
        score, raw = centred / (centred.std() or 1.0), steps.astype(float)
    else:
        knot = np.quantile(score, SPLINE_KNOTS)
        raw = np.column_stack([_bend(score, knot, k) for k in range(len(knot) - 2)])
    known = np.column_stack([np.ones(score.size), score])
    rest = raw - known @ np.linalg.lstsq(known, raw, rcond=None)[0]
    left, size, _ = np.linalg.svd(rest, full_matrices=False)
    return score, left[:, size > 1e-8 * max(size.max(initial=0.0), 1.0)] * np.sqrt(score.size)


def _bend(x: np.ndarray, knot: np.ndarray, k: int) -> np.ndarray:
    """Term k of a natural cubic spline: cubic between the knots, straight beyond the outermost."""
    last, before = knot[-1], knot[-2]
    up = [np.maximum(x - at, 0.0) ** 3 for at in (knot[k], before, last)]
    bent = up[0] - up[1] * (last - knot[k]) / (last - before) + up[2] * (before - knot[k]) / (last - before)
    return np.asarray(bent / (last - knot[0]) ** 2)


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
