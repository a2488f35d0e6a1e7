"""The joint model once more, on arrays of series by years, its states and deviations centred or not.

    states       "n": v ~ N(0, 1), theta = mean + L v           "c": c ~ N(m, scale), theta = E c, E the template
    deviations   "n": innovations e ~ N(0, 1)                   "c": the AR(1) path itself

m holds the mean's level and trend for an authority by itself. Priors and likelihood terms are those of
`bayes_csc_models`; `agreement` computes by how much the log density differs from that of `joint`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
from peer_arrays import Arrays, arrays_of, columns_of, trend_unit
from pytensor.tensor.variable import TensorVariable

from bayes_csc.measurement.design import Design
from bayes_csc.spec import Spec
from bayes_csc_models.joint import inspected, joint_likelihood, theta_weights
from bayes_csc_models.judgements import after_previous, inspection_prior, judgement_prior
from bayes_csc_models.likelihood import exact_logp, ordinal_logp
from bayes_csc_models.noise import Noise
from bayes_csc_models.trajectory import coordinates, latent_prior, measurement_prior

LATENT = ("state", "deviation", "domain_deviation")


def joint_model(d: Design, spec: Spec) -> tuple[pm.Model, dict[str, TensorVariable]]:
    """Build the reference, `bayes_csc_models.joint`, with the centred quantities as functions of its variables."""
    with pm.Model(coords=coordinates(d)) as model:
        mean, scale = latent_prior(d, spec)
        offset, loading, noise = measurement_prior(d, spec)
        joint_likelihood(d, mean, scale, offset, loading, noise, *_grades(d, spec))
    a, kind = arrays_of(d), columns_of(d).kind
    own = noise.ar_sd[a.series_kind][:, None] * path_of(model["deviation_innovation"], noise.ar_phi[a.series_kind])
    centred = {"state": state_mean(d, mean) + scale[kind] * model["state_innovation"], "deviation": own}
    logs = [pt.log(scale[kind]).sum(), _log_steps(noise.ar_phi[a.series_kind], a.years)]
    logs.append(a.years * pt.log(noise.ar_sd[a.series_kind]).sum())
    jacobian = {"state": logs[0], "deviation": logs[1] + logs[2]}
    if a.domain_cell.size:
        phi = noise.domain_phi[a.domain_of]
        centred["domain_deviation"] = path_of(model["domain_innovation"], phi)
        jacobian["domain_deviation"] = _log_steps(phi, a.years)
    return model, centred | {f"log_jacobian_{name}": value for name, value in jacobian.items()}


def _grades(d: Design, spec: Spec) -> tuple[TensorVariable, TensorVariable | None]:
    """Sd of an inspection's own effect, and the cutpoints of each judgement."""
    sd, cutpoints = inspection_prior(d, spec), judgement_prior(d, spec)
    own = after_previous(d, spec, cutpoints)
    return sd, cutpoints[d.graded().scale] if own is None and cutpoints is not None else own


def _log_steps(phi: TensorVariable, years: int) -> TensorVariable:
    return 0.5 * (years - 1) * pt.log1p(-(phi**2)).sum()


def dense_model(d: Design, spec: Spec, *, states: str, deviations: str) -> pm.Model:
    """Build the joint model on arrays of series by years.

    Parameters
    ----------
    d, spec
        The design, and its spec.
    states, deviations
        "c" for centred, "n" for not.
    """
    a = arrays_of(d)
    with pm.Model(coords=coordinates(d)) as model:
        mean, scale = latent_prior(d, spec)
        offset, loading, noise = measurement_prior(d, spec)
        inspection_sd, cutpoints = _grades(d, spec)
        theta = pm.Deterministic("theta", _theta(d, mean, scale, centred=states == "c"), dims=("authority", "year"))
        member = theta[a.unit_authority]  # (unit, member, year)
        of_unit = member[:, 0] if a.unit_share.shape[1] == 1 else (member * a.unit_share[:, :, None]).sum(axis=1)
        instant = pt.dot(of_unit, a.weight.T).ravel()[a.unit_instant()]
        row = a.dense(a.cell, 0)
        eta = offset[row] + loading[a.series_kind][:, None] * instant
        eta += _deviations(a, noise, centred=deviations == "c")
        _likelihood(d, a, eta, noise)
        if cutpoints is not None:
            graded = d.graded()
            index, weight = theta_weights(d)
            at = graded.at
            seen = (theta.ravel()[index[at]] * weight[at]).sum(axis=1)
            score = pt.set_subtensor(offset[at], offset[at] + loading[d.observation.kind.to_numpy()[at]] * seen)
            if d.judged.several:
                score = inspected(d, score, inspection_sd)
            pm.Potential("grades", ordinal_logp(graded.score, score[at], cutpoints).sum())
    return model


