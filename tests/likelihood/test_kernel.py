"""The collapsed likelihood against dense multivariate normals: value, gradient, conditional states."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from block_layouts import by_hand
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import block_diag
from scipy.stats import multivariate_normal, norm

from bayes_csc.likelihood.kernel import Layout, Real, value_and_gradient
from bayes_csc.likelihood.kernel.states import states

N_YEAR = 5
N_KIND = 4
SHARE = np.random.default_rng(9).random((4, N_YEAR))
SERIES = ([0], [1], [2, 3])  # the last two indicators share a domain's deviation
REAL = Real._fields


@dataclass(frozen=True)
class Observation:
    """One observation: its group's block, unit and series, its indicator, year, and weights by state of the block."""

    block: int
    series: int
    kind: int
    time: int
    weights: tuple[tuple[int, float], ...]
    z: float
    variance: float
    offset: float
    cuts: tuple[float, float] | None = None


@dataclass(frozen=True)
class Problem:
    """Groups of observations in order, block by block, and the parameters."""

    groups: list[list[list[Observation]]]
    size: tuple[int, ...]
    mean: list[np.ndarray]
    template: list[np.ndarray]
    parameters: tuple[np.ndarray, ...]  # loading, ar_sd, ar_phi, white_sd, domain_sd, domain_phi, domain_white

    scale: np.ndarray = field(default_factory=lambda: np.array([0.7, 1.0, 1.2]))

    def layout(self) -> Layout:
        groups = [g for block in self.groups for g in block]
        observations = [o for g in groups for o in g]
        return by_hand(
            group_block=[b for b, block in enumerate(self.groups) for _ in block],
            group_sizes=[len(g) for g in groups],
            group_domain=[0 if g[0].series == 2 else -1 for g in groups],
            kind=[o.kind for o in observations],
            time=[o.time for o in observations],
            weights=[o.weights for o in observations],
            graded=[o.cuts is not None for o in observations],
            block_states=[n * N_YEAR for n in self.size],
            templates=self.template,
            column_kind=[kinds_of_columns(t) for t in self.template],
        )

    def real(self) -> Real:
        observations = [o for block in self.groups for g in block for o in g]
        loading, *noise = self.parameters
        z, variance, offset = (np.array([getattr(o, name) for o in observations]) for name in REAL[:3])
        cuts = np.array([o.cuts for o in observations if o.cuts is not None]).reshape(-1, 2)
        return Real(
            z, variance, offset, loading, np.concatenate(self.mean), self.scale, *noise, cuts[:, 0].copy(),
            cuts[:, 1].copy(),
        )  # fmt: skip

    def factor(self, block: int) -> np.ndarray:
        return self.template[block] * self.scale[kinds_of_columns(self.template[block])]

    def value(self) -> float:
        return float(value_and_gradient(self.layout(), self.real())[0])


def kinds_of_columns(template: np.ndarray) -> np.ndarray:
    return np.minimum(np.arange(template.shape[1]), 2)


def problem(seed: int = 0, *, columns: int = N_YEAR + 1, missing: float = 0.2) -> Problem:
    """Two authorities by themselves and a block of two with a joint return; interpolated, gappy, some V = 0."""
    rng = np.random.default_rng(seed)
    size = (1, 1, 2)
    groups = []
    for b, n in enumerate(size):
        block = []
        for members in [[0]] if n == 1 else [[0], [1], [0, 1]]:
            for s, kinds in enumerate(SERIES):
                group = [
                    Observation(
                        b, s, k, 2013 + t, weights(rng, members, t, interpolated=k == 1),
                        rng.normal(), rng.choice([0.0, rng.random() + 0.1]), rng.normal(),
                    )
                    for k in kinds for t in range(N_YEAR) if rng.random() > missing
                ]  # fmt: skip
                block += [group] if group else []
        groups.append(block)
    template = [rng.normal(size=(n * N_YEAR, n * columns)) for n in size]
    parameters = (
        rng.normal(size=N_KIND), rng.random(N_KIND), 0.9 * rng.random(N_KIND), rng.random(N_KIND) + 0.1,
        rng.normal(size=N_KIND), np.array([0.7]), np.array([0.3]),
    )  # fmt: skip
    return Problem(groups, size, [rng.normal(size=n * N_YEAR) for n in size], template, parameters)


