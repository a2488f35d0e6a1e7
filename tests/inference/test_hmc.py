"""The sampler: exact where the target is normal, reversible and volume-keeping elsewhere, so right for any target.

A z-score above 4.5 has probability 7e-6; the standard errors are Monte Carlo ones, from the effective sample size.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import arviz_stats as azs
import numpy as np
import pytest
import xarray as xr
from paths import PANELS
from scipy.special import digamma, polygamma
from scipy.stats import gamma, norm, truncnorm

from bayes_csc.inference import chains as chains_module
from bayes_csc.inference.chains import FIRST_SD, sample_chains
from bayes_csc.inference.hmc import (
    ANGLES,
    FIRST_STEP,
    TARGET_ACCEPT,
    Chain,
    Trajectory,
    _StepSize,
    sample_chain,
    trajectory,
)
from bayes_csc.inference.posterior_mode import Start, find_start
from bayes_csc.inference.whitening import Coordinates
from bayes_csc.likelihood.density import compile_density
from bayes_csc.measurement.design import design
from bayes_csc.panel.panel import Panel
from bayes_csc.spec import Spec
from bayes_csc_models.trajectory import from_design

Z_BOUND = 4.5
LogDensity = Callable[[np.ndarray], tuple[float, np.ndarray]]


def standard_normal(y: np.ndarray) -> tuple[float, np.ndarray]:
    return -0.5 * float(y @ y), -y


def banana(y: np.ndarray) -> tuple[float, np.ndarray]:
    """A bent ridge in the plane."""
    a, b = y
    off = b - 0.7 * (a * a - 1.0)
    return -0.5 * (a * a + 3.0 * off * off), np.array([-a + 4.2 * off * a, -3.0 * off])


# One trajectory.


@pytest.mark.parametrize("angle", [0.01, *ANGLES, 0.5 * math.pi, math.pi, 17.3])
@pytest.mark.parametrize("step", [0.05, 0.4, 3.0])
def test_on_a_standard_normal_a_trajectory_keeps_the_energy_whatever_the_angle(angle: float, step: float) -> None:
    rng = np.random.default_rng(1)
    y, p = rng.normal(size=(2, 50))
    end = trajectory(standard_normal, y, *standard_normal(y), p, angle, step)
    assert abs(end.error) < 1e-10
    np.testing.assert_allclose(end.y, math.cos(angle) * y + math.sin(angle) * p, atol=1e-10)
    assert end.n_steps == math.ceil(angle / step)


def leap(
    log_density: LogDensity, y: np.ndarray, p: np.ndarray, angle: float, step: float
) -> tuple[np.ndarray, np.ndarray]:
    """Position and momentum at a trajectory's end, by the module's equations."""
    n = math.ceil(angle / step)
    h = angle / n
    for _ in range(n):
        p = p + 0.5 * h * (log_density(y)[1] + y)
        y, p = y * math.cos(h) + p * math.sin(h), p * math.cos(h) - y * math.sin(h)
        p = p + 0.5 * h * (log_density(y)[1] + y)
    return y, p


def energy(log_density: LogDensity, y: np.ndarray, p: np.ndarray) -> float:
    return 0.5 * float(p @ p) - log_density(y)[0]


# Not longer or coarser: round-off grows along a path as the distance between neighbours does.
BENT_PATHS = pytest.mark.parametrize(("angle", "step"), [(0.5, 0.1), (1.3, 0.3), (2.0, 0.15)])


def follow(y: np.ndarray, p: np.ndarray, angle: float, step: float) -> Trajectory:
    return trajectory(banana, y, *banana(y), p, angle, step)


@BENT_PATHS
def test_a_trajectory_follows_the_module_s_equations(angle: float, step: float) -> None:
    for y, p in np.random.default_rng(2).normal(size=(5, 2, 2)):
        end, (there, momentum) = follow(y, p, angle, step), leap(banana, y, p, angle, step)
        np.testing.assert_allclose(end.y, there, rtol=1e-12, atol=1e-12)
        assert (end.value, list(end.gradient)) == (banana(end.y)[0], list(banana(end.y)[1]))
        assert end.energy == pytest.approx(energy(banana, y, p), rel=1e-12)
        assert end.error == pytest.approx(energy(banana, there, momentum) - energy(banana, y, p), abs=1e-10)
        assert abs(end.error) > 1e-8  # it is not a normal, or this would prove little


@BENT_PATHS
def test_with_the_momentum_turned_round_a_trajectory_comes_back(angle: float, step: float) -> None:
    for y, p in 0.8 * np.random.default_rng(3).normal(size=(5, 2, 2)):
        there = follow(y, p, angle, step)
        momentum = leap(banana, y, p, angle, step)[1]
        back = follow(there.y, -momentum, angle, step)
        np.testing.assert_allclose(back.y, y, atol=1e-9)
        assert back.error == pytest.approx(-there.error, abs=1e-9)


@BENT_PATHS
def test_a_trajectory_keeps_volume(angle: float, step: float) -> None:
    def end(both: np.ndarray) -> np.ndarray:
        return np.concatenate(leap(banana, both[:2], both[2:], angle, step))

    for both in 0.8 * np.random.default_rng(4).normal(size=(5, 4)):
        columns = [(end(both + e) - end(both - e)) / 2e-5 for e in 1e-5 * np.eye(4)]
        assert np.linalg.det(np.stack(columns, axis=1)) == pytest.approx(1.0, abs=1e-5)


def test_a_smaller_step_makes_the_energy_error_smaller_by_its_square() -> None:
    y, p = np.random.default_rng(5).normal(size=(2, 2))
    error = [abs(follow(y, p, 0.5, 0.5 / n).error) for n in (8, 16, 32)]
    np.testing.assert_allclose([error[0] / error[1], error[1] / error[2]], 4.0, rtol=0.2)


def beyond(wall: float, outside: float, y: np.ndarray) -> tuple[float, np.ndarray]:
    """A standard normal whose first coordinate ends at a wall."""
    return standard_normal(y) if y[0] < wall else (outside, np.full(y.size, np.nan))


@pytest.mark.parametrize("outside", [-math.inf, math.nan, math.inf])
def test_a_trajectory_ends_where_it_leaves_the_support(outside: float) -> None:
    walled = partial(beyond, 0.5, outside)
    y, p = np.zeros(2), np.array([1.0, 0.0])
    end = trajectory(walled, y, *walled(y), p, 1.5, 0.1)
    assert end.error == math.inf
    assert end.n_steps == 6  # sin(0.6) > 0.5 > sin(0.5)


# A chain.


def sampled(log_density: LogDensity, dim: int, *, seed: int = 1, draws: int, warmup: int = 100) -> Chain:
    return sample_chain(log_density, np.zeros(dim), np.random.default_rng(seed), draws=draws, warmup=warmup)


def accepted(chain: Chain) -> float:
    return float(np.any(np.diff(chain.y, axis=0) != 0.0, axis=1).mean())


def z_scores(draws: np.ndarray, mean: float, sd: float, quantiles: dict[float, float]) -> np.ndarray:
    """Of the mean, the sd and quantiles of one chain of a scalar, cut in four for its Monte Carlo errors."""
    parts = draws[: draws.size // 4 * 4].reshape(4, -1)
    out = [(draws.mean() - mean) / azs.mcse(parts, method="mean"), (draws.std() - sd) / azs.mcse(parts, method="sd")]
    for p, value in quantiles.items():
        out.append((np.quantile(draws, p) - value) / azs.mcse(parts, method="quantile", prob=p))
    return np.asarray(out, dtype=float)


def test_on_a_standard_normal_every_trajectory_is_accepted() -> None:
    chain = sampled(standard_normal, 20, draws=2000)
    assert accepted(chain) == 1.0
    assert not chain.diverging.any()
    for y in chain.y.T:
        known = {p: float(norm.ppf(p)) for p in (0.05, 0.95)}
        assert np.abs(z_scores(y, 0.0, 1.0, known)).max() < Z_BOUND


SHAPE = np.array([0.5, 1.0, 4.0])
LOCATION, SPREAD = digamma(SHAPE), np.sqrt(polygamma(1, SHAPE))
TURN = np.linalg.qr(np.random.default_rng(6).normal(size=(3, 3)))[0]
MIX = TURN @ np.diag([0.7, 1.0, 1.3])
"""Rotates and stretches the standardised margins: y = MIX s is correlated and not quite of unit covariance."""


def log_gammas(y: np.ndarray) -> tuple[float, np.ndarray]:
    """Logs of independent gamma variables, standardised and mixed: skewed, and correlated in y."""
    log = LOCATION + SPREAD * np.linalg.solve(MIX, y)
    by_log = SHAPE - np.exp(log)
    return float(SHAPE @ log - np.exp(log).sum()), np.linalg.solve(MIX.T, SPREAD * by_log)


@pytest.fixture(scope="module")
def skewed() -> Chain:
    return sampled(log_gammas, 3, seed=7, draws=40_000)


def test_a_skewed_and_correlated_target_has_its_moments_and_quantiles(skewed: Chain) -> None:
    logs = LOCATION + SPREAD * np.linalg.solve(MIX, skewed.y.T).T
    for log, a in zip(logs.T, SHAPE, strict=True):
        known = {p: float(np.log(gamma.ppf(p, a))) for p in (0.05, 0.95)}
        scores = z_scores(log, float(digamma(a)), float(np.sqrt(polygamma(1, a))), known)
        assert np.abs(scores).max() < Z_BOUND
    for y, variance in zip(skewed.y.T, np.diag(MIX @ MIX.T), strict=True):
        assert np.abs(z_scores(y, 0.0, float(np.sqrt(variance)), {})).max() < Z_BOUND


def test_a_skewed_target_is_no_standard_normal_to_this_test(skewed: Chain) -> None:
    log = LOCATION[0] + SPREAD[0] * np.linalg.solve(MIX, skewed.y.T)[0]
    normal = {p: float(norm.ppf(p, LOCATION[0], SPREAD[0])) for p in (0.05, 0.95)}
    assert np.abs(z_scores(log, float(LOCATION[0]), float(SPREAD[0]), normal)).max() > 2.0 * Z_BOUND


def test_a_bent_target_has_its_moments_and_quantiles() -> None:
    with np.errstate(over="ignore"):  # far out on a coarse step's way
        a, b = sampled(banana, 2, seed=8, draws=40_000).y.T
    known = {p: float(norm.ppf(p)) for p in (0.05, 0.95)}
    assert np.abs(z_scores(a, 0.0, 1.0, known)).max() < Z_BOUND
    off = b - 0.7 * (a * a - 1.0)
    spread = math.sqrt(1.0 / 3.0)
    assert np.abs(z_scores(off, 0.0, spread, {p: spread * q for p, q in known.items()})).max() < Z_BOUND


@pytest.mark.parametrize("seed", range(5))
def test_the_warm_up_brings_the_acceptance_to_what_was_aimed_at(seed: int) -> None:
    # 20 coordinates, or a single step of the largest angle would be accepted too often
    def many(y: np.ndarray) -> tuple[float, np.ndarray]:
        values = [log_gammas(part) for part in y.reshape(-1, 3)]
        return sum(v for v, _ in values), np.concatenate([g for _, g in values])

    chain = sampled(many, 21, seed=seed, draws=1000, warmup=400)
    # The sd of the acceptance is 0.011 for its draws, and some 0.015 for the step size that 400 iterations leave.
    assert accepted(chain) == pytest.approx(TARGET_ACCEPT, abs=0.08)


def test_on_a_normal_the_step_size_stays_finite_however_long_the_warm_up() -> None:
    step = _StepSize(math.log(FIRST_STEP), TARGET_ACCEPT)
    for _ in range(10**6):
        step.update(1.0)
    assert math.isfinite(math.exp(step.now))


def same(one: Chain, other: Chain) -> None:
    for name in ("y", "energy", "diverging", "n_steps"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert (one.step_size, one.warmup_steps) == (other.step_size, other.warmup_steps)


def test_the_same_generator_gives_the_same_numbers_and_another_gives_others() -> None:
    one = sampled(log_gammas, 3, seed=3, draws=50)
    same(sampled(log_gammas, 3, seed=3, draws=50), one)
    assert not np.isclose(sampled(log_gammas, 3, seed=4, draws=50).y, one.y).any()


def test_a_chain_that_goes_on_is_the_longer_chain() -> None:
    def run(rng: np.random.Generator, draws: int, so_far: Chain | None = None) -> Chain:
        return sample_chain(banana, np.zeros(2), rng, draws=draws, warmup=30, so_far=so_far)

    whole, rng = run(np.random.default_rng(4), 60), np.random.default_rng(4)
    found = run(rng, 60, run(rng, 25))
    for name in ("y", "energy", "diverging", "n_steps", "step_size", "warmup_steps"):
        np.testing.assert_array_equal(getattr(found, name), getattr(whole, name))


@pytest.mark.parametrize(("stop", "kept"), [(1, 0), (30, 0), (31, 1), (47, 17), (50, 20)])
def test_a_chain_that_is_stopped_keeps_what_it_had_drawn(stop: int, kept: int) -> None:
    whole = sampled(log_gammas, 3, draws=20, warmup=30)
    told = []

    def tell(done: int, divergences: int, gradients: int) -> bool:
        told.append((done, divergences, gradients))
        return done < stop

    cut = sample_chain(log_gammas, np.zeros(3), np.random.default_rng(1), draws=20, warmup=30, told=tell)
    assert [done for done, _, _ in told] == list(range(1, stop + 1))
    assert {name: len(getattr(cut, name)) for name in ("y", "energy", "diverging", "n_steps")} == dict.fromkeys(
        ("y", "energy", "diverging", "n_steps"), kept
    )
    for name in ("y", "energy", "diverging", "n_steps"):
        np.testing.assert_array_equal(getattr(cut, name), getattr(whole, name)[:kept])


def test_gradients_are_counted_as_they_are_taken() -> None:
    calls, told = 0, [0]

    def counting(y: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal calls
        calls += 1
        return log_gammas(y)

    def tell(done: int, divergences: int, gradients: int) -> bool:
        told.append(gradients)
        return True

    chain = sample_chain(counting, np.zeros(3), np.random.default_rng(1), draws=20, warmup=30, told=tell)
    assert chain.warmup_steps == told[30]
    assert chain.warmup_steps + chain.n_steps.sum() == told[-1] == calls - 1  # the first is the start's
    np.testing.assert_array_equal(chain.n_steps, np.diff(told)[30:])


def test_the_energy_of_a_draw_is_that_at_its_trajectory_s_start() -> None:
    with np.errstate(over="ignore"):
        chain = sampled(banana, 2, draws=20_000)
    kinetic = chain.energy[1:] + np.array([banana(y)[0] for y in chain.y[:-1]])
    assert (kinetic >= 0.0).all()
    # half a chi-square of two degrees of freedom: independent draws of mean 1 and sd 1
    assert abs(kinetic.mean() - 1.0) < Z_BOUND / math.sqrt(kinetic.size)


@pytest.mark.parametrize("outside", [-math.inf, math.nan])
def test_a_target_that_ends_at_a_wall_is_kept_to_and_the_trajectories_that_cross_it_are_marked(outside: float) -> None:
    wall = 0.3
    chain = sampled(partial(beyond, wall, outside), 2, draws=5000)
    assert (chain.y[:, 0] < wall).all()
    assert 0.05 < chain.diverging.mean() < 0.9
    stayed = np.all(np.diff(chain.y, axis=0) == 0.0, axis=1)
    assert stayed[chain.diverging[1:]].all()
    known = truncnorm(-np.inf, wall)
    quantiles = {p: float(known.ppf(p)) for p in (0.05, 0.95)}
    assert np.abs(z_scores(chain.y[:, 0], float(known.mean()), float(known.std()), quantiles)).max() < Z_BOUND


def test_a_trajectory_whose_energy_is_not_a_number_is_never_accepted() -> None:
    def torn(y: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = standard_normal(y)
        return value, gradient if y[0] < 0.3 else np.full(y.size, np.nan)

    chain = sampled(torn, 2, draws=500)
    assert (chain.y[:, 0] < 0.3).all()
    assert chain.diverging.any()
    assert accepted(chain) > 0.1


# Chains of a model.


def test_chains_start_scattered_about_the_centre_by_seed_and_number(monkeypatch: pytest.MonkeyPatch) -> None:
    starts: dict[tuple[int, int], np.ndarray] = {}
    dim = 5

    class Stop(Exception):  # noqa: N818
        pass

    def first(log_density: LogDensity, start: np.ndarray, rng: np.random.Generator, **_: Any) -> Chain:
        starts[len(starts), 0] = start
        raise Stop

    monkeypatch.setattr(chains_module, "sample_chain", first)
    there = Start(Flat(), Coordinates(np.zeros(dim), np.ones(dim), np.arange(0), np.zeros((0, 0))))  # type: ignore[arg-type]
    for seed in [*range(400), 7]:
        with pytest.raises(Stop):
            sample_chains(there, seed=seed, draws=1, chains=1, cores=1)
    found = np.stack(list(starts.values()))
    np.testing.assert_array_equal(found[400], found[7])
    np.testing.assert_allclose(found[:400].mean(axis=0), 0.0, atol=Z_BOUND * FIRST_SD / 20)
    np.testing.assert_allclose(found[:400].std(axis=0), FIRST_SD, atol=Z_BOUND * FIRST_SD / np.sqrt(800))


class Flat:
    """A density that is the same everywhere."""

    def __init__(self, posterior: Any = None) -> None:
        self.posterior = posterior

    def __call__(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        return 0.0, np.zeros(x.size)


def test_the_last_chain_starts_about_the_second_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[np.ndarray] = []
    draws = 5

    def stays(log_density: LogDensity, start: np.ndarray, rng: np.random.Generator, **_: Any) -> Chain:
        begun.append(start)
        return Chain(np.tile(start, (draws, 1)), *np.zeros((3, draws)), 0.5, 0, (start, 0.0, start))  # type: ignore[arg-type]

    def posterior(x: np.ndarray, chains: list[int]) -> xr.Dataset:
        coords = {"chain": chains, "draw": np.arange(draws)}
        return xr.Dataset({"x": (("chain", "draw", "coordinate"), x)}, coords)

    monkeypatch.setattr(chains_module, "sample_chain", stays)
    there = Coordinates(np.array([1.0, 2.0]), np.ones(2), np.arange(2), np.array([[2.0, 0.0], [1.0, 0.5]]))
    density = Flat(posterior)
    for second in (None, there.point(np.array([40.0, -40.0]))):
        sample_chains(Start(cast("Any", density), there, second), seed=1, draws=draws, chains=3, cores=1)
    sample_chains(
        Start(cast("Any", density), there, second), seed=1, draws=draws, chains=1, cores=1
    )  # has nothing to disagree with
    np.testing.assert_array_equal(begun[6], begun[0])
    np.testing.assert_array_equal(begun[:2], begun[3:5])
    np.testing.assert_allclose(begun[5] - begun[2], [40.0, -40.0], rtol=1e-12)


@pytest.fixture(scope="module")
def hamlets() -> Start:
    d = design(Panel.read(PANELS / "hamlets"), Spec())
    return find_start(compile_density(from_design(d, Spec())), d, cores=2)


def no_u_turn(start: Start, draws: int) -> np.ndarray:
    """Draws x (chain, draw, dim) by nutpie of the same density, in the same coordinates."""
    import nutpie
    from nutpie.compiled_pyfunc import from_pyfunc

    at, dim = start.coordinates, start.coordinates.centre.size

    def log_density(y: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = start.density(at.point(y))
        return value, at.gradient(gradient)

    def same_y(*_: Any, **__: Any) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
        return lambda y: {"y": y}

    compiled = from_pyfunc(dim, lambda: log_density, same_y, [np.dtype(float)], [(dim,)], ["y"])
    trace = nutpie.sample(
        compiled, draws=draws, tune=400, chains=2, cores=2, seed=3, progress_bar=False, save_warmup=False
    )
    return at.point(trace.posterior["y"].to_numpy())


def test_a_collapsed_model_has_the_same_means_and_spreads_by_no_u_turn_sampling(hamlets: Start) -> None:
    tree, _ = sample_chains(hamlets, seed=2, draws=2500, chains=2, cores=2)
    ours, theirs = tree["unconstrained"]["x"].to_numpy(), no_u_turn(hamlets, 1500)
    for k in range(ours.shape[-1]):
        one, other = ours[..., k], theirs[..., k]
        for method in ("mean", "sd"):
            gap = one.mean() - other.mean() if method == "mean" else one.std() - other.std()
            error = np.hypot(azs.mcse(one, method=method), azs.mcse(other, method=method))
            assert abs(gap) < Z_BOUND * error, (k, method)


def test_chains_of_a_model_have_draws_statistics_and_points_of_the_same_labels(hamlets: Start) -> None:
    tree, interrupted = sample_chains(hamlets, seed=2, draws=10, chains=2, cores=2, warmup=20)
    assert not interrupted
    assert set(tree.children) == {"posterior", "sample_stats", "unconstrained"}
    points = tree["unconstrained"]["x"]
    assert points.dims == ("chain", "draw", "coordinate")
    assert points.shape == (2, 10, hamlets.density.first.size)
    xr.testing.assert_equal(
        tree["posterior"].to_dataset(), hamlets.density.posterior(points.to_numpy(), points.chain.to_numpy().tolist())
    )
    stats = tree["sample_stats"].to_dataset()
    assert set(stats) == {"diverging", "energy", "n_steps", "step_size"}
    assert all(v.dims == ("chain", "draw") for v in stats.values())
