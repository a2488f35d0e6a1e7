"""Grades in the collapsed likelihood: expectation propagation over the inspections of a block, a block per lane.

An inspection judges t = W theta by a few judgements (items). A grade of an item has the probability
Phi(high - f) - Phi(low - f), low and high the cutpoints around it (an ordered probit) and

    f = o + psi t + e zeta,   zeta ~ N(0, 1)          e zeta the inspection's own effect, shared by its items

Each item gets a site exp(-tau f ** 2 / 2 + eta f). Given those, zeta integrates out of an inspection, which leaves one
site for t: with A, B, D the sums of tau e ** 2, tau psi e, tau psi ** 2 and P, Q those of (eta - tau o) times psi, e,

    tau = D - B ** 2 / (1 + A),   eta = P - Q B / (1 + A),   zeta | t ~ N((Q - B t) / (1 + A), 1 / (1 + A))

Given the indicators t ~ N(mean, cov) over the block's inspections, some one to five of them, so that fitting the sites
to convergence costs little beside the collapse, and the evidence's gradient needs no derivative of the sites. An
ordinal indicator's cell is an inspection of one item without an effect. Source: Minka 2001; Rasmussen and Williams
2006, section 3.6.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from bayes_csc.likelihood.kernel.compiled import part
from bayes_csc.likelihood.kernel.simd.cholesky import factorise
from bayes_csc.likelihood.kernel.simd.memory import get, put, view
from bayes_csc.likelihood.kernel.simd.special import erfcx, exp, log
from bayes_csc.likelihood.kernel.simd.vector import WIDTH, fma, larger, largest, size, splat, sqrt, where_positive

LOG_2PI = math.log(2.0 * math.pi)
NORMAL = 1.0 / math.sqrt(2.0 * math.pi)
ROOT_HALF = math.sqrt(0.5)
ENDLESS = 1e30
"""Stands for a cutpoint at infinity."""
EP_SWEEPS, EP_TOLERANCE = 60, 1e-10


class Sites(NamedTuple):
    """The grades of one block per lane: what they are given, and what is found; absent items have free grades."""

    mean: np.ndarray  # (inspection) of t, given the indicators
    tau: np.ndarray  # (inspection) of the site for t
    eta: np.ndarray
    post_mean: np.ndarray  # (inspection) of t, given indicators and grades
    pulled: np.ndarray  # (inspection) eta - tau E t
    cov: np.ndarray  # (inspection, inspection)
    post_cov: np.ndarray
    root: np.ndarray  # scratch
    shrink: np.ndarray  # T - T post_cov T
    low: np.ndarray  # (inspection, item) cutpoints; by_low, by_high: the evidence's derivatives by them
    high: np.ndarray
    by_low: np.ndarray
    by_high: np.ndarray
    item_tau: np.ndarray
    item_eta: np.ndarray
    offset: np.ndarray  # o
    loading: np.ndarray  # psi
    effect: np.ndarray  # e


class Pair(NamedTuple):
    """Mean and covariance of t and zeta of one inspection."""

    t: np.ndarray
    zeta: np.ndarray
    tt: np.ndarray
    tz: np.ndarray
    zz: np.ndarray


@part
def sites_size(n, m):
    """Numbers in the memory of n inspections of m items."""
    return (5 * n + 4 * n * n + 9 * n * m) * WIDTH


@part
def sites(buffer, at, n, m):
    """Lay the memory of n inspections of m items out, in the order of `Sites`."""
    row, square, items, w = n * WIDTH, n * n * WIDTH, n * m * WIDTH, WIDTH
    end = at + 5 * row
    item = end + 4 * square
    return Sites(
        view(buffer, at, (n, w)), view(buffer, at + row, (n, w)), view(buffer, at + 2 * row, (n, w)),
        view(buffer, at + 3 * row, (n, w)), view(buffer, at + 4 * row, (n, w)),
        view(buffer, end, (n, n, w)), view(buffer, end + square, (n, n, w)),
        view(buffer, end + 2 * square, (n, n, w)), view(buffer, end + 3 * square, (n, n, w)),
        view(buffer, item, (n, m, w)), view(buffer, item + items, (n, m, w)),
        view(buffer, item + 2 * items, (n, m, w)), view(buffer, item + 3 * items, (n, m, w)),
        view(buffer, item + 4 * items, (n, m, w)), view(buffer, item + 5 * items, (n, m, w)),
        view(buffer, item + 6 * items, (n, m, w)), view(buffer, item + 7 * items, (n, m, w)),
        view(buffer, item + 8 * items, (n, m, w)),
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
def cavity(tau, eta, mean, variance):
    """Take a site out of a Gaussian: its mean and variance without it."""
    v = variance / (1.0 - tau * variance)
    return mean + v * (tau * mean - eta), v


@part
def score(i, j, s, pair):
    """Moments of an item's f: mean, variance, and its covariances with t and zeta."""
    psi, e = get(s.loading, (i, j)), get(s.effect, (i, j))
    by_t, by_zeta = pair.tt * psi + pair.tz * e, pair.tz * psi + pair.zz * e
    mean = get(s.offset, (i, j)) + psi * pair.t + e * pair.zeta
    return mean, psi * by_t + e * by_zeta, by_t, by_zeta


