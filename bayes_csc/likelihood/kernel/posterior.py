"""The states of authorities by themselves, eight at a time: integrated out given their series, then their grades."""

from __future__ import annotations

from bayes_csc.likelihood.kernel.compiled import part
from bayes_csc.likelihood.kernel.domains import clear_domain, collapse_domain, path_prior
from bayes_csc.likelihood.kernel.grades import ENDLESS, add_sites
from bayes_csc.likelihood.kernel.simd.cholesky import factorise, invert_root
from bayes_csc.likelihood.kernel.simd.memory import first_aligned, gather, get, present, put, view
from bayes_csc.likelihood.kernel.simd.vector import WIDTH, fma, largest, splat
from bayes_csc.likelihood.kernel.single import add_to_domain, add_to_states, covariances, eliminate, observe
from bayes_csc.likelihood.kernel.space import space, space_size


@part
def scale_template(layout, template, scale, n_state, n_col, out):
    """Fill out (state, column) with the covariance factor of a template: its columns times their sds."""
    first, kind = layout.template_start[template], layout.column_start[template]
    for p in range(n_state):
        for c in range(n_col):
            out[p, c] = layout.template[first + p * n_col + c] * scale[layout.column_kind[kind + c]]


@part
def product(a, b, n, m, count, out):
    """Fill out[p, c] = sum over q of a[p, q] b[q, c], b of numbers; two columns share what is read of a."""
    for p in range(n):
        for c in range(0, m - 1, 2):
            s, t = splat(0.0), splat(0.0)
            for q in range(count):
                x = get(a, (p, q))
                s, t = fma(x, b[q, c], s), fma(x, b[q, c + 1], t)
            put(out, (p, c), s)
            put(out, (p, c + 1), t)
        if m % 2 == 1:
            s = splat(0.0)
            for q in range(count):
                s = fma(get(a, (p, q)), b[q, m - 1], s)
            put(out, (p, m - 1), s)


@part
def outer(a, n, count, out):
    """Fill out = a a'."""
    for p in range(n):
        for q in range(p, n):
            s = splat(0.0)
            for c in range(count):
                s = fma(get(a, (p, c)), get(a, (q, c)), s)
            put(out, (p, q), s)
            put(out, (q, p), s)


@part
def collapse_states(factor, big_h, h, hl, root, y, yh, v, v_var, x, theta):
    """Integrate the states out of H and h; leave Theta, x, U^-1 and the moments of v; return log densities."""
    n_state, n_col = factor.shape
    product(big_h, factor, n_state, n_col, n_state, hl)
    for c in range(n_col):
        for d in range(c, n_col):
            s = splat(1.0 if c == d else 0.0)
            for p in range(n_state):
                s = fma(get(hl, (p, d)), factor[p, c], s)
            put(root, (c, d), s)
    density = -0.5 * factorise(root, n_col)
    invert_root(root, n_col)
    for p in range(n_state):
        for c in range(n_col):
            s = splat(0.0)
            for d in range(c + 1):
                s = fma(get(root, (d, c)), factor[p, d], s)
            put(y, (p, c), s)
    for c in range(n_col):
        s = splat(0.0)
        for p in range(n_state):
            s = fma(get(y, (p, c)), get(h, p), s)
        put(yh, c, s)
        density += 0.5 * s * s
    for c in range(n_col):
        s, spread = splat(0.0), splat(0.0)
        for d in range(c, n_col):
            u = get(root, (c, d))
            s = fma(u, get(yh, d), s)
            spread = fma(u, u, spread)
        put(v, c, s)
        put(v_var, c, spread)
    for p in range(n_state):
        s = splat(0.0)
        for c in range(n_col):
            s = fma(get(y, (p, c)), get(yh, c), s)
        put(x, p, s)
    outer(y, n_state, n_col, theta)
    return density


@part
def most_judged(item):
    """Return how many inspections the lane has that has most."""
    n = 0
    while n < item.shape[0] and largest(present(item, (n, 0))) > 0.0:
        n += 1
    return n


@part
def judgements(item, layout, real, memory, n_state):
    """Fill the inspections' weights, and their items' parameters and cutpoints."""
    judged, s = memory.judged, memory.sites
    for i in range(most_judged(item)):
        for p in range(n_state):
            put(judged, (i, p), splat(0.0))
        for lane in range(WIDTH):
            if item[i, 0, lane] >= 0:
                for e in range(layout.row[item[i, 0, lane]], layout.row[item[i, 0, lane] + 1]):
                    judged[i, layout.state[e], lane] += layout.weight[e]
            for j in range(item.shape[1]):
                at = item[i, j, lane]
                low, high, loading, effect = -ENDLESS, ENDLESS, 0.0, 0.0
                if at >= 0:
                    k, g = layout.kind[at], layout.graded[at]
                    loading, effect = real.loading[k], real.domain_sd[k]
                    low, high = max(real.low[g], low), min(real.high[g], high)
                s.low[i, j, lane], s.high[i, j, lane] = low, high
                s.loading[i, j, lane], s.effect[i, j, lane] = loading, effect
        for j in range(item.shape[1]):
            put(s.offset, (i, j), gather(real.offset, item, (i, j), splat(0.0)))


