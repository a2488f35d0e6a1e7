"""Priors of the judgements: their standard, what an inspection sees on the day, and the cutpoints of their scales."""

from __future__ import annotations

from itertools import pairwise

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
    """Cutpoints (scale, cutpoint): the first from Dirichlet grade shares, each other shifted and stretched from one.

    Scales of another number of grades have a first one of their own; a scale's unused cutpoints are at infinity.
    """
    if not d.judged.scale:
        return None
    size = np.array(d.judged.size)
    first = {n: induced_cutpoints(_shares(d, spec, n)) for n in dict.fromkeys(d.judged.size)}
    moved = bool(d.judged.later)
    if moved:
        shift = pm.Normal("scale_shift", 0.0, spec.ratings.scale_shift_sd, dims="later_scale")
        stretch = pm.Normal("scale_stretch", 0.0, spec.ratings.scale_spread_sd, dims="later_scale")
    parts = []
    for n, base in first.items():
        cutpoints = base[None]
        if moved:
            ancestry, middle = d.judged.ancestry()[size == n], base[(n - 1) // 2]
            centre, spread = middle + combination(ancestry, shift), pt.exp(combination(ancestry, stretch))
            cutpoints = centre[:, None] + spread[:, None] * (base - middle)[None]
        parts.append(cutpoints)
    if len(parts) == 1:
        return pm.Deterministic("cutpoints", parts[0], dims=("scale", "cutpoint"))
    unused = [np.full(((size == n).sum(), size.max() - n), np.inf) for n in first]
    padded = pt.concatenate([pt.concatenate(pair, axis=1) for pair in zip(parts, unused, strict=True)])
    place = np.argsort(np.concatenate([np.flatnonzero(size == n) for n in first]))
    return pm.Deterministic("cutpoints", padded[place], dims=("scale", "cutpoint"))


def _shares(d: Design, spec: Spec, number: int) -> TensorVariable:
    """Grade shares of the first scale with so many grades."""
    name = "grade"
    if number != len(d.grade):
        name = f"grade_of_{number}"
        labels = d.judged.grades[d.judged.size.index(number)]
        pm.modelcontext(None).add_coord(name, list(reversed(labels)))
    share = "grade_share" if number == len(d.grade) else f"grade_share_of_{number}"
    return pm.Dirichlet(share, np.full(number, spec.ratings.grade_concentration), dims=name)


def cutpoint_labels(d: Design) -> list[str]:
    """Label what each cutpoint divides, from the worst on: grades, or by number where scales differ in their grades."""
    if set(d.judged.size) <= {len(d.grade)}:
        return [f"{worse}|{better}" for better, worse in pairwise(d.grade)][::-1]
    return [f"{k}|{k + 1}" for k in range(1, max(d.judged.size))]


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
    own = max(d.judged.size, default=1) - 1
    sizes = [own] * len(d.judged.scale) + [size - 1 for size in d.categories]
    widest = max(sizes)
    padded = [pt.concatenate([c, np.full(widest - n, np.inf)]) for c, n in zip(scales, sizes, strict=True)]
    return pt.stack(padded)


def induced_cutpoints(share: TensorVariable) -> TensorVariable:
    """Cutpoints at which a standard normal score falls into the categories with these shares."""
    return np.sqrt(2.0) * pt.erfinv(2.0 * pt.cumsum(share)[:-1] - 1.0)
