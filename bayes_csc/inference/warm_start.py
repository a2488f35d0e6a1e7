"""Where one posterior lies, by the names of its coordinates: a start for the fits of models much like its own."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import prod

import numpy as np
import pymc as pm

from bayes_csc.inference.posterior_mode import Start
from bayes_csc.inference.whitening import Coordinates
from bayes_csc.likelihood.density import Density

Label = tuple[str, ...]


@dataclass(frozen=True)
class Nearby:
    """A posterior's mode and spread, in unconstrained coordinates.

    Attributes
    ----------
    label
        Of each coordinate (`labels`).
    centre
        The mode, (coordinate,).
    covariance
        By the curvature there, (coordinate, coordinate).
    """

    label: tuple[Label, ...]
    centre: np.ndarray
    covariance: np.ndarray

    @classmethod
    def of(cls, model: pm.Model, start: Start) -> Nearby:
        """Take them from where a model's chains start, all of whose coordinates are whitened."""
        here = start.coordinates
        return cls(labels(model, start.density), here.centre, here.factor @ here.factor.T)

    def seen(self, model: pm.Model, density: Density) -> Coordinates:
        """Coordinates of another model about this mode: its first point, and unit scale, where this one lacks them."""
        known = {label: i for i, label in enumerate(self.label)}
        source = np.array([known.get(label, -1) for label in labels(model, density)], dtype=int)
        to = np.flatnonzero(source >= 0)
        source = source[to]
        centre = density.first.copy()
        centre[to] = self.centre[source]
        return Coordinates(
            centre, np.ones(centre.size), to, np.linalg.cholesky(self.covariance[np.ix_(source, source)])
        )


def labels(model: pm.Model, density: Density) -> tuple[Label, ...]:
    """Label each coordinate by its variable, the scale it is sampled on, and its place along the variable's dims.

    Where a transform changes the number of values (a simplex), the place is a number among so many.
    """
    out: list[Label] = []
    names = density.names
    for variable in model.free_RVs:
        name, scale = str(variable.name), str(model.rvs_to_values[variable].name)
        at = names.free[name]
        coords = [[str(label) for label in names.coords[dim]] for dim in names.dims[name]]
        size = at.stop - at.start
        place: list[Label] = [*product(*coords)]
        if prod(len(c) for c in coords) != size:
            place = [(f"{i} of {size}",) for i in range(size)]
        out += [(scale, *p) for p in place]
    return tuple(out)
