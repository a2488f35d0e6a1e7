"""The deviations that the indicators of a domain have in common: an AR(1) path D per domain and authority.

Given its series, with f = sum c S r, F = sum c lambda S W and R the path's correlation matrix,

    K = (R^-1 + sum c ** 2 S)^-1,   J = K F,   h -= F'K f,   H -= F'J
    E[D | z] = K f - J x,   Cov(D, theta | z) = -J Theta,   Cov(D | z) = K + J Theta J'
"""

from __future__ import annotations

import math

from bayes_csc.kernel.access import get, put
from bayes_csc.kernel.compiled import part
from bayes_csc.kernel.lanes import fma, splat
from bayes_csc.kernel.triangular import factorise, invert_root


@part
def clear_domain(n, cov, state, pull, n_state):
    """Forget the group before."""
    for i in range(n):
        put(pull, i, splat(0.0))
        for j in range(n):
            put(cov, (i, j), splat(0.0))
        for q in range(n_state):
            put(state, (i, q), splat(0.0))


@part
def collapse_domain(n, phi, cov, state, pull, h, big_h, n_state, root, joint, line):
    """Integrate one domain's path out; leave K, J and K f; return log densities."""
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
    for i in range(n):  # G = U^-T F and U^-T f; then H -= G'G, and K, J and K f by U^-1
        s = splat(0.0)
        for j in range(i + 1):
            s = fma(get(root, (j, i)), get(pull, j), s)
        put(line, i, s)
        density += 0.5 * s * s
        for q in range(n_state):
            s = splat(0.0)
            for j in range(i + 1):
                s = fma(get(root, (j, i)), get(state, (j, q)), s)
            put(joint, (i, q), s)
    for q in range(n_state):
        s = get(h, q)
        for i in range(n):
            s -= get(joint, (i, q)) * get(line, i)
        put(h, q, s)
        for p in range(q, n_state):
            s = get(big_h, (q, p))
            for i in range(n):
                s -= get(joint, (i, q)) * get(joint, (i, p))
            put(big_h, (q, p), s)
    for i in range(n):
        s = splat(0.0)
        for k in range(i, n):
            s = fma(get(root, (i, k)), get(line, k), s)
        put(pull, i, s)
        for j in range(i, n):
            s = splat(0.0)
            for k in range(j, n):
                s = fma(get(root, (i, k)), get(root, (j, k)), s)
            put(cov, (i, j), s)
        for q in range(n_state):
            s = splat(0.0)
            for k in range(i, n):
                s = fma(get(root, (i, k)), get(joint, (k, q)), s)
            put(state, (i, q), s)
    return density


@part
def domain_posterior(n, cov, state, pull, x, theta, n_state, across):
    """Replace K, J and K f by the posterior of the domain's path D: Cov(D), Cov(D, theta), E[D]."""
    for i in range(n):
        s = get(pull, i)
        for q in range(n_state):
            s -= get(state, (i, q)) * get(x, q)
        put(pull, i, s)
        for q in range(n_state):
            s = splat(0.0)
            for p in range(n_state):
                s -= get(state, (i, p)) * get(theta, (p, q))
            put(across, (i, q), s)
    for i in range(n):
        for j in range(i, n):
            s = get(cov, (i, j))
            for q in range(n_state):
                s -= get(across, (i, q)) * get(state, (j, q))
            put(cov, (i, j), s)
    for i in range(n):
        for q in range(n_state):
            put(state, (i, q), get(across, (i, q)))


@part
def path_gradient(n, phi, square, inner, product):
    """Derivative of an AR(1)'s log density by phi, from sums of the second moments of its n values.

    Of all squares, of those inside, and of the products of neighbours.
    """
    if n == 1:
        return splat(0.0)
    q = 1.0 / (1.0 - phi * phi)
    s = square + inner * (phi * phi) - product * (2.0 * phi)
    return (n - 1) * phi * q - s * (phi * q * q) - (inner * phi - product) * q


@part
def domain_gradient(n, phi, cov, mean):
    """Derivative of the log densities by the autocorrelation of a domain's path."""
    square, inner, product = splat(0.0), splat(0.0), splat(0.0)
    for i in range(n):
        second = fma(get(mean, i), get(mean, i), get(cov, (i, i)))
        square += second
        if i > 0 and i < n - 1:
            inner += second
        if i + 1 < n:
            product += fma(get(mean, i), get(mean, i + 1), get(cov, (i, i + 1)))
    return path_gradient(n, phi, square, inner, product)
