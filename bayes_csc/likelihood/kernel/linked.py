"""Blocks taken one by one: linked authorities, joint returns, and authorities whose data have a shape of their own.

Dense linear algebra on the equations of `bayes_csc.likelihood.kernel`, group by group: any layout is allowed here.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from bayes_csc.likelihood.kernel.compiled import part, stage
from bayes_csc.likelihood.kernel.grades import ENDLESS, Sites, add_sites, sites, sites_size
from bayes_csc.likelihood.kernel.posterior import scale_template
from bayes_csc.likelihood.kernel.simd.dense import add_rows, clear_rows, column, invert, not_zero, vectors
from bayes_csc.likelihood.kernel.simd.memory import first_aligned, get, put, view
from bayes_csc.likelihood.kernel.simd.vector import WIDTH, fma, splat

LOG_2PI = math.log(2.0 * math.pi)


class Matrix(NamedTuple):
    """A matrix by vectors of its rows, and the same numbers one by one."""

    rows: np.ndarray  # (row, vector, lane)
    flat: np.ndarray  # (row, column)


class Memory(NamedTuple):
    """Working memory for one block."""

    precision: np.ndarray  # (group, observation, vector, lane) S
    sat: np.ndarray  # (group, state, vector, lane) A'S
    residual: np.ndarray  # (observation) z - o - A m
    scaled: np.ndarray  # (observation) S r
    h: np.ndarray  # (state) A'S r
    v: np.ndarray  # (column) E[v | z]
    x: np.ndarray  # (state) E[theta | z] - m
    c: np.ndarray  # (n) scratch
    line: np.ndarray  # (n) scratch
    which: np.ndarray  # (n) scratch, of integers
    ar_power: np.ndarray  # (kind, lag)
    domain_power: np.ndarray  # (domain, lag)
    by_lag: np.ndarray  # (kind, kind, lag)
    factor: Matrix  # (state, column) L
    big_h: Matrix  # (state, state) H
    hl: Matrix  # (state, column) H L, then L M^-1
    minv: Matrix  # (column, column) M^-1
    theta: Matrix  # (state, state) Cov[theta | z]
    beta: Matrix  # (inspection, column) Cov(v, t)
    work: Matrix  # (n, n)
    other: Matrix  # (n, n)
    sites: Sites


@part
def sizes(layout):
    """Most groups, observations, states or columns, inspections of a block; observations of a group, items; lags."""
    groups, obs, size, width, grades, items = 1, 1, 1, 1, 1, 1
    for i in range(layout.block.size):
        b, here = layout.block[i], 0
        first, last = layout.block_group[i, 0], layout.block_group[i, 1]
        groups, obs = max(groups, last - first), max(obs, layout.group_obs[last] - layout.group_obs[first])
        width = max(width, layout.block_state[b + 1] - layout.block_state[b])
        width = max(width, layout.template_column[layout.block_template[b]])
        for g in range(first, last):
            n = layout.group_obs[g + 1] - layout.group_obs[g]
            size = max(size, n)
            if layout.graded[layout.group_obs[g]] >= 0:
                here, items = here + 1, max(items, n)
        grades = max(grades, here)
    earliest, latest = 0, 0
    for i in range(layout.time.size):
        earliest = layout.time[i] if i == 0 else min(earliest, layout.time[i])
        latest = layout.time[i] if i == 0 else max(latest, layout.time[i])
    return groups, obs, size, width, grades, items, latest - earliest + 2


@stage
def memory_size(layout, real):
    """Numbers in the working memory of the largest of the blocks."""
    groups, obs, size, width, grades, items, lags = sizes(layout)
    padded, wide, n = vectors(size) * WIDTH, vectors(width) * WIDTH, vectors(max(size, width, grades)) * WIDTH
    kinds = real.loading.size
    out = groups * (size + width) * padded + 5 * width * wide + grades * wide + 2 * n * n + sites_size(grades, items)
    return out + 2 * obs + 3 * wide + 2 * n + (kinds + real.domain_phi.size + kinds * kinds) * lags + 2 * WIDTH


@part
def matrix(buffer, at, n, m):
    """Lay an n x m matrix out."""
    return Matrix(view(buffer, at, (n, vectors(m), WIDTH)), view(buffer, at, (n, vectors(m) * WIDTH)))


@part
def powers(base, out):
    """Fill out[k, lag] = base[k] ** lag."""
    for k in range(base.size):
        out[k, 0] = 1.0
        for lag in range(1, out.shape[1]):
            out[k, lag] = out[k, lag - 1] * base[k]


@stage
def lay_out(layout, real, buffer, which):
    """Lay the working memory out in a buffer of `memory_size` numbers."""
    groups, obs, size, width, grades, items, lags = sizes(layout)
    padded, wide, n = vectors(size), vectors(width) * WIDTH, vectors(max(size, width, grades)) * WIDTH
    kinds, at = real.loading.size, first_aligned(buffer)
    sat = at + groups * size * padded * WIDTH
    square = sat + groups * width * padded * WIDTH
    beta = square + 5 * width * wide
    work = beta + grades * wide
    site = work + 2 * n * n
    row = site + sites_size(grades, items)
    line = row + 2 * obs + 3 * wide
    power = line + 2 * n
    memory = Memory(
        view(buffer, at, (groups, size, padded, WIDTH)), view(buffer, sat, (groups, width, padded, WIDTH)),
        view(buffer, row, (obs,)), view(buffer, row + obs, (obs,)), view(buffer, row + 2 * obs, (wide,)),
        view(buffer, row + 2 * obs + wide, (wide,)), view(buffer, row + 2 * obs + 2 * wide, (wide,)),
        view(buffer, line, (n,)), view(buffer, line + n, (n,)), which,
        view(buffer, power, (kinds, lags)), view(buffer, power + kinds * lags, (real.domain_phi.size, lags)),
        view(buffer, power + (kinds + real.domain_phi.size) * lags, (kinds, kinds, lags)),
        matrix(buffer, square, width, wide), matrix(buffer, square + width * wide, width, wide),
        matrix(buffer, square + 2 * width * wide, width, wide), matrix(buffer, square + 3 * width * wide, width, wide),
        matrix(buffer, square + 4 * width * wide, width, wide), matrix(buffer, beta, grades, wide),
        matrix(buffer, work, n, n), matrix(buffer, work + n * n, n, n), sites(buffer, site, grades, items),
    )  # fmt: skip
    powers(real.ar_phi, memory.ar_power)
    powers(real.domain_phi, memory.domain_power)
    return memory


@part
def noise_covariance(sigma, first, n, domain, kind, time, real, ar_power, domain_power):
    """Fill the leading n x n of `sigma` with the noise covariance of one group (`likelihood.kernel`), rows by kind."""
    for i in range(n):
        ki, ti = kind[first + i], time[first + i]
        own, common = real.ar_sd[ki] * real.ar_sd[ki], real.domain_sd[ki]
        for j in range(i + 1):
            kj = kind[first + j]
            lag = abs(ti - time[first + j])
            s = own * ar_power[ki, lag] if ki == kj else 0.0
            if domain >= 0:
                white = real.domain_white[domain]
                alike = (1.0 - white) * domain_power[domain, lag] + (white if lag == 0 else 0.0)
                s += common * real.domain_sd[kj] * alike
            sigma[i, j] = s
            sigma[j, i] = s
        sigma[i, i] += real.white_sd[ki] * real.white_sd[ki] + real.variance[first + i]


@part
def touched(first, n, row, state, n_state):
    """Return the half-open range of the states that a group's observations touch."""
    low, high = n_state, 0
    for e in range(row[first], row[first + n]):
        low, high = min(low, state[e]), max(high, state[e] + 1)
    return low, high


