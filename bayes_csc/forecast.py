"""The next inspection of every authority: when, with which grade, and whether to visit before it."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from bayes_csc.calendar import grid_date, grid_position
from bayes_csc.errors import UsageError
from bayes_csc.fit import CORES, Fit, Model
from bayes_csc.grade_forecast import ThetaAhead, grade_probabilities
from bayes_csc.grade_scales import GradeScales
from bayes_csc.group import members
from bayes_csc.overall_table import OverallTable, overall_table
from bayes_csc.panel import OVERALL
from bayes_csc.probabilities import batch_means_error
from bayes_csc.reinspection import BAND, Reinspection
from bayes_csc.revisit import revisit
from bayes_csc.run_table import about, refuse_failed, write_table
from bayes_csc.states import last_inspections
from bayes_csc.theta_ahead import stratified_normals, theta_ahead
from bayes_csc.visit_decision import decide, expected_errors, threshold, visit_value

INTERVAL = 0.89
LOSS_RATIO = 4.0
DRAWS = 400
HORIZON = 6.0
"""Years after the panel's date: a next inspection that is not within them counts as at their end."""
WITHOUT_EVERY = 4


@dataclass(frozen=True)
class Chances:
    """P(grade) of each authority's next inspection, best grade first (draw, authority, grade).

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
    chains
        How many chains the draws are of, one after another.
    """

    authority: tuple[str, ...]
    marginal: np.ndarray
    given_now: np.ndarray
    without: np.ndarray
    item: tuple[str, ...]
    chains: int


def forecast(
    fit: Fit,
    model: Model,
    *,
    group: str = "requires improvement",
    date: datetime.date | None = None,
    interval: float = INTERVAL,
    loss_ratio: float = LOSS_RATIO,
    framework: str | None = None,
    judged_as: Mapping[str, str] | None = None,
    force: bool = False,
    cores: int = CORES,
) -> pd.DataFrame:
    """Forecast the overall grade of every authority's next inspection.

    With draws s of the hyperparameters and weights w of the dates d that the next inspection may have,

        p_grade_g = mean over s of sum over d of w[d] P(grade g | theta(d) ~ N(m, v), hyperparameters s)

    and the intervals are those, over s, of the same probability given theta now, a draw of it for each s, too: what
    would be said if the authority's state and the model were known. Both are given the national standard's path, which
    is drawn after the data. The dates' weights come from the panel's own gaps (`reinspection`), given that no
    inspection has started by the panel's date, on which what is known of inspections ends; their own uncertainty is
    left out.

    Parameters
    ----------
    fit
        A run whose model has judgements.
    model
        The function that built its model.
    group
        The list for which errors to expect are summed up; every authority has a row.
    date
        Of the next inspection, of every authority; by default it is as uncertain as it is.
    interval
        Probability of the equal-tailed intervals.
    loss_ratio
        Cost of a decline that was missed, in false flags (`visit_decision` has the rule).
    framework
        Of the next inspection; by default the latest that the model knows.
    judged_as
        Domain whose loading a domain has, where it is not its own.
    force
        Give the table even if the run failed its gate.
    cores
        Threads.

    Returns
    -------
    pandas.DataFrame
        Sorted by name, a row for every authority that exists at the panel's date; `attrs` holds the metadata that every
        output carries and the errors to expect. Probabilities of worse and better are NaN without a previous grade.

    Raises
    ------
    GateError
        The run failed its gate.
    UsageError
        A fit without judgements, a date that cannot be the next inspection's, an impossible interval or loss ratio.
    """
    refuse_failed(fit, force=force)
    _check(fit, date, interval, loss_ratio)
    codes, listed = members(fit, "all"), members(fit, group)
    when = Reinspection.of(fit.panel)
    found = chances(fit, model, when, date=date, framework=framework, judged_as=judged_as, cores=cores)
    order = [found.authority.index(c) for c in codes]
    marginal, given_now, without = (p[:, order] for p in (found.marginal, found.given_now, found.without))
    out = _identity(fit, codes, listed)
    grade = fit.panel.latest_grades().reindex(codes).grade.to_numpy(dtype=float)
    out = out.assign(**_dates(when, codes, date, interval), **_grades(marginal, given_now, interval))
    worse, better = (
        tuple(_moved(p, grade, sign) for p in (marginal, given_now, without)) for sign in (1, -1)
    )  # fmt: skip
    for name, (m, g, w) in (("p_next_worse", worse), ("p_next_better", better)):
        out = out.assign(**_summary(name, m, g, interval, found.chains), **{f"{name}_no_data": w.mean(axis=0)})
    can = np.where(grade < len(fit.panel.grades), 1.0, np.nan)
    p, lower, upper = (out[f"p_next_worse{end}"].to_numpy() * can for end in ("", "_lower", "_upper"))
    limit = threshold(loss_ratio)
    decision, reason = decide(p, lower, upper, out["p_next_worse_no_data"].to_numpy(), limit=limit)
    for end, value in (("", p), ("_lower", lower), ("_upper", upper)):
        out[f"visit_value{end}"] = visit_value(value, loss_ratio)
    out["decision"], out["reason"] = decision, reason
    out["note"] = ["; ".join(filter(None, ("preview" * fit.preview, _note(fit, g)))) for g in grade]
    out.attrs.update(about(fit, group, interval))
    out.attrs |= {
        "date": None if date is None else date.isoformat(), "horizon_years": HORIZON, "loss_ratio": loss_ratio,
        "threshold": limit, "judged": list(found.item), "draws": len(marginal),
        "expected": {
            name: expected_errors(
                p[rows], worse[1][:, rows], [decision[i] for i in rows], loss_ratio=loss_ratio, interval=interval
            )
            for name, rows in (("group", np.flatnonzero(out.listed)), ("all", np.arange(len(codes))))
        },
    }  # fmt: skip
    attrs = out.attrs
    out = out.sort_values(["name", "authority"], ignore_index=True)
    out.attrs = attrs
    return out


