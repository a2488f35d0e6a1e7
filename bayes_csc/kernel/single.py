"""Authorities by themselves, eight at a time (one per lane).

Given the hyperparameters each indicator's series of one authority is

    z = o + lambda W theta + c D + a u + e,   u ~ unit AR(1),  D ~ the domain's unit AR(1),  e ~ N(0, w ** 2 + V)

with theta = m + L v, v ~ N(0, I). The inverse covariance of a unit AR(1) is tridiagonal, so that u integrates out of
a series of n years in O(n ** 2): with N = diag(1 / (w ** 2 + V)), zero where nothing was observed, and R the AR(1)'s
correlation matrix,

    P = (R^-1 + a ** 2 N)^-1,   S = N - a ** 2 N P N = (a ** 2 R + N^-1)^-1

Then D integrates out of its domain's series, K = (R^-1 + sum c ** 2 S)^-1, and v out of all (`bayes_csc.kernel`).
For the gradient P, K and Theta suffice (`single_gradient`).
"""

from __future__ import annotations

import math

import numpy as np

from bayes_csc.kernel.compiled import compiled
from bayes_csc.kernel.grades import grade_sites
from bayes_csc.kernel.lanes import WIDTH, fma, get, log, put, splat
from bayes_csc.kernel.triangular import PRODUCT, factorise, invert_root

LOG_2PI = math.log(2.0 * math.pi)


@compiled
def collapse_series(series, group, layout, real, memory):
    """Integrate u out of one indicator's series of each authority; add to H, h or to its domain; return log densities.

    Keeps N, the residuals, P and S r for `series_gradient`.
    """
    first = layout.series_slot[series]
    n = layout.series_slot[series + 1] - first
    k, domain = layout.series_kind[series], layout.series_domain[series]
    loading, phi = real.loading[k], real.ar_phi[k]
    a2, white = real.ar_sd[k] ** 2, real.white_sd[k] ** 2
    precision, residual, pivot, link = memory.precision, memory.residual, memory.pivot, memory.link
    cov = memory.cov[series]
    edge = 1.0 / (1.0 - phi * phi) if n > 1 else 1.0
    off = -phi * edge

    density, product, count = splat(0.0), splat(1.0), splat(0.0)
    nu, present = memory.line[0], memory.line[1]
    for t in range(n):
        at = first + t
        for lane in range(WIDTH):
            i = layout.single_cell[group, at, lane]
            seen = i >= 0
            nu[0, lane] = real.variance[i] + white if seen else 1.0
            present[0, lane] = 1.0 if seen else 0.0
            residual[at, lane] = real.z[i] - real.offset[i] if seen else 0.0
        p = layout.slot_state[at]
        fitted = layout.slot_weight[at, 0] * get(memory.mean, p)
        if layout.slot_weight[at, 1] != 0.0:
            fitted = fma(get(memory.mean, p + 1), layout.slot_weight[at, 1], fitted)
        there = get(present, 0)
        put(residual, at, get(residual, at) - there * fitted * loading)
        noise = get(nu, 0)
        info = there / noise
        put(precision, at, info)
        count += there
        inside = 1.0 if t == 0 or t == n - 1 else 1.0 + phi * phi
        d = fma(info, a2, splat(edge * inside))
        if t > 0:
            ell = off / get(pivot, at - 1)
            put(link, at, ell)
            d -= ell * off
        put(pivot, at, d)
        product *= d * noise
        if (t + 1) % PRODUCT == 0 or t == n - 1:
            density -= 0.5 * log(product)
            product = splat(1.0)
    density -= 0.5 * LOG_2PI * count + 0.5 * (n - 1) * math.log(1.0 - phi * phi)

    put(cov, (n - 1, n - 1), 1.0 / get(pivot, first + n - 1))
    for t in range(n - 2, -1, -1):
        ell = get(link, first + t + 1)
        for j in range(t + 1, n):
            c = splat(0.0) - ell * get(cov, (t + 1, j))
            put(cov, (t, j), c)
            put(cov, (j, t), c)
        put(cov, (t, t), 1.0 / get(pivot, first + t) - ell * get(cov, (t, t + 1)))

    low, high = layout.slot_state[first], 0
    for at in range(first, first + n):
        low = min(low, layout.slot_state[at])
        high = max(high, layout.slot_state[at] + (2 if layout.slot_weight[at, 1] != 0.0 else 1))
    line = memory.line[0]
    c = real.domain_sd[k]
    for i in range(n):
        info = get(precision, first + i)
        for q in range(low, high):
            put(line, q, splat(0.0))
        pulled = splat(0.0)
        for j in range(n):
            at = first + j
            s = get(cov, (i, j)) * get(precision, at) * info * (-a2)
            if i == j:
                s += info
            pulled = fma(s, get(residual, at), pulled)
            q = layout.slot_state[at]
            put(line, q, fma(s, layout.slot_weight[at, 0], get(line, q)))
            if layout.slot_weight[at, 1] != 0.0:
                put(line, q + 1, fma(s, layout.slot_weight[at, 1], get(line, q + 1)))
            if domain >= 0:
                place = (layout.slot_year[first + i], layout.slot_year[at])
                put(memory.domain_cov[domain], place, fma(s, c * c, get(memory.domain_cov[domain], place)))
        put(memory.scaled, first + i, pulled)
        density -= 0.5 * pulled * get(residual, first + i)
        p, weight = layout.slot_state[first + i], layout.slot_weight[first + i, 0] * loading
        put(memory.h, p, fma(pulled, weight, get(memory.h, p)))
        for q in range(low, high):
            put(memory.big_h, (p, q), fma(get(line, q), weight * loading, get(memory.big_h, (p, q))))
        weight = layout.slot_weight[first + i, 1] * loading
        if weight != 0.0:
            put(memory.h, p + 1, fma(pulled, weight, get(memory.h, p + 1)))
            for q in range(low, high):
                put(memory.big_h, (p + 1, q), fma(get(line, q), weight * loading, get(memory.big_h, (p + 1, q))))
        if domain >= 0:
            y = layout.slot_year[first + i]
            put(memory.domain_pull[domain], y, fma(pulled, c, get(memory.domain_pull[domain], y)))
            for q in range(low, high):
                to = (y, q)
                put(
                    memory.domain_state[domain],
                    to,
                    fma(get(line, q), c * loading, get(memory.domain_state[domain], to)),
                )
    return density


