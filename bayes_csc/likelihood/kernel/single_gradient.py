"""The gradient of the log density of authorities by themselves: expectations of the complete data's gradient.

Of a series' signal s = lambda W theta + c D the posterior's E[s] and X = Cov(s) are known. Then, e = z - o - E[s],

    E[u] = a P N e,   Cov(u) = P + a ** 2 V,   V = P N X N P,   Cov(u, s) = -a P N X,

of which the gradient needs the diagonals, and of Cov(u) the one beside it. V is the derivative of -tr(N X N P) by
P^-1 and those are what P^-1 is not zero at: they come, as adjoints, from the recurrence by which P is computed.
"""

from __future__ import annotations

from bayes_csc.likelihood.kernel.compiled import part, stage
from bayes_csc.likelihood.kernel.domains import (
    add_second_moments,
    correlation_gradient,
    domain_posterior,
    path_gradient,
)
from bayes_csc.likelihood.kernel.grades import item_gradient, pair_given_all
from bayes_csc.likelihood.kernel.posterior import collapse_group, group_size, group_space, most_judged
from bayes_csc.likelihood.kernel.simd.memory import get, put, scatter, view
from bayes_csc.likelihood.kernel.simd.vector import WIDTH, fma, splat, total
from bayes_csc.likelihood.kernel.space import longest

CARRY, BOTH, DIAGONAL, LINK, WITHIN, PATH, ERROR, SIGNAL = range(8)
"""Lines of scratch: adjoint of a row of P; sum over j of (P N X N)[i, j]; adjoints of the diagonal of P and of its
links; a row of X; E[u]; e; the diagonal of X."""


@part
def signal_row(i, first, n, straight, layout, theta, row):
    """Fill row[j], j >= i, with Cov(W theta)[i, j]."""
    state, weight = layout.slot_state, layout.slot_weight
    p, w0, w1 = state[first + i], weight[first + i, 0], weight[first + i, 1]
    if straight:
        for j in range(i, n):
            put(row, j, (w0 * weight[first + j, 0]) * get(theta, (p, state[first + j])))
        return
    for j in range(i, n):
        q, v0, v1 = state[first + j], weight[first + j, 0], weight[first + j, 1]
        s = (w0 * v0) * get(theta, (p, q))
        if w1 != 0.0:
            s = fma(get(theta, (p + 1, q)), w1 * v0, s)
        if v1 != 0.0:
            s = fma(get(theta, (p, q + 1)), w0 * v1, s)
            if w1 != 0.0:
                s = fma(get(theta, (p + 1, q + 1)), w1 * v1, s)
        put(row, j, s)


@part
def domain_row(i, first, n, loading, c, a2, layout, joint, own, cov, row):
    """Turn row[j], j >= i, into X[i, j]; return sums over S / N[i] times the parts of X: theta's, that with D, D's.

    Off-diagonal elements count twice.
    """
    state, weight = layout.slot_state, layout.slot_weight
    p, w0, w1 = state[first + i], weight[first + i, 0], weight[first + i, 1]
    y = layout.slot_year[first + i]
    by_theta, by_both, by_domain = splat(0.0), splat(0.0), splat(0.0)
    for j in range(i, n):
        q, v0, v1, z = state[first + j], weight[first + j, 0], weight[first + j, 1], layout.slot_year[first + j]
        t = v0 * get(joint, (y, q)) + w0 * get(joint, (z, p))
        if v1 != 0.0:
            t = fma(get(joint, (y, q + 1)), v1, t)
        if w1 != 0.0:
            t = fma(get(joint, (z, p + 1)), w1, t)
        s, d = get(row, j), get(own, (y, z))
        m = 1.0 - a2 * get(cov, (i, j)) if i == j else (-2.0 * a2) * get(cov, (i, j))
        by_theta, by_both, by_domain = fma(m, s, by_theta), fma(m, t, by_both), fma(m, d, by_domain)
        put(row, j, s * (loading * loading) + t * (loading * c) + d * (c * c))
    return by_theta, by_both, by_domain


