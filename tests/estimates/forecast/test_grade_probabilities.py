"""Probabilities of the next grade: the closed form, quadrature and simulation agree."""

from __future__ import annotations

import dataclasses
from itertools import product

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import ndtr
from scipy.stats import norm

from bayes_csc.estimates.forecast.cutpoints import GradeScales
from bayes_csc.estimates.forecast.grade_probabilities import (
    ThetaAhead,
    best_first,
    grade_chances,
    one_item,
    pattern_probabilities,
)

DRAWS, AUTHORITIES, NODES = 3, 4, 2


def scales(items: int, sd: float = 0.0, levels: int = 1, together: bool = False) -> GradeScales:
    rng = np.random.default_rng(items)
    loading = rng.uniform(0.5, 1.5, (DRAWS, items))
    return GradeScales(
        item=tuple(f"d{j}" for j in range(items)),
        loading=loading,
        cutpoints=np.sort(rng.normal(0.0, 1.2, (DRAWS, items, levels, 3)), axis=-1),
        inspection_sd=sd * loading if together else np.full((DRAWS, items), sd),
        standard=rng.normal(0.0, 0.3, (DRAWS, NODES)),
        level=rng.integers(levels, size=(AUTHORITIES, items)),
        before=np.minimum(rng.integers(5, size=(AUTHORITIES, items)), 4),
        shift=np.zeros((DRAWS, 0)),
    )


def grade_probabilities(
    s: GradeScales, theta: ThetaAhead, standard: np.ndarray, weight: np.ndarray, table: np.ndarray | None = None
) -> np.ndarray:
    return grade_chances(s, theta, standard, weight, table).overall


def ahead(variance: float = 0.6) -> ThetaAhead:
    rng = np.random.default_rng(8)
    shape = (DRAWS, AUTHORITIES, NODES)
    return ThetaAhead(rng.normal(0.0, 1.0, shape), variance * rng.uniform(0.5, 1.5, shape))


WEIGHT = np.array([[0.3, 0.7], [1.0, 0.0], [0.5, 0.5], [0.0, 1.0]])
SAME = np.eye(4)
"""The table of one item: the overall grade is that item's."""


@pytest.mark.parametrize("sd", [0.0, 0.8])
def test_the_closed_form_is_the_numerical_integral_over_theta_and_the_inspection(sd: float) -> None:
    s, theta = scales(1, sd), ahead()
    found = one_item(s, theta, s.standard)
    d, a, k = 1, 2, 0
    m, v = theta.mean[d, a, k], theta.variance[d, a, k]
    edges = np.concatenate([[-np.inf], s.cutpoints[d, 0, 0], [np.inf]])
    for category in range(4):

        def density(x: float, category: int = category) -> float:
            mean = s.loading[d, 0] * x + s.standard[d, k]
            p = norm.cdf(edges[category : category + 2], mean, np.sqrt(1 + sd**2))
            return float((p[1] - p[0]) * norm.pdf(x, m, np.sqrt(v)))

        assert found[d, a, k, 3 - category] == pytest.approx(quad(density, -12, 12, epsabs=1e-11)[0], abs=1e-9)


@pytest.mark.parametrize("sd", [0.0, 0.8])
@pytest.mark.parametrize("variance", [0.0, 0.05, 0.3, 1.0])
def test_quadrature_of_one_item_is_the_closed_form(sd: float, variance: float) -> None:
    s, theta = scales(1, sd), ahead(variance)
    closed = grade_probabilities(s, theta, s.standard, WEIGHT)
    np.testing.assert_allclose(grade_probabilities(s, theta, s.standard, WEIGHT, SAME), closed, atol=4e-4)


def by_many_nodes(s: GradeScales, mean: np.ndarray, variance: np.ndarray) -> tuple[np.ndarray, ...]:
    """P(grade) of each item, P(any worse), P(any the worst), by the trapezoidal rule with nodes that are very close."""
    t, z = np.linspace(-7.0, 7.0, 401), np.linspace(-6.0, 6.0, 81 if s.inspection_sd.any() else 1)
    z = z if z.size > 1 else np.zeros(1)
    w = np.outer(np.exp(-0.5 * t**2), np.exp(-0.5 * z**2)).ravel()
    w /= w.sum()
    t, z = (x.ravel() for x in np.meshgrid(t, z, indexing="ij"))
    each = []
    for a in range(len(mean)):
        score = s.loading[0] * (mean[a] + np.sqrt(variance[a]) * t)[:, None] + s.inspection_sd[0] * z[:, None]
        p = best_first(ndtr(s.cutpoints[0, :, 0] - score[..., None]))
        kept = np.take_along_axis(p.cumsum(axis=-1), s.before[a][None, :, None] - 1, axis=-1)[..., 0]
        each.append((np.tensordot(w, p, 1), 1.0 - w @ kept.prod(axis=-1), 1.0 - w @ (1.0 - p[..., 3]).prod(axis=-1)))
    return tuple(np.array(part) for part in zip(*each, strict=True))


