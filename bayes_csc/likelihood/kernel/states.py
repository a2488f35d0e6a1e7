"""Exact conditional moments and draws of the states given the hyperparameters."""

from __future__ import annotations

import math

import numpy as np

from bayes_csc.likelihood.kernel.compiled import compiled, part, stage
from bayes_csc.likelihood.kernel.linked import collapse_block, lay_out, memory_size
from bayes_csc.likelihood.kernel.posterior import collapse_group, group_size, group_space, most_judged
from bayes_csc.likelihood.kernel.simd.memory import get, put
from bayes_csc.likelihood.kernel.simd.vector import WIDTH, fma, splat, sqrt, where_positive


@compiled
def states(layout, real, n_year, share, noise):
    """Moments of the states given the hyperparameters, and one draw of them.

    Blocks that the layout leaves out have mean and draw `real.mean` and no covariance. `noise` are standard normals,
    (block, most columns + most inspections); without columns, (block, 0), the draw is the mean. Returns, for the n
    states in rows of n_year (an authority each): mean (n,), a draw (n,), the covariance of each authority's years
    (n / n_year, n_year, n_year), its covariance with a weighted sum over all authorities, of which only those of its
    block matter (same shape: [a, t, u] = Cov(theta[a, t], sum over c of share[c, u] theta[c, u])), and the log density
    of each block (block,): they sum to the value of `value_and_gradient`. The density is zero for a block that the
    layout leaves out, NaN where a covariance is not positive definite.
    """
    mean, draw = real.mean.copy(), real.mean.copy()
    n_unit = real.mean.size // n_year
    own, shared = np.zeros((n_unit, n_year, n_year)), np.zeros((n_unit, n_year, n_year))
    density = np.zeros(layout.block_template.size)
    if layout.single_block.shape[0] > 0:
        buffer = np.empty(group_size(layout))
        singles(layout, real, n_year, share, noise, mean, draw, own, shared, density, buffer)
    if layout.block.size > 0:
        size = memory_size(layout, real)
        lists = np.empty(size, np.int64)
        several(layout, real, n_year, share, noise, mean, draw, own, shared, density, np.empty(size), lists)
    return mean, draw, own, shared, density


@stage
def several(layout, real, n_year, share, noise, mean, draw, own, shared, density, buffer, lists):
    """Fill the moments, draws and densities of the blocks taken one by one."""
    memory = lay_out(layout, real, buffer, lists)
    theta, factor = memory.theta.flat, memory.factor.flat
    for index in range(layout.block.size):
        b = layout.block[index]
        first, n_col = layout.block_state[b], layout.template_column[layout.block_template[b]]
        n_state = layout.block_state[b + 1] - first
        density[b] = collapse_block(index, layout, real, memory)
        if noise.shape[1] > 0:
            cholesky(memory.minv.flat, n_col)
            for c in range(n_col):
                s = 0.0
                for d in range(c + 1):
                    s += memory.minv.flat[c, d] * noise[b, d]
                memory.line[c] = s
        for p in range(n_state):
            mean[first + p] += memory.x[p]
            s = memory.x[p]
            if noise.shape[1] > 0:
                for c in range(n_col):
                    s += factor[p, c] * memory.line[c]
            draw[first + p] += s
        for i in range(n_state // n_year):
            for t in range(n_year):
                for u in range(n_year):
                    own[first // n_year + i, t, u] = theta[i * n_year + t, i * n_year + u]
                    s = 0.0
                    for j in range(n_state // n_year):
                        s += share[first + j * n_year + u] * theta[i * n_year + t, j * n_year + u]
                    shared[first // n_year + i, t, u] = s


@part
def cholesky(a, n):
    """Replace the lower triangle of symmetric a by its Cholesky factor."""
    for i in range(n):
        for j in range(i + 1):
            s = a[i, j]
            for k in range(j):
                s -= a[i, k] * a[j, k]
            a[i, j] = math.sqrt(max(s, 0.0)) if i == j else s / a[j, j]


@stage
def singles(layout, real, n_year, share, noise, mean, draw, own, shared, density, buffer):
    """Fill the moments and draws of the authorities by themselves."""
    factor, memory, _ = group_space(layout, real, buffer)
    for group in range(layout.single_block.shape[0]):
        found = collapse_group(group, layout, real, factor, memory)
        if noise.shape[1] > 0:
            wiggle(group, layout, memory, noise)
        put(memory.line, (0, 0), found)
        for lane in range(WIDTH):
            b = layout.single_block[group, lane]
            if b < 0:
                continue
            density[b] = memory.line[0, 0, lane]
            first = layout.block_state[b]
            unit = first // n_year
            for t in range(n_year):
                mean[first + t] += memory.x[t, lane]
                draw[first + t] += memory.x[t, lane] + (memory.h[t, lane] if noise.shape[1] > 0 else 0.0)
                for u in range(n_year):
                    own[unit, t, u] = memory.theta[t, u, lane]
                    shared[unit, t, u] = share[first + u] * memory.theta[t, u, lane]


@part
def wiggle(group, layout, memory, noise):
    """Fill h with a draw of theta less its mean: one given the indicators, then conditioned on the inspections' sites.

    With theta' = Y e and t' = W theta' + tau ** -1/2 e', theta' - Cov(theta, t) Var(t') ** -1 t' has the covariance
    of theta given the judgements (Matheron's rule).
    """
    h, yh, sites, item = memory.h, memory.yh, memory.sites, layout.single_grade[group]
    n_state, n_col, used = h.shape[0], yh.shape[0], most_judged(item)
    score = memory.line[0]
    for lane in range(WIDTH):
        b = layout.single_block[group, lane]
        for c in range(n_col):
            yh[c, lane] = noise[b, c] if b >= 0 else 0.0
        for j in range(used):
            score[j, lane] = noise[b, n_col + j] if item[j, 0, lane] >= 0 else 0.0
    for p in range(n_state):
        s = splat(0.0)
        for c in range(n_col):
            s = fma(get(memory.y, (p, c)), get(yh, c), s)
        put(h, p, s)
    for j in range(used):
        tau = get(sites.tau, j)
        s = get(score, j) * where_positive(tau, 1.0 / sqrt(tau), splat(0.0))
        for p in range(n_state):
            s = fma(get(memory.judged, (j, p)), get(h, p), s)
        put(score, j, s)
    for j in range(used):
        s = splat(0.0)
        for f in range(used):
            s = fma(get(sites.shrink, (j, f)), get(score, f), s)
        for p in range(n_state):
            put(h, p, get(h, p) - get(memory.pull, (j, p)) * s)
