"""The collapsed likelihood as a PyTensor Op: the density of the observations with the latent states integrated out."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
from numba import njit
from pytensor.gradient import disconnected_type
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch.basic import register_funcify_default_op_cache_key

from bayes_csc import grades, kernel
from bayes_csc.design import Design
from bayes_csc.kernel import value_and_gradient

KERNEL_VERSION = zlib.crc32(b"".join(Path(str(module.__file__)).read_bytes() for module in (kernel, grades)))
"""Part of the compile cache's key, so that machine code of an older kernel is never used."""
# Fast-math lets the compiler round differently where it inlines differently, so that a cold and a warm compile cache
# would give different last digits and, in the end, different chains. The kernel is compiled without it as well.
pytensor.config.numba__fastmath = False
N_LAYOUT = 12
REAL = (
    "z", "variance", "offset", "loading", "mean", "factors", "ar_sd", "ar_phi", "white_sd", "domain_sd", "domain_phi",
    "low", "high",
)  # fmt: skip
"""The real-valued inputs, in the kernel's order; the gradient outputs follow the same order."""


class CollapsedLikelihood(Op):
    """log p(z | hyperparameters) and its gradient, in one evaluation.

    Inputs are the layout's integer arrays (`design.Layout.arrays`), then the vectors of `REAL`; outputs the scalar
    log density and its gradient by every vector of `REAL`. Only the first output is differentiable, and only once.
    """

    __props__ = ()

    def make_node(self, *inputs: Any) -> Apply:
        """Build the node; `inputs` are the layout's arrays, then the vectors of `REAL`."""
        variables = [pt.as_tensor(x) for x in inputs]
        outputs = [pt.dscalar(), *(pt.dvector() for _ in REAL)]
        return Apply(self, variables, outputs)

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: Any) -> None:
        """Evaluate by the compiled kernel."""
        for store, value in zip(output_storage, value_and_gradient(*inputs), strict=True):
            store[0] = np.asarray(value)

    def infer_shape(self, node: Apply, shapes: list[Any]) -> list[Any]:
        """Shapes of the outputs: a scalar and those of the real inputs."""
        return [(), *shapes[N_LAYOUT:]]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        """Only the log density depends differentiably on the inputs."""
        return [[i >= N_LAYOUT] + [False] * len(REAL) for i in range(N_LAYOUT + len(REAL))]

    def pullback(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], cotangents: Sequence[Variable]
    ) -> list[Variable]:
        """Cotangent of the log density times the gradient outputs of the same node."""
        return [disconnected_type() for _ in range(N_LAYOUT)] + [cotangents[0] * g for g in outputs[1:]]


@register_funcify_default_op_cache_key(CollapsedLikelihood)
def _numba_collapsed(op: CollapsedLikelihood, node: Apply, **kwargs: Any) -> tuple[Any, int]:
    @njit(nogil=True)
    def collapsed(
        a, b, c, d, e, f, g, h, i, j, k, n, z, variance, offset, loading, mean, factors, ar_sd, ar_phi, white_sd,
        domain_sd, domain_phi, low, high,
    ):  # fmt: skip
        out = value_and_gradient(
            a, b, c, d, e, f, g, h, i, j, k, n, z, variance, offset, loading, mean, factors, ar_sd, ar_phi, white_sd,
            domain_sd, domain_phi, low, high,
        )  # fmt: skip
        return (np.asarray(out[0]), *out[1:])

    return collapsed, KERNEL_VERSION


def collapsed_potential(design: Design, **real: Any) -> Variable:
    """Add log p(z | hyperparameters) to the model on the context stack.

    Parameters
    ----------
    design
        Whose layout the observations follow.
    **real
        The vectors of `REAL`: z, variance and offset per observation; loading, ar_sd, ar_phi, white_sd and domain_sd
        per indicator (the judgements last); mean per state; factors: the flat templates; domain_phi per domain; low and
        high: the cutpoints below and above each graded observation's score.
    """
    inputs = [pt.as_tensor(x) for x in design.layout.arrays()]
    inputs += [pt.cast(pt.as_tensor(real[name]), "float64") for name in REAL]
    density = CollapsedLikelihood()(*inputs)[0]
    pm.Potential("collapsed_likelihood", density)
    return density


def collapsed_inputs(model: pm.Model) -> list[Variable]:
    """Return the symbolic real inputs of a model's collapsed likelihood, in the order of `REAL`."""
    node = model["collapsed_likelihood"].owner
    while not isinstance(node.op, CollapsedLikelihood):
        node = node.inputs[0].owner
    return list(node.inputs[N_LAYOUT:])
