"""A mixture of all forecasters, its weights learned from the outcomes that were out at each origin."""

from __future__ import annotations

import numpy as np
import pandas as pd

STACK = "stack of all"
PRIOR_EVENTS = 1.0
"""Events that each forecaster begins with: without any outcome all weigh the same."""
STEPS = 500


def stacked(rows: pd.DataFrame, columns: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Mixture of the forecasters at each origin, by weights from earlier origins.

    The weights of an origin and a horizon maximise

        sum over events of log sum over k of w[k] P_k(grade) + PRIOR_EVENTS sum over k of log w[k]

    over the events of earlier origins whose judgement was published by the origin.

    Parameters
    ----------
    rows
        One row per event, horizon and forecaster: `origin`, `horizon`, `authority`, `forecaster`, `grade`,
        `published` and the columns of probabilities.
    columns
        Names of these, by grade.

    Returns
    -------
    tuple of pandas.DataFrame
        Rows of the mixture, with `forecaster` the stack's; and the weights, indexed by origin and horizon.
    """
    event = ["origin", "horizon", "authority"]
    names = sorted(rows["forecaster"].unique())
    p = {name: rows[rows["forecaster"] == name].set_index(event)[columns] for name in names}
    about = rows[rows["forecaster"] == names[0]].set_index(event)
    out, weights = [], {}
    for (origin, horizon), own in about.groupby(["origin", "horizon"], sort=True):
        when = about.index.get_level_values("origin")
        past = about[
            (when < origin)
            & (about.index.get_level_values("horizon") == horizon)
            & (about["published"] <= pd.Timestamp(str(origin)))
        ]
        came = np.array([p[name].loc[past.index].to_numpy()[np.arange(len(past)), past["grade"] - 1] for name in names])
        weight = mixture_weights(came)
        weights[origin, horizon] = dict(zip(names, weight, strict=True))
        mixed = sum(w * p[name].loc[own.index] for w, name in zip(weight, names, strict=True))
        out.append(own.assign(**{c: mixed[c] for c in columns}, forecaster=STACK))
    index = pd.MultiIndex.from_tuples(list(weights), names=["origin", "horizon"])
    return pd.concat(out).reset_index(), pd.DataFrame(list(weights.values()), index=index)


def mixture_weights(came: np.ndarray) -> np.ndarray:
    """Weights of the best mixture, given the probability (forecaster, event) of what came; by expectation maximisation.

    Examples
    --------
    >>> mixture_weights(np.zeros((4, 0)))
    array([0.25, 0.25, 0.25, 0.25])
    """
    weight = np.full(len(came), 1.0 / len(came))
    for _ in range(STEPS):
        part = weight[:, None] * came
        new = PRIOR_EVENTS + (part / part.sum(axis=0)).sum(axis=1)
        new = new / new.sum()
        if np.abs(new - weight).max() < 1e-9:
            return np.asarray(new)
        weight = new
    return weight
