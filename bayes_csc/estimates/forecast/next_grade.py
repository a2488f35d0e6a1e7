"""Probabilities of the grades of every authority's next inspection, for every draw of a fit's hyperparameters."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bayes_csc.estimates.forecast.cutpoints import GradeScales
from bayes_csc.estimates.forecast.grade_probabilities import GradeChances, ThetaAhead, grade_chances
from bayes_csc.estimates.forecast.overall_given_subjudgements import OverallTable, overall_table
from bayes_csc.estimates.forecast.state_forecast import stratified_normals, theta_ahead
from bayes_csc.inference.fit import CORES, Fit, Model
from bayes_csc.inference.reopen import Revisited, revisit
from bayes_csc.likelihood.conditional_states import last_inspections
from bayes_csc.measurement.judgements.inspection_rates import BAND, Reinspection
from bayes_csc.panel.calendar import grid_position
from bayes_csc.panel.panel import OVERALL

DRAWS, WITHOUT_EVERY = 1600, 2
"""Decisions hang on ends of intervals: by 400 and 100 draws one in ten, by 1,600 and 800 one in fifteen has another
with another seed."""
HORIZON = 6.0
"""Years after the panel's date: a next inspection that is not within them counts as at their end."""


@dataclass(frozen=True)
class NextGrade:
    """Probabilities of each authority's next grades, best grade first, of the overall grade and of each item.

    Attributes
    ----------
    authority
        Codes.
    marginal
        Given each draw of the hyperparameters, theta integrated out: their average is the forecast.
    given_now
        Given each draw of the hyperparameters and of theta now (and of the table of overall grades): their spread is
        the uncertainty of the forecast.
    without
        As `marginal`, had nothing been observed since the last inspection; at every so many draws, NaN without one.
    item
        What the next inspection judges.
    before
        Grade of each item when it was last judged (authority, item), from 1, the best; 0 where it never was.
    chains
        How many chains the draws are of, one after another.
    """

    authority: tuple[str, ...]
    marginal: GradeChances
    given_now: GradeChances
    without: GradeChances
    item: tuple[str, ...]
    before: np.ndarray
    chains: int

    def of(self, codes: Sequence[str]) -> NextGrade:
        """Return those of some authorities, in their order."""
        at = [self.authority.index(code) for code in codes]
        marginal, given_now, without = (p.of(at) for p in (self.marginal, self.given_now, self.without))
        return replace(
            self,
            authority=tuple(codes),
            marginal=marginal,
            given_now=given_now,
            without=without,
            before=self.before[at],
        )

    def moved(self, last: np.ndarray, sign: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """P of an overall grade worse (sign 1) or better (-1) than the last one (authority,), NaN where there is none.

        Returns
        -------
        tuple
            Those of `marginal`, `given_now` and `without`, (draw, authority) each.
        """
        number = np.arange(1, self.marginal.overall.shape[2] + 1)
        beyond = np.where(np.isnan(last)[:, None], np.nan, sign * (number - last[:, None]) > 0)
        marginal, given_now, without = (
            (p.overall * beyond).sum(axis=2) for p in (self.marginal, self.given_now, self.without)
        )
        return marginal, given_now, without


def next_grade(
    fit: Fit,
    model: Model,
    when: Reinspection,
    *,
    date: datetime.date | None = None,
    framework: str | None = None,
    again: Revisited | None = None,
    given_now: bool = True,
    without: bool = True,
    cores: int = CORES,
) -> NextGrade:
    """Compute the probabilities that `forecast` sums up.

    Parameters
    ----------
    fit, model
        A run, and the function that built its model.
    when
        Rates of inspection.
    date
        Of the next inspection, of every authority; by default it is as uncertain as `when` has it.
    framework
        Of the next inspection (`GradeScales.of`).
    again
        The fit taken up again over `years_ahead`, if it was already.
    given_now
        Whether to compute `given_now`, too; otherwise `marginal` stands there.
    without
        Whether to compute `without`, too; otherwise it is of one draw.
    cores
        Threads.
    """
    node, edges = _nodes(when, date)
    again = again or revisit(fit, model, horizon=years_ahead(fit, node), draws=DRAWS)
    design, seed, n = again.design, int(fit.record["seed"]), len(again.points)
    codes = list(design.authority)
    weight = np.ones((len(codes), 1)) if edges is None else when.probabilities(codes, edges)
    shift_sd = fit.spec.ratings.scale_shift_sd
    scales = GradeScales.of(again, fit.panel, framework=framework, shift_sd=shift_sd, seed=seed)
    last = last_inspections(fit.panel, design.authority)
    judged = node - fit.spec.ratings.lead_years
    every = WITHOUT_EVERY if without else n
    ahead = theta_ahead(again.density, design, again.points, last, judged, without_every=every, cores=cores)
    standard = scales.standard @ design.weights(judged).T
    table = None if scales.item == (OVERALL,) else overall_table(fit.panel, scales.item)
    mean, drawn = _tables(table, n, seed)

    def p(draws: slice, theta: ThetaAhead, overall: np.ndarray | None) -> GradeChances:
        return grade_chances(scales.at(draws), theta, standard[draws], weight, overall, cores=cores)

    marginal = p(slice(None), ahead.theta, mean)
    now = p(slice(None), ahead.given_now(stratified_normals(codes, n, seed)), drawn) if given_now else marginal
    return NextGrade(
        authority=tuple(codes),
        marginal=marginal,
        given_now=now,
        without=p(slice(None, None, every), ahead.without, mean),
        item=scales.item,
        before=scales.before,
        chains=fit.unconstrained.sizes["chain"],
    )


def years_ahead(fit: Fit, node: np.ndarray | None = None) -> int:
    """Grid points that forecasts at some positions, by default at all within the horizon, need after the fit's own."""
    last = float(grid_position(fit.panel.date)) + HORIZON if node is None else node.max()
    return max(int(np.ceil(last - float(fit.posterior.year[-1]) - 1e-9)), 0)


def _nodes(when: Reinspection, date: datetime.date | None) -> tuple[np.ndarray, np.ndarray | None]:
    """Grid positions of the dates to forecast at; and the edges, years after the panel's date, they are middles of."""
    if date is not None:
        return np.array([float(grid_position(date))]), None
    edges = np.arange(0.0, HORIZON + BAND / 2, BAND)
    return when.now + 0.5 * (edges[1:] + edges[:-1]), edges


def _tables(table: OverallTable | None, draws: int, seed: int) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Mean and draws of the table of overall grades, where there is one."""
    return (None, None) if table is None else (table.mean, table.draws(draws, np.random.default_rng([seed, 2])))
