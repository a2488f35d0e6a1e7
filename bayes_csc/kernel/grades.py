"""Grades in the collapsed likelihood: expectation propagation over the few judgements of a block, a block per lane.

A grade of score s has the probability Phi(high - f) - Phi(low - f), f = o + A theta its latent score and low and high
the cutpoints around s (an ordered probit). Given the indicators f ~ N(mean, cov) over the block's judgements, some one
to five of them, so that fitting their sites exp(-tau f ** 2 / 2 + eta f) to convergence costs next to nothing
beside the collapse, and the evidence's gradient needs no derivative of the sites. Source: Minka 2001; Rasmussen and
Williams 2006, section 3.6.

A judgement with a score of its own, z = f + N(0, nu), is a site too, and a known one: tau = 1 / nu, eta = z / nu.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from bayes_csc.kernel.access import get, put, view
from bayes_csc.kernel.compiled import part
from bayes_csc.kernel.lanes import WIDTH, fma, larger, largest, size, splat, sqrt, where_positive
from bayes_csc.kernel.special import erfcx, exp, log
from bayes_csc.kernel.triangular import factorise

LOG_2PI = math.log(2.0 * math.pi)
NORMAL = 1.0 / math.sqrt(2.0 * math.pi)
ROOT_HALF = math.sqrt(0.5)
ENDLESS = 1e30
"""Stands for a cutpoint at infinity."""
EP_SWEEPS, EP_TOLERANCE = 60, 1e-10


class Sites(NamedTuple):
    """The grades of one block per lane: what they are given, and what is found; empty lanes have free grades."""

    mean: np.ndarray  # (grade) of f, given the indicators
    cov: np.ndarray  # (grade, grade)
    low: np.ndarray  # (grade) cutpoints; by_low, by_high: the evidence's derivatives by them
    high: np.ndarray
    by_low: np.ndarray
    by_high: np.ndarray
    tau: np.ndarray  # (grade)
    eta: np.ndarray
    post_mean: np.ndarray  # (grade) of f, given indicators and grades
    post_cov: np.ndarray  # (grade, grade)
    root: np.ndarray  # (grade, grade) scratch
    pulled: np.ndarray  # (grade) eta - tau E f
    shrink: np.ndarray  # (grade, grade) T - T post_cov T


@part
def sites_size(n):
    """Numbers in the memory of n grades."""
    return (9 * n + 4 * n * n) * WIDTH


@part
def sites(buffer, at, n):
    """Lay the memory of n grades out."""
    row, square = n * WIDTH, n * n * WIDTH
    end = at + 9 * row
    return Sites(
        view(buffer, at, (n, WIDTH)), view(buffer, end, (n, n, WIDTH)), view(buffer, at + row, (n, WIDTH)),
        view(buffer, at + 2 * row, (n, WIDTH)), view(buffer, at + 3 * row, (n, WIDTH)),
        view(buffer, at + 4 * row, (n, WIDTH)), view(buffer, at + 5 * row, (n, WIDTH)),
        view(buffer, at + 6 * row, (n, WIDTH)), view(buffer, at + 7 * row, (n, WIDTH)),
        view(buffer, end + square, (n, n, WIDTH)), view(buffer, end + 2 * square, (n, n, WIDTH)),
        view(buffer, at + 8 * row, (n, WIDTH)), view(buffer, end + 3 * square, (n, n, WIDTH)),
    )  # fmt: skip


@part
def grade_probability(mean, variance, low, high):
    """Z of a grade under f ~ N(mean, variance) as Z exp(shift), and slope and bend of log Z by the mean.

    And phi(a) / Z and phi(b) / Z over sd(f + e), a and b the cutpoints in sds. Taken in the upper tail, by symmetry:
    there b >= |a|, and Z is written by what phi(a) leaves of it unless a < 0.
    """
    inverse = 1.0 / sqrt(variance + 1.0)
    a, b = (low - mean) * inverse, (high - mean) * inverse
    up = a + b
    near, far = where_positive(up, a, splat(0.0) - b), where_positive(up, b, splat(0.0) - a)
    p, q = size(near), larger(far, splat(0.0))
    at_near, ratio = exp(p * p * (-0.5)), exp((p - q) * (p + q) * 0.5)
    tail_near, tail_far = erfcx(p * ROOT_HALF), ratio * erfcx(q * ROOT_HALF)
    z = where_positive(near, 0.5 * (tail_near - tail_far), 1.0 - 0.5 * at_near * (tail_near + tail_far))
    shift = where_positive(near, p * p * (-0.5), splat(0.0))
    density = where_positive(near, splat(1.0), at_near) / z * NORMAL
    other = density * ratio
    slope = (density - other) * inverse
    slope = where_positive(up, slope, splat(0.0) - slope)
    bend = (near * density - far * other) * inverse * inverse - slope * slope
    by_low, by_high = where_positive(up, density, other) * inverse, where_positive(up, other, density) * inverse
    return z, shift, slope, bend, by_low, by_high


@part
def absorb(i, n, d_tau, d_eta, mean, cov):
    """Change the site of one grade in the moments of f."""
    own = get(cov, (i, i))
    inverse = 1.0 / (1.0 + d_tau * own)
    shift, scale = (d_eta - d_tau * get(mean, i)) * inverse, d_tau * inverse
    for j in range(n):
        put(mean, j, fma(get(cov, (i, j)), shift, get(mean, j)))
    for j in range(n):
        if j != i:
            c = scale * get(cov, (i, j))
            for q in range(n):
                if q != i:
                    put(cov, (j, q), get(cov, (j, q)) - c * get(cov, (i, q)))
    c = 1.0 - scale * own
    for j in range(n):
        put(cov, (i, j), get(cov, (i, j)) * c)
        put(cov, (j, i), get(cov, (i, j)))


@part
def fit_sites(n, s):
    """Fit the sites of n grades by expectation propagation; return the part of the evidence that is theirs alone."""
    for _ in range(EP_SWEEPS):
        moved = splat(0.0)
        for i in range(n):
            tau, eta, own, centre = get(s.tau, i), get(s.eta, i), get(s.post_cov, (i, i)), get(s.post_mean, i)
            v = own / (1.0 - tau * own)
            m = centre + v * (tau * centre - eta)
            _, _, slope, bend, _, _ = grade_probability(m, v, get(s.low, i), get(s.high, i))
            inverse = 1.0 / (1.0 + v * bend)
            new_tau, new_eta = larger(splat(0.0) - bend * inverse, splat(0.0)), (slope - m * bend) * inverse
            moved = larger(moved, larger(size(new_tau - tau), size(new_eta - eta)))
            put(s.tau, i, new_tau)
            put(s.eta, i, new_eta)
            absorb(i, n, new_tau - tau, new_eta - eta, s.post_mean, s.post_cov)
        if largest(moved) < EP_TOLERANCE:
            break
    evidence = splat(0.0)
    for i in range(n):
        tau, eta, own, centre = get(s.tau, i), get(s.eta, i), get(s.post_cov, (i, i)), get(s.post_mean, i)
        v = own / (1.0 - tau * own)
        m = centre + v * (tau * centre - eta)
        z, shift, _, _, by_low, by_high = grade_probability(m, v, get(s.low, i), get(s.high, i))
        put(s.by_low, i, splat(0.0) - by_low)
        put(s.by_high, i, by_high)
        u, wide = eta - tau * m, 1.0 + v * tau
        evidence += log(z * sqrt(wide)) + shift - eta * m + 0.5 * tau * m * m - 0.5 * u * u * v / wide
    return evidence


@part
def known_sites(n, s):
    """Take the sites of n judgements as they are; return the part of the evidence that is theirs alone."""
    evidence = splat(0.0)
    for i in range(n):
        tau, eta = get(s.tau, i), get(s.eta, i)
        absorb(i, n, tau, eta, s.post_mean, s.post_cov)
        nu = 1.0 / where_positive(tau, tau, splat(1.0))
        evidence -= where_positive(tau, 0.5 * (log(nu) + LOG_2PI + eta * eta * nu), splat(0.0))
    return evidence


@part
def add_sites(n, fitted, s):
    """Add n grades to what is known of their scores; return the log evidence that they add.

    With `fitted` by expectation propagation; otherwise tau and eta are given. Fills the sites, the moments of f, the
    evidence's derivatives by the cutpoints, and what the sites do to the states.
    """
    for i in range(n):
        if fitted:
            put(s.tau, i, splat(0.0))
            put(s.eta, i, splat(0.0))
        put(s.post_mean, i, get(s.mean, i))
        for j in range(n):
            put(s.post_cov, (i, j), get(s.cov, (i, j)))
    evidence = fit_sites(n, s) if fitted else known_sites(n, s)
    for i in range(n):
        tau, m = get(s.tau, i), get(s.mean, i)
        u = get(s.eta, i) - tau * m
        put(s.pulled, i, u)
        evidence += get(s.eta, i) * m - 0.5 * tau * m * m
        for j in range(i, n):
            c = splat(1.0 if i == j else 0.0) + sqrt(tau * get(s.tau, j)) * get(s.cov, (i, j))
            put(s.root, (i, j), c)
    evidence -= 0.5 * factorise(s.root, n)
    for i in range(n):
        tau, u = get(s.tau, i), splat(0.0)
        for j in range(n):
            c = get(s.post_cov, (i, j))
            u = fma(c, get(s.pulled, j), u)
            put(s.shrink, (i, j), (tau if i == j else splat(0.0)) - tau * c * get(s.tau, j))
        put(s.post_mean, i, u)
        evidence += 0.5 * get(s.pulled, i) * u
    for i in range(n):
        put(s.pulled, i, get(s.pulled, i) - get(s.tau, i) * get(s.post_mean, i))
    return evidence
