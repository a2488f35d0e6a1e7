"""The dense smoother against the compiled kernel, whose states it must reproduce, and against what its terms mean."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest
from interpreted_density import by_python
from panel_of_every_family import with_every_family
from panels_with_subjudgements import with_sub_judgements
from paths import PANELS
from scipy.linalg import block_diag

from bayes_csc.estimates import smoother
from bayes_csc.estimates.grade_sites import fit_grade_sites
from bayes_csc.estimates.smoother import Block, Group, smooth, stacked
from bayes_csc.files.embedded_data import data_dir
from bayes_csc.likelihood.density import compile_density
from bayes_csc.likelihood.kernel import Real
from bayes_csc.likelihood.kernel.states import states
from bayes_csc.likelihood.layout import layout_of
from bayes_csc.measurement.design import Design, design
from bayes_csc.panel.panel import Panel
from bayes_csc.spec import Spec
from bayes_csc_models.trajectory import from_design

HERE = PANELS


@dataclass(frozen=True)
class Case:
    """A design and the kernel's real inputs at a few points."""

    design: Design
    reals: tuple[Real, ...]

    @classmethod
    def of(cls, panel: Panel, *, spec: Spec | None = None, spread: float = 1.0) -> Case:
        spec = spec or Spec()
        d = design(panel, spec)
        density = compile_density(from_design(d, spec))
        steps = np.random.default_rng(5).normal(scale=spread, size=(3, density.first.size))
        return cls(d, tuple(density.real(density.first + step) for step in steps))

    def block(self, authority: str) -> Block:
        place = self.design.authority.index(authority)
        return Block.of(self.design, next(b for b, members in enumerate(self.design.block) if place in members))


@pytest.fixture(scope="module", autouse=True)
def interpreted_throughout() -> Iterator[None]:
    """A few points of each density are all that is wanted."""
    with by_python():
        yield


@pytest.fixture(scope="module")
def hamlets() -> Case:
    """Eight authorities: two that file together, two that became a third, three by themselves."""
    return Case.of(Panel.read(HERE / "hamlets"))


def panel_of(name: str) -> Panel:
    if name == "England":
        return Panel.read(data_dir())
    if name == "every family":
        return with_every_family(Panel.read(HERE / "hamlets"))
    if name == "judged":
        return with_sub_judgements(Panel.read(HERE / "hamlets"))
    return Panel.read(HERE / name)


@pytest.mark.parametrize(
    ("name", "changes"),
    [("towns", {}), ("hamlets", {}), ("every family", {}), ("England", {}), ("judged", {})],
    ids=["towns", "hamlets", "every family", "England", "sub-judgements"],
)
def test_the_states_are_the_kernel_s(name: str, changes: dict[str, dict[str, str]]) -> None:
    spread = 1.0 if name in ("towns", "hamlets", "every family") else 0.3
    case = Case.of(panel_of(name), spec=Spec().updated(changes), spread=spread)
    d, n_year = case.design, case.design.year.size
    share = np.ones(d.exists.size)
    nothing = np.empty((len(d.block), 0))
    linked = [b for b, members in enumerate(d.block) if len(members) > 1]
    chosen = sorted({*linked, *range(0, len(d.block), 40)}) if name == "England" else range(len(d.block))
    assert linked
    for b in chosen:
        block = Block.of(d, b)
        found = smooth(block, stacked(case.reals))
        for k, real in enumerate(case.reals):
            mean, _, own, *_ = states(layout_of(d), real, n_year, share, nothing)
            np.testing.assert_allclose(found.mean[k], mean[block.state], rtol=0, atol=1e-8)
            for i, a in enumerate(d.block[b]):
                at = slice(i * n_year, (i + 1) * n_year)
                np.testing.assert_allclose(found.covariance[k, at, at], own[a], rtol=0, atol=1e-8)


def test_the_prior_and_the_terms_of_all_observations_sum_to_the_posterior_mean_of_any_contrast(hamlets: Case) -> None:
    rng = np.random.default_rng(1)
    for b in range(len(hamlets.design.block)):
        found = smooth(Block.of(hamlets.design, b), stacked(hamlets.reals))
        c = rng.normal(size=found.mean.shape[1])
        np.testing.assert_allclose(found.prior @ c + found.terms(c).sum(axis=1), found.mean @ c, rtol=0, atol=1e-10)


