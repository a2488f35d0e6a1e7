"""Probabilities of grades given theta's distribution at the inspection and draws of the hyperparameters.

With one item the grade's latent score is normal, so that

    P(grade <= c) = Phi((cutpoint[c] - loading E[theta] - standard) / sqrt(loading ** 2 Var[theta] + sd ** 2 + 1))

With several, items are independent given theta and the inspection's zeta ~ N(0, 1): the product of their probabilities
is integrated over both by the trapezoidal rule (`kernel.patterns`: off by 2e-4 at most), and gives the probability of
every pattern of grades. All else is a sum over patterns: of a domain's grade, of any grade worse than the one before,
and, by a table of P(overall | pattern), of the overall grade.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace

import numpy as np
from scipy.special import ndtr
from threadpoolctl import threadpool_limits

from bayes_csc.estimates.forecast.cutpoints import GradeScales
from bayes_csc.likelihood.kernel.patterns import patterns


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


@dataclass(frozen=True)
class GradeChances:
    """Probabilities of the grades of each authority's next inspection, given each draw.

    Attributes
    ----------
    overall
        Of the overall grade, the best first (draw, authority, grade).
    domain
        Of each item's grade (draw, authority, item, grade).
    any_worse
        That the grade of some item is worse than the one before (draw, authority); NaN where no item has one before.
    any_worst
        That some item has the worst grade (draw, authority).
    """

    overall: np.ndarray
    domain: np.ndarray
    any_worse: np.ndarray
    any_worst: np.ndarray

    def of(self, at: list[int]) -> GradeChances:
        """Return those of some authorities, by their places."""
        return replace(self, **{f.name: getattr(self, f.name)[:, at] for f in fields(self)})


def sums_over_patterns(joint: np.ndarray, before: np.ndarray, grades: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sum the probabilities of patterns to those of each item's grade, of any worse grade and of any worst one.

    Parameters
    ----------
    joint
        (authority, pattern), the last item's grade changing fastest, the best first.
    before
        Grade of each item when it was last judged (authority, item), from 1; 0 where it never was.
    grades
        How many there are.

    Returns
    -------
    tuple of numpy.ndarray
        `domain` (authority, item, grade), `any_worse` and `any_worst` (authority,), as of `GradeChances`.
    """
    items = before.shape[1]
    grade = np.stack(np.unravel_index(np.arange(grades**items), (grades,) * items), axis=1) + 1
    of_grade = (grade[:, :, None] == np.arange(1, grades + 1)).reshape(len(grade), -1).astype(float)
    worse = (grade[None] > np.where(before > 0, before, grades)[:, None]).any(axis=2)
    unknown = np.where((before > 0).any(axis=1), 0.0, np.nan)
    domain = (joint @ of_grade).reshape(len(joint), items, grades)
    return domain, (joint * worse).sum(axis=1) + unknown, joint @ (grade == grades).any(axis=1).astype(float)


def grade_chances(
    scales: GradeScales,
    theta: ThetaAhead,
    standard: np.ndarray,
    weight: np.ndarray,
    table: np.ndarray | None = None,
    *,
    cores: int = 2,
) -> GradeChances:
    """Compute the probabilities of each authority's next grades, given each draw.

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
    """
    grades = scales.cutpoints.shape[-1] + 1
    tables = None if table is None else np.broadcast_to(table, (len(standard), *table.shape[-2:]))

    def one(s: int) -> tuple[np.ndarray, ...]:
        joint = pattern_probabilities(scales.at(slice(s, s + 1)), theta.mean[s], theta.variance[s], standard[s], weight)
        domain, any_worse, any_worst = sums_over_patterns(joint, scales.before, grades)
        return domain[:, 0] if tables is None else joint @ tables[s], domain, any_worse, any_worst

    with threadpool_limits(1), ThreadPoolExecutor(cores) as pool:
        parts = zip(*pool.map(one, range(len(standard))), strict=True)
        found = GradeChances(*(np.stack(part) for part in parts))
    if table is None:
        closed = np.einsum("sakg,ak->sag", one_item(scales, theta, standard), weight)
        found = replace(found, overall=closed, domain=closed[:, :, None])
    return found


def pattern_probabilities(
    scales: GradeScales, mean: np.ndarray, variance: np.ndarray, standard: np.ndarray, weight: np.ndarray
) -> np.ndarray:
    """P(pattern of grades) (authority, pattern), the last item's grade changing fastest, given one draw.

    Parameters
    ----------
    scales
        Of that one draw.
    mean, variance
        Of theta (authority, node).
    standard
        (node,).
    weight
        (authority, node).
    """
    shift = scales.shift[0] if scales.shift.shape[1] else np.zeros(len(mean))
    return np.asarray(
        patterns(
            scales.loading[0], scales.inspection_sd[0], scales.cutpoints[0], scales.level, shift, mean, variance,
            standard, weight,
        )
    )  # fmt: skip


def one_item(scales: GradeScales, theta: ThetaAhead, standard: np.ndarray) -> np.ndarray:
    """P(grade) (draw, authority, node, grade) of an inspection of one item: the closed form."""
    loading = scales.loading[:, 0, None, None]
    shift = scales.shift[..., None] if scales.shift.shape[1] else 0.0
    mean = loading * theta.mean + standard[:, None, :] + shift
    sd = np.sqrt(loading**2 * theta.variance + scales.inspection_sd[:, 0, None, None] ** 2 + 1.0)
    cutpoints = scales.cutpoints[:, 0, scales.level[:, 0]][:, :, None]
    return best_first(ndtr((cutpoints - mean[..., None]) / sd[..., None]))


def best_first(below: np.ndarray) -> np.ndarray:
    """Probabilities of the grades, best first, from those of being below each cutpoint, the worst first (last axis)."""
    edge = np.zeros((*below.shape[:-1], 1))
    return np.diff(np.concatenate([edge, below, edge + 1.0], axis=-1), axis=-1)[..., ::-1]