@part
def errors(first, n, loading, c, domain, layout, memory, line):
    """Fill e and what it is of u: E[u] / a; from the last year back, as P's factors are."""
    x, pull, residual = memory.x, memory.domain_pull, memory.residual
    y = splat(0.0)
    for i in range(n):
        at = first + i
        p, w0, w1 = layout.slot_state[at], layout.slot_weight[at, 0], layout.slot_weight[at, 1]
        fitted = w0 * get(x, p)
        if w1 != 0.0:
            fitted = fma(get(x, p + 1), w1, fitted)
        e = get(residual, at) - loading * fitted
        if domain >= 0:
            e -= c * get(pull[domain], layout.slot_year[at])
        put(line, (ERROR, i), e)
        y = get(memory.precision, at) * e - get(memory.link, at) * y
        put(line, (PATH, i), y)
    s, ell = splat(0.0), splat(0.0)
    for i in range(n - 1, -1, -1):
        s = get(memory.inverse, first + i) * get(line, (PATH, i)) - ell * s
        put(line, (PATH, i), s)
        ell = get(memory.link, first + i)


@part
def series_adjoints(series, straight, layout, real, memory):
    """Fill the adjoints of tr(N X N P) / 2, X row by row; return the traces of S and the parts of X (`domain_row`).

    Without a domain X is that of W theta, and has still to be multiplied by lambda ** 2.
    """
    first = layout.series_slot[series]
    n = layout.series_slot[series + 1] - first
    k, domain = layout.series_kind[series], layout.series_domain[series]
    loading, c, a2 = real.loading[k], real.domain_sd[k], real.ar_sd[k] * real.ar_sd[k]
    cov, line = memory.cov[series], memory.line
    row, carry, both = line[WITHIN], line[CARRY], line[BOTH]
    by_theta, by_both, by_domain = splat(0.0), splat(0.0), splat(0.0)
    for i in range(n):
        put(both, i, splat(0.0))
        put(carry, i, splat(0.0))
    diagonal = splat(0.0)
    for i in range(n):
        at = first + i
        info, ell = get(memory.precision, at), get(memory.link, at)
        signal_row(i, first, n, straight, layout, memory.theta, row)
        if domain >= 0:
            joint, own = memory.domain_state[domain], memory.domain_cov[domain]
            t, u, v = domain_row(i, first, n, loading, c, a2, layout, joint, own, cov, row)
            by_theta, by_both, by_domain = fma(t, info, by_theta), fma(u, info, by_both), fma(v, info, by_domain)
        x = get(row, i)
        put(line, (SIGNAL, i), x)
        diagonal = ell * ell * diagonal + info * (0.5 * info * x - ell * get(carry, i))
        put(line, (DIAGONAL, i), diagonal)
        here = fma(get(cov, (i, i)) * info, x, get(both, i))
        if i + 1 < n:
            by_link = splat(0.0)
            for j in range(i + 1, n):
                y = info * get(row, j)
                t = get(cov, (i, j)) * y
                here += t
                put(both, j, get(both, j) + t)
                y -= ell * get(carry, j)
                put(carry, j, y)
                by_link = fma(y, get(cov, (i + 1, j)), by_link)
            after = get(memory.link, at + 1) * get(memory.corner, at + 1) * diagonal
            put(line, (LINK, i + 1), 2.0 * after - by_link)
        put(both, i, here)
    return by_theta, by_both, by_domain


