"""A linear pool of two forecasters with one weight for each horizon, learned from outcomes that were out.

    P(grade) = w P_model(grade) + (1 - w) P_other(grade),   w ~ Beta(2, 2)

w is the posterior mean, on a fine grid, given what came of the inspections whose judgement was published by a day,

    density(w) ∝ w (1 - w) product over inspections of (w P_model + (1 - w) P_other)

each inspection counted once for each horizon: one that is an event at several origins counts as forecast at the latest
of them. The posterior mean, rather than the mode, is what the predictive distribution of the pool itself has: a mixture
of mixtures has the mean weight. Without an outcome it is one half.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from bayes_csc.errors import UsageError

GRID = np.linspace(0.0, 1.0, 2001)[1:-1]
EVENT = ["origin", "horizon", "authority"]
INSPECTION = ["authority", "start"]
Parts = tuple[str, str]
"""Names of the two forecasters of a pool: the model and the other."""


def pool_name(parts: Parts) -> str:
    """Name of a pool in tables.

    Examples
    --------
    >>> pool_name(("baseline", "transitions"))
    'baseline + transitions'
    """
    return " + ".join(parts)


def posterior_weight(model: np.ndarray, other: np.ndarray) -> float:
    """Posterior mean of the model's weight, given the two probabilities of what came (event,).

    Examples
    --------
    >>> posterior_weight(np.array([]), np.array([]))
    0.5
    >>> round(posterior_weight(np.array([0.6]), np.array([0.0])), 4)
    0.6
    """
    mixed = GRID[:, None] * model + (1.0 - GRID[:, None]) * other
    log = np.log(GRID) + np.log(1.0 - GRID) + np.log(mixed).sum(axis=1)
    density = np.exp(log - log.max())
    return float(np.round(GRID @ density / density.sum(), 12))


def outcomes_of(rows: pd.DataFrame, columns: Sequence[str], horizon: int, parts: Parts) -> pd.DataFrame:
    """What a pool learns from: the probability that each of its parts gave to what came, each inspection once.

    Parameters
    ----------
    rows
        Rows of a backtest: one per event, horizon and forecaster, with `start`, `published`, `grade` and the columns.
    columns
        Names of the probabilities, by grade.
    horizon
        In months.
    parts
        The model and the other.

    Returns
    -------
    pandas.DataFrame
        `published`, `p_model`, `p_other`, by publication and authority.

    Raises
    ------
    UsageError
        A part has no forecast here.
    """
    if lost := [name for name in parts if name not in set(rows["forecaster"])]:
        raise UsageError(f"a pool needs the forecasts of {', '.join(lost)}; add them to the backtest")
    came = []
    for name in parts:
        own = rows[(rows["forecaster"] == name) & (rows["horizon"] == horizon)].sort_values(["origin", "authority"])
        own = own.drop_duplicates(INSPECTION, keep="last").set_index(INSPECTION)
        p = own[list(columns)].to_numpy()[np.arange(len(own)), own["grade"].to_numpy(dtype=int) - 1]
        came.append(pd.Series(p, index=own.index))
        published = own["published"]
    out = pd.DataFrame({"published": published, "p_model": came[0], "p_other": came[1]})
    return out.sort_index().sort_values("published", kind="stable").reset_index(drop=True)


def pool_weight(rows: pd.DataFrame, columns: Sequence[str], day: datetime.date, horizon: int, parts: Parts) -> float:
    """Weight of the model in a pool, from the outcomes published by a day.

    Parameters
    ----------
    rows, columns, horizon, parts
        As `outcomes_of` takes them.
    day
        What was published on it is in.
    """
    return _weight_by(outcomes_of(rows, columns, horizon, parts), pd.Timestamp(day))


def pooled(rows: pd.DataFrame, columns: Sequence[str], parts: Parts) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Forecasts of a pool at each origin, its weight learned from the outcomes that were published by the origin.

    Parameters
    ----------
    rows, columns, parts
        As `outcomes_of` takes them.

    Returns
    -------
    tuple of pandas.DataFrame
        Rows of the pool, with `forecaster` its name; and `weight` of the model, by origin and horizon.
    """
    learned = {h: outcomes_of(rows, columns, h, parts) for h in sorted(set(rows["horizon"]))}
    model, other = (rows[rows["forecaster"] == name].set_index(EVENT) for name in parts)
    out, weights = [], {}
    for (origin, horizon), own in model.groupby(["origin", "horizon"], sort=True):
        weight = weights[origin, horizon] = _weight_by(learned[horizon], pd.Timestamp(str(origin)))
        mixed = weight * own[list(columns)] + (1.0 - weight) * other.loc[own.index, list(columns)]
        out.append(own.assign(**{c: mixed[c] for c in columns}, forecaster=pool_name(parts)))
    index = pd.MultiIndex.from_tuples(list(weights), names=["origin", "horizon"])
    return pd.concat(out).reset_index(), pd.DataFrame({"weight": list(weights.values())}, index=index)


def _weight_by(learned: pd.DataFrame, day: pd.Timestamp) -> float:
    known = learned[learned["published"] <= day]
    return posterior_weight(known["p_model"].to_numpy(), known["p_other"].to_numpy())


def pool_record(rows: pd.DataFrame, columns: Sequence[str], parts: Parts) -> dict[str, Any]:
    """What a record keeps of a pool, so that a later run can compute its weight as of any day.

    Returns
    -------
    dict
        `name`, `model`, `other`, and `outcomes`: by horizon (as text) a list of published, p_model, p_other.
    """
    outcomes = {}
    for horizon in sorted(set(rows["horizon"])):
        table = outcomes_of(rows, columns, int(horizon), parts)
        days = pd.to_datetime(table["published"]).dt.strftime("%Y-%m-%d")
        outcomes[str(horizon)] = [
            list(row) for row in zip(days, table["p_model"].round(6), table["p_other"].round(6), strict=True)
        ]
    return {"name": pool_name(parts), "model": parts[0], "other": parts[1], "outcomes": outcomes}


def recorded_pool(record: dict[str, Any], parts: Parts) -> dict[str, Any] | None:
    """Entry of a pool in the record of a backtest; None where it has none of these two.

    Examples
    --------
    >>> recorded_pool({"pool": [{"model": "baseline", "other": "transitions"}]}, ("baseline", "base rate")) is None
    True
    """
    found = (pool for pool in record.get("pool", []) if (pool["model"], pool["other"]) == parts)
    return next(found, None)


def weight_as_of(pool: dict[str, Any], horizon: int, day: datetime.date) -> float:
    """Weight of the model in a recorded pool, from the outcomes that were published by a day.

    Parameters
    ----------
    pool
        From `pool_record`: an entry of `pool` in backtest.json.
    horizon
        In months; one that was not backtested has the weight of the nearest one that was, the shorter of two.
    day
        Of the run: what was published on it is in.

    Examples
    --------
    >>> pool = {"outcomes": {"12": [["2019-05-01", 0.5, 0.1], ["2021-05-01", 0.1, 0.7]]}}
    >>> [round(weight_as_of(pool, 12, datetime.date(year, 1, 1)), 3) for year in (2019, 2020, 2022)]
    [0.5, 0.567, 0.491]
    """
    nearest = min(sorted(map(int, pool["outcomes"])), key=lambda months: abs(months - horizon))
    rows = [row for row in pool["outcomes"][str(nearest)] if row[0] <= day.isoformat()]
    model, other = (np.array([row[place] for row in rows], dtype=float) for place in (1, 2))
    return posterior_weight(model, other)
