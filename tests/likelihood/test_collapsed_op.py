"""The collapsed likelihood as a PyTensor Op: its value and gradient, in each mode and in a model."""

from __future__ import annotations

import pickle

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
from paths import PANELS
from pytensor.compile.mode import Mode
from pytensor.gradient import DisconnectedInputError

from bayes_csc.likelihood.collapsed_op import N_LAYOUT, CollapsedLikelihood, collapsed_inputs, collapsed_layout
from bayes_csc.likelihood.density import compile_density
from bayes_csc.likelihood.kernel import Layout, Real, value_and_gradient
from bayes_csc.likelihood.layout import layout_of, observed_layout
from bayes_csc.measurement.design import Design, design
from bayes_csc.panel.panel import Panel
from bayes_csc.spec import Spec
from bayes_csc_models.trajectory import from_design

PLAIN = Mode("py", "fast_compile")


@pytest.fixture(scope="module")
def laid_out() -> Design:
    return design(Panel.read(PANELS / "hamlets"), Spec())


@pytest.fixture(scope="module")
def model(laid_out: Design) -> pm.Model:
    return from_design(laid_out, Spec())


@pytest.fixture(scope="module")
def real(model: pm.Model) -> Real:
    density = compile_density(model)
    return density.real(0.5 * np.random.default_rng(0).normal(size=density.first.size))


@pytest.mark.parametrize("mode", [PLAIN, "NUMBA"], ids=["Python", "Numba"])
def test_value_and_gradient_are_the_kernel_s_in_every_mode(laid_out: Design, real: Real, mode: Mode | str) -> None:
    inputs = [pt.dvector(name) for name in Real._fields]
    value = CollapsedLikelihood()(*(pt.as_tensor(a) for a in layout_of(laid_out)), *inputs)[0]
    outputs = [value, *pytensor.grad(3.0 * value, inputs)]
    got = pytensor.function(inputs, outputs, mode=mode)(*real)
    value, gradient = value_and_gradient(layout_of(laid_out), real)
    expected = (value, *gradient)
    assert float(got[0]) == pytest.approx(expected[0], rel=1e-12)
    for name, a, b in zip(Real._fields, got[1:], expected[1:], strict=True):
        np.testing.assert_allclose(a, 3.0 * b, rtol=1e-12, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("mode", [PLAIN, "NUMBA"], ids=["Python", "Numba"])
def test_at_the_edge_of_the_support_the_value_is_minus_infinity_in_every_mode(
    laid_out: Design, real: Real, mode: Mode | str
) -> None:
    edge = real._replace(ar_phi=np.ones_like(real.ar_phi))
    inputs = [pt.dvector(name) for name in Real._fields]
    value = CollapsedLikelihood()(*(pt.as_tensor(a) for a in layout_of(laid_out)), *inputs)[0]
    assert value_and_gradient(layout_of(laid_out), edge)[0] == -np.inf
    assert float(pytensor.function(inputs, value, mode=mode)(*edge)) == -np.inf


def test_the_gradient_cannot_be_differentiated_again(laid_out: Design) -> None:
    inputs = [pt.dvector(name) for name in Real._fields]
    value = CollapsedLikelihood()(*(pt.as_tensor(a) for a in layout_of(laid_out)), *inputs)[0]
    slope = pytensor.grad(value, inputs[2])
    with pytest.raises(DisconnectedInputError):
        pytensor.grad(slope.sum(), inputs[2])


def test_equal_ops_are_one_op_and_survive_pickling() -> None:
    op = CollapsedLikelihood()
    again = pickle.loads(pickle.dumps(op))
    assert op == again == CollapsedLikelihood()
    assert hash(op) == hash(again)


def test_the_collapsed_inputs_of_a_model_are_found_in_the_kernel_s_order(
    laid_out: Design, model: pm.Model, real: Real
) -> None:
    assert len(collapsed_inputs(model)) == len(Real._fields)
    sizes = dict(zip(Real._fields, (r.size for r in real), strict=True))
    n = len(laid_out.observation)
    assert (sizes["z"], sizes["offset"], sizes["mean"]) == (n, n, laid_out.exists.size)
    assert len(layout_of(laid_out)) == N_LAYOUT


def test_the_layout_of_a_model_is_that_of_its_design(laid_out: Design, model: pm.Model) -> None:
    found = collapsed_layout(model)
    for name, ours, given in zip(Layout._fields, found, observed_layout(laid_out), strict=True):
        np.testing.assert_array_equal(ours, given, err_msg=name)
        # the kernel's machine code is that of one type of each array; another would be compiled anew
        assert (ours.dtype, ours.flags.c_contiguous, ours.flags.writeable) == (given.dtype, True, True), name