@pytest.mark.parametrize(("size", "sd"), [(0.7, 0.7), (2.0, 0.0), (2.0, 0.7), (3.5, 0.0), (3.5, 1.5)])
@pytest.mark.parametrize("together", [False, True])
def test_every_probability_is_within_half_a_thousandth_however_steep_the_scores(
    size: float, sd: float, together: bool
) -> None:
    rng = np.random.default_rng(7)
    n = 12
    loading = size * rng.uniform(0.7, 1.0, (1, 4))
    s = GradeScales(
        item=tuple("abcd"), loading=loading, inspection_sd=min(sd, 1.0) * loading if together else np.full((1, 4), sd),
        cutpoints=np.sort(1.3 * loading[:, :, None, None] * rng.normal(size=(1, 4, 1, 3)), axis=-1),
        standard=np.zeros((1, 1)), level=np.zeros((n, 4), int), before=rng.integers(1, 5, (n, 4)),
        shift=np.zeros((1, 0)),
    )  # fmt: skip
    mean, variance = rng.normal(size=n), rng.choice([0.3, 0.8, 1.2], n) ** 2
    theta = ThetaAhead(mean[None, :, None], variance[None, :, None])
    found = grade_chances(s, theta, s.standard, np.ones((n, 1)), np.ones((256, 4)) / 4)
    for name, exact in zip(("domain", "any_worse", "any_worst"), by_many_nodes(s, mean, variance), strict=True):
        np.testing.assert_allclose(getattr(found, name)[0], exact, rtol=0, atol=5e-4)


def simulated(s: GradeScales, theta: ThetaAhead, table: np.ndarray, d: int, a: int, n: int) -> np.ndarray:
    """Shares of the overall grades of n simulated inspections."""
    rng = np.random.default_rng(1)
    node = rng.choice(NODES, n, p=WEIGHT[a])
    x = theta.mean[d, a, node] + np.sqrt(theta.variance[d, a, node]) * rng.standard_normal(n)
    zeta = s.inspection_sd[d] * rng.standard_normal((n, 1))
    u = s.loading[d] * x[:, None] + s.standard[d, node][:, None] + zeta + rng.standard_normal((n, len(s.item)))
    grade = 4 - (u[..., None] > s.cutpoints_of(a)[d]).sum(axis=-1)
    rows = table[np.ravel_multi_index(tuple(grade.T - 1), (4,) * len(s.item))]
    return rows.mean(axis=0)


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("levels", [1, 5])
@pytest.mark.parametrize("items", [1, 2, 3, 4])
def test_probabilities_are_those_of_simulated_inspections(items: int, levels: int, together: bool) -> None:
    s, theta = scales(items, 0.0 if items == 1 else 0.7, levels, together), ahead()
    table = SAME if items == 1 else np.random.default_rng(2).dirichlet(np.full(4, 0.3), 4**items)
    found = grade_probabilities(s, theta, s.standard, WEIGHT, None if items == 1 else table)
    n = 200_000  # a share's error is 0.0011 at most
    for d, a in ((0, 0), (2, 3)):
        np.testing.assert_allclose(found[d, a], simulated(s, theta, table, d, a, n), atol=0.005)


def test_covariates_move_an_authority_s_scores_as_its_cutpoints_would() -> None:
    s, theta = scales(4, 0.7, 5), ahead()
    table = np.random.default_rng(2).dirichlet(np.full(4, 0.3), 256)
    shift = np.random.default_rng(3).normal(size=(DRAWS, AUTHORITIES))
    found = grade_chances(dataclasses.replace(s, shift=shift), theta, s.standard, WEIGHT, table)
    for a in range(AUTHORITIES):
        moved = dataclasses.replace(s, cutpoints=s.cutpoints - shift[:, a, None, None, None])
        alone = grade_chances(moved, theta, s.standard, WEIGHT, table)
        for name in ("overall", "domain", "any_worse", "any_worst"):
            np.testing.assert_allclose(getattr(found, name)[:, a], getattr(alone, name)[:, a], rtol=1e-9)


def test_chances_of_domains_and_of_any_worse_grade_are_sums_over_patterns() -> None:
    s, theta = scales(4, 0.7, 5, together=True), ahead()
    found = grade_chances(s, theta, s.standard, WEIGHT, np.ones((256, 4)) / 4)
    grade = np.array(list(product(range(1, 5), repeat=4)))
    for d in range(DRAWS):
        joint = pattern_probabilities(s.at(slice(d, d + 1)), theta.mean[d], theta.variance[d], s.standard[d], WEIGHT)
        np.testing.assert_allclose(joint.sum(axis=1), 1.0, rtol=1e-7)
        for a in range(AUTHORITIES):
            for j, g in product(range(4), range(1, 5)):
                assert found.domain[d, a, j, g - 1] == pytest.approx(joint[a, grade[:, j] == g].sum(), abs=1e-12)
            known = s.before[a] > 0
            worse = (grade[:, known] > s.before[a, known]).any(axis=1)
            assert found.any_worse[d, a] == pytest.approx(joint[a, worse].sum(), abs=1e-12)
            assert found.any_worst[d, a] == pytest.approx(joint[a, (grade == 4).any(axis=1)].sum(), abs=1e-12)


