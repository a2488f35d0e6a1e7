"""Hamiltonian Monte Carlo that is exact where the posterior is Gaussian: one chain.

In coordinates y in which the posterior is about N(0, I), log p(y) = -y'y / 2 + r(y) + const. The flow of the Gaussian
part is a rotation of position and momentum p ~ N(0, I), so that only the rest r needs small steps. A trajectory of
angle a is n = ceil(a / step) times

    p <- p + h / 2 grad r(y);   (y, p) <- (y cos h + p sin h, p cos h - y sin h);   p <- p + h / 2 grad r(y)

with h = a / n, and is accepted with probability min(1, exp(H(start) - H(end))), H = -log p(y) + p'p / 2. The map is
reversible and keeps volume, so the chain is exact whatever r is; how well the coordinates fit decides only how long it
takes. A quarter turn makes a draw of a Gaussian independent of the last one: the angle is random around it, which takes
away resonance. The step is found during warm-up by dual averaging (Hoffman and Gelman 2014, section 3.2).

Sources: Shahbaba, Lan, Johnson and Neal 2014 (split Hamiltonian Monte Carlo, section 3); Neal 2011.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

ANGLES = (0.3 * math.pi, 0.9 * math.pi)
"""Of a trajectory. Wider than a quarter turn on the far side: directions wider than the curvature says need longer."""
TARGET_ACCEPT = 0.85
FIRST_STEP = 0.4
SMALLEST_STEP = 0.01
SHRINKAGE, DELAY = 0.2, 10.0
"""Of the dual averaging: slower than Stan's 0.05, since the first step is already about right."""
LARGEST_ENERGY_ERROR = 1000.0
"""Of a trajectory that is called divergent (as in Stan)."""
LogDensity = Callable[[np.ndarray], tuple[float, np.ndarray]]


@dataclass(frozen=True)
class Chain:
    """Draws of one chain after its warm-up.

    Attributes
    ----------
    y
        Positions, (draw, dim).
    energy
        H at the start of each draw's trajectory, (draw,).
    diverging
        Whether the trajectory left the support or its energy error was beyond all bounds, (draw,).
    n_steps
        Gradients it took, (draw,).
    step_size
        Of all of them.
    warmup_steps
        Gradients of the warm-up.
    end
        Where the chain stands: position, log density and gradient.
    """

    y: np.ndarray
    energy: np.ndarray
    diverging: np.ndarray
    n_steps: np.ndarray
    step_size: float
    warmup_steps: int
    end: tuple[np.ndarray, float, np.ndarray]


@dataclass(frozen=True)
class Trajectory:
    """Where a trajectory ends: position, log density, gradient, energy error (inf outside the support), gradients."""

    y: np.ndarray
    value: float
    gradient: np.ndarray
    energy: float
    error: float
    n_steps: int


def sample_chain(
    log_density: LogDensity,
    start: np.ndarray,
    rng: np.random.Generator,
    *,
    draws: int,
    warmup: int,
    told: Callable[[int, int, int], bool] = lambda done, divergences, gradients: True,
    so_far: Chain | None = None,
) -> Chain:
    """Sample one chain, or go on with one: with the same generator the chain is the same as one of so many draws.

    Parameters
    ----------
    log_density
        Log density and gradient in coordinates of about unit covariance.
    start
        Position in the support, (dim,).
    rng
        Of the whole chain.
    draws, warmup
        Draws to keep and before them.
    told
        Called after every draw with the draws done (warm-up included), divergences and gradients so far; the chain
        stops when it returns False.
    so_far
        The first draws of the chain, warm-up done; `rng` is the generator that drew them.
    """
    step = _StepSize(math.log(FIRST_STEP), TARGET_ACCEPT)
    out = np.empty((draws, start.size))
    energy, diverging, n_steps = np.empty(draws), np.zeros(draws, bool), np.zeros(draws, np.int64)
    kept = spent = before = 0
    if so_far is None:
        y, (value, gradient) = start, log_density(start)
    else:
        (y, value, gradient), kept, before = so_far.end, len(so_far.y), so_far.warmup_steps
        out[:kept], energy[:kept], n_steps[:kept] = so_far.y, so_far.energy, so_far.n_steps
        diverging[:kept], spent = so_far.diverging, before + int(so_far.n_steps.sum())
    for it in range(warmup + kept if so_far else 0, warmup + draws):
        tuning = it < warmup
        size = so_far.step_size if so_far else math.exp(step.now if tuning else step.mean)
        end = trajectory(log_density, y, value, gradient, rng.standard_normal(y.size), rng.uniform(*ANGLES), size)
        accept = math.exp(min(0.0, -end.error))
        if rng.uniform() < accept:
            y, value, gradient = end.y, end.value, end.gradient
        spent += end.n_steps
        if tuning:
            step.update(accept)
            before = spent
        else:
            out[kept], energy[kept], n_steps[kept] = y, end.energy, end.n_steps
            diverging[kept] = not end.error < LARGEST_ENERGY_ERROR
            kept += 1
        if not told(it + 1, int(diverging[:kept].sum()), spent):
            break
    size = so_far.step_size if so_far else math.exp(step.mean)
    return Chain(out[:kept], energy[:kept], diverging[:kept], n_steps[:kept], size, before, (y, value, gradient))


def trajectory(
    log_density: LogDensity,
    y: np.ndarray,
    value: float,
    gradient: np.ndarray,
    momentum: np.ndarray,
    angle: float,
    step: float,
) -> Trajectory:
    """Follow the split Hamiltonian flow from y for an angle, in steps of at most `step` (module equations)."""
    n = max(1, math.ceil(angle / step))
    h = angle / n
    cos, sin = math.cos(h), math.sin(h)
    p, at = momentum, value
    first = 0.5 * momentum @ momentum - value
    for done in range(1, n + 1):
        p = p + 0.5 * h * (gradient + y)
        y, p = cos * y + sin * p, cos * p - sin * y
        at, gradient = log_density(y)
        if not math.isfinite(at):
            return Trajectory(y, at, gradient, first, math.inf, done)
        p = p + 0.5 * h * (gradient + y)
    error = 0.5 * float(p @ p) - at - first
    return Trajectory(y, at, gradient, first, error if math.isfinite(error) else math.inf, n)


class _StepSize:
    """Dual averaging of the log step size towards an acceptance probability."""

    def __init__(self, log_step: float, target: float) -> None:
        self.now = self.mean = self._centre = log_step
        self._target, self._error, self._count = target, 0.0, 0

    def update(self, accept: float) -> None:
        self._count += 1
        self._error += (self._target - accept - self._error) / (self._count + DELAY)
        wanted = self._centre - math.sqrt(self._count) / SHRINKAGE * self._error
        self.now = min(max(wanted, math.log(SMALLEST_STEP)), math.log(ANGLES[1]))
        weight = self._count**-0.75
        self.mean = weight * self.now + (1.0 - weight) * self.mean