@compiled
def collapse_domain(domain, layout, real, memory, n_state):
    """Integrate one domain's path out; leave K, J = K (sum c lambda S W) and K f; return log densities."""
    n, phi = layout.domain_years[domain], real.domain_phi[domain]
    if n == 0:
        return splat(0.0)
    cov, state, pull = memory.domain_cov[domain], memory.domain_state[domain], memory.domain_pull[domain]
    root, joint = memory.a, memory.b
    edge = 1.0 / (1.0 - phi * phi) if n > 1 else 1.0
    for i in range(n):
        for j in range(i, n):
            put(root, (i, j), get(cov, (i, j)))
        inside = 1.0 if i == 0 or i == n - 1 else 1.0 + phi * phi
        put(root, (i, i), get(root, (i, i)) + edge * inside)
        if i + 1 < n:
            put(root, (i, i + 1), get(root, (i, i + 1)) - phi * edge)
    density = -0.5 * factorise(root, n) - 0.5 * (n - 1) * math.log(1.0 - phi * phi)
    invert_root(root, n)
    for i in range(n):  # K = U^-1 U^-T
        for j in range(i, n):
            s = splat(0.0)
            for k in range(j, n):
                s = fma(get(root, (i, k)), get(root, (j, k)), s)
            put(cov, (i, j), s)
            put(cov, (j, i), s)
    for i in range(n):
        s = splat(0.0)
        for j in range(n):
            s = fma(get(cov, (i, j)), get(pull, j), s)
        put(memory.line[0], i, s)
        for q in range(n_state):
            s = splat(0.0)
            for j in range(n):
                s = fma(get(cov, (i, j)), get(state, (j, q)), s)
            put(joint, (i, q), s)
    for q in range(n_state):
        s = splat(0.0)
        for i in range(n):
            s = fma(get(state, (i, q)), get(memory.line[0], i), s)
        put(memory.h, q, get(memory.h, q) - s)
        for p in range(q, n_state):
            s = splat(0.0)
            for i in range(n):
                s = fma(get(state, (i, q)), get(joint, (i, p)), s)
            put(memory.big_h, (q, p), get(memory.big_h, (q, p)) - s)
            if p > q:
                put(memory.big_h, (p, q), get(memory.big_h, (q, p)))
    for i in range(n):
        density += 0.5 * get(pull, i) * get(memory.line[0], i)
        put(pull, i, get(memory.line[0], i))
        for q in range(n_state):
            put(state, (i, q), get(joint, (i, q)))
    return density


