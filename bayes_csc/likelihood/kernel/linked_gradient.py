"""The gradient of the log density of blocks taken one by one."""

from __future__ import annotations

from bayes_csc.likelihood.kernel.compiled import part, stage
from bayes_csc.likelihood.kernel.grades import item_gradient, pair_given_all
from bayes_csc.likelihood.kernel.linked import collapse_block, lay_out, touched
from bayes_csc.likelihood.kernel.simd.dense import add_rows, clear_rows, column, not_zero, vectors
from bayes_csc.likelihood.kernel.simd.memory import get, put, view
from bayes_csc.likelihood.kernel.simd.vector import WIDTH, first_lane, splat


@part
def grade_gradient(g, at, layout, real, memory, first_state, gradient):
    """Add the part of the gradient of one inspection, the block's `at`th."""
    s, first, last = memory.sites, layout.group_obs[g], layout.group_obs[g + 1]
    level, spread, by_mean = 0.0, 0.0, 0.0
    for e in range(layout.row[first], layout.row[first + 1]):
        p, w = layout.state[e], layout.weight[e]
        level += w * (real.mean[first_state + p] + memory.x[p])
        for f in range(layout.row[first], layout.row[first + 1]):
            spread += w * layout.weight[f] * memory.theta.flat[p, layout.state[f]]
    pair = pair_given_all(at, s.low.shape[1], s, splat(level), splat(spread))
    for j in range(last - first):
        by = item_gradient(at, j, s, pair)
        k, site = layout.kind[first + j], layout.graded[first + j]
        gradient.offset[first + j] = first_lane(by[0])
        by_mean += real.loading[k] * gradient.offset[first + j]
        gradient.loading[k] += first_lane(by[1])
        gradient.domain_sd[k] += first_lane(by[2])
        gradient.low[site], gradient.high[site] = s.by_low[at, j, 0], s.by_high[at, j, 0]
    for e in range(layout.row[first], layout.row[first + 1]):
        gradient.mean[first_state + layout.state[e]] += layout.weight[e] * by_mean


@part
def errors(first, n, local, layout, real, memory, s_inv, se):
    """Turn the residuals into e = r - A x, and fill S e."""
    row, state, weight, residual = layout.row, layout.state, layout.weight, memory.residual
    for i in range(n):
        s = residual[local + i]
        for e in range(row[first + i], row[first + i + 1]):
            s -= real.loading[layout.kind[first + i]] * weight[e] * memory.x[state[e]]
        residual[local + i] = s
    for i in range(n):
        s = 0.0
        for j in range(n):
            s += s_inv[i, j] * residual[local + j]
        se[i] = s


@part
def group_gradient(g, local, first_state, n_state, layout, real, memory, s_inv, sat, gradient):
    """Add the part of the gradient of one group of observations."""
    kind, row, state, weight, time = layout.kind, layout.row, layout.state, layout.weight, layout.time
    first, domain = layout.group_obs[g], layout.group_domain[g]
    n = layout.group_obs[g + 1] - first
    c, which, se, by_lag, product, out = (
        memory.c, memory.which, memory.line, memory.by_lag, memory.work, memory.other,
    )  # fmt: skip
    s_flat, sat_flat = view(s_inv, 0, (n, s_inv.shape[1] * WIDTH)), view(sat, 0, (sat.shape[0], sat.shape[1] * WIDTH))
    errors(first, n, local, layout, real, memory, s_flat, se)
    near, far = touched(first, n, row, state, n_state)
    begin, end = near // WIDTH, vectors(far)
    clear_rows(product.rows, n, begin, end)
    for i in range(n):  # S A Theta
        add_rows(
            c, which, column(sat_flat, i, near, far, c, which, 1.0), memory.theta.rows, begin, end, product.rows, i
        )
    near_kind, far_kind = kind[first], kind[first]
    for i in range(n):
        k = kind[first + i]
        near_kind, far_kind = min(near_kind, k), max(far_kind, k)
        level, trace = 0.0, 0.0
        for e in range(row[first + i], row[first + i + 1]):
            level += weight[e] * (real.mean[first_state + state[e]] + memory.x[state[e]])
            trace += weight[e] * product.flat[i, state[e]]
            gradient.mean[first_state + state[e]] += real.loading[k] * weight[e] * se[i]
        gradient.loading[k] += level * se[i] - trace
        gradient.offset[first + i] = se[i]
        gradient.z[first + i] = -se[i]
    for k in range(near_kind, far_kind + 1):
        for q in range(near_kind, far_kind + 1):
            for lag in range(by_lag.shape[2]):
                by_lag[k, q, lag] = 0.0
    for i in range(n):  # 2 d log p / d Sigma = S e e' S + S A Theta A' S - S, its row up to i
        k, ti, wide = kind[first + i], time[first + i], i // WIDTH + 1
        for v in range(wide):
            put(out.rows, (0, v), 0.0 - get(s_inv, (i, v)))
        add_rows(c, which, not_zero(product.flat, i, near, far, c, which), sat, 0, wide, out.rows, 0)
        for j in range(i + 1):
            s = out.flat[0, j] + se[i] * se[j]
            if j == i:
                s *= 0.5
                gradient.variance[first + i] = s
                gradient.white_sd[k] += 2.0 * real.white_sd[k] * s
            by_lag[k, kind[first + j], abs(ti - time[first + j])] += s
    noise_gradient(near_kind, far_kind, domain, real, memory, gradient)


