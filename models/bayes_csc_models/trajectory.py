"""The trajectory model: latent quality of each authority, year by year, behind noisy indicators and judgements.

    theta[a, t] = rho[r(a)] + gamma x[a] + (kappa[r(a)] + eta x[a]) time[t] + level[a] + slope[a] time[t] + path[a, t]

    eta[i]  = mu[k] + nu[k, t] + b[k] x[a] + loading[k] theta(a, instant) + delta[a, k, t]      indicator k, logit
    delta   = deviation_sd[k] (q[k] D[domain, t] + sqrt(1 - q[k] ** 2) own[k, t]);  D and own: AR(1) plus white noise,
              of unit variance; q[k] = 0 where an indicator is alone in its domain
    y[i]    ~ Binomial(n[i], logit^-1 eta[i])
    (rates and values on their own link scale, `bayes_csc.panel.families`; an ordinal indicator as a judgement is;
    with `post_inspection` eta also has effect[k] w[i], `bayes_csc.measurement.judgements.post_inspection`)

    u[j]    = judgement_loading[d] theta(a, start) + standard(start) + inspection_sd zeta[i] + N(0, 1)
              + previous_effect[grade before] + earlier_effect 1{under an earlier framework} + covariate_effect' x[j]
    grade   = from the cutpoints of its framework and domain;  zeta[i] ~ N(0, 1)   judgement j of domain d, inspection i
    (previous grades, cutpoints after each, a drift of the standard and covariates as `ratings` of the spec asks)
    with `ratings.timing` also whether an authority was inspected in a year (`bayes_csc_models.timing`)

The variances of level, slope and path average to one over the window: theta is in units of the spread between
authorities of the same region and deprivation. Where the deprivation score has a path, x[a] is x[a, t], and that of an
observation is at its instant. A curved form of deprivation adds, to each gradient, terms uncorrelated with x.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable

from bayes_csc.errors import SpecError
from bayes_csc.likelihood.collapsed_op import collapsed_potential
from bayes_csc.measurement.design import Design, design
from bayes_csc.measurement.judgements.covariates import covariates_of
from bayes_csc.measurement.judgements.scales import JUDGEMENT
from bayes_csc.panel.panel import Panel
from bayes_csc.spec import Spec
from bayes_csc_models.effects import combination, exchangeable, half_normal
from bayes_csc_models.joint import joint_likelihood
from bayes_csc_models.judgements import (
    after_previous,
    category_prior,
    cutpoint_labels,
    inspection_prior,
    judgement_loadings,
    judgement_mean,
    judgement_prior,
)
from bayes_csc_models.noise import Noise
from bayes_csc_models.scales import STEADIEST, Angle, Angles, LogOdds
from bayes_csc_models.timing import following_mean, timing_coordinates, timing_loading, with_timing

Latent = Callable[[Design, Spec], tuple[TensorVariable, TensorVariable]]
"""Prior of the states: their mean (authority, year), and the sd of each kind of the templates' columns."""


def trajectory(
    panel: Panel, spec: Spec | None = None, *, likelihood: Literal["collapsed", "joint"] = "collapsed"
) -> pm.Model:
    """Build the trajectory model of a panel.

    Parameters
    ----------
    panel
        The data.
    spec
        Choices and priors; the baseline by default.
    likelihood
        "collapsed" integrates states and deviations out; "joint" samples them, as a reference. Both have the same
        posterior, but that counts and grades are integrated out by Gaussian sites.

    Returns
    -------
    pymc.Model
        With every variable's dims; free of any state the posterior does not have.
    """
    spec = spec or Spec()
    if spec.dimensions.outcomes:
        raise SpecError(
            "dimensions.outcomes: the trajectory model has one dimension; leave it empty, or take the model "
            "two_dimensions, as `bayescsc study ratings-and-outcomes` does"
        )
    return from_design(design(panel, spec), spec, likelihood=likelihood)


def from_design(
    d: Design, spec: Spec, *, likelihood: Literal["collapsed", "joint"] = "collapsed", latent: Latent | None = None
) -> pm.Model:
    """Build the trajectory model of a design (see `trajectory`), with another prior of the states if one is given."""
    with pm.Model(coords=coordinates(d)) as model:
        mean, scale = (latent or latent_prior)(d, spec)
        offset, loading, noise = measurement_prior(d, spec)
        inspection_sd = inspection_prior(d, spec)
        cutpoints = category_prior(d, spec, judgement_prior(d, spec))
        own_cutpoints = after_previous(d, spec, cutpoints)
        if likelihood == "collapsed":
            z = pm.Data("observed_z", d.observation.z.to_numpy())
            variance = pm.Data("observed_variance", d.observation.variance.to_numpy())
            low, high = grade_cutpoints(d, cutpoints, own_cutpoints)
            collapsed_potential(
                d, z=z, variance=variance, offset=offset, loading=loading, mean=mean.ravel(), scale=scale,
                low=low, high=high, **noise.collapsed(len(d.ordinal), inspection_sd),
            )  # fmt: skip
        else:
            if cutpoints is not None and own_cutpoints is None:
                own_cutpoints = cutpoints[d.graded().scale]
            joint_likelihood(d, mean, scale, offset, loading, noise, inspection_sd, own_cutpoints)
    return model


