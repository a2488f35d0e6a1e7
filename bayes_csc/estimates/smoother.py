"""The states of one block as sums of what each observation says: dense, at many draws of the hyperparameters at once.

Given the hyperparameters and the grades' sites, everything is linear and Gaussian (symbols of `likelihood.kernel`):

    theta ~ N(m, C),   C = L L',   z = o + A theta + N(0, Sigma)

so that the posterior mean of any contrast c of the states is its prior mean and one term per observation,

    E[c'theta | z] = c'm + sum over i of g_i r_i,   g = S A Theta c,   r = z - o - A m
    S = Sigma^-1,   Theta = L (I + L'A'S A L)^-1 L'   the states' posterior covariance

which is g = (A C A' + Sigma)^-1 A C c, written without inverting C. A grade with the site tau, eta is the observation
eta / tau of f = o + A theta + e, e ~ N(0, B) what the grades of an inspection share, with the variance 1 / tau. As tau
may be zero its residual is u = eta - tau (o + A m) and S, of which g is made, has the parts

    S = G T,   G = (I + T B)^-1,   T = diag(tau),   g_i r_i = (G' A Theta c)_i u_i
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from bayes_csc.estimates.grade_sites import fit_grade_sites
from bayes_csc.likelihood.kernel import Real
from bayes_csc.likelihood.layout import layout_of
from bayes_csc.measurement.design import Design
from bayes_csc.measurement.state_prior import Template


@dataclass(frozen=True)
class Group:
    """Observations whose noise goes together: a unit's series of an indicator or a domain, or one inspection's grades.

    Attributes
    ----------
    at, observation
        Their places in the block and among all observations.
    state, weight
        States that they observe, and the weights (observation, state) of those.
    kind, year, domain
        Index of each one's indicator, its reporting year, and the group's domain, -1 for none.
    grade
        Places of their cutpoints; -1 where they are not grades that are integrated out.
    """

    at: np.ndarray
    observation: np.ndarray
    state: np.ndarray
    weight: np.ndarray
    kind: np.ndarray
    year: np.ndarray
    domain: int
    grade: np.ndarray


@dataclass(frozen=True)
class Block:
    """One block: places of its observations and states among all, covariance template, and groups of observations."""

    observation: np.ndarray
    state: np.ndarray
    template: Template
    groups: tuple[Group, ...]

    @classmethod
    def of(cls, design: Design, index: int) -> Block:
        """Lay one block of a design out."""
        layout, n_year = layout_of(design), design.year.size
        first, end = np.searchsorted(design.observation.block.to_numpy(), [index, index + 1])
        states = np.concatenate([np.arange(a * n_year, (a + 1) * n_year) for a in design.block[index]])
        terms = slice(layout.row[first], layout.row[end])
        weight = np.zeros((end - first, states.size))
        own = np.repeat(np.arange(end - first), np.diff(layout.row[first : end + 1]))
        np.add.at(weight, (own, layout.state[terms]), layout.weight[terms])
        groups = []
        for g in range(*np.searchsorted(layout.group_obs, [first, end])):
            observation = np.arange(layout.group_obs[g], layout.group_obs[g + 1])
            at = observation - first
            touched = np.flatnonzero(weight[at].any(axis=0))
            groups.append(
                Group(
                    at, observation, touched, weight[np.ix_(at, touched)], layout.kind[observation],
                    layout.time[observation], int(layout.group_domain[g]), layout.graded[observation],
                )
            )  # fmt: skip
        template = design.template[design.block_template[index]]
        return cls(np.arange(first, end), states, template, tuple(groups))


@dataclass(frozen=True)
class Said:
    """What a group of observations says of the states: A (by loading), G, S and u, each (draw, ...)."""

    group: Group
    loading: np.ndarray
    gain: np.ndarray
    precision: np.ndarray
    residual: np.ndarray


@dataclass(frozen=True)
class Smoothed:
    """Posterior of one block's states at every draw.

    Attributes
    ----------
    block
        Its observations.
    prior
        m, (draw, state).
    mean, covariance
        Posterior moments of the states, (draw, state) and (draw, state, state).
    said
        What each group of observations says.
    """

    block: Block
    prior: np.ndarray
    mean: np.ndarray
    covariance: np.ndarray
    said: tuple[Said, ...]

    def weights(self, contrast: np.ndarray) -> np.ndarray:
        """Derivative of E[c'theta] by each observation's z (by eta of a grade), its sites held: (draw, observation)."""
        pull = self.covariance @ contrast
        out = np.empty((len(pull), self.block.observation.size))
        for part in self.said:
            seen = part.loading * (pull[:, part.group.state] @ part.group.weight.T)
            out[:, part.group.at] = np.einsum("dij,di->dj", part.gain, seen)
        return out

    def terms(self, contrast: np.ndarray) -> np.ndarray:
        """Terms g_i r_i of E[c'theta], (draw, observation): with c'm they sum to it."""
        residual = np.empty((len(self.mean), self.block.observation.size))
        for part in self.said:
            residual[:, part.group.at] = part.residual
        return self.weights(contrast) * residual


def stacked(reals: Iterable[Real]) -> Real:
    """Return the kernel's real inputs of several draws as arrays (draw, ...)."""
    return Real(*(np.stack(values) for values in zip(*reals, strict=True)))


def smooth(block: Block, real: Real) -> Smoothed:
    """Smooth the states of one block.

    Parameters
    ----------
    block
        Its layout.
    real
        The kernel's real inputs with a leading dimension, the draw (`stacked`).
    """
    template = block.template
    factor = template.matrix * real.scale[:, None, template.column_kind]
    prior = real.mean[:, block.state]
    said = [_observed(g, real, prior) for g in block.groups if g.grade[0] < 0]
    shift, covariance = _posterior(factor, said)
    if graded := [g for g in block.groups if g.grade[0] >= 0]:
        said += _graded(graded, real, prior, prior + shift, covariance)
        shift, covariance = _posterior(factor, said)
    return Smoothed(block, prior, prior + shift, covariance, tuple(said))


def _posterior(factor: np.ndarray, said: Sequence[Said]) -> tuple[np.ndarray, np.ndarray]:
    """Posterior mean, less m, and covariance of the states: Theta A'G u and Theta."""
    n_draw, n_state, n_column = factor.shape
    h, big_h = np.zeros((n_draw, n_state)), np.zeros((n_draw, n_state, n_state))
    for part in said:
        a = part.loading[:, :, None] * part.group.weight
        pulled = np.einsum("dij,dj->di", part.gain, part.residual)
        h[:, part.group.state] += np.einsum("dis,di->ds", a, pulled)
        big_h[:, part.group.state[:, None], part.group.state] += a.transpose(0, 2, 1) @ part.precision @ a
    turned = factor.transpose(0, 2, 1)
    covariance = factor @ np.linalg.solve(np.eye(n_column) + turned @ big_h @ factor, turned)
    return np.einsum("dst,dt->ds", covariance, h), covariance


def _fitted(group: Group, real: Real, states: np.ndarray) -> np.ndarray:
    """Expectation o + A theta of a group's observations, (draw, observation)."""
    loading = real.loading[:, group.kind]
    fitted: np.ndarray = real.offset[:, group.observation] + loading * (states[:, group.state] @ group.weight.T)
    return fitted


def _shared(group: Group, real: Real) -> np.ndarray:
    """Covariance of what a domain's indicators, or an inspection's grades, have in common."""
    k = group.kind
    if group.domain < 0:
        return np.zeros((len(real.loading), k.size, k.size))
    lag = np.abs(group.year[:, None] - group.year)
    sd = real.domain_sd[:, k]
    phi, white = (p[:, group.domain, None, None] for p in (real.domain_phi, real.domain_white))
    out: np.ndarray = sd[:, :, None] * sd[:, None, :] * ((1.0 - white) * phi**lag + white * (lag == 0))
    return out


def _observed(group: Group, real: Real, prior: np.ndarray) -> Said:
    """What Gaussian observations say: G = S = Sigma^-1 and u = r."""
    k = group.kind
    lag = np.abs(group.year[:, None] - group.year)
    own = real.ar_sd[:, k, None] ** 2 * real.ar_phi[:, k, None] ** lag
    sigma = _shared(group, real) + np.where(k[:, None] == k, own, 0.0)
    diagonal = np.arange(k.size)
    sigma[:, diagonal, diagonal] += real.white_sd[:, k] ** 2 + real.variance[:, group.observation]
    precision = np.linalg.inv(sigma)
    residual = real.z[:, group.observation] - _fitted(group, real, prior)
    return Said(group, real.loading[:, k], precision, precision, residual)


def _graded(
    groups: Sequence[Group], real: Real, prior: np.ndarray, mean: np.ndarray, covariance: np.ndarray
) -> list[Said]:
    """What a block's grades say, by the sites fitted to them given the moments of the states without them."""
    edges = np.cumsum([0, *(g.at.size for g in groups)])
    f = np.concatenate([_fitted(g, real, mean) for g in groups], axis=1)
    a = np.zeros((len(f), edges[-1], mean.shape[1]))
    effect = np.zeros((len(f), edges[-1], edges[-1]))
    for g, first, end in zip(groups, edges[:-1], edges[1:], strict=True):
        a[:, first:end, g.state] = real.loading[:, g.kind, None] * g.weight
        effect[:, first:end, first:end] = _shared(g, real)
    place = np.concatenate([g.grade for g in groups])
    variance = a @ covariance @ a.transpose(0, 2, 1) + effect
    tau, eta = fit_grade_sites(f, variance, real.low[:, place], real.high[:, place])
    said = []
    for g, first, end in zip(groups, edges[:-1], edges[1:], strict=True):
        t = tau[:, first:end]
        gain = np.linalg.inv(np.eye(end - first) + t[:, :, None] * effect[:, first:end, first:end])
        residual = eta[:, first:end] - t * _fitted(g, real, prior)
        said.append(Said(g, real.loading[:, g.kind], gain, gain * t[:, None, :], residual))
    return said
