"""Probabilities of the patterns of an inspection's grades, integrated over theta, the inspection's effect and dates."""

from __future__ import annotations

import math

import numpy as np

from bayes_csc.likelihood.kernel.compiled import compiled, part

FAR, STEPS = 8.5, 32
"""Where a normal probability counts as 0 or 1, in sds; tabulated points an sd. Between two the error is 4e-9."""
PER_ROOT_2PI = 1.0 / math.sqrt(2.0 * math.pi)
REACH, SPACING, MOST = 3.8, 1.6, 512
"""The quadrature's nodes: how far they reach, in sds; how far two are apart where scores do not vary; their number at
most. They are as many as the scores' slopes need: probabilities of grades, of any worse and of any the worst are off by
2e-4 at most for loadings up to 3.5 probits, theta's sd up to 1.2 and an inspection's effect up to 1.5 probits or as
large as the loadings. Gauss and Hermite's rule is off there by 0.12 with 15 nodes and by 0.006 with 101."""


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


@part
def fill_nodes(slope, node, share):
    """Fill in equally spaced nodes of a standard normal and their weights, which sum to one; return their number.

    The trapezoidal rule's error falls exponentially in 1 / spacing for functions as smooth as these: of probits whose
    slopes have the norm `slope` the transform has the width sqrt(1 + slope ** 2), and so must the nodes be denser.
    """
    if slope < 1e-2:
        node[0], share[0] = 0.0, 1.0
        return 1
    number = min(int(2.0 * REACH * math.sqrt(1.0 + slope * slope) / SPACING) + 2, MOST)
    total = 0.0
    for i in range(number):
        node[i] = REACH * (2.0 * i / (number - 1) - 1.0)
        share[i] = math.exp(-0.5 * node[i] * node[i])
        total += share[i]
    for i in range(number):
        share[i] /= total
    return number


@part
def fill_axes(loading, spread, sd, first, second):
    """Fill in the slopes (item,) of the scores along the two axes of theta and zeta, in sds: the longest and the other.

    Theta and zeta are normal and independent, and so are they when turned; where sd and loading are in proportion the
    second axis has no slope, and needs one node only.
    """
    both, theta, zeta = 0.0, 0.0, 0.0
    for j in range(loading.size):
        of_theta = loading[j] * spread
        both += of_theta * sd[j]
        theta += of_theta * of_theta
        zeta += sd[j] * sd[j]
    angle = 0.5 * math.atan2(2.0 * both, theta - zeta)
    c, s = math.cos(angle), math.sin(angle)
    for j in range(loading.size):
        first[j] = c * loading[j] * spread + s * sd[j]
        second[j] = c * sd[j] - s * loading[j] * spread


@part
def norm(values):
    """Square root of the sum of squares."""
    total = 0.0
    for value in values:
        total += value * value
    return math.sqrt(total)


@compiled
def patterns(loading, sd, cutpoints, level, shift, mean, variance, standard, weight):
    """P(pattern of grades) of each authority's next inspection (authority, pattern), given the hyperparameters.

    score[j] = loading[j] theta + standard[date] + shift[a] + sd[j] zeta + N(0, 1); loading, sd (item,); cutpoints
    (item, level, cutpoint), ascending, of which an item has those of its own level (authority, item); shift
    (authority,); mean, variance of theta and weight of the date (authority, date); standard (date,). Grades are best
    first, the last item's fastest. An authority without a mean has NaN.
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
    first, second = np.empty(n_item), np.empty(n_item)
    node, other = np.empty((2, MOST)), np.empty((2, MOST))
    for a in range(mean.shape[0]):
        for k in range(mean.shape[1]):
            if weight[a, k] <= 0.0 or math.isnan(mean[a, k]):
                continue
            fill_axes(loading, math.sqrt(variance[a, k]), sd, first, second)
            n_node = fill_nodes(norm(first), node[0], node[1])
            n_other = fill_nodes(norm(second), other[0], other[1])
            for q in range(n_node * n_other):
                x, y = q // n_other, q % n_other
                share = weight[a, k] * node[1, x] * other[1, y]
                for j in range(n_item):
                    score = loading[j] * mean[a, k] + standard[k] + shift[a]
                    score += first[j] * node[0, x] + second[j] * other[0, y]
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
