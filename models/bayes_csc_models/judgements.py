"""Priors of the judgements: their standard, the previous grade, an inspection's own effect, and their cutpoints."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable
from scipy.linalg import helmert

from bayes_csc.measurement.design import Design
from bayes_csc.measurement.judgements.covariates import covariate_column
from bayes_csc.measurement.judgements.scales import JUDGEMENT
from bayes_csc.spec import Spec
from bayes_csc_models.effects import combination, common_scale, half_normal
from bayes_csc_models.scales import Angle, Cutpoints, induced_cutpoints

STEP = 32.0
"""Blocks that tell a step of the standard to one square probit: a quarter is judged a year, each judgement with
variance 8. The number judged is not used: coordinates mean the same effects in a panel that is judged more."""
TRUSTED, DAMPING = 2.0, 0.5
"""Years after the panel's date for which the drift goes on as it was; what is left of it in each year after those
(a damped trend: Gardner and McKenzie 1985)."""


def national_standard(d: Design, spec: Spec) -> TensorVariable:
    """National random walk, with a drift if asked, of the judgements' standard, zero-sum over the window (year,)."""
    n = d.year.size
    prior = spec.ratings
    precision = np.full(n - 1, len(d.block) / STEP)
    step = common_scale("standard", prior.standards_sd, prior.standards_df, "grade_step", precision)
    basis = np.tril(np.ones((n, n)), -1)[:, : n - 1]
    standard = combination(basis - basis[d.window].mean(axis=0), step)
    if prior.drift_sd:
        standard += pm.Normal("standard_drift", 0.0, prior.drift_sd) * drift_time(d)
    return pm.Deterministic("standard", standard, dims="year")


def drift_time(d: Design) -> np.ndarray:
    """Years of drift up to each grid point, less their mean over the window; each counts less after `TRUSTED` years."""
    ahead = np.maximum(d.year - d.now - TRUSTED, 0.0)
    slowed = (1.0 - DAMPING**ahead) / -np.log(DAMPING)
    time = np.minimum(d.year, d.now + TRUSTED) + slowed
    return np.asarray(time - time[d.window].mean())


def judgement_mean(d: Design, spec: Spec) -> TensorVariable:
    """Expected score of each judgement where theta is zero: standard, previous grade and covariates."""
    rows = d.observation[d.observation.indicator == JUDGEMENT]
    mean = combination(d.weights(rows.position.to_numpy()), national_standard(d, spec))
    prior = spec.ratings
    if prior.previous != "none":
        mean += previous_effect(d, spec)[pt.constant(rows.previous.to_numpy(dtype=int))]
        if rows.earlier.any():
            mean += pm.Normal("earlier_effect", 0.0, prior.earlier_sd) * rows.earlier.to_numpy(dtype=float)
    if prior.covariates:
        effect = pm.Normal("covariate_effect", 0.0, prior.covariate_sd, dims="covariate")
        columns = [covariate_column(name) for name in prior.covariates]
        mean += combination(rows[columns].to_numpy(dtype=float), effect)
    return mean


def previous_effect(d: Design, spec: Spec) -> TensorVariable:
    """Effects of no previous grade, then of each grade, the best first (previous,); those of the grades sum to zero."""
    n, sd = len(d.grade), spec.ratings.previous_sd
    none = pm.Normal("no_previous_effect", 0.0, sd)
    contrast = pm.Normal("previous_contrast", 0.0, sd, dims="grade_contrast")
    effect = pt.concatenate([none[None], combination(helmert(n).T, contrast)])
    return pm.Deterministic("previous_effect", effect, dims="previous")


def judgement_loadings(d: Design, spec: Spec) -> TensorVariable:
    """Loading of theta in each domain judged, of either prior (see `inspection_prior`)."""
    if not shared(d, spec):
        return half_normal("judgement_loading", sigma=spec.ratings.loading_sd, dims="judged")
    sd = half_normal("common_sd", sigma=spec.ratings.common_sd, dims="judged")
    share = pm.Beta("theta_share", *spec.ratings.theta_share, default_transform=Angle())
    return pm.Deterministic("judgement_loading", sd * pt.sqrt(share), dims="judged")