def weights(
    rng: np.random.Generator, members: list[int], t: int, *, interpolated: bool
) -> tuple[tuple[int, float], ...]:
    part = rng.random() if interpolated and t < N_YEAR - 1 else 0.0
    share = 1.0 / len(members)
    out = []
    for m in members:
        out.append((m * N_YEAR + t, (1.0 - part) * share))
        out += [(m * N_YEAR + t + 1, part * share)] if part else []
    return tuple(out)


def dense(p: Problem, real: Real) -> tuple[float, np.ndarray, np.ndarray]:
    """Log density, and mean and covariance of all states given the observations, by dense matrices."""
    layout = p.layout()
    z, variance, offset, loading, m, scale, ar_sd, ar_phi, white_sd, domain_sd, domain_phi, white = real[:12]
    kind, time, row, state, weight = layout.kind, layout.time, layout.row, layout.state, layout.weight
    group_domain, block_state = layout.group_domain, layout.block_state
    n, n_state = z.size, m.size
    group = np.repeat(np.arange(group_domain.size), np.diff(layout.group_obs))
    block = np.repeat([b for b, groups in enumerate(p.groups) for _ in groups], np.diff(layout.group_obs)).astype(int)
    factors = [replace(p, scale=scale).factor(b) for b in range(len(p.size))]
    C = block_diag(*[L @ L.T for L in factors])
    A = np.zeros((n, n_state))
    Sigma = np.zeros((n, n))
    for i in range(n):
        for e in range(row[i], row[i + 1]):
            A[i, block_state[block[i]] + state[e]] += loading[kind[i]] * weight[e]
        for j in range(n):
            if group[i] != group[j]:
                continue
            lag = abs(time[i] - time[j])
            if kind[i] == kind[j]:
                Sigma[i, j] += ar_sd[kind[i]] ** 2 * ar_phi[kind[i]] ** lag
            if group_domain[group[i]] >= 0:
                d = group_domain[group[i]]
                alike = (1.0 - white[d]) * domain_phi[d] ** lag + white[d] * (lag == 0)
                Sigma[i, j] += domain_sd[kind[i]] * domain_sd[kind[j]] * alike
        Sigma[i, i] += white_sd[kind[i]] ** 2 + variance[i]
    marginal = A @ C @ A.T + Sigma
    gain = np.linalg.solve(marginal, A @ C).T
    r = z - offset - A @ m
    return float(multivariate_normal(cov=marginal).logpdf(r)), m + gain @ r, C - gain @ A @ C