def state_mean(d: Design, mean: TensorVariable) -> TensorVariable:
    """Mean of the centred columns: level and trend of an authority by itself, zero for the others."""
    c = columns_of(d)
    line = np.column_stack([np.ones(d.time.size), d.time])
    level_trend = pt.dot(mean, np.linalg.pinv(line).T)[c.own]  # (own authority, 2); the mean is a line
    out = pt.set_subtensor(pt.zeros(c.kind.size)[c.place[:, 0]], level_trend[:, 0])
    return pt.set_subtensor(out[c.place[:, 1]], level_trend[:, 1] * trend_unit(d))


def _theta(d: Design, mean: TensorVariable, scale: TensorVariable, *, centred: bool) -> TensorVariable:
    c = columns_of(d)
    if centred:
        column = pm.Normal("state", state_mean(d, mean), scale[c.kind])
    else:
        column = scale[c.kind] * pm.Normal("state_innovation", shape=c.kind.size)
    own = pt.dot(column[c.place], d.template[0].matrix.T)
    theta = pt.set_subtensor(mean[c.own], own) if centred else pt.inc_subtensor(mean[c.own], own)
    for block, place in c.linked:
        part = pt.dot(d.template[d.block_template[block]].matrix, column[place])
        theta = pt.inc_subtensor(theta[list(d.block[block])], part.reshape((len(d.block[block]), d.year.size)))
    return theta


def path_of(innovation: TensorVariable, phi: TensorVariable) -> TensorVariable:
    """Stationary AR(1) of unit variance from its innovations (series, year)."""
    path = [innovation[:, 0]]
    for t in range(1, innovation.type.shape[1] or int(innovation.shape[1].eval())):
        path.append(phi * path[-1] + pt.sqrt(1.0 - phi**2) * innovation[:, t])
    return pt.stack(path, axis=1)


def _deviations(a: Arrays, noise: Noise, *, centred: bool) -> TensorVariable:
    """Deviation (series, year) but for its own white noise: its own path, and what its domain's indicators share."""
    phi, sd = noise.ar_phi[a.series_kind], noise.ar_sd[a.series_kind]
    size = (a.series_unit.size, a.years)
    if centred:
        out = _path("deviation", size, phi, sd)
    else:
        out = sd[:, None] * path_of(pm.Normal("deviation_innovation", shape=size), phi)
    if a.domain_cell.size:
        phi, size = noise.domain_phi[a.domain_of], (a.domain_of.size, a.years)
        if centred:
            path = _path("domain_deviation", size, phi, pt.ones(a.domain_of.size))
        else:
            path = path_of(pm.Normal("domain_innovation", shape=size), phi)
        white = noise.domain_white[a.domain_of][:, None]
        path = pt.sqrt(1.0 - white) * path + pt.sqrt(white) * pm.Normal("domain_white", shape=size)
        shares = np.unique(np.stack([a.series[a.domain_cell], a.domain_series]), axis=1)
        common = noise.domain_sd[a.series_kind[shares[0]]][:, None] * path[shares[1]]
        out = pt.inc_subtensor(out[shares[0]], common)
    return out