@part
def series_gradient(series, group, layout, real, memory, gradient, sums):
    """Add one indicator's part of the gradient: to five `sums` by loading, ar_sd, ar_phi, white_sd, domain_sd."""
    first = layout.series_slot[series]
    n = layout.series_slot[series + 1] - first
    k, domain = layout.series_kind[series], layout.series_domain[series]
    loading, a, phi, c = real.loading[k], real.ar_sd[k], real.ar_phi[k], real.domain_sd[k]
    precision, inverse, line, h, cell = (
        memory.precision,
        memory.inverse,
        memory.line,
        memory.h,
        layout.single_cell[group],
    )
    straight = True
    for at in range(first, first + n):
        straight = straight and layout.slot_weight[at, 1] == 0.0
    errors(first, n, loading, c, domain, layout, memory, line)
    by_theta, by_both, by_domain = series_adjoints(series, straight, layout, real, memory)
    power = 1.0 if domain >= 0 else loading * loading
    a2, off = a * a, -phi / (1.0 - phi * phi) if n > 1 else 0.0
    by_loading, by_ar, by_noise, by_path = splat(0.0), splat(0.0), splat(0.0), splat(0.0)
    trace = splat(0.0)
    square, inner, product = splat(0.0), splat(0.0), splat(0.0)
    by_inverse, next_u, cross = splat(0.0), splat(0.0), splat(0.0)
    for i in range(n - 1, -1, -1):
        at = first + i
        info, e, u, g, x = (
            get(precision, at), get(line, (ERROR, i)), get(line, (PATH, i)) * a, get(line, (BOTH, i)) * power,
            get(line, (SIGNAL, i)) * power,
        )  # fmt: skip
        pivot, ell = get(inverse, at), get(memory.link, at)
        by_pivot = fma(get(line, (DIAGONAL, i)), power, by_inverse) * pivot * pivot  # of minus the pivot
        variance = fma(by_pivot, 2.0 * a2, get(memory.corner, at))
        second = fma(u, u, variance)
        square += second
        if i > 0 and i < n - 1:
            inner += second
        product += u * next_u + cross
        if i > 0:
            by_link = fma(get(line, (LINK, i)), power, by_pivot * off)
            by_inverse = by_link * off
            cross = (ell * by_pivot + by_link * get(inverse, at - 1)) * (-a2) - ell * get(memory.corner, at)
        next_u = u
        e -= u * a
        pulled = info * e
        by_ar += info * (e * u - variance * a) + g * a
        noise = 0.5 * info * (info * (e * e + x + variance * a2) - 2.0 * a2 * g - 1.0)
        by_noise += noise
        trace += info * get(line, (SIGNAL, i)) - a2 * get(line, (BOTH, i))
        p, w0, w1 = layout.slot_state[at], layout.slot_weight[at, 0], layout.slot_weight[at, 1]
        level = w0 * (get(memory.x, p) + get(memory.mean, p))
        put(h, p, fma(pulled, loading * w0, get(h, p)))
        if w1 != 0.0:
            level = fma(get(memory.x, p + 1) + get(memory.mean, p + 1), w1, level)
            put(h, p + 1, fma(pulled, loading * w1, get(h, p + 1)))
        by_loading += pulled * level
        if domain >= 0:
            by_path += pulled * get(memory.domain_pull[domain], layout.slot_year[at])
        scatter(gradient.offset, cell, at, pulled)
        scatter(gradient.z, cell, at, splat(0.0) - pulled)
        scatter(gradient.variance, cell, at, noise)
    if domain >= 0:
        by_loading -= by_theta * loading + by_both * (0.5 * c)
        by_path -= by_both * (0.5 * loading) + by_domain * c
    else:
        by_loading -= trace * loading
    add = (
        by_loading,
        by_ar,
        path_gradient(n, phi, square, inner, product),
        by_noise * (2.0 * real.white_sd[k]),
        by_path,
    )
    for i in range(5):
        put(sums, 5 * k + i, get(sums, 5 * k + i) + add[i])