@part
def collapse_observations(g, local, first_state, layout, real, memory, s_inv, sat):
    """Add one group of observations to H and h; leave S and A'S; return its part of the log density."""
    first = layout.group_obs[g]
    n = layout.group_obs[g + 1] - first
    kind, row, state, weight = layout.kind, layout.row, layout.state, layout.weight
    h, big_h, residual, scaled = memory.h, memory.big_h, memory.residual, memory.scaled
    s_flat, sat_flat = view(s_inv, 0, (n, s_inv.shape[1] * WIDTH)), view(sat, 0, (sat.shape[0], sat.shape[1] * WIDTH))
    end = vectors(n)
    clear_rows(s_inv, n, 0, end)
    noise_covariance(
        s_flat, first, n, layout.group_domain[g], kind, layout.time, real, memory.ar_power, memory.domain_power
    )
    density = -0.5 * (
        invert(s_inv, s_flat, n, memory.work.rows, memory.work.flat, memory.c, memory.which) + n * LOG_2PI
    )
    for i in range(n):
        r = real.z[first + i] - real.offset[first + i]
        for e in range(row[first + i], row[first + i + 1]):
            r -= real.loading[kind[first + i]] * weight[e] * real.mean[first_state + state[e]]
        residual[local + i] = r
    for i in range(n):
        s = 0.0
        for j in range(n):
            s += s_flat[i, j] * residual[local + j]
        scaled[local + i] = s
        density -= 0.5 * s * residual[local + i]
    low, high = touched(first, n, row, state, memory.h.size)
    for p in range(low, high):
        for v in range(end):
            put(sat, (p, v), splat(0.0))
    for j in range(n):
        for e in range(row[first + j], row[first + j + 1]):
            a, p = real.loading[kind[first + j]] * weight[e], state[e]
            h[p] += a * scaled[local + j]
            for v in range(end):
                put(sat, (p, v), fma(get(s_inv, (j, v)), a, get(sat, (p, v))))
    for q in range(low, high):
        for i in range(n):
            s = sat_flat[q, i] * real.loading[kind[first + i]]
            for e in range(row[first + i], row[first + i + 1]):
                big_h.flat[q, state[e]] += s * weight[e]
    return density


