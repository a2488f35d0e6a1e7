"""Compiled arithmetic of the collapsed likelihood: value, gradient and exact states, one block at a time.

A block is a set of authorities whose states depend on each other (most blocks are one authority). Given the
hyperparameters its model is linear and Gaussian in standard normal coordinates v:

    theta = m + L v,   v ~ N(0, I)            latent states of the block, any factor L of their covariance
    z | theta ~ N(o + A theta, Sigma)         observations; row i of A is loading[k(i)] times weights W[i, :]
    Sigma = group-diagonal; within a group    (a reporting unit's indicator, or its indicators of one domain)
        Sigma[i, j] = d[k(i)] d[k(j)] phi_dom ** |t(i) - t(j)|
                    + 1{k(i) = k(j)} a[k] ** 2 phi[k] ** |t(i) - t(j)| + 1{i = j} (w[k] ** 2 + V[i])

With S = Sigma ** -1, r = z - o - A m, H = A'SA, h = A'Sr and M = I + L'HL the states integrate out:

    log p(z) = sum 1/2 log|S| - 1/2 r'Sr + 1/2 h'L M^-1 L'h - 1/2 log|M| - n/2 log(2 pi)
    E[v | z] = M^-1 L'h,   Cov[v | z] = M^-1

Graded observations (a judgement each) are not Gaussian: f = o + A theta, and the grade's probability is
Phi(high - f) - Phi(low - f). Expectation propagation (Minka 2001) replaces each by a Gaussian site
exp(-tau f^2 / 2 + eta f), refitted at every evaluation, so the density and its gradient are those of the
hyperparameters' EP evidence.

By Fisher's identity, the gradient is the posterior expectation of the complete-data gradient. The factor L is
never inverted, so a variance share may go to zero and L need not be square.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from bayes_csc.grades import condition_on_grades

LOG_2PI = math.log(2.0 * math.pi)


@njit(nogil=True, cache=True)
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


@njit(nogil=True, cache=True)
def noise_covariance(sigma, first, n, domain, kind, time, variance, ar_sd, ar_power, white_sd, domain_sd, domain_power):
    """Fill the leading n x n of `sigma` with the noise covariance of one group (module docstring)."""
    for i in range(n):
        ki = kind[first + i]
        ti = time[first + i]
        for j in range(i + 1):
            kj = kind[first + j]
            lag = abs(ti - time[first + j])
            s = 0.0
            if ki == kj:
                s = ar_sd[ki] * ar_sd[ki] * ar_power[ki, lag]
            if domain >= 0:
                s += domain_sd[ki] * domain_sd[kj] * domain_power[domain, lag]
            sigma[i, j] = s
            sigma[j, i] = s
        sigma[i, i] += white_sd[ki] * white_sd[ki] + variance[first + i]


@njit(nogil=True, cache=True)
def powers(base, count):
    """Return base[k] ** lag for lag in 0..count-1."""
    out = np.empty((base.size, count))
    for k in range(base.size):
        out[k, 0] = 1.0
        for lag in range(1, count):
            out[k, lag] = out[k, lag - 1] * base[k]
    return out


@njit(nogil=True, cache=True)
def weigh(s_inv, first, n, kind, row, state, weight, loading, n_state, sat):
    """Fill sat[p, i] = (S A)[i, p] for one group; return the half-open range of the states that it touches."""
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
            a = loading[kind[first + j]] * weight[e]
            p = state[e]
            for i in range(n):
                sat[p, i] += a * s_inv[j, i]
    return low, high


@njit(nogil=True, cache=True)
def reduce_block(
    block, block_group, group_obs, group_domain, graded, kind, time, row, state, weight,
    z, variance, offset, loading, m, first_state, n_state, factor, n_col,
    ar_sd, ar_power, white_sd, domain_sd, domain_power,
    precision, sat, residual, scaled, h, hl, minv, v, work,
):  # fmt: skip
    """Collapse one block; fill S, r, Sr, h, HL, M^-1 and E[v|z]; return its log density, NaN if one does not exist."""
    total = 0.0
    big_h, line = work[1], work[2, 1]
    for p in range(n_state):
        h[p] = 0.0
        for q in range(n_state):
            big_h[p, q] = 0.0
    begin = group_obs[block_group[block]]
    for g in range(block_group[block], block_group[block + 1]):
        first = group_obs[g]
        if graded[first] >= 0:
            continue
        n = group_obs[g + 1] - first
        local = first - begin
        s_inv = precision[g - block_group[block]]
        noise_covariance(
            s_inv, first, n, group_domain[g], kind, time, variance, ar_sd, ar_power, white_sd, domain_sd, domain_power
        )
        total -= 0.5 * (invert(s_inv, n, work[0]) + n * LOG_2PI)
        for i in range(n):
            r = z[first + i] - offset[first + i]
            for e in range(row[first + i], row[first + i + 1]):
                r -= loading[kind[first + i]] * weight[e] * m[first_state + state[e]]
            residual[local + i] = r
        for i in range(n):
            scaled[local + i] = 0.0
        for j in range(n):
            for i in range(n):
                scaled[local + i] += s_inv[j, i] * residual[local + j]
        for i in range(n):
            total -= 0.5 * scaled[local + i] * residual[local + i]
        low, high = weigh(s_inv, first, n, kind, row, state, weight, loading, n_state, sat[g - block_group[block]])
        group_sat = sat[g - block_group[block]]
        for i in range(n):
            for q in range(low, high):
                line[q] = group_sat[q, i]
            for e in range(row[first + i], row[first + i + 1]):
                a = loading[kind[first + i]] * weight[e]
                p = state[e]
                h[p] += a * scaled[local + i]
                for q in range(low, high):
                    big_h[p, q] += a * line[q]
    for p in range(n_state):
        for c in range(n_col):
            hl[p, c] = 0.0
        for q in range(n_state):
            x = big_h[p, q]
            if x != 0.0:
                for c in range(n_col):
                    hl[p, c] += x * factor[q, c]
    lh = work[2, 0]
    for c in range(n_col):
        lh[c] = 0.0
        for d in range(n_col):
            minv[c, d] = 0.0
    for p in range(n_state):
        for c in range(n_col):
            x = factor[p, c]
            if x != 0.0:
                lh[c] += x * h[p]
                for d in range(n_col):
                    minv[c, d] += x * hl[p, d]
    for c in range(n_col):
        minv[c, c] += 1.0
    total -= 0.5 * invert(minv, n_col, work[0])
    for c in range(n_col):
        s = 0.0
        for d in range(n_col):
            s += minv[c, d] * lh[d]
        v[c] = s
        total += 0.5 * s * lh[c]
    return total


@njit(nogil=True, cache=True)
def state_moments(n_state, n_col, factor, minv, v, x, theta_cov, work):
    """Fill x = L E[v|z] and Theta = L M^-1 L', the posterior mean (less m) and covariance of the block's states."""
    lm = work[0]
    for p in range(n_state):
        s = 0.0
        for c in range(n_col):
            lm[p, c] = 0.0
            s += factor[p, c] * v[c]
        x[p] = s
        for d in range(n_col):
            y = factor[p, d]
            if y != 0.0:
                for c in range(n_col):
                    lm[p, c] += y * minv[d, c]
    transposed = work[1]
    for q in range(n_state):
        for c in range(n_col):
            transposed[c, q] = factor[q, c]
    for p in range(n_state):
        for q in range(n_state):
            theta_cov[p, q] = 0.0
        for c in range(n_col):
            y = lm[p, c]
            for q in range(n_state):
                theta_cov[p, q] += y * transposed[c, q]


@njit(nogil=True, cache=True)
def largest(block_group, group_obs, block_state, block_column):
    """Most groups and observations of a block, most observations of a group, most states or columns of a block."""
    groups, obs, group_size, width = 1, 1, 1, 1
    for b in range(block_group.size - 1):
        groups = max(groups, block_group[b + 1] - block_group[b])
        obs = max(obs, group_obs[block_group[b + 1]] - group_obs[block_group[b]])
        width = max(width, max(block_state[b + 1] - block_state[b], block_column[b]))
    for g in range(group_obs.size - 1):
        group_size = max(group_size, group_obs[g + 1] - group_obs[g])
    return groups, obs, group_size, width


@njit(nogil=True, cache=True)
def value_and_gradient(
    block_group, group_obs, group_domain, kind, time, row, state, weight, block_state, block_factor, block_column,
    graded, z, variance, offset, loading, m, factors, ar_sd, ar_phi, white_sd, domain_sd, domain_phi, low, high,
):  # fmt: skip
    """Log density of all blocks and its gradient by every real-valued argument from `z` on.

    The arguments before `z` are the layout (see `bayes_csc.design.Layout`). Returns the value, then the gradients in
    the order of the arguments; the value is -inf where a covariance is not positive definite.
    """
    n_block = block_group.size - 1
    max_lag = 1 + (time.max() - time.min() if time.size else 0)
    ar_power = powers(ar_phi, max_lag + 1)
    domain_power = powers(domain_phi, max_lag + 1)

    d_z, d_variance, d_offset = np.zeros(z.size), np.zeros(z.size), np.zeros(z.size)
    d_loading, d_m, d_factors = np.zeros(loading.size), np.zeros(m.size), np.zeros(factors.size)
    d_ar_sd, d_ar_phi, d_white_sd = np.zeros(ar_sd.size), np.zeros(ar_sd.size), np.zeros(ar_sd.size)
    d_domain_sd, d_domain_phi = np.zeros(ar_sd.size), np.zeros(domain_phi.size)

    groups, obs, group_size, width = largest(block_group, group_obs, block_state, block_column)
    size = max(width, group_size, groups, 3)
    work = np.empty((3, size, size))
    precision = np.empty((groups, group_size, group_size))
    residual, scaled = np.empty(obs), np.empty(obs)
    h, v, x = np.empty(width), np.empty(width), np.empty(width)
    hl, minv, theta_cov = np.empty((width, width)), np.empty((width, width)), np.empty((width, width))
    sat, sat_theta = np.empty((groups, width, group_size)), np.empty((group_size, width))
    se, line = np.empty(group_size), np.empty(size)
    by_lag = np.empty((loading.size, loading.size, max_lag))

    tau, eta, d_low, d_high = np.zeros(low.size), np.zeros(low.size), np.zeros(low.size), np.zeros(low.size)
    value = 0.0
    for b in range(n_block):
        first_state = block_state[b]
        n_state = block_state[b + 1] - first_state
        n_col = block_column[b]
        at = block_factor[b]
        factor = factors[at : at + n_state * n_col].reshape(n_state, n_col)
        value += reduce_block(
            b, block_group, group_obs, group_domain, graded, kind, time, row, state, weight,
            z, variance, offset, loading, m, first_state, n_state, factor, n_col,
            ar_sd, ar_power, white_sd, domain_sd, domain_power,
            precision, sat, residual, scaled, h, hl, minv, v, work,
        )  # fmt: skip
        value += condition_on_grades(
            b, block_group, group_obs, graded, kind, row, state, weight, offset, loading, m, first_state, factor, n_col,
            low, high, h, hl, minv, v, tau, eta, d_low, d_high, work,
        )  # fmt: skip
        state_moments(n_state, n_col, factor, minv, v, x, theta_cov, work)

        for p in range(n_state):  # d L = (h - H L v) v' - H L M^-1
            s = h[p]
            for c in range(n_col):
                s -= hl[p, c] * v[c]
            for c in range(n_col):
                line[c] = s * v[c]
            for e in range(n_col):
                y = hl[p, e]
                for c in range(n_col):
                    line[c] -= y * minv[e, c]
            for c in range(n_col):
                d_factors[at + p * n_col + c] += line[c]

        begin = group_obs[block_group[b]]
        for g in range(block_group[b], block_group[b + 1]):
            first = group_obs[g]
            if graded[first] >= 0:
                site, psi, k = graded[first], loading[kind[first]], kind[first]
                wx, spread = 0.0, 0.0
                for e in range(row[first], row[first + 1]):
                    wx += weight[e] * (m[first_state + state[e]] + x[state[e]])
                    for f in range(row[first], row[first + 1]):
                        spread += weight[e] * weight[f] * theta_cov[state[e], state[f]]
                s = eta[site] - tau[site] * (offset[first] + psi * wx)
                d_offset[first] = s
                d_loading[k] += wx * s - tau[site] * psi * spread
                for e in range(row[first], row[first + 1]):
                    d_m[first_state + state[e]] += psi * weight[e] * s
                continue
            n = group_obs[g + 1] - first
            local = first - begin
            domain = group_domain[g]
            s_inv = precision[g - block_group[b]]
            for i in range(n):  # e = r - A x
                s = residual[local + i]
                for e in range(row[first + i], row[first + i + 1]):
                    s -= loading[kind[first + i]] * weight[e] * x[state[e]]
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
            b_sat = sat[g - block_group[b]]
            for i in range(n):
                for q in range(near, far):
                    sat_theta[i, q] = 0.0
                for p in range(near, far):
                    y = b_sat[p, i]
                    for q in range(near, far):
                        sat_theta[i, q] += y * theta_cov[p, q]
            for i in range(n):
                k = kind[first + i]
                wx = 0.0
                trace = 0.0
                for e in range(row[first + i], row[first + i + 1]):
                    wx += weight[e] * (m[first_state + state[e]] + x[state[e]])
                    trace += weight[e] * sat_theta[i, state[e]]
                    d_m[first_state + state[e]] += loading[k] * weight[e] * se[i]
                d_loading[k] += wx * se[i] - trace
                d_offset[first + i] = se[i]
                d_z[first + i] = -se[i]
            near_kind, far_kind = kind[first], kind[first]
            for i in range(1, n):
                near_kind = min(near_kind, kind[first + i])
                far_kind = max(far_kind, kind[first + i])
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
                        line[j] += y * b_sat[p, j]
                line[i] *= 0.5
                d_variance[first + i] = line[i]
                d_white_sd[k] += 2.0 * white_sd[k] * line[i]
                for j in range(i + 1):
                    by_lag[k, kind[first + j], abs(ti - time[first + j])] += line[j]
            for k in range(near_kind, far_kind + 1):
                for lag in range(max_lag):
                    s = by_lag[k, k, lag]
                    d_ar_sd[k] += 2.0 * ar_sd[k] * ar_power[k, lag] * s
                    if lag > 0:
                        d_ar_phi[k] += ar_sd[k] * ar_sd[k] * lag * ar_power[k, lag - 1] * s
                if domain >= 0:
                    for q in range(near_kind, far_kind + 1):
                        for lag in range(max_lag):
                            s = by_lag[k, q, lag]
                            d_domain_sd[k] += domain_sd[q] * domain_power[domain, lag] * s
                            d_domain_sd[q] += domain_sd[k] * domain_power[domain, lag] * s
                            if lag > 0:
                                c = lag * domain_power[domain, lag - 1] * s
                                d_domain_phi[domain] += domain_sd[k] * domain_sd[q] * c
    if not math.isfinite(value):
        value = -math.inf
    return (
        value, d_z, d_variance, d_offset, d_loading, d_m, d_factors,
        d_ar_sd, d_ar_phi, d_white_sd, d_domain_sd, d_domain_phi, d_low, d_high,
    )  # fmt: skip


@njit(nogil=True, cache=True)
def states(
    block_group, group_obs, group_domain, kind, time, row, state, weight, block_state, block_factor, block_column,
    graded, z, variance, offset, loading, m, factors, ar_sd, ar_phi, white_sd, domain_sd, domain_phi, low, high,
    n_year, share, noise,
):  # fmt: skip
    """Exact conditional moments of the states given the hyperparameters, and one draw of them.

    A block without columns is left out: its mean and draw are `m`, its covariances zero.
    `noise` are standard normals, one for every column of every block, in block order. Returns, for the n states in
    rows of n_year (an authority each): mean (n,), a draw (n,), the covariance of each authority's years
    (n / n_year, n_year, n_year), and its covariance with a weighted sum over all authorities, of which only those of
    its block matter (same shape: [a, t, u] = Cov(theta[a, t], sum over c of share[c, u] theta[c, u])).
    """
    n_block = block_group.size - 1
    max_lag = 1 + (time.max() - time.min() if time.size else 0)
    ar_power = powers(ar_phi, max_lag + 1)
    domain_power = powers(domain_phi, max_lag + 1)
    mean, draw = m.copy(), m.copy()
    n_unit = m.size // n_year
    own, shared = np.zeros((n_unit, n_year, n_year)), np.zeros((n_unit, n_year, n_year))
    groups, obs, group_size, width = largest(block_group, group_obs, block_state, block_column)
    size = max(width, group_size, groups, 3)
    work = np.empty((3, size, size))
    precision = np.empty((groups, group_size, group_size))
    residual, scaled = np.empty(obs), np.empty(obs)
    h, v, x = np.empty(width), np.empty(width), np.empty(width)
    hl, minv, theta_cov = np.empty((width, width)), np.empty((width, width)), np.empty((width, width))
    sat = np.empty((groups, width, group_size))
    tau, eta, d_low, d_high = np.zeros(low.size), np.zeros(low.size), np.zeros(low.size), np.zeros(low.size)
    at_noise = 0
    for b in range(n_block):
        first_state = block_state[b]
        n_state = block_state[b + 1] - first_state
        n_col = block_column[b]
        if n_col == 0:
            continue
        at = block_factor[b]
        factor = factors[at : at + n_state * n_col].reshape(n_state, n_col)
        reduce_block(
            b, block_group, group_obs, group_domain, graded, kind, time, row, state, weight,
            z, variance, offset, loading, m, first_state, n_state, factor, n_col,
            ar_sd, ar_power, white_sd, domain_sd, domain_power,
            precision, sat, residual, scaled, h, hl, minv, v, work,
        )  # fmt: skip
        condition_on_grades(
            b, block_group, group_obs, graded, kind, row, state, weight, offset, loading, m, first_state, factor, n_col,
            low, high, h, hl, minv, v, tau, eta, d_low, d_high, work,
        )  # fmt: skip
        state_moments(n_state, n_col, factor, minv, v, x, theta_cov, work)
        root = np.linalg.cholesky(minv[:n_col, :n_col].copy())
        wiggle = factor @ (root @ noise[at_noise : at_noise + n_col])
        at_noise += n_col
        for p in range(n_state):
            mean[first_state + p] += x[p]
            draw[first_state + p] += x[p] + wiggle[p]
        first_unit = first_state // n_year
        n_member = n_state // n_year
        for i in range(n_member):
            for t in range(n_year):
                for u in range(n_year):
                    own[first_unit + i, t, u] = theta_cov[i * n_year + t, i * n_year + u]
                    s = 0.0
                    for j in range(n_member):
                        s += share[first_state + j * n_year + u] * theta_cov[i * n_year + t, j * n_year + u]
                    shared[first_unit + i, t, u] = s
    return mean, draw, own, shared
