"""A density in whitened coordinates is the same density: value, gradient, variables, and unit curvature."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytest

from bayes_csc.inference import Compiled, curvature, posterior_mode
from bayes_csc.precondition import preconditioned, whitening

N = 4
RNG = np.random.default_rng(11)
ROOT = RNG.normal(size=(N, N)) + 2.0 * np.eye(N)
COVARIANCE = ROOT @ ROOT.T
MEAN = RNG.normal(size=N)


@pytest.fixture(scope="module")
def known() -> Compiled:
    """A correlated normal of known mean and covariance, with a scale beside it to make the rest curved."""
    import nutpie

    with pm.Model(coords={"entry": range(N)}) as model:
        pm.MvNormal("x", MEAN, COVARIANCE, dims="entry")
        pm.HalfNormal("scale", 1.0)
    return Compiled(model, nutpie.compile_pymc_model(model), lambda *_: [])


def in_y(known: Compiled, centre: np.ndarray, factor: np.ndarray, whitened: np.ndarray) -> Compiled:
    return Compiled(known.model, preconditioned(known.density, centre, factor, whitened), known.inputs)


def moved(centre: np.ndarray, factor: np.ndarray, whitened: np.ndarray, y: np.ndarray) -> np.ndarray:
    x = centre + y
    x[whitened] = centre[whitened] + factor @ y[whitened]
    return x


@pytest.mark.parametrize("whitened", [np.arange(N + 1), np.array([3, 0, 2])], ids=["all", "some"])
def test_density_gradient_and_variables_in_y_are_those_at_x(known: Compiled, whitened: np.ndarray) -> None:
    rng = np.random.default_rng(3)
    centre, factor = rng.normal(size=N + 1), rng.normal(size=(whitened.size, whitened.size))
    there = in_y(known, centre, factor, whitened)
    for _ in range(5):
        y = rng.normal(size=N + 1)
        x = moved(centre, factor, whitened, y)
        value, gradient = there.log_density(y)
        value_x, gradient_x = known.log_density(x)
        assert value == pytest.approx(value_x, rel=1e-13)
        chain = gradient_x.copy()
        chain[whitened] = factor.T @ gradient_x[whitened]
        np.testing.assert_allclose(gradient, chain, rtol=1e-10, atol=1e-10)
        for name, expanded in there.expand(y).items():
            np.testing.assert_allclose(expanded, known.expand(x)[name], rtol=1e-13)


def test_the_gradient_in_y_is_the_slope_of_the_density_in_y(known: Compiled) -> None:
    rng = np.random.default_rng(4)
    there = in_y(known, rng.normal(size=N + 1), rng.normal(size=(N + 1, N + 1)), np.arange(N + 1))
    y, step = rng.normal(size=N + 1), 1e-5
    slope = [(there.log_density(y + e)[0] - there.log_density(y - e)[0]) / (2 * step) for e in step * np.eye(N + 1)]
    np.testing.assert_allclose(there.log_density(y)[1], slope, rtol=1e-5, atol=1e-6)


def test_mode_and_curvature_of_a_normal_are_its_mean_and_precision(known: Compiled) -> None:
    mode = posterior_mode(known, known.density.initial_point_func(1))
    np.testing.assert_allclose(known.expand(mode)["x"], MEAN, atol=1e-3)
    np.testing.assert_allclose(curvature(known, mode)[:N, :N], np.linalg.inv(COVARIANCE), atol=1e-6)


def test_a_normal_whitened_at_its_mode_has_unit_covariance(known: Compiled) -> None:
    mode = posterior_mode(known, known.density.initial_point_func(1))
    factor = whitening(curvature(known, mode), widest=np.inf)
    np.testing.assert_allclose((factor @ factor.T)[:N, :N], COVARIANCE, rtol=1e-5, atol=1e-6)
    there = in_y(known, mode, factor, np.arange(N + 1))
    np.testing.assert_allclose(curvature(there, np.zeros(N + 1)), np.eye(N + 1), atol=1e-4)


def test_a_flat_or_upward_direction_is_taken_to_be_as_wide_as_said() -> None:
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0]
    factor = whitening(turn @ np.diag([4.0, 1e-9, -2.0]) @ turn.T, widest=3.0)
    np.testing.assert_allclose(turn.T @ factor @ factor.T @ turn, np.diag([0.25, 9.0, 9.0]), atol=1e-9)


def test_starting_points_scatter_about_the_centre_and_depend_on_the_seed(known: Compiled) -> None:
    there = in_y(known, np.zeros(N + 1), np.eye(N + 1), np.arange(N + 1)).density
    starts = np.stack([there.initial_point_func(seed) for seed in range(400)])
    np.testing.assert_allclose(starts.mean(axis=0), 0.0, atol=4.5 * 0.5 / 20)
    np.testing.assert_allclose(starts.std(axis=0), 0.5, atol=4.5 * 0.5 / np.sqrt(800))
    np.testing.assert_array_equal(there.initial_point_func(7), starts[7])
