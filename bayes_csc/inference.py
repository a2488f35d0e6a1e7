"""Posterior mode, sites and coordinates of a collapsed model: what a chain needs before its first step."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import nutpie
import pymc as pm
import pytensor
from scipy.optimize import minimize

from bayes_csc.collapse import collapsed_inputs
from bayes_csc.design import Design
from bayes_csc.errors import BayesCscError
from bayes_csc.kernel import Real
from bayes_csc.precondition import whitening
from bayes_csc.sites import fit_sites

DOUBLE = ctypes.POINTER(ctypes.c_double)
SITE_ROUNDS = 2
"""Sites move the mode and the mode the sites; the second round changes p(decline) by less than its own error."""


@dataclass(frozen=True)
class Compiled:
    """A model compiled once: density with gradient, expansion to named variables, and the collapsed inputs."""

    model: pm.Model
    density: Any
    inputs: Callable[..., list[np.ndarray]]

    def with_data(self, **data: np.ndarray) -> Compiled:
        """Return the same compiled model on other values of its data containers (the PyMC model's are set too)."""
        with self.model:
            pm.set_data(data)
        return Compiled(self.model, self.density.with_data(**data), self.inputs)

    def log_density(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """Log posterior density in unconstrained coordinates and its gradient; -inf outside the support."""
        x = np.ascontiguousarray(x, dtype=float)
        gradient, value = np.zeros(x.size), np.zeros(())
        status = self.density.compiled_logp_func.ctypes(
            x.size, _pointer(x), _pointer(gradient), _pointer(value), self.density.user_data.ctypes.data
        )
        return (float(value), gradient) if status == 0 else (-np.inf, np.zeros(x.size))

    def expand(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """Return the named variables, transformed and constrained, of an unconstrained point."""
        x = np.ascontiguousarray(x, dtype=float)
        out = np.zeros(self.density.n_expanded)
        status = self.density.compiled_expand_func.ctypes(
            x.size, out.size, _pointer(x), _pointer(out), self.density.user_data.ctypes.data
        )
        if status != 0:
            raise BayesCscError("the model's variables could not be computed at a point of its support")
        names, slices, shapes = self.density.shape_info
        return {n: out[s].reshape(shape) for n, s, shape in zip(names, slices, shapes, strict=True)}

    def real_inputs(self, variables: dict[str, np.ndarray]) -> Real:
        """Return the kernel's real inputs at values of the model's free variables and its data."""
        values = self.inputs(*[variables[v.name] for v in self.model.free_RVs])
        return Real(*(np.ascontiguousarray(value, dtype=float) for value in values))


def _pointer(a: np.ndarray) -> Any:
    return a.ctypes.data_as(DOUBLE)


def compile_model(model: pm.Model) -> Compiled:
    """Compile a model for sampling; the first time takes a minute or two, later ones use PyTensor's cache."""
    density = nutpie.compile_pymc_model(model)
    inputs = pytensor.function(
        list(model.free_RVs), collapsed_inputs(model), on_unused_input="ignore", mode="FAST_COMPILE"
    )
    return Compiled(model, density, inputs)


@dataclass(frozen=True)
class Start:
    """Where chains start and in which coordinates.

    Attributes
    ----------
    centre, whitened, factor
        x = centre + y, but x = centre + factor y at the indices `whitened`; y has about unit posterior covariance.
    z, variance
        The observations with their fitted sites.
    """

    centre: np.ndarray
    whitened: np.ndarray
    factor: np.ndarray
    z: np.ndarray
    variance: np.ndarray


def find_start(compiled: Compiled, design: Design, *, seed: int, cores: int) -> tuple[Compiled, Start]:
    """Find the posterior mode, fit the sites there, and whiten by the curvature.

    Parameters
    ----------
    compiled
        The model; its data containers `observed_z` and `observed_variance` receive the sites.
    design
        The model's design.
    seed
        Of the first point.
    cores
        Threads for the curvature.
    """
    rows = design.observation
    site = rows.small.to_numpy()
    z, variance = rows.z.to_numpy(), rows.variance.to_numpy()
    compiled = compiled.with_data(observed_z=z, observed_variance=variance)  # no sites of an earlier call
    x = posterior_mode(compiled, compiled.density.initial_point_func(seed))
    for _ in range(SITE_ROUNDS if site.any() else 0):
        real = compiled.real_inputs(compiled.expand(x))
        z, variance, _ = fit_sites(design.layout, real, rows, site)
        compiled = compiled.with_data(observed_z=z, observed_variance=variance)
        x = posterior_mode(compiled, x)
    return compiled, Start(x, np.arange(x.size), whitening(curvature(compiled, x, cores=cores)), z, variance)


def embedded(start: Start, inner: Compiled, outer: Compiled, *, seed: int) -> Start:
    """Start of a model that samples what another integrates out, from the other's start.

    The density of sampled latent values and their scale together has no useful mode, so the hyperparameters start, and
    are whitened, where the model with sites puts them; the latent values start at their data, on their own scale.
    """
    centre = outer.density.initial_point_func(seed)
    places = dict(_free_slices(inner))
    here = [(at, places[name]) for name, at in _free_slices(outer) if name in places]
    to = np.concatenate([np.arange(at.start, at.stop) for at, _ in here])
    source = np.concatenate([np.arange(at.start, at.stop) for _, at in here])
    centre[to] = start.centre[source]
    return Start(centre, to, start.factor[source], start.z, start.variance)


def _free_slices(compiled: Compiled) -> list[tuple[str, slice]]:
    names, slices, _ = compiled.density.shape_info
    return list(zip(names, slices, strict=True))[: len(compiled.model.free_RVs)]


def posterior_mode(compiled: Compiled, start: np.ndarray, *, iterations: int = 400) -> np.ndarray:
    """Maximise the density in unconstrained coordinates by L-BFGS."""

    def negative(x: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = compiled.log_density(x)
        return (-value, -gradient) if np.isfinite(value) else (1e30, np.zeros_like(x))

    found = minimize(negative, start, jac=True, method="L-BFGS-B", options={"maxiter": iterations, "maxcor": 30})
    return np.asarray(found.x)


def curvature(compiled: Compiled, mode: np.ndarray, *, step: float = 1e-3, cores: int = 2) -> np.ndarray:
    """Minus the Hessian of the log density at a point, by central differences of its gradient."""

    def column(i: int) -> np.ndarray:
        ahead, behind = mode.copy(), mode.copy()
        ahead[i] += step
        behind[i] -= step
        return np.asarray((compiled.log_density(behind)[1] - compiled.log_density(ahead)[1]) / (2.0 * step))

    with ThreadPoolExecutor(cores) as pool:
        hessian = np.stack(list(pool.map(column, range(mode.size))))
    return np.asarray(0.5 * (hessian + hessian.T))
