"""Authorities by themselves, eight at a time (one per lane): their indicators' series.

Given the hyperparameters each indicator's series of one authority is

    z = o + lambda W theta + c D + a u + e,   u ~ unit AR(1),  D ~ the domain's unit AR(1),  e ~ N(0, w ** 2 + V)

with theta = m + L v, v ~ N(0, I). The inverse covariance of a unit AR(1) is tridiagonal, so that u integrates out of
a series of n years in O(n ** 2): with N = diag(1 / (w ** 2 + V)), zero where nothing was observed, and R the AR(1)'s
correlation matrix,

    P = (R^-1 + a ** 2 N)^-1,   S = N - a ** 2 N P N = (a ** 2 R + N^-1)^-1

With the pivots d and the subdiagonal l of the factorisation of P^-1, P[i, j] = -l[i + 1] P[i + 1, j] for i < j, so
that a row of P times anything is the next row's times a number, and one term more.

Then D integrates out of its domain's series (`domains`), and v out of all (`posterior`).
"""

from __future__ import annotations

import math

from bayes_csc.likelihood.kernel.compiled import part
from bayes_csc.likelihood.kernel.simd.cholesky import PRODUCT
from bayes_csc.likelihood.kernel.simd.memory import gather, get, present, put
from bayes_csc.likelihood.kernel.simd.special import log
from bayes_csc.likelihood.kernel.simd.vector import fma, splat

LOG_2PI = math.log(2.0 * math.pi)


@part
def observe(group, layout, real, memory):
    """Fill N and the residuals of all slots; return the log densities' part -1/2 (log |N^-1| + n log 2 pi)."""
    density, count, product = splat(0.0), splat(0.0), splat(1.0)
    slot_state, slot_weight, cell = layout.slot_state, layout.slot_weight, layout.single_cell[group]
    for series in range(layout.series_kind.size):
        k = layout.series_kind[series]
        loading, white = real.loading[k], real.white_sd[k] * real.white_sd[k]
        for at in range(layout.series_slot[series], layout.series_slot[series + 1]):
            p, w1 = slot_state[at], slot_weight[at, 1]
            fitted = slot_weight[at, 0] * get(memory.mean, p)
            if w1 != 0.0:
                fitted = fma(get(memory.mean, p + 1), w1, fitted)
            there = present(cell, at)
            noise = gather(real.variance, cell, at, splat(1.0 - white)) + white
            r = gather(real.z, cell, at, splat(0.0)) - gather(real.offset, cell, at, splat(0.0))
            put(memory.residual, at, r - there * fitted * loading)
            put(memory.precision, at, there / noise)
            count += there
            product *= noise
            if (at + 1) % PRODUCT == 0:
                density -= 0.5 * log(product)
                product = splat(1.0)
    return density - 0.5 * log(product) - 0.5 * LOG_2PI * count


@part
def eliminate(layout, real, memory):
    """Integrate u out of all series, as far as it takes O(n): factors of P^-1, its diagonal, S r; return log densities.

    A series' recurrences wait for their own divisions; the processor takes up the next series meanwhile.
    """
    precision, residual, inverse, link, corner = (
        memory.precision, memory.residual, memory.inverse, memory.link, memory.corner,
    )  # fmt: skip
    scaled, density, constant = memory.scaled, splat(0.0), 0.0
    for series in range(layout.series_kind.size):
        first, last = layout.series_slot[series], layout.series_slot[series + 1] - 1
        k = layout.series_kind[series]
        phi, a2 = real.ar_phi[k], real.ar_sd[k] * real.ar_sd[k]
        edge = 1.0 / (1.0 - phi * phi) if last > first else 1.0
        off = -phi * edge
        constant += (last - first) * math.log(1.0 - phi * phi)
        ell, y, product = splat(0.0), splat(0.0), splat(1.0)
        for at in range(first, last + 1):
            info = get(precision, at)
            d = fma(info, a2, splat(edge if at in (first, last) else edge * (1.0 + phi * phi)))
            if at > first:
                ell = get(inverse, at - 1) * off
                d -= ell * off
            put(link, at, ell)
            put(inverse, at, 1.0 / d)
            y = info * get(residual, at) - ell * y
            put(scaled, at, y)
            product *= d
            if (at - first + 1) % PRODUCT == 0 or at == last:
                density -= 0.5 * log(product)
                product = splat(1.0)
        x, c, ell = splat(0.0), splat(0.0), splat(0.0)
        for at in range(last, first - 1, -1):
            x = get(inverse, at) * get(scaled, at) - ell * x
            c = get(inverse, at) + ell * ell * c
            put(corner, at, c)
            r, info = get(residual, at), get(precision, at)
            s = info * (r - a2 * x)
            put(scaled, at, s)
            density -= 0.5 * s * r
            ell = get(link, at)
    return density - 0.5 * constant


@part
def covariances(layout, memory):
    """Fill P N of all series, from the diagonal on."""
    precision, link, corner = memory.precision, memory.link, memory.corner
    for series in range(layout.series_kind.size):
        first = layout.series_slot[series]
        n = layout.series_slot[series + 1] - first
        cov = memory.cov[series]
        for i in range(n - 1, -1, -1):
            put(cov, (i, i), get(corner, first + i) * get(precision, first + i))
            if i + 1 < n:
                step = splat(0.0) - get(link, first + i + 1)
                for j in range(i + 1, n):
                    put(cov, (i, j), step * get(cov, (i + 1, j)))


