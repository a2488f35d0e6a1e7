"""Probabilities of grades given theta's distribution at the inspection and draws of the hyperparameters.

With one item the grade's latent score is normal, so that

    P(grade <= c) = Phi((cutpoint[c] - loading E[theta] - standard) / sqrt(loading ** 2 Var[theta] + sd ** 2 + 1))

With several, items are independent given theta and the inspection's zeta ~ N(0, sd ** 2): their product is integrated
over both by Gauss-Hermite quadrature, and a table gives the overall grade of each pattern.
"""

from __future__ import annotations

import functools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr
from threadpoolctl import threadpool_limits

from bayes_csc.grade_scales import GradeScales

THETA_NODES, ZETA_NODES = 11, 5
STEP, STANDARD_STEP = 0.25, 0.5
"""Spacing in theta and in the national standard (probits) at which P(overall | theta, standard) is tabulated, then
interpolated by cubics: 3e-4 off at most. A unit of theta is some two probits."""


@dataclass(frozen=True)
class ThetaAhead:
    """Theta at possible dates of the next inspection, given each draw of the hyperparameters.

    Attributes
    ----------
    mean, variance
        (draw, authority, node).
    """

    mean: np.ndarray
    variance: np.ndarray


def grade_probabilities(
    scales: GradeScales,
    theta: ThetaAhead,
    standard: np.ndarray,
    weight: np.ndarray,
    table: np.ndarray | None = None,
    *,
    cores: int = 2,
) -> np.ndarray:
    """P(grade) of each authority's next inspection, given each draw.

    Parameters
    ----------
    scales
        Of the inspection's items.
    theta
        At the dates that the next inspection may have.
    standard
        National standard at those dates (draw, node).
    weight
        Probability of each date (authority, node).
    table
        P(overall | pattern) (pattern, grade), or one for each draw (draw, pattern, grade), where items are several.
    cores
        Threads.

    Returns
    -------
    numpy.ndarray
        (draw, authority, grade), the best grade first.
    """
    if table is None:
        return np.asarray(np.einsum("sakg,ak->sag", one_item(scales, theta, standard), weight))
    tables = np.broadcast_to(table, (len(standard), *table.shape[-2:]))

    def one(s: int) -> np.ndarray:
        known = _overall_given_theta(scales, s, theta.mean[s], theta.variance[s], standard[s], tables[s])
        return np.asarray(np.einsum("akg,ak->ag", known, weight))

    with threadpool_limits(1), ThreadPoolExecutor(cores) as pool:
        return np.stack(list(pool.map(one, range(len(standard)))))


def one_item(scales: GradeScales, theta: ThetaAhead, standard: np.ndarray) -> np.ndarray:
    """P(grade) (draw, authority, node, grade) of an inspection of one item: the closed form."""
    loading = scales.loading[:, 0, None, None]
    mean = loading * theta.mean + standard[:, None, :]
    sd = np.sqrt(loading**2 * theta.variance + scales.inspection_sd[:, None, None] ** 2 + 1.0)
    cutpoints = scales.cutpoints[:, None, None, 0, :]
    return best_first(ndtr((cutpoints - mean[..., None]) / sd[..., None]))


def best_first(below: np.ndarray) -> np.ndarray:
    """Probabilities of the grades, best first, from those of being below each cutpoint, the worst first (last axis)."""
    edge = np.zeros((*below.shape[:-1], 1))
    return np.diff(np.concatenate([edge, below, edge + 1.0], axis=-1), axis=-1)[..., ::-1]


