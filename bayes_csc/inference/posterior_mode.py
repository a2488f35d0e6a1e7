"""Posterior mode, sites and coordinates of a collapsed model: what a chain needs before its first step."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from bayes_csc.errors import GateError
from bayes_csc.inference.hmc import LogDensity
from bayes_csc.inference.whitening import Coordinates, whitening
from bayes_csc.likelihood.count_sites import fit_sites, site_evidence
from bayes_csc.likelihood.density import Density
from bayes_csc.measurement.design import Design

SITE_ROUNDS = 6
"""Sites move the mode and the mode the sites, at most so often."""
SETTLED, SETTLED_WORST = 0.05, 0.1
"""Move of the mode, in sds, at which sites are those of the mode: the root mean square, and the largest."""
SWEEPS, FIRST_SWEEPS = 30, 3
"""Of expectation propagation, at most; fewer while the mode still moves far."""
DAMPING = 0.5
"""Of a round after one that moved the mode by more than half of what the round before did."""
SITE_TOLERANCE = 1e-3
CURVATURE_STEP = 1e-3
NEAR = 1.0
"""Root mean square move of the mode, in sds, up to which the curvature at another posterior's serves for this one, too:
the chains take a tenth more steps by it, and it costs a gradient for each coordinate to find, half of a preview's."""
LEAST_MASS = 0.01
"""Of a second mode that is worth a chain, relative to the first's, by the curvatures at both."""
REACHED = 0.01
"""Of a mode: the squared gradient in whitened coordinates, about twice what the log density is short of its maximum."""
RELATIVE_GAIN, GAIN = 2.2204460492503131e-9, 4e-5
"""Of a step of L-BFGS, relative to the log density (SciPy's default) and in itself: it ends at the smaller. The density
of many authorities is large, so that by the first alone it would end far from the mode."""
APPROACH = 100
"""L-BFGS steps from the first point, before the curvature there gives coordinates in which the rest are few."""


@dataclass(frozen=True)
class Start:
    """Where chains start and in which coordinates: the density with its fitted sites, and whitened coordinates.

    The last chain starts at the `second` mode, if one was found: only so do chains of a few draws disagree if it holds
    them.
    """

    density: Density
    coordinates: Coordinates
    second: np.ndarray | None = None


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
        Coordinates about the mode of a posterior much like this one (`nearby`). The mode is looked for from there and,
        as always, from afar; chains start at the higher one, in these coordinates where they are of every coordinate
        and it is near their centre.
    """
    sites = Sites(design)
    with threadpool_limits(1), ThreadPoolExecutor(cores) as pool:
        density = density.with_sites(design.observation.z.to_numpy(), design.observation.variance.to_numpy())
        known, modes = rough, []
        if rough is not None:
            density = sites.fitted(density, rough.centre)
            modes.append(_climbed(density, rough))
        afar = posterior_mode(density, density.first, iterations=APPROACH)
        rough = rough or _whitened(afar, curvature(density, afar, pool))
        modes.append(_climbed(density, dataclasses.replace(rough, centre=afar)))
        x, *others = sorted(modes, key=lambda mode: -density(mode)[0])
        first = density
        density, x = sites.settled(first, dataclasses.replace(rough, centre=x))
        near = known is not None and known.whitened.size == x.size and _apart(known.centre, x, known) <= NEAR
        here = dataclasses.replace(rough, centre=x) if near else _whitened(x, curvature(density, x, pool))
        here = dataclasses.replace(here, centre=_climbed(density, here))
        second = None
        for other in others:
            its, there = sites.settled(first, dataclasses.replace(rough, centre=other))
            if _apart(x, there, rough) > NEAR:
                width = _whitened(there, curvature(its, there, pool))
                mass = sites.log_density(its, there) - sites.log_density(density, x)
                mass += _log_volume(width) - _log_volume(here)
                second = there if mass > np.log(LEAST_MASS) else None
        return Start(density, here, second)


@dataclass(frozen=True)
class Sites:
    """The sites of a design's counts, at any point of the hyperparameters."""

    design: Design

    @cached_property
    def at(self) -> np.ndarray:
        """Which observations they are, a mask."""
        return self.design.observation.site.to_numpy(dtype=bool)

    def fitted(self, density: Density, x: np.ndarray, *, part: float = 1.0, sweeps: int = SWEEPS) -> Density:
        """Return the density with its sites fitted at a point, or so large a part of the way there."""
        if not self.at.any():
            return density
        rows = self.design.observation
        z, variance, _ = fit_sites(
            density.layout, density.real(x), rows, self.at, sweeps=sweeps, tolerance=SITE_TOLERANCE
        )
        precision = part / variance[self.at] + (1.0 - part) / density.variance[self.at]
        pull = part * z[self.at] / variance[self.at] + (1.0 - part) * density.z[self.at] / density.variance[self.at]
        z[self.at], variance[self.at] = pull / precision, 1.0 / precision
        return density.with_sites(z, variance)

    def settled(self, density: Density, near: Coordinates) -> tuple[Density, np.ndarray]:
        """Return the density with the sites of its own mode, and the mode, from one near it.

        Raises
        ------
        GateError
            The sites and the mode still move each other.
        """
        x, part, before = near.centre, 1.0, np.inf
        if not self.at.any():
            return density, x
        for _ in range(SITE_ROUNDS):
            density = self.fitted(density, x, part=part, sweeps=SWEEPS if before < 10 * SETTLED else FIRST_SWEEPS)
            mode = _climbed(density, dataclasses.replace(near, centre=x))
            move = np.abs(_moves(x, mode, near))
            x, typical = mode, float(np.sqrt(np.mean(move**2)))
            if typical <= SETTLED and move.max() <= SETTLED_WORST:
                return density, x
            part, before = DAMPING if typical > 0.5 * before else 1.0, typical
        raise GateError(
            f"the Gaussian sites of the counts do not settle: after {SITE_ROUNDS} rounds the posterior mode still "
            f"moves by {typical:.2f} sds (at most {move.max():.2f}); look for an indicator with almost no data, or "
            "one that is nearly always none or all, and leave it out"
        )

    def log_density(self, density: Density, x: np.ndarray) -> float:
        """Log density with the exact likelihood of the counts in place of their sites, up to a constant."""
        value = density(x)[0]
        if self.at.any():
            value += float(site_evidence(density.layout, density.real(x), self.design.observation, self.at).sum())
        return value


