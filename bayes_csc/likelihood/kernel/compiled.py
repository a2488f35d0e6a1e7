"""Compilation of the kernel's functions: without the interpreter lock, cached for as long as no source changes."""

from __future__ import annotations

import functools
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit
from numba.core.caching import NullCache

from bayes_csc.files.private_folder import private_folder
from bayes_csc.likelihood.machine_code import whole

SOURCES = sorted(Path(__file__).parent.rglob("*.py"))
VERSION = zlib.crc32(b"".join(path.read_bytes() for path in SOURCES))
"""Of the kernel's whole source: part of every compile cache's key."""
BESIDE = "__pycache__"
PART = {"nogil": True, "error_model": "numpy", "_nrt": False, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}


class Compiled:
    """A function that Numba compiles once for all arrays, `machine`.

    It would compile the function anew, for a minute, for each choice of arrays that may not be written to or whose
    values are not side by side.
    """

    def __init__(self, function: Callable[..., Any], machine: Any) -> None:
        functools.update_wrapper(self, function)
        self.machine = machine

    def __call__(self, *arguments: Any) -> Any:
        """Call it; such arrays are copied."""
        return self.machine(*map(_of_one_type, arguments))


def _of_one_type(argument: Any) -> Any:
    if isinstance(argument, np.ndarray):
        return argument if argument.flags.carray else np.array(argument, order="C")
    if isinstance(argument, tuple) and not all(a.flags.carray for a in argument):
        return type(argument)(*map(_of_one_type, argument))
    return argument


def compiled(function: Callable[..., Any]) -> Compiled:
    """Compile by Numba, with a cache on disk.

    Numba takes cached machine code for current if the function's own file has not changed, but a callee from another
    file is compiled into it; so the stamp that it compares is that of all files of the kernel. Not with fast-math,
    which lets the compiler round differently where it inlines differently: a cold and a warm cache would give
    different last digits and, in the end, different chains. A division by zero gives infinity, not an exception, which
    a C function could not raise; the value is then -inf.
    """
    machine = njit(nogil=True, error_model="numpy")(function)
    with suppress(OSError, RuntimeError):  # without such a folder it is compiled by every process
        machine.enable_caching()
        _check(machine)
    return Compiled(function, whole(machine))


def _check(machine: Any) -> None:
    """Let a compiled function have its cache if nobody else can write there: beside the sources, who could, is trusted.

    Raises
    ------
    OSError
        Others can; there is then no cache.
    """
    cache, machine._cache = machine._cache, NullCache()
    place = Path(cache.cache_path)
    if place.name != BESIDE:
        private_folder(place)
    cache._cache_file._source_stamp = VERSION
    machine._cache = cache


def part(function: Callable[..., Any]) -> Any:
    """Compile a part of a compiled function: it allocates nothing and cannot be called from Python.

    Numba then neither counts references to the arrays, of which the kernel's tuples hold dozens, nor makes wrappers:
    half of the time of compilation, and some of that of every call. Its machine code is in its callers' alone
    (`machine_code`).
    """
    return njit(**PART, forceinline=True)(function)


def stage(function: Callable[..., Any]) -> Any:
    """Compile a part that is called but once for many blocks: not inlined, which would only prolong compilation."""
    return njit(**PART)(function)
