"""Compiled once for all data: models of one structure share a compiled graph, and each has its own right value."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from paths import PANELS
from pytensor.compile.mode import Mode
from pytensor.graph.basic import Variable

from bayes_csc.likelihood import function_cache as graph
from bayes_csc.likelihood.density import Density, compile_density
from bayes_csc.likelihood.function_cache import Family, lifted, parameters_as_inputs
from bayes_csc.measurement.design import design
from bayes_csc.panel.panel import Panel
from bayes_csc.simulation.simulate import simulate
from bayes_csc.spec import Spec
from bayes_csc_models.trajectory import from_design, trajectory

PLAIN = Mode("py", None)


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A cache of its own, empty at first."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(graph, "FOLDER", tmp_path_factory.mktemp("cache"))
        yield


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(graph, "FOLDER", tmp_path / "cache")
    return tmp_path / "cache"


def kept() -> set[str]:
    return {path.name for path in graph.FOLDER.glob("*")}


# Models.


def difference_from_its_model(panel: Panel, spec: Spec) -> float:
    """Of a density from the PyMC model's own, between two points, so that no constant counts."""
    model = from_design(design(panel, spec), spec)
    density, logp = compile_density(model), model.compile_logp(mode=PLAIN)
    start = model.initial_point()
    rng = np.random.default_rng(1)

    def gap(x: np.ndarray) -> float:
        places = zip(model.value_vars, density.names.free.values(), strict=True)
        values = {v.name: x[at].reshape(start[v.name].shape) for v, at in places}
        return density(x)[0] - float(logp(values))

    here, there = gap(density.first), gap(density.first + 0.5 * rng.normal(size=density.first.size))
    assert abs(here) < 1e-5  # single precision of some prior's constant (see test_density)
    return abs(here - there)


PRIORS = Spec.parse(
    {
        "loadings": {"agreed_sd": 0.61, "not_agreed_sd": 0.47},
        "measurement": {"level_sd": 1.7, "white_share": [2.0, 3.1], "autocorrelation": [2.0, 2.0]},
        "pooling": {"region_df": 5.0, "deprivation_sd": 0.3},
        "ratings": {"loading_sd": 0.5, "scale_shift_sd": 0.3},
        "trend": {"share_concentration": [1.0, 1.0, 1.0], "succession_sd": 0.4},
    }
)


def hamlets() -> Panel:
    return Panel.read(PANELS / "hamlets")


def simulated(**size: int) -> Panel:
    return simulate(trajectory, Spec(), **size, seed=1)[0]


def test_models_that_differ_in_priors_data_and_size_share_a_compiled_graph_and_keep_their_own_values() -> None:
    # Of one structure: each has indicators agreed and not agreed, domains that share, several regions and frameworks.
    panels = [simulated(authorities=n, years=t, indicators=k) for n, t, k in ((12, 5, 6), (20, 6, 7))]
    apart = {"measurement": {"across_domains": False}}  # in panels so small that is another structure now and then
    plain, priors = Spec().updated(apart), PRIORS.updated(apart)
    first = (panels[0], plain)
    assert difference_from_its_model(*first) < 1e-7
    made = kept()
    assert len(made) == 2  # forward and pullback
    for other in ((panels[0], priors), (panels[1], plain), first):
        assert difference_from_its_model(*other) < 1e-7
        assert kept() == made


def test_models_of_different_structure_do_not_share(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What is kept under which key, not what: rewriting and compiling both models would take most of a minute.
    monkeypatch.setattr(graph, "_rewritten", lambda inputs, outputs: ([], []))
    monkeypatch.setattr(graph, "_machine_code", lambda made: (None, ("", "", "")))
    monkeypatch.setattr(graph, "_loaded", lambda made, known: None)
    monkeypatch.setattr(Density, "load", lambda self: None)
    panel = hamlets()
    compile_density(trajectory(panel))
    one = kept()
    assert len(one) == 2
    compile_density(trajectory(panel, PRIORS))
    assert kept() == one
    straight = Spec.parse({"ratings": {"use": False}})
    compile_density(trajectory(panel, straight))
    assert len(kept() - one) == 2


# Small graphs.


def line(slope: Any, level: Any = 1.0) -> tuple[list[Variable], list[Variable]]:
    x = pt.dvector("x")
    return [x], [pt.as_tensor(slope) * x + level]


def run(inputs: list[Variable], outputs: list[Variable], *given: np.ndarray) -> list[np.ndarray]:
    """Lift, compile and evaluate."""
    found = lifted(outputs)
    family = Family.of(inputs, found.outputs, found.constants)
    return list(family.function("value", inputs, lambda: found.outputs)(*given, *found.values))


ONE = np.ones(3)


@pytest.mark.parametrize("slope", [np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.5])])
def test_other_constants_are_other_inputs_of_one_function(slope: np.ndarray) -> None:
    run(*line(np.array([0.5, 0.5, 0.5])), ONE)
    before = kept()
    np.testing.assert_allclose(run(*line(slope), ONE)[0], slope + 1.0)
    assert kept() == before


