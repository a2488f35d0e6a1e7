"""The collapsed likelihood as a PyTensor Op: its value and gradient, in each mode and in a model."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from pytensor.gradient import DisconnectedInputError
from pytensor.link.numba.dispatch.basic import numba_funcify_and_cache_key

from bayes_csc.collapse import N_LAYOUT, VERSION, CollapsedLikelihood, collapsed_inputs
from bayes_csc.design import Design, design
from bayes_csc.inference import Compiled, compile_model
from bayes_csc.kernel import Real, value_and_gradient
from bayes_csc.panel import Panel
from bayes_csc.spec import Spec
from bayes_csc_models.trajectory import from_design


@pytest.fixture(scope="module")
def laid_out() -> Design:
    return design(Panel.read(Path(__file__).parent / "hamlets"), Spec())


@pytest.fixture(scope="module")
def compiled(laid_out: Design) -> Compiled:
    return compile_model(from_design(laid_out, Spec()))


def point(compiled: Compiled, seed: int) -> np.ndarray:
    return 0.5 * np.random.default_rng(seed).normal(size=compiled.density.n_dim)


@pytest.fixture(scope="module")
def real(compiled: Compiled) -> Real:
    return compiled.real_inputs(compiled.expand(point(compiled, 0)))


@pytest.mark.parametrize("mode", [None, "NUMBA"])
def test_value_and_gradient_are_the_kernel_s_in_every_mode(laid_out: Design, real: Real, mode: str | None) -> None:
    inputs = [pt.dvector(name) for name in Real._fields]
    value = CollapsedLikelihood()(*(pt.as_tensor(a) for a in laid_out.layout), *inputs)[0]
    outputs = [value, *pytensor.grad(3.0 * value, inputs)]
    got = pytensor.function(inputs, outputs, mode=mode)(*real)
    value, gradient = value_and_gradient(laid_out.layout, real)
    expected = (value, *gradient)
    assert float(got[0]) == pytest.approx(expected[0], rel=1e-12)
    for name, a, b in zip(Real._fields, got[1:], expected[1:], strict=True):
        np.testing.assert_allclose(a, 3.0 * b, rtol=1e-12, atol=1e-12, err_msg=name)


def test_at_the_edge_of_the_support_the_value_is_minus_infinity_in_every_mode(laid_out: Design, real: Real) -> None:
    edge = real._replace(ar_phi=np.ones_like(real.ar_phi))
    inputs = [pt.dvector(name) for name in Real._fields]
    value = CollapsedLikelihood()(*(pt.as_tensor(a) for a in laid_out.layout), *inputs)[0]
    assert value_and_gradient(laid_out.layout, edge)[0] == -np.inf
    assert float(pytensor.function(inputs, value, mode="NUMBA")(*edge)) == -np.inf


def test_the_gradient_cannot_be_differentiated_again(laid_out: Design) -> None:
    inputs = [pt.dvector(name) for name in Real._fields]
    value = CollapsedLikelihood()(*(pt.as_tensor(a) for a in laid_out.layout), *inputs)[0]
    slope = pytensor.grad(value, inputs[2])
    with pytest.raises(DisconnectedInputError, match="Backtrace when that variable is created"):
        pytensor.grad(slope.sum(), inputs[2])


def test_equal_ops_are_one_op_and_survive_pickling() -> None:
    op = CollapsedLikelihood()
    again = pickle.loads(pickle.dumps(op))
    assert op == again == CollapsedLikelihood()
    assert hash(op) == hash(again)


def test_the_compile_cache_key_is_stable_and_follows_the_kernel_s_version(
    laid_out: Design, monkeypatch: pytest.MonkeyPatch
) -> None:
    def key() -> str | None:
        inputs = [pt.dvector(name) for name in Real._fields]
        node = CollapsedLikelihood()(*(pt.as_tensor(a) for a in laid_out.layout), *inputs)[0].owner
        return numba_funcify_and_cache_key(node.op, node=node)[1]

    first = key()
    assert first is not None
    assert key() == first
    monkeypatch.setattr("bayes_csc.collapse.VERSION", VERSION + 1)
    assert key() != first


def test_the_model_s_gradient_on_the_unconstrained_space_is_that_of_its_density(compiled: Compiled) -> None:
    for seed in (1, 2):
        x = point(compiled, seed)
        gradient = compiled.log_density(x)[1]
        rng = np.random.default_rng(seed)
        for direction in rng.normal(size=(6, x.size)):
            ahead, behind = (compiled.log_density(x + s * 1e-5 * direction)[0] for s in (1, -1))
            assert direction @ gradient == pytest.approx((ahead - behind) / 2e-5, rel=1e-5, abs=1e-4)


def test_the_density_that_is_sampled_is_the_model_s(compiled: Compiled) -> None:
    start = compiled.model.initial_point()
    x = np.zeros(compiled.density.n_dim)
    zero = {name: np.zeros_like(v) for name, v in start.items()}
    assert compiled.log_density(x)[0] == pytest.approx(
        float(compiled.model.compile_logp(mode="FAST_COMPILE")(zero)), rel=1e-9
    )


def test_the_collapsed_inputs_of_a_model_are_found_in_the_kernel_s_order(
    laid_out: Design, compiled: Compiled, real: Real
) -> None:
    assert len(collapsed_inputs(compiled.model)) == len(Real._fields)
    sizes = dict(zip(Real._fields, (r.size for r in real), strict=True))
    n = len(laid_out.observation)
    assert (sizes["z"], sizes["offset"], sizes["mean"]) == (n, n, laid_out.exists.size)
    assert len(laid_out.layout) == N_LAYOUT
