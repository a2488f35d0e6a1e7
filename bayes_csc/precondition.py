"""A compiled density in whitened coordinates, so that the sampler sees a posterior of about unit covariance."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numba import carray, cfunc, njit, types
from nutpie.compile_pymc import CompiledPyMCModel, address_as_void_pointer

REALS = types.CPointer(types.double)
LOG_DENSITY = types.int64(types.uint64, REALS, REALS, REALS, types.voidptr)
EXPAND = types.int64(types.uint64, types.uint64, REALS, REALS, types.voidptr)


def whitening(hessian: np.ndarray, *, widest: float = 3.0) -> np.ndarray:
    """Factor W with W'HW = I, so that x = mode + W y has about unit posterior covariance in y.

    A direction flatter than `widest` (a standard deviation in unconstrained coordinates, where a unit is a factor e
    or more) is taken to be that wide: the curvature at the mode says little about it.
    """
    values, vectors = np.linalg.eigh(hessian)
    return np.asarray(vectors / np.sqrt(np.maximum(values, widest**-2)))


def preconditioned(
    density: CompiledPyMCModel, centre: np.ndarray, factor: np.ndarray, whitened: np.ndarray
) -> CompiledPyMCModel:
    """Return the density in coordinates y; the named variables stay what they are.

    x[w] = centre[w] + factor y[w] at the indices w = `whitened`, x = centre + y elsewhere. The result draws its
    starting points from N(0, 1/4) in y.
    """
    n, k = centre.size, whitened.size
    reals = tuple(np.ascontiguousarray(a, dtype=float) for a in (centre, factor, factor.T))
    chosen = np.ascontiguousarray(whitened, dtype=np.int64)
    at_centre, at_factor, at_transposed = (a.ctypes.data for a in reals)
    at_chosen = chosen.ctypes.data
    log_density_x, expand_x = density.compiled_logp_func.ctypes, density.compiled_expand_func.ctypes

    @njit
    def point(y: Any) -> Any:
        w = carray(address_as_void_pointer(at_chosen), (k,), np.int64)
        c = carray(address_as_void_pointer(at_centre), (n,), np.float64)
        x = c + y
        x[w] = c[w] + np.dot(carray(address_as_void_pointer(at_factor), (k, k), np.float64), y[w])
        return x

    @cfunc(LOG_DENSITY)
    def log_density(dim: Any, y_: Any, gradient_: Any, value_: Any, data: Any) -> Any:
        w = carray(address_as_void_pointer(at_chosen), (k,), np.int64)
        x, out = point(carray(y_, (n,))), np.empty(n)
        status = log_density_x(dim, x.ctypes, out.ctypes, value_, data)
        out[w] = np.dot(carray(address_as_void_pointer(at_transposed), (k, k), np.float64), out[w])
        carray(gradient_, (n,))[:] = out
        return status

    @cfunc(EXPAND)
    def expand(dim: Any, expanded: Any, y_: Any, out_: Any, data: Any) -> Any:
        return expand_x(dim, expanded, point(carray(y_, (n,))).ctypes, out_, data)

    def start(seed: int) -> np.ndarray:
        return np.random.default_rng(seed).normal(scale=0.5, size=n)

    for function in (log_density, expand):
        function.needs = (reals, chosen, density)  # the addresses above stay valid as long as the functions live
    return dataclasses.replace(
        density, compiled_logp_func=log_density, compiled_expand_func=expand, initial_point_func=start
    )
