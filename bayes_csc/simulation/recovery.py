"""Where the truth of a simulated panel lies in its fit: the PIT of all that is printed, and events by their forecasts.

A PIT is the posterior probability below the truth: by the exact conditional distributions, averaged over draws of the
hyperparameters, where these are Gaussian (theta and its changes), else by the truth's place r among n draws,
(r + U) / (n + 1) with U uniform. What a panel says is a few numbers for each quantity, as JSON keeps them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import pytensor
import pytensor.tensor as pt
import xarray as xr
from scipy.special import ndtr

from bayes_csc.estimates.attribution import attributions
from bayes_csc.estimates.contributions import contrasts
from bayes_csc.estimates.forecast.next_grade import next_grade
from bayes_csc.inference.fit import CORES, Fit, Model
from bayes_csc.inference.probabilities import EPSILON, conditional_probability
from bayes_csc.inference.reopen import Revisited, revisit
from bayes_csc.likelihood.density import Density
from bayes_csc.likelihood.kernel.states import states
from bayes_csc.likelihood.layout import layout_of
from bayes_csc.likelihood.prior_draws import fitted
from bayes_csc.measurement.design import Design
from bayes_csc.measurement.judgements.inspection_rates import Reinspection
from bayes_csc.panel.panel import OVERALL
from bayes_csc.simulation.calibration import FORECAST_EDGES, PIT_EDGES
from bayes_csc.simulation.simulate_next import NEXT

THETA, FIGURE, CONTRIBUTION, DECLINE = "theta", "figure given theta", "contribution", "decline"
CHANGES = {"since inspection": "change since inspection", "recent": "recent change"}
COVERED = ("theta", "_scaled", "_contrast", "_step", "_agreed")
"""Endings of names that stand for themselves elsewhere, or are coordinates of others that are placed."""
DRAWS, TAKEN_APART = 400, 5
"""Draws of the hyperparameters for all but the changes; authorities whose change is taken apart."""

Record = dict[str, dict[str, list[Any]]]


def recovery(fit: Fit, model: Model, truth: xr.DataTree, *, seed: int = 0, cores: int = CORES) -> Record:
    """Place the truth of a simulated panel in its fit.

    Parameters
    ----------
    fit
        Of the panel, whatever its gate says.
    model
        The function that built its model.
    truth
        Result of `simulate`, or of `simulate_ahead` for the next inspections. Of a fit of another model than that of
        the truth its group `posterior` is theta alone: then neither figures nor contributions are placed.
    seed
        Of the choice of one element of each quantity, and of U.
    cores
        Threads.

    Returns
    -------
    dict
        `pits`: by quantity, one element's PIT and, of several elements, how many lie in each bin of `PIT_EDGES`;
        `events`: by event, for each bin of `FORECAST_EDGES` the number of forecasts, the sum of their probabilities and
        how often the event came; then the sum of the squared errors.
    """
    rng, known = np.random.default_rng([seed, 6]), truth["posterior"].to_dataset()
    named = [str(name) for name in known if name in fit.posterior and not str(name).endswith(COVERED)]
    pits = {name: among(fit.posterior[name], known[name], rng) for name in named}
    again, events = revisit(fit, model, draws=DRAWS), dict[str, tuple[Any, Any]]()
    for kind, name in CHANGES.items():
        delta = true_change(fit, again.design, known.theta, kind)
        change = fit.change.sel(change=kind, authority=delta.authority)
        pits[name] = xr.apply_ufunc(ndtr, (delta - change["mean"]) / np.sqrt(change.variance)).mean(("chain", "draw"))
        p = conditional_probability(change, EPSILON).mean(("chain", "draw"))
        events[DECLINE if kind == "since inspection" else f"{kind} {DECLINE}"] = p, delta < -EPSILON
    built = model(fit.panel, fit.spec)
    here = point(built, again.density, known) if all(v.name in known for v in built.free_RVs) else None
    pits |= states_of(again, here, known, rng)
    if here is not None:
        pits |= dict(taken_apart(fit, again, here, rng))
    if NEXT in truth.children:
        every = -(-fit.unconstrained.x.sizes["chain"] * fit.unconstrained.x.sizes["draw"] // DRAWS)
        thinned = replace(fit, unconstrained=fit.unconstrained.isel(draw=slice(None, None, every)))
        events |= next_events(thinned, model, truth[NEXT].to_dataset(), cores)
    return {
        "pits": {name: binned(np.asarray(u).ravel(), rng) for name, u in pits.items()},
        "events": {name: tallied(np.asarray(p).ravel(), np.asarray(y).ravel()) for name, (p, y) in events.items()},
    }


def among(draws: xr.DataArray, truth: xr.DataArray, rng: np.random.Generator) -> np.ndarray:
    """PIT of the truth among draws (chain, draw, ...), NaN where there is no truth or no draw."""
    values = draws.transpose("chain", "draw", *truth.dims).to_numpy().reshape(-1, *truth.shape)
    return _placed(values, truth.to_numpy(), rng)


def _placed(draws: np.ndarray, truth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """PIT of the truth among draws along their first axis; of ties a random part counts."""
    below, same = (draws < truth).sum(axis=0), (draws == truth).sum(axis=0)
    u = (below + rng.random(truth.shape) * (same + 1)) / (len(draws) + 1)
    return np.where(np.isfinite(truth) & np.isfinite(draws).all(axis=0), u, np.nan)


def true_change(fit: Fit, design: Design, theta: xr.DataArray, kind: str) -> xr.DataArray:
    """True change of theta, of the authorities that existed at both ends and have one."""
    since = fit.change.since.sel(change=kind, drop=True)
    end = fit.recent_until if kind == "recent" else design.now
    weight = design.weights(np.full(since.size, end)) - design.weights(since.fillna(end).to_numpy())
    value = theta.sel(authority=since.authority).transpose("authority", "year").to_numpy()
    delta = since.copy(data=np.where(weight != 0.0, weight * value, 0.0).sum(axis=1)).where(since.notnull())
    there: xr.DataArray = delta[delta.notnull().to_numpy()]
    return there


def point(model: pm.Model, density: Density, known: xr.Dataset) -> np.ndarray:
    """Place of named values among the density's unconstrained coordinates."""
    parts = []
    for v in model.free_RVs:
        value, transform = pt.constant(known[v.name].to_numpy()), model.rvs_to_transforms[v]
        parts.append((value if transform is None else transform.forward(value, *v.owner.inputs)).ravel())
    x = np.asarray(pytensor.function([], pt.concatenate(parts), mode="FAST_COMPILE")())
    found = density.expand(x)
    if lost := [name for name in known if name in found and not np.allclose(found[name], known[name], 1e-4, 1e-6)]:
        raise ValueError(f"no coordinates of the truth of {', '.join(map(str, lost))}")
    return x