@part
def moved_pair(i, j, s, pair, d_tau, d_eta):
    """Change the site of one item in the moments of t and zeta."""
    mean, variance, by_t, by_zeta = score(i, j, s, pair)
    inverse = 1.0 / (1.0 + d_tau * variance)
    shift, shrink = (d_eta - d_tau * mean) * inverse, d_tau * inverse
    return Pair(
        pair.t + by_t * shift, pair.zeta + by_zeta * shift, pair.tt - by_t * by_t * shrink,
        pair.tz - by_t * by_zeta * shrink, pair.zz - by_zeta * by_zeta * shrink,
    )  # fmt: skip


@part
def pair_without(i, m, s):
    """Moments of t and zeta of an inspection given the cavity of its t and its items' sites."""
    t, tt = cavity(get(s.tau, i), get(s.eta, i), get(s.post_mean, i), get(s.post_cov, (i, i)))
    pair = Pair(t, splat(0.0), tt, splat(0.0), splat(1.0))
    for j in range(m):
        pair = moved_pair(i, j, s, pair, get(s.item_tau, (i, j)), get(s.item_eta, (i, j)))
    return pair


@part
def sums(i, m, s):
    """A, B, D, P and Q of an inspection, and the sum of eta o - tau o ** 2 / 2."""
    a, b, d, p, q, constant = splat(0.0), splat(0.0), splat(0.0), splat(0.0), splat(0.0), splat(0.0)
    for j in range(m):
        tau, eta, o = get(s.item_tau, (i, j)), get(s.item_eta, (i, j)), get(s.offset, (i, j))
        psi, e, u = get(s.loading, (i, j)), get(s.effect, (i, j)), eta - tau * o
        a, b, d = a + tau * e * e, b + tau * psi * e, d + tau * psi * psi
        p, q, constant = p + u * psi, q + u * e, constant + o * (eta - 0.5 * tau * o)
    return a, b, d, p, q, constant


@part
def join_items(i, n, m, s):
    """Put the site for t that the items' sites make in place of the present one; return their constant."""
    a, b, d, p, q, constant = sums(i, m, s)
    inverse = 1.0 / (1.0 + a)
    tau, eta = larger(d - b * b * inverse, splat(0.0)), p - q * b * inverse
    absorb(i, n, tau - get(s.tau, i), eta - get(s.eta, i), s.post_mean, s.post_cov)
    put(s.tau, i, tau)
    put(s.eta, i, eta)
    return constant + 0.5 * (q * q * inverse - log(1.0 + a))


