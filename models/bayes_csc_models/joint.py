"""The joint likelihood: every state and deviation a sampled variable, in plain PyMC, as a reference.

    theta   = mean + L v,   v ~ N(0, I)            states, L the covariance factor of a block
    f[i]    = offset[i] + loading[k] W[i] theta    W the interpolation and membership weights of an observation
    eta[i]  = f[i] + ar_sd[k] x[unit, k, t] + domain_sd[k] (sqrt(1 - w) x' + sqrt(w) e')[unit, domain, t]
    x[t]    = phi x[t - 1] + sqrt(1 - phi ** 2) e[t],   x[first] = e[first],   e ~ N(0, 1);   x' alike
    z[i]    ~ N(eta[i], V[i] + white_sd[k] ** 2)   values
    y[i]    ~ Binomial(n[i], logit^-1(eta[i] + sqrt(white_sd[k] ** 2 + d[i]) w[i])),   w ~ N(0, 1)   a count or an
              interval (or Poisson with the log rate); d the variance for its release's confidence; an inspection's
              timing alike, y = 1{eta + N(0, 1) > 0}
    grade   = ordered probit of f[j] + inspection_sd zeta[i] + N(0, 1)     judgements; ordinal indicators without zeta

With the states, deviations and white noise integrated out this is the collapsed likelihood (`likelihood.kernel`).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pymc as pm
import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable

from bayes_csc.likelihood.layout import layout_of
from bayes_csc.measurement.design import Design
from bayes_csc_models.likelihood import exact_logp, ordinal_logp
from bayes_csc_models.noise import Noise


def joint_likelihood(
    d: Design, mean: TensorVariable, scale: TensorVariable, offset: TensorVariable, loading: TensorVariable,
    noise: Noise, inspection_sd: TensorVariable, cutpoints: TensorVariable | None,
) -> None:  # fmt: skip
    """Add states, deviations and the likelihood given them to the model on the context stack.

    Parameters
    ----------
    d
        The design.
    mean
        Prior mean of theta (authority, year).
    scale
        Standard deviation of each kind of the templates' columns.
    offset
        Per observation.
    loading
        Per indicator, inspections' timing if observed, ordinal indicator and domain judged.
    noise
        Of the deviations.
    inspection_sd
        Of an inspection's own effect, per domain judged.
    cutpoints
        Of each graded observation (graded, cutpoint); None without any ordered category.
    """
    rows = d.observation
    kind = rows.kind.to_numpy()
    judged = kind >= d.first_graded
    counted = rows.site.to_numpy(dtype=bool)
    index, weight = theta_weights(d)
    theta = states(d, mean, scale)
    fitted = offset + loading[kind] * (theta.ravel()[index] * weight).sum(axis=1)

    value = np.flatnonzero(~counted & ~judged)
    z = pm.Data("observed_z", rows.z.to_numpy())
    variance = pm.Data("observed_variance", np.where(judged, 0.0, rows.variance.to_numpy()))
    cell = np.flatnonzero(kind < len(d.indicator))
    if cell.size:
        fitted = pt.inc_subtensor(fitted[cell], deviations(rows.iloc[cell], noise))
    if value.size:
        sd = pt.sqrt(variance[value] + noise.white_sd[kind[value]] ** 2)
        pm.Potential("values", pm.logp(pm.Normal.dist(fitted[value], sd), z[value]).sum())
    if counted.any():
        at = np.flatnonzero(counted)
        white = pm.Normal("white_innovation", dims="cell")
        sd = pt.sqrt(noise.white_sd[kind[at]] ** 2 + rows.confidence_variance.to_numpy()[at])
        pm.Potential("counts", exact_logp(rows[counted], fitted[at] + sd * white).sum())
    if d.judged.several:
        fitted = inspected(d, fitted, inspection_sd)
    if cutpoints is not None:
        graded = d.graded()
        pm.Potential("grades", ordinal_logp(graded.score, fitted[graded.at], cutpoints).sum())


def inspected(d: Design, fitted: TensorVariable, inspection_sd: TensorVariable) -> TensorVariable:
    """Add to the fitted scores of judgements what their inspection's team saw that day."""
    at = np.flatnonzero(d.observation.inspection.notna())
    rows = d.observation.iloc[at]
    number, labels = pd.factorize(rows.inspection)
    pm.modelcontext(None).add_coord("inspection", [int(label) for label in labels])
    zeta = pm.Normal("inspection_effect", dims="inspection")
    about = rows.kind.to_numpy() - d.first_graded - len(d.ordinal)
    return pt.inc_subtensor(fitted[at], inspection_sd[about] * zeta[number])


