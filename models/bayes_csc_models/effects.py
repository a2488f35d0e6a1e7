"""Priors of effects that the parts of the model have in common."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable
from scipy.linalg import helmert

from bayes_csc_models.scales import CubeRootOfPrecision, NormalScore

CENTRED = 0.5
"""Power of the common sd in the prior sd of the effects' coordinates: 0 non-centred, 1 centred."""
UNITS = 20
"""Authorities in a region from which on `centring` is more than `CENTRED`."""


def centring(units: float) -> float:
    """How centred effects are best sampled that the mean of so many authorities shows: towards 1 as they are many.

    By the share of the prior in what is known of an effect, v / (v + s / n), v its variance and s / n that of the mean
    of n authorities (Papaspiliopoulos, Roberts and Skold 2007), with s / v = `UNITS`. Effects that are known sharply
    make all but centred coordinates a narrow, bent ridge: seen, chains of 10,000 authorities stayed apart on it.
    """
    return max(CENTRED, units / (units + UNITS))


def exchangeable(name: str, scale: float, df: float, region: tuple[str, ...], units: int) -> TensorVariable:
    """Zero-sum effects of the regions of so many authorities with a common, unknown variance (`common_scale`)."""
    n = len(region)
    basis = helmert(n)  # (n - 1, n), orthonormal rows that sum to zero
    contrast = common_scale(name, scale, df, "contrast", np.full(n - 1, centring(units / n)))
    return pm.Deterministic(name, combination(basis.T, contrast), dims="region")


def common_scale(name: str, scale: float, df: float, dim: str, centred: float | np.ndarray = CENTRED) -> TensorVariable:
    """Normal effects with a common variance ~ inverse-gamma(df / 2, df scale ** 2 / 2): a multivariate t.

    Sampled half centred: the variance sd ** 2, and effects / sd ** (1 - c), c = `centred`. A t's density, sharp in the
    middle and wide in the tails, has no coordinates in which one step size serves; and effects / sd are known ever more
    sharply the larger sd is (Papaspiliopoulos, Roberts and Skold 2007): seen, a trajectory in ten thousand diverged
    there. The scale has no say in the coordinates: a draw means the same effects under another one.
    """
    on = CubeRootOfPrecision()
    variance = pm.InverseGamma(f"{name}_variance", 0.5 * df, 0.5 * df * scale**2, default_transform=on)
    spread = variance ** (0.5 * centred)
    return pt.sqrt(variance) / spread * pm.Normal(f"{name}_scaled", sigma=spread, dims=dim)


def half_normal(name: str, *, sigma: float, dims: str | None = None) -> TensorVariable:
    """Half-normal variables on the scale of their normal scores."""
    return pm.HalfNormal(name, sigma=sigma, dims=dims, default_transform=NormalScore())


def combination(basis: np.ndarray, weight: TensorVariable) -> TensorVariable:
    """Sum of a matrix's columns, each times its weight; a BLAS product would take ten seconds to compile."""
    return (basis * weight).sum(axis=1)