def has_judgements(fit: Fit) -> bool:
    """Whether a fit's model has judgements to forecast with."""
    return "judgement_loading" in fit.posterior


def chances(
    fit: Fit,
    model: Model,
    when: Reinspection,
    *,
    date: datetime.date | None = None,
    framework: str | None = None,
    judged_as: Mapping[str, str] | None = None,
    cores: int = CORES,
) -> Chances:
    """Compute the probabilities that `forecast` sums up; its parameters."""
    node, edges = _nodes(when, date)
    later = int(np.ceil(node.max() - float(fit.posterior.year[-1]) - 1e-9))
    again = revisit(fit, model, horizon=max(later, 0), draws=DRAWS)
    design, seed, n = again.design, int(fit.record["seed"]), len(again.points)
    codes = list(design.authority)
    weight = np.ones((len(codes), 1)) if edges is None else when.probabilities(codes, edges)
    scales = GradeScales.of(
        again, fit.panel, framework=framework, shift_sd=fit.spec.ratings.framework_shift_sd, judged_as=judged_as,
        seed=seed,
    )  # fmt: skip
    last = last_inspections(fit.panel, design.authority)
    ahead = theta_ahead(
        again.density, design, again.points, last, node, without_every=WITHOUT_EVERY, cores=cores
    )  # fmt: skip
    standard = scales.standard @ design.weights(node).T
    table = None if scales.item == (OVERALL,) else overall_table(fit.panel, scales.item)
    mean, drawn = _tables(table, n, seed)
    some = slice(None, None, WITHOUT_EVERY)

    def p(draws: slice, theta: ThetaAhead, overall: np.ndarray | None) -> np.ndarray:
        return grade_probabilities(scales.at(draws), theta, standard[draws], weight, overall, cores=cores)

    return Chances(
        authority=tuple(codes),
        marginal=p(slice(None), ahead.theta, mean),
        given_now=p(slice(None), ahead.given_now(stratified_normals(codes, n, seed)), drawn),
        without=p(some, ahead.without, mean),
        item=scales.item,
        chains=fit.unconstrained.sizes["chain"],
    )


def _check(fit: Fit, date: datetime.date | None, interval: float, loss_ratio: float) -> None:
    problems = []
    if not has_judgements(fit):
        problems.append(
            "this run has no judgements (ratings.use = false, or a panel without inspections), so that it cannot "
            "forecast any; fit with ratings"
        )
    if not 0 < interval < 1 or not 0 < loss_ratio < np.inf:
        problems.append(f"expected 0 < interval < 1 and a finite loss ratio > 0, found {interval} and {loss_ratio}")
    now = grid_date(fit.change.attrs["now"])
    latest = grid_date(float(grid_position(fit.panel.date)) + HORIZON)
    if date is not None and not now <= date <= latest:
        problems.append(f"--date: expected a day from {now} (now) to {latest} ({HORIZON:g} years on), found {date}")
    if problems:
        raise UsageError("\n".join(problems))