@compiled
def collapse_states(factor, memory):
    """Integrate the states out of H and h; leave Theta, x, U^-1 and the moments of v; return log densities."""
    n_state, n_col = factor.shape
    for p in range(n_state):
        for c in range(n_col):
            s = splat(0.0)
            for q in range(n_state):
                s = fma(get(memory.big_h, (p, q)), factor[q, c], s)
            put(memory.hl, (p, c), s)
    for c in range(n_col):
        for d in range(c, n_col):
            s = splat(1.0 if c == d else 0.0)
            for p in range(n_state):
                s = fma(get(memory.hl, (p, d)), factor[p, c], s)
            put(memory.root, (c, d), s)
    density = -0.5 * factorise(memory.root, n_col)
    invert_root(memory.root, n_col)
    for p in range(n_state):
        for c in range(n_col):
            s = splat(0.0)
            for d in range(c + 1):
                s = fma(get(memory.root, (d, c)), factor[p, d], s)
            put(memory.y, (p, c), s)
    for c in range(n_col):
        s = splat(0.0)
        for p in range(n_state):
            s = fma(get(memory.y, (p, c)), get(memory.h, p), s)
        put(memory.yh, c, s)
        density += 0.5 * s * s
    for c in range(n_col):
        s, spread = splat(0.0), splat(0.0)
        for d in range(c, n_col):
            u = get(memory.root, (c, d))
            s = fma(u, get(memory.yh, d), s)
            spread = fma(u, u, spread)
        put(memory.v, c, s)
        put(memory.v_var, c, spread)
    for p in range(n_state):
        s = splat(0.0)
        for c in range(n_col):
            s = fma(get(memory.y, (p, c)), get(memory.yh, c), s)
        put(memory.x, p, s)
        for q in range(p, n_state):
            s = splat(0.0)
            for c in range(n_col):
                s = fma(get(memory.y, (p, c)), get(memory.y, (q, c)), s)
            put(memory.theta, (p, q), s)
            put(memory.theta, (q, p), s)
    return density


