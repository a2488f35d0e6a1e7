"""The gradient of the log density of authorities by themselves: expectations of the complete data's gradient."""

from __future__ import annotations

from bayes_csc.kernel.compiled import compiled
from bayes_csc.kernel.lanes import WIDTH, aligned, fma, get, put, splat, total
from bayes_csc.kernel.single import collapse_group
from bayes_csc.kernel.space import space


@compiled
def path_gradient(n, phi, square, inner, product):
    """Add one indicator's gradient: to `sums` (kind, 5) by loading, ar_sd, ar_phi, white_sd and domain_sd."""
    if n == 1:
        return splat(0.0)
    q = 1.0 / (1.0 - phi * phi)
    s = square + inner * (phi * phi) - product * (2.0 * phi)
    return (n - 1) * phi * q - s * (phi * q * q) - (inner * phi - product) * q


@compiled
def series_gradient(series, group, layout, real, memory, gradient, sums):
    """Add one indicator's part of the gradient: to `sums` (kind, 5) by loading, ar_sd, ar_phi, white_sd, domain_sd."""
    first = layout.series_slot[series]
    n = layout.series_slot[series + 1] - first
    k, domain = layout.series_kind[series], layout.series_domain[series]
    loading, a, white, c = real.loading[k], real.ar_sd[k], real.white_sd[k], real.domain_sd[k]
    precision, cov = memory.precision, memory.cov[series]
    with_theta, signal, spread = memory.a, memory.b, memory.c  # Cov(s, W theta), Cov(s), then P N Cov(s)
    line, path, error, level = memory.line[0], memory.line[1], memory.line[2], memory.line[3]

    by_loading, by_domain = splat(0.0), splat(0.0)
    for i in range(n):
        at = first + i
        p, w0, w1 = layout.slot_state[at], layout.slot_weight[at, 0], layout.slot_weight[at, 1]
        y = layout.slot_year[at]
        fitted = w0 * get(memory.x, p)
        if w1 != 0.0:
            fitted = fma(get(memory.x, p + 1), w1, fitted)
        e = get(memory.residual, at) - loading * fitted
        prior = w0 * get(memory.mean, p)
        if w1 != 0.0:
            prior = fma(get(memory.mean, p + 1), w1, prior)
        put(level, i, fitted + prior)
        if domain >= 0:
            e -= c * get(memory.domain_pull[domain], y)
        put(error, i, e)
        put(path, i, e * get(precision, at))
        for j in range(n):
            q, v0, v1 = layout.slot_state[first + j], layout.slot_weight[first + j, 0], layout.slot_weight[first + j, 1]
            s = (w0 * v0) * get(memory.theta, (p, q))
            if w1 != 0.0:
                s = fma(get(memory.theta, (p + 1, q)), w1 * v0, s)
            if v1 != 0.0:
                s = fma(get(memory.theta, (p, q + 1)), w0 * v1, s)
                if w1 != 0.0:
                    s = fma(get(memory.theta, (p + 1, q + 1)), w1 * v1, s)
            s = s * loading
            put(signal, (i, j), s * loading)
            if domain >= 0:
                dd = memory.domain_state[domain]  # now Cov(D, theta)
                z = layout.slot_year[first + j]
                t = v0 * get(dd, (y, q))
                u = w0 * get(dd, (z, p))
                if v1 != 0.0:
                    t = fma(get(dd, (y, q + 1)), v1, t)
                if w1 != 0.0:
                    u = fma(get(dd, (z, p + 1)), w1, u)
                s = fma(t, c, s)
                u = u * loading + c * get(memory.domain_cov[domain], (y, z))  # Cov(s, D)
                put(spread, (i, j), u)
                put(signal, (i, j), s * loading + u * c)
            put(with_theta, (i, j), s)
    # tr(S Cov(s, W theta)), tr(S Cov(s, D))
    for i in range(n):
        info = get(precision, first + i)
        by_loading -= info * get(with_theta, (i, i))
        s, u = splat(0.0), splat(0.0)
        for j in range(n):
            weight = get(cov, (i, j)) * get(precision, first + j)
            s = fma(weight, get(with_theta, (j, i)), s)
            if domain >= 0:
                u = fma(weight, get(spread, (j, i)), u)
        by_loading += s * info * (a * a)
        if domain >= 0:
            by_domain += info * (u * (a * a) - get(spread, (i, i)))
    # P N Cov(s): forward and back substitution with the tridiagonal factor
    for t in range(n):
        info = get(precision, first + t)
        if t == 0:
            for j in range(n):
                put(spread, (t, j), info * get(signal, (t, j)))
        else:
            ell = get(memory.link, first + t)
            for j in range(n):
                put(spread, (t, j), info * get(signal, (t, j)) - ell * get(spread, (t - 1, j)))
    for t in range(n - 1, -1, -1):
        inverse = 1.0 / get(memory.pivot, first + t)
        if t == n - 1:
            for j in range(n):
                put(spread, (t, j), inverse * get(spread, (t, j)))
        else:
            ell = get(memory.link, first + t + 1)
            for j in range(n):
                put(spread, (t, j), inverse * get(spread, (t, j)) - ell * get(spread, (t + 1, j)))
    for i in range(n):  # posterior mean of u
        s = splat(0.0)
        for j in range(n):
            s = fma(get(cov, (i, j)), get(path, j), s)
        put(line, i, s * a)
    square, inner, product = splat(0.0), splat(0.0), splat(0.0)
    by_ar, by_noise = splat(0.0), splat(0.0)
    for i in range(n):
        at = first + i
        info, u = get(precision, at), get(line, i)
        own, next_year = splat(0.0), splat(0.0)
        for j in range(n):
            s = get(spread, (i, j)) * get(precision, first + j)
            own = fma(s, get(cov, (j, i)), own)
            if i + 1 < n:
                next_year = fma(s, get(cov, (j, i + 1)), next_year)
        across = get(spread, (i, i))  # -Cov(u, s) / a
        variance = fma(own, a * a, get(cov, (i, i)))
        second = fma(u, u, variance)
        square += second
        if i > 0 and i < n - 1:
            inner += second
        if i + 1 < n:
            product += u * get(line, i + 1) + get(cov, (i, i + 1)) + next_year * (a * a)
        e = get(error, i) - u * a
        pulled = info * e
        put(memory.scaled, at, pulled)
        by_ar += info * (e * u + (across - variance) * a)
        noise = e * e + get(signal, (i, i)) + variance * (a * a) - across * (2.0 * a * a)
        noise = 0.5 * info * (info * noise - 1.0)
        put(path, i, noise)
        by_noise += noise
        by_loading += pulled * get(level, i)
        if domain >= 0:
            by_domain += pulled * get(memory.domain_pull[domain], layout.slot_year[at])
        p = layout.slot_state[at]  # h is used up: from here on it is the gradient by the mean
        put(memory.h, p, fma(pulled, loading * layout.slot_weight[at, 0], get(memory.h, p)))
        if layout.slot_weight[at, 1] != 0.0:
            put(memory.h, p + 1, fma(pulled, loading * layout.slot_weight[at, 1], get(memory.h, p + 1)))
        for lane in range(WIDTH):
            cell = layout.single_cell[group, at, lane]
            if cell >= 0:
                gradient.z[cell] = -memory.scaled[at, lane]
                gradient.offset[cell] = memory.scaled[at, lane]
                gradient.variance[cell] = path[i, lane]
    put(sums, (k, 0), get(sums, (k, 0)) + by_loading)
    put(sums, (k, 1), get(sums, (k, 1)) + by_ar)
    put(sums, (k, 2), get(sums, (k, 2)) + path_gradient(n, real.ar_phi[k], square, inner, product))
    put(sums, (k, 3), get(sums, (k, 3)) + by_noise * (2.0 * white))
    put(sums, (k, 4), get(sums, (k, 4)) + by_domain)


