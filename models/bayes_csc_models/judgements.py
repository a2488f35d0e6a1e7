"""Priors of the judgements: their standard, what an inspection sees on the day, and the cutpoints of their scales."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable

from bayes_csc.design import Design
from bayes_csc.judged import JUDGEMENT
from bayes_csc.spec import Spec
from bayes_csc_models.effects import combination, common_scale, half_normal


def national_standard(d: Design, spec: Spec) -> TensorVariable:
    """National random walk of the judgements' standard, zero-sum over the window, at each judgement's start."""
    n = d.year.size
    prior = spec.ratings
    step = common_scale("standard", prior.standards_sd, prior.standards_df, "grade_step")
    basis = np.tril(np.ones((n, n)), -1)[:, : n - 1]
    standard = pm.Deterministic("standard", combination(basis - basis[d.window].mean(axis=0), step), dims="year")
    rows = d.observation
    return combination(d.weights(rows.position.to_numpy()[rows.indicator == JUDGEMENT]), standard)


def inspection_prior(d: Design, spec: Spec) -> TensorVariable:
    """Sd of an inspection's own effect on each domain judged: one for all; zero where no inspection has several."""
    n = len(d.judged.domain)
    if not d.judged.several:
        return pt.zeros(n)
    return pt.full((n,), half_normal("inspection_sd", sigma=spec.ratings.inspection_sd))


def judgement_prior(d: Design, spec: Spec) -> TensorVariable | None:
    """Cutpoints (scale, cutpoint): the first from Dirichlet grade shares, each other shifted and stretched from one."""
    if not d.judged.scale:
        return None
    share = pm.Dirichlet("grade_share", np.full(len(d.grade), spec.ratings.grade_concentration), dims="grade")
    base = induced_cutpoints(share)
    cutpoints = base[None]
    if len(d.judged.scale) > 1:
        shift = pm.Normal("scale_shift", 0.0, spec.ratings.scale_shift_sd, dims="later_scale")
        stretch = pm.Normal("scale_stretch", 0.0, spec.ratings.scale_spread_sd, dims="later_scale")
        ancestry, middle = d.judged.ancestry(), base[(len(d.grade) - 1) // 2]
        centre, spread = middle + combination(ancestry, shift), pt.exp(combination(ancestry, stretch))
        cutpoints = centre[:, None] + spread[:, None] * (base - middle)[None]
    return pm.Deterministic("cutpoints", cutpoints, dims=("scale", "cutpoint"))


def category_prior(d: Design, spec: Spec, judged: TensorVariable | None) -> TensorVariable | None:
    """Cutpoints (scale, cutpoint) of the judgements, then of the ordinal indicators; unused ones at infinity."""
    scales = [] if judged is None else [judged[f] for f in range(len(d.judged.scale))]
    for key, size in zip(d.ordinal, d.categories, strict=True):
        model = pm.modelcontext(None)
        model.add_coord(f"{key}_category", list(range(1, size + 1)))
        model.add_coord(f"{key}_cutpoint", [f"{c}|{c + 1}" for c in range(1, size)])
        share = pm.Dirichlet(f"{key}_share", np.full(size, spec.ratings.grade_concentration), dims=f"{key}_category")
        cutpoints = induced_cutpoints(share)
        scales.append(pm.Deterministic(f"{key}_cutpoints", cutpoints, dims=f"{key}_cutpoint"))
    if not d.ordinal:
        return judged
    widest = max(len(d.grade) - 1 if d.judged.scale else 0, *(size - 1 for size in d.categories))
    sizes = [len(d.grade) - 1] * len(d.judged.scale) + [size - 1 for size in d.categories]
    padded = [pt.concatenate([c, np.full(widest - n, np.inf)]) for c, n in zip(scales, sizes, strict=True)]
    return pt.stack(padded)


def induced_cutpoints(share: TensorVariable) -> TensorVariable:
    """Cutpoints at which a standard normal score falls into the categories with these shares."""
    return np.sqrt(2.0) * pt.erfinv(2.0 * pt.cumsum(share)[:-1] - 1.0)
