"""The posterior density of a collapsed model in unconstrained coordinates, compiled once for all panels."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr
from pytensor.tensor.variable import TensorVariable

from bayes_csc.likelihood.collapsed_op import collapsed_inputs, collapsed_layout
from bayes_csc.likelihood.function_cache import Family, building_graphs, lifted, parameters_as_inputs
from bayes_csc.likelihood.kernel import Layout, Real, value_and_gradient

N_REAL = len(Real._fields)
Arrays = tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Bound:
    """A compiled function with the values of the constants that were lifted out of it."""

    run: Callable[..., Arrays]
    constants: Arrays

    def __call__(self, *inputs: Any) -> Arrays:
        """Return the outputs."""
        return self.run(*inputs, *self.constants)


@dataclass(frozen=True)
class Names:
    """The free variables and deterministics of a model: name, dims and coordinates; and how x divides."""

    variable: tuple[str, ...]
    dims: dict[str, tuple[str, ...]]
    coords: dict[str, list[Any]]
    free: dict[str, slice]


@dataclass(frozen=True)
class Density:
    """log p(x | data) up to a constant, x the unconstrained free variables, one after another.

    The density is that of the priors plus the kernel's: PyTensor computes the first and the kernel's real inputs, the
    kernel its value and gradient by them, PyTensor the product of that with their Jacobian.

    Attributes
    ----------
    names
        Of the variables.
    layout
        Of the observations.
    z, variance
        Observations and their sampling variances, sites among them.
    first
        A point of the support.
    """

    names: Names
    layout: Layout
    z: np.ndarray
    variance: np.ndarray
    first: np.ndarray
    forward: Bound
    pullback: Bound

    def with_sites(self, z: np.ndarray, variance: np.ndarray) -> Density:
        """Return the density on other values of the observations."""
        return dataclasses.replace(
            self, z=np.array(z, dtype=float, order="C"), variance=np.array(variance, dtype=float, order="C")
        )

    def __call__(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """Log density and its gradient; -inf outside the support."""
        prior, real = self._prior_and_real(x)
        if not np.isfinite(prior):
            return -np.inf, np.zeros(x.size)
        value, by_real = value_and_gradient(self.layout, real)
        if not np.isfinite(value):
            return -np.inf, np.zeros(x.size)
        (gradient,) = self.pullback(x, self.z, self.variance, *by_real)
        # so near the edge of the support that a share is rounded to 0 or 1
        return (prior + value, gradient) if np.isfinite(gradient).all() else (-np.inf, np.zeros(x.size))

    def real(self, x: np.ndarray) -> Real:
        """Return the kernel's real inputs."""
        return self._prior_and_real(x)[1]

    def _prior_and_real(self, x: np.ndarray) -> tuple[float, Real]:
        prior, *rest = self.forward(x, self.z, self.variance)
        return float(prior), Real(*rest[:N_REAL])

    def load(self) -> None:
        """Compile, or take from the cache, all but the kernel."""
        real = self.real(self.first)
        self.pullback(self.first, self.z, self.variance, *map(np.zeros_like, real))

    def expand(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """Return the named variables, constrained, of a point."""
        return dict(zip(self.names.variable, self.forward(x, self.z, self.variance)[1 + N_REAL :], strict=True))

    def posterior(self, x: np.ndarray, chains: Sequence[int]) -> xr.Dataset:
        """Named variables of draws x (chain, draw, dim), labelled."""
        names, shape = self.names, x.shape[:2]
        variables = {n: np.empty((*shape, *v.shape)) for n, v in self.expand(self.first).items()}
        for at in np.ndindex(*shape):
            for name, value in self.expand(np.ascontiguousarray(x[at])).items():
                variables[name][at] = value
        labelled = {n: (("chain", "draw", *names.dims[n]), v) for n, v in variables.items()}
        used = {dim for dims in names.dims.values() for dim in dims}
        coords = {"chain": list(chains), "draw": np.arange(x.shape[1])} | {d: names.coords[d] for d in used}
        return xr.Dataset(labelled, coords=coords)


def compile_density(model: pm.Model) -> Density:
    """Compile the density of a model with a collapsed likelihood; in a moment if its structure was seen before."""
    free, data = model.free_RVs, [model["observed_z"], model["observed_variance"]]
    values = [model.rvs_to_values[v] for v in free]
    point = model.initial_point()
    start = [np.asarray(point[v.name], dtype=float) for v in values]
    edges = np.concatenate([[0], np.cumsum([v.size for v in start])])
    named = [*free, *model.deterministics]
    others = [v for v in model.potentials if v.name != "collapsed_likelihood"]

    x, at, z, variance = pt.dvector("x"), pt.lvector("edges"), pt.dvector("z"), pt.dvector("variance")
    with building_graphs(), parameters_as_inputs(free) as priors:
        outputs = [
            model.logp(vars=[*free, *others]), *model.replace_rvs_by_values([*collapsed_inputs(model), *named])
        ]  # fmt: skip
        parts = {v: _part(x, at, k, s) for k, (v, s) in enumerate(zip(values, start, strict=True))}
        graph = lifted(outputs, parts | dict(zip(data, (z, variance), strict=True)))
    prior, real = graph.outputs[0], graph.outputs[1 : 1 + N_REAL]
    data_inputs = [x, z, variance]
    family = Family.of(data_inputs, graph.outputs, [at, *priors, *graph.constants])
    constants = (edges, *priors.values(), *graph.values)
    cotangent = [pt.dvector(name) for name in Real._fields]

    def gradient() -> list[TensorVariable]:
        total = prior + sum((c * r).sum() for c, r in zip(cotangent, real, strict=True))
        return [pt.grad(total, x, disconnected_inputs="ignore")]

    out = Density(
        names=Names(
            variable=tuple(v.name for v in named),
            dims={v.name: tuple(model.named_vars_to_dims.get(v.name) or ()) for v in named},
            coords={name: list(labels) for name, labels in model.coords.items()},
            free={v.name: slice(*edges[k : k + 2]) for k, v in enumerate(free)},
        ),
        layout=collapsed_layout(model),
        z=np.array(data[0].get_value(), dtype=float),
        variance=np.array(data[1].get_value(), dtype=float),
        first=np.concatenate([v.ravel() for v in start]),
        forward=Bound(family.function("forward", data_inputs, lambda: graph.outputs), constants),
        pullback=Bound(family.function("pullback", [*data_inputs, *cotangent], gradient), constants),
    )
    out.load()
    return out


def _part(x: TensorVariable, edges: TensorVariable, k: int, start: np.ndarray) -> TensorVariable:
    """Value variable k of the unconstrained vector."""
    if start.ndim == 0:
        return x[edges[k]]
    return x[edges[k] : edges[k + 1]].reshape(start.shape) if start.ndim > 1 else x[edges[k] : edges[k + 1]]
