"""Ordered regression of grades with a ridge: well defined however few the events, even where a grade never occurred.

With x standardised and missing values at their mean,

    P(grade <= g) = F(c[g] - x' beta),    c[1] < ... < c[K - 1]

and (beta, c) maximise

    sum over events of log P(grade) - penalty / 2 beta' beta + sum over grades of a log P(grade | x = 0)

where F is the logistic or the standard normal distribution function and `a` adds a part of an event of each grade at
the centre. Without penalty and `a` it is the maximum likelihood of statsmodels' OrderedModel, which tests hold it to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import expit, ndtr

Link = Literal["logit", "probit"]
CENTRE_EVENTS = 0.5
TINY = 1e-300
FARTHEST = 1e6
"""Where a cutpoint at infinity stands, for arithmetic."""


@dataclass(frozen=True)
class Ordered:
    """A fitted ordered regression.

    Attributes
    ----------
    coefficients
        Of the standardised columns; a positive one makes a worse grade more probable.
    cutpoints
        Increasing, one fewer than the grades.
    centre, scale
        Of each column.
    link
        "logit" or "probit".
    """

    coefficients: pd.Series
    cutpoints: np.ndarray
    centre: pd.Series
    scale: pd.Series
    link: Link

    def probabilities(self, columns: pd.DataFrame) -> pd.DataFrame:
        """Probability of each grade, 1 the best, for each row of `columns`."""
        score = standardised(columns, self.centre, self.scale) @ self.coefficients.to_numpy()
        p = _between(score, self.cutpoints, self.link)
        return pd.DataFrame(p, index=columns.index, columns=range(1, p.shape[1] + 1))


def fit_ordered(
    columns: pd.DataFrame,
    grade: pd.Series,
    *,
    grades: int,
    penalty: float = 1.0,
    link: Link = "logit",
    centre_events: float = CENTRE_EVENTS,
) -> Ordered:
    """Fit an ordered regression.

    Parameters
    ----------
    columns
        Features, a row per event; NaN stands for the mean.
    grade
        1 to `grades`, 1 the best.
    grades
        How many there are.
    penalty
        Of the squared coefficients of the standardised columns: 1 is a standard normal prior.
    link
        Distribution of the latent error.
    centre_events
        Events of each grade that are added at the centre.
    """
    centre = columns.mean().fillna(0.0)
    scale = columns.std(ddof=0).fillna(0.0).replace(0.0, 1.0)
    x = standardised(columns, centre, scale)
    middle = np.zeros((grades, x.shape[1]))
    rows = np.vstack([x, middle])
    which = np.concatenate([grade.to_numpy(dtype=int), np.arange(1, grades + 1)]) - 1
    weight = np.concatenate([np.ones(len(x)), np.full(grades, centre_events)])
    share = (np.bincount(which, weights=weight, minlength=grades) + 0.5) / (weight.sum() + 0.5 * grades)
    start_cut = np.log(np.cumsum(share)[:-1] / (1.0 - np.cumsum(share)[:-1]))
    start = np.concatenate([np.zeros(x.shape[1]), start_cut[:1], np.log(np.maximum(np.diff(start_cut), 1e-3))])
    solved = minimize(
        _objective, start, args=(rows, which, weight, penalty, link), jac=True, method="BFGS",
        options={"gtol": 1e-6, "maxiter": 500},
    )  # fmt: skip
    beta, cut = solved.x[: x.shape[1]], _cutpoints(solved.x[x.shape[1] :])
    return Ordered(pd.Series(beta, index=columns.columns), cut, centre, scale, link)


def chosen_penalty(
    columns: pd.DataFrame,
    grade: pd.Series,
    group: pd.Series,
    *,
    grades: int,
    penalties: Sequence[float],
    folds: int = 5,
) -> float:
    """Penalty with the best log score of left-out groups, inside the training data.

    Parameters
    ----------
    columns, grade, grades
        As `fit_ordered` takes them.
    group
        Events of one group (an authority) are left out together.
    penalties
        To choose from.
    folds
        Into how many parts the groups are split, in the order of their names.
    """
    names = sorted(group.unique())
    fold = group.map({name: place % folds for place, name in enumerate(names)})
    score = dict.fromkeys(penalties, 0.0)
    for left_out in range(folds):
        inside, outside = fold != left_out, fold == left_out
        if not inside.any() or not outside.any():
            continue
        for penalty in penalties:
            fitted = fit_ordered(columns[inside], grade[inside], grades=grades, penalty=penalty)
            p = fitted.probabilities(columns[outside]).to_numpy()
            score[penalty] += float(np.log(p[np.arange(len(p)), grade[outside].to_numpy(dtype=int) - 1]).sum())
    return max(penalties, key=lambda penalty: score[penalty])


def standardised(columns: pd.DataFrame, centre: pd.Series, scale: pd.Series) -> np.ndarray:
    """Columns less their centre over their scale; a missing value is at the centre."""
    return np.asarray(np.nan_to_num(((columns - centre) / scale).to_numpy(dtype=float)))


def _cutpoints(free: np.ndarray) -> np.ndarray:
    return np.cumsum(np.concatenate([free[:1], np.exp(free[1:])]))


def _between(score: np.ndarray, cut: np.ndarray, link: Link) -> np.ndarray:
    """Probability of each grade (event, grade), accurate in either tail."""
    edges = np.concatenate([[-FARTHEST], cut, [FARTHEST]]) - score[:, None]
    low, high = edges[:, :-1], edges[:, 1:]
    upper_tail = low > 0
    low, high = np.where(upper_tail, -high, low), np.where(upper_tail, -low, high)
    F = expit if link == "logit" else ndtr
    return np.asarray(np.maximum(F(high) - F(low), TINY))


def _density(u: np.ndarray, link: Link) -> np.ndarray:
    if link == "logit":
        return np.asarray(expit(u) * expit(-u))
    return np.asarray(np.exp(-0.5 * np.minimum(np.abs(u), 40.0) ** 2) / np.sqrt(2.0 * np.pi))


def _objective(
    free: np.ndarray, x: np.ndarray, which: np.ndarray, weight: np.ndarray, penalty: float, link: Link
) -> tuple[float, np.ndarray]:
    """Negative penalised log likelihood and its gradient in (beta, first cutpoint, log increments)."""
    n = x.shape[1]
    beta, cut = free[:n], _cutpoints(free[n:])
    score, every = x @ beta, np.arange(len(which))
    p = _between(score, cut, link)[every, which]
    edges = np.concatenate([[-FARTHEST], cut, [FARTHEST]])
    low, high = (_density(edges[which + step] - score, link) / p for step in (0, 1))
    value = -float(weight @ np.log(p)) + 0.5 * penalty * float(beta @ beta)
    by_score = weight * (high - low)
    by_edge = np.bincount(which + 1, weights=weight * high, minlength=len(edges))
    by_edge -= np.bincount(which, weights=weight * low, minlength=len(edges))
    by_cut = by_edge[1:-1]
    later = np.cumsum(by_cut[::-1])[::-1]  # every later cutpoint moves with an increment
    by_free = later * np.concatenate([[1.0], np.exp(free[n + 1 :])])
    return value, np.concatenate([x.T @ by_score + penalty * beta, -by_free])
