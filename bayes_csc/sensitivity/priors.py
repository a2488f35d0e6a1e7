"""Log prior densities of a model's variables at draws, on the variables' own scales: no coordinates come into it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt

from bayes_csc.density import Density

Values = dict[str, np.ndarray]


def drawn_values(density: Density, points: np.ndarray) -> Values:
    """Values of the free variables at points (draw, dim), each (draw, ...)."""
    expanded = [density.expand(x) for x in points]
    return {name: np.stack([e[name] for e in expanded]) for name in density.names.free}


def log_priors(model: pm.Model, values: Mapping[str, np.ndarray]) -> Values:
    """Log prior density (draw,) of each variable.

    Parameters
    ----------
    model
        Whose variables have constant parameters a priori.
    values
        Of every free variable (draw, ...).
    """
    inputs, outputs = [], []
    for rv in model.free_RVs:
        value = pt.tensor(f"{rv.name}_drawn", dtype="float64", shape=(None,) * (rv.ndim + 1))
        density = pm.logp(rv, value)
        inputs.append(value)
        outputs.append(density.sum(axis=tuple(range(1, density.ndim))) if density.ndim > 1 else density)
    function = pytensor.function(inputs, outputs, mode="FAST_COMPILE")
    found = function(*(np.asarray(values[rv.name], dtype=float) for rv in model.free_RVs))
    return {str(rv.name): np.asarray(out) for rv, out in zip(model.free_RVs, found, strict=True)}


def coordinates_of(model: pm.Model, values: Mapping[str, np.ndarray], draw: int) -> np.ndarray:
    """Point, in a model's own unconstrained coordinates, at which its free variables have these values."""
    parts = []
    for rv in model.free_RVs:
        transform, value = model.rvs_to_transforms[rv], pt.as_tensor(values[rv.name][draw])
        parts.append(value if transform is None else transform.forward(value, *rv.owner.inputs))
    function = pytensor.function([], [part.ravel() for part in parts], mode="FAST_COMPILE")
    return np.concatenate(function())
