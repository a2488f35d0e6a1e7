"""Log densities block by block, the evidence of sites, leave-one-out scores, and what further data are worth."""

from __future__ import annotations

import numpy as np
import pytest
from counts_of_one_authority import AR_PHI, AR_SD, CASES, LOADING, PRIOR_SD, WHITE_SD, log_likelihood, some_years
from scipy.special import logsumexp
from scipy.stats import norm
from sensitivity_base import base, hamlets

from bayes_csc.estimates.contributions import contrasts
from bayes_csc.evaluation.sensitivity.answers.model_scores import stacking_weights
from bayes_csc.evaluation.sensitivity.answers.one_more_year import one_more_year
from bayes_csc.evaluation.sensitivity.answers.predictive import left_out, predictive
from bayes_csc.evaluation.sensitivity.answers.reweight import Base, Weights, log_ratios
from bayes_csc.evaluation.sensitivity.answers.value_of_data import COUNT, Offer, value_of_data
from bayes_csc.files.spelling import nearest
from bayes_csc.inference.fit import preview
from bayes_csc.inference.reopen import Revisited, revisit
from bayes_csc.likelihood.conditional_states import block_densities
from bayes_csc.likelihood.count_sites import fit_sites, site_evidence
from bayes_csc.likelihood.kernel import value_and_gradient
from bayes_csc.likelihood.kernel.states import states
from bayes_csc.likelihood.layout import layout_of
from bayes_csc.likelihood.log_prior import coordinates_of, drawn_values, log_priors
from bayes_csc.measurement.design import design
from bayes_csc.spec import Spec
from bayes_csc_models.trajectory import trajectory


@pytest.fixture(scope="module")
def again() -> Revisited:
    return revisit(base(), trajectory, draws=60)


def test_blocks_densities_sum_to_the_density_of_all(again: Revisited) -> None:
    for x in again.points[:3]:
        real = again.density.real(x)
        parts = block_densities(again.design, real)
        assert parts.size == len(again.design.block)
        assert parts.sum() == pytest.approx(value_and_gradient(again.density.layout, real)[0], rel=1e-12)


def test_the_priors_of_draws_are_those_of_the_model_given_what_each_depends_on(again: Revisited) -> None:
    model = trajectory(hamlets(), Spec())
    values = drawn_values(again.density, again.points[:4])
    found = log_priors(model, values)
    whole = model.compile_logp(vars=model.free_RVs, jacobian=False, mode="FAST_COMPILE")
    edges = np.cumsum([0, *(slot.stop - slot.start for slot in again.density.names.free.values())])
    shapes = {model.rvs_to_values[rv].name: np.shape(model.initial_point()[model.rvs_to_values[rv].name])
              for rv in model.free_RVs}  # fmt: skip
    for draw in range(4):
        x = coordinates_of(model, values, draw)
        np.testing.assert_allclose(x, again.points[draw], atol=1e-6)
        point = {n: x[edges[k] : edges[k + 1]].reshape(shape) for k, (n, shape) in enumerate(shapes.items())}
        assert sum(float(prior[draw]) for prior in found.values()) == pytest.approx(float(whole(point)), rel=1e-9)


def test_a_normal_prior_to_a_power_is_the_prior_of_a_refit_by_reweighting(again: Revisited) -> None:
    # so that power-scaling and reweighting, of one prior, say the same
    alpha, spec = 1.25, Spec()
    model = trajectory(hamlets(), spec)
    drawn = Base.of(hamlets(), model, again.density, again.points)
    narrower = spec.updated({"measurement": {"level_sd": spec.measurement.level_sd / np.sqrt(alpha)}})
    ratio = log_ratios(trajectory, narrower, drawn)
    assert ratio is not None
    power = (alpha - 1.0) * log_priors(model, drawn.values)["indicator_level"]
    np.testing.assert_allclose(ratio - ratio.mean(), power - power.mean(), atol=1e-9)
    assert np.ptp(ratio) > 0.01