@part
def noise_gradient(first, last, domain, real, memory, gradient):
    """Add the gradient by the noise's parameters, from the sums by indicators and lag of that by its covariance."""
    by_lag, ar_sd, domain_sd = memory.by_lag, real.ar_sd, real.domain_sd
    for k in range(first, last + 1):
        for lag in range(by_lag.shape[2]):
            s = by_lag[k, k, lag]
            gradient.ar_sd[k] += 2.0 * ar_sd[k] * memory.ar_power[k, lag] * s
            if lag > 0:
                gradient.ar_phi[k] += ar_sd[k] * ar_sd[k] * lag * memory.ar_power[k, lag - 1] * s
        if domain < 0:
            continue
        for q in range(first, last + 1):
            for lag in range(by_lag.shape[2]):
                s = by_lag[k, q, lag]
                white = real.domain_white[domain]
                r = ((1.0 - white) * memory.domain_power[domain, lag] + (white if lag == 0 else 0.0)) * s
                gradient.domain_sd[k] += domain_sd[q] * r
                gradient.domain_sd[q] += domain_sd[k] * r
                if lag > 0:
                    c = domain_sd[k] * domain_sd[q] * s
                    by_phi = (1.0 - white) * lag * memory.domain_power[domain, lag - 1]
                    gradient.domain_phi[domain] += by_phi * c
                    gradient.domain_white[domain] -= memory.domain_power[domain, lag] * c


@stage
def linked_blocks(layout, real, gradient, buffer, which):
    """Log density of the blocks that are taken one by one; adds its gradient to `gradient`."""
    density = 0.0
    memory = lay_out(layout, real, buffer, which)
    for index in range(layout.block.size):
        b = layout.block[index]
        template, first_state = layout.block_template[b], layout.block_state[b]
        density += collapse_block(index, layout, real, memory)
        for c in range(layout.template_column[template]):
            kind = layout.column_kind[layout.column_start[template] + c]
            if real.scale[kind] > 0.0:  # at zero the derivative by a standard deviation is zero
                by_log = memory.v[c] * memory.v[c] + memory.minv.flat[c, c] - 1.0
                gradient.scale[kind] += by_log / real.scale[kind]
        first_group, grade = layout.block_group[index, 0], 0
        for g in range(first_group, layout.block_group[index, 1]):
            first = layout.group_obs[g]
            if layout.graded[first] >= 0:
                grade_gradient(g, grade, layout, real, memory, first_state, gradient)
                grade += 1
            else:
                s_inv, sat = memory.precision[g - first_group], memory.sat[g - first_group]
                local, n_state = first - layout.group_obs[first_group], layout.block_state[b + 1] - first_state
                group_gradient(g, local, first_state, n_state, layout, real, memory, s_inv, sat, gradient)
    return density