def test_a_weight_is_what_moving_an_observation_does_with_the_sites_held(
    hamlets: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    block, real = hamlets.block("408"), stacked(hamlets.reals)
    fitted: list[tuple[np.ndarray, np.ndarray]] = []

    def remembered(*arguments: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        fitted.append(fit_grade_sites(*arguments))
        return fitted[-1]

    monkeypatch.setattr(smoother, "fit_grade_sites", remembered)
    found = smooth(block, real)
    c = np.random.default_rng(2).normal(size=found.mean.shape[1])
    weights = found.weights(c)
    tau, eta = fitted[0]
    place = [(g.grade[j], g.at[j]) for g in block.groups for j in range(g.at.size) if g.grade[0] >= 0]
    h = 0.37
    for j, (_, at) in enumerate(place):
        moved = eta + h * (np.arange(eta.shape[1]) == j)
        monkeypatch.setattr(smoother, "fit_grade_sites", lambda *_, moved=moved: (tau, moved))
        change = (smooth(block, real).mean - found.mean) @ c
        np.testing.assert_allclose(change, h * weights[:, at], rtol=0, atol=1e-11)
    monkeypatch.setattr(smoother, "fit_grade_sites", lambda *_: (tau, eta))
    graded = {at for _, at in place}
    plain = [at for at in range(block.observation.size) if at not in graded]
    assert (len(plain), len(graded)) == (22, 5)
    for at in plain:
        z = real.z.copy()
        z[:, block.observation[at]] += h
        change = (smooth(block, real._replace(z=z)).mean - found.mean) @ c
        np.testing.assert_allclose(change, h * weights[:, at], rtol=0, atol=1e-11)


def judged_together(case: Case, authority: str) -> tuple[Block, Real, Group]:
    """An authority's judgements as one inspection's, which share an effect of sd 0.6 and have loadings of their own."""
    block = case.block(authority)
    graded = [g for g in block.groups if g.grade[0] >= 0]
    n_kind = case.reals[0].loading.size
    kind = n_kind + np.arange(len(graded))
    together = Group(
        at=np.concatenate([g.at for g in graded]),
        observation=np.concatenate([g.observation for g in graded]),
        state=np.arange(block.state.size),
        weight=np.stack([np.bincount(g.state, g.weight[0], block.state.size) for g in graded]),
        kind=kind,
        year=np.zeros(len(graded), dtype=int),
        domain=0,
        grade=np.concatenate([g.grade for g in graded]),
    )
    real = stacked(case.reals)
    more = np.tile(0.5 + 0.3 * np.arange(len(graded)), (len(case.reals), 1))
    real = real._replace(
        loading=np.column_stack([real.loading, more]), domain_sd=np.column_stack([real.domain_sd, 0.0 * more + 0.6])
    )
    return replace(block, groups=(*(g for g in block.groups if g.grade[0] < 0), together)), real, together


def test_judgements_of_one_inspection_share_its_effect(hamlets: Case) -> None:
    block, real, grades = judged_together(hamlets, "401")
    found = smooth(block, real)
    without = smooth(replace(block, groups=block.groups[:-1]), real)
    c = np.random.default_rng(3).normal(size=found.mean.shape[1])
    terms = found.terms(c)
    for k in range(len(hamlets.reals)):
        # By one dense normal: given all else f = o + A theta + effect, seen as eta / tau with the variance 1 / tau
        a = real.loading[k, grades.kind, None] * grades.weight
        o = real.offset[k, grades.observation]
        effect = np.full((grades.at.size, grades.at.size), 0.36)
        of_f = a @ without.covariance[k] @ a.T + effect
        tau, eta = fit_grade_sites(o + a @ without.mean[k], of_f, real.low[k, grades.grade], real.high[k, grades.grade])
        gain = without.covariance[k] @ a.T @ np.linalg.inv(of_f + np.diag(1.0 / tau))
        mean = without.mean[k] + gain @ (eta / tau - o - a @ without.mean[k])
        np.testing.assert_allclose(found.mean[k], mean, rtol=0, atol=1e-9)
        np.testing.assert_allclose(found.prior[k] @ c + terms[k].sum(), mean @ c, rtol=0, atol=1e-9)


def test_more_judgements_of_one_inspection_move_the_states_less_the_more_they_share(hamlets: Case) -> None:
    block, real, grades = judged_together(hamlets, "404")
    c = np.abs(grades.weight).sum(axis=0)
    variance = []
    for sd in (0.0, 2.0):
        apart = real._replace(
            domain_sd=np.where(np.arange(real.domain_sd.shape[1]) < grades.kind[0], real.domain_sd, sd)
        )
        variance.append(c @ smooth(block, apart).covariance @ c)
    more = np.diff(variance, axis=0)
    assert (more > -1e-3 * variance[0]).all()  # a grade says a little more or less where its score moves
    assert more.max() > 0.1 * variance[0].min()


def test_the_weights_are_those_of_the_textbook_gain(hamlets: Case) -> None:
    """g = (A C A' + Sigma)^-1 A C c, observations and grades (by sites of variance 1 / tau) in one dense normal."""
    block, real = hamlets.block("402"), stacked(hamlets.reals)
    found = smooth(block, real)
    c = np.random.default_rng(4).normal(size=found.mean.shape[1])
    for k in range(len(hamlets.reals)):
        factor = block.template.matrix * real.scale[k, block.template.column_kind]
        a = np.zeros((block.observation.size, block.state.size))
        noise, order = [], []
        for part in found.said:
            a[np.ix_(part.group.at, part.group.state)] = part.loading[k][:, None] * part.group.weight
            noise.append(np.linalg.inv(part.precision[k]))
            order.append(part.group.at)
        place = np.concatenate(order)
        marginal = (a @ factor @ factor.T @ a.T)[np.ix_(place, place)] + block_diag(*noise)
        gain = np.linalg.solve(marginal, (a @ factor @ factor.T @ c)[place])
        scale = np.concatenate(
            [(p.precision[k].diagonal() if p.group.grade[0] >= 0 else np.ones(p.group.at.size)) for p in found.said]
        )
        np.testing.assert_allclose(found.weights(c)[k, place] * scale, gain, rtol=0, atol=1e-10)
