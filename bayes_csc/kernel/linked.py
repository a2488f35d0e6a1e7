"""Blocks taken one by one: linked authorities, joint returns, and authorities whose data have a shape of their own.

Dense linear algebra on the equations of `bayes_csc.kernel`, group by group: any layout is allowed here.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from bayes_csc.kernel.compiled import compiled
from bayes_csc.kernel.grades import condition_on_grades

LOG_2PI = math.log(2.0 * math.pi)


class Memory(NamedTuple):
    """Working memory for one block."""

    precision: np.ndarray  # (group, observation, observation) S
    sat: np.ndarray  # (group, state, observation) A'S
    residual: np.ndarray  # (observation) z - o - A m
    scaled: np.ndarray  # (observation) S r
    h: np.ndarray  # (state) A'S r
    hl: np.ndarray  # (state, column) H L
    minv: np.ndarray  # (column, column) M^-1
    v: np.ndarray  # (column) E[v | z]
    x: np.ndarray  # (state) E[theta | z] - m
    theta: np.ndarray  # (state, state) Cov[theta | z]
    tau: np.ndarray  # (grade) sites
    eta: np.ndarray
    ar_power: np.ndarray  # (kind, lag)
    domain_power: np.ndarray  # (domain, lag)
    by_lag: np.ndarray  # (kind, kind, lag)
    work: np.ndarray  # (3, n, n)


@compiled
def allocate(layout, real):
    """Allocate the working memory for the largest of the blocks."""
    groups, obs, group_size, width = 1, 1, 1, 1
    for i in range(layout.block.size):
        b = layout.block[i]
        first, last = layout.block_group[i, 0], layout.block_group[i, 1]
        groups = max(groups, last - first)
        obs = max(obs, layout.group_obs[last] - layout.group_obs[first])
        width = max(width, layout.block_state[b + 1] - layout.block_state[b])
        width = max(width, layout.template_column[layout.block_template[b]])
        for g in range(first, last):
            group_size = max(group_size, layout.group_obs[g + 1] - layout.group_obs[g])
    max_lag = 1 + (layout.time.max() - layout.time.min() if layout.time.size else 0)
    size, kinds = max(width, group_size, groups, 3), real.loading.size
    return Memory(
        precision=np.empty((groups, group_size, group_size)), sat=np.empty((groups, width, group_size)),
        residual=np.empty(obs), scaled=np.empty(obs), h=np.empty(width), hl=np.empty((width, width)),
        minv=np.empty((width, width)), v=np.empty(width), x=np.empty(width), theta=np.empty((width, width)),
        tau=np.zeros(real.low.size), eta=np.zeros(real.low.size),
        ar_power=powers(real.ar_phi, max_lag + 1), domain_power=powers(real.domain_phi, max_lag + 1),
        by_lag=np.empty((kinds, kinds, max_lag)), work=np.empty((3, size, size)),
    )  # fmt: skip


@compiled
def scaled_template(layout, template, scale):
    """Covariance factor (state, column) of a template: its columns times their standard deviations."""
    first, n_col = layout.template_start[template], layout.template_column[template]
    out = layout.template[first : layout.template_start[template + 1]].copy().reshape(-1, n_col)
    for c in range(n_col):
        out[:, c] *= scale[layout.column_kind[layout.column_start[template] + c]]
    return out


@compiled
def invert(a, n, work):
    """Replace the leading n x n of symmetric `a` by its inverse; return log|a|, or NaN if not positive definite."""
    logdet = 0.0
    for j in range(n):  # a = U'U in the upper triangle, by rows
        d = a[j, j]
        if not d > 0.0:
            return math.nan
        logdet += math.log(d)
        root = 1.0 / math.sqrt(d)
        for i in range(j, n):
            a[j, i] *= root
        for i in range(j + 1, n):
            c = a[j, i]
            for p in range(i, n):
                a[i, p] -= c * a[j, p]
    for i in range(n - 1, -1, -1):  # U^-1 in the upper triangle of work, from the last row up
        for p in range(i, n):
            work[i, p] = 0.0
        work[i, i] = 1.0
        for q in range(i + 1, n):
            c = a[i, q]
            for p in range(q, n):
                work[i, p] -= c * work[q, p]
        c = 1.0 / a[i, i]
        for p in range(i, n):
            work[i, p] *= c
    for i in range(n):  # its transpose below the diagonal, so that the product runs along rows
        for p in range(i + 1, n):
            work[p, i] = work[i, p]
    for i in range(n):
        for j in range(i + 1):
            a[i, j] = 0.0
        for p in range(i, n):
            c = work[p, i]
            for j in range(i + 1):
                a[i, j] += c * work[p, j]
    for i in range(n):
        for j in range(i):
            a[j, i] = a[i, j]
    return logdet


@compiled
def noise_covariance(sigma, first, n, domain, layout, real, memory):
    """Fill the leading n x n of `sigma` with the noise covariance of one group (`bayes_csc.kernel`)."""
    for i in range(n):
        ki, ti = layout.kind[first + i], layout.time[first + i]
        for j in range(i + 1):
            kj = layout.kind[first + j]
            lag = abs(ti - layout.time[first + j])
            s = 0.0
            if ki == kj:
                s = real.ar_sd[ki] * real.ar_sd[ki] * memory.ar_power[ki, lag]
            if domain >= 0:
                s += real.domain_sd[ki] * real.domain_sd[kj] * memory.domain_power[domain, lag]
            sigma[i, j] = s
            sigma[j, i] = s
        sigma[i, i] += real.white_sd[ki] * real.white_sd[ki] + real.variance[first + i]


@compiled
def powers(base, count):
    """Return base[k] ** lag for lag in 0..count-1."""
    out = np.empty((base.size, count))
    for k in range(base.size):
        out[k, 0] = 1.0
        for lag in range(1, count):
            out[k, lag] = out[k, lag - 1] * base[k]
    return out


@compiled
def weigh(s_inv, first, n, layout, real, n_state, sat):
    """Fill sat[p, i] = (S A)[i, p] for one group; return the half-open range of the states that it touches."""
    row, state = layout.row, layout.state
    low, high = n_state, 0
    for j in range(n):
        for e in range(row[first + j], row[first + j + 1]):
            low = min(low, state[e])
            high = max(high, state[e] + 1)
    for p in range(low, high):
        for i in range(n):
            sat[p, i] = 0.0
    for j in range(n):
        for e in range(row[first + j], row[first + j + 1]):
            a = real.loading[layout.kind[first + j]] * layout.weight[e]
            p = state[e]
            for i in range(n):
                sat[p, i] += a * s_inv[j, i]
    return low, high


@compiled
def collapse_block(index, layout, real, factor, memory, slope_low, slope_high):
    """Collapse one block; leave the posterior of its states; return its log density, NaN if one does not exist."""
    n_state, n_col = factor.shape
    first_group, first_state = layout.block_group[index, 0], layout.block_state[layout.block[index]]
    kind, row, state, weight = layout.kind, layout.row, layout.state, layout.weight
    h, hl, minv, v, residual, scaled = memory.h, memory.hl, memory.minv, memory.v, memory.residual, memory.scaled
    density = 0.0
    big_h, line = memory.work[1], memory.work[2, 1]
    for p in range(n_state):
        h[p] = 0.0
        for q in range(n_state):
            big_h[p, q] = 0.0
    begin = layout.group_obs[first_group]
    for g in range(first_group, layout.block_group[index, 1]):
        first = layout.group_obs[g]
        if layout.graded[first] >= 0:
            continue
        n = layout.group_obs[g + 1] - first
        local = first - begin
        s_inv, group_sat = memory.precision[g - first_group], memory.sat[g - first_group]
        noise_covariance(s_inv, first, n, layout.group_domain[g], layout, real, memory)
        density -= 0.5 * (invert(s_inv, n, memory.work[0]) + n * LOG_2PI)
        for i in range(n):
            r = real.z[first + i] - real.offset[first + i]
            for e in range(row[first + i], row[first + i + 1]):
                r -= real.loading[kind[first + i]] * weight[e] * real.mean[first_state + state[e]]
            residual[local + i] = r
        for i in range(n):
            scaled[local + i] = 0.0
        for j in range(n):
            for i in range(n):
                scaled[local + i] += s_inv[j, i] * residual[local + j]
        for i in range(n):
            density -= 0.5 * scaled[local + i] * residual[local + i]
        low, high = weigh(s_inv, first, n, layout, real, n_state, group_sat)
        for i in range(n):
            for q in range(low, high):
                line[q] = group_sat[q, i]
            for e in range(row[first + i], row[first + i + 1]):
                a = real.loading[kind[first + i]] * weight[e]
                p = state[e]
                h[p] += a * scaled[local + i]
                for q in range(low, high):
                    big_h[p, q] += a * line[q]
    for p in range(n_state):
        for c in range(n_col):
            hl[p, c] = 0.0
        for q in range(n_state):
            y = big_h[p, q]
            if y != 0.0:
                for c in range(n_col):
                    hl[p, c] += y * factor[q, c]
    lh = memory.work[2, 0]
    for c in range(n_col):
        lh[c] = 0.0
        for d in range(c, n_col):
            minv[c, d] = 0.0
    for p in range(n_state):
        for c in range(n_col):
            y = factor[p, c]
            if y != 0.0:
                lh[c] += y * h[p]
                for d in range(c, n_col):
                    minv[c, d] += y * hl[p, d]
    for c in range(n_col):
        minv[c, c] += 1.0
    density -= 0.5 * invert(minv, n_col, memory.work[0])
    for c in range(n_col):
        s = 0.0
        for d in range(n_col):
            s += minv[c, d] * lh[d]
        v[c] = s
        density += 0.5 * s * lh[c]
    density += condition_on_grades(index, layout, real, factor, memory, slope_low, slope_high)
    state_moments(factor, memory)
    return density


@compiled
def state_moments(factor, memory):
    """Fill x = L E[v|z] and Theta = L M^-1 L', the posterior mean (less m) and covariance of the block's states."""
    n_state, n_col = factor.shape
    lm, transposed = memory.work[0], memory.work[1]
    for p in range(n_state):
        s = 0.0
        for c in range(n_col):
            lm[p, c] = 0.0
            s += factor[p, c] * memory.v[c]
        memory.x[p] = s
        for d in range(n_col):
            y = factor[p, d]
            if y != 0.0:
                for c in range(n_col):
                    lm[p, c] += y * memory.minv[d, c]
    for q in range(n_state):
        for c in range(n_col):
            transposed[c, q] = factor[q, c]
    for p in range(n_state):
        for q in range(n_state):
            memory.theta[p, q] = 0.0
        for c in range(n_col):
            y = lm[p, c]
            for q in range(n_state):
                memory.theta[p, q] += y * transposed[c, q]


@compiled
def grade_gradient(first, layout, real, memory, first_state, gradient):
    """Add one grade's part of the gradient."""
    k, site = layout.kind[first], layout.graded[first]
    psi, level, spread = real.loading[k], 0.0, 0.0
    for e in range(layout.row[first], layout.row[first + 1]):
        p, w = layout.state[e], layout.weight[e]
        level += w * (real.mean[first_state + p] + memory.x[p])
        for f in range(layout.row[first], layout.row[first + 1]):
            spread += w * layout.weight[f] * memory.theta[p, layout.state[f]]
    s = memory.eta[site] - memory.tau[site] * (real.offset[first] + psi * level)
    gradient.offset[first] = s
    gradient.loading[k] += level * s - memory.tau[site] * psi * spread
    for e in range(layout.row[first], layout.row[first + 1]):
        gradient.mean[first_state + layout.state[e]] += psi * layout.weight[e] * s


