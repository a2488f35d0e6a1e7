"""Working memory of the authorities that are taken side by side."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bayes_csc.likelihood.kernel.compiled import part
from bayes_csc.likelihood.kernel.grades import Sites, sites, sites_size
from bayes_csc.likelihood.kernel.simd.memory import view
from bayes_csc.likelihood.kernel.simd.vector import WIDTH

LINES = 8


class Space(NamedTuple):
    """Working memory for one group of authorities; the last axis of every array is the lane."""

    precision: np.ndarray  # (slot) N
    residual: np.ndarray  # (slot) z - o - lambda W m
    inverse: np.ndarray  # (slot) of the pivots of the factorisation of R^-1 + a^2 N
    link: np.ndarray  # (slot) its subdiagonal, zero at the first year
    corner: np.ndarray  # (slot) diagonal of P
    scaled: np.ndarray  # (slot) S residual
    cov: np.ndarray  # (series, year, year) P N, from the diagonal on
    domain_cov: np.ndarray  # (domain, year, year) first sum c^2 S, then K, then Cov(D), all from the diagonal on
    domain_state: np.ndarray  # (domain, year, state) first sum c lambda S W, then J = K times it, then Cov(D, theta)
    domain_pull: np.ndarray  # (domain, year) first sum c S r, then K times it, then E[D]
    path_precision: np.ndarray  # (domain, year, year) C^-1, from the diagonal on
    path_log_det: np.ndarray  # (domain) log |C|
    mean: np.ndarray  # (state) m
    h: np.ndarray  # (state) sum lambda W'S r
    big_h: np.ndarray  # (state, state) sum lambda^2 W'S W
    x: np.ndarray  # (state) E[theta | z] - m
    theta: np.ndarray  # (state, state) Cov[theta | z]
    hl: np.ndarray  # (state, column) H L
    root: np.ndarray  # (column, column) U, then U^-1, of M = I + L'HL = U'U
    y: np.ndarray  # (state, column) L U^-1
    yh: np.ndarray  # (column) Y'h
    v: np.ndarray  # (column) E[v | z]
    v_var: np.ndarray  # (column) Var[v | z]
    judged: np.ndarray  # (inspection, state) W, its weights
    beta: np.ndarray  # (inspection, column) Cov(v, t)
    pull: np.ndarray  # (inspection, state) Cov(theta, t)
    a: np.ndarray  # (n, n) scratch
    b: np.ndarray  # (n, n)
    line: np.ndarray  # (LINES, n)
    sites: Sites


@part
def longest(layout):
    """Years of the longest series or path."""
    years = 1
    for s in range(layout.series_kind.size):
        years = max(years, layout.series_slot[s + 1] - layout.series_slot[s])
    for d in range(layout.domain_years.size):
        years = max(years, layout.domain_years[d])
    return years


@part
def space_size(layout, n_state, n_column):
    """Numbers in the working memory."""
    years, n_grade, n_domain = longest(layout), layout.single_grade.shape[1], layout.domain_years.size
    n = max(years, n_state, n_column)
    vectors = 6 * layout.slot_state.size + layout.series_kind.size * years * years
    vectors += n_domain * (years * (2 * years + n_state + 1) + 1)
    vectors += 3 * n_state + 2 * n_state * n_state + 2 * n_state * n_column + n_column * n_column + 3 * n_column
    vectors += n_grade * (2 * n_state + n_column) + 2 * n * n + LINES * n
    return vectors * WIDTH + sites_size(n_grade, layout.single_grade.shape[2])


@part
def space(layout, n_state, n_column, buffer, at):
    """Lay the working memory out, in the order of `Space`."""
    years, n_grade, n_domain = longest(layout), layout.single_grade.shape[1], layout.domain_years.size
    slots, series, n, w = layout.slot_state.size, layout.series_kind.size, max(years, n_state, n_column), WIDTH
    cov = at + 6 * slots * w
    domain = cov + series * years * years * w
    pull = domain + n_domain * years * (years + n_state) * w
    path = pull + n_domain * years * w
    state = path + n_domain * (years * years + 1) * w
    square, oblong, row, column = n_state * n_state * w, n_state * n_column * w, n_state * w, n_column * w
    h = state + 3 * row + 2 * square
    factor = h + 2 * oblong + n_column * column
    grade = factor + 3 * column
    scratch = grade + n_grade * (2 * row + column)
    return Space(
        view(buffer, at, (slots, w)), view(buffer, at + slots * w, (slots, w)),
        view(buffer, at + 2 * slots * w, (slots, w)), view(buffer, at + 3 * slots * w, (slots, w)),
        view(buffer, at + 4 * slots * w, (slots, w)), view(buffer, at + 5 * slots * w, (slots, w)),
        view(buffer, cov, (series, years, years, w)),
        view(buffer, domain, (n_domain, years, years, w)),
        view(buffer, domain + n_domain * years * years * w, (n_domain, years, n_state, w)),
        view(buffer, pull, (n_domain, years, w)), view(buffer, path, (n_domain, years, years, w)),
        view(buffer, path + n_domain * years * years * w, (n_domain, w)),
        view(buffer, state, (n_state, w)), view(buffer, state + row, (n_state, w)),
        view(buffer, state + 3 * row, (n_state, n_state, w)), view(buffer, state + 2 * row, (n_state, w)),
        view(buffer, state + 3 * row + square, (n_state, n_state, w)),
        view(buffer, h, (n_state, n_column, w)), view(buffer, h + 2 * oblong, (n_column, n_column, w)),
        view(buffer, h + oblong, (n_state, n_column, w)),
        view(buffer, factor, (n_column, w)), view(buffer, factor + column, (n_column, w)),
        view(buffer, factor + 2 * column, (n_column, w)),
        view(buffer, grade, (n_grade, n_state, w)), view(buffer, grade + 2 * n_grade * row, (n_grade, n_column, w)),
        view(buffer, grade + n_grade * row, (n_grade, n_state, w)),
        view(buffer, scratch, (n, n, w)), view(buffer, scratch + n * n * w, (n, n, w)),
        view(buffer, scratch + 2 * n * n * w, (LINES, n, w)),
        sites(buffer, scratch + (2 * n + LINES) * n * w, n_grade, layout.single_grade.shape[2]),
    )  # fmt: skip
