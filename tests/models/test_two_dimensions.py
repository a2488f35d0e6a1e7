"""Two latent dimensions: the collapsed density against dense normals, their template, and recovery of r."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pymc as pm
import pytest
from paths import PANELS
from pytensor.compile.mode import Mode
from scipy.special import expit
from scipy.stats import multivariate_normal

from bayes_csc.errors import SpecError
from bayes_csc.evaluation.studies.dimension_fit import dimension_fit
from bayes_csc.likelihood.collapsed_op import collapsed_inputs
from bayes_csc.likelihood.kernel import Real
from bayes_csc.measurement.design import Design, design
from bayes_csc.measurement.two_dimensional import indicators_of, is_second, two_dimensional
from bayes_csc.panel.panel import Panel
from bayes_csc.simulation.template_panel import skeleton
from bayes_csc.spec import Spec
from bayes_csc_models.specs import spec as shipped
from bayes_csc_models.trajectory import trajectory
from bayes_csc_models.two_dimensions import two_dimensions

GAUSSIAN = Spec.parse({"ratings": {"use": False}, "dimensions": {"outcomes": ["assessment"]}})
"""Without judgements, and with sites that stay where they start, the hamlets' data are Gaussian."""
INTERPRETED = Mode(linker="py", optimizer=None)
"""Compiling would take longer than all else."""


@pytest.fixture(scope="module")
def panel() -> Panel:
    """Eight authorities, a joint return and a reorganisation among them, five years, three indicators."""
    return Panel.read(PANELS / "hamlets")


def values(model: pm.Model, point: dict[str, np.ndarray]) -> tuple[float, Real]:
    """Collapsed log density and the kernel's real inputs at a point of the value variables."""
    placed = model.replace_rvs_by_values([model["collapsed_likelihood"], *collapsed_inputs(model)])
    run = model.compile_fn(placed, inputs=model.value_vars, on_unused_input="ignore", mode=INTERPRETED)
    value, *real = run(point)
    return float(value), Real(*real)


def points(model: pm.Model, n: int) -> list[dict[str, np.ndarray]]:
    """Points about the initial one."""
    rng = np.random.default_rng(3)
    return [{k: v + 0.3 * rng.normal(size=v.shape) for k, v in model.initial_point().items()} for _ in range(n)]


# The template.


@pytest.mark.parametrize("r", [-0.9, 0.0, 0.4, 1.0])
def test_each_dimension_of_a_block_has_the_covariance_of_one_and_r_times_that_with_the_other(
    panel: Panel, r: float
) -> None:
    one = design(panel, GAUSSIAN)
    two = two_dimensional(one, indicators_of(panel, ["assessment"]))
    scale = np.array([0.6, 0.5, 0.7, 0.4])
    scales = np.concatenate([np.sqrt((1 + r) / 2) * scale, np.sqrt((1 - r) / 2) * scale])
    assert len(one.template) == len(two.template) > 1  # linked blocks too
    for before, after in zip(one.template, two.template, strict=True):
        factor = before.matrix * scale[before.column_kind]
        both = after.matrix * scales[after.column_kind]
        np.testing.assert_allclose(both @ both.T, np.kron([[1, r], [r, 1]], factor @ factor.T), atol=1e-12)


def test_both_paths_of_an_authority_keep_its_region_and_deprivation_and_an_indicator_observes_one(
    panel: Panel,
) -> None:
    one = design(panel, GAUSSIAN)
    two = two_dimensional(one, indicators_of(panel, ["assessment"]))
    at = {label: i for i, label in enumerate(two.authority)}
    for i, code in enumerate(one.authority):
        for label, second in ((code, False), (f"{code}:outcomes", True)):
            place = at[label]
            assert two.region_index[place] == one.region_index[i]
            assert two.deprivation[place] == one.deprivation[i]
            assert is_second(two)[place] == second
    for unit, indicator, members in zip(
        two.observation.unit, two.observation.indicator, two.observation.members, strict=True
    ):
        suffix = ":outcomes" if indicator == "late" else ""
        assert [two.authority[m] for m in members] == [f"{code}{suffix}" for code in unit.split("+")]


# The density.


def dense_log_density(d: Design, real: Real, mean: np.ndarray) -> float:
    """Log density of the Gaussian observations by one dense normal a block, from the equations of the kernel."""
    rows, n_year, out = d.observation, d.year.size, 0.0
    for b, block in enumerate(d.block):
        at = np.flatnonzero(rows.block == b)
        mine = rows.iloc[at]
        template = d.template[d.block_template[b]]
        factor = template.matrix * real.scale[template.column_kind]
        interpolation = d.weights(mine.position.to_numpy())
        a = np.zeros((at.size, len(block) * n_year))
        for i, (members, shares) in enumerate(zip(mine.members, mine.shares, strict=True)):
            for m, share in zip(members, shares, strict=True):
                place = (m - block[0]) * n_year
                a[i, place : place + n_year] += share * interpolation[i]
        kind, t, unit = mine.kind.to_numpy(), mine.year.to_numpy(), mine.unit.to_numpy()
        a *= real.loading[kind][:, None]
        lag = np.abs(t[:, None] - t[None, :])
        alike = unit[:, None] == unit[None, :]
        domain = mine.domain.to_numpy()
        shared = alike & (domain[:, None] == domain[None, :]) & (domain[:, None] >= 0)
        own = alike & (kind[:, None] == kind[None, :])
        sd = real.domain_sd[kind]
        phi, white = (p[np.maximum(domain, 0)][:, None] for p in (real.domain_phi, real.domain_white))
        cov = np.where(shared, np.outer(sd, sd) * ((1.0 - white) * phi**lag + white * (lag == 0)), 0.0)
        cov += np.where(own, real.ar_sd[kind][:, None] ** 2 * real.ar_phi[kind][:, None] ** lag, 0.0)
        cov += np.diag(real.white_sd[kind] ** 2 + real.variance[at])
        prior = mean[list(block)].ravel()
        total = cov + a @ factor @ factor.T @ a.T
        out += multivariate_normal.logpdf(real.z[at], real.offset[at] + a @ prior, total)
    return float(out)


