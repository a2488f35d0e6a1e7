"""Covariance templates of the latent states: scale, centring, succession, the window."""

from __future__ import annotations

import numpy as np
import pytest

from bayes_csc.measurement.state_prior import (
    LEVEL,
    PATH,
    SLOPE,
    SUCCESSION,
    Succession,
    Template,
    block_template,
    own_template,
    path_basis,
)

N_YEAR = 9
WINDOW = np.arange(1, 7)
KINDS = ("random walk", "AR(1)", "local linear", "straight line")


def template(kind: str, n_year: int = N_YEAR) -> Template:
    return own_template(path_basis(kind, n_year, WINDOW, 0.8), WINDOW)


def covariance(t: Template, **variances: float) -> np.ndarray:
    scale = np.array([variances.get(name, 0.0) for name in ("level", "slope", "path", "succession")])
    return (t.matrix * scale[t.column_kind]) @ t.matrix.T


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("part", ["level", "slope", "path"])
def test_each_part_of_the_trend_has_unit_average_variance_over_the_window(kind: str, part: str) -> None:
    if (kind, part) == ("straight line", "path"):
        assert PATH not in template(kind).column_kind
        return
    variance = np.diag(covariance(template(kind), **{part: 1.0}))
    assert variance[WINDOW].mean() == pytest.approx(1.0)


@pytest.mark.parametrize("kind", KINDS[:3])
def test_shares_that_add_to_one_give_unit_average_variance(kind: str) -> None:
    variance = np.diag(covariance(template(kind), level=0.2, slope=0.3, path=0.5))
    assert variance[WINDOW].mean() == pytest.approx(1.0)


@pytest.mark.parametrize("kind", ["random walk", "local linear"])
def test_a_path_is_centred_over_the_window_so_that_the_level_is_its_mean(kind: str) -> None:
    basis = path_basis(kind, N_YEAR, WINDOW, 0.8)
    np.testing.assert_allclose(basis[WINDOW].mean(axis=0), 0.0, atol=1e-14)


def test_the_slope_is_orthogonal_to_the_level_over_the_window() -> None:
    t = template("random walk")
    slope = t.matrix[:, t.column_kind == SLOPE][:, 0]
    assert slope[WINDOW].sum() == pytest.approx(0.0, abs=1e-14)
    np.testing.assert_allclose(np.diff(slope), slope[1] - slope[0])


def test_a_random_walk_has_independent_steps_of_equal_variance_in_and_beyond_the_window() -> None:
    steps = np.diff(path_basis("random walk", N_YEAR, WINDOW, 0.8), axis=0)
    np.testing.assert_allclose(steps @ steps.T, np.eye(N_YEAR - 1), atol=1e-14)


def test_an_ar1_path_is_stationary_with_its_autocorrelation() -> None:
    c = covariance(template("AR(1)"), path=1.0)
    lag = np.abs(np.subtract.outer(np.arange(N_YEAR), np.arange(N_YEAR)))
    np.testing.assert_allclose(c, 0.8**lag, atol=1e-12)


def test_a_local_linear_path_has_independent_second_differences() -> None:
    bends = np.diff(path_basis("local linear", N_YEAR, WINDOW, 0.8), n=2, axis=0)
    np.testing.assert_allclose(bends @ bends.T, np.eye(N_YEAR - 2), atol=1e-13)


@pytest.mark.parametrize("kind", KINDS)
def test_a_longer_grid_leaves_the_earlier_years_as_they_were(kind: str) -> None:
    short, long = template(kind), template(kind, N_YEAR + 4)
    for name in ("level", "slope", "path"):
        np.testing.assert_allclose(
            covariance(long, **{name: 1.0})[:N_YEAR, :N_YEAR], covariance(short, **{name: 1.0}), atol=1e-12
        )


# Succession: authority 2 takes over from 0 and 1 between the grid points 4 and 5 (labels 2017 and 2018).

MERGER = [None, None, Succession((0, 1), (0.3, 0.7), 2017.5)]


def linked(kind: str, successions: list[Succession | None] = MERGER) -> Template:
    return block_template(template(kind), successions, 2013)


@pytest.mark.parametrize("kind", KINDS)
def test_predecessors_keep_the_covariance_of_an_authority_by_itself_and_are_independent(kind: str) -> None:
    shares = {"level": 0.3, "slope": 0.2, "path": 0.5, "succession": 0.25}
    c = covariance(linked(kind), **shares)
    alone = covariance(template(kind), **shares)
    for i in (0, 1):
        np.testing.assert_allclose(c[i * N_YEAR :, i * N_YEAR :][:N_YEAR, :N_YEAR], alone, atol=1e-12)
    np.testing.assert_allclose(c[:N_YEAR, N_YEAR : 2 * N_YEAR], 0.0, atol=1e-14)


