"""Draws of everything that a model describes, from the model itself: hyperparameters, states, logits and scores.

Nothing of a prior is written here. The hyperparameters are drawn from the free variables of the model, and what its
collapsed likelihood receives is drawn with them (`bayes_csc.likelihood.kernel.Real`), so that with those in hand:

    theta = mean + L v,   v ~ N(0, I)                                       L the covariance factor of a block
    eta   = offset + loading W theta + own AR(1) + white + the domain's AR(1) + white    of each observation
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pymc as pm
import xarray as xr

from bayes_csc.likelihood.collapsed_op import collapsed_inputs
from bayes_csc.likelihood.kernel import Real
from bayes_csc.likelihood.layout import layout_of
from bayes_csc.measurement.design import Design

PRIOR_INPUTS = (
    "offset", "loading", "mean", "scale", "ar_sd", "ar_phi", "white_sd", "domain_sd", "domain_phi", "domain_white",
)  # fmt: skip
"""The inputs of the collapsed likelihood that states and data are drawn from."""


@dataclass(frozen=True)
class PriorDraws:
    """Joint prior draws of the hyperparameters and of what the collapsed likelihood makes of them.

    Attributes
    ----------
    hyperparameters
        Free variables and deterministics, first dim `draw`, dims and coordinates as in a posterior.
    inputs
        Arrays by name (`PRIOR_INPUTS`), first axis the draw.
    """

    hyperparameters: xr.Dataset
    inputs: dict[str, np.ndarray]

    def at(self, draw: int) -> dict[str, np.ndarray]:
        """Return the inputs of one draw."""
        return {name: values[draw] for name, values in self.inputs.items()}


def draw_prior(model: pm.Model, *, draws: int, seed: int) -> PriorDraws:
    """Draw the hyperparameters of a model from their prior.

    Parameters
    ----------
    model
        Of any panel: its data do not matter, its dims do.
    draws
        How many.
    seed
        The same seed gives the same draws.
    """
    wanted = [*model.free_RVs, *model.deterministics]
    given = dict(zip(Real._fields, collapsed_inputs(model), strict=True))
    inputs = [given[name] for name in PRIOR_INPUTS]
    # FAST_COMPILE: a few hundred draws never repay the minute that compiling them takes
    values = pm.draw([*wanted, *inputs], draws=draws, random_seed=seed, mode="FAST_COMPILE")
    arrays = [np.asarray(v)[None] if draws == 1 else np.asarray(v) for v in values]
    named = dict(zip([v.name for v in wanted], arrays[: len(wanted)], strict=True))
    return PriorDraws(
        hyperparameters=xr.Dataset({name: _labelled(model, name, array) for name, array in named.items()}),
        inputs=dict(zip(PRIOR_INPUTS, arrays[len(wanted) :], strict=True)),
    )


def _labelled(model: pm.Model, name: str, array: np.ndarray) -> xr.DataArray:
    given = model.named_vars_to_dims.get(name) or [f"{name}_dim_{i}" for i in range(array.ndim - 1)]
    coords = {dim: list(model.coords[dim]) for dim in given if model.coords.get(dim) is not None}
    return xr.DataArray(array, dims=("draw", *given), coords=coords)


def draw_states(design: Design, inputs: dict[str, np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Draw theta (authority, year): theta = mean + L v in every block."""
    layout = layout_of(design)
    theta = np.array(inputs["mean"], dtype=float)
    for b in range(len(design.block)):
        first, last = layout.block_state[b], layout.block_state[b + 1]
        template = design.template[design.block_template[b]]
        factor = template.matrix * inputs["scale"][template.column_kind]
        theta[first:last] += factor @ rng.standard_normal(factor.shape[1])
    return theta.reshape(len(design.authority), design.year.size)


def centred(design: Design, theta: np.ndarray) -> np.ndarray:
    """Theta less its mean, year by year, over the authorities that exist then: as a fit reports it."""
    exists = np.where(design.exists, 1.0, np.nan)
    return np.asarray(theta - np.nanmean(theta * exists, axis=-2, keepdims=True))


def fitted(design: Design, inputs: dict[str, np.ndarray], theta: np.ndarray) -> np.ndarray:
    """Expected logit or score of each observation given theta: offset + loading W theta."""
    layout = layout_of(design)
    terms = np.diff(layout.row)
    first = np.repeat(layout.block_state[design.observation.block.to_numpy()], terms)
    at = np.repeat(np.arange(terms.size), terms)
    interpolated = np.bincount(at, layout.weight * theta.ravel()[first + layout.state], minlength=terms.size)
    return np.asarray(inputs["offset"] + inputs["loading"][design.observation.kind.to_numpy()] * interpolated)


def draw_deviations(design: Design, inputs: dict[str, np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Draw the deviation of each observation: its own and its domain's, each an AR(1) and white noise."""
    rows = design.observation
    kind, domain = rows.kind.to_numpy(), rows.domain.to_numpy()
    year = rows.year.to_numpy() - rows.year.min()
    out = inputs["white_sd"][kind] * rng.standard_normal(kind.size)
    own = rows.groupby(["unit", "kind"], sort=False).ngroup().to_numpy()
    out += inputs["ar_sd"][kind] * _paths(own, inputs["ar_phi"][kind], year, rng)
    at = np.flatnonzero(domain >= 0)
    if at.size:
        shared = rows.iloc[at].groupby("group").ngroup().to_numpy()  # a unit's series of a domain, or one inspection
        phi, white = inputs["domain_phi"][domain[at]], inputs["domain_white"][domain[at]]
        path = np.sqrt(1.0 - white) * _paths(shared, phi, year[at], rng)
        path += np.sqrt(white) * _paths(shared, np.zeros(at.size), year[at], rng)
        out[at] += inputs["domain_sd"][kind[at]] * path
    return np.asarray(out)


def _paths(series: np.ndarray, phi: np.ndarray, year: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Stationary AR(1) of unit variance of each series, at each observation's year."""
    labels, first = np.unique(series, return_index=True)
    rho = phi[first]
    path = rng.standard_normal((labels.size, int(year.max()) + 1))
    for t in range(1, path.shape[1]):
        path[:, t] = rho * path[:, t - 1] + np.sqrt(1.0 - rho**2) * path[:, t]
    return np.asarray(path[series, year])


def draw_latent(
    design: Design, inputs: dict[str, np.ndarray], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw theta (authority, year), not centred, and eta, the latent logit or score of each observation."""
    theta = draw_states(design, inputs, rng)
    return theta, fitted(design, inputs, theta) + draw_deviations(design, inputs, rng)