@part
def collapse_block(index, layout, real, memory):
    """Collapse one block; leave the posterior of its states; return its log density, NaN if one does not exist."""
    b = layout.block[index]
    template, first_state = layout.block_template[b], layout.block_state[b]
    n_state, n_col = layout.block_state[b + 1] - first_state, layout.template_column[template]
    c, which, h, v, minv = memory.c, memory.which, memory.h, memory.v, memory.minv
    factor, big_h, hl, line, density = memory.factor, memory.big_h, memory.hl, memory.line, 0.0
    first_group, wide = layout.block_group[index, 0], vectors(n_col)
    clear_rows(factor.rows, n_state, 0, wide)
    scale_template(layout, template, real.scale, n_state, n_col, factor.flat)
    clear_rows(big_h.rows, n_state, 0, vectors(n_state))
    for p in range(n_state):
        h[p] = 0.0
    for g in range(first_group, layout.block_group[index, 1]):
        first = layout.group_obs[g]
        if layout.graded[first] < 0:
            s_inv, sat = memory.precision[g - first_group], memory.sat[g - first_group]
            local = first - layout.group_obs[first_group]
            density += collapse_observations(g, local, first_state, layout, real, memory, s_inv, sat)
    clear_rows(hl.rows, n_state, 0, wide)
    for p in range(n_state):
        count = not_zero(big_h.flat, p, 0, n_state, c, which)
        add_rows(c, which, count, factor.rows, 0, wide, hl.rows, p)
    clear_rows(minv.rows, n_col, 0, wide)
    for d in range(n_col):
        count = column(factor.flat, d, 0, n_state, c, which, 1.0)
        s = 0.0
        for k in range(count):
            s += c[k] * h[which[k]]
        line[d] = s
        add_rows(c, which, count, hl.rows, d // WIDTH, wide, minv.rows, d)
        minv.flat[d, d] += 1.0
    density -= 0.5 * invert(minv.rows, minv.flat, n_col, memory.work.rows, memory.work.flat, c, which)
    for d in range(n_col):
        s = 0.0
        for e in range(n_col):
            s += minv.flat[d, e] * line[e]
        v[d] = s
        density += 0.5 * s * line[d]
    density += condition_on_grades(index, n_col, first_state, layout, real, memory)
    state_moments(n_state, n_col, memory)
    return density


@part
def state_moments(n_state, n_col, memory):
    """Fill x = L E[v|z] and Theta = L M^-1 L', the posterior mean (less m) and covariance of the block's states."""
    factor, lm, turned, theta, c, which = (
        memory.factor, memory.hl, memory.other, memory.theta, memory.c, memory.which,
    )  # fmt: skip
    clear_rows(lm.rows, n_state, 0, vectors(n_col))
    clear_rows(turned.rows, n_col, 0, vectors(n_state))
    clear_rows(theta.rows, n_state, 0, vectors(n_state))
    for p in range(n_state):
        count = not_zero(factor.flat, p, 0, n_col, c, which)
        s = 0.0
        for k in range(count):
            s += c[k] * memory.v[which[k]]
        memory.x[p] = s
        add_rows(c, which, count, memory.minv.rows, 0, vectors(n_col), lm.rows, p)
        for d in range(n_col):
            turned.flat[d, p] = lm.flat[p, d]
    for p in range(n_state):
        count = not_zero(factor.flat, p, 0, n_col, c, which)
        add_rows(c, which, count, turned.rows, 0, vectors(n_state), theta.rows, p)


@part
def fill_items(n, first, last, layout, real, s):
    """Fill the items of the block's nth inspection, its observations first to last; the other items are free."""
    for j in range(s.low.shape[1]):
        i = first + j
        here = i < last
        put(s.low, (n, j), splat(max(real.low[layout.graded[i]], -ENDLESS) if here else -ENDLESS))
        put(s.high, (n, j), splat(min(real.high[layout.graded[i]], ENDLESS) if here else ENDLESS))
        put(s.offset, (n, j), splat(real.offset[i] if here else 0.0))
        put(s.loading, (n, j), splat(real.loading[layout.kind[i]] if here else 0.0))
        put(s.effect, (n, j), splat(real.domain_sd[layout.kind[i]] if here else 0.0))


@part
def condition_on_grades(index, n_col, first_state, layout, real, memory):
    """Add a block's grades to its collapse, by EP in the first lane; update M^-1 and v; return their evidence."""
    v, c, which, s, beta, minv, line = (
        memory.v, memory.c, memory.which, memory.sites, memory.beta, memory.minv, memory.line,
    )  # fmt: skip
    n, wide, row, state, weight = 0, vectors(n_col), layout.row, layout.state, layout.weight
    work = memory.work
    for g in range(layout.block_group[index, 0], layout.block_group[index, 1]):
        i = layout.group_obs[g]
        if layout.graded[i] < 0:
            continue
        level = 0.0
        for w in range(wide):
            put(work.rows, (n, w), splat(0.0))
            put(beta.rows, (n, w), splat(0.0))
        for e in range(row[i], row[i + 1]):
            a, p = weight[e], state[e]
            level += a * real.mean[first_state + p]
            for w in range(wide):
                put(work.rows, (n, w), fma(get(memory.factor.rows, (p, w)), a, get(work.rows, (n, w))))
        count = not_zero(work.flat, n, 0, n_col, c, which)
        for d in range(count):
            level += c[d] * v[which[d]]
        add_rows(c, which, count, minv.rows, 0, wide, beta.rows, n)
        put(s.mean, n, splat(level))
        fill_items(n, i, layout.group_obs[g + 1], layout, real, s)
        n += 1
    if n == 0:
        return 0.0
    for i in range(n):
        for j in range(n):
            t = 0.0
            for d in range(n_col):
                t += memory.work.flat[i, d] * beta.flat[j, d]
            put(s.cov, (i, j), splat(t))
    evidence = add_sites(n, s.low.shape[1], s)
    for i in range(n):
        for d in range(n_col):
            v[d] += s.pulled[i, 0] * beta.flat[i, d]
            line[d] = 0.0
        for j in range(n):
            for d in range(n_col):
                line[d] -= s.shrink[i, j, 0] * beta.flat[j, d]
        for d in range(n_col):
            for e in range(n_col):
                minv.flat[d, e] += beta.flat[i, d] * line[e]
    put(s.post_mean, 0, evidence)
    return s.post_mean[0, 0]
