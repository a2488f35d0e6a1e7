"""States given the hyperparameters, against dense conditional normals of all authorities together."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, replace

import numpy as np
import pytest
import xarray as xr
from paths import PANELS
from scipy.linalg import block_diag

from bayes_csc.likelihood.conditional_states import CHANGES, last_inspections, states_given_draws
from bayes_csc.likelihood.density import Density, compile_density
from bayes_csc.measurement.design import Design, design
from bayes_csc.panel.panel import Panel
from bayes_csc.spec import Spec
from bayes_csc_models.trajectory import from_design

GAUSSIAN = Spec.parse({"ratings": {"use": False}})
"""Without grades all is Gaussian given the observations' z and variance."""
N_DRAW = 3
NEWEST = 2023.0
"""Grid position of the newest figures."""


@dataclass(frozen=True)
class Case:
    """A design, points of its hyperparameters, and when each authority was last inspected."""

    design: Design
    density: Density
    x: xr.DataArray
    last: np.ndarray


@pytest.fixture(scope="module")
def case() -> Case:
    # A joint return (Elm and Fern) and a reorganisation (Juniper and Larch became Maple): two blocks of several.
    # The panel's day is three months after its newest figures, of 30 September 2022.
    panel = replace(Panel.read(PANELS / "hamlets"), date=datetime.date(2022, 12, 31))
    d = design(panel, GAUSSIAN)
    density = compile_density(from_design(d, GAUSSIAN))
    x = density.first + 0.4 * np.random.default_rng(4).normal(size=(1, N_DRAW, density.first.size))
    points = xr.DataArray(x, dims=("chain", "draw", "coordinate"), coords={"chain": [0], "draw": range(N_DRAW)})
    # Later inspections than the panel's, each at another time, one authority never inspected.
    last = np.array([2019.3, 2020.0, 2021.6, np.nan, 2022.4, 2020.7, 2021.0, 2021.9])
    assert len(d.authority) == last.size
    return Case(d, density, points, last)


def real_at(case: Case, draw: int) -> dict[str, np.ndarray]:
    return case.density.real(case.x.to_numpy()[0, draw])._asdict()