@pytest.mark.parametrize("kind", ["random walk", "AR(1)", "local linear"])
def test_without_a_shift_a_successor_is_its_weighted_predecessors_until_the_reorganisation(kind: str) -> None:
    t = linked(kind)
    matrix = t.matrix * (t.column_kind != SUCCESSION)
    first, second, successor = matrix.reshape(3, N_YEAR, -1)
    mix = 0.3 * first + 0.7 * second
    if kind == "AR(1)":
        np.testing.assert_allclose(successor[:5], mix[:5], atol=1e-12)
        return
    # A path is centred over the window, where the successor's own later steps also count: equal up to a constant.
    np.testing.assert_allclose(np.diff(successor[:5], axis=0), np.diff(mix[:5], axis=0), atol=1e-12)


def test_a_successor_simulated_step_by_step_has_the_covariance_of_the_template() -> None:
    # A random walk's steps: the predecessors' weighted ones to the reorganisation, then the successor's own.
    level, path, shift = 0.4, 0.6, 0.25
    rng = np.random.default_rng(3)
    n = 100_000
    own = template("random walk")
    step_sd = np.sqrt(path) * np.diff(own.matrix[:, own.column_kind == PATH], axis=0).max()
    levels = np.sqrt(level) * rng.normal(size=(2, n))
    steps = step_sd * rng.normal(size=(3, N_YEAR - 1, n))
    mixed = np.where(np.arange(N_YEAR - 1)[:, None] < 4, 0.3 * steps[0] + 0.7 * steps[1], steps[2])
    walk = np.concatenate([np.zeros((1, n)), np.cumsum(mixed, axis=0)])
    successor = 0.3 * levels[0] + 0.7 * levels[1] + np.sqrt(shift) * rng.normal(size=n) + walk
    successor -= walk[WINDOW].mean(axis=0)
    simulated = np.cov(successor)
    c = covariance(linked("random walk"), level=level, path=path, succession=shift)[2 * N_YEAR :, 2 * N_YEAR :]
    sd = np.sqrt(np.diag(c))
    assert np.abs((simulated - c) / np.outer(sd, sd)).max() < 5.0 * np.sqrt(2.0 / n)


def test_a_shift_of_level_moves_all_the_successor_s_years_alike() -> None:
    c = covariance(linked("random walk"), succession=0.25)
    np.testing.assert_allclose(c[2 * N_YEAR :, 2 * N_YEAR :], 0.25)
    np.testing.assert_allclose(c[: 2 * N_YEAR], 0.0)


def test_one_authority_may_have_several_successors_and_a_successor_may_be_succeeded() -> None:
    chain = [None, Succession((0,), (1.0,), 2015.5), Succession((1,), (1.0,), 2018.5)]
    c = covariance(linked("straight line", chain), level=1.0, succession=0.5).reshape(3, N_YEAR, 3, N_YEAR)
    assert [c[i, 0, i, 0] for i in range(3)] == pytest.approx([1.0, 1.5, 2.0])
    assert c[1, 0, 2, 0] == pytest.approx(1.5)


def test_the_order_of_a_block_does_not_matter() -> None:
    backwards = [Succession((2, 1), (0.3, 0.7), 2017.5), None, None]
    shares = {"level": 0.3, "slope": 0.2, "path": 0.5, "succession": 0.25}
    a = covariance(linked("random walk"), **shares).reshape(3, N_YEAR, 3, N_YEAR)
    b = covariance(linked("random walk", backwards), **shares).reshape(3, N_YEAR, 3, N_YEAR)
    np.testing.assert_allclose(a, b[::-1, :, ::-1, :], atol=1e-14)


def test_authorities_that_succeed_each_other_in_a_circle_are_refused() -> None:
    with pytest.raises(ValueError, match="succeed each other in a circle"):
        linked("random walk", [Succession((1,), (1.0,), 2015.0), Succession((0,), (1.0,), 2016.0)])


def test_a_template_holds_no_column_that_nothing_responds_to() -> None:
    t = linked("random walk")
    assert (np.abs(t.matrix).sum(axis=0) > 0).all()
    assert LEVEL in t.column_kind