def _climbed(density: LogDensity, coordinates: Coordinates) -> np.ndarray:
    """The mode that is reached from the centre of some coordinates, in these.

    L-BFGS ends where one step adds little, which need not be at a mode: then it is begun anew, without what it learnt.
    """
    seen, y, before = _seen_from(density, coordinates), np.zeros(coordinates.centre.size), -np.inf
    value, gradient = seen(y)
    while gradient @ gradient > REACHED and value - before > GAIN:
        before, y = value, posterior_mode(seen, y)
        value, gradient = seen(y)
    return coordinates.point(y)


def _moves(one: np.ndarray, other: np.ndarray, coordinates: Coordinates) -> np.ndarray:
    """From one point to another, in sds of whitened coordinates."""
    return np.asarray(np.linalg.solve(coordinates.factor, (other - one)[coordinates.whitened]))


def _apart(one: np.ndarray, other: np.ndarray, coordinates: Coordinates) -> float:
    """Root mean square distance in sds of whitened coordinates."""
    return float(np.sqrt(np.mean(_moves(one, other, coordinates) ** 2)))


def _log_volume(coordinates: Coordinates) -> float:
    return float(np.linalg.slogdet(coordinates.factor)[1])


def _whitened(x: np.ndarray, hessian: np.ndarray) -> Coordinates:
    return Coordinates(x, np.ones(x.size), np.arange(x.size), whitening(hessian))


def _seen_from(density: LogDensity, coordinates: Coordinates) -> LogDensity:
    """Return the density in other coordinates."""

    def log_density(y: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = density(coordinates.point(y))
        return value, coordinates.gradient(gradient)

    return log_density


def posterior_mode(density: LogDensity, start: np.ndarray, *, iterations: int = 400) -> np.ndarray:
    """Maximise the density in unconstrained coordinates by L-BFGS.

    A point outside the support counts as just below the lowest seen: an endless fall would shorten the line search's
    next step to next to nothing, which looks like a mode.
    """
    highest = -density(start)[0]
    options = {"maxiter": iterations, "maxcor": 30, "ftol": min(RELATIVE_GAIN, GAIN / max(abs(highest), 1.0))}

    def negative(x: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal highest
        value, gradient = density(x)
        if not np.isfinite(value):
            return highest + 1.0, np.zeros_like(x)
        highest = max(highest, -value)
        return -value, -gradient

    return np.asarray(minimize(negative, start, jac=True, method="L-BFGS-B", options=options).x)


def curvature(density: LogDensity, mode: np.ndarray, pool: ThreadPoolExecutor) -> np.ndarray:
    """Minus the Hessian of the log density at a point, by differences of its gradient."""
    here = density(mode)[1]

    def column(i: int) -> np.ndarray:
        ahead = mode.copy()
        ahead[i] += CURVATURE_STEP
        return np.asarray((here - density(ahead)[1]) / CURVATURE_STEP)

    hessian: np.ndarray = np.stack(list(pool.map(column, range(mode.size))))
    return np.asarray(0.5 * (hessian + hessian.T))
