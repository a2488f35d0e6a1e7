"""Working memory of the authorities that are taken side by side."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bayes_csc.kernel.compiled import compiled
from bayes_csc.kernel.lanes import WIDTH, aligned


class Space(NamedTuple):
    """Working memory for one group of authorities; the last axis of every array is the lane."""

    precision: np.ndarray  # (slot) N
    residual: np.ndarray  # (slot) z - o - lambda W m
    pivot: np.ndarray  # (slot) of the factorisation of R^-1 + a^2 N
    link: np.ndarray  # (slot) its subdiagonal
    scaled: np.ndarray  # (slot) S residual
    cov: np.ndarray  # (series, year, year) P
    domain_cov: np.ndarray  # (domain, year, year) first sum c^2 S, then K
    domain_state: np.ndarray  # (domain, year, state) first sum c lambda S W, then J = K times it
    domain_pull: np.ndarray  # (domain, year) first sum c S r, then K times it, then the path's posterior mean
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
    beta: np.ndarray  # (grade, column) Cov(v, f)
    pull: np.ndarray  # (grade, state) Cov(theta, f)
    shift: np.ndarray  # (grade)
    shrink: np.ndarray  # (grade, grade)
    site: np.ndarray  # (grade, 2) tau and eta
    a: np.ndarray  # (n, n) scratch
    b: np.ndarray  # (n, n)
    c: np.ndarray  # (n, n)
    line: np.ndarray  # (4, n)


@compiled
def space(layout, n_state, n_column):
    """Allocate the working memory."""
    n_slot = layout.slot_state.size
    n_series = layout.series_kind.size
    n_grade = layout.single_grade.shape[1]
    n_domain = layout.domain_years.size
    years = 1
    for s in range(n_series):
        years = max(years, layout.series_slot[s + 1] - layout.series_slot[s])
    for d in range(n_domain):
        years = max(years, layout.domain_years[d])
    n = max(years, n_state, n_column)
    w = WIDTH
    return Space(
        precision=aligned(n_slot), residual=aligned(n_slot), pivot=aligned(n_slot), link=aligned(n_slot),
        scaled=aligned(n_slot),
        cov=aligned(n_series * years * years).reshape(n_series, years, years, w),
        domain_cov=aligned(n_domain * years * years).reshape(n_domain, years, years, w),
        domain_state=aligned(n_domain * years * n_state).reshape(n_domain, years, n_state, w),
        domain_pull=aligned(n_domain * years).reshape(n_domain, years, w),
        mean=aligned(n_state), h=aligned(n_state), big_h=aligned(n_state * n_state).reshape(n_state, n_state, w),
        x=aligned(n_state), theta=aligned(n_state * n_state).reshape(n_state, n_state, w),
        hl=aligned(n_state * n_column).reshape(n_state, n_column, w),
        root=aligned(n_column * n_column).reshape(n_column, n_column, w),
        y=aligned(n_state * n_column).reshape(n_state, n_column, w),
        yh=aligned(n_column), v=aligned(n_column), v_var=aligned(n_column),
        beta=aligned(n_grade * n_column).reshape(n_grade, n_column, w),
        pull=aligned(n_grade * n_state).reshape(n_grade, n_state, w),
        shift=aligned(n_grade), shrink=aligned(n_grade * n_grade).reshape(n_grade, n_grade, w),
        site=aligned(n_grade * 2).reshape(n_grade, 2, w),
        a=aligned(n * n).reshape(n, n, w), b=aligned(n * n).reshape(n, n, w), c=aligned(n * n).reshape(n, n, w),
        line=aligned(4 * n).reshape(4, n, w),
    )  # fmt: skip
