"""Grades in the collapsed likelihood: expectation propagation over the few judgements of a block.

A grade of score s has the probability Phi(high - f) - Phi(low - f), f = o + A theta its latent score and low and high
the cutpoints around s (an ordered probit). Given the indicators f ~ N(mean, cov) over the block's judgements, some one
to five of them, so that fitting their sites exp(-tau f ** 2 / 2 + eta f) to convergence costs next to nothing
beside the collapse, and the evidence's gradient needs no derivative of the sites. Source: Minka 2001; Rasmussen and
Williams 2006, section 3.6.
"""

from __future__ import annotations

import math

import numpy as np

from bayes_csc.kernel.compiled import compiled

LOG_2PI = math.log(2.0 * math.pi)
SQRT_2 = math.sqrt(2.0)
EP_SWEEPS, EP_TOLERANCE = 60, 1e-10


@compiled
def log_normal_cdf(x):
    """Log Phi(x), by a continued fraction in the far lower tail (Abramowitz and Stegun 26.2.14)."""
    if x > -6.0:
        return math.log(0.5 * math.erfc(-x / SQRT_2))
    t = -x
    c = t
    for k in range(24, 0, -1):
        c = t + k / c
    return -0.5 * x * x - 0.5 * LOG_2PI - math.log(c)


@compiled
def grade_probability(mean, variance, low, high):
    """Log Z of a grade under f ~ N(mean, variance), its first two derivatives by the mean, and those by low, high."""
    s = math.sqrt(1.0 + variance)
    a, b = (low - mean) / s, (high - mean) / s
    if a + b > 0.0:
        upper, lower = log_normal_cdf(-a), log_normal_cdf(-b) if b < math.inf else -math.inf
    else:
        upper, lower = log_normal_cdf(b), log_normal_cdf(a) if a > -math.inf else -math.inf
    log_z = upper + math.log1p(-math.exp(lower - upper)) if lower > -math.inf else upper
    at_low = math.exp(-0.5 * a * a - 0.5 * LOG_2PI - log_z) if a > -math.inf else 0.0
    at_high = math.exp(-0.5 * b * b - 0.5 * LOG_2PI - log_z) if b < math.inf else 0.0
    slope = (at_low - at_high) / s
    bend = ((a * at_low if at_low > 0.0 else 0.0) - (b * at_high if at_high > 0.0 else 0.0)) / (s * s) - slope * slope
    return log_z, slope, bend, -at_low / s, at_high / s


@compiled
def grade_sites(n, mean, cov, low, high, tau, eta, post_mean, post_cov, d_low, d_high):
    """Fit EP sites to n grades with f ~ N(mean, cov) before them; return the log evidence that they add.

    Fills the sites (tau, eta), the posterior moments of f and the evidence's derivatives by the cutpoints.
    """
    for i in range(n):
        tau[i] = 0.0
        eta[i] = 0.0
        post_mean[i] = mean[i]
        for j in range(n):
            post_cov[i, j] = cov[i, j]
    for _ in range(EP_SWEEPS):
        moved = 0.0
        for i in range(n):
            v = post_cov[i, i] / (1.0 - tau[i] * post_cov[i, i])
            m = post_mean[i] + v * (tau[i] * post_mean[i] - eta[i])
            _, slope, bend, _, _ = grade_probability(m, v, low[i], high[i])
            new_tau = max(-bend / (1.0 + v * bend), 0.0)
            new_eta = (slope - m * bend) / (1.0 + v * bend)
            d_tau, d_eta = new_tau - tau[i], new_eta - eta[i]
            moved = max(moved, abs(d_tau), abs(d_eta))
            tau[i], eta[i] = new_tau, new_eta
            scale = d_tau / (1.0 + d_tau * post_cov[i, i])
            shift = (d_eta - d_tau * post_mean[i]) / (1.0 + d_tau * post_cov[i, i])
            for j in range(n):
                post_mean[j] += post_cov[j, i] * shift
            for j in range(n):
                if j != i:
                    c = scale * post_cov[j, i]
                    for q in range(n):
                        if q != i:
                            post_cov[j, q] -= c * post_cov[i, q]
            c = 1.0 - scale * post_cov[i, i]
            for j in range(n):
                if j != i:
                    post_cov[i, j] *= c
                    post_cov[j, i] = post_cov[i, j]
            post_cov[i, i] *= c
        if moved < EP_TOLERANCE:
            break
    evidence = 0.0
    for i in range(n):
        v = post_cov[i, i] / (1.0 - tau[i] * post_cov[i, i])
        m = post_mean[i] + v * (tau[i] * post_mean[i] - eta[i])
        log_z, _, _, d_low[i], d_high[i] = grade_probability(m, v, low[i], high[i])
        u = eta[i] - tau[i] * m
        evidence += log_z - eta[i] * m + 0.5 * tau[i] * m * m
        evidence += 0.5 * math.log1p(v * tau[i]) - 0.5 * u * u * v / (1.0 + v * tau[i])
        u = eta[i] - tau[i] * mean[i]
        evidence += eta[i] * mean[i] - 0.5 * tau[i] * mean[i] * mean[i]
        for j in range(n):
            evidence += 0.5 * u * post_cov[i, j] * (eta[j] - tau[j] * mean[j])
    return evidence - 0.5 * log_det_plus(n, cov, tau)


