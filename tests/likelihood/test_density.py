"""The density that is sampled is the PyMC model's: value, gradient, variables, labels; the model stays as it was."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pymc as pm
import pytest
from interpreted_density import MODE
from panels_with_subjudgements import with_sub_judgements
from paths import PANELS

from bayes_csc.likelihood.density import Density, compile_density
from bayes_csc.measurement.design import Design, design
from bayes_csc.panel.panel import Panel
from bayes_csc.spec import Spec
from bayes_csc_models.trajectory import from_design, trajectory

SPECS = {
    "baseline": Spec(),
    "without ratings": Spec.parse({"ratings": {"use": False}}),
    "sub-judgements": Spec(),
}
ROUNDED = 1e-5
"""PyTensor computes the normalising constants of a prior in single precision where its parameters are short numbers,
such as log(0.5): a constant that the density, whose parameters are inputs, does not have."""


@dataclass(frozen=True)
class Case:
    design: Design
    model: pm.Model
    density: Density
    plain: Callable[[dict[str, np.ndarray]], float]

    def logp(self, x: np.ndarray) -> float:
        """The model's own log density, by plain Python."""
        return float(self.plain(self.values(x)))

    def values(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """The model's value variables at x."""
        start = self.model.initial_point()
        return {v.name: x[at].reshape(start[v.name].shape) for v, at in self.places()}

    def places(self) -> list[tuple[pm.Distribution, slice]]:
        return list(zip(self.model.value_vars, self.density.names.free.values(), strict=True))

    def points(self, n: int, seed: int = 1) -> np.ndarray:
        rng = np.random.default_rng(seed)
        return self.density.first + 0.3 * rng.normal(size=(n, self.density.first.size))


def case_of(panel: Panel, spec: Spec) -> Case:
    d = design(panel, spec)
    model = from_design(d, spec)
    density = compile_density(model)
    plain = model.compile_logp(mode=MODE)
    return Case(d, model, density, plain)


@pytest.fixture(scope="module")
def panel() -> Panel:
    return Panel.read(PANELS / "hamlets")


@pytest.fixture(scope="module", params=SPECS)
def case(request: pytest.FixtureRequest, panel: Panel) -> Case:
    return case_of(with_sub_judgements(panel) if request.param == "sub-judgements" else panel, SPECS[request.param])


@pytest.fixture(scope="module")
def baseline(panel: Panel) -> Case:
    return case_of(panel, Spec())


def test_the_density_is_the_model_s_up_to_a_rounded_constant(case: Case) -> None:
    gap = [case.density(x)[0] - case.logp(x) for x in (case.density.first, *case.points(4))]
    np.testing.assert_allclose(gap, gap[0], atol=1e-9 * abs(case.density(case.density.first)[0]))
    assert abs(gap[0]) < ROUNDED


def test_the_gradient_is_the_model_s(case: Case) -> None:
    gradient = case.model.compile_dlogp(mode=MODE)
    for x in case.points(2, seed=2):
        np.testing.assert_allclose(case.density(x)[1], gradient(case.values(x)), rtol=1e-8, atol=1e-8)


def test_the_gradient_is_the_slope_of_the_density(case: Case) -> None:
    for seed, x in enumerate(case.points(2, seed=3)):
        gradient = case.density(x)[1]
        for direction in np.random.default_rng(seed).normal(size=(6, x.size)):
            ahead, behind = (case.density(x + s * 1e-5 * direction)[0] for s in (1, -1))
            assert direction @ gradient == pytest.approx((ahead - behind) / 2e-5, rel=1e-5, abs=1e-4)


def test_the_variables_are_the_model_s_at_the_point(case: Case) -> None:
    named = [*case.model.free_RVs, *case.model.deterministics]
    expanded = case.model.compile_fn(
        case.model.replace_rvs_by_values(named), inputs=case.model.value_vars, mode=MODE, on_unused_input="ignore"
    )
    for x in case.points(2, seed=4):
        found = case.density.expand(x)
        assert list(found) == [v.name for v in named] == list(case.density.names.variable)
        for (name, value), known in zip(found.items(), expanded(case.values(x)), strict=True):
            np.testing.assert_allclose(value, known, rtol=1e-10, atol=1e-12, err_msg=name)


def test_every_coordinate_belongs_to_one_free_variable(case: Case) -> None:
    assert list(case.density.names.free) == [v.name for v in case.model.free_RVs]
    places = np.concatenate([np.arange(s.start, s.stop) for s in case.density.names.free.values()])
    np.testing.assert_array_equal(places, np.arange(case.density.first.size))


def test_every_model_gives_its_compiled_functions_arrays_of_the_same_kind(case: Case) -> None:
    # machine code is compiled for a kind: a read-only array would be half a minute's wait
    for bound in (case.density.forward, case.density.pullback):
        assert {(c.flags.writeable, c.flags.c_contiguous) for c in bound.constants} == {(True, True)}


@pytest.mark.parametrize(
    ("name", "far"),
    [
        ("autocorrelation", -1e3),
        ("deviation_sd", np.inf),
        ("indicator_level", np.inf),
        ("year_step", -np.inf),
        ("grade_share", np.nan),
    ],
)
def test_outside_the_support_the_density_is_minus_infinity_without_a_slope(
    baseline: Case, name: str, far: float
) -> None:
    x = baseline.points(1)[0]
    x[baseline.density.names.free[name].start] = far
    with np.errstate(all="ignore"):
        value, gradient = baseline.density(x)
    assert value == -np.inf
    np.testing.assert_array_equal(gradient, np.zeros(x.size))


def test_where_only_the_kernel_is_not_finite_the_density_is_minus_infinity(baseline: Case) -> None:
    density = baseline.density
    broken = density.with_sites(density.z, np.full_like(density.variance, -1e6))
    value, gradient = broken(density.first)
    assert value == -np.inf
    np.testing.assert_array_equal(gradient, np.zeros(density.first.size))


def test_with_other_sites_it_is_the_density_of_the_model_on_those_data(panel: Panel) -> None:
    case = case_of(panel, Spec())  # its own: the model's data are set
    rng = np.random.default_rng(5)
    z, variance = case.density.z + rng.normal(size=case.density.z.size), case.density.variance * 1.7
    x = case.points(1)[0]
    before, old = case.density(x), case.logp(x)
    given = z.copy()
    other = case.density.with_sites(given, variance)
    given[:] = np.nan  # what was given is its giver's
    with case.model:
        pm.set_data({"observed_z": z, "observed_variance": variance})
    assert other(x)[0] - before[0] == pytest.approx(case.logp(x) - old, rel=1e-9)
    assert abs(other(x)[0] - before[0]) > 1.0
    np.testing.assert_array_equal(other.real(x).z, z)
    again = case.density(x)
    assert again[0] == before[0]
    np.testing.assert_array_equal(again[1], before[1])


# In threads.


def test_several_threads_may_ask_at_once(baseline: Case) -> None:
    points = baseline.points(40, seed=8)
    expected = [baseline.density(x) for x in points]
    with ThreadPoolExecutor(4) as pool:
        for (value, gradient), (known, slope) in zip(pool.map(baseline.density, points), expected, strict=True):
            assert value == known
            np.testing.assert_array_equal(gradient, slope)


# Draws, labelled.


def test_draws_have_the_model_s_labels_and_their_points_variables(case: Case) -> None:
    x = case.points(6, seed=9).reshape(2, 3, -1)
    posterior = case.density.posterior(x, [4, 7])
    assert list(posterior.data_vars) == list(case.density.names.variable)
    assert list(posterior.chain.to_numpy()) == [4, 7]
    assert list(posterior.draw.to_numpy()) == [0, 1, 2]
    for name, drawn in posterior.data_vars.items():
        assert drawn.dims == ("chain", "draw", *(case.model.named_vars_to_dims.get(name) or ())), name
        for dim in drawn.dims[2:]:
            assert list(drawn[dim].to_numpy()) == list(case.model.coords[str(dim)]), dim
        for c, i in np.ndindex(2, 3):
            np.testing.assert_array_equal(drawn[c, i], case.density.expand(x[c, i])[str(name)], err_msg=str(name))
    used = {dim for drawn in posterior.data_vars.values() for dim in drawn.dims}
    assert set(posterior.coords) == used


def test_no_draws_are_a_posterior_too(baseline: Case) -> None:
    posterior = baseline.density.posterior(np.empty((1, 0, baseline.density.first.size)), [0])
    assert posterior.sizes["draw"] == 0
    assert list(posterior.data_vars) == list(baseline.density.names.variable)


# The model.


def test_compiling_leaves_the_model_as_it_was(panel: Panel) -> None:
    untouched, model = trajectory(panel), trajectory(panel)
    before = {v.name: list(v.owner.inputs) for v in model.free_RVs}
    compile_density(model)
    for v in model.free_RVs:
        assert all(a is b for a, b in zip(v.owner.inputs, before[v.name], strict=True)), v.name
    for (name, start), known in zip(model.initial_point().items(), untouched.initial_point().values(), strict=True):
        np.testing.assert_array_equal(start, known, err_msg=name)
    point = {name: v + 0.1 for name, v in model.initial_point().items()}
    assert float(model.compile_logp(mode=MODE)(point)) == float(untouched.compile_logp(mode=MODE)(point))
    drawn, known = (pm.draw(m.free_RVs, random_seed=3, mode=MODE) for m in (model, untouched))
    for a, b in zip(drawn, known, strict=True):
        np.testing.assert_array_equal(a, b)
