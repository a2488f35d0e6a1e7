"""The collapsed likelihood as a PyTensor Op: the density of the observations with the latent states integrated out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pytensor.gradient import disconnected_type
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.op import Op

from bayes_csc.likelihood.kernel import Layout, Real, value_and_gradient
from bayes_csc.likelihood.layout import observed_layout
from bayes_csc.measurement.design import Design

N_LAYOUT = len(Layout._fields)


class CollapsedLikelihood(Op):
    """log p(z | hyperparameters) and its gradient, in one evaluation.

    Inputs are the arrays of `kernel.Layout`, then the vectors of `kernel.Real`; outputs the scalar log density and its
    gradient by every vector of `Real`. Only the first output is differentiable, and only once.
    """

    __props__ = ()

    def make_node(self, *inputs: Any) -> Apply:
        """Build the node; `inputs` are the arrays of a layout, then the vectors of a `Real`."""
        variables = [pt.as_tensor(x) for x in inputs]
        outputs = [pt.dscalar(), *(pt.dvector() for _ in Real._fields)]
        return Apply(self, variables, outputs)

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: Any) -> None:
        """Evaluate by the compiled kernel."""
        value, gradient = value_and_gradient(Layout(*inputs[:N_LAYOUT]), Real(*inputs[N_LAYOUT:]))
        for store, out in zip(output_storage, (value, *gradient), strict=True):
            store[0] = np.asarray(out)

    def infer_shape(self, node: Apply, shapes: list[Any]) -> list[Any]:
        """Shapes of the outputs: a scalar and those of the real inputs."""
        return [(), *shapes[N_LAYOUT:]]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        """Only the log density depends differentiably on the inputs."""
        return [[i >= N_LAYOUT] + [False] * len(Real._fields) for i in range(N_LAYOUT + len(Real._fields))]

    def pullback(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], cotangents: Sequence[Variable]
    ) -> list[Variable]:
        """Cotangent of the log density times the gradient outputs of the same node."""
        return [disconnected_type() for _ in range(N_LAYOUT)] + [cotangents[0] * g for g in outputs[1:]]


def collapsed_potential(design: Design, **real: Any) -> Variable:
    """Add log p(z | hyperparameters) to the model on the context stack.

    Parameters
    ----------
    design
        Whose layout the observations follow.
    **real
        The vectors of `kernel.Real`.
    """
    inputs = [pt.as_tensor(x) for x in observed_layout(design)]
    inputs += [pt.cast(pt.as_tensor(real[name]), "float64") for name in Real._fields]
    density = CollapsedLikelihood()(*inputs)[0]
    pm.Potential("collapsed_likelihood", density)
    return density


def collapsed_inputs(model: pm.Model) -> list[Variable]:
    """Return the symbolic real inputs of a model's collapsed likelihood, in the order of `kernel.Real`."""
    return list(_collapsed_node(model).inputs[N_LAYOUT:])


def collapsed_layout(model: pm.Model) -> Layout:
    """Return the layout of a model's collapsed likelihood."""
    return Layout(*(np.asarray(i.data) for i in _collapsed_node(model).inputs[:N_LAYOUT]))


def _collapsed_node(model: pm.Model) -> Apply:
    node = model["collapsed_likelihood"].owner
    while not isinstance(node.op, CollapsedLikelihood):
        node = node.inputs[0].owner
    return node