@part
def judgement_gradient(group, layout, real, memory, gradient):
    """Add the judgements' part of the gradient; of the mean's to h."""
    judged, s, h, item = memory.judged, memory.sites, memory.h, layout.single_grade[group]
    n_state = h.shape[0]
    for i in range(most_judged(item)):
        level, spread = splat(0.0), splat(0.0)
        for p in range(n_state):
            w = get(judged, (i, p))
            level = fma(w, get(memory.mean, p) + get(memory.x, p), level)
            c = splat(0.0)
            for q in range(n_state):
                c = fma(get(judged, (i, q)), get(memory.theta, (p, q)), c)
            spread = fma(w, c, spread)
        pair, by_mean = pair_given_all(i, item.shape[1], s, level, spread), splat(0.0)
        for j in range(item.shape[1]):
            by = item_gradient(i, j, s, pair)
            by_mean = fma(by[0], get(s.loading, (i, j)), by_mean)
            scatter(gradient.offset, item, (i, j), by[0])
            for f in range(2):
                put(memory.line, (f, 0), by[f + 1])
            for lane in range(WIDTH):
                at = item[i, j, lane]
                if at >= 0:
                    k, g = layout.kind[at], layout.graded[at]
                    gradient.loading[k] += memory.line[0, 0, lane]
                    gradient.domain_sd[k] += memory.line[1, 0, lane]
                    gradient.low[g], gradient.high[g] = s.by_low[i, j, lane], s.by_high[i, j, lane]
        for p in range(n_state):
            put(h, p, fma(get(judged, (i, p)), by_mean, get(h, p)))


@part
def single_size(layout, real):
    """Numbers in the working memory of `single_blocks`."""
    n_sum = 5 * real.loading.size + layout.domain_years.size * longest(layout) ** 2 + layout.template_column[0]
    return n_sum * WIDTH + group_size(layout)


@stage
def single_blocks(layout, real, gradient, buffer):
    """Log density of all authorities by themselves; adds its gradient to `gradient`."""
    factor, memory, end = group_space(layout, real, buffer)
    n_state, n_col = factor.shape
    sums = view(buffer, end, ((buffer.size - end) // WIDTH, WIDTH))
    n_kind, n_domain, column_kind = real.loading.size, layout.domain_years.size, layout.column_kind
    years, by_scale = longest(layout), 5 * n_kind
    paths = view(buffer, end + (by_scale + n_col) * WIDTH, (n_domain, years, years, WIDTH))
    for i in range(sums.shape[0]):
        put(sums, i, splat(0.0))
    value = splat(0.0)
    for group in range(layout.single_block.shape[0]):
        value += collapse_group(group, layout, real, factor, memory)
        for c in range(n_col):
            v = get(memory.v, c)
            put(sums, by_scale + c, get(sums, by_scale + c) + (v * v + get(memory.v_var, c) - 1.0))
        for p in range(n_state):
            put(memory.h, p, splat(0.0))
        for d in range(n_domain):
            n, cov, pull = layout.domain_years[d], memory.domain_cov[d], memory.domain_pull[d]
            domain_posterior(n, cov, memory.domain_state[d], pull, memory.x, memory.theta, n_state, memory.a)
            add_second_moments(n, cov, pull, paths[d])
        for series in range(layout.series_kind.size):
            series_gradient(series, group, layout, real, memory, gradient, sums)
        judgement_gradient(group, layout, real, memory, gradient)
        for lane in range(WIDTH):
            b = layout.single_block[group, lane]
            if b >= 0:
                for p in range(n_state):
                    gradient.mean[layout.block_state[b] + p] = memory.h[p, lane]
    for k in range(n_kind):
        gradient.loading[k] += total(get(sums, 5 * k))
        gradient.ar_sd[k] += total(get(sums, 5 * k + 1))
        gradient.ar_phi[k] += total(get(sums, 5 * k + 2))
        gradient.white_sd[k] += total(get(sums, 5 * k + 3))
        gradient.domain_sd[k] += total(get(sums, 5 * k + 4))
    count = float(WIDTH * layout.single_block.shape[0])
    for d in range(n_domain):
        n, phi, white = layout.domain_years[d], real.domain_phi[d], real.domain_white[d]
        by = correlation_gradient(n, count, phi, white, memory.path_precision[d], paths[d], memory.a)
        gradient.domain_phi[d] += by[0]
        gradient.domain_white[d] += by[1]
    for c in range(n_col):
        scale = real.scale[column_kind[c]]
        if scale > 0.0:  # at zero the derivative by a standard deviation is zero
            gradient.scale[column_kind[c]] += total(get(sums, by_scale + c)) / scale
    return total(value)