@compiled
def log_det_plus(n, cov, tau):
    """Log |I + T^1/2 cov T^1/2|, T = diag(tau)."""
    a = np.empty((n, n))
    total = 0.0
    for j in range(n):
        for i in range(j, n):
            s = (1.0 if i == j else 0.0) + math.sqrt(tau[i] * tau[j]) * cov[i, j]
            for p in range(j):
                s -= a[i, p] * a[j, p]
            a[i, j] = math.sqrt(s) if i == j else s / a[j, j]
        total += 2.0 * math.log(a[j, j])
    return total


@compiled
def condition_on_grades(index, layout, real, factor, memory, slope_low, slope_high):
    """Add a block's grades to its collapse, by EP; update M^-1 and v in place; return their evidence."""
    n, n_col = 0, factor.shape[1]
    first_state = layout.block_state[layout.block[index]]
    minv, v, row, state, weight = memory.minv, memory.v, layout.row, layout.state, layout.weight
    beta, b, mean, post_mean, u = (
        memory.work[0],
        memory.work[1],
        memory.work[2, 0],
        memory.work[2, 1],
        memory.work[2, 2],
    )
    for g in range(layout.block_group[index, 0], layout.block_group[index, 1]):
        i = layout.group_obs[g]
        if layout.graded[i] < 0:
            continue
        psi = real.loading[layout.kind[i]]
        s = real.offset[i]
        for c in range(n_col):
            b[n, c] = 0.0
        for e in range(row[i], row[i + 1]):
            a = psi * weight[e]
            s += a * real.mean[first_state + state[e]]
            for c in range(n_col):
                b[n, c] += a * factor[state[e], c]
        for c in range(n_col):
            s += b[n, c] * v[c]
            t = 0.0
            for d in range(n_col):
                t += minv[c, d] * b[n, d]
            beta[n, c] = t
        mean[n] = s
        n += 1
    if n == 0:
        return 0.0
    cov, post_cov, cut_low, cut_high, site_tau, site_eta = (
        np.empty((n, n)), np.empty((n, n)), np.empty(n), np.empty(n), np.empty(n), np.empty(n),
    )  # fmt: skip
    by_low, by_high = np.empty(n), np.empty(n)
    at = 0
    for g in range(layout.block_group[index, 0], layout.block_group[index, 1]):
        k = layout.graded[layout.group_obs[g]]
        if k >= 0:
            cut_low[at], cut_high[at] = real.low[k], real.high[k]
            at += 1
    for i in range(n):
        for j in range(n):
            s = 0.0
            for c in range(n_col):
                s += b[i, c] * beta[j, c]
            cov[i, j] = s
    evidence = grade_sites(n, mean, cov, cut_low, cut_high, site_tau, site_eta, post_mean, post_cov, by_low, by_high)
    for i in range(n):
        u[i] = site_eta[i] - site_tau[i] * mean[i]
    for i in range(n):
        s = u[i]
        for j in range(n):
            s -= site_tau[i] * post_cov[i, j] * u[j]
        for c in range(n_col):
            v[c] += beta[i, c] * s
        for j in range(n):
            r = (site_tau[i] if i == j else 0.0) - site_tau[i] * post_cov[i, j] * site_tau[j]
            for c in range(n_col):
                for d in range(n_col):
                    minv[c, d] -= r * beta[i, c] * beta[j, d]
    at = 0
    for g in range(layout.block_group[index, 0], layout.block_group[index, 1]):
        k = layout.graded[layout.group_obs[g]]
        if k >= 0:
            memory.tau[k], memory.eta[k], slope_low[k], slope_high[k] = (
                site_tau[at], site_eta[at], by_low[at], by_high[at],
            )  # fmt: skip
            at += 1
    return evidence
