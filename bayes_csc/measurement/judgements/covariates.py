"""Covariates of judgements: published figures of an authority on a day, standardised within their year.

    x = (z - mean of z) / sd of z       z the figure on its link scale, mean and sd over the authorities of its year

A covariate is the key of an indicator, for the level, or "KEY change" for the level less that of two years before. It
is as published by the day, in the vintage current then, higher where the indicator is better; 0 where there is none.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bayes_csc.errors import SpecError
from bayes_csc.measurement.features import features, figures
from bayes_csc.panel.panel import Panel

LEVEL, CHANGE = "level", "change"
COLUMN = "covariate "


def covariate_column(name: str) -> str:
    """Name of a covariate's column among the observations."""
    return COLUMN + name


def covariates_of(rows: pd.DataFrame) -> list[object]:
    """Names of the covariates among the columns of observations."""
    return [str(column).removeprefix(COLUMN) for column in rows.columns if str(column).startswith(COLUMN)]


def covariate_key(name: str) -> str:
    """Key of a covariate's indicator.

    Examples
    --------
    >>> covariate_key("agency change"), covariate_key("agency")
    ('agency', 'agency')
    """
    return name.removesuffix(f" {CHANGE}")


def judgement_covariates(panel: Panel, names: Sequence[str], asked: pd.DataFrame) -> np.ndarray:
    """Covariates of authorities on days.

    Parameters
    ----------
    panel
        Whose figures, every vintage of them.
    names
        Covariates.
    asked
        Columns `authority` and `day`, a row for each question.

    Returns
    -------
    numpy.ndarray
        (question, covariate).

    Raises
    ------
    SpecError
        A covariate is of no indicator of the panel.
    """
    keys = list(dict.fromkeys(covariate_key(name) for name in names))
    if lost := [key for key in keys if key not in panel.indicators]:
        raise SpecError(
            f"ratings.covariates: panel {panel.name} has no indicator {', '.join(lost)}; name an indicator's key, or "
            f'"KEY {CHANGE}"'
        )
    if not names:
        return np.zeros((len(asked), 0))
    rows = figures(panel, keys)
    first = rows.published == rows.groupby(["indicator", "year"]).published.transform("min")
    sd = rows.z.where(first).groupby([rows.indicator, rows.year]).transform(lambda z: z.std(ddof=0))
    rows = rows.assign(z=(rows.z / sd.where(sd > 0.0)).fillna(0.0))
    found = features(rows, keys, asked[["authority", "day"]].reset_index(drop=True))
    columns = [name if name.endswith(f" {CHANGE}") else f"{name} {LEVEL}" for name in names]
    return np.asarray(np.nan_to_num(found[columns].to_numpy(dtype=float)))