def test_the_density_is_that_of_a_dense_normal_with_linked_authorities_and_joint_returns(panel: Panel) -> None:
    model = two_dimensions(panel, GAUSSIAN)
    d = two_dimensional(design(panel, GAUSSIAN), indicators_of(panel, ["assessment"]))
    assert max(len(b) for b in d.block) > 2
    for point in points(model, 2):
        value, real = values(model, point)
        assert value == pytest.approx(dense_log_density(d, real, real.mean.reshape(-1, d.year.size)), abs=1e-8)


def test_without_outcomes_the_density_is_that_of_one_dimension_whatever_r(panel: Panel) -> None:
    one, two = trajectory(panel, Spec()), two_dimensions(panel, Spec())
    for point in points(two, 2):
        expected, _ = values(one, {name: point[name] for name in one.initial_point()})
        found, _ = values(two, point)
        assert found == pytest.approx(expected, abs=1e-9)


def test_the_second_dimension_has_region_means_of_its_own_and_no_gradient_that_only_judgements_identify(
    panel: Panel,
) -> None:
    with_ratings = Spec.parse({"dimensions": {"outcomes": ["assessment"]}})
    names = {v.name for v in two_dimensions(panel, with_ratings).unobserved_RVs}
    assert {"region_level", "outcomes_region_level", "deprivation_trend", "outcomes_deprivation_trend"} <= names
    assert "deprivation_level" in names
    assert "outcomes_deprivation_level" not in names


# What cannot be.


def test_an_unknown_domain_of_outcomes_is_told_with_those_there_are(panel: Panel) -> None:
    wrong = Spec.parse({"dimensions": {"outcomes": ["happiness"]}})
    with pytest.raises(
        SpecError, match=r"dimensions\.outcomes: no domain 'happiness' in panel Hamlets; its domains: a"
    ):
        two_dimensions(panel, wrong)


def test_the_model_of_one_dimension_refuses_a_spec_of_two(panel: Panel) -> None:
    with pytest.raises(SpecError, match=r"the trajectory model has one dimension; .* two_dimensions"):
        trajectory(panel, GAUSSIAN)


def test_every_domain_of_outcomes_of_the_shipped_spec_is_used(root: Path) -> None:
    england, spec = Panel.read(root / "data" / "england"), shipped("two_dimensions")
    used = {england.indicators[key].domain for key in spec.indicators}
    assert set(spec.dimensions.outcomes) <= used
    assert used - set(spec.dimensions.outcomes) == {"referral", "assessment", "protection", "workforce"}


# Recovery.


def of_correlation(r: float, seed: int) -> Panel:
    """Panel of 60 authorities and 8 years: three indicators of each of two latent paths of correlation r."""
    rng = np.random.default_rng(seed)
    panel = skeleton(authorities=60, years=8, indicators=6, rng=rng)
    keys, codes = list(panel.indicators), list(panel.authorities.index)
    years = sorted(panel.cells.year.unique())
    level = rng.multivariate_normal([0, 0], [[1, r], [r, 1]], len(codes))
    indicators = {
        key: replace(
            indicator, domain="made" if i < 3 else "become", polarity="higher is better", reference_instant="end"
        )
        for i, (key, indicator) in enumerate(panel.indicators.items())
    }
    cells = panel.cells.copy()
    path = {
        (code, key): level[i, int(k >= 3)] + 0.3 * rng.normal(size=len(years)).cumsum() / np.sqrt(len(years))
        for i, code in enumerate(codes)
        for k, key in enumerate(keys)
    }
    theta = [path[a, k][years.index(y)] for a, k, y in zip(cells.authority, cells.indicator, cells.year, strict=True)]
    noise = 0.2 * rng.normal(size=len(cells))
    cells["denominator"] = 300.0
    cells["numerator"] = rng.binomial(300, expit(0.8 * np.array(theta) + noise)).astype(float)
    return replace(panel, indicators=indicators, cells=cells, inspections=panel.inspections.iloc[:0])


@pytest.mark.parametrize("r", [-0.5, 0.7])
def test_the_correlation_of_a_simulated_panel_is_recovered(r: float) -> None:
    # sixty authorities known almost without error: the sd of a sample correlation is (1 - r ** 2) / sqrt(60) <= 0.10;
    # four of it, and the prior's little pull, are the bound
    spec = Spec.parse(
        {"ratings": {"use": False}, "dimensions": {"outcomes": ["become"]}, "measurement": {"unshared": ["*"]}}
    )
    found = dimension_fit(of_correlation(r, seed=5), two_dimensions, spec, seed=1, draws=60, warmup=30)
    row = found.correlation.iloc[0]
    assert found.passed
    assert row.correlation == pytest.approx(r, abs=4 * (1 - r**2) / np.sqrt(60) + 0.02)
    assert (row.correlation_lower > 0) == (r > 0)
    second = found.loadings.set_index("indicator").dimension
    assert second.tolist() == [1, 1, 1, 2, 2, 2]
    assert (found.loadings["mean"] > 0.4).all()
