"""Exact conditional moments and draws of the states given the hyperparameters."""

from __future__ import annotations

import math

import numpy as np

from bayes_csc.kernel import linked, single
from bayes_csc.kernel.compiled import compiled
from bayes_csc.kernel.lanes import WIDTH, fma, get, put, splat
from bayes_csc.kernel.space import space


@compiled
def states(layout, real, n_year, share, noise):
    """Moments of the states given the hyperparameters, and one draw of them.

    Blocks that the layout leaves out have mean and draw `real.mean` and no covariance. `noise` are standard normals,
    (block, most columns + most grades); without columns, (block, 0), the draw is the mean. Returns, for the n states
    in rows of n_year (an authority each): mean (n,), a draw (n,), the covariance of each authority's years
    (n / n_year, n_year, n_year), and its covariance with a weighted sum over all authorities, of which only those of
    its block matter (same shape: [a, t, u] = Cov(theta[a, t], sum over c of share[c, u] theta[c, u])).
    """
    mean, draw = real.mean.copy(), real.mean.copy()
    n_unit = real.mean.size // n_year
    own, shared = np.zeros((n_unit, n_year, n_year)), np.zeros((n_unit, n_year, n_year))
    unused = np.zeros(real.low.size)
    if layout.single_block.shape[0] > 0:
        singles(layout, real, n_year, share, noise, mean, draw, own, shared, unused)
    memory = linked.allocate(layout, real)
    for index in range(layout.block.size):
        b = layout.block[index]
        first = layout.block_state[b]
        factor = linked.scaled_template(layout, layout.block_template[b], real.scale)
        n_state, n_col = factor.shape
        linked.collapse_block(index, layout, real, factor, memory, unused, unused)
        mean[first : first + n_state] += memory.x[:n_state]
        draw[first : first + n_state] += memory.x[:n_state]
        if noise.shape[1] > 0:
            root = np.linalg.cholesky(memory.minv[:n_col, :n_col].copy())
            draw[first : first + n_state] += factor @ (root @ noise[b, :n_col])
        for i in range(n_state // n_year):
            for t in range(n_year):
                for u in range(n_year):
                    own[first // n_year + i, t, u] = memory.theta[i * n_year + t, i * n_year + u]
                    s = 0.0
                    for j in range(n_state // n_year):
                        s += share[first + j * n_year + u] * memory.theta[i * n_year + t, j * n_year + u]
                    shared[first // n_year + i, t, u] = s
    return mean, draw, own, shared


@compiled
def singles(layout, real, n_year, share, noise, mean, draw, own, shared, unused):
    """Fill the moments and draws of the authorities by themselves."""
    factor = linked.scaled_template(layout, 0, real.scale)
    memory = space(layout, n_year, factor.shape[1])
    for group in range(layout.single_block.shape[0]):
        single.collapse_group(group, layout, real, factor, memory, unused, unused)
        if noise.shape[1] > 0:
            wiggle(group, layout, real, memory, n_year, factor.shape[1], noise)
        for lane in range(WIDTH):
            b = layout.single_block[group, lane]
            if b < 0:
                continue
            first = layout.block_state[b]
            unit = first // n_year
            for t in range(n_year):
                mean[first + t] += memory.x[t, lane]
                draw[first + t] += memory.x[t, lane] + (memory.h[t, lane] if noise.shape[1] > 0 else 0.0)
                for u in range(n_year):
                    own[unit, t, u] = memory.theta[t, u, lane]
                    shared[unit, t, u] = share[first + u] * memory.theta[t, u, lane]


@compiled
def wiggle(group, layout, real, memory, n_state, n_col, noise):
    """Fill h with a draw of theta less its mean: one given the indicators, then conditioned on the grades' sites.

    With theta' = Y e and f' = B theta' + tau ** -1/2 e', theta' - Cov(theta, f) Var(f') ** -1 f' has the covariance
    of theta given the grades (Matheron's rule).
    """
    for lane in range(WIDTH):
        b = layout.single_block[group, lane]
        for c in range(n_col):
            memory.yh[c, lane] = noise[b, c] if b >= 0 else 0.0
    for p in range(n_state):
        s = splat(0.0)
        for c in range(n_col):
            s = fma(get(memory.y, (p, c)), get(memory.yh, c), s)
        put(memory.h, p, s)
    for lane in range(WIDTH):
        n = 0
        while n < layout.single_grade.shape[1] and layout.single_grade[group, n, lane] >= 0:
            n += 1
        score, pull = np.zeros(n), np.zeros(n)
        for j in range(n):
            i = layout.single_grade[group, j, lane]
            tau = memory.site[j, 0, lane]
            score[j] = noise[layout.single_block[group, lane], n_col + j] / math.sqrt(tau) if tau > 0.0 else 0.0
            for e in range(layout.row[i], layout.row[i + 1]):
                score[j] += real.loading[layout.kind[i]] * layout.weight[e] * memory.h[layout.state[e], lane]
        for j in range(n):
            for f in range(n):
                pull[j] += memory.shrink[j, f, lane] * score[f]
        for p in range(n_state):
            for j in range(n):
                memory.h[p, lane] -= memory.pull[j, p, lane] * pull[j]