@compiled
def condition_on_grades(group, layout, real, memory, n_state, n_col, slope_low, slope_high):
    """Add the grades by expectation propagation; update Theta, x and the moments of v; return evidences."""
    most = layout.single_grade.shape[1]
    evidence = memory.line[0]
    put(evidence, 0, splat(0.0))
    used = 0
    for lane in range(WIDTH):
        n = 0
        while n < most and layout.single_grade[group, n, lane] >= 0:
            n += 1
        used = max(used, n)
    for j in range(used):
        put(memory.shift, j, splat(0.0))
        for i in range(used):
            put(memory.shrink, (i, j), splat(0.0))
        for p in range(n_state):
            put(memory.pull, (j, p), splat(0.0))
        for c in range(n_col):
            put(memory.beta, (j, c), splat(0.0))
    for lane in range(WIDTH):
        n = 0
        while n < most and layout.single_grade[group, n, lane] >= 0:
            n += 1
        if n == 0:
            continue
        mean, cov, post_mean, post_cov = np.empty(n), np.empty((n, n)), np.empty(n), np.empty((n, n))
        low, high, tau, eta = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
        d_low, d_high = np.empty(n), np.empty(n)
        for j in range(n):
            i = layout.single_grade[group, j, lane]
            psi, at = real.loading[layout.kind[i]], layout.graded[i]
            low[j], high[j] = real.low[at], real.high[at]
            mean[j] = real.offset[i]
            for e in range(layout.row[i], layout.row[i + 1]):
                p, b = layout.state[e], psi * layout.weight[e]
                mean[j] += b * (memory.mean[p, lane] + memory.x[p, lane])
                for q in range(n_state):
                    memory.pull[j, q, lane] += b * memory.theta[p, q, lane]
                for c in range(n_col):
                    memory.beta[j, c, lane] += b * memory.y[p, c, lane]
        for j in range(n):
            i = layout.single_grade[group, j, lane]
            psi = real.loading[layout.kind[i]]
            for f in range(n):
                s = 0.0
                for e in range(layout.row[i], layout.row[i + 1]):
                    s += psi * layout.weight[e] * memory.pull[f, layout.state[e], lane]
                cov[f, j] = s
        evidence[0, lane] = grade_sites(n, mean, cov, low, high, tau, eta, post_mean, post_cov, d_low, d_high)
        for j in range(n):
            at = layout.graded[layout.single_grade[group, j, lane]]
            slope_low[at], slope_high[at] = d_low[j], d_high[j]
            memory.site[j, 0, lane], memory.site[j, 1, lane] = tau[j], eta[j]
            s = eta[j] - tau[j] * mean[j]
            for f in range(n):
                s -= tau[j] * post_cov[j, f] * (eta[f] - tau[f] * mean[f])
                memory.shrink[j, f, lane] = (tau[j] if j == f else 0.0) - tau[j] * post_cov[j, f] * tau[f]
            memory.shift[j, lane] = s
    for j in range(used):  # from Cov(Y's v, f) to Cov(v, f): up to here beta is Y'b
        for c in range(n_col):
            s = splat(0.0)
            for d in range(c, n_col):
                s = fma(get(memory.root, (c, d)), get(memory.beta, (j, d)), s)
            put(memory.beta, (j, c), s)
    for j in range(used):
        s = get(memory.shift, j)
        for p in range(n_state):
            put(memory.x, p, fma(get(memory.pull, (j, p)), s, get(memory.x, p)))
        for c in range(n_col):
            put(memory.v, c, fma(get(memory.beta, (j, c)), s, get(memory.v, c)))
        for c in range(n_col):
            s = splat(0.0)
            for f in range(used):
                s = fma(get(memory.shrink, (j, f)), get(memory.beta, (f, c)), s)
            put(memory.v_var, c, get(memory.v_var, c) - s * get(memory.beta, (j, c)))
        for p in range(n_state):
            s = splat(0.0)
            for f in range(used):
                s = fma(get(memory.shrink, (j, f)), get(memory.pull, (f, p)), s)
            put(memory.line[1], p, s)
        for p in range(n_state):
            s = get(memory.pull, (j, p))
            for q in range(n_state):
                put(memory.theta, (p, q), get(memory.theta, (p, q)) - s * get(memory.line[1], q))
    return get(evidence, 0)


@compiled
def collapse_group(group, layout, real, factor, memory, slope_low, slope_high):
    """Collapse one group of authorities; leave the posterior of their states; return their log densities."""
    n_state, n_col = factor.shape
    for p in range(n_state):
        put(memory.h, p, splat(0.0))
        for q in range(n_state):
            put(memory.big_h, (p, q), splat(0.0))
        for lane in range(WIDTH):
            b = layout.single_block[group, lane]
            memory.mean[p, lane] = real.mean[layout.block_state[b] + p] if b >= 0 else 0.0
    for d in range(layout.domain_years.size):
        for i in range(layout.domain_years[d]):
            put(memory.domain_pull[d], i, splat(0.0))
            for j in range(layout.domain_years[d]):
                put(memory.domain_cov[d], (i, j), splat(0.0))
            for q in range(n_state):
                put(memory.domain_state[d], (i, q), splat(0.0))
    density = splat(0.0)
    for series in range(layout.series_kind.size):
        density += collapse_series(series, group, layout, real, memory)
    for d in range(layout.domain_years.size):
        density += collapse_domain(d, layout, real, memory, n_state)
    density += collapse_states(factor, memory)
    return density + condition_on_grades(group, layout, real, memory, n_state, n_col, slope_low, slope_high)
