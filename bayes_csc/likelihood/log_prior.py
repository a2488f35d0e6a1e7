"""Log prior densities of a model's variables at draws, on the variables' own scales: no coordinates come into it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
from pymc.logprob.basic import conditional_logp
from pytensor.graph.replace import vectorize_graph

from bayes_csc.likelihood.density import Density

Values = dict[str, np.ndarray]


def drawn_values(density: Density, points: np.ndarray) -> Values:
    """Values of the free variables at points (draw, dim), each (draw, ...)."""
    expanded = [density.expand(x) for x in points]
    return {name: np.stack([e[name] for e in expanded]) for name in density.names.free}


def log_priors(model: pm.Model, values: Mapping[str, np.ndarray]) -> Values:
    """Log prior density (draw,) of each variable, given those it depends on.

    Parameters
    ----------
    model
        Of the priors.
    values
        Of every free variable (draw, ...).
    """
    single = {rv: rv.type(name=f"{rv.name}_value") for rv in model.free_RVs}
    found = conditional_logp(single)
    densities = [found[value].sum() for value in single.values()]
    drawn = {value: pt.tensor(f"{rv.name}_drawn", dtype="float64", shape=(None, *rv.type.shape))
             for rv, value in single.items()}  # fmt: skip
    outputs = vectorize_graph(densities, replace=drawn)
    function = pytensor.function(list(drawn.values()), outputs, mode="FAST_COMPILE")
    out = function(*(np.asarray(values[rv.name], dtype=float) for rv in single))
    return {str(rv.name): np.asarray(density) for rv, density in zip(single, out, strict=True)}


def coordinates_of(model: pm.Model, values: Mapping[str, np.ndarray], draw: int) -> np.ndarray:
    """Point, in a model's own unconstrained coordinates, at which its free variables have these values."""
    parts = []
    for rv in model.free_RVs:
        transform, value = model.rvs_to_transforms[rv], pt.as_tensor(values[rv.name][draw])
        parts.append(value if transform is None else transform.forward(value, *rv.owner.inputs))
    function = pytensor.function([], [part.ravel() for part in parts], mode="FAST_COMPILE")
    return np.concatenate(function())