def slopes(function: Callable[[np.ndarray], float], x: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Derivatives of the function along directions (rows), by central differences."""
    step = 1e-5
    return np.array([(function(x + step * d) - function(x - step * d)) / (2.0 * step) for d in directions])


def random_directions(n: int, *, count: int = 3) -> np.ndarray:
    return np.random.default_rng(n).normal(size=(count, n))


CASES = {
    "as many columns as states and one": {},
    "fewer columns than states": {"columns": 2},
    "nothing missing": {"missing": 0.0},
    "most missing": {"missing": 0.8, "seed": 3},
}


@pytest.mark.parametrize("case", CASES)
def test_the_value_is_the_log_density_of_a_multivariate_normal(case: str) -> None:
    p = problem(**CASES[case])
    assert p.value() == pytest.approx(dense(p, p.real())[0], rel=1e-10)


@pytest.mark.parametrize("argument", REAL[:11])
@pytest.mark.parametrize("case", CASES)
def test_the_gradient_is_that_of_the_dense_density(case: str, argument: str) -> None:
    p = problem(**CASES[case])
    real = p.real()

    def density(x: np.ndarray) -> float:
        return dense(p, real._replace(**{argument: x}))[0]

    gradient = getattr(value_and_gradient(p.layout(), real)[1], argument)
    along = random_directions(gradient.size)
    np.testing.assert_allclose(along @ gradient, slopes(density, getattr(real, argument), along), atol=2e-6, rtol=2e-6)


def test_value_and_gradient_are_smooth_where_the_variance_of_a_part_of_the_trend_is_zero() -> None:
    p = replace(problem(), scale=np.array([0.7, 1.0, 0.0]))
    real = p.real()
    value, gradient = value_and_gradient(p.layout(), real)
    assert value == pytest.approx(dense(p, real)[0], rel=1e-10)
    along = random_directions(real.scale.size)
    expected = slopes(lambda x: dense(p, real._replace(scale=x))[0], real.scale, along)
    np.testing.assert_allclose(along @ gradient.scale, expected, atol=2e-6, rtol=2e-6)


def test_without_any_state_variance_the_observations_are_independent_between_groups() -> None:
    p = problem()
    p = replace(p, scale=np.zeros(3))
    one_by_one = 0.0
    for b, block in enumerate(p.groups):
        for group in block:
            alone = [[group] if i == b else [] for i in range(len(p.groups))]
            one_by_one += replace(p, groups=alone).value()
    assert p.value() == pytest.approx(one_by_one, rel=1e-12)


def test_blocks_add() -> None:
    p = problem()
    parts = [replace(p, groups=[g if i == b else [] for i, g in enumerate(p.groups)]).value() for b in range(3)]
    assert p.value() == pytest.approx(sum(parts), rel=1e-12)


def test_no_observation_at_all_has_log_density_zero_and_leaves_the_prior() -> None:
    p = replace(problem(), groups=[[], [], []])
    assert p.value() == 0.0
    mean, _, own, *_ = states_of(p)
    np.testing.assert_allclose(mean, np.concatenate(p.mean), atol=1e-14)
    np.testing.assert_allclose(own[0], p.factor(0) @ p.factor(0).T, rtol=1e-12)


def test_a_covariance_that_is_not_positive_definite_has_log_density_minus_infinity() -> None:
    p = problem()
    real = p.real()._replace(variance=np.full(p.real().z.size, -100.0))
    assert value_and_gradient(p.layout(), real)[0] == -np.inf


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**16), st.randoms(use_true_random=False))
def test_the_order_of_observations_groups_and_blocks_does_not_matter(seed: int, random: st.Random) -> None:
    p = problem(seed, missing=0.4)
    order = list(range(len(p.size)))
    random.shuffle(order)
    shuffled = []
    for b in order:
        groups = [random.sample(g, len(g)) for g in p.groups[b]]
        random.shuffle(groups)
        shuffled.append(groups)
    again = replace(
        p, groups=shuffled, size=tuple(p.size[b] for b in order), mean=[p.mean[b] for b in order],
        template=[p.template[b] for b in order],
    )  # fmt: skip
    assert again.value() == pytest.approx(p.value(), rel=1e-9, abs=1e-9)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**16), st.integers(-3000, 3000))
def test_only_differences_of_years_matter(seed: int, shift: int) -> None:
    p = problem(seed)
    moved = [[[replace(o, time=o.time + shift) for o in g] for g in block] for block in p.groups]
    assert replace(p, groups=moved).value() == pytest.approx(p.value(), rel=1e-12)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**16))
def test_turning_the_innovations_changes_nothing(seed: int) -> None:
    p = replace(problem(seed), scale=np.ones(3))
    rng = np.random.default_rng(seed)
    turned = [f @ np.linalg.qr(rng.normal(size=(f.shape[1], f.shape[1])))[0] for f in p.template]
    assert replace(p, template=turned).value() == pytest.approx(p.value(), rel=1e-9)


# Grades.


def judged(n: int, *, items: int = 1, seed: int = 0, effect: float = 0.8) -> Problem:
    """The problem with n inspections of each authority, `items` grades each, between cutpoints -1, 0 and 1 or beyond.

    Where there are several, the i-th inspection of an authority has one less for i odd, and all share an effect.
    """
    rng = np.random.default_rng(seed)
    p = problem(seed)
    cuts = [(-np.inf, -1.0), (-1.0, 0.0), (0.0, 1.0), (1.0, np.inf)]
    groups = [
        block
        + [
            [
                Observation(b, 3, N_KIND + j, 2013 + i, at, 0.0, 0.0, rng.normal(), cuts[rng.integers(4)])
                for at in [weights(rng, [member], i, interpolated=True)]
                for j in range(max(items - i % 2, 1))
            ]
            for member in range(p.size[b]) for i in range(n)
        ]
        for b, block in enumerate(p.groups)
    ]  # fmt: skip
    loading, ar_sd, ar_phi, white_sd, domain_sd, *paths = p.parameters
    none, shared = np.zeros(items), np.full(items, effect if items > 1 else 0.0) * np.linspace(1.0, 0.7, items)
    noise = (
        np.append(ar_sd, none), np.append(ar_phi, none + 0.5), np.append(white_sd, none), np.append(domain_sd, shared)
    )  # fmt: skip
    return replace(p, groups=groups, parameters=(np.append(loading, np.linspace(1.3, 0.6, items)), *noise, *paths))


def without_grades(p: Problem) -> Problem:
    return replace(p, groups=[[g for g in block if g[0].cuts is None] for block in p.groups])


def scores(p: Problem, block: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean and covariance, given the other observations, of the block's latent scores, and their cutpoints."""
    rest = without_grades(p)
    _, mean, covariance = dense(rest, rest.real())
    first = N_YEAR * sum(p.size[:block])
    graded = [o for g in p.groups[block] for o in g if o.cuts is not None]
    inspection = np.array([i for i, g in enumerate(p.groups[block]) for o in g if o.cuts is not None])
    A = np.zeros((len(graded), mean.size))
    for i, o in enumerate(graded):
        for s, w in o.weights:
            A[i, first + s] += p.parameters[0][o.kind] * w
    offset, effect = np.array([o.offset for o in graded]), p.parameters[4][[o.kind for o in graded]]
    shared = np.outer(effect, effect) * (inspection[:, None] == inspection)
    return offset + A @ mean, A @ covariance @ A.T + shared, np.array([o.cuts for o in graded])


def test_a_single_grade_in_a_block_is_integrated_out_exactly() -> None:
    p = judged(1)
    p = replace(p, groups=[*p.groups[:2], p.groups[2][:-1]])  # the linked block keeps one of its two
    expected = without_grades(p).value()
    for b in range(3):
        mean, covariance, cuts = scores(p, b)
        upper, lower = norm.cdf((cuts[0, ::-1] - mean[0]) / np.sqrt(1.0 + covariance[0, 0]))
        expected += np.log(upper - lower)
    assert p.value() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("n", "items"), [(2, 1), (1, 3), (2, 2)])
