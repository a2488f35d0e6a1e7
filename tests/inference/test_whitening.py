"""A density in whitened coordinates is the same density: value, gradient, and unit curvature."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from bayes_csc.inference.posterior_mode import _climbed, curvature, posterior_mode
from bayes_csc.inference.whitening import Coordinates, whitening

N = 4
RNG = np.random.default_rng(11)
ROOT = RNG.normal(size=(N, N)) + 2.0 * np.eye(N)
COVARIANCE = ROOT @ ROOT.T
PRECISION = np.linalg.inv(COVARIANCE)
MEAN = RNG.normal(size=N)
LOG_SCALE_MODE = 0.0
ONE_SIDED = 3e-3
"""Error of the curvature by the log scale: half a step of 1e-3 times the third derivative there, 4."""


def known(x: np.ndarray) -> tuple[float, np.ndarray]:
    """A correlated normal of known mean and covariance, with the log of a half-normal beside it, which is curved."""
    away, log_scale = x[:N] - MEAN, x[N]
    by_normal = -PRECISION @ away
    value = 0.5 * away @ by_normal + log_scale - 0.5 * np.exp(2.0 * log_scale)
    return float(value), np.append(by_normal, 1.0 - np.exp(2.0 * log_scale))


def seen(coordinates: Coordinates, y: np.ndarray) -> tuple[float, np.ndarray]:
    """The known density in y."""
    value, gradient = known(coordinates.point(y))
    return value, coordinates.gradient(gradient)


WHITENED = pytest.mark.parametrize("whitened", [np.arange(N + 1), np.array([3, 0, 2])], ids=["all", "some"])


def anywhere(seed: int, whitened: np.ndarray) -> Coordinates:
    rng = np.random.default_rng(seed)
    return Coordinates(
        rng.normal(size=N + 1),
        rng.uniform(0.5, 2.0, size=N + 1),
        whitened,
        rng.normal(size=(whitened.size, whitened.size)),
    )


@WHITENED
def test_a_point_is_mixed_where_it_is_whitened_and_scaled_elsewhere(whitened: np.ndarray) -> None:
    there = anywhere(3, whitened)
    rng = np.random.default_rng(5)
    for y in rng.normal(size=(5, N + 1)):
        x = there.centre + there.scale * y
        x[whitened] = there.centre[whitened] + there.factor @ y[whitened]
        np.testing.assert_allclose(there.point(y), x, rtol=1e-13)
        np.testing.assert_allclose(there.place(x), y, rtol=1e-9, atol=1e-9)


@WHITENED
def test_the_gradient_in_y_is_that_in_x_by_the_chain_rule(whitened: np.ndarray) -> None:
    there = anywhere(3, whitened)
    jacobian = np.diag(there.scale)
    jacobian[whitened] = 0.0
    jacobian[np.ix_(whitened, whitened)] = there.factor
    for by_x in np.random.default_rng(6).normal(size=(5, N + 1)):
        np.testing.assert_allclose(there.gradient(by_x), jacobian.T @ by_x, rtol=1e-10, atol=1e-10)


@WHITENED
def test_the_gradient_in_y_is_the_slope_of_the_density_in_y(whitened: np.ndarray) -> None:
    there, step = anywhere(4, whitened), 1e-5
    y = 0.3 * np.random.default_rng(4).normal(size=N + 1)
    slope = [(seen(there, y + e)[0] - seen(there, y - e)[0]) / (2 * step) for e in step * np.eye(N + 1)]
    np.testing.assert_allclose(seen(there, y)[1], slope, rtol=1e-5, atol=1e-6)


@WHITENED
def test_many_points_at_once_are_the_points_one_by_one(whitened: np.ndarray) -> None:
    there = anywhere(8, whitened)
    y = np.random.default_rng(8).normal(size=(2, 3, N + 1))
    together = there.point(y)
    assert together.shape == y.shape
    for at in np.ndindex(2, 3):
        np.testing.assert_allclose(together[at], there.point(y[at]), rtol=1e-13)


def test_what_is_given_is_left_as_it_was() -> None:
    there = anywhere(9, np.array([3, 0, 2]))
    centre, given = there.centre.copy(), np.arange(N + 1.0)
    there.point(given)
    there.gradient(given)
    np.testing.assert_array_equal(given, np.arange(N + 1.0))
    np.testing.assert_array_equal(there.centre, centre)


@pytest.fixture(scope="module")
def mode() -> np.ndarray:
    return posterior_mode(known, np.zeros(N + 1) + 0.3)


def curvature_of(at: Coordinates, y: np.ndarray, *, threads: int = 2) -> np.ndarray:
    with ThreadPoolExecutor(threads) as pool:
        return curvature(lambda point: seen(at, point), y, pool)


AS_IT_IS = Coordinates(np.zeros(N + 1), np.ones(N + 1), np.arange(0), np.zeros((0, 0)))


def test_mode_and_curvature_of_a_normal_are_its_mean_and_precision(mode: np.ndarray) -> None:
    np.testing.assert_allclose(mode, np.append(MEAN, LOG_SCALE_MODE), atol=1e-3)
    expected = np.zeros((N + 1, N + 1))
    expected[:N, :N], expected[N, N] = PRECISION, 2.0 * np.exp(2.0 * mode[N])
    found = curvature_of(AS_IT_IS, mode)
    np.testing.assert_allclose(found[:N], expected[:N], atol=1e-6)
    np.testing.assert_allclose(found[N], expected[N], atol=ONE_SIDED)


def test_the_curvature_does_not_depend_on_the_threads(mode: np.ndarray) -> None:
    np.testing.assert_array_equal(curvature_of(AS_IT_IS, mode, threads=1), curvature_of(AS_IT_IS, mode, threads=3))


def test_the_mode_is_found_past_points_outside_the_support() -> None:
    def half(x: np.ndarray) -> tuple[float, np.ndarray]:
        return known(x) if x[0] > MEAN[0] - 0.5 else (-np.inf, np.zeros_like(x))

    start = np.append(MEAN + 1.0, 1.0)
    np.testing.assert_allclose(
        posterior_mode(half, start),
        np.append(MEAN, LOG_SCALE_MODE),
        atol=1e-3,
    )


SHARP = np.geomspace(1.0, 300.0, N)
"""Precisions of a normal whose directions differ."""


@pytest.mark.parametrize("constant", [0.0, -2e7], ids=["of few", "of many"])
def test_the_mode_is_found_to_a_part_of_its_width_however_large_the_density_is(constant: float) -> None:
    turn = np.linalg.qr(np.random.default_rng(5).normal(size=(N, N)))[0]
    precision = turn @ np.diag(SHARP) @ turn.T

    def normal(x: np.ndarray) -> tuple[float, np.ndarray]:
        return constant - 0.5 * float(x @ precision @ x), -precision @ x

    found = posterior_mode(normal, np.full(N, 3.0))
    assert found @ precision @ found < 2e-3


def test_a_search_that_meets_the_edge_of_the_support_goes_on() -> None:
    """The first steps lead beyond it; the mode is inside."""
    precision = np.diag(SHARP)

    def within(x: np.ndarray) -> tuple[float, np.ndarray]:
        if np.abs(x).max() > 3.01:
            return -np.inf, np.zeros(N)
        return -2e7 - 0.5 * float((x - 2.9) @ precision @ (x - 2.9)), -precision @ (x - 2.9)

    found = posterior_mode(within, np.full(N, -3.0)) - 2.9
    assert found @ precision @ found < 2e-3


def test_a_search_that_ends_short_of_the_mode_is_begun_anew() -> None:
    """As it does in coordinates that fit badly."""
    n = 30
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(n, n)))[0]
    precision = turn @ np.diag(np.geomspace(1.0, 1e6, n)) @ turn.T

    def normal(x: np.ndarray) -> tuple[float, np.ndarray]:
        return -2e7 - 0.5 * float(x @ precision @ x), -precision @ x

    there = Coordinates(np.full(n, 3.0), np.ones(n), np.arange(n), np.eye(n))
    found, short = _climbed(normal, there), posterior_mode(normal, there.centre)
    assert found @ precision @ found < 0.2 < short @ precision @ short


def test_a_normal_whitened_at_its_mode_has_unit_covariance(mode: np.ndarray) -> None:
    factor = whitening(curvature_of(AS_IT_IS, mode), widest=np.inf)
    np.testing.assert_allclose((factor @ factor.T)[:N, :N], COVARIANCE, rtol=1e-5, atol=1e-6)
    there = Coordinates(mode, np.ones(N + 1), np.arange(N + 1), factor)
    found = curvature_of(there, np.zeros(N + 1))
    scale = int(np.argmax(np.abs(factor[N])))  # the direction of the log scale
    assert found[scale, scale] == pytest.approx(1.0, abs=ONE_SIDED)
    found[scale, scale] = 1.0
    np.testing.assert_allclose(found, np.eye(N + 1), atol=1e-4)


def test_a_flat_direction_is_as_wide_as_said_and_an_upward_one_as_a_mode_as_sharp() -> None:
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(4, 4)))[0]
    factor = whitening(turn @ np.diag([4.0, 1e-9, -1e-9, -2.0]) @ turn.T, widest=3.0)
    np.testing.assert_allclose(turn.T @ factor @ factor.T @ turn, np.diag([0.25, 9.0, 9.0, 0.5]), atol=1e-9)
