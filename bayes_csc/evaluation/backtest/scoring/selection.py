"""The rule by which one of several candidates becomes the forecast, fixed before they were compared.

Against the present baseline, at 24 months:

1. the gain (difference in the mean log score of all inspections) has a paired interval, by drawing authorities with
   replacement, wholly above zero;
2. the gain is positive at five of eight origins or more (of n origins, at 5 n / 8);
3. for the group of interest the gain is at least -0.03 and its interval not wholly below zero;

and at 12 months

4. the gain is not negative.

5. A pool must pass all of that against its own model, too.

Of the candidates that pass, in the order of simplicity that was stated beforehand, the first is taken whose shortfall
from the best of them is within one standard error of it, paired by authority. If none passes, the baseline stays.
Probabilities are averaged over seeds before anything is scored (`averaged`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayes_csc.errors import UsageError
from bayes_csc.evaluation.backtest.forecasters.base_rate import NO_PREVIOUS
from bayes_csc.evaluation.backtest.forecasters.pool import EVENT
from bayes_csc.evaluation.backtest.summary import INTERVAL, resampled

LONG, SHORT = 24, 12
"""Months of the horizons that the rule looks at."""
ORIGINS_AHEAD = 5 / 8
GROUP_LOSS = -0.03


@dataclass(frozen=True)
class Rule:
    """What candidates are held to.

    Attributes
    ----------
    order
        Candidates, the simplest first; the baseline may be one of them.
    baseline
        The present one, which stays if none passes.
    own_model
        The model of each candidate that is a pool.
    group_grade
        Previous grade of the group of interest.
    seed
        Of the bootstrap.
    """

    order: tuple[str, ...]
    baseline: str
    own_model: Mapping[str, str]
    group_grade: int
    seed: int = 1


@dataclass(frozen=True)
class Selection:
    """The choice, and why.

    Attributes
    ----------
    table
        A row per candidate, by `candidate`: `gain`, `gain_lower`, `gain_upper`, `origins_ahead`, `origins`,
        `group_gain`, `group_lower`, `group_upper`, `short_gain`, `passes`, `why_not`, and for those that pass
        `shortfall` and `shortfall_se`.
    choice
        Name of the candidate taken.
    """

    table: pd.DataFrame
    choice: str


def averaged(runs: Sequence[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    """Rows of a backtest with the mean of the probabilities of several, run with other seeds.

    Pools are made of the means (`pool.pooled`), so rows of pools and stacks are to be left out before.

    Parameters
    ----------
    runs
        Rows of backtests of the same events and forecasters.
    columns
        Names of the probabilities.

    Raises
    ------
    UsageError
        The runs differ in their events or forecasters.
    """
    if not runs:
        raise UsageError("averaging over seeds needs the rows of at least one backtest")
    key = [*EVENT, "forecaster"]
    tables = [run.set_index(key)[list(columns)].sort_index() for run in runs]
    for number, table in enumerate(tables[1:], start=2):
        if not table.index.equals(tables[0].index):
            raise UsageError(
                f"run {number} has other events or forecasters than run 1 ({len(table)} and {len(tables[0])} rows); "
                "average backtests of the same panel, origins and forecasters"
            )
    mean = pd.concat(tables).groupby(level=key).mean()
    first = runs[0].drop(columns=[*columns, *(c for c in ("p_worse",) if c in runs[0])])
    return first.join(mean, on=key)


def select(rows: pd.DataFrame, columns: Sequence[str], rule: Rule) -> Selection:
    """Hold candidates to the rule, as the module says.

    Parameters
    ----------
    rows
        One per event, horizon and forecaster: `origin`, `horizon`, `authority`, `forecaster`, `grade`, `previous` and
        the probabilities, those of pools among them.
    columns
        Names of the probabilities, by grade.
    rule
        The candidates and what they are held to.

    Raises
    ------
    UsageError
        A candidate, the baseline or a pool's model has no forecasts here.
    """
    scores = log_scores(rows, columns, rule)
    held = {name: _held(name, scores, rule) for name in rule.order}
    passing = [name for name in rule.order if not held[name][1]]
    mean = {name: float(_long(scores, scores[name]).mean()) for name in passing}
    best = max(passing, key=lambda name: mean[name], default=rule.baseline)
    short = {name: _paired(_long(scores, scores[best] - scores[name]), rule.seed) for name in passing}
    table = pd.DataFrame(
        [
            {"candidate": name, **row, "passes": not why, "why_not": "; ".join(why)}
            | {"shortfall": short[name].mean if name in short else math.nan}
            | {"shortfall_se": short[name].error if name in short else math.nan}
            for name, (row, why) in held.items()
        ]
    )
    near = [name for name in passing if short[name].mean <= short[name].error]
    return Selection(table.set_index("candidate"), near[0] if near else rule.baseline)


def chosen_by_earlier_origins(
    rows: pd.DataFrame, columns: Sequence[str], rule: Rule
) -> tuple[pd.DataFrame, dict[str, float]]:
    """Score the choices that the rule would have made at each origin from the outcomes published by it.

    Parameters
    ----------
    rows, columns, rule
        As `select` takes them; `published` is a column, too.

    Returns
    -------
    tuple
        By origin: the `choice`, the number of `events` within 24 months, their mean `log_score` and the `gain` over the
        baseline; and over all `log_score`, `gain`, `gain_lower`, `gain_upper` (by authority).
    """
    scores = log_scores(rows, columns, rule)
    of_long = scores[scores.index.get_level_values("horizon") == LONG]
    found, taken = [], []
    for origin, own in of_long.groupby("origin", sort=True):
        known = rows[(rows["origin"] < origin) & (rows["published"] <= pd.Timestamp(str(origin)))]
        whole = set(known["horizon"]) >= {LONG, SHORT}
        choice = select(known, columns, rule).choice if whole else rule.baseline
        gain = own[choice] - own[rule.baseline]
        taken.append(pd.DataFrame({"log_score": own[choice], "gain": gain}))
        found.append(
            {"origin": origin, "choice": choice, "events": len(own), "log_score": float(own[choice].mean()),
             "gain": float(gain.mean())}
        )  # fmt: skip
    every = pd.concat(taken)
    paired = _paired(every["gain"], rule.seed)
    about = {"log_score": float(every["log_score"].mean()), "gain": paired.mean, "gain_lower": paired.lower,
             "gain_upper": paired.upper}  # fmt: skip
    return pd.DataFrame(found).set_index("origin"), about


def log_scores(rows: pd.DataFrame, columns: Sequence[str], rule: Rule) -> pd.DataFrame:
    """Log probability of what came, by event (rows; the index has the previous grade, 0 for none) and forecaster.

    Raises
    ------
    UsageError
        A forecaster of the rule has no forecasts here.
    """
    names = dict.fromkeys([*rule.order, rule.baseline, *rule.own_model.values()])
    if lost := [name for name in names if name not in set(rows["forecaster"])]:
        raise UsageError(f"the rule names {', '.join(lost)}, of which there are no forecasts; add them to the backtest")
    own = rows[rows["forecaster"].isin(list(names))]
    p = own[list(columns)].to_numpy()[np.arange(len(own)), own["grade"].to_numpy(dtype=int) - 1]
    wide = own.assign(log=np.log(p), previous=own["previous"].fillna(NO_PREVIOUS)).pivot(
        index=[*EVENT, "previous"], columns="forecaster", values="log"
    )
    return wide.sort_index()


@dataclass(frozen=True)
class Paired:
    """A mean difference with its interval and standard error, by drawing authorities."""

    mean: float
    lower: float
    upper: float
    error: float


def _paired(difference: pd.Series, seed: int) -> Paired:
    if difference.empty:
        return Paired(math.nan, math.nan, math.nan, math.nan)
    weight = resampled(difference.index.get_level_values("authority").to_numpy(), seed)
    with np.errstate(invalid="ignore"):
        drawn = weight @ difference.to_numpy() / weight.sum(axis=1)
    drawn = drawn[np.isfinite(drawn)]
    lower, upper = np.quantile(drawn, [(1 - INTERVAL) / 2, (1 + INTERVAL) / 2])
    return Paired(float(difference.mean()), float(lower), float(upper), float(drawn.std(ddof=1)))


def _long(scores: pd.DataFrame, values: pd.Series) -> pd.Series:
    return values[scores.index.get_level_values("horizon") == LONG]


def _held(name: str, scores: pd.DataFrame, rule: Rule) -> tuple[dict[str, float], list[str]]:
    """One candidate against the baseline and, a pool, against its own model: figures, and the clauses that it fails."""
    row, why = _against(name, rule.baseline, scores, rule)
    if name == rule.baseline:
        return row, ["it is the baseline"]
    model = rule.own_model.get(name)
    if model is not None and model != rule.baseline:
        why += [f"against its own model, {model}: {reason}" for reason in _against(name, model, scores, rule)[1]]
    return row, why


def _against(name: str, other: str, scores: pd.DataFrame, rule: Rule) -> tuple[dict[str, float], list[str]]:
    """Figures of the rule's clauses for one candidate against another forecaster, and the clauses it fails."""
    difference = scores[name] - scores[other]
    horizon, previous = (scores.index.get_level_values(level) for level in ("horizon", "previous"))
    long = difference[horizon == LONG]
    every, group = (
        _paired(long, rule.seed),
        _paired(difference[(horizon == LONG) & (previous == rule.group_grade)], rule.seed),
    )
    by_origin = long.groupby("origin").mean()
    ahead, needed = int((by_origin > 0).sum()), math.ceil(ORIGINS_AHEAD * len(by_origin))
    short = float(difference[horizon == SHORT].mean())
    why = []
    if not every.lower > 0:
        why.append(f"the interval of the gain ({every.lower:+.3f} to {every.upper:+.3f}) is not wholly above zero")
    if ahead < needed:
        why.append(f"ahead at {ahead} of {len(by_origin)} origins, {needed} needed")
    if group.mean < GROUP_LOSS:
        why.append(f"the group loses {-group.mean:.3f}, more than {-GROUP_LOSS}")
    if group.upper < 0:
        why.append(f"the group's interval ({group.lower:+.3f} to {group.upper:+.3f}) is wholly below zero")
    if short < 0:
        why.append(f"the gain at {SHORT} months is negative ({short:+.3f})")
    row: dict[str, float] = {
        "gain": every.mean, "gain_lower": every.lower, "gain_upper": every.upper, "origins_ahead": ahead,
        "origins": len(by_origin), "group_gain": group.mean, "group_lower": group.lower, "group_upper": group.upper,
        "short_gain": short,
    }  # fmt: skip
    return row, why