def test_the_evidence_of_several_grades_is_near_the_exact_one(n: int, items: int) -> None:
    p = judged(n, items=items)
    exact = without_grades(p).value()
    for b in range(3):
        mean, covariance, cuts = scores(p, b)
        low, high = np.clip(cuts, -30.0, 30.0).T
        exact += np.log(
            multivariate_normal.cdf(
                high, mean, covariance + np.eye(mean.size), lower_limit=low, abseps=1e-8, rng=np.random.default_rng(1)
            )
        )
    # No bound is known for expectation propagation; with probit grades it errs in the third digit of a log density.
    assert p.value() == pytest.approx(exact, abs=5e-3)


@pytest.mark.parametrize("items", [1, 3])
@pytest.mark.parametrize("argument", REAL)
def test_the_gradient_with_grades_is_that_of_the_evidence(argument: str, items: int) -> None:
    p = judged(3, items=items)
    layout, real = p.layout(), p.real()
    x = getattr(real, argument)
    along = random_directions(x.size) * np.isfinite(x)  # an end of the scale stays where it is
    if argument in ("z", "variance"):
        along *= layout.graded < 0  # a grade has neither

    def evidence(x: np.ndarray) -> float:
        return float(value_and_gradient(layout, real._replace(**{argument: x}))[0])

    gradient = getattr(value_and_gradient(layout, real)[1], argument)
    np.testing.assert_allclose(along @ gradient, slopes(evidence, x, along), atol=2e-6, rtol=2e-6)


def test_a_grade_that_leaves_every_score_possible_says_nothing() -> None:
    p = judged(2)
    free = [[[replace(o, cuts=o.cuts and (-np.inf, np.inf)) for o in g] for g in block] for block in p.groups]
    assert replace(p, groups=free).value() == pytest.approx(without_grades(p).value(), rel=1e-12)


def test_grades_far_in_the_tail_keep_a_finite_value_and_gradient() -> None:
    p = judged(2)
    far = [[[replace(o, cuts=o.cuts and (25.0, np.inf)) for o in g] for g in block] for block in p.groups]
    value, gradient = value_and_gradient(replace(p, groups=far).layout(), replace(p, groups=far).real())
    assert value < -50.0
    assert all(np.isfinite(part).all() for part in gradient)


