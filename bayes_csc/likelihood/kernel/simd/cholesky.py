"""Triangular factors of symmetric matrices, one matrix per lane."""

from __future__ import annotations

from bayes_csc.likelihood.kernel.compiled import part
from bayes_csc.likelihood.kernel.simd.memory import get, put
from bayes_csc.likelihood.kernel.simd.special import log
from bayes_csc.likelihood.kernel.simd.vector import fma, splat, sqrt

PRODUCT = 8
"""Pivots multiplied before their logarithm is taken: few enough not to leave the range of a double."""


@part
def factorise(a, n):
    """Replace the upper triangle of n x n symmetric `a` by U, a = U'U; return log|a|, NaN if not positive definite."""
    logdet, product = splat(0.0), splat(1.0)
    for j in range(n):
        d = get(a, (j, j))
        for k in range(j):
            u = get(a, (k, j))
            d -= u * u
        product *= d
        if (j + 1) % PRODUCT == 0 or j == n - 1:
            logdet += log(product)
            product = splat(1.0)
        inverse = 1.0 / sqrt(d)
        put(a, (j, j), d * inverse)
        for i in range(j + 1, n):
            s = get(a, (j, i))
            for k in range(j):
                s -= get(a, (k, j)) * get(a, (k, i))
            put(a, (j, i), s * inverse)
    return logdet


@part
def invert_root(u, n):
    """Replace upper triangular U by its inverse, column by column."""
    for j in range(n):
        d = 1.0 / get(u, (j, j))
        for i in range(j):
            s = splat(0.0)
            for k in range(i, j):
                s = fma(get(u, (i, k)), get(u, (k, j)), s)
            put(u, (i, j), splat(0.0) - s * d)
        put(u, (j, j), d)