@part
def condition_on_grades(used, items, memory, n_state, n_col):
    """Add the inspections to the states; update Theta, x and the moments of v; return their evidence."""
    judged, pull, beta, x, theta, y, sites = (
        memory.judged, memory.pull, memory.beta, memory.x, memory.theta, memory.y, memory.sites,
    )  # fmt: skip
    line = memory.line[0]
    for j in range(used):
        s = splat(0.0)
        for p in range(n_state):
            s = fma(get(judged, (j, p)), get(x, p) + get(memory.mean, p), s)
        put(sites.mean, j, s)
        for q in range(n_state):
            s = splat(0.0)
            for p in range(n_state):
                s = fma(get(judged, (j, p)), get(theta, (p, q)), s)
            put(pull, (j, q), s)
        for c in range(n_col):
            s = splat(0.0)
            for p in range(n_state):
                s = fma(get(judged, (j, p)), get(y, (p, c)), s)
            put(line, c, s)
        for c in range(n_col):  # from Cov(Y's v, t) to Cov(v, t)
            s = splat(0.0)
            for d in range(c, n_col):
                s = fma(get(memory.root, (c, d)), get(line, d), s)
            put(beta, (j, c), s)
        for i in range(j + 1):
            s = splat(0.0)
            for p in range(n_state):
                s = fma(get(judged, (i, p)), get(pull, (j, p)), s)
            put(sites.cov, (i, j), s)
            put(sites.cov, (j, i), s)
    evidence = add_sites(used, items, sites)
    for j in range(used):
        s = get(sites.pulled, j)
        for p in range(n_state):
            put(x, p, fma(get(pull, (j, p)), s, get(x, p)))
        for c in range(n_col):
            put(memory.v, c, fma(get(beta, (j, c)), s, get(memory.v, c)))
        for c in range(n_col):
            s = splat(0.0)
            for f in range(used):
                s = fma(get(sites.shrink, (j, f)), get(beta, (f, c)), s)
            put(memory.v_var, c, get(memory.v_var, c) - s * get(beta, (j, c)))
        for p in range(n_state):
            s = splat(0.0)
            for f in range(used):
                s = fma(get(sites.shrink, (j, f)), get(pull, (f, p)), s)
            put(line, p, s)
        for p in range(n_state):
            s = get(pull, (j, p))
            for q in range(n_state):
                put(theta, (p, q), get(theta, (p, q)) - s * get(line, q))
    return evidence


@part
def clear(group, layout, real, memory, n_state):
    """Forget the group before; take the prior means of this one's states."""
    for p in range(n_state):
        put(memory.h, p, splat(0.0))
        for q in range(n_state):
            put(memory.big_h, (p, q), splat(0.0))
        for lane in range(WIDTH):
            b = layout.single_block[group, lane]
            memory.mean[p, lane] = real.mean[layout.block_state[b] + p] if b >= 0 else 0.0
    for d in range(layout.domain_years.size):
        clear_domain(
            layout.domain_years[d], memory.domain_cov[d], memory.domain_state[d], memory.domain_pull[d], n_state
        )


@part
def group_size(layout):
    """Numbers in the working memory of one group of authorities."""
    n_col = layout.template_column[0]
    n_state = layout.template_start[1] // n_col
    return WIDTH + n_state * n_col + WIDTH + space_size(layout, n_state, n_col)


@part
def group_space(layout, real, buffer):
    """Lay the working memory of a group out in the buffer; return the states' factor, the memory, and where it ends.

    What all groups have in common is computed: the factor, and the covariances of the domains' paths.
    """
    n_col = layout.template_column[0]
    n_state = layout.template_start[1] // n_col
    start = first_aligned(buffer)
    factor = view(buffer, start, (n_state, n_col))
    scale_template(layout, 0, real.scale, n_state, n_col, factor)
    at = start + -(-n_state * n_col // WIDTH) * WIDTH
    memory = space(layout, n_state, n_col, buffer, at)
    for d in range(layout.domain_years.size):
        n, phi, white = layout.domain_years[d], real.domain_phi[d], real.domain_white[d]
        put(memory.path_log_det, d, path_prior(n, phi, white, memory.path_precision[d], memory.a))
    return factor, memory, at + space_size(layout, n_state, n_col)


@part
def collapse_group(group, layout, real, factor, memory):
    """Collapse one group of authorities; leave the posterior of their states; return their log densities."""
    n_state, n_col = factor.shape
    clear(group, layout, real, memory, n_state)
    big_h = memory.big_h
    density = observe(group, layout, real, memory) + eliminate(layout, real, memory)
    covariances(layout, memory)
    for series in range(layout.series_kind.size):
        add_to_states(series, layout, real, memory)
        k, d = layout.series_kind[series], layout.series_domain[series]
        if d >= 0 and real.domain_sd[k] != 0.0:
            add_to_domain(series, layout, real, memory)
    for p in range(n_state):
        for q in range(p, n_state):
            put(big_h, (p, q), get(big_h, (p, q)) + get(big_h, (q, p)))
    for d in range(layout.domain_years.size):
        if layout.domain_years[d] > 0:
            density += collapse_domain(
                layout.domain_years[d], memory.path_precision[d], get(memory.path_log_det, d), memory.domain_cov[d],
                memory.domain_state[d], memory.domain_pull[d], memory.h, big_h, n_state, memory.a, memory.b,
                memory.line[0],
            )  # fmt: skip
    for p in range(n_state):
        for q in range(p + 1, n_state):
            put(big_h, (q, p), get(big_h, (p, q)))
    density += collapse_states(
        factor, big_h, memory.h, memory.hl, memory.root, memory.y, memory.yh, memory.v, memory.v_var, memory.x,
        memory.theta,
    )  # fmt: skip
    item = layout.single_grade[group]
    used = most_judged(item)
    if used > 0:
        judgements(item, layout, real, memory, n_state)
        density += condition_on_grades(used, item.shape[1], memory, n_state, n_col)
    return density
