"""Theta at later dates: exact identities of its Gaussian moments."""

from __future__ import annotations

import numpy as np
import pytest
from paths import PANELS

from bayes_csc.estimates.forecast.state_forecast import Ahead, stratified_normals, theta_ahead
from bayes_csc.inference.fit import Fit, preview
from bayes_csc.inference.reopen import Revisited, revisit
from bayes_csc.likelihood.conditional_states import last_inspections
from bayes_csc.likelihood.kernel.states import states
from bayes_csc.likelihood.layout import layout_of
from bayes_csc.panel.panel import Panel
from bayes_csc_models import trajectory

HAMLETS = PANELS / "hamlets"
DRAWS = 10


@pytest.fixture(scope="module")
def fitted() -> Fit:
    return preview(Panel.read(HAMLETS), trajectory, chains=2, draws=10)


@pytest.fixture(scope="module")
def again(fitted: Fit) -> Revisited:
    return revisit(fitted, trajectory, horizon=3, draws=DRAWS)


def computed(fitted: Fit, again: Revisited, node: np.ndarray, **options: int) -> Ahead:
    last = last_inspections(fitted.panel, again.design.authority)
    return theta_ahead(again.density, again.design, again.points, last, node, **options)


def test_now_itself_is_known_once_it_is_given(fitted: Fit, again: Revisited) -> None:
    found = computed(fitted, again, np.array([again.design.now]))
    z = np.random.default_rng(0).standard_normal(found.now_mean.shape)
    given = found.given_now(z)
    np.testing.assert_allclose(given.mean[..., 0], found.now_mean + z * np.sqrt(found.now_variance), atol=1e-7)
    np.testing.assert_allclose(given.variance[..., 0], 0.0, atol=1e-7)


def test_the_variance_is_that_given_now_and_that_of_now_s_mean(fitted: Fit, again: Revisited) -> None:
    found = computed(fitted, again, again.design.now + np.array([0.25, 1.5, 3.0]))
    up, down = (found.given_now(np.full(found.now_mean.shape, z)) for z in (1.0, -1.0))
    np.testing.assert_allclose(up.variance + (0.5 * (up.mean - down.mean)) ** 2, found.theta.variance, atol=1e-9)
    assert (np.diff(up.variance, axis=-1) > 0).all()  # a later date is less certain


def test_without_later_data_is_a_state_of_a_design_without_them(fitted: Fit, again: Revisited) -> None:
    d, node = again.design, np.array([again.design.now, again.design.now + 2.0])
    found = computed(fitted, again, node, without_every=4)
    assert len(found.without.mean) == 3  # of ten draws
    a = d.authority.index("402")  # a block of its own
    last = last_inspections(fitted.panel, d.authority)[a]
    block = next(i for i, members in enumerate(d.block) if a in members)
    rows = d.observation
    kept = ((rows.block != block) | (rows.position <= last)).to_numpy()
    real = again.density.real(again.points[4])
    part = real._replace(
        z=real.z[kept], variance=real.variance[kept], offset=real.offset[kept],
        low=real.low[kept[layout_of(d).graded >= 0]], high=real.high[kept[layout_of(d).graded >= 0]],
    )  # fmt: skip
    nobody = np.zeros(real.mean.size)
    mean, _, own, *_ = states(layout_of(d.kept(kept)), part, d.year.size, nobody, np.empty((len(d.block), 0)))
    w = d.weights(node)
    np.testing.assert_allclose(found.without.mean[1, a], w @ mean.reshape(-1, d.year.size)[a], atol=1e-9)
    np.testing.assert_allclose(found.without.variance[1, a], np.diag(w @ own[a] @ w.T), atol=1e-9)
    assert (found.without.variance[1, a] > found.theta.variance[4, a]).all()


def test_threads_change_nothing(fitted: Fit, again: Revisited) -> None:
    one, two = (computed(fitted, again, np.array([again.design.now + 1.0]), cores=cores) for cores in (1, 2))
    np.testing.assert_array_equal(one.theta.mean, two.theta.mean)
    np.testing.assert_array_equal(one.covariance, two.covariance)


def test_stratified_normals_have_the_moments_of_normals_whatever_the_place_of_an_authority() -> None:
    codes = ["401", "402", "403"]
    z = stratified_normals(codes, 400, seed=1)
    np.testing.assert_allclose(z.mean(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(z.var(axis=0), 1.0, atol=0.01)
    np.testing.assert_array_equal(stratified_normals(codes[::-1], 400, seed=1), z[:, ::-1])
    assert abs(np.corrcoef(z.T) - np.eye(3)).max() < 0.25  # five standard errors
