"""What ArviZ's functions ask of a run beside its posterior: log priors, replicated and observed data, scores.

Data are replicated as the model has them: with deviations of their own, given the states of a draw of the posterior, or
of the prior.

    eta ~ offset + loading W theta + own AR(1) + white + the domain's AR(1) + white
    y   ~ the indicator's family at eta;   a grade from the cutpoints below eta + N(0, rest)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pymc as pm
import xarray as xr
from scipy.special import log_ndtr

from bayes_csc.inference.fit import Fit, Model
from bayes_csc.inference.reopen import revisit
from bayes_csc.likelihood.conditional_states import Cut, block_densities
from bayes_csc.likelihood.density import Density
from bayes_csc.likelihood.function_cache import building_graphs
from bayes_csc.likelihood.kernel import Real
from bayes_csc.likelihood.kernel.states import states
from bayes_csc.likelihood.layout import layout_of
from bayes_csc.likelihood.log_prior import log_priors
from bayes_csc.likelihood.prior_draws import centred, draw_deviations, draw_prior, draw_states, fitted
from bayes_csc.measurement.design import Design
from bayes_csc.measurement.judgements.scales import JUDGEMENT
from bayes_csc.panel.families import declared
from bayes_csc.panel.indicators import Indicator
from bayes_csc.panel.panel import Panel
from bayes_csc.simulation.in_order import own_cutpoints

REPLICATED, PRIOR_DRAWS = 100, 100
"""Draws of the posterior that data are replicated from, and draws of the prior."""
BOTH = ("chain", "draw")


def with_predictions(run: Fit, model: Model) -> Fit:
    """Return the same fit with the groups that ArviZ's functions ask for beside the posterior.

    Parameters
    ----------
    run
        A fit.
    model
        The function that built its model.

    Returns
    -------
    Fit
        With, in `more`, the groups `log_prior` (chain, draw), by free variable; `posterior_predictive` and
        `observed_data`, a variable for each indicator (share, count, value or category) and each scale of
        judgements (grades, 1 the best), of the cells that have a figure; `prior` and `prior_predictive`, of
        `PRIOR_DRAWS` draws; `constant_data`; and `scores`, log densities that are not independent of each other:
        `authority`, of what was observed of each given all the others, and `judgement`, of each grade given theta.
        Replicated data and scores are of `REPLICATED` evenly spaced draws.
    """
    seed = int(run.record["seed"])
    again = revisit(run, model, draws=1)
    with building_graphs():
        built = model(run.panel, run.spec)
        log_prior = _log_prior(run.posterior, built)
        prior = draw_prior(built, draws=PRIOR_DRAWS, seed=seed)
    data = _Data.of(again.design, run.panel, {str(name) for name in run.posterior.data_vars})
    size = run.unconstrained.sizes
    some = slice(None, None, -(-size["chain"] * size["draw"] // REPLICATED))
    posterior = xr.merge([run.posterior, run.unconstrained[["x"]]]).isel(draw=some)
    replicated, scores = _replicated(again.density, data, posterior, np.random.default_rng([seed, 8]))
    rng, theta, imagined = np.random.default_rng([seed, 9]), [], []
    for i in range(PRIOR_DRAWS):
        own = draw_states(again.design, prior.at(i), rng)
        theta.append(np.where(again.design.exists, centred(again.design, own), np.nan))
        imagined.append(data.replicated(prior.at(i), own, prior.hyperparameters.isel(draw=i), rng))
    one = {"chain": np.arange(1), "draw": np.arange(PRIOR_DRAWS)}
    before = prior.hyperparameters.assign(theta=(("draw", "authority", "year"), np.array(theta, dtype=np.float32)))
    before = before.assign_coords(authority=list(again.design.authority), year=again.design.year)
    more = {
        "log_prior": log_prior,
        "posterior_predictive": replicated,
        "prior": before.expand_dims("chain").assign_coords(one),
        "prior_predictive": data.labelled(np.array(imagined)[None], one),
        "observed_data": data.labelled(data.observed, {}),
        "constant_data": _constant(again.design),
        "scores": scores,
    }
    return dataclasses.replace(run, more=more)


def _log_prior(posterior: xr.Dataset, built: pm.Model) -> xr.Dataset:
    """Log prior density (chain, draw) of each free variable on its own scale, given those it depends on."""
    drawn_values = {rv.name: posterior[rv.name].stack(all=BOTH).transpose("all", ...) for rv in built.free_RVs}
    shape = tuple(posterior.sizes[dim] for dim in BOTH)
    found = log_priors(built, {name: values.to_numpy() for name, values in drawn_values.items()})
    coords = {dim: posterior[dim] for dim in BOTH}
    return xr.Dataset({name: (BOTH, values.reshape(shape)) for name, values in found.items()}, coords=coords)


@dataclass(frozen=True)
class _Data:
    """Observations that have a figure or a grade, and how to draw others like them.

    Attributes
    ----------
    design
        Of the panel.
    indicators
        By key, with their typical figures.
    at, rows
        Observations of each variable, an indicator's figures or a scale's grades: their indices, and what they are.
    judged
        All judgements (indices), and what they are.
    observed
        Every observation's share, count, value, category or grade; NaN where it is suppressed.
    """

    design: Design
    indicators: dict[str, Indicator]
    at: dict[str, np.ndarray]
    rows: dict[str, pd.DataFrame]
    judged: tuple[np.ndarray, pd.DataFrame]
    observed: np.ndarray

    @classmethod
    def of(cls, design: Design, panel: Panel, variables: Collection[str]) -> _Data:
        """Return those of a panel that a model with these variables has: grades only where it has their cutpoints."""
        rows = design.observation
        indicators = declared(panel.indicators, panel.cells)
        observed = np.full(len(rows), np.nan)
        at = {}
        ordinal = [key for key in design.ordinal if f"{key}_cutpoints" in variables]
        for key in (*design.indicator, *ordinal):
            own = np.flatnonzero(rows.indicator == key)
            observed[own] = _published(rows.iloc[own], indicators[key])
            at[key] = own[~np.isnan(observed[own])]
        judged = np.flatnonzero((rows.indicator == JUDGEMENT).to_numpy() & ("cutpoints" in variables))
        if judged.size:
            observed[judged] = rows.grade.to_numpy(dtype=float)[judged]
            at |= {name: judged[rows["scale"].to_numpy()[judged] == name] for name in design.judged.scale}
        at = {name: own for name, own in at.items() if own.size}
        parts = {name: rows.iloc[own] for name, own in at.items()}
        return cls(design, indicators, at, parts, (judged, rows.iloc[judged]), observed)

    def replicated(
        self, inputs: Mapping[str, np.ndarray], theta: np.ndarray, hyper: xr.Dataset, rng: np.random.Generator
    ) -> np.ndarray:
        """Draw all observations at theta (authority, year), not centred, and at one draw of the hyperparameters."""
        given, (judged, judgements) = dict(inputs), self.judged
        eta = fitted(self.design, given, theta) + draw_deviations(self.design, given, rng)
        rest = np.sqrt(max(1.0 - inputs["white_sd"][-1] ** 2, 0.0)) if len(inputs["white_sd"]) else 1.0
        score = eta + rest * rng.standard_normal(eta.size)
        out = np.full(eta.size, np.nan)
        if judged.size:
            worst = judgements["scale"].map(dict(zip(self.design.judged.scale, self.design.judged.size, strict=True)))
            out[judged] = worst.to_numpy() - (score[judged, None] > own_cutpoints(judgements, hyper)).sum(axis=1)
        for name, part in self.rows.items():
            if (indicator := self.indicators.get(name)) is None:
                continue
            own, family = self.at[name], indicator.distribution
            if family.ordered:
                better = 1 + (score[own, None] > hyper[f"{name}_cutpoints"].to_numpy()).sum(axis=1)
                out[own] = better if indicator.sign > 0 else (indicator.categories or 0) + 1.0 - better
            else:
                drawn = family.draw(part, indicator, eta[own], rng)
                out[own] = drawn / part.denominator.to_numpy(dtype=float) if family.share else drawn
        return out

    def labelled(self, values: np.ndarray, coords: Mapping[str, np.ndarray]) -> xr.Dataset:
        """Label values (..., observation) by variable, each observation of it by its authority and instant."""
        out = xr.Dataset(coords=dict(coords))
        for name, own in self.at.items():
            dim, part = f"{name}_observation", self.rows[name]
            out[name] = ((*coords, dim), values[..., own].astype(np.float32))
            out = out.assign_coords(
                {
                    f"{name}_authority": (dim, part.unit.to_numpy(dtype=str)),
                    f"{name}_instant": (dim, part.position.to_numpy(dtype=float)),
                }
            )
        return out


def _published(rows: pd.DataFrame, indicator: Indicator) -> np.ndarray:
    """Figures as published: shares, counts, values or categories; NaN where a count is suppressed."""
    if indicator.distribution.ordered:
        grade = rows.grade.to_numpy(dtype=float)
        return np.asarray((indicator.categories or 0) + 1.0 - grade if indicator.sign > 0 else grade)
    figure = rows.numerator.to_numpy(dtype=float)
    return np.asarray(figure / rows.denominator.to_numpy(dtype=float) if indicator.distribution.share else figure)


def _replicated(
    density: Density, data: _Data, posterior: xr.Dataset, rng: np.random.Generator
) -> tuple[xr.Dataset, xr.Dataset]:
    """Replicated data and scores of every draw of a posterior with its unconstrained `x`."""
    d, layout = data.design, layout_of(data.design)
    width = layout.template_column.max() + layout.single_grade.shape[1]
    nobody, shape = np.zeros(d.exists.size), tuple(posterior.sizes[dim] for dim in BOTH)
    points = np.ascontiguousarray(posterior["x"].transpose(*BOTH, "coordinate").to_numpy())
    apart, judged = _without_each(d), np.flatnonzero(d.observation.indicator == JUDGEMENT)
    values = np.empty((*shape, len(d.observation)))
    by_authority, by_grade = np.empty((*shape, len(d.authority))), np.empty((*shape, judged.size))
    for at in np.ndindex(*shape):
        real = density.real(points[at])
        noise = rng.standard_normal((len(d.block), width))
        _, theta, _, _, whole = states(layout, real, d.year.size, nobody, noise)
        hyper, theta = posterior.isel(chain=at[0], draw=at[1]), theta.reshape(d.exists.shape)
        values[at] = data.replicated(real._asdict(), theta, hyper, rng)
        by_authority[at] = _by_authority(d, real, whole, apart)
        by_grade[at] = _grade_scores(d, real, theta, judged)
    coords = {dim: posterior[dim].to_numpy() for dim in BOTH}
    scores = xr.Dataset(
        {"authority_score": ((*BOTH, "authority"), by_authority)}, coords=coords | {"authority": list(d.authority)}
    )
    if judged.size:
        rows = d.observation.iloc[judged]
        label = [f"{u}:{s}:{p:.3f}" for u, s, p in zip(rows.unit, rows["scale"], rows.position, strict=True)]
        scores["judgement_score"] = ((*BOTH, "judgement"), by_grade)
        scores = scores.assign_coords(judgement=label)
    return data.labelled(values, coords), scores


def _by_authority(design: Design, real: Real, whole: np.ndarray, apart: Sequence[Cut]) -> np.ndarray:
    """Log density of each authority's own observations, given those of the others in its block.

    Parameters
    ----------
    design, real
        The kernel's arguments.
    whole
        Log density of each block.
    apart
        Designs without each authority of a block of several (`_without_each`).
    """
    sizes = [len(b) for b in design.block]
    out = np.repeat(whole, sizes)
    for cut in apart:
        without = np.repeat(block_densities(cut.design, cut.kept(real)), sizes)
        out[cut.authority] -= without[cut.authority]
    return out


def _without_each(design: Design) -> tuple[Cut, ...]:
    """Designs without the k-th authority of each block that has others: what each is scored given."""
    unit = design.observation.unit.to_numpy()
    out = []
    for k in range(max(len(b) for b in design.block)):
        chosen = np.array([b[k] for b in design.block if len(b) > max(k, 1)], dtype=int)
        if chosen.size:
            out.append(Cut.to(design, ~np.isin(unit, [design.authority[a] for a in chosen]), chosen))
    return tuple(out)


def _grade_scores(design: Design, real: Real, theta: np.ndarray, judged: np.ndarray) -> np.ndarray:
    """Log probability of each judgement's grade given theta; its inspection's effect is integrated out."""
    at = layout_of(design).graded[judged]
    kind = design.observation.kind.to_numpy()[judged]
    mean = fitted(design, real._asdict(), theta)[judged]
    sd = np.sqrt(1.0 + real.domain_sd[kind] ** 2)
    low, high = (real.low[at] - mean) / sd, (real.high[at] - mean) / sd
    low, high = np.where(low + high > 0.0, -high, low), np.where(low + high > 0.0, -low, high)  # the smaller tail
    return np.asarray(log_ndtr(high) + np.log1p(-np.exp(log_ndtr(low) - log_ndtr(high))))


def _constant(design: Design) -> xr.Dataset:
    """What the data are given: deprivation, regions and which authorities exist, by authority."""
    coords = {"authority": list(design.authority), "year": design.year}
    dims = ("authority", "year") if design.deprivation.ndim > 1 else ("authority",)
    return xr.Dataset(
        {
            "deprivation": (dims, design.deprivation),
            "region_of": ("authority", np.array(design.region)[design.region_index]),
            "exists": (("authority", "year"), design.exists),
        },
        coords=coords,
    )