def _path(name: str, size: tuple[int, int], phi: TensorVariable, sd: TensorVariable) -> TensorVariable:
    """Sampled AR(1) paths (series, year)."""
    path = pm.Flat(name, shape=size, initval=np.zeros(size))
    step = (path[:, 1:] - phi[:, None] * path[:, :-1]) / (sd * pt.sqrt(1.0 - phi**2))[:, None]
    logs = size[1] * pt.log(sd).sum() + _log_steps(phi, size[1]) + 0.5 * size[0] * size[1] * np.log(2.0 * np.pi)
    pm.Potential(f"{name}_path", -0.5 * (((path[:, 0] / sd) ** 2).sum() + (step**2).sum()) - logs)
    return path


def _likelihood(d: Design, a: Arrays, eta: TensorVariable, noise: Noise) -> None:
    rows = d.observation.iloc[a.cell]
    counted = rows.site.to_numpy(dtype=bool)
    if not counted.all():
        z, variance = a.dense(rows.z.to_numpy(), 0.0), a.dense(rows.variance.to_numpy(), 1.0)
        total = variance + noise.white_sd[a.series_kind][:, None] ** 2
        terms = (z - eta) ** 2 / total + pt.log(2.0 * np.pi * total)
        pm.Potential("values", -0.5 * (a.dense(~counted, False).astype(float) * terms).sum())
    if counted.any():
        at = np.flatnonzero(counted)
        white = pm.Normal("white_innovation", shape=at.size)
        sd = pt.sqrt(noise.white_sd[a.series_kind[a.series[at]]] ** 2 + rows.confidence_variance.to_numpy()[at])
        logit = eta[a.series[at], a.time[at]] + sd * white
        pm.Potential("counts", exact_logp(rows.iloc[at], logit).sum())


def random_points(
    d: Design, spec: Spec, *, number: int, seed: int = 1
) -> tuple[Callable[..., Any], list[dict[str, np.ndarray]]]:
    """Give a function of points of the joint model, and random points.

    Returns
    -------
    tuple
        `value(point)` gives the log density, the same without the Jacobian of the transforms, every sampled variable
        and the centred quantities by name; points are in unconstrained coordinates.
    """
    model, centred = joint_model(d, spec)
    names = [*centred, *(v.name for v in model.free_RVs)]
    wanted = model.replace_rvs_by_values([*centred.values(), *model.free_RVs])
    terms = [model.logp(sum=False), model.logp(sum=False, jacobian=False)]
    function = pytensor.function(
        model.value_vars, [*terms[0], *terms[1], *wanted], on_unused_input="ignore", mode="FAST_COMPILE"
    )
    rng = np.random.default_rng(seed)
    points = [
        {name: np.asarray(v) + rng.normal(0.0, 0.3, np.shape(v)) for name, v in model.initial_point().items()}
        for _ in range(number)
    ]

    def value(point: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        out = function(*(point[v.name] for v in model.value_vars))
        n, m = len(terms[0]), len(terms[0]) + len(terms[1])
        sums = [sum(float(np.sum(term)) for term in part) for part in (out[:n], out[n:m])]
        return dict(zip(["log_density", "log_density_constrained", *names], [*sums, *out[m:]], strict=True))

    return value, points


def agreement(d: Design, spec: Spec, *, states: str, deviations: str, number: int = 5) -> np.ndarray:
    """Log density of the dense model less that of `joint` at random points, Jacobians taken out: constant, if right."""
    value, points = random_points(d, spec, number=number)
    model = dense_model(d, spec, states=states, deviations=deviations)
    density = pytensor.function(model.value_vars, model.logp(sum=False), on_unused_input="ignore", mode="FAST_COMPILE")
    out = []
    for point in points:
        values = value(point)
        here = dense_point(model, point, values)
        jacobian = sum(float(values[f"log_jacobian_{v.name}"]) for v in model.value_vars if v.name in LATENT)
        here_density = sum(float(np.sum(term)) for term in density(*(here[v.name] for v in model.value_vars)))
        out.append(here_density + jacobian - float(values["log_density"]))
    return np.array(out)


def dense_point(model: pm.Model, point: dict[str, np.ndarray], values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the dense model's coordinates of a point of the joint model."""
    return {v.name: values[v.name] if v.name in LATENT else point[v.name] for v in model.value_vars}