def test_another_length_is_another_input_of_one_function(empty: Path) -> None:
    for n in (2, 3, 7):
        x = pt.dvector("x")
        slope = np.arange(float(n))
        out = pt.concatenate([x * slope, pt.zeros(n), x[pt.as_tensor(np.arange(n)[::-1].copy())]])
        (found,) = run([x], [out], slope)
        np.testing.assert_allclose(found, np.concatenate([slope**2, np.zeros(n), slope[::-1]]))
    assert len(kept()) == 1


def test_what_broadcasts_is_another_structure_than_what_does_not(empty: Path) -> None:
    x = pt.dmatrix("x")
    for slope in (np.full((1, 3), 2.0), np.full((2, 3), 2.0), np.full((2, 1), 2.0)):
        (found,) = run([x], [x * slope], np.ones((2, 3)))
        np.testing.assert_allclose(found, np.full((2, 3), 2.0))
    assert len(kept()) == 3


@pytest.mark.parametrize(
    "other",
    [
        lambda x: x * 2.5 + 1.0,
        lambda x: x * 2.0 - 1.0,
        lambda x: x**2.0 + 1.0,
        lambda x: (x * 2.0 + 1.0).sum(),
        lambda x: (x * 2.0 + 1.0)[::-1],
        lambda x: (x * 2.0 + 1.0)[1:],
        lambda x: (x + 1.0) * 2.0,
        lambda x: 1.0 + x * 2.0,
    ],
)
def test_another_operation_number_or_wiring_is_another_function(empty: Path, other: Any) -> None:
    x = pt.dvector("x")
    given = np.array([1.0, 3.0, 7.0])
    run([x], [x * 2.0 + 1.0], given)
    (found,) = run([x], [other(x)], given)
    assert len(kept()) == 2
    np.testing.assert_allclose(found, other(given))


def test_the_order_of_inputs_and_outputs_is_kept(empty: Path) -> None:
    x, y = pt.dvector("x"), pt.dvector("y")
    a, b = np.array([1.0, 2.0]), np.array([10.0, 20.0])
    np.testing.assert_allclose(run([x, y], [x - y, x * y], a, b), [a - b, a * b])
    np.testing.assert_allclose(run([y, x], [x - y, x * y], a, b), [b - a, a * b])
    np.testing.assert_allclose(run([x, y], [x * y, x - y], a, b), [a * b, a - b])
    np.testing.assert_allclose(run([x, y], [x - y], a, b), [a - b])


def test_equal_operations_share_a_function_and_those_of_other_numbers_or_dims_of_inputs_do_not(empty: Path) -> None:
    x, y = pt.dvector("x"), pt.dmatrix("y")
    outputs = [pt.add(x, x * x), pt.add(x, x * x, pt.exp(x)), pt.exp(y) + x, pt.exp(y * y) + y, pt.exp(pt.exp(x))]
    from pytensor.link.numba.dispatch import basic

    before = basic.numba_funcify_ensure_cache
    a, b = np.array([0.1, 0.2]), np.array([[0.3, 0.4], [0.5, 0.6], [0.7, 0.8]])
    for _ in range(2):  # made, then taken from the cache
        found = Family.of([x, y], outputs, []).function("value", [x, y], lambda: outputs)(a, b)
        expected = [a + a * a, a + a * a + np.exp(a), np.exp(b) + a, np.exp(b * b) + b, np.exp(np.exp(a))]
        for value, known in zip(found, expected, strict=True):
            np.testing.assert_allclose(value, known, rtol=1e-15)
    assert basic.numba_funcify_ensure_cache is before
    nodes = [v.owner for v in (pt.exp(x), pt.exp(x + x), pt.exp(y))]
    with graph._each_operation_once():
        one, equal, other = (basic.numba_funcify_ensure_cache(node.op, node=node)[0] for node in nodes)
    assert one is equal
    assert one is not other


def test_a_name_is_no_structure(empty: Path) -> None:
    for name in ("x", "y", None):
        x = pt.dvector(name)
        run([x], [x * 2.0], ONE)
    assert len(kept()) == 1