@part
def add_to_states(series, layout, real, memory):
    """Add one series to h and to H (this fills B, H = B + B'), and S W from the diagonal on to its domain's."""
    first = layout.series_slot[series]
    n = layout.series_slot[series + 1] - first
    k, domain = layout.series_kind[series], layout.series_domain[series]
    loading, c = real.loading[k], real.domain_sd[k] if domain >= 0 else 0.0
    a2 = real.ar_sd[k] * real.ar_sd[k]
    big_h, h, line, scaled = memory.big_h, memory.h, memory.line[0], memory.scaled
    cov = memory.cov[series]
    end = 0
    for at in range(first, first + n):
        end = max(end, layout.slot_state[at] + (2 if layout.slot_weight[at, 1] != 0.0 else 1))
    begin = end
    for q in range(end):
        put(line, q, splat(0.0))
    for i in range(n - 1, -1, -1):  # line: sum over j > i of (P N)[i, j] W[j, :]
        at = first + i
        p, w0, w1 = layout.slot_state[at], layout.slot_weight[at, 0], layout.slot_weight[at, 1]
        step = splat(0.0) - get(memory.link, at + 1) if i + 1 < n else splat(0.0)
        info, own = get(memory.precision, at), get(cov, (i, i))
        fold = info * (-a2 * loading * loading)
        to, y = fold * w0, layout.slot_year[at]
        if c != 0.0:
            joint, cross = memory.domain_state[domain], info * (-a2 * c * loading)
            for q in range(begin, end):
                s = step * get(line, q)
                put(line, q, s)
                put(big_h, (p, q), fma(to, s, get(big_h, (p, q))))
                put(joint, (y, q), fma(cross, s, get(joint, (y, q))))
        else:
            for q in range(begin, end):
                s = step * get(line, q)
                put(line, q, s)
                put(big_h, (p, q), fma(to, s, get(big_h, (p, q))))
        put(h, p, fma(get(scaled, at), loading * w0, get(h, p)))
        s = (info - a2 * info * own) * loading
        put(big_h, (p, p), fma(s, 0.5 * loading * w0 * w0, get(big_h, (p, p))))
        if c != 0.0:
            put(memory.domain_state[domain], (y, p), fma(s, c * w0, get(memory.domain_state[domain], (y, p))))
        if w1 != 0.0:
            to = fold * w1
            for q in range(begin, end):
                put(big_h, (p + 1, q), fma(to, get(line, q), get(big_h, (p + 1, q))))
            put(h, p + 1, fma(get(scaled, at), loading * w1, get(h, p + 1)))
            put(big_h, (p, p + 1), fma(s, loading * w0 * w1, get(big_h, (p, p + 1))))
            put(big_h, (p + 1, p + 1), fma(s, 0.5 * loading * w1 * w1, get(big_h, (p + 1, p + 1))))
            if c != 0.0:
                joint = memory.domain_state[domain]
                put(joint, (y, p + 1), fma(s, c * w1, get(joint, (y, p + 1))))
            put(line, p + 1, fma(own, w1, get(line, p + 1)))
        put(line, p, fma(own, w0, get(line, p)))
        begin = min(begin, p)


@part
def add_to_domain(series, layout, real, memory):
    """Add one series to its domain: c S r, c ** 2 S, and c lambda S W below the diagonal."""
    first = layout.series_slot[series]
    n = layout.series_slot[series + 1] - first
    k, domain = layout.series_kind[series], layout.series_domain[series]
    loading, c, a2 = real.loading[k], real.domain_sd[k], real.ar_sd[k] * real.ar_sd[k]
    cov, total, joint = memory.cov[series], memory.domain_cov[domain], memory.domain_state[domain]
    pull, line = memory.domain_pull[domain], memory.line[0]
    begin, end = memory.line.shape[1], 0
    for i in range(n):
        at = first + i
        y, info = layout.slot_year[at], get(memory.precision, at)
        put(pull, y, fma(get(memory.scaled, at), c, get(pull, y)))
        fold = info * (-a2 * c * c)
        for j in range(i, n):
            to = (y, y + j - i)
            put(total, to, fma(fold, get(cov, (i, j)), get(total, to)))
        put(total, (y, y), fma(info, c * c, get(total, (y, y))))
        if end > begin:  # line: sum over j < i of P[i, j] N[j] W[j, :] / P[i, i]
            step = splat(0.0) - get(memory.link, at)
            fold = get(cov, (i, i)) * (-a2 * c * loading)
            for q in range(begin, end):
                s = step * get(line, q)
                put(line, q, s)
                put(joint, (y, q), fma(fold, s, get(joint, (y, q))))
        p, w0, w1 = layout.slot_state[at], layout.slot_weight[at, 0], layout.slot_weight[at, 1]
        last = p + (2 if w1 != 0.0 else 1)
        for q in range(end if end > 0 else p, last):
            put(line, q, splat(0.0))
        begin, end = min(begin, p), max(end, last)
        put(line, p, fma(info, w0, get(line, p)))
        if w1 != 0.0:
            put(line, p + 1, fma(info, w1, get(line, p + 1)))