def coordinates(d: Design) -> dict[str, list[object]]:
    """Return the coordinates of every dimension of the model."""
    steps = d.year_steps()
    rows = d.observation
    cells = rows[rows.site]
    graded = rows.iloc[d.graded().at]
    agreed = dict(zip((*d.indicator, *d.ordinal), (p != "not agreed" for p in d.polarity), strict=True))
    return {
        "authority": list(d.authority),
        "year": d.year.tolist(),
        "region": list(d.region),
        "deprivation_term": list(range(1, d.curve.shape[1] + 1)),
        "contrast": list(range(1, len(d.region))),
        "indicator": list(d.indicator),
        "ordinal": list(d.ordinal),
        "agreed": [k for k in d.indicator if agreed[k]],
        "not_agreed": [k for k in d.indicator if not agreed[k]],
        "ordinal_agreed": [k for k in d.ordinal if agreed[k]],
        "ordinal_not_agreed": [k for k in d.ordinal if not agreed[k]],
        "post_inspection": list(d.post_inspection),
        "domain": list(d.domain),
        "shared_by": [label for label, signed, _ in shared_parts(d) if not signed],
        "signed_by": [label for label, signed, _ in shared_parts(d) if signed],
        "indicator_year": [f"{k}:{t}" for k, t in steps.labels],
        "indicator_step": [f"{k}:{t}" for k, t in steps.step_labels],
        "judged": list(d.judged.domain),
        "scale": list(d.judged.scale),
        "later_scale": list(d.judged.later),
        "grade": list(reversed(d.grade)),
        "cutpoint": cutpoint_labels(d),
        "grade_step": d.year[1:].tolist(),
        "grade_contrast": list(range(1, len(d.grade))),
        "previous": ["none", *d.grade],
        "cutpoint_gap": list(reversed(d.grade[1:-1])),
        "covariate": covariates_of(rows),
        "cell": [f"{u}:{k}:{t}" for u, k, t in zip(cells.unit, cells.indicator, cells.year, strict=True)],
        "judgement": [
            f"{u}:{s}:{p:.3f}" if k == JUDGEMENT else f"{u}:{k}:{t}"
            for u, s, p, k, t in zip(
                graded.unit, graded.scale, graded.position, graded.indicator, graded.year, strict=True
            )
        ],
        **timing_coordinates(d),
    }


def latent_prior(d: Design, spec: Spec) -> tuple[TensorVariable, TensorVariable]:
    """Prior mean (authority, year) of theta and the sd of each kind of the templates' columns."""
    return latent_mean(d, spec, judged=spec.ratings.use), own_scale(spec)


def latent_mean(d: Design, spec: Spec, *, judged: bool, name: str = "") -> TensorVariable:
    """Prior mean (authority, year) of a latent state that judgements observe or not; `name` precedes its variables."""
    x, time, pooling = d.deprivation, d.time, spec.pooling
    level = trend = pt.zeros_like(pt.constant(x if x.ndim == 1 else x[:, 0]))
    if pooling.region and len(d.region) > 1:
        n = len(d.block)
        rho = exchangeable(f"{name}region_level", pooling.region_sd, pooling.region_df, d.region, n)
        kappa = exchangeable(f"{name}region_trend", pooling.region_trend_sd, pooling.region_df, d.region, n)
        region = pt.constant(d.region_index)
        level, trend = level + rho[region], trend + kappa[region]
    if x.ndim > 1:  # a path
        level, trend = level[:, None], trend[:, None]
    if pooling.deprivation:
        if judged:  # only the judgements identify it
            level += pm.Normal(f"{name}deprivation_level", 0.0, pooling.deprivation_sd) * x
        trend += pm.Normal(f"{name}deprivation_trend", 0.0, pooling.deprivation_trend_sd) * x
    if d.curve.shape[1]:
        if judged:
            level += curved(d.curve, f"{name}deprivation_curve_level", pooling.deprivation_sd)
        trend += curved(d.curve, f"{name}deprivation_curve_trend", pooling.deprivation_trend_sd)
    if x.ndim == 1:
        level, trend = level[:, None], trend[:, None]
    return level + trend * time[None, :]


def curved(curve: np.ndarray, name: str, sd: float) -> TensorVariable:
    """What of a deprivation gradient is not linear: terms (row, term) times normal coefficients."""
    return combination(curve, pm.Normal(name, 0.0, sd, dims="deprivation_term"))