def test_a_block_left_out_has_the_density_zero_and_changes_no_other(again: Revisited) -> None:
    real = again.density.real(again.points[0])
    kept = again.design.kept(np.ones(len(again.design.observation), bool), blocks=np.array([0, 2]))
    whole, some = (block_densities(d, real) for d in (again.design, kept))
    np.testing.assert_allclose(some[[0, 2]], whole[[0, 2]], rtol=1e-12)
    assert (np.delete(some, [0, 2]) == 0.0).all()


@pytest.mark.parametrize("case", ["two small counts", "a suppressed count and none at all"])
def test_sites_with_their_evidence_integrate_to_what_the_exact_likelihood_does(case: str) -> None:
    rows, site = CASES[case], np.array([True, True])
    node, weight = np.polynomial.hermite_e.hermegauss(80)
    first, second = (axis.ravel() for axis in np.meshgrid(node, node))
    log_weight = np.log(np.outer(weight, weight).ravel() / weight.sum() ** 2)
    lag = np.array([[0, 1], [1, 0]])
    covariance = LOADING**2 * PRIOR_SD**2 + AR_SD**2 * AR_PHI**lag + WHITE_SD**2 * np.eye(2)
    found = []
    for offset in (-1.5, -0.5):
        layout, real = some_years(2)
        real = real._replace(offset=np.full(2, offset))
        z, variance, _ = fit_sites(layout, real, rows, site)
        real = real._replace(z=z, variance=variance)
        by_sites = value_and_gradient(layout, real)[0] + site_evidence(layout, real, rows, site).sum()
        eta = offset + np.column_stack([first, second]) @ np.linalg.cholesky(covariance).T
        found.append((by_sites, logsumexp(log_likelihood(rows, eta).sum(axis=1) + log_weight)))
    # each up to the same constant of the data
    assert found[0][0] - found[1][0] == pytest.approx(found[0][1] - found[1][1], abs=0.01)


def test_leaving_out_by_importance_sampling_is_the_exact_predictive_density_of_a_normal() -> None:
    rng = np.random.default_rng(3)
    y = rng.normal(0.3, 1.0, 40)
    draws = rng.normal(y.mean(), 1 / np.sqrt(y.size), 4000)
    found, k = left_out(norm.logpdf(y, draws[:, None]))
    rest = (y.sum() - y) / (y.size - 1)
    exact = norm.logpdf(y, rest, np.sqrt(1.0 + 1.0 / (y.size - 1)))
    np.testing.assert_allclose(found, exact, atol=0.01)
    assert (k < 0.7).all()


def test_the_last_years_data_are_scored_given_the_rest(again: Revisited) -> None:
    found = predictive(again)
    assert found.loo.shape == found.lfo.shape == (len(again.design.block),)
    assert np.isfinite(found.loo).all()
    assert found.data == predictive(again).data
    assert found.block[0].split("+")[0] in hamlets().authorities.index


def test_stacking_takes_the_best_of_each_and_ignores_what_adds_nothing() -> None:
    half = np.array([[0.0] * 5 + [-9.0] * 5, [-9.0] * 5 + [0.0] * 5, [-9.0] * 10])
    weight = stacking_weights(np.tile(half, 20))
    assert weight.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(weight, [0.5, 0.5, 0.0], atol=0.02)


def test_weights_of_a_shifted_normal_give_its_mean_and_know_when_they_cannot() -> None:
    x = np.random.default_rng(2).standard_normal(2000)
    near = Weights.of(norm.logpdf(x, 0.3) - norm.logpdf(x))
    assert near.reliable
    assert near.weight @ x == pytest.approx(0.3, abs=0.08)
    far = Weights.of(norm.logpdf(x, 0.0, 5.0) - norm.logpdf(x))
    assert not far.reliable
    same = Weights.of(np.zeros(100))
    assert same.reliable
    np.testing.assert_allclose(same.weight, 0.01)


# What further data are worth.


