"""Posterior mode, sites and coordinates of a collapsed model: what a chain needs before its first step."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from bayes_csc.density import Density
from bayes_csc.design import Design
from bayes_csc.precondition import Coordinates, whitening
from bayes_csc.sampler import LogDensity
from bayes_csc.sites import fit_sites

SITE_ROUNDS = 2
"""Sites move the mode and the mode the sites; the second round changes p(decline) by less than its own error."""
TIMING_ROUNDS = 4
"""With inspections' timing: a round is about a Newton step of a probit, and that starts farther away."""
SITE_TOLERANCE = 1e-3
CURVATURE_STEP = 1e-3
NEAR = 0.5
"""Root mean square move of the mode, in sds, up to which the curvature at another posterior's serves for this one, too:
the chains take as few steps by it, and it costs a gradient for each coordinate to find."""
APPROACH = 100
"""L-BFGS steps from the first point, before the curvature there gives coordinates in which the rest are few."""


@dataclass(frozen=True)
class Start:
    """Where chains start and in which coordinates: the density with its fitted sites, and whitened coordinates."""

    density: Density
    coordinates: Coordinates


def find_start(density: Density, design: Design, *, cores: int, rough: Coordinates | None = None) -> Start:
    """Find the posterior mode, fit the sites there, and whiten by the curvature.

    Parameters
    ----------
    density
        Of the model whose counts and grades are sites.
    design
        The model's design.
    cores
        Threads; the result does not depend on them.
    rough
        Coordinates about the mode of a posterior much like this one (`nearby`), in place of the first steps. Where they
        are of every coordinate and this mode is near theirs, chains run in them; elsewhere the mode is looked for from
        afar, too, and the higher one taken.
    """
    rows = design.observation
    site = rows.small.to_numpy()
    with threadpool_limits(1), ThreadPoolExecutor(cores) as pool:
        density = density.with_sites(rows.z.to_numpy(), rows.variance.to_numpy())
        known = rough
        x = density.first if rough is None else _climbed(density, rough)
        if rough is None or not _near(x, rough):
            afar = posterior_mode(density, density.first, iterations=APPROACH)
            rough = rough or _whitened(afar, curvature(density, afar, pool))
            afar = _climbed(density, dataclasses.replace(rough, centre=afar))
            x = max(x, afar, key=lambda mode: density(mode)[0])
        rounds = TIMING_ROUNDS if design.timing else SITE_ROUNDS
        for _ in range(rounds if site.any() else 0):
            z, variance, _ = fit_sites(density.layout, density.real(x), rows, site, tolerance=SITE_TOLERANCE)
            density = density.with_sites(z, variance)
            x = _climbed(density, dataclasses.replace(rough, centre=x))
        if known is not None and _near(x, known):
            return Start(density, dataclasses.replace(known, centre=x))
        return Start(density, _whitened(x, curvature(density, x, pool)))


def _climbed(density: LogDensity, coordinates: Coordinates) -> np.ndarray:
    """The mode that is reached from the centre of some coordinates, in these."""
    return coordinates.point(posterior_mode(_seen_from(density, coordinates), np.zeros(coordinates.centre.size)))


def _near(x: np.ndarray, known: Coordinates) -> bool:
    if known.whitened.size < x.size:
        return False
    moved = np.linalg.solve(known.factor, (x - known.centre)[known.whitened])
    return bool(np.sqrt(np.mean(moved**2)) <= NEAR)


def _whitened(x: np.ndarray, hessian: np.ndarray) -> Coordinates:
    return Coordinates(x, np.ones(x.size), np.arange(x.size), whitening(hessian))


def _seen_from(density: LogDensity, coordinates: Coordinates) -> LogDensity:
    """Return the density in other coordinates."""

    def log_density(y: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = density(coordinates.point(y))
        return value, coordinates.gradient(gradient)

    return log_density


def embedded(inner: Start, outer: Density) -> Start:
    """Start of a model that samples what another integrates out, from the other's start.

    The density of sampled latent values and their scale together has no useful mode, so the hyperparameters start, and
    are whitened, where the model with sites puts them; the latent values start at their data, on their own scale.
    """
    outer = outer.with_sites(inner.density.z, inner.density.variance)
    centre = outer.first.copy()
    known = inner.density.names.free
    shared = [(at, known[name]) for name, at in outer.names.free.items() if name in known]
    to = np.concatenate([np.arange(at.start, at.stop) for at, _ in shared])
    source = np.concatenate([np.arange(at.start, at.stop) for _, at in shared])
    centre[to] = inner.coordinates.centre[source]
    return Start(outer, Coordinates(centre, np.ones(centre.size), to, inner.coordinates.factor[source]))


def posterior_mode(density: LogDensity, start: np.ndarray, *, iterations: int = 400) -> np.ndarray:
    """Maximise the density in unconstrained coordinates by L-BFGS."""

    def negative(x: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = density(x)
        return (-value, -gradient) if np.isfinite(value) else (1e30, np.zeros_like(x))

    found = minimize(negative, start, jac=True, method="L-BFGS-B", options={"maxiter": iterations, "maxcor": 30})
    return np.asarray(found.x)


def curvature(density: LogDensity, mode: np.ndarray, pool: ThreadPoolExecutor) -> np.ndarray:
    """Minus the Hessian of the log density at a point, by differences of its gradient."""
    here = density(mode)[1]

    def column(i: int) -> np.ndarray:
        ahead = mode.copy()
        ahead[i] += CURVATURE_STEP
        return np.asarray((here - density(ahead)[1]) / CURVATURE_STEP)

    hessian: np.ndarray = np.stack(list(pool.map(column, range(mode.size))))
    return np.asarray(0.5 * (hessian + hessian.T))
