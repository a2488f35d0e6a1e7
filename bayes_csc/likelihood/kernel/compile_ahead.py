"""Compilation of the kernel in a process of its own, while this one compiles something else."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numba import int64, typeof
from numba.core.caching import NullCache

from bayes_csc.likelihood.kernel import Layout, Real, value_and_gradient
from bayes_csc.likelihood.kernel.states import states


@contextmanager
def compiled_beside(layout: Layout) -> Iterator[bool]:
    """Compile the kernel, if it is not in the cache, while the body runs; give whether it has to be.

    If the other process fails, this one compiles the kernel at its first use.

    Parameters
    ----------
    layout
        Any; only the types of its arrays matter.
    """
    if is_cached():
        yield False
        return
    command = [sys.executable, "-c", "from bayes_csc.likelihood.kernel.compile_ahead import main; main()"]
    with tempfile.TemporaryFile("w+") as file:
        json.dump([[a.ndim, a.dtype.str] for a in layout], file)
        file.seek(0)
        process = subprocess.Popen(command, stdin=file, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield True
        process.wait()
    finally:
        process.kill()
        process.wait()


def is_cached() -> bool:
    """Whether the cache on disk has machine code of the kernel as it is, or there is no cache to put it into."""
    caches = [function.machine._cache for function in (value_and_gradient, states)]
    return all(isinstance(cache, NullCache) or cache._cache_file._load_index() for cache in caches)


def main() -> None:
    """Compile for a layout of whose arrays the numbers of dimensions and the types come through the standard input."""
    of_value, of_states = types_of(Layout(*(np.zeros((0,) * ndim, kind) for ndim, kind in json.load(sys.stdin))))
    value_and_gradient.machine.compile(of_value)
    states.machine.compile(of_states)


def types_of(layout: Layout) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Types of the arguments of `value_and_gradient` and of `states` for a layout."""
    of_value = typeof(layout), typeof(Real(*(np.zeros(0) for _ in Real._fields)))
    return of_value, (*of_value, int64, typeof(np.zeros(0)), typeof(np.zeros((0, 0))))