def test_a_count_unsuppressed_narrows_as_the_smoother_with_its_variance_does() -> None:
    run = preview(hamlets(), trajectory, spec=Spec().updated({"ratings": {"use": False}}), seed=4, draws=40)
    taken = revisit(run, trajectory, draws=3)
    codes = list(taken.design.authority)
    wanted = contrasts(run, taken.design, codes, "since inspection")
    found = value_of_data(run, trajectory, codes, Offer(draws=3))
    counts = found[found["data"] == COUNT].set_index("authority")
    assert len(counts)
    d, rows = taken.design, taken.design.observation
    code = str(counts.index[0])
    key, year = counts["detail"][code].split()
    block = next(b for b, members in enumerate(d.block) if d.authority.index(code) in members)
    at = rows.index[(rows["block"] == block) & (rows["indicator"] == key) & (rows["year"] == int(year))]
    at = [i for i in at if bool(rows["site"][i]) and rows["lower"].notna()[i]]
    assert len(at) == 1
    middle, n = 0.5 * (rows["lower"] + rows["upper"])[at[0]], rows["denominator"][at[0]]
    p = (middle + 0.5) / (n + 1.0)
    share = d.exists / np.maximum(d.exists.sum(axis=0), 1)
    ratio = []
    for x in taken.points:
        real = taken.density.real(x)
        variance = real.variance.copy()
        variance[at[0]] = 1.0 / (n * p * (1.0 - p))
        both = [
            _variance(layout_of(d), each, share, d.authority.index(code), wanted[code], d.year.size)
            for each in (real, real._replace(variance=variance))
        ]
        ratio.append(1.0 - np.sqrt(both[1] / both[0]))
    # no less than nothing: the interval of such a count may say as much as the count
    assert counts["reduction"][code] == pytest.approx(max(np.mean(ratio), 0.0), rel=0.02, abs=1e-6)


def _variance(layout, real, share, a, contrast, n_year) -> float:  # type: ignore[no-untyped-def]
    _, _, own, shared, _ = states(layout, real, n_year, share.ravel(), np.empty((share.shape[0], 0)))
    national = np.einsum("at,atu->tu", share, shared)
    return float(contrast @ (own[a] - 2.0 * shared[a] + national) @ contrast)


def test_one_more_year_leaves_todays_answers_where_it_adds_nothing(again: Revisited) -> None:
    reals = [again.density.real(x) for x in again.points[:2]]
    wanted = contrasts(base(), again.design, list(again.design.authority), "since inspection")
    longer = one_more_year(base(), again, reals, wanted)
    share = again.design.exists / np.maximum(again.design.exists.sum(axis=0), 1)
    for code, variance in longer.items():
        a = again.design.authority.index(code)
        now = [_variance(layout_of(again.design), r, share, a, wanted[code], again.design.year.size) for r in reals]
        assert (variance <= np.array(now) * 1.02).all()


def test_curved_deprivation_spans_fifths_and_splines(shipped) -> None:  # type: ignore[no-untyped-def]
    forms = ("linear", "fifths", "spline")
    linear, fifths, spline = (
        design(shipped, Spec().updated({"pooling": {"deprivation_form": form}})) for form in forms
    )
    assert (linear.curve.shape[1], fifths.curve.shape[1], spline.curve.shape[1]) == (0, 3, 2)
    for d in (fifths, spline):
        known = np.column_stack([np.ones(len(d.authority)), d.deprivation, d.curve])
        np.testing.assert_allclose(known.T @ known / len(d.authority), np.eye(known.shape[1]), atol=1e-9)
    steps = np.column_stack([fifths.deprivation, fifths.curve]).round(9)
    assert len(np.unique(steps, axis=0)) == 5
    np.testing.assert_array_equal(spline.deprivation, linear.deprivation)


def test_a_rating_judges_what_was_before_it_where_the_spec_says_so() -> None:
    now, before = (design(hamlets(), Spec().updated({"ratings": {"lead_years": lead}})) for lead in (0.0, 0.5))
    judged = [d.observation[d.observation["indicator"] == "judgement"] for d in (now, before)]
    gap = judged[0]["position"].sort_values().to_numpy() - judged[1]["position"].sort_values().to_numpy()
    np.testing.assert_allclose(gap, 0.5)


def test_a_name_that_is_near_none_is_not_guessed_at() -> None:
    assert nearest("zzz", ["agency"]) == ""
