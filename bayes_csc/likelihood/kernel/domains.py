"""The deviations that the indicators of a domain have in common: a path D per domain and authority, of unit variance.

An AR(1) and white noise: C[i, j] = (1 - w) phi ** |i - j| + w 1{i = j}. Given its series, with f = sum c S r and
F = sum c lambda S W,

    K = (C^-1 + sum c ** 2 S)^-1,   J = K F,   h -= F'K f,   H -= F'J
    E[D | z] = K f - J x,   Cov(D, theta | z) = -J Theta,   Cov(D | z) = K + J Theta J'
"""

from __future__ import annotations

from bayes_csc.likelihood.kernel.compiled import part
from bayes_csc.likelihood.kernel.simd.cholesky import factorise, invert_root
from bayes_csc.likelihood.kernel.simd.memory import get, put
from bayes_csc.likelihood.kernel.simd.vector import first_lane, fma, splat, total


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
def squared(root, n, out):
    """Fill out = U^-1 U^-T from the diagonal on."""
    for i in range(n):
        for j in range(i, n):
            s = splat(0.0)
            for k in range(j, n):
                s = fma(get(root, (i, k)), get(root, (j, k)), s)
            put(out, (i, j), s)


@part
def path_prior(n, phi, white, precision, root):
    """Fill C^-1, the same in all lanes, from the diagonal on; return log |C|."""
    power = 1.0 - white
    for lag in range(n):
        for i in range(n - lag):
            put(root, (i, i + lag), splat(1.0 if lag == 0 else power))
        power *= phi
    log_det = factorise(root, n)
    invert_root(root, n)
    squared(root, n, precision)
    return log_det


@part
def collapse_domain(n, precision, log_det, cov, state, pull, h, big_h, n_state, root, joint, line):
    """Integrate one domain's path out; leave K, J and K f; return log densities."""
    for i in range(n):
        for j in range(i, n):
            put(root, (i, j), get(cov, (i, j)) + get(precision, (i, j)))
    density = -0.5 * (factorise(root, n) + log_det)
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
        for q in range(n_state):
            s = splat(0.0)
            for k in range(i, n):
                s = fma(get(root, (i, k)), get(joint, (k, q)), s)
            put(state, (i, q), s)
    squared(root, n, cov)
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
def add_second_moments(n, cov, mean, sums):
    """Add E[D D'] given all, from the diagonal on."""
    for i in range(n):
        for j in range(i, n):
            put(sums, (i, j), get(sums, (i, j)) + fma(get(mean, i), get(mean, j), get(cov, (i, j))))


@part
def correlation_gradient(n, count, phi, white, precision, sums, root):
    """Derivatives of the log densities of so many paths by phi and w, from the sum of their E[D D'].

    Half the trace of (C^-1 sum C^-1 - count C^-1) dC.
    """
    by_phi, by_white = 0.0, 0.0
    for i in range(n):  # the rows of C^-1 sum
        for j in range(n):
            s = splat(0.0)
            for k in range(n):
                s = fma(get(precision, (min(i, k), max(i, k))), get(sums, (min(j, k), max(j, k))), s)
            put(root, (i, j), s)
    for i in range(n):
        power, last = 1.0, 0.0
        for j in range(i, n):
            s = splat(0.0)
            for k in range(n):
                s = fma(get(root, (i, k)), get(precision, (min(j, k), max(j, k))), s)
            by = total(s) - count * first_lane(get(precision, (i, j)))
            by_phi += by * (1.0 - white) * (j - i) * last
            by_white -= by * power if j > i else 0.0
            last, power = power, power * phi
    return by_phi, by_white