@compiled
def domain_posterior(domain, layout, memory, n_state):
    """Replace K, J and K f by the posterior of the domain's path D: Cov(D), Cov(D, theta), E[D]."""
    n = layout.domain_years[domain]
    cov, state, pull, across = (
        memory.domain_cov[domain],
        memory.domain_state[domain],
        memory.domain_pull[domain],
        memory.a,
    )
    for i in range(n):
        s = get(pull, i)
        for q in range(n_state):
            s -= get(state, (i, q)) * get(memory.x, q)
        put(pull, i, s)
        for q in range(n_state):
            s = splat(0.0)
            for p in range(n_state):
                s -= get(state, (i, p)) * get(memory.theta, (p, q))
            put(across, (i, q), s)
    for i in range(n):
        for j in range(i, n):
            s = get(cov, (i, j))
            for q in range(n_state):
                s -= get(across, (i, q)) * get(state, (j, q))
            put(cov, (i, j), s)
            put(cov, (j, i), s)
    for i in range(n):
        for q in range(n_state):
            put(state, (i, q), get(across, (i, q)))


@compiled
def domain_gradient(domain, layout, real, memory):
    """Derivative of the log densities by the autocorrelation of a domain's path."""
    n = layout.domain_years[domain]
    if n == 0:
        return splat(0.0)
    cov, mean = memory.domain_cov[domain], memory.domain_pull[domain]
    square, inner, product = splat(0.0), splat(0.0), splat(0.0)
    for i in range(n):
        second = fma(get(mean, i), get(mean, i), get(cov, (i, i)))
        square += second
        if i > 0 and i < n - 1:
            inner += second
        if i + 1 < n:
            product += fma(get(mean, i), get(mean, i + 1), get(cov, (i, i + 1)))
    return path_gradient(n, real.domain_phi[domain], square, inner, product)


