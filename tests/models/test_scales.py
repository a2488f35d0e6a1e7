"""The scales that variances, shares and loadings are sampled on change a prior's coordinates and nothing else of it."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from pymc.initial_point import make_initial_point_fns_per_chain
from scipy import integrate, stats

from bayes_csc_models.scales import (
    NARROW,
    STEADIEST,
    Angle,
    Angles,
    CubeRootOfPrecision,
    Cutpoints,
    LogOdds,
    NormalScore,
    induced_cutpoints,
)

A, B = 2.0, 0.3
PRIORS = {
    "variance": (pm.InverseGamma, CubeRootOfPrecision(), {"alpha": A, "beta": B}),
    "loading": (pm.HalfNormal, NormalScore(), {"sigma": 0.5}),
    "share": (pm.Beta, Angle(), {"alpha": 2.0, "beta": 3.0}),
    "correlation": (pm.Beta, LogOdds(), {"alpha": 2.0, "beta": 3.0}),
}
VALUES = np.geomspace(1e-3, 1e3, 13)


def log_density(w: float) -> float:
    with pm.Model() as model:
        pm.InverseGamma("v", A, B, default_transform=CubeRootOfPrecision())
    return float(model.compile_logp()({"v_cuberootofprecision__": w}))


@pytest.mark.parametrize("of", PRIORS)
def test_pymc_can_be_given_a_start_by_the_name_of_the_coordinate(of: str) -> None:
    """It takes the variable's name to end three underscores before the coordinate's does."""
    prior, scale, parameters = PRIORS[of]
    with pm.Model() as model:
        prior("its_name", **parameters, default_transform=scale)
    (name,) = model.initial_point()
    (found,) = make_initial_point_fns_per_chain(
        model=model, overrides={name: np.array(0.7)}, jitter_rvs=set(), chains=1
    )
    assert found(1)[name] == pytest.approx(0.7)


def test_a_variance_comes_back_from_its_coordinate() -> None:
    v = pt.dvector("v")
    there = CubeRootOfPrecision()
    back = there.backward(there.forward(v, A, B), A, B).eval({v: VALUES})
    np.testing.assert_allclose(back, VALUES, rtol=1e-9)


def test_its_jacobian_is_the_derivative_of_the_variance() -> None:
    w = pt.dvector("w")
    scale = CubeRootOfPrecision()
    (slope,) = [pt.grad(scale.backward(w, A, B).sum(), w)]
    at = np.linspace(-4.0, 6.0, 11)
    expected = np.log(np.abs(slope.eval({w: at})))
    np.testing.assert_allclose(scale.log_jac_det(w, A, B).eval({w: at}), expected, rtol=1e-9)


def test_the_variance_has_the_inverse_gamma_distribution_it_is_given() -> None:
    with pm.Model() as model:
        pm.InverseGamma("v", A, B, default_transform=CubeRootOfPrecision())
    logp = model.compile_logp()

    def density(w: float) -> float:
        return float(np.exp(logp({"v_cuberootofprecision__": w})))

    above = np.log(np.expm1((B / (A * 0.2)) ** (1 / 3)))  # v < 0.2 where w is larger
    assert integrate.quad(density, -12.0, 12.0)[0] == pytest.approx(1.0, abs=1e-6)
    assert integrate.quad(density, above, 12.0)[0] == pytest.approx(stats.invgamma(A, scale=B).cdf(0.2), abs=1e-6)


def test_it_is_less_steep_at_small_variances_than_the_logarithm() -> None:
    """Curvature of the log density where P(v below) = 1e-6, over that at the mode, on either scale."""
    small = stats.invgamma(A, scale=B).ppf(1e-6)

    def w_of(v: float) -> float:
        return float(np.log(np.expm1((B / (A * v)) ** (1 / 3))))

    def curvature(w: float, step: float = 1e-3) -> float:
        return (2.0 * log_density(w) - log_density(w - step) - log_density(w + step)) / step**2

    ratio = curvature(w_of(small)) / curvature(w_of(B / A))
    by_logarithm = (B / small) / A  # log density A l - B exp(l), l = -log v
    assert 1.0 < ratio < 0.5 * by_logarithm


def test_a_loading_comes_back_from_its_score() -> None:
    x, there = pt.dvector("x"), NormalScore()
    values = np.array([1e-6, 0.01, 0.099, 0.101, 0.3, 1.0, 2.5, 30.0])
    back = there.backward(there.forward(x, 0.0, 0.5), 0.0, 0.5).eval({x: values})
    np.testing.assert_allclose(back, values, rtol=1e-5)


def test_a_scores_jacobian_is_the_derivative_of_the_loading() -> None:
    u, there = pt.dvector("u"), NormalScore()
    slope = pt.grad(there.backward(u, 0.0, 0.5).sum(), u)
    at = np.array([-3.0, -0.7, -0.1, 0.0, 0.2, 1.0, 5.0])
    found = there.log_jac_det(u, 0.0, 0.5).eval({u: at})
    np.testing.assert_allclose(found, np.log(slope.eval({u: at})), atol=1e-8)


def test_a_loading_has_the_half_normal_distribution_it_is_given_and_finite_density_far_out() -> None:
    with pm.Model() as model:
        pm.HalfNormal("x", sigma=0.5, default_transform=NormalScore())
    logp, slope = model.compile_logp(), model.compile_dlogp()

    def density(u: float) -> float:
        return float(np.exp(logp({"x_normalscore__": u})))

    x = pt.dscalar("x")
    at = float(NormalScore().forward(x, 0.0, 0.5).eval({x: 0.1}))
    assert integrate.quad(density, -2.0, at)[0] == pytest.approx(stats.halfnorm(scale=0.5).cdf(0.1), abs=1e-6)
    assert integrate.quad(density, at, 6.0)[0] == pytest.approx(stats.halfnorm(scale=0.5).sf(0.1), abs=1e-6)
    for side in ((-1.0, -5.0, -8.0, -20.0), (1.0, 6.0, 7.5, 20.0)):
        far = [float(logp({"x_normalscore__": u})) for u in side]
        assert np.isfinite(far).all()
        assert far == sorted(far, reverse=True)
        assert all(np.isfinite(slope({"x_normalscore__": u})).all() for u in side)


def test_near_zero_a_loading_s_density_falls_as_fast_as_that_of_one_known_about_as_well_does_above() -> None:
    """Standard deviations from the mode to the first thousandth: a normal density has 3.1 on either side."""
    with pm.Model() as model:
        pm.HalfNormal("x", sigma=0.5, default_transform=NormalScore())
    prior = model.compile_logp()
    u = np.linspace(-1.5, 0.6, 2101)
    value = NormalScore().backward(pt.constant(u), 0.0, 0.5).eval()
    log_density = np.array([prior({"x_normalscore__": at}) for at in u]) - 0.5 * ((value - 0.1) / 0.05) ** 2
    mode = int(log_density.argmax())
    sd = (u[1] - u[0]) / np.sqrt(-np.diff(log_density[mode - 1 : mode + 2], 2)[0])
    below = np.cumsum(np.exp(log_density - log_density[mode]))
    first = u[np.searchsorted(below, 1e-3 * below[-1])]
    assert 3.0 < (u[mode] - first) / sd < 6.0  # with the width of the prior (NARROW = 1) it is 8
    assert NARROW == 0.2


SHARES = np.array([1e-8, 1e-4, 0.02, 0.5, 0.97, 1.0 - 1e-6])


def test_a_share_comes_back_from_its_angle() -> None:
    w, there = pt.dvector("w"), Angle()
    back = there.backward(there.forward(w, 2.0, 2.0), 2.0, 2.0).eval({w: SHARES})
    np.testing.assert_allclose(back, SHARES, rtol=1e-8)


def test_an_angles_jacobian_is_the_derivative_of_the_share() -> None:
    u, there = pt.dvector("u"), Angle()
    slope = pt.grad(there.backward(u, 2.0, 2.0).sum(), u)
    at = np.linspace(-0.5, 2.0, 11)
    expected = np.log(slope.eval({u: at}))
    np.testing.assert_allclose(there.log_jac_det(u, 2.0, 2.0).eval({u: at}), expected, atol=1e-8)


def test_a_share_has_the_beta_distribution_it_is_given() -> None:
    with pm.Model() as model:
        pm.Beta("w", 2.0, 3.0, default_transform=Angle())
    logp = model.compile_logp()

    def density(u: float) -> float:
        return float(np.exp(logp({"w_angle__": u})))

    w = pt.dscalar("w")
    above = float(Angle().forward(w, 2.0, 3.0).eval({w: 0.2}))
    assert integrate.quad(density, -2.0, above)[0] == pytest.approx(stats.beta(2.0, 3.0).cdf(0.2), abs=1e-6)
    assert integrate.quad(density, above, 3.5)[0] == pytest.approx(stats.beta(2.0, 3.0).sf(0.2), abs=1e-6)


@pytest.mark.parametrize("angle", [Angle(), Angle(STEADIEST)], ids=["any", "at most the steadiest"])
def test_an_angle_is_the_angle_in_the_middle_and_finite_far_out(angle: Angle) -> None:
    w = pt.dvector("w")
    middle = np.array([0.2, 0.5, 0.8])
    np.testing.assert_allclose(angle.forward(w, 2.0, 2.0).eval({w: middle}), np.arcsin(np.sqrt(middle)), atol=2e-3)
    with pm.Model() as model:
        pm.Beta("w", 2.0, 3.0, default_transform=angle)
    logp, slope = model.compile_logp(), model.compile_dlogp()
    far = [float(logp({"w_angle__": u})) for u in (-6.0, -3.0, 0.7, 3.0, 4.0, 6.0)]
    assert np.isfinite(far).all()
    assert far == sorted(far[:3]) + sorted(far[3:], reverse=True)
    assert all(np.isfinite(slope({"w_angle__": u})).all() for u in (-6.0, 6.0))


def test_a_correlation_by_its_log_odds_is_as_pymc_has_it_but_for_the_bound() -> None:
    u, ours, theirs = pt.dvector("u"), LogOdds(), pm.logprob.transforms.LogOddsTransform()
    at = np.linspace(-30.0, 20.0, 21)
    for name in ("backward", "log_jac_det"):
        found, expected = (getattr(scale, name)(u, 2.0, 3.0).eval({u: at}) for scale in (ours, theirs))
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    p = np.array([1e-6, 0.3, 0.8, STEADIEST])
    np.testing.assert_allclose(ours.backward(ours.forward(u)).eval({u: p}), p, rtol=1e-12)


def test_the_density_of_a_correlation_falls_evenly_beyond_the_bound() -> None:
    with pm.Model() as model:
        pm.Beta("p", 2.0, 3.0, default_transform=LogOdds())
    density = model.compile_logp()
    values = [float(density({"p_logodds__": u})) for u in (25.0, 35.0, 45.0, 100.0)]
    np.testing.assert_allclose(np.diff(values), [-10.0, -10.0, -55.0], rtol=1e-9)


TRIPLE = np.array([[0.5, 0.3, 0.2], [1e-6, 0.9, 0.1 - 1e-6], [0.98, 0.01, 0.01], [0.3, 1e-9, 0.7 - 1e-9]])
SIMPLEX = {"angles": Angles(), "cutpoints": Cutpoints(3)}


@pytest.mark.parametrize("of", SIMPLEX)
def test_shares_that_sum_to_one_come_back_from_their_coordinates(of: str) -> None:
    share, there = pt.dmatrix("share"), SIMPLEX[of]
    np.testing.assert_allclose(there.backward(there.forward(share)).eval({share: TRIPLE}), TRIPLE, rtol=1e-6)


@pytest.mark.parametrize("of", SIMPLEX)
def test_their_jacobian_is_the_determinant_of_the_derivatives(of: str) -> None:
    u, there = pt.dvector("u"), SIMPLEX[of]
    derivative = pt.jacobian(there.backward(u)[:-1], u)
    for at in ([0.3, 0.5], [-0.4, 1.2], [0.9, -0.2]):
        expected = np.linalg.slogdet(derivative.eval({u: at}))[1]
        assert float(there.log_jac_det(u).eval({u: at})) == pytest.approx(expected, abs=1e-7)


def test_cutpoints_far_out_keep_their_digits() -> None:
    """Through shares that are rounded to one a far cutpoint moved by steps, and chains of small panels diverged."""
    w = pt.dvector("w")
    at = np.array([1.0, 0.4, 2.5])  # four categories: log gap, middle, log gap
    expected = np.array([0.4 - np.exp(1.0), 0.4, 0.4 + np.exp(2.5)])
    np.testing.assert_allclose(induced_cutpoints(Cutpoints(4).backward(w)).eval({w: at}), expected, rtol=1e-9)