def _nodes(when: Reinspection, date: datetime.date | None) -> tuple[np.ndarray, np.ndarray | None]:
    """Grid positions of the dates to forecast at; and the edges, years after the panel's date, they are middles of."""
    if date is not None:
        return np.array([float(grid_position(date))]), None
    edges = np.arange(0.0, HORIZON + BAND / 2, BAND)
    return when.now + 0.5 * (edges[1:] + edges[:-1]), edges


def _tables(table: OverallTable | None, draws: int, seed: int) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Mean and draws of the table of overall grades, where there is one."""
    return (None, None) if table is None else (table.mean, table.draws(draws, np.random.default_rng([seed, 2])))


def _identity(fit: Fit, codes: list[str], listed: list[str]) -> pd.DataFrame:
    latest = fit.panel.latest_grades().reindex(codes)
    return pd.DataFrame(
        {
            "authority": codes,
            "name": fit.panel.authorities["name"].loc[codes].to_numpy(),
            "listed": np.isin(codes, listed),
            "last_inspection": latest.start_date.dt.strftime("%Y-%m-%d").to_numpy(),
            "last_grade": [fit.panel.grades[int(g) - 1] if g == g else "" for g in latest.grade],
        }
    )


def _dates(when: Reinspection, codes: list[str], date: datetime.date | None, interval: float) -> dict[str, list[str]]:
    """Median and interval of the next inspection's date."""
    levels = {"median": 0.5, "lower": (1.0 - interval) / 2.0, "upper": (1.0 + interval) / 2.0}
    if date is not None:
        return {f"next_inspection_{name}": [date.isoformat()] * len(codes) for name in levels}
    return {
        f"next_inspection_{name}": [
            grid_date(when.now + years).isoformat() for years in when.quantile(codes, level, HORIZON)
        ]
        for name, level in levels.items()
    }


def _grades(marginal: np.ndarray, given_now: np.ndarray, interval: float) -> dict[str, np.ndarray]:
    tails = [(1.0 - interval) / 2.0, (1.0 + interval) / 2.0]
    out = {}
    for g in range(marginal.shape[2]):
        out[f"p_grade_{g + 1}"] = marginal[..., g].mean(axis=0)
        out[f"p_grade_{g + 1}_lower"], out[f"p_grade_{g + 1}_upper"] = np.quantile(given_now[..., g], tails, axis=0)
    return out


def _moved(p: np.ndarray, grade: np.ndarray, sign: int) -> np.ndarray:
    """P of a grade worse (sign 1) or better (-1) than the last (draw, authority), NaN without one."""
    number = np.arange(1, p.shape[2] + 1)
    beyond = sign * (number - grade[:, None]) > 0
    return np.where(np.isnan(grade), np.nan, (p * beyond).sum(axis=2))


def _summary(
    name: str, marginal: np.ndarray, given_now: np.ndarray, interval: float, chains: int
) -> dict[str, np.ndarray]:
    """Forecast, its interval and its Monte Carlo error."""
    tails = [(1.0 - interval) / 2.0, (1.0 + interval) / 2.0]
    lower, upper = np.quantile(given_now, tails, axis=0)
    each = len(marginal) // chains
    draws = xr.DataArray(
        marginal[: each * chains].reshape(chains, each, -1), dims=("chain", "draw", "authority")
    )  # fmt: skip
    error = batch_means_error(draws).to_numpy()
    return {name: marginal.mean(axis=0), f"{name}_lower": lower, f"{name}_upper": upper, f"{name}_mcse": error}


def _note(fit: Fit, grade: float) -> str:
    if grade != grade:
        return "no inspection"
    return "already the worst grade" if grade == len(fit.panel.grades) else ""


def write_forecast(table: pd.DataFrame, folder: Path) -> None:
    """Write forecast.csv and forecast.json (metadata and the same rows) into a run folder."""
    write_table(table, folder, "forecast")
