"""Forecasts of the latent model: the model itself, without indicators, and without judgements."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayes_csc.estimates.forecast.next_grade import DRAWS, next_grade, years_ahead
from bayes_csc.evaluation.backtest.events import overall_judgements
from bayes_csc.evaluation.backtest.forecasters.forecaster import Answer
from bayes_csc.evaluation.backtest.forecasters.ordered import fit_ordered
from bayes_csc.inference.fit import Fit, Model, fit
from bayes_csc.inference.reopen import revisit
from bayes_csc.measurement.judgements.inspection_rates import Reinspection
from bayes_csc.panel.calendar import grid_position
from bayes_csc.panel.panel import Panel
from bayes_csc.spec import Spec

WEAK_PENALTY = 0.01
"""Of the coefficient of theta, which is one column that the grades are many of."""


@dataclass(frozen=True)
class Latent:
    """The latent model's own forecast of the next judgement, from a preview.

    Attributes
    ----------
    name, spec, model
        What it is called; the choices and priors; the function that builds the model.
    """

    name: str
    spec: Spec
    model: Model

    def __call__(self, known: Panel, targets: pd.DataFrame, *, seed: int) -> Answer:
        """Probabilities given that the next inspection starts at each target's date."""
        run = preview_of(known, self.model, self.spec, seed)
        days = [pd.Timestamp(str(day)).date() for day in sorted(targets["date"].unique())]
        last = np.array([float(grid_position(max(days)))])
        again = revisit(run, self.model, horizon=years_ahead(run, last), draws=DRAWS)
        when, labels, parts = Reinspection.of(known), range(1, len(known.grades) + 1), []
        for day in days:
            found = next_grade(
                run, self.model, when, date=day, again=again, given_now=False, without=False, cores=1
            )  # fmt: skip
            p = pd.DataFrame(found.marginal.overall.mean(axis=0), index=list(found.authority), columns=labels)
            rows = targets[targets["date"] == pd.Timestamp(day)]
            parts.append(p.reindex(rows.index.get_level_values("authority")).set_axis(rows.index))
        return Answer(pd.concat(parts).loc[targets.index], preview_record(run))


@dataclass(frozen=True)
class RatingsOnly:
    """The latent model's forecast from the judgements alone.

    Attributes
    ----------
    name, spec, model
        As of `Latent`; the spec's indicators are left out.
    """

    name: str
    spec: Spec
    model: Model

    def __call__(self, known: Panel, targets: pd.DataFrame, *, seed: int) -> Answer:
        """Probabilities given that the next inspection starts at each target's date."""
        spec = self.spec.updated({"measurement": {"use": False}})
        return Latent(self.name, spec, self.model)(known, targets, seed=seed)


@dataclass(frozen=True)
class IndicatorsOnly:
    """Theta estimated without any judgement, then an ordered probit of past grades on it.

    Theta is the posterior mean at the inspection's start; after the last grid point it stays where it was.
    """

    name: str
    spec: Spec
    model: Model

    def __call__(self, known: Panel, targets: pd.DataFrame, *, seed: int) -> Answer:
        """Probabilities by theta at each target's date."""
        run = preview_of(known, self.model, self.spec.updated({"ratings": {"use": False, "timing": False}}), seed)
        past = overall_judgements(known)
        past = past[past["overall"] & past["grade"].notna()]
        learned = theta_at(run, past["authority"], past["start"]).set_axis(past.index)
        there = learned.notna()
        fitted = fit_ordered(
            learned[there].to_frame("theta"), past["grade"][there], grades=len(known.grades), penalty=WEAK_PENALTY,
            link="probit",
        )  # fmt: skip
        now = theta_at(run, targets.index.get_level_values("authority").to_series(), targets["date"])
        p = fitted.probabilities(now.set_axis(targets.index).to_frame("theta"))
        slope = float(fitted.coefficients["theta"] / fitted.scale["theta"])
        return Answer(p, preview_record(run) | {"probits_per_theta": round(slope, 4)})


def preview_of(known: Panel, model: Model, spec: Spec, seed: int) -> Fit:
    """Preview on one core: the fits of a backtest run side by side."""
    return fit(known, model, spec=spec, seed=seed, preview=True, cores=1)


def preview_record(run: Fit) -> dict[str, object]:
    """Whether a preview's own check passed, and what failed."""
    return {"gate_passed": run.gate.passed, "gate_failing": list(run.gate.failing)}


def theta_at(run: Fit, authority: pd.Series, when: pd.Series) -> pd.Series:
    """Posterior mean of theta of authorities on days, linear between grid points; NaN where it was not estimated."""
    mean = run.posterior["theta"].mean(("chain", "draw")).to_pandas()
    years = mean.columns.to_numpy(dtype=float)
    found = [
        float(np.interp(position, years, mean.loc[code].to_numpy())) if code in mean.index else np.nan
        for code, position in zip(authority, grid_position(when), strict=True)
    ]
    return pd.Series(found, index=authority.index, dtype=float)