def test_functions_of_one_family_are_told_apart_by_their_name(empty: Path) -> None:
    inputs, outputs = line(np.array([1.0, 2.0, 3.0]))
    found = lifted(outputs)
    family = Family.of(inputs, found.outputs, found.constants)
    value = family.function("value", inputs, lambda: found.outputs)
    slope = family.function("slope", inputs, lambda: [pt.grad(found.outputs[0].sum(), inputs[0])])
    for _ in range(2):  # made, then taken from the cache
        np.testing.assert_allclose(value(ONE, *found.values)[0], [2.0, 3.0, 4.0])
        np.testing.assert_allclose(slope(ONE, *found.values)[0], [1.0, 2.0, 3.0])
        value, slope = (family.function(name, inputs, refused) for name in ("value", "slope"))
    assert len(kept()) == 2


def refused() -> list[Variable]:
    raise AssertionError("derived although it was compiled before")


def test_the_key_of_a_family_is_the_same_in_another_process() -> None:
    program = (
        "import numpy as np, pytensor.tensor as pt\n"
        "from bayes_csc.likelihood.function_cache import Family, lifted\n"
        "x = pt.dvector('x')\n"
        "found = lifted([pt.exp(x[:2] * np.array([1.0, 2.0])).sum()])\n"
        "key = Family.of([x], found.outputs, found.constants).key\n"
    )
    here: dict[str, Any] = {}
    exec(program, here)
    other = subprocess.run([sys.executable, "-c", f"{program}print(key)"], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == here["key"]


def test_the_key_follows_the_versions_of_the_compilers(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs, outputs = line(2.0)
    before = Family.of(inputs, outputs, []).key
    assert Family.of(inputs, outputs, []).key == before
    monkeypatch.setattr(graph, "version", lambda name: "0.0")
    assert Family.of(inputs, outputs, []).key != before


def test_several_threads_may_run_one_function() -> None:
    inputs, outputs = line(np.arange(50.0))
    found = lifted(outputs)
    compiled = Family.of(inputs, found.outputs, found.constants).function("value", inputs, lambda: found.outputs)
    points = np.random.default_rng(1).normal(size=(200, 50))
    with ThreadPoolExecutor(4) as pool:
        for x, (value,) in zip(points, pool.map(lambda x: compiled(x, *found.values), points), strict=True):
            np.testing.assert_allclose(value, x * np.arange(50.0) + 1.0)


def test_what_was_compiled_before_is_loaded_once_in_a_process(empty: Path) -> None:
    inputs, outputs = line(np.array([1.0, 2.0]))
    found = lifted(outputs)

    def function() -> Any:
        return Family.of(inputs, found.outputs, found.constants).function("value", inputs, lambda: found.outputs)

    function()(np.ones(2), *found.values)
    assert function() is function()


# The file.


def test_a_cached_graph_is_used_and_left_alone(empty: Path) -> None:
    run(*line(2.0), ONE)
    (path,) = empty.iterdir()
    before = path.stat()
    run(*line(2.0), ONE)
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert [p.suffix for p in empty.iterdir()] == [".pickle"]


def test_what_is_in_the_cache_is_what_runs(empty: Path) -> None:
    run(*line(2.0), ONE)
    (path,) = empty.iterdir()
    run(*line(3.0), ONE)
    (other,) = set(empty.iterdir()) - {path}
    path.write_bytes(other.read_bytes())
    np.testing.assert_allclose(run(*line(2.0), ONE)[0], 4.0)


def test_a_graph_whose_machine_code_is_lost_is_compiled_again_by_however_many_threads(empty: Path) -> None:
    run(*line(2.0), ONE)
    (path,) = empty.iterdir()
    kept_graph, (name, source, _) = pickle.loads(path.read_bytes())
    path.write_bytes(pickle.dumps((kept_graph, (name, source, "another key, of no machine code"))))
    inputs, outputs = line(2.0)
    found = lifted(outputs)
    again = Family.of(inputs, found.outputs, found.constants).function("value", inputs, refused)
    with ThreadPoolExecutor(4) as pool:
        for (value,) in pool.map(lambda _: again(ONE, *found.values), range(8)):
            np.testing.assert_allclose(value, 3.0)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_cache_file_is_made_again(empty: Path, share: float) -> None:
    run(*line(2.0), ONE)
    (path,) = empty.iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    np.testing.assert_allclose(run(*line(2.0), ONE)[0], 3.0)
    assert len(pickle.loads(path.read_bytes())) == 2
    assert [p.name for p in empty.iterdir()] == [path.name]


@pytest.mark.parametrize(
    "content",
    [
        *(
            b"\0" * 4000,
            b"rubbish\n",
            b"garbage",
            b"{}",
            b"<html>",
            pickle.dumps(None),
            pickle.dumps(("one", (1, 2, 3))),
        ),
        *(pickle.dumps((b"graph", "known")), b"cno_such_module\nname\n."),
    ],
    ids=["zeros", "rubbish", "garbage", "braces", "html", "none", "numbers", "no key", "no module"],
)
def test_a_cache_file_of_something_else_is_made_again(empty: Path, content: bytes) -> None:
    run(*line(2.0), ONE)
    (path,) = empty.iterdir()
    path.write_bytes(content)
    np.testing.assert_allclose(run(*line(2.0), ONE)[0], 3.0)
    assert path.read_bytes() != content


def test_a_graph_comes_to_its_place_whole(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moved = []

    def replace(part: str, path: Path) -> None:
        assert Path(part).parent == path.parent == empty  # one file system, or it would not be at once
        assert not path.exists()
        pickle.loads(Path(part).read_bytes())
        moved.append(path)
        os.rename(part, path)

    monkeypatch.setattr("bayes_csc.files.private_folder.os.replace", replace)
    run(*line(2.0), ONE)
    assert moved == list(empty.iterdir())


def test_a_graph_whose_writing_is_cut_short_is_not_there(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def power_cut(part: str, path: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("bayes_csc.files.private_folder.os.replace", power_cut)
        with pytest.raises(KeyboardInterrupt):
            run(*line(2.0), ONE)
    assert list(empty.glob("*.pickle")) == []
    np.testing.assert_allclose(run(*line(2.0), ONE)[0], 3.0)


@pytest.mark.skipif(os.name != "posix", reason="folders have no modes")
def test_a_graph_from_a_folder_that_others_can_write_to_is_not_unpickled(
    empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(*line(2.0), ONE)
    empty.chmod(0o777)

    def unpickled(content: bytes) -> None:
        raise AssertionError("unpickled")

    with monkeypatch.context() as patch:
        patch.setattr(graph, "_loaded", unpickled)
        np.testing.assert_allclose(run(*line(2.0), ONE)[0], 3.0)


# Parameters of priors.


def small_model() -> pm.Model:
    with pm.Model() as model:
        a = pm.Normal("a", 0.5, 2.0)
        pm.Normal("b", a, np.array([1.0, 2.0, 3.0]), shape=3)
        pm.Beta("c", 2.0, 2.0, shape=2)
    return model


def test_parameters_are_inputs_for_a_while_and_then_constants_again() -> None:
    model = small_model()
    before = {v: list(v.owner.inputs) for v in model.free_RVs}
    with parameters_as_inputs(model.free_RVs) as values:
        found = sorted(np.asarray(v).ravel().tolist() for v in values.values())
        assert found == sorted([[0.5], [2.0], [1.0, 2.0, 3.0], [2.0], [2.0]])
        assert all(value.dtype == float and value.flags.writeable for value in values.values())
        for v in model.free_RVs:
            assert any(i is not j for i, j in zip(v.owner.inputs, before[v], strict=True)), v.name
    for v in model.free_RVs:
        assert all(i is j for i, j in zip(v.owner.inputs, before[v], strict=True)), v.name


def test_an_error_leaves_the_parameters_as_they_were() -> None:
    model = small_model()
    before = {v: list(v.owner.inputs) for v in model.free_RVs}
    with pytest.raises(RuntimeError, match="power cut"), parameters_as_inputs(model.free_RVs):
        raise RuntimeError("power cut")
    for v in model.free_RVs:
        assert all(i is j for i, j in zip(v.owner.inputs, before[v], strict=True)), v.name
    assert np.isfinite(model.compile_logp(mode=PLAIN)(model.initial_point()))


def test_shared_variables_and_constant_arrays_are_lifted_and_numbers_are_not() -> None:
    with pm.Model() as model:
        data = pm.Data("data", np.array([1.0, 2.0]))
    x = pt.dvector("x")
    found = lifted([x * data * np.array([3.0, 4.0]) + 5.0])
    assert sorted(v.tolist() for v in found.values) == [[1.0, 2.0], [3.0, 4.0]]
    assert all(v.flags.writeable for v in found.values)
    np.testing.assert_allclose(
        found.outputs[0].eval({x: ONE[:2], **dict(zip(found.constants, found.values, strict=True))}), [8.0, 13.0]
    )
    assert model["data"] is data


def test_machine_code_that_is_kept_runs_without_its_graph(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(*line(2.0), ONE)

    def never(*_: Any) -> Any:
        raise AssertionError("compiled again")

    monkeypatch.setattr(graph, "_machine_code", never)
    np.testing.assert_allclose(run(*line(2.0), ONE)[0], 3.0)
