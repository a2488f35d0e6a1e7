"""Scores of all forecasters side by side, with intervals and paired differences by resampling.

Two bootstraps: by authority, whose events are drawn together; and by authority × origin, in which authorities and
origins are drawn independently and an event counts as often as its authority times as often as its origin. The second
also has what all authorities of an origin share, and is the wider (the pigeonhole bootstrap of crossed effects: Owen
2007, Annals of Applied Statistics 1 (2)).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayes_csc.evaluation.backtest.scoring.scores import (
    auc_within,
    brier,
    log_score,
    ranked_probability_score,
    sensitivity,
)

INTERVAL = 0.89
REPLICATES = 1000
FLAG_RATES = (0.10, 0.20, 0.33)
ALL = "all"
AUTHORITY_ORIGIN = "_authority_origin"
"""Ending of the ends of intervals by authority × origin."""
HIGHER_IS_BETTER: Mapping[str, bool] = {
    "log_score": True,
    "rps": False,
    "brier_worse": False,
    "brier_worst": False,
    "auc_worse": True,
    **{f"sensitivity_{100 * rate:.0f}": True for rate in FLAG_RATES},
}
"""The scores, and which way each is better. `worse` is of events with a previous grade that is not the worst one."""


@dataclass(frozen=True)
class Scored:
    """Events of one group and horizon as arrays, events in one order for every forecaster.

    Attributes
    ----------
    grade, worst, worse, origin
        Of each event: its grade; whether that is the worst; whether it is worse than the one before; its origin.
    at_risk
        Whether it could be worse: there is a previous grade and it is not the worst.
    weight
        (replicate, event): how often the event was drawn; the first replicate is the events themselves, then come
        `REPLICATES` by authority and as many by authority × origin.
    """

    grade: np.ndarray
    worst: np.ndarray
    worse: np.ndarray
    origin: np.ndarray
    at_risk: np.ndarray
    weight: np.ndarray


def chance_of_worse(rows: pd.DataFrame, columns: list[str]) -> pd.Series:
    """Probability of a grade worse than the previous one; NaN where there is none before or it is the worst."""
    labels = np.arange(1, len(columns) + 1)
    beyond = labels > rows["previous"].to_numpy()[:, None]
    p = (rows[columns].to_numpy() * beyond).sum(axis=1)
    risk = rows["previous"].notna() & (rows["previous"] < len(columns))
    return pd.Series(np.where(risk, p, np.nan), index=rows.index)


def score_table(
    rows: pd.DataFrame, columns: list[str], groups: Mapping[str, int | None], baseline: str, *, seed: int
) -> pd.DataFrame:
    """Score forecasters by group and horizon.

    Intervals are percentiles of a bootstrap that draws authorities with replacement, all their events with them, the
    same draws for every forecaster; a difference is a forecaster's score less the baseline's, in each draw. The columns
    that end in `_authority_origin` are of the bootstrap that draws origins, too, as the module says.

    Parameters
    ----------
    rows
        One per event, horizon and forecaster: `origin`, `horizon`, `authority`, `forecaster`, `grade`, `previous` and
        the probabilities. Every forecaster has the same events.
    columns
        Names of the probabilities, by grade.
    groups
        Previous grade of the events of each group; None for all events.
    baseline
        Forecaster that the others are compared with.
    seed
        Of the bootstrap.

    Returns
    -------
    pandas.DataFrame
        `group`, `horizon`, `forecaster`, `score`, `value`, `lower`, `upper`, `difference`, `difference_lower`,
        `difference_upper`, the four ends of intervals again with `_authority_origin`, `events` and `worse` (how many
        the score is of).
    """
    out = []
    for group, previous in groups.items():
        chosen = rows if previous is None else rows[rows["previous"] == previous]
        for horizon, own in chosen.groupby("horizon"):
            order = [name for name in own["forecaster"].unique() if name != baseline]
            by = {name: part.sort_values(["origin", "authority"]) for name, part in own.groupby("forecaster")}
            events = _events(by[baseline], len(columns), seed)
            reference = _scores(by[baseline], columns, events)
            for name in [baseline, *order]:
                values = reference if name == baseline else _scores(by[name], columns, events)
                out += [
                    {"group": group, "horizon": horizon, "forecaster": name, "score": score}
                    | _interval(values[score], "value", "")
                    | _interval(values[score] - reference[score], "difference", "difference_")
                    | _counts(events, score)
                    for score in HIGHER_IS_BETTER
                ]
    return pd.DataFrame(out)


def resampled(cluster: np.ndarray, seed: int) -> np.ndarray:
    """How often each event counts in each bootstrap replicate (replicate, event), whole clusters drawn together.

    Parameters
    ----------
    cluster
        Of each event; those of one cluster are drawn with replacement together.
    seed
        The same clusters and seed give the same draws.
    """
    names, place = np.unique(cluster, return_inverse=True)
    drawn = np.random.default_rng(seed).multinomial(names.size, np.full(names.size, 1.0 / names.size), size=REPLICATES)
    return np.asarray(drawn[:, place])


def _events(rows: pd.DataFrame, grades: int, seed: int) -> Scored:
    grade, previous = rows["grade"].to_numpy(dtype=int), rows["previous"].to_numpy(dtype=float)
    by_authority = resampled(rows["authority"].to_numpy(), seed)
    by_origin = resampled(rows["origin"].astype(str).to_numpy(), seed + 1)
    weight = np.vstack([np.ones(len(rows)), by_authority, by_authority * by_origin])
    return Scored(grade, grade == grades, grade > previous, rows["origin"].to_numpy(), previous < grades, weight)


def _scores(rows: pd.DataFrame, columns: list[str], events: Scored) -> dict[str, np.ndarray]:
    """Each score of one forecaster, by replicate; the first is that of the events themselves."""
    p, risk = rows[columns].to_numpy(), events.at_risk
    worse = chance_of_worse(rows, columns).to_numpy()[risk]
    came, origin, weight = events.worse[risk], events.origin[risk], events.weight[:, risk]
    return {
        "log_score": log_score(p, events.grade, events.weight),
        "rps": ranked_probability_score(p, events.grade, events.weight),
        "brier_worse": brier(worse, came, weight),
        "brier_worst": brier(p[:, -1], events.worst, events.weight),
        "auc_worse": auc_within(worse, came, origin, weight),
        **{
            f"sensitivity_{100 * rate:.0f}": sensitivity(worse, came, origin, weight, rate) for rate in FLAG_RATES
        },
    }  # fmt: skip


def _interval(values: np.ndarray, name: str, prefix: str) -> dict[str, float]:
    """The value, and its intervals from the replicates in which it is defined."""
    out = {name: float(values[0])}
    for ending, part in (("", values[1 : REPLICATES + 1]), (AUTHORITY_ORIGIN, values[REPLICATES + 1 :])):
        drawn = part[np.isfinite(part)]
        ends = np.quantile(drawn, [(1 - INTERVAL) / 2, (1 + INTERVAL) / 2]) if drawn.size else (np.nan, np.nan)
        out |= {f"{prefix}{end}{ending}": float(at) for end, at in zip(("lower", "upper"), ends, strict=True)}
    return out


def _counts(events: Scored, score: str) -> dict[str, int]:
    of_all = score in ("log_score", "rps", "brier_worst")
    size = events.grade.size if of_all else int(events.at_risk.sum())
    return {"events": size, "worse": int(events.worse[events.at_risk].sum())}