def test_the_states_given_grades_have_their_exact_moments() -> None:
    # Block 0, one grade: f | data, grade by quadrature, then E theta = E[theta | f] by the regression of theta on f.
    p = judged(1)
    p = replace(p, groups=[p.groups[0], [], []])
    rest = without_grades(p)
    _, mean, covariance = dense(rest, rest.real())
    f_mean, f_variance, cuts = scores(p, 0)
    f = np.linspace(-12.0, 12.0, 20001) * np.sqrt(f_variance[0, 0]) + f_mean[0]
    density = norm.pdf(f, f_mean[0], np.sqrt(f_variance[0, 0])) * (norm.cdf(cuts[0, 1] - f) - norm.cdf(cuts[0, 0] - f))
    density /= density.sum()
    posterior_mean = density @ f
    posterior_variance = density @ (f - posterior_mean) ** 2
    o = p.groups[0][-1][0]
    a = np.zeros(mean.size)
    for s, w in o.weights:
        a[s] += p.parameters[0][o.kind] * w
    slope = covariance @ a / f_variance[0, 0]
    expected = mean + slope * (posterior_mean - f_mean[0])
    expected_covariance = covariance + np.outer(slope, slope) * (posterior_variance - f_variance[0, 0])
    got_mean, _, own, *_ = states_of(p)
    np.testing.assert_allclose(got_mean[:N_YEAR], expected[:N_YEAR], atol=1e-8)
    np.testing.assert_allclose(own[0], expected_covariance[:N_YEAR, :N_YEAR], atol=1e-8)


def test_several_judgements_of_one_inspection_say_less_than_as_many_inspections() -> None:
    # With an effect that is the inspection's own, its second judgement is not a second look.
    once = judged(1, items=2, effect=1.0)
    first = [[[replace(o, cuts=o.cuts and (0.0, 1.0)) for o in g if o.kind <= N_KIND] for g in b] for b in once.groups]
    twice_judged = [[g if g[0].cuts is None else [g[0], replace(g[0], kind=N_KIND + 1)] for g in b] for b in first]
    loading, ar_sd, ar_phi, white_sd, domain_sd, *paths = once.parameters
    alike = loading.copy()
    alike[N_KIND:] = 1.3
    effect = domain_sd.copy()
    effect[N_KIND:] = 1.0
    base = replace(once, parameters=(alike, ar_sd, ar_phi, white_sd, effect, *paths))
    twice_inspected = [[*b, *[g for g in b if g[0].cuts is not None]] for b in first]

    def sds(groups: list[list[list[Observation]]]) -> np.ndarray:
        return np.sqrt(np.einsum("att->at", states_of(replace(base, groups=groups))[2]))

    judged_again, inspected_again, single = sds(twice_judged), sds(twice_inspected), sds(first)
    assert (judged_again <= single + 1e-12).all()
    assert (single - judged_again < single - inspected_again).all()
    assert ((single - judged_again).max(axis=1) < 0.6 * (single - inspected_again).max(axis=1)).all()


# States.


def states_of(p: Problem, noise: np.ndarray | None = None) -> tuple[np.ndarray, ...]:
    noise = np.zeros((len(p.size), 0)) if noise is None else noise
    return tuple(states(p.layout(), p.real(), N_YEAR, SHARE.ravel(), noise))


@pytest.mark.parametrize("case", CASES)
def test_state_moments_are_the_dense_conditional_ones(case: str) -> None:
    p = problem(**CASES[case])
    _, mean, covariance = dense(p, p.real())
    got_mean, draw, own, shared, _ = states_of(p)
    np.testing.assert_allclose(got_mean, mean, atol=1e-9)
    np.testing.assert_allclose(draw, mean, atol=1e-9)  # without noise the draw is the mean
    by_unit = covariance.reshape(4, N_YEAR, 4, N_YEAR)
    for a in range(4):
        np.testing.assert_allclose(own[a], by_unit[a, :, a, :], atol=1e-9)
    np.testing.assert_allclose(shared, np.einsum("atcu,cu->atu", by_unit, SHARE), atol=1e-9)


def test_draws_have_the_conditional_mean_and_covariance() -> None:
    p = problem()
    _, mean, covariance = dense(p, p.real())
    n, columns = 4000, max(t.shape[1] for t in p.template)
    rng = np.random.default_rng(4)
    draws = np.stack([states_of(p, rng.normal(size=(len(p.size), columns)))[1] for _ in range(n)])
    sd = np.sqrt(np.diag(covariance))
    assert np.abs((draws.mean(axis=0) - mean) / sd).max() < 4.5 / np.sqrt(n)
    # The standard error of a sample correlation of normals is at most 1 / sqrt(n); of a variance sqrt(2 / n).
    gap = (np.cov(draws.T) - covariance) / np.outer(sd, sd)
    assert np.abs(gap).max() < 5.0 * np.sqrt(2.0 / n)
