"""Densities evaluated by Python instead of machine code, which takes a minute to compile and pays off after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from pytensor.compile.mode import Mode
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.rewriting.basic import in2out, node_rewriter
from pytensor.scalar import Add
from pytensor.tensor.elemwise import Elemwise

from bayes_csc.likelihood.function_cache import Family

MOST = 30
"""Terms of a sum, of which NumPy takes 32 arrays with the result."""


@node_rewriter([Elemwise])
def narrower_sums(fgraph: FunctionGraph, node: Apply) -> list[Variable] | None:
    """Split a sum of many terms, such as a model's log density is of its variables', in two."""
    if not isinstance(node.op.scalar_op, Add) or len(node.inputs) <= MOST:
        return None
    first, rest = node.inputs[:MOST], node.inputs[MOST:]
    return [pt.add(pt.add(*first), *rest)]


# without fusion: else a gradient has terms of 0 times infinity
MODE = Mode("py", "fast_compile").excluding("fusion").register((in2out(narrower_sums), 99))


def python_function(
    family: Family, name: str, inputs: Sequence[Variable], outputs: Callable[[], Sequence[Variable]]
) -> Callable[..., tuple[np.ndarray, ...]]:
    """Stand in for `Family.function`."""
    run = pytensor.function([*inputs, *family.constants], list(outputs()), mode=MODE, on_unused_input="ignore")
    run.trust_input = True
    one_at_a_time = Lock()  # a function keeps what it computes with

    def called(*arguments: Any) -> tuple[np.ndarray, ...]:
        with one_at_a_time:
            return tuple(np.array(out, float, order="C") for out in run(*arguments))

    return called


@contextmanager
def by_python() -> Iterator[None]:
    """Let no density be compiled meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Family, "function", python_function)
        yield
