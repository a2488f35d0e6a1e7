"""The kernel as one machine-code function, found by name: code that calls it need not compile it again.

Numba compiles callees into their callers. What a model's density is compiled into would otherwise hold the whole
kernel, and the caller is compiled anew in every process.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from llvmlite import binding, ir
from numba import carray, cfunc, types
from numba.extending import intrinsic

from bayes_csc.kernel import Layout, Real, value_and_gradient
from bayes_csc.kernel.compiled import VERSION, compiled

SYMBOL = f"bayescsc_collapsed_{VERSION}"
INTEGERS, REALS = types.CPointer(types.int64), types.CPointer(types.float64)
SIGNATURE = types.float64(INTEGERS, INTEGERS, REALS)
AXES = 3
"""Columns of the table of shapes."""
collapsed = types.ExternalFunction(SYMBOL, SIGNATURE)


@cache
def load() -> None:
    """Compile the function, or take it from the cache, and make its name known; before anything that calls it."""
    binding.add_symbol(SYMBOL, _function(VERSION).address)


def _function(version: int) -> Any:
    """Return the C function of the addresses and shapes of the arrays of `Layout`, then `Real`, in their order.

    Gives the log density; fills its gradient by the arrays of `Real`, one after another.
    """

    @cfunc(SIGNATURE, cache=True)  # the cache's key has the version, a variable of the closure, in it
    def evaluate(addresses_, shapes_, gradient_):
        if version < 0:
            return np.nan
        at = carray(addresses_, (40,))
        shape = carray(shapes_, (40, AXES))
        layout = Layout(
            kind=integers(at, shape, 0), graded=integers(at, shape, 1), row=integers(at, shape, 2),
            state=integers(at, shape, 3), weight=reals(at, shape, 4), time=integers(at, shape, 5),
            group_obs=integers(at, shape, 6), group_domain=integers(at, shape, 7), block=integers(at, shape, 8),
            block_group=pairs(at, shape, 9), block_state=integers(at, shape, 10),
            block_template=integers(at, shape, 11), template_start=integers(at, shape, 12),
            template_column=integers(at, shape, 13), template=reals(at, shape, 14),
            column_kind=integers(at, shape, 15), column_start=integers(at, shape, 16),
            single_block=pairs(at, shape, 17), single_cell=cube(at, shape, 18), single_grade=cube(at, shape, 19),
            series_slot=integers(at, shape, 20), series_kind=integers(at, shape, 21),
            series_domain=integers(at, shape, 22), slot_state=integers(at, shape, 23),
            slot_weight=real_pairs(at, shape, 24), slot_year=integers(at, shape, 25),
            domain_years=integers(at, shape, 26),
        )  # fmt: skip
        real = Real(
            reals(at, shape, 27), reals(at, shape, 28), reals(at, shape, 29), reals(at, shape, 30),
            reals(at, shape, 31), reals(at, shape, 32), reals(at, shape, 33), reals(at, shape, 34),
            reals(at, shape, 35), reals(at, shape, 36), reals(at, shape, 37), reals(at, shape, 38),
            reals(at, shape, 39),
        )  # fmt: skip
        value, g = value_and_gradient(layout, real)
        size = 0
        for i in range(27, 40):
            size += shape[i, 0]
        out = carray(gradient_, (size,))
        out[:] = np.concatenate((
            g.z, g.variance, g.offset, g.loading, g.mean, g.scale, g.ar_sd, g.ar_phi, g.white_sd, g.domain_sd,
            g.domain_phi, g.low, g.high,
        ))  # fmt: skip
        return value

    return evaluate


@intrinsic
def _pointer(typing: Any, address: Any) -> Any:
    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], ir.IntType(8).as_pointer())

    return types.voidptr(types.int64), codegen


@compiled
def integers(at, shape, i):
    """Array i as a vector of integers."""
    return carray(_pointer(at[i]), (shape[i, 0],), np.int64)


@compiled
def pairs(at, shape, i):
    """Array i as a matrix of integers."""
    return carray(_pointer(at[i]), (shape[i, 0], shape[i, 1]), np.int64)


@compiled
def cube(at, shape, i):
    """Array i as a three-dimensional array of integers."""
    return carray(_pointer(at[i]), (shape[i, 0], shape[i, 1], shape[i, 2]), np.int64)


@compiled
def reals(at, shape, i):
    """Array i as a vector of reals."""
    return carray(_pointer(at[i]), (shape[i, 0],), np.float64)


@compiled
def real_pairs(at, shape, i):
    """Array i as a matrix of reals."""
    return carray(_pointer(at[i]), (shape[i, 0], shape[i, 1]), np.float64)