def test_nothing_can_be_worse_than_what_was_never_judged() -> None:
    s = scales(4, 0.7)
    s = dataclasses.replace(s, before=np.zeros((AUTHORITIES, 4), int))
    found = grade_chances(s, ahead(), s.standard, WEIGHT, np.ones((256, 4)) / 4)
    assert np.isnan(found.any_worse).all()
    assert not np.isnan(found.any_worst).any()


def test_patterns_have_the_product_of_their_items_probabilities_given_theta() -> None:
    s = scales(3).at(slice(0, 1))
    found = pattern_probabilities(s, np.array([[0.4]]), np.zeros((1, 1)), np.array([0.1]), np.ones((1, 1)))
    each = [best_first(ndtr(s.cutpoints[0, j, 0] - s.loading[0, j] * 0.4 - 0.1)) for j in range(3)]
    for place, pattern in enumerate(product(range(4), repeat=3)):
        assert found[0, place] == pytest.approx(np.prod([each[j][g] for j, g in enumerate(pattern)]), abs=2e-8)


@pytest.mark.parametrize("items", [1, 4])
def test_grades_are_all_there_is(items: int) -> None:
    s = scales(items, 0.4)
    table = None if items == 1 else np.random.default_rng(3).dirichlet(np.ones(4), 4**items)
    found = grade_probabilities(s, ahead(), s.standard, WEIGHT, table)
    np.testing.assert_allclose(found.sum(axis=-1), 1.0, rtol=1e-7)
    assert (found >= -1e-9).all()


@pytest.mark.parametrize("items", [1, 3])
def test_a_higher_theta_is_never_a_worse_forecast(items: int) -> None:
    s, theta = scales(items, 0.4), ahead()
    worst = np.array(list(product(range(4), repeat=items))).max(axis=1)
    table = None if items == 1 else np.eye(4)[worst]  # the overall grade is the worst of the items
    up = ThetaAhead(theta.mean + 0.3, theta.variance)
    before, after = (grade_probabilities(s, t, s.standard, WEIGHT, table).cumsum(axis=-1) for t in (theta, up))
    assert (after[..., :-1] > before[..., :-1]).all()


def test_permuting_authorities_permutes_their_forecasts() -> None:
    s, theta, order = scales(4, 0.4), ahead(), [2, 0, 3, 1]
    table = np.random.default_rng(3).dirichlet(np.ones(4), 256)
    moved = ThetaAhead(theta.mean[:, order], theta.variance[:, order])
    np.testing.assert_allclose(
        grade_probabilities(s, moved, s.standard, WEIGHT[order], table),
        grade_probabilities(s, theta, s.standard, WEIGHT, table)[:, order],
        rtol=1e-12,
    )


@pytest.mark.parametrize("items", [1, 4])
def test_an_authority_without_a_theta_has_no_forecast_and_leaves_the_others_theirs(items: int) -> None:
    s, theta = scales(items, 0.4), ahead()
    table = None if items == 1 else np.random.default_rng(3).dirichlet(np.ones(4), 4**items)
    mean = theta.mean.copy()
    mean[:, 1] = np.nan
    found = grade_probabilities(s, ThetaAhead(mean, theta.variance), s.standard, WEIGHT, table)
    assert np.isnan(found[:, 1]).all()
    whole = grade_probabilities(s, theta, s.standard, WEIGHT, table)
    np.testing.assert_allclose(found[:, [0, 2, 3]], whole[:, [0, 2, 3]], rtol=1e-6)


def test_each_draw_may_have_a_table_of_its_own() -> None:
    s, theta = scales(2, 0.4), ahead()
    tables = np.random.default_rng(3).dirichlet(np.ones(4), (DRAWS, 16))
    found = grade_probabilities(s, theta, s.standard, WEIGHT, tables)
    for d in range(DRAWS):
        np.testing.assert_allclose(
            found[d], grade_probabilities(s, theta, s.standard, WEIGHT, tables[d])[d], rtol=1e-12
        )


@pytest.mark.parametrize("items", [1, 4])
def test_many_dates_together_give_what_each_gives_alone(items: int) -> None:
    dates, rng = 24, np.random.default_rng(5)
    s = scales(items, 0.8)
    standard = np.cumsum(rng.normal(0.0, 0.2, (DRAWS, dates)), axis=1)
    shape = (DRAWS, AUTHORITIES, dates)
    theta = ThetaAhead(rng.normal(0.0, 1.0, shape), rng.uniform(0.3, 0.9, shape))
    table = SAME if items == 1 else rng.dirichlet(np.ones(4), 4**items)
    for k in range(0, dates, 5):
        alone = ThetaAhead(theta.mean[..., k : k + 1], theta.variance[..., k : k + 1])
        one = grade_probabilities(s, alone, standard[:, k : k + 1], np.ones((AUTHORITIES, 1)), table)
        only = np.tile(np.eye(dates)[k], (AUTHORITIES, 1))
        np.testing.assert_allclose(grade_probabilities(s, theta, standard, only, table), one, rtol=1e-12)