@compiled
def group_gradient(g, index, layout, real, memory, n_state, gradient):
    """Add the part of the gradient of one group of observations."""
    first_group, first_state = layout.block_group[index, 0], layout.block_state[layout.block[index]]
    kind, row, state, weight, time = layout.kind, layout.row, layout.state, layout.weight, layout.time
    first = layout.group_obs[g]
    n = layout.group_obs[g + 1] - first
    local = first - layout.group_obs[first_group]
    domain = layout.group_domain[g]
    residual, x, theta = memory.residual, memory.x, memory.theta
    s_inv, sat, by_lag = memory.precision[g - first_group], memory.sat[g - first_group], memory.by_lag
    sat_theta, se, line = memory.work[0], memory.work[2, 0], memory.work[2, 1]
    max_lag = by_lag.shape[2]
    for i in range(n):  # e = r - A x
        s = residual[local + i]
        for e in range(row[first + i], row[first + i + 1]):
            s -= real.loading[kind[first + i]] * weight[e] * x[state[e]]
        residual[local + i] = s
    for i in range(n):
        se[i] = 0.0
    for j in range(n):
        y = residual[local + j]
        for i in range(n):
            se[i] += s_inv[j, i] * y
    near, far = n_state, 0
    for e in range(row[first], row[first + n]):
        near = min(near, state[e])
        far = max(far, state[e] + 1)
    for i in range(n):
        for q in range(near, far):
            sat_theta[i, q] = 0.0
        for p in range(near, far):
            y = sat[p, i]
            for q in range(near, far):
                sat_theta[i, q] += y * theta[p, q]
    near_kind, far_kind = kind[first], kind[first]
    for i in range(n):
        k = kind[first + i]
        near_kind, far_kind = min(near_kind, k), max(far_kind, k)
        wx, trace = 0.0, 0.0
        for e in range(row[first + i], row[first + i + 1]):
            wx += weight[e] * (real.mean[first_state + state[e]] + x[state[e]])
            trace += weight[e] * sat_theta[i, state[e]]
            gradient.mean[first_state + state[e]] += real.loading[k] * weight[e] * se[i]
        gradient.loading[k] += wx * se[i] - trace
        gradient.offset[first + i] = se[i]
        gradient.z[first + i] = -se[i]
    for k in range(near_kind, far_kind + 1):
        for q in range(near_kind, far_kind + 1):
            for lag in range(max_lag):
                by_lag[k, q, lag] = 0.0
    for i in range(n):  # G = 1/2 (S e e' S + S A Theta A' S - S) = d log p / d Sigma; twice its row, up to i
        k = kind[first + i]
        ti = time[first + i]
        for j in range(i + 1):
            line[j] = se[i] * se[j] - s_inv[i, j]
        for p in range(near, far):
            y = sat_theta[i, p]
            for j in range(i + 1):
                line[j] += y * sat[p, j]
        line[i] *= 0.5
        gradient.variance[first + i] = line[i]
        gradient.white_sd[k] += 2.0 * real.white_sd[k] * line[i]
        for j in range(i + 1):
            by_lag[k, kind[first + j], abs(ti - time[first + j])] += line[j]
    ar_sd, domain_sd = real.ar_sd, real.domain_sd
    for k in range(near_kind, far_kind + 1):
        for lag in range(max_lag):
            s = by_lag[k, k, lag]
            gradient.ar_sd[k] += 2.0 * ar_sd[k] * memory.ar_power[k, lag] * s
            if lag > 0:
                gradient.ar_phi[k] += ar_sd[k] * ar_sd[k] * lag * memory.ar_power[k, lag - 1] * s
        if domain >= 0:
            for q in range(near_kind, far_kind + 1):
                for lag in range(max_lag):
                    s = by_lag[k, q, lag]
                    gradient.domain_sd[k] += domain_sd[q] * memory.domain_power[domain, lag] * s
                    gradient.domain_sd[q] += domain_sd[k] * memory.domain_power[domain, lag] * s
                    if lag > 0:
                        c = lag * memory.domain_power[domain, lag - 1] * s
                        gradient.domain_phi[domain] += domain_sd[k] * domain_sd[q] * c


@compiled
def linked_blocks(layout, real, gradient):
    """Log density of the blocks that are taken one by one; adds its gradient to `gradient`."""
    density = 0.0
    memory = allocate(layout, real)
    for index in range(layout.block.size):
        b = layout.block[index]
        template = layout.block_template[b]
        factor = scaled_template(layout, template, real.scale)
        density += collapse_block(index, layout, real, factor, memory, gradient.low, gradient.high)
        for c in range(factor.shape[1]):
            part = layout.column_kind[layout.column_start[template] + c]
            if real.scale[part] > 0.0:  # at zero the derivative by a standard deviation is zero
                by_log = memory.v[c] * memory.v[c] + memory.minv[c, c] - 1.0
                gradient.scale[part] += by_log / real.scale[part]
        for g in range(layout.block_group[index, 0], layout.block_group[index, 1]):
            if layout.graded[layout.group_obs[g]] >= 0:
                grade_gradient(layout.group_obs[g], layout, real, memory, layout.block_state[b], gradient)
            else:
                group_gradient(g, index, layout, real, memory, factor.shape[0], gradient)
    return density
