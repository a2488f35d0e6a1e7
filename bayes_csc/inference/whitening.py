"""Coordinates in which the posterior is about standard normal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


def whitening(hessian: np.ndarray, *, widest: float = 3.0) -> np.ndarray:
    """Factor W with W'HW = I, so that x = mode + W y has about unit posterior covariance in y.

    A direction flatter than `widest` (a standard deviation in unconstrained coordinates, where a unit is a factor e
    or more) is taken to be that wide: the curvature at the mode says little about it. Away from a mode a direction may
    curve upwards; its scale is that of a mode as sharp (as in saddle-free Newton steps, Dauphin et al. 2014).
    """
    values, vectors = np.linalg.eigh(hessian)
    return np.asarray(vectors / np.sqrt(np.maximum(np.abs(values), widest**-2)))


@dataclass(frozen=True)
class Coordinates:
    """x = centre + factor y at the indices `whitened`, x = centre + scale y at the others.

    Attributes
    ----------
    centre, scale
        Of every coordinate of x, (dim,).
    whitened
        Indices of the coordinates that `factor` mixes.
    factor
        (whitened, whitened).
    """

    centre: np.ndarray
    scale: np.ndarray
    whitened: np.ndarray
    factor: np.ndarray

    def point(self, y: np.ndarray) -> np.ndarray:
        """Return x; of many points if y has more axes before the last."""
        x = self.centre + self.scale * y
        x[..., self.whitened] = self.centre[self.whitened] + y[..., self.whitened] @ self.factor.T
        return np.asarray(x)

    def place(self, x: np.ndarray) -> np.ndarray:
        """Return y, of one point."""
        y = (x - self.centre) / self.scale
        y[self.whitened] = np.linalg.solve(self.factor, (x - self.centre)[self.whitened])
        return np.asarray(y)

    def gradient(self, by_x: np.ndarray) -> np.ndarray:
        """Gradient by y from that by x."""
        by_y = self.scale * by_x
        by_y[self.whitened] = by_x[self.whitened] @ self.factor
        return np.asarray(by_y)