def states(d: Design, mean: TensorVariable, scale: TensorVariable) -> TensorVariable:
    """Theta (authority, year), non-centred: independent innovations through each block's covariance factor."""
    columns = [d.template[k].matrix.shape[1] for k in d.block_template]
    labels = [f"{d.authority[block[0]]}:{c}" for block, n in zip(d.block, columns, strict=True) for c in range(n)]
    pm.modelcontext(None).add_coord("state_column", labels)
    v = pm.Normal("state_innovation", dims="state_column")
    place = np.concatenate([[0], np.cumsum(columns)])
    theta = mean
    for k, template in enumerate(d.template):
        blocks = np.flatnonzero(np.array(d.block_template) == k)
        if not blocks.size:
            continue
        factor = template.matrix * scale[template.column_kind]
        chosen = v[place[blocks][:, None] + np.arange(template.matrix.shape[1])]
        members = np.concatenate([d.block[b] for b in blocks])
        theta = pt.inc_subtensor(theta[members], pt.dot(chosen, factor.T).reshape((members.size, d.year.size)))
    return pm.Deterministic("theta", theta, dims=("authority", "year"))


def deviations(rows: pd.DataFrame, noise: Noise) -> TensorVariable:
    """Persistent deviation of each cell: its own series' AR(1), and its unit's AR(1) of the domain."""
    model = pm.modelcontext(None)
    first = int(rows.year.min())
    model.add_coord("reporting_year", list(range(first, int(rows.year.max()) + 1)))
    kind, t = rows.kind.to_numpy(), rows.year.to_numpy() - first
    own = rows.unit + ":" + rows.indicator
    series, labels = pd.factorize(own)
    model.add_coord("series", labels.tolist())
    e = pm.Normal("deviation_innovation", dims=("series", "reporting_year"))
    series_kind = kind[np.unique(series, return_index=True)[1]]
    out = noise.ar_sd[kind] * autoregression(e, noise.ar_phi[series_kind])[series, t]
    at = np.flatnonzero(rows.domain.to_numpy() >= 0)
    if at.size:
        chosen = rows.iloc[at]
        series, labels = pd.factorize(chosen.unit + ":" + chosen.domain.astype(str))
        model.add_coord("domain_series", labels.tolist())
        e = pm.Normal("domain_innovation", dims=("domain_series", "reporting_year"))
        series_domain = chosen.domain.to_numpy()[np.unique(series, return_index=True)[1]]
        white = noise.domain_white[series_domain][:, None]
        shared = pt.sqrt(1.0 - white) * autoregression(e, noise.domain_phi[series_domain])
        shared = shared + pt.sqrt(white) * pm.Normal("domain_white", dims=("domain_series", "reporting_year"))
        shared = shared[series, t[at]]
        out = pt.inc_subtensor(out[at], noise.domain_sd[kind[at]] * shared)
    return out


def autoregression(innovation: TensorVariable, phi: TensorVariable) -> TensorVariable:
    """Stationary AR(1) of unit variance, from its innovations (series, year) and each series' autocorrelation."""
    n_year = len(pm.modelcontext(None).coords["reporting_year"])
    path = [innovation[:, 0]]
    for t in range(1, n_year):
        path.append(phi * path[-1] + pt.sqrt(1.0 - phi**2) * innovation[:, t])
    return pt.stack(path, axis=1)


def theta_weights(d: Design) -> tuple[np.ndarray, np.ndarray]:
    """Index into theta.ravel() and weight, both (observation, terms), of the states behind each observation."""
    layout = layout_of(d)
    block = d.observation.block.to_numpy()
    terms = np.diff(layout.row)
    width = int(terms.max())
    index, weight = np.zeros((terms.size, width), dtype=int), np.zeros((terms.size, width))
    inside = np.arange(width) < terms[:, None]
    index[inside] = np.repeat(layout.block_state[block], terms) + layout.state
    weight[inside] = layout.weight
    return index, weight