def inspection_prior(d: Design, spec: Spec) -> TensorVariable:
    """Sd of an inspection's own effect on each domain judged; zero where no inspection has several.

    Separate from the loadings it is one for all domains. With theta's share w of what they have in common,

        loading[j] = common_sd[j] sqrt(w),   sd[j] = common_sd[j] sqrt(1 - w)

    so that theta and the inspection's effect are told apart by one number, which has a prior of its own.
    """
    n = len(d.judged.domain)
    if not d.judged.several:
        return pt.zeros(n)
    if not shared(d, spec):
        return pt.full((n,), half_normal("inspection_sd", sigma=spec.ratings.inspection_sd))
    model = pm.modelcontext(None)
    sd = model["common_sd"] * pt.sqrt(1.0 - model["theta_share"])
    return pt.specify_shape(pm.Deterministic("inspection_sd", sd, dims="judged"), (n,))


def shared(d: Design, spec: Spec) -> bool:
    """Whether theta's share of what an inspection's judgements have in common is a parameter."""
    return spec.ratings.common == "share" and d.judged.several


def judgement_prior(d: Design, spec: Spec) -> TensorVariable | None:
    """Cutpoints (scale, cutpoint): the first from Dirichlet grade shares, each other shifted and stretched from one.

    Scales of another number of grades have a first one of their own; a scale's unused cutpoints are at infinity.
    """
    if not d.judged.scale:
        return None
    size = np.array(d.judged.size)
    first = {n: _first_scale(d, spec, n) for n in dict.fromkeys(d.judged.size)}
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


def _first_scale(d: Design, spec: Spec, number: int) -> TensorVariable:
    """Cutpoints of the first scale with so many grades."""
    name = "grade"
    if number != len(d.grade):
        name = f"grade_of_{number}"
        labels = d.judged.grades[d.judged.size.index(number)]
        pm.modelcontext(None).add_coord(name, list(reversed(labels)))
    share = "grade_share" if number == len(d.grade) else f"grade_share_of_{number}"
    return _of_shares(share, number, spec, name)


def _of_shares(name: str, number: int, spec: Spec, dims: str) -> TensorVariable:
    """Cutpoints that Dirichlet shares of so many categories imply, and sampled as such."""
    concentration = np.full(number, spec.ratings.grade_concentration)
    return induced_cutpoints(pm.Dirichlet(name, concentration, dims=dims, default_transform=Cutpoints(number)))


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
        cutpoints = _of_shares(f"{key}_share", size, spec, f"{key}_category")
        scales.append(pm.Deterministic(f"{key}_cutpoints", cutpoints, dims=f"{key}_cutpoint"))
    if not d.ordinal:
        return judged
    own = max(d.judged.size, default=1) - 1
    sizes = [own] * len(d.judged.scale) + [size - 1 for size in d.categories]
    widest = max(sizes)
    padded = [pt.concatenate([c, np.full(widest - n, np.inf)]) for c, n in zip(scales, sizes, strict=True)]
    return pt.stack(padded)


def after_previous(d: Design, spec: Spec, cutpoints: TensorVariable | None) -> TensorVariable | None:
    """Cutpoints of each graded observation (graded, cutpoint) where they depend on the previous grade; else None.

    About the middle cutpoint, with the distances gap[f, i] of its scale f and the previous grade p,

        cutpoint[k] = middle[f] + sum of gap[f, i] exp(spacing[p, i]) from the middle up to k (less, below it)

    A scale of another number of grades than the panel's has its own distances whatever came before.
    """
    if cutpoints is None or len(d.grade) not in d.judged.size or spec.ratings.previous != "cutpoints":
        return None
    n = len(d.grade) - 1
    middle = (len(d.grade) - 1) // 2
    graded = d.graded()
    like_panel = np.array([*(size == len(d.grade) for size in d.judged.size), *(False for _ in d.ordinal)])
    at = np.flatnonzero(like_panel[graded.scale])
    scale = pt.constant(graded.scale[at])
    previous = pt.constant(d.observation.previous.to_numpy()[graded.at[at]].astype(int))
    sd = spec.ratings.previous_spacing_sd
    spacing = pm.Normal("previous_spacing", 0.0, sd, dims=("previous", "cutpoint_gap"))
    judged = cutpoints[: len(d.judged.scale), :n]
    gap = (judged[:, 1:] - judged[:, :-1])[scale] * pt.exp(spacing)[previous]
    steps = np.tril(np.ones((n, n)), -1)[:, : n - 1]
    own = judged[:, middle][scale][:, None] + (gap[:, None, :] * (steps - steps[middle])).sum(axis=2)
    rows = cutpoints[pt.constant(graded.scale)]
    return pt.set_subtensor(rows[at, :n], own)