def _overall_given_theta(
    scales: GradeScales, s: int, mean: np.ndarray, variance: np.ndarray, standard: np.ndarray, table: np.ndarray
) -> np.ndarray:
    """P(overall) (authority, node, grade) of one draw, several items; NaN where theta is."""
    unknown = np.isnan(mean)
    mean, variance = np.where(unknown, 0.0, mean), np.where(unknown, 0.0, variance)
    node, share = _quadrature(THETA_NODES)
    at = mean[..., None] + np.sqrt(variance)[..., None] * node
    grid = _grid(at, STEP)
    shift = _grid(standard, STANDARD_STEP)
    if shift.size < standard.size:
        place, weight = _cubic(standard, shift)
        onto = np.zeros((standard.size, shift.size))
        np.add.at(onto, (np.arange(standard.size), place), weight)
    else:
        shift, onto = standard, np.eye(standard.size)
    known = onto @ pattern_probabilities(
        scales.loading[s], scales.cutpoints[s], float(scales.inspection_sd[s]), grid[:, None], shift, table
    )  # (theta, node, grade)
    place, weight = _cubic(at, grid)
    # what each tabulated theta counts for in each integral; then the integrals of one date are one product
    row = np.arange(mean.size).reshape(*mean.shape, 1) * grid.size
    counts = np.bincount((row + place).ravel(), (weight * share).ravel(), mean.size * grid.size)
    found = np.matmul(counts.reshape(*mean.shape, -1).swapaxes(0, 1), known.swapaxes(0, 1)).swapaxes(0, 1)
    return np.asarray(np.where(unknown[..., None], np.nan, found))


def _grid(values: np.ndarray, step: float) -> np.ndarray:
    """Evenly spaced points, two of them beyond the values on each side."""
    low = values.min() - 2.0 * step
    return np.asarray(low + step * np.arange(int(np.ceil((values.max() - low) / step)) + 3))


def _cubic(values: np.ndarray, grid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places on an evenly spaced grid and their weights, (4, ...) each, that interpolate at values by cubics."""
    at = (values - grid[0]) / (grid[1] - grid[0])
    first = np.floor(at).astype(int) - 1
    part = at - first - 1.0
    weight = np.stack((
        -part * (part - 1) * (part - 2) / 6, (part + 1) * (part - 1) * (part - 2) / 2,
        -(part + 1) * part * (part - 2) / 2, (part + 1) * part * (part - 1) / 6,
    ))  # fmt: skip
    return first + np.arange(4).reshape(-1, *([1] * values.ndim)), weight


@functools.cache
def _quadrature(nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights, which sum to one, of the mean of a function of a standard normal by Gauss and Hermite."""
    node, weight = np.polynomial.hermite_e.hermegauss(nodes)
    return node, weight / weight.sum()


def pattern_probabilities(
    loading: np.ndarray, cutpoints: np.ndarray, sd: float, theta: np.ndarray, standard: np.ndarray, table: np.ndarray
) -> np.ndarray:
    """P(overall | theta) of one draw: the table's rows weighted by the probability of their pattern.

    Parameters
    ----------
    loading, cutpoints
        (item,) and (item, cutpoint).
    sd
        Of the inspection's zeta.
    theta, standard
        Of any shapes that broadcast together.
    table
        (pattern, grade).

    Returns
    -------
    numpy.ndarray
        Of their shape, and grade.
    """
    node, share = _quadrature(ZETA_NODES if sd > 0.0 else 1)
    theta, standard = np.broadcast_arrays(theta, standard)
    score = loading * theta[..., None, None] + standard[..., None, None] + sd * node[:, None]  # (..., zeta, item)
    items = best_first(ndtr(cutpoints - score.reshape(-1, loading.size, 1)))  # (all before, item, grade)
    half = loading.size // 2
    left, right = _joint(items[:, :half]), _joint(items[:, half:])
    folded = left @ table.reshape(left.shape[1], -1)
    overall = np.einsum("cp,cpg->cg", right, folded.reshape(*right.shape, table.shape[1]))
    return np.asarray(np.einsum("...zg,z->...g", overall.reshape(*score.shape[:-1], -1), share))


def _joint(items: np.ndarray) -> np.ndarray:
    """Probabilities of the patterns of independent items (case, item, grade), the last item changing fastest."""
    out = np.ones((len(items), 1))
    for j in range(items.shape[1]):
        out = (out[:, :, None] * items[:, j, None, :]).reshape(len(items), -1)
    return out