@compiled
def grade_gradient(group, layout, real, memory, gradient, lane):
    """Add the grades' part of the gradient for one authority."""
    for j in range(layout.single_grade.shape[1]):
        i = layout.single_grade[group, j, lane]
        if i < 0:
            break
        k = layout.kind[i]
        psi, tau, eta = real.loading[k], memory.site[j, 0, lane], memory.site[j, 1, lane]
        level, spread = 0.0, 0.0
        for e in range(layout.row[i], layout.row[i + 1]):
            p = layout.state[e]
            level += layout.weight[e] * (memory.mean[p, lane] + memory.x[p, lane])
            for f in range(layout.row[i], layout.row[i + 1]):
                spread += layout.weight[e] * layout.weight[f] * memory.theta[p, layout.state[f], lane]
        s = eta - tau * (real.offset[i] + psi * level)
        gradient.offset[i] = s
        gradient.loading[k] += level * s - tau * psi * spread
        for e in range(layout.row[i], layout.row[i + 1]):
            memory.h[layout.state[e], lane] += psi * layout.weight[e] * s


@compiled
def single_blocks(layout, real, factor, column_kind, gradient):
    """Log density of all authorities by themselves; adds its gradient to `gradient`."""
    n_state, n_col = factor.shape
    memory = space(layout, n_state, n_col)
    n_kind, n_domain = real.loading.size, layout.domain_years.size
    sums, by_phi, by_scale = aligned(n_kind * 5).reshape(n_kind, 5, WIDTH), aligned(n_domain), aligned(n_col)
    value = splat(0.0)
    for group in range(layout.single_block.shape[0]):
        value += collapse_group(group, layout, real, factor, memory, gradient.low, gradient.high)
        for c in range(n_col):
            v = get(memory.v, c)
            put(by_scale, c, get(by_scale, c) + (v * v + get(memory.v_var, c) - 1.0))
        for p in range(n_state):
            put(memory.h, p, splat(0.0))
        for d in range(n_domain):
            domain_posterior(d, layout, memory, n_state)
            put(by_phi, d, get(by_phi, d) + domain_gradient(d, layout, real, memory))
        for series in range(layout.series_kind.size):
            series_gradient(series, group, layout, real, memory, gradient, sums)
        for lane in range(WIDTH):
            b = layout.single_block[group, lane]
            if b >= 0:
                grade_gradient(group, layout, real, memory, gradient, lane)
                for p in range(n_state):
                    gradient.mean[layout.block_state[b] + p] = memory.h[p, lane]
    for k in range(n_kind):
        gradient.loading[k] += sums[k, 0].sum()
        gradient.ar_sd[k] += sums[k, 1].sum()
        gradient.ar_phi[k] += sums[k, 2].sum()
        gradient.white_sd[k] += sums[k, 3].sum()
        gradient.domain_sd[k] += sums[k, 4].sum()
    for d in range(n_domain):
        gradient.domain_phi[d] += by_phi[d].sum()
    for c in range(n_col):
        scale = real.scale[column_kind[c]]
        if scale > 0.0:  # at zero the derivative by a standard deviation is zero
            gradient.scale[column_kind[c]] += by_scale[c].sum() / scale
    return total(value)
