"""The forecast of the next inspection: the model's, pooled with that of past transitions where a record gives weights.

    P = w P_model + (1 - w) P_transitions

of every pattern of sub-judgements with the overall grade, so that one mixture gives the probability of each overall
grade, of each domain's grade, of any worse and of any inadequate. P_transitions is `backtest.transition`'s (or the
plain table's) of the overall grade times `backtest.patterns`' of the sub-judgements given it. w, the model's weight,
has been learned in a backtest of the same panel and spec, from the outcomes that were published by the run's date;
there is one for inspections within a year, and one for later ones (`backtest.pool`).
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pandas as pd

from bayes_csc.estimates.forecast.grade_probabilities import GradeChances, sums_over_patterns
from bayes_csc.estimates.forecast.next_grade import HORIZON, NextGrade, next_grade
from bayes_csc.evaluation.backtest.forecasters.base_rate import BaseRate
from bayes_csc.evaluation.backtest.forecasters.patterns import subjudgement_patterns
from bayes_csc.evaluation.backtest.forecasters.pool import weight_as_of
from bayes_csc.evaluation.backtest.forecasters.transition import Transition
from bayes_csc.evaluation.backtest.shipped import recorded_pool_of
from bayes_csc.inference.fit import CORES, Fit, Model
from bayes_csc.inference.reopen import Revisited
from bayes_csc.measurement.judgements.inspection_rates import Reinspection
from bayes_csc.panel.calendar import grid_position
from bayes_csc.panel.panel import OVERALL, Panel

SHORT, LONG = 12, 24
"""Months of the two weights: of inspections within a year, and of later ones."""
OTHERS = {each.name: each for each in (Transition(), BaseRate())}
"""Forecasters that a model may be pooled with, by name."""


@dataclass(frozen=True)
class Pooled:
    """Forecasts of the next inspections, and the parts that they are made of.

    Attributes
    ----------
    found
        The forecast.
    model
        The model's own.
    other
        That of past transitions, of one draw; None where the model's stands alone.
    weight
        Of the model (authority,).
    about
        For metadata: `pooled_with`, `weight_12_months`, `weight_24_months`; or `model_alone`, why there is no pool.
    """

    found: NextGrade
    model: NextGrade
    other: GradeChances | None
    weight: np.ndarray
    about: dict[str, Any]

    def of(self, codes: Sequence[str]) -> Pooled:
        """Return those of some authorities, in their order."""
        at = [self.found.authority.index(code) for code in codes]
        other = None if self.other is None else self.other.of(at)
        return replace(
            self, found=self.found.of(codes), model=self.model.of(codes), other=other, weight=self.weight[at]
        )  # fmt: skip


def pooled_forecast(
    fit: Fit,
    model: Model,
    when: Reinspection,
    *,
    date: datetime.date | None = None,
    framework: str | None = None,
    again: Revisited | None = None,
    cores: int = CORES,
) -> Pooled:
    """Forecast the next inspection of every authority of a fit.

    Parameters
    ----------
    fit, model, when, date, framework, again, cores
        As of `next_grade`.
    """
    own = next_grade(fit, model, when, date=date, framework=framework, again=again, cores=cores)
    day = max(d for d in (fit.panel.date, fit.panel.published_by) if d is not None)
    other_model = f"the backtest that ships is of another model than {fit.record['model']} of the run"
    record, missing = (None, other_model) if fit.own_model else recorded_pool_of(fit.panel, fit.spec)
    if record is None:
        return Pooled(own, own, None, np.ones(len(own.authority)), {"model_alone": missing})
    weights = {months: weight_as_of(record, months, day) for months in (SHORT, LONG)}
    if date is None:
        ahead = when.quantile(list(own.authority), 0.5, HORIZON)
    else:
        ahead = np.full(len(own.authority), float(grid_position(date)) - when.now)
    weight = np.where(ahead <= SHORT / 12.0, weights[SHORT], weights[LONG])
    other = transition_chances(fit.panel, own, record["other"], seed=int(fit.record["seed"]))
    marginal, given_now, without = (mixed(p, other, weight) for p in (own.marginal, own.given_now, own.without))
    found = replace(own, marginal=marginal, given_now=given_now, without=without)
    about = {"pooled_with": record["other"], **{f"weight_{months}_months": w for months, w in weights.items()}}
    return Pooled(found, own, other, weight, about)


def transition_chances(panel: Panel, own: NextGrade, name: str, *, seed: int) -> GradeChances:
    """Forecasts by past transitions of the same inspections that a model forecast (one draw, authority, ...).

    Parameters
    ----------
    panel
        Whose inspections are learned from.
    own
        The model's.
    name
        Of the forecaster, of `OTHERS`.
    seed
        Of its draws.
    """
    codes = list(own.authority)
    previous = panel.latest_grades().reindex(codes).grade.astype(float)
    targets = pd.DataFrame({"previous": previous.to_numpy()}, index=pd.Index(codes, name="authority"))
    overall = OTHERS[name](panel, targets, seed=seed).probabilities
    if own.item == (OVERALL,):
        grades = overall.to_numpy()[None]
        nothing = np.full((1, len(codes)), np.nan)
        return GradeChances(grades, grades[:, :, None], nothing, nothing)
    joint = subjudgement_patterns(panel, own.item).probability(overall)
    sums = sums_over_patterns(joint.sum(axis=2), own.before, overall.shape[1])
    return GradeChances(joint.sum(axis=1)[None], *(part[None] for part in sums))


def mixed(model: GradeChances, other: GradeChances, weight: np.ndarray) -> GradeChances:
    """Linear pool: weight (authority,) times the model's, the rest times the other's."""

    def one(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        w = weight.reshape(1, -1, *[1] * (a.ndim - 2))
        return np.asarray(w * a + (1.0 - w) * b)

    return GradeChances(**{f.name: one(getattr(model, f.name), getattr(other, f.name)) for f in fields(model)})
