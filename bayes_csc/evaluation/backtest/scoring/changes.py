"""Shares of worse and better by previous grade: expected, observed, and the band that the forecast itself predicts.

Of n distinct inspections with probabilities p[i] of a change, independent given the forecasts, the number that changed
has the Poisson-binomial distribution, the sum of Bernoulli(p[i]): mean sum p[i], and an equal-tailed band by its exact
quantiles. An inspection that is an event at several origins counts once, as forecast at the latest of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bayes_csc.evaluation.backtest.forecasters.pool import INSPECTION
from bayes_csc.evaluation.backtest.summary import INTERVAL


def poisson_binomial(p: np.ndarray) -> np.ndarray:
    """Probability of each number of events, 0 to n, of independent events with these probabilities.

    Examples
    --------
    >>> poisson_binomial(np.array([0.5, 0.2])).round(3)
    array([0.4, 0.5, 0.1])
    """
    out = np.ones(1)
    for each in p:
        out = np.convolve(out, [1.0 - each, each])
    return np.asarray(out)


def predictive_band(p: np.ndarray, probability: float = INTERVAL) -> tuple[float, float]:
    """Shares between which the observed share lies with at least this probability, equal-tailed.

    Examples
    --------
    >>> predictive_band(np.full(10, 0.3))
    (0.1, 0.5)
    """
    below = np.cumsum(poisson_binomial(p))
    lower, upper = (int(np.searchsorted(below, (1 + side * probability) / 2 - 1e-12)) for side in (-1, 1))
    return lower / p.size, upper / p.size


def grade_changes(rows: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Compare expected and observed shares of worse and better grades by previous grade.

    Parameters
    ----------
    rows
        Rows of a backtest: one per event, horizon and forecaster.
    columns
        Names of the probabilities, by grade.

    Returns
    -------
    pandas.DataFrame
        `horizon`, `forecaster`, `previous`, `change` ("worse" or "better", where it is possible), `inspections`
        (distinct), `expected`, `lower`, `upper` (the forecast's own band of the share), `observed`, `inside` (whether
        the observed share is in the band).
    """
    labels, out = np.arange(1, len(columns) + 1), []
    once = rows[rows["previous"].notna()].sort_values(["origin", "authority"], kind="stable")
    once = once.drop_duplicates(["horizon", "forecaster", *INSPECTION], keep="last")
    order = {name: place for place, name in enumerate(rows["forecaster"].unique())}
    once = once.assign(place=once["forecaster"].map(order))
    for _, own in once.groupby(["horizon", "place", "previous"], sort=True):
        horizon, name, previous = (own[c].iloc[0] for c in ("horizon", "forecaster", "previous"))
        for change, which in (("worse", labels > previous), ("better", labels < previous)):
            if not which.any():
                continue
            p = np.clip(own[list(columns)].to_numpy()[:, which].sum(axis=1), 0.0, 1.0)
            lower, upper = predictive_band(p)
            observed = float(which[own["grade"].to_numpy(dtype=int) - 1].mean())
            out.append(
                {
                    "horizon": horizon, "forecaster": name, "previous": int(previous), "change": change,
                    "inspections": len(own), "expected": float(p.mean()), "lower": lower, "upper": upper,
                    "observed": observed, "inside": bool(lower - 1e-9 <= observed <= upper + 1e-9),
                }
            )  # fmt: skip
    return pd.DataFrame(out)
