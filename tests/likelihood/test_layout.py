"""Authorities side by side against the same authorities one by one: two implementations of one likelihood."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from panels_with_subjudgements import with_sub_judgements
from paths import PANELS

import bayes_csc.likelihood.layout
from bayes_csc.likelihood.kernel import Real, value_and_gradient
from bayes_csc.likelihood.kernel.states import states
from bayes_csc.likelihood.layout import OWN, layout_of, observed_layout
from bayes_csc.measurement.design import Design, design
from bayes_csc.measurement.judgements.scales import JUDGEMENT
from bayes_csc.panel.panel import Panel
from bayes_csc.spec import Spec


@pytest.fixture(scope="module")
def hamlets() -> Design:
    return design(with_sub_judgements(Panel.read(PANELS / "hamlets")), Spec())


def some_values(d: Design, seed: int) -> Real:
    rng, kinds, rows = (
        np.random.default_rng(seed),
        len(d.indicator) + len(d.ordinal) + len(d.judged.domain),
        d.observation,
    )
    grade = rows.grade[rows.indicator == JUDGEMENT].to_numpy()
    return Real(
        z=rows.z.to_numpy(), variance=rows.variance.to_numpy(), offset=rng.normal(size=len(rows)),
        loading=rng.normal(size=kinds), mean=rng.normal(size=d.exists.size), scale=rng.uniform(0.0, 1.0, 4),
        ar_sd=rng.uniform(0.0, 1.0, kinds), ar_phi=rng.uniform(0.0, 0.99, kinds),
        white_sd=rng.uniform(0.02, 0.6, kinds), domain_sd=rng.uniform(-1.0, 1.0, kinds),
        domain_phi=rng.uniform(0.0, 0.99, len(d.domain) + 1), domain_white=rng.uniform(0.0, 1.0, len(d.domain) + 1),
        low=np.where(grade == 4, -np.inf, -0.5 - grade), high=np.where(grade == 1, np.inf, 1.5 - grade),
    )  # fmt: skip


def one_by_one(d: Design) -> Design:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            bayes_csc.likelihood.layout, "_alike", lambda design, rows, graded: np.zeros(len(design.block), dtype=bool)
        )
        apart = d.kept(np.ones(len(d.observation), dtype=bool))
        layout_of(apart)  # while the patch holds
        return apart


def assert_equal_likelihoods(d: Design, real: Real, apart: Design | None = None) -> None:
    apart = apart or one_by_one(d)
    assert layout_of(apart).single_block.size == 0
    value, gradient = value_and_gradient(layout_of(d), real)
    expected, wanted = value_and_gradient(layout_of(apart), real)
    assert value == pytest.approx(expected, rel=1e-10)
    for name in Real._fields:
        a, b = getattr(gradient, name), getattr(wanted, name)
        scale = np.abs(b).max(initial=1.0)
        np.testing.assert_allclose(a / scale, b / scale, atol=1e-9, err_msg=name)
    n_year = d.year.size
    share, noise = np.random.default_rng(0).random(d.exists.size), np.zeros((len(d.block), 0))
    moments = states(layout_of(d), real, n_year, share, noise)
    for a, b in zip(moments, states(layout_of(apart), real, n_year, share, noise), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-9)


def test_england_side_by_side_is_england_one_by_one(shipped: Panel) -> None:
    d = design(shipped, Spec())
    assert (layout_of(d).single_block >= 0).sum() == 145
    apart = one_by_one(d)
    for seed in range(3):
        assert_equal_likelihoods(d, some_values(d, seed), apart)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 2**16), st.floats(0.0, 1.0))
def test_whatever_is_missing_makes_no_difference_between_the_two(hamlets: Design, seed: int, missing: float) -> None:
    kept = np.random.default_rng(seed).random(len(hamlets.observation)) >= missing
    d = hamlets.kept(kept)
    assert_equal_likelihoods(d, some_values(d, seed))


def test_an_authority_with_instants_of_its_own_is_taken_by_itself(hamlets: Design) -> None:
    rows = hamlets.observation.copy()
    alike = rows.block.isin(layout_of(hamlets).single_block.ravel())
    first = rows.index[alike & (rows.indicator != JUDGEMENT)][0]
    block = int(rows.block[first])
    assert block in layout_of(hamlets).single_block
    rows.loc[first, "position"] += 0.1
    d = replace(hamlets, observation=rows).kept(np.ones(len(rows), dtype=bool))
    assert block not in layout_of(d).single_block
    assert block in layout_of(d).block
    assert_equal_likelihoods(d, some_values(d, 1))


def test_blocks_left_out_say_nothing_and_keep_their_prior_mean(hamlets: Design) -> None:
    chosen = np.arange(0, len(hamlets.block), 3)
    part = hamlets.kept(np.ones(len(hamlets.observation), dtype=bool), blocks=chosen)
    rest = hamlets.kept(
        np.ones(len(hamlets.observation), dtype=bool), blocks=np.setdiff1d(np.arange(len(hamlets.block)), chosen)
    )
    real = some_values(hamlets, 2)
    whole = value_and_gradient(layout_of(hamlets), real)[0]
    parts = [value_and_gradient(layout_of(d), real)[0] for d in (part, rest)]
    assert sum(parts) == pytest.approx(whole, rel=1e-12)
    mean, _, own, *_ = states(
        layout_of(part), real, hamlets.year.size, np.zeros(hamlets.exists.size), np.zeros((len(hamlets.block), 0))
    )
    left_out = [a for b, block in enumerate(hamlets.block) if b not in chosen for a in block]
    np.testing.assert_array_equal(
        mean.reshape(hamlets.exists.shape)[left_out], real.mean.reshape(hamlets.exists.shape)[left_out]
    )
    assert not own[left_out].any()


def test_draws_given_grades_have_the_moments_that_go_with_them(hamlets: Design) -> None:
    real, n, n_year = some_values(hamlets, 3), 3000, hamlets.year.size
    rng, share = np.random.default_rng(4), np.zeros(hamlets.exists.size)
    width = int(layout_of(hamlets).template_column.max()) + layout_of(hamlets).single_grade.shape[1]
    draws = np.stack(
        [
            states(layout_of(hamlets), real, n_year, share, rng.normal(size=(len(hamlets.block), width)))[1]
            for _ in range(n)
        ]
    ).reshape(n, -1, n_year)
    mean, _, own, *_ = states(layout_of(hamlets), real, n_year, share, np.zeros((len(hamlets.block), 0)))
    sd = np.sqrt(np.einsum("att->at", own))
    z = (draws.mean(axis=0) - mean.reshape(sd.shape)) / sd * np.sqrt(n)
    assert np.abs(z).max() < 5.0
    for a in range(sd.shape[0]):
        gap = (np.cov(draws[:, a].T) - own[a]) / np.outer(sd[a], sd[a])
        assert np.abs(gap).max() < 5.0 * np.sqrt(2.0 / n)


@pytest.mark.parametrize("kind", ["random walk", "AR(1)", "local linear", "straight line"])
@pytest.mark.parametrize("alone", [False, True])
def test_years_after_the_data_change_nothing_in_the_density_and_are_left_out_of_it(
    shipped: Panel, kind: str, *, alone: bool
) -> None:
    """Also where authorities by themselves are taken one by one, like those whose successions link them."""
    d = design(shipped, Spec.parse({"horizon": 6, "trend": {"kind": kind}}))
    d = one_by_one(d) if alone else d
    layout, real = observed_layout(d), some_values(d, 4)
    assert layout.template.size < layout_of(d).template.size + d.template[OWN].matrix.size
    value, gradient = value_and_gradient(layout, real)
    expected, wanted = value_and_gradient(layout_of(d), real)
    assert value == pytest.approx(expected, rel=1e-12)
    for name, a, b in zip(Real._fields, gradient, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9 * np.abs(b).max(initial=1.0), err_msg=name)
    later = (gradient.mean.reshape(-1, d.year.size) == 0.0).all(axis=0)
    assert list(np.flatnonzero(later)) == list(range(d.year.size - 6, d.year.size))
