"""Probabilities of the patterns of an inspection's grades, integrated over theta, the inspection's effect and dates."""

from __future__ import annotations

import math

import numpy as np

from bayes_csc.kernel.compiled import compiled, part

FAR, STEPS = 8.5, 32
"""Where a normal probability counts as 0 or 1, in sds; tabulated points an sd. Between two the error is 4e-9."""
PER_ROOT_2PI = 1.0 / math.sqrt(2.0 * math.pi)


@part
def normal_below(x, table):
    """Standard normal distribution function, by a Taylor series of third order about the nearest point of a table."""
    if x <= -FAR:
        return 0.0
    if x >= FAR:
        return 1.0
    i = int((x + FAR) * STEPS + 0.5)
    at = i / STEPS - FAR
    d = x - at
    return table[i, 0] + table[i, 1] * d * (1.0 - 0.5 * at * d + (at * at - 1.0) * d * d / 6.0)


@part
def fill_joint(p, first, last, out):
    """Fill out[pattern] with products over the items first..last - 1 of their probabilities, the last one fastest."""
    grades = p.shape[1]
    size = 1
    out[0] = 1.0
    for j in range(first, last):
        for old in range(size - 1, -1, -1):
            share = out[old]
            for g in range(grades):
                out[old * grades + g] = share * p[j, g]
        size *= grades
    return size


@compiled
def patterns(loading, sd, cutpoints, level, shift, mean, variance, standard, weight, nodes):
    """P(pattern of grades) of each authority's next inspection (authority, pattern), given the hyperparameters.

    score[j] = loading[j] theta + standard[date] + shift[a] + sd[j] zeta + N(0, 1); loading, sd (item,); cutpoints
    (item, level, cutpoint), ascending, of which an item has those of its own level (authority, item); shift
    (authority,); mean, variance of theta and weight of the date (authority, date); standard (date,); nodes (node, 3):
    theta's and zeta's quadrature nodes, in sds, and their weight. Grades are best first, the last item's fastest. An
    authority without a mean has NaN.
    """
    n_item, n_cut = loading.size, cutpoints.shape[2]
    grades = n_cut + 1
    half = n_item // 2
    out = np.zeros((mean.shape[0], grades**n_item))
    p = np.empty((n_item, grades))
    left, right = np.empty(grades**half), np.empty(grades ** (n_item - half))
    table = np.empty((int(2 * FAR * STEPS) + 1, 2))
    for i in range(table.shape[0]):
        x = i / STEPS - FAR
        table[i, 0] = 0.5 * math.erfc(-x / math.sqrt(2.0))
        table[i, 1] = PER_ROOT_2PI * math.exp(-0.5 * x * x)
    for a in range(mean.shape[0]):
        for k in range(mean.shape[1]):
            if weight[a, k] <= 0.0:
                continue
            spread = math.sqrt(variance[a, k])
            for q in range(nodes.shape[0]):
                theta = mean[a, k] + spread * nodes[q, 0]
                share = weight[a, k] * nodes[q, 2]
                for j in range(n_item):
                    score = loading[j] * theta + standard[k] + shift[a] + sd[j] * nodes[q, 1]
                    before = 0.0
                    for c in range(n_cut):
                        below = normal_below(cutpoints[j, level[a, j], c] - score, table)
                        p[j, grades - 1 - c] = below - before
                        before = below
                    p[j, 0] = 1.0 - before
                n_left = fill_joint(p, 0, half, left)
                n_right = fill_joint(p, half, n_item, right)
                for i in range(n_left):
                    for m in range(n_right):
                        out[a, i * n_right + m] += share * left[i] * right[m]
        if math.isnan(mean[a, 0]):
            out[a, :] = np.nan
    return out