def own_scale(spec: Spec) -> TensorVariable:
    """Standard deviation of each kind of the templates' columns (`bayes_csc.measurement.state_prior.COLUMN_KINDS`)."""
    parts = ["level", "slope"] + (["path"] if spec.trend.kind != "straight line" else [])
    pm.modelcontext(None).add_coord("trend_part", parts)
    concentration = np.array(spec.trend.share_concentration[: len(parts)])
    share = pm.Dirichlet("trend_share", concentration, dims="trend_part", default_transform=Angles())
    return pt.concatenate([pt.sqrt(share), pt.zeros(3 - len(parts)), [spec.trend.succession_sd]])


def measurement_prior(d: Design, spec: Spec) -> tuple[TensorVariable, TensorVariable, Noise]:
    """Offset of each observation, loadings (by kind, judgements last) and noise of the measurements."""
    offset, loading = measurement_mean(d, spec)
    noise = deviation_prior(d, spec).with_timing(len(d.timing))
    if d.timing:
        offset = with_timing(offset, d, spec)
    psi = pt.zeros(0)
    if d.judged.scale:
        judged = np.flatnonzero(d.observation.indicator == JUDGEMENT)
        psi = judgement_loadings(d, spec)
        offset = pt.set_subtensor(offset[judged], judgement_mean(d, spec))
    return offset, pt.concatenate([loading, psi]), noise


def measurement_mean(d: Design, spec: Spec) -> tuple[TensorVariable, TensorVariable]:
    """Expected figure of each observation where theta is zero, and the loadings of the indicators and of timing."""
    prior, rows, n = spec.measurement, d.observation, len(d.indicator)
    loading = mu = slope = pt.zeros(0)
    if not (n or d.ordinal):
        return pt.zeros(len(rows)), timing_loading(d, spec)
    if n:
        loading = loadings(d, spec)
        mu = pm.Normal("indicator_level", 0.0, prior.level_sd, dims="indicator")
    steps = d.year_steps()
    step = pm.Normal("year_step", 0.0, prior.year_sd * steps.step_scale, dims="indicator_step")
    nu = pm.Deterministic("year_effect", combination(steps.basis, step), dims="indicator_year")
    if n and spec.pooling.deprivation:
        slope = pm.Normal("deprivation_slope", 0.0, prior.deprivation_sd, dims="indicator")
    if d.timing:  # with a level and a slope of its own
        loading = pt.concatenate([loading, timing_loading(d, spec)])
        mu, slope = pt.concatenate([mu, [0.0]]), pt.concatenate([slope, [0.0]])
    if d.ordinal:  # their level is in their cutpoints
        mu = pt.concatenate([mu, pt.zeros(len(d.ordinal))])
        loading = pt.concatenate([loading, loadings(d, spec, "ordinal_")])
        if spec.pooling.deprivation:
            more = pm.Normal("ordinal_deprivation_slope", 0.0, prior.deprivation_sd, dims="ordinal")
            slope = pt.concatenate([slope, more])
    number = np.where(rows.indicator == JUDGEMENT, 0, rows.kind)
    kind = pt.constant(number)
    offset = mu[kind] + nu[pt.constant(steps.index(rows))]
    if spec.pooling.deprivation:
        offset += slope[kind] * d.deprivation_at(rows)
        if n and d.curve.shape[1]:
            dims = ("indicator", "deprivation_term")
            bend = pm.Normal("deprivation_curve", 0.0, prior.deprivation_sd, dims=dims)
            metric = np.where(number < n, 1.0, 0.0)[:, None]
            offset += (bend[pt.constant(np.minimum(number, n - 1))] * (d.curve_at(rows) * metric)).sum(axis=1)
    if d.post_inspection:
        offset += following_mean(d, spec)
    return offset, loading


def deviation_prior(d: Design, spec: Spec) -> Noise:
    """Noise of the indicators about the latent states: in common with their domain's, and of their own."""
    prior, n = spec.measurement, len(d.indicator)
    none = pt.zeros(0)
    if not n:
        return Noise(none, none, none, none, none, none)
    deviation_sd = half_normal("deviation_sd", sigma=prior.deviation_sd, dims="indicator")
    white = pm.Beta("white_share", *prior.white_share, dims="indicator", default_transform=Angle())
    phi = pm.Beta("autocorrelation", *prior.autocorrelation, dims="indicator", default_transform=LogOdds())
    if not d.domain:
        return Noise(deviation_sd * pt.sqrt(1.0 - white), phi, deviation_sd * pt.sqrt(white), pt.zeros(n), none, none)
    q = domain_correlations(d, spec)
    own_sd = deviation_sd * pt.sqrt(1.0 - q**2)
    steady = Angle(STEADIEST)  # a domain of two or three tells its correlation badly: by log odds its tail is long
    domain_phi = pm.Beta("domain_autocorrelation", *prior.autocorrelation, dims="domain", default_transform=steady)
    domain_white = pm.Beta("domain_white_share", *prior.white_share, dims="domain", default_transform=Angle())
    ar_sd, white_sd = own_sd * pt.sqrt(1.0 - white), own_sd * pt.sqrt(white)
    return Noise(ar_sd, phi, white_sd, deviation_sd * q, domain_phi, domain_white)