@part
def fit_items(i, m, s):
    """Refit the sites of an inspection's items once; return the largest change."""
    pair, moved = pair_without(i, m, s), splat(0.0)
    for j in range(m):
        tau, eta = get(s.item_tau, (i, j)), get(s.item_eta, (i, j))
        mean, variance, _, _ = score(i, j, s, pair)
        mean, v = cavity(tau, eta, mean, variance)
        _, _, slope, bend, _, _ = grade_probability(mean, v, get(s.low, (i, j)), get(s.high, (i, j)))
        inverse = 1.0 / (1.0 + v * bend)
        new_tau, new_eta = larger(splat(0.0) - bend * inverse, splat(0.0)), (slope - mean * bend) * inverse
        moved = larger(moved, larger(size(new_tau - tau), size(new_eta - eta)))
        pair = moved_pair(i, j, s, pair, new_tau - tau, new_eta - eta)
        put(s.item_tau, (i, j), new_tau)
        put(s.item_eta, (i, j), new_eta)
    return moved


@part
def item_evidence(i, m, s):
    """Fill an inspection's derivatives by the cutpoints; return what of its evidence is not its sites'."""
    pair, evidence = pair_without(i, m, s), splat(0.0)
    for j in range(m):
        tau, eta = get(s.item_tau, (i, j)), get(s.item_eta, (i, j))
        mean, variance, _, _ = score(i, j, s, pair)
        mean, v = cavity(tau, eta, mean, variance)
        z, shift, _, _, by_low, by_high = grade_probability(mean, v, get(s.low, (i, j)), get(s.high, (i, j)))
        put(s.by_low, (i, j), splat(0.0) - by_low)
        put(s.by_high, (i, j), by_high)
        u, wide = eta - tau * mean, 1.0 + v * tau
        evidence += log(z * sqrt(wide)) + shift - eta * mean + 0.5 * tau * mean * mean - 0.5 * u * u * v / wide
    return evidence


@part
def fit_sites(n, m, s):
    """Fit the sites of all items by expectation propagation; return what of the evidence is not the sites for t."""
    constant = splat(0.0)
    for _ in range(EP_SWEEPS):
        moved, constant = splat(0.0), splat(0.0)
        for i in range(n):
            moved = larger(moved, fit_items(i, m, s))
            constant += join_items(i, n, m, s)
        if largest(moved) < EP_TOLERANCE:
            break
    for i in range(n):
        constant += item_evidence(i, m, s)
    return constant


@part
def add_sites(n, m, s):
    """Add n inspections of m items to what is known of their t; return the log evidence that they add.

    Fills the sites, the moments of t, the evidence's derivatives by the cutpoints, and what the sites do to the states.
    """
    for i in range(n):
        put(s.tau, i, splat(0.0))
        put(s.eta, i, splat(0.0))
        for j in range(m):
            put(s.item_tau, (i, j), splat(0.0))
            put(s.item_eta, (i, j), splat(0.0))
        put(s.post_mean, i, get(s.mean, i))
        for j in range(n):
            put(s.post_cov, (i, j), get(s.cov, (i, j)))
    evidence = fit_sites(n, m, s)
    for i in range(n):
        tau, mean = get(s.tau, i), get(s.mean, i)
        put(s.pulled, i, get(s.eta, i) - tau * mean)
        evidence += mean * (get(s.eta, i) - 0.5 * tau * mean)
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


@part
def pair_given_all(i, m, s, level, spread):
    """Moments of t and zeta of an inspection given everything, those of t being `level` and `spread`."""
    a, b, _, _, q, _ = sums(i, m, s)
    inverse = 1.0 / (1.0 + a)
    back = b * inverse
    return Pair(level, (q - b * level) * inverse, spread, splat(0.0) - back * spread, inverse + back * back * spread)


@part
def item_gradient(i, j, s, pair):
    """Derivatives of the log evidence by an item's offset, loading and effect."""
    tau = get(s.item_tau, (i, j))
    mean, _, by_t, by_zeta = score(i, j, s, pair)
    u = get(s.item_eta, (i, j)) - tau * mean
    return u, u * pair.t - tau * by_t, u * pair.zeta - tau * by_zeta
