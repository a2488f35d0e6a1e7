"""Symmetric matrices of any size by rows, eight numbers at a time: a (row, vector, lane) array, padded with zeros.

`flat` arguments are the same memory as (row, column).
"""

from __future__ import annotations

import math

from bayes_csc.likelihood.kernel.compiled import part
from bayes_csc.likelihood.kernel.simd.memory import get, put
from bayes_csc.likelihood.kernel.simd.vector import WIDTH, fma, splat


@part
def vectors(n):
    """Vectors that hold n numbers."""
    return -(-n // WIDTH)


@part
def clear_rows(a, rows, begin, end):
    """Put zeros into vectors begin to end of the first rows."""
    for i in range(rows):
        for v in range(begin, end):
            put(a, (i, v), splat(0.0))


@part
def add_rows(c, which, count, b, begin, end, out, i):
    """Add to row i of `out` the rows which[0 .. count - 1] of b, times c[0 .. count - 1]; four vectors at a time."""
    v = begin
    while v + 4 <= end:
        s, t, x, y = get(out, (i, v)), get(out, (i, v + 1)), get(out, (i, v + 2)), get(out, (i, v + 3))
        for k in range(count):
            r, f = which[k], c[k]
            s, t = fma(get(b, (r, v)), f, s), fma(get(b, (r, v + 1)), f, t)
            x, y = fma(get(b, (r, v + 2)), f, x), fma(get(b, (r, v + 3)), f, y)
        put(out, (i, v), s)
        put(out, (i, v + 1), t)
        put(out, (i, v + 2), x)
        put(out, (i, v + 3), y)
        v += 4
    while v < end:
        s, t = get(out, (i, v)), splat(0.0)
        for k in range(0, count - 1, 2):
            s, t = fma(get(b, (which[k], v)), c[k], s), fma(get(b, (which[k + 1], v)), c[k + 1], t)
        if count % 2 == 1:
            s = fma(get(b, (which[count - 1], v)), c[count - 1], s)
        put(out, (i, v), s + t)
        v += 1


@part
def not_zero(flat, i, first, last, c, which):
    """List the elements of a row that are not zero; return how many there are."""
    n = 0
    for j in range(first, last):
        if flat[i, j] != 0.0:
            c[n], which[n] = flat[i, j], j
            n += 1
    return n


@part
def column(flat, j, first, last, c, which, sign):
    """List the elements of a column that are not zero; return how many there are."""
    n = 0
    for i in range(first, last):
        if flat[i, j] != 0.0:
            c[n], which[n] = sign * flat[i, j], i
            n += 1
    return n


@part
def invert(a, flat, n, work, work_flat, c, which):
    """Replace n x n symmetric a, given from the diagonal on, by its inverse; return log|a|, NaN if there is none.

    A = U'U by rows, then the rows of U^-1 from the last up, then those of U^-1 U^-T: each a sum of rows.
    """
    end, logdet = vectors(n), 0.0
    for j in range(n):
        count = column(flat, j, 0, j, c, which, -1.0)
        add_rows(c, which, count, a, j // WIDTH, end, a, j)
        d = flat[j, j]
        if not d > 0.0:
            return math.nan
        logdet += math.log(d)
        root = 1.0 / math.sqrt(d)
        for p in range(j // WIDTH * WIDTH, j):
            flat[j, p] = 0.0
        for v in range(j // WIDTH, end):
            put(a, (j, v), get(a, (j, v)) * root)
    clear_rows(work, n, 0, end)
    for i in range(n - 1, -1, -1):
        scale = 1.0 / flat[i, i]
        count = not_zero(flat, i, i + 1, n, c, which)
        add_rows(c, which, count, work, i // WIDTH, end, work, i)
        for v in range(i // WIDTH, end):
            put(work, (i, v), get(work, (i, v)) * (-scale))
        work_flat[i, i] = scale
    clear_rows(a, n, 0, end)
    for p in range(n):  # the transpose of U^-1, below the diagonal of work
        for i in range(p):
            work_flat[p, i] = work_flat[i, p]
            work_flat[i, p] = 0.0
    for i in range(n):
        count = column(work_flat, i, i, n, c, which, 1.0)
        add_rows(c, which, count, work, 0, i // WIDTH + 1, a, i)
    for i in range(n):
        for j in range(i):
            flat[j, i] = flat[i, j]
    return logdet