def domain_correlations(d: Design, spec: Spec) -> TensorVariable:
    """Correlation q of each indicator's deviation with its domain's, (indicator,); 0 of one that is alone.

    q ** 2 ~ beta where the polarity of all of a domain's indicators is agreed, (1 + q) / 2 ~ beta where it is not. Then
    all q of a domain may change their sign together: of three or more the posterior has two mirror images, between
    which only the signs differ.
    """
    q = pt.zeros(len(d.indicator))
    for sign, name, dim in ((False, "domain_share", "shared_by"), (True, "domain_agreement", "signed_by")):
        members = [m for _, signed, m in shared_parts(d) if signed is sign]
        if not members:
            continue
        first = np.full(len(members), 0.75)  # at q = 0 the density is flat
        beta = spec.measurement.domain_share
        value = pm.Beta(name, *beta, dims=dim, initval=first, default_transform=Angle())
        r = 2.0 * value - 1.0 if sign else pt.sqrt(value)
        if sign:
            pm.Deterministic("domain_share_signed", r**2, dims=dim)
        has, leads = np.zeros((2, len(d.indicator), len(members)))
        for p, (*before, last) in enumerate(members):
            has[last, p], leads[before, p] = 1.0, 1.0  # of a pair the first has the positive one
        q += combination(has, r) + combination(leads, pt.abs(r))
    return q


def shared_parts(d: Design) -> list[tuple[str, bool, tuple[int, ...]]]:
    """Label of each parameter of what indicators share, whether it has a sign, and the indicators that it is of.

    One for each indicator; where a domain has two, one for both: they have one covariance, which can tell the product
    of their correlations and not each (the two-indicator rule of factor analysis; Bollen 1989, chapter 7).
    """
    out: list[tuple[str, bool, tuple[int, ...]]] = []
    for i, name in enumerate(d.domain):
        member = [int(k) for k in np.flatnonzero(d.domain_index == i)]
        signed = any(d.polarity[k] == "not agreed" for k in member)
        out += [(name, signed, tuple(member))] if len(member) == 2 else [(d.indicator[k], signed, (k,)) for k in member]
    return out


def loadings(d: Design, spec: Spec, kind: Literal["", "ordinal_"] = "") -> TensorVariable:
    """Loadings per indicator (or per ordinal indicator), the sign fixed where the polarity is agreed."""
    family = {"half-normal": half_normal, "normal": pm.Normal}
    n, prior = len(d.indicator), spec.loadings
    polarity = d.polarity[n:] if kind else d.polarity[:n]
    agreed = np.array([p != "not agreed" for p in polarity])
    parts = []
    if agreed.any():
        if prior.agreed == "equal":
            parts.append(pt.repeat(half_normal(f"{kind}loading_equal", sigma=prior.agreed_sd)[None], int(agreed.sum())))
        else:
            parts.append(family[prior.agreed](f"{kind}loading_agreed", sigma=prior.agreed_sd, dims=f"{kind}agreed"))
    if (~agreed).any():
        parts.append(
            family[prior.not_agreed](f"{kind}loading_not_agreed", sigma=prior.not_agreed_sd, dims=f"{kind}not_agreed")
        )
    order = np.argsort(np.concatenate([np.flatnonzero(agreed), np.flatnonzero(~agreed)]))
    return pm.Deterministic(f"{kind}loading", pt.concatenate(parts)[order], dims="ordinal" if kind else "indicator")


def grade_cutpoints(
    d: Design, cutpoints: TensorVariable | None, own: TensorVariable | None
) -> tuple[TensorVariable, TensorVariable]:
    """Give the cutpoints below and above each grade: by scale, or its own where those differ (`after_previous`)."""
    if cutpoints is None:
        return pt.zeros(0), pt.zeros(0)
    graded = d.graded()
    by, of = (cutpoints, graded.scale) if own is None else (own, np.arange(graded.at.size))
    end = pt.full((len(d.judged.scale) + len(d.ordinal) if own is None else of.size, 1), np.inf)
    ends = pt.concatenate([-end, by, end], axis=1)
    scale = pt.constant(of)
    return ends[scale, pt.constant(graded.score)], ends[scale, pt.constant(graded.score + 1)]