def conditional(d: Design, real: dict[str, np.ndarray], kept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of theta of all authorities given the kept observations, from one dense normal."""
    templates = [d.template[k] for k in d.block_template]
    factors = [t.matrix * real["scale"][t.column_kind] for t in templates]
    prior = block_diag(*[f @ f.T for f in factors])
    rows, n_year = d.observation, d.year.size
    weights = np.zeros((len(rows), len(d.authority) * n_year))
    for i, (members, shares, w) in enumerate(
        zip(rows.members, rows.shares, d.weights(rows.position.to_numpy()), strict=True)
    ):
        for member, share in zip(members, shares, strict=True):
            weights[i, member * n_year : (member + 1) * n_year] += share * w
    kind, t, domain = rows.kind.to_numpy(), rows.year.to_numpy(), rows.domain.to_numpy()
    lag = abs(t[:, None] - t[None])
    same_unit = rows.unit.to_numpy()[:, None] == rows.unit.to_numpy()[None]
    same_kind = same_unit & (kind[:, None] == kind[None])
    same_domain = same_unit & (domain[:, None] == domain[None]) & (domain >= 0)
    phi, white = (np.append(real[name], 0.0)[domain][:, None] for name in ("domain_phi", "domain_white"))
    noise = same_kind * real["ar_sd"][kind] ** 2 * real["ar_phi"][kind] ** lag
    noise += (
        same_domain
        * np.outer(real["domain_sd"][kind], real["domain_sd"][kind])
        * ((1.0 - white) * phi**lag + white * (lag == 0))
    )
    noise += np.diag(real["white_sd"][kind] ** 2 + real["variance"])
    a = (real["loading"][kind][:, None] * weights)[kept]
    gain = prior @ a.T @ np.linalg.inv(a @ prior @ a.T + noise[np.ix_(kept, kept)])
    residual = real["z"][kept] - real["offset"][kept] - a @ real["mean"]
    return real["mean"] + gain @ residual, prior - gain @ a @ prior


def relative_to_england(d: Design) -> np.ndarray:
    """Return the matrix that takes theta of all authorities and years to theta minus England's mean of the year."""
    n, n_year = d.exists.shape
    share = d.exists / d.exists.sum(axis=0)
    out = np.eye(n * n_year)
    for t in range(n_year):
        out[t::n_year, t::n_year] -= share[:, t][None]
    return out


def change_by_dense_algebra(case: Case, draw: int, a: int, kind: str) -> tuple[float, float]:
    d, real = case.design, real_at(case, draw)
    rows = d.observation
    end, since = (NEWEST, NEWEST - 2.0) if kind == "recent" else (d.now, case.last[a])
    kept = np.ones(len(rows), dtype=bool)
    if kind == "since inspection, no data":
        (block,) = (b for b, members in enumerate(d.block) if a in members)
        kept = ~((rows.block == block) & (rows.position > since)).to_numpy()
    mean, covariance = conditional(d, real, kept)
    contrast = np.zeros((len(d.authority), d.year.size))
    contrast[a] = (d.weights(np.array([end])) - d.weights(np.array([since])))[0]
    w = contrast.ravel() @ relative_to_england(d)
    return float(w @ mean), float(w @ covariance @ w)


@pytest.fixture(scope="module")
def found(case: Case) -> tuple[xr.DataArray, xr.Dataset]:
    return states_given_draws(case.density, case.design, case.x, case.last, seed=1)


@pytest.mark.parametrize("kind", CHANGES)
def test_moments_of_every_change_are_those_of_a_dense_normal(
    case: Case, found: tuple[xr.DataArray, xr.Dataset], kind: str
) -> None:
    change = found[1].sel(change=kind)
    inspected = np.flatnonzero(~np.isnan(case.last))
    for draw in range(N_DRAW):
        for a in inspected:
            here = change.isel(chain=0, draw=draw, authority=a)
            mean, variance = change_by_dense_algebra(case, draw, int(a), kind)
            assert float(here["mean"]) == pytest.approx(mean, abs=1e-8)
            assert float(here["variance"]) == pytest.approx(variance, rel=1e-7, abs=1e-9)


def test_the_recent_change_ends_at_the_newest_figure_and_the_change_since_now(
    case: Case, found: tuple[xr.DataArray, xr.Dataset]
) -> None:
    change = found[1]
    assert change.attrs == {"now": case.design.now, "recent_until": NEWEST}
    assert case.design.now > NEWEST + 0.2
    np.testing.assert_array_equal(change.since.sel(change="recent"), NEWEST - 2.0)


def test_without_an_inspection_there_is_no_change_since_but_a_recent_one(
    case: Case, found: tuple[xr.DataArray, xr.Dataset]
) -> None:
    never = found[1].isel(authority=int(np.flatnonzero(np.isnan(case.last))[0]))
    for kind in CHANGES[:2]:
        assert bool(never.sel(change=kind)[["mean", "variance", "since"]].isnull().all().to_array().all())
    assert bool(never.sel(change="recent")[["mean", "variance"]].notnull().all().to_array().all())


def test_data_made_after_an_inspection_make_the_change_since_more_certain(
    found: tuple[xr.DataArray, xr.Dataset],
) -> None:
    change = found[1]["variance"].dropna("authority")
    assert bool((change.sel(change=CHANGES[0]) < change.sel(change=CHANGES[1])).all())


def test_states_are_drawn_from_the_dense_normal_relative_to_england(case: Case) -> None:
    n = 600
    same = case.x.isel(draw=np.zeros(n, dtype=int)).assign_coords(draw=range(n))
    theta, *_ = states_given_draws(case.density, case.design, same, case.last, seed=2)
    d = case.design
    mean, covariance = conditional(d, real_at(case, 0), np.ones(len(d.observation), dtype=bool))
    take = relative_to_england(d)
    shape = d.exists.shape
    wanted = (take @ mean).reshape(shape)
    sd = np.sqrt(np.diag(take @ covariance @ take.T)).reshape(shape)
    drawn = theta.isel(chain=0)
    error = ((drawn.mean("draw") - wanted) / sd * np.sqrt(n)).to_numpy()[d.exists]
    assert np.abs(error).max() < 0.2  # a fifth of what independent draws have: they are spread evenly
    ratio = (drawn.std("draw") / sd).to_numpy()[d.exists]
    np.testing.assert_allclose(ratio, 1.0, atol=4.5 / np.sqrt(2 * n))


def test_an_authority_has_a_state_exactly_while_it_exists(case: Case, found: tuple[xr.DataArray, xr.Dataset]) -> None:
    theta = found[0]
    assert bool((theta.notnull() == case.design.exists).all())
    assert not case.design.exists.all()
    np.testing.assert_allclose(theta.mean("authority"), 0.0, atol=1e-6)


def test_states_depend_on_the_seed_and_not_on_the_threads(case: Case, found: tuple[xr.DataArray, xr.Dataset]) -> None:
    again = states_given_draws(case.density, case.design, case.x, case.last, seed=1, cores=1)
    xr.testing.assert_identical(again[0], found[0])
    xr.testing.assert_identical(again[1], found[1])
    other = states_given_draws(case.density, case.design, case.x, case.last, seed=2)
    assert not np.allclose(other[0], found[0], equal_nan=True)
    xr.testing.assert_identical(other[1], found[1])


def test_the_change_without_data_is_computed_at_every_so_many_draws_and_the_others_at_all(
    case: Case, found: tuple[xr.DataArray, xr.Dataset]
) -> None:
    theta, change, _ = states_given_draws(case.density, case.design, case.x, case.last, seed=1, no_data_every=2)
    xr.testing.assert_identical(theta, found[0])
    left_out = (found[1].change == CHANGES[1]) & (found[1].draw % 2 == 1)
    for name in ("mean", "variance"):
        xr.testing.assert_identical(change[name], found[1][name].where(~left_out))


def test_the_last_inspection_is_the_latest_start_of_an_overall_judgement() -> None:
    panel = Panel.read(PANELS / "hamlets")
    last = last_inspections(panel, ("401", "406", "000"))
    # 17 January 2022 and 3 February 2020 on a grid whose point t is 30 September t - 1
    np.testing.assert_allclose(last[:2], [2022 + 109 / 365, 2020 + 126 / 365], atol=0.005)
    assert np.isnan(last[2])