def states_of(
    again: Revisited, here: np.ndarray | None, known: xr.Dataset, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """PITs of theta (authority, year), relative to the nation, and of what each indicator shows of its theta.

    The second where the true hyperparameters are `here` among the coordinates.
    """
    d = again.design
    share = d.exists / np.maximum(d.exists.sum(axis=0), 1)
    width = layout_of(d).template_column.max() + layout_of(d).single_grade.shape[1]
    theta = known.theta.sel(authority=list(d.authority)).transpose("authority", "year").to_numpy()
    at = np.flatnonzero(d.observation.kind < len(d.indicator))
    below, figures = np.zeros(theta.shape), []
    for x in again.points:
        real = again.density.real(x)
        noise = rng.standard_normal((len(d.block), width))
        mean, draw, own, shared, _ = states(layout_of(d), real, d.year.size, share.ravel(), noise)
        mean = mean.reshape(theta.shape)
        nation = np.einsum("at,att->t", share, shared)
        variance = np.einsum("att->at", own) - 2.0 * np.einsum("att->at", shared) + nation
        below += ndtr((theta - mean + (share * mean).sum(axis=0)) / np.sqrt(variance))
        shown = {"offset": real.offset, "loading": real.loading}
        figures.append(fitted(d, shown, draw.reshape(theta.shape))[at])
    out = {THETA: below / len(again.points)}
    if here is None:
        return out
    real = again.density.real(here)
    raw = known.theta_raw.sel(authority=list(d.authority)).transpose("authority", "year").to_numpy()
    figure = fitted(d, {"offset": real.offset, "loading": real.loading}, raw)[at]
    return out | {FIGURE: _placed(np.stack(figures), figure, rng)}


def taken_apart(
    fit: Fit, again: Revisited, here: np.ndarray, rng: np.random.Generator
) -> Iterator[tuple[str, np.ndarray]]:
    """PITs of the parts of some authorities' changes, by kind of part, among those of every draw.

    A part is a function of the hyperparameters and the data: its truth is that at the true hyperparameters.
    """
    since = fit.change.since.sel(change="since inspection").dropna("authority").authority.to_numpy()
    codes = [str(code) for code in rng.permutation(since)[:TAKEN_APART]]
    both = Revisited(again.design, again.density, np.vstack([here, again.points[:: max(len(again.points) // 100, 1)]]))
    parts = list(attributions(both, contrasts(fit, again.design, codes, "since inspection")))
    kind = np.concatenate([part.source.kind for part in parts])
    value = np.concatenate([part.value for part in parts], axis=1)
    for name in pd.unique(kind):
        own = value[:, kind == name]
        yield f"{CONTRIBUTION} of {name}", _placed(own[1:], own[0], rng)


def next_events(fit: Fit, model: Model, came: xr.Dataset, cores: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Probability of each grade, overall and of each item, and of a worse one, at the next inspections; and what came.

    NaN where there is no forecast: of a worse grade where there is none before or it is the worst.
    """
    codes = [str(code) for code in came.authority.to_numpy()]
    when = Reinspection.of(fit.panel)
    found = next_grade(fit, model, when, given_now=False, without=False, cores=cores).of(codes)
    last = fit.panel.latest_grades().reindex(codes).grade.to_numpy(dtype=float)
    chances = {OVERALL: (found.marginal.overall, came.grade.to_numpy(), last)}
    if "domain_grade" in came:
        of_item = came.domain_grade.sel(domain=list(found.item)).to_numpy()
        for j, item in enumerate(found.item):
            before = np.where(found.before[:, j] > 0, found.before[:, j], np.nan)
            chances[item] = found.marginal.domain[:, :, j], of_item[:, j], before
    out: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for item, (given, grade, before) in chances.items():
        p, number = given.mean(axis=0), np.arange(1, given.shape[2] + 1)
        out |= {f"{item}: {label}": (p[:, g], grade == g + 1) for g, label in enumerate(fit.panel.grades)}
        can_fall = np.where(before < len(number), 1.0, np.nan)
        out[f"{item}: worse"] = (p * (number > before[:, None])).sum(axis=1) * can_fall, grade > before
    return out


def binned(u: np.ndarray, rng: np.random.Generator) -> list[Any]:
    """One PIT of a quantity, drawn blindly, and how many lie in each bin; nothing more of a single one."""
    u = u[np.isfinite(u)]
    if not u.size:
        return []
    one = round(float(rng.choice(u)), 4)
    return [one] if u.size == 1 else [one, *np.histogram(np.clip(u, 0.0, 1.0), PIT_EDGES)[0].tolist()]


def tallied(p: np.ndarray, y: np.ndarray) -> list[Any]:
    """Number, sum of probabilities and events of the forecasts in each bin, one list after another; squared errors."""
    made = np.isfinite(p)
    p, y = np.clip(p[made], 0.0, 1.0), y[made].astype(float)
    n, total, came = (np.histogram(p, FORECAST_EDGES, weights=w)[0] for w in (np.ones(p.size), p, y))
    error = float(((p - y) ** 2).sum())
    return [*n.astype(int).tolist(), *total.round(3).tolist(), *came.astype(int).tolist(), round(error, 3)]
