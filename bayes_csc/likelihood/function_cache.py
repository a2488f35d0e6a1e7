"""A symbolic function compiled once for all data: its constants are inputs, and what was compiled is kept on disk.

PyTensor builds constants into what it compiles, so another panel, prior or choice of indicators would be compiled
anew, half a minute each. Here arrays, prior constants and lengths become inputs; what remains is the structure, and
models of one structure share one compiled function. Its rewritten graph and, by PyTensor's own cache, its machine code
wait on disk for the next process.
"""

from __future__ import annotations

import functools
import gc
import hashlib
import pickle
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytensor
import pytensor.tensor as pt
from numba import njit
from numba.core.errors import TypingError
from pytensor.compile.mode import get_mode
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.basic import Variable
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.op import HasInnerGraph
from pytensor.graph.replace import clone_replace
from pytensor.graph.traversal import io_toposort
from pytensor.link.numba.cache import CACHED_SRC_FUNCTIONS, NUMBA_CACHE_PATH, compile_numba_function_src
from pytensor.tensor.basic import Alloc
from pytensor.tensor.elemwise import DimShuffle
from pytensor.tensor.shape import Reshape
from pytensor.tensor.variable import TensorConstant

from bayes_csc.errors import StorageError
from bayes_csc.files.private_folder import private_caches, read_own, write_own
from bayes_csc.likelihood.machine_code import whole

pytensor.config.numba__fastmath = False  # see bayes_csc.likelihood.kernel.compiled
FOLDER = NUMBA_CACHE_PATH.parent / "bayescsc"
try:
    private_caches(NUMBA_CACHE_PATH.parent)
except OSError as error:  # PyTensor was imported, and its folder chosen, before this package was
    raise StorageError(f"PyTensor runs what it keeps in {NUMBA_CACHE_PATH.parent}, and {error.strerror}") from error
Arrays = tuple[np.ndarray, ...]
Graph = tuple[list[Variable], list[Variable]]
ONE_AT_A_TIME = threading.Lock()
COMPILERS = ("pytensor", "pymc", "numba", "llvmlite", "numpy")


@contextmanager
def building_graphs() -> Iterator[None]:
    """Keep no stack for symbols that are made meanwhile, and look for no garbage: a graph is nearly all in use.

    Either would cost as much as building a graph otherwise does.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        with pytensor.config.change_flags(traceback__limit=0):
            yield
    finally:
        if collecting:
            gc.enable()


@dataclass(frozen=True)
class Lifted:
    """Outputs of a graph whose constants have become inputs, and the constants' values."""

    outputs: tuple[Variable, ...]
    constants: tuple[Variable, ...]
    values: tuple[np.ndarray, ...]


@contextmanager
def parameters_as_inputs(random_variables: Sequence[Variable]) -> Iterator[dict[Variable, np.ndarray]]:
    """Let the constant parameters of random variables be inputs for a while; give those and their values.

    Before any density is derived: deriving it merges equal constants, and two priors that happen to be equal would
    have another structure than two that are not.
    """
    values: dict[Variable, np.ndarray] = {}
    before = {rv.owner: list(rv.owner.inputs) for rv in random_variables}
    try:
        for node, inputs in before.items():
            for at, i in enumerate(inputs):
                expanded = i.owner is not None and isinstance(i.owner.op, DimShuffle)
                constant = i.owner.inputs[0] if expanded else i
                if isinstance(constant, TensorConstant) and constant.type.dtype.startswith("float"):
                    new = pt.tensor(dtype="float64", shape=_shape(constant))
                    values[new] = np.array(constant.data, dtype=float, order="C")  # a copy: writable, as all are
                    node.inputs[at] = i.owner.op(new) if expanded else new
        yield values
    finally:
        for node, inputs in before.items():
            node.inputs[:] = inputs


def _shape(v: Variable) -> tuple[int | None, ...]:
    """Which dims broadcast belongs to the structure; no other length does."""
    return tuple(1 if n == 1 else None for n in v.type.shape)


def lifted(outputs: Sequence[Variable], replaced: Mapping[Variable, Variable] | None = None) -> Lifted:
    """Replace constant arrays, lengths and shared variables by inputs, and what else is to be replaced."""
    chosen = dict(replaced or {})
    data: list[Variable] = []
    for node in io_toposort([], outputs):
        for at, i in enumerate(node.inputs):
            if i not in chosen and _is_data(node, at, i):
                kind = "float64" if i.type.dtype.startswith("float") else "int64"
                chosen[i] = pt.tensor(dtype=kind, shape=_shape(i))
                data.append(i)
    new = clone_replace(list(outputs), chosen, rebuild_strict=False)
    values = tuple(
        np.array(i.get_value() if isinstance(i, SharedVariable) else i.data, dtype=chosen[i].type.dtype, order="C")
        for i in data
    )
    return Lifted(tuple(new), tuple(chosen[i] for i in data), values)


def _is_data(node: Any, at: int, i: Variable) -> bool:
    if isinstance(i, SharedVariable):
        return True
    if not isinstance(i, TensorConstant):
        return False
    if i.type.ndim == 0:
        return isinstance(node.op, Alloc) and at > 0 and i.type.dtype.startswith("int")
    return not isinstance(node.op, Reshape) and i.type.dtype in ("float32", "float64", "int64")


@dataclass(frozen=True)
class Family:
    """Functions of the same constants, compiled or taken from the cache under one key.

    Attributes
    ----------
    key
        Of the structure of the graphs that the functions are made of.
    constants
        Inputs that stand for constants: the last inputs of every function.
    """

    key: str
    constants: tuple[Variable, ...]

    @classmethod
    def of(cls, inputs: Sequence[Variable], outputs: Sequence[Variable], constants: Sequence[Variable]) -> Family:
        """Return the family of what is derived from these outputs."""
        versions = repr([version(name) for name in COMPILERS])
        said = f"{versions}{_structure([*inputs, *constants], outputs)}"
        sources = [Path(__file__), Path(__file__).with_name("density.py")]  # what derives and compiles the functions
        key = hashlib.sha256(b"".join([said.encode(), *(path.read_bytes() for path in sources)])).hexdigest()
        return cls(key, tuple(constants))

    def function(
        self, name: str, inputs: Sequence[Variable], outputs: Callable[[], Sequence[Variable]]
    ) -> Callable[..., Arrays]:
        """Give a function: arrays of exactly the inputs' types, then the constants, to a tuple of arrays; thread-safe.

        `name` tells it from the other functions of the family; `outputs` is only called if it was never compiled.
        """
        path = FOLDER / f"{self.key}-{name}.pickle"
        arguments = [*inputs, *self.constants]
        if (kept := _kept(path)) is not None:
            return _loaded(*kept)
        graph = pickle.dumps(_rewritten(arguments, outputs()))
        made, known = _machine_code(graph)
        with suppress(OSError):  # a cache that cannot be written to is none
            write_own(path, pickle.dumps((graph, known)))
        return made


def _kept(path: Path) -> tuple[bytes, tuple[str, str, str]] | None:
    """A graph, pickled, and the name, source and key of its machine code; None where there is none, or another kind."""
    if (content := read_own(path)) is None:
        return None
    try:
        graph, (name, source, key) = pickle.loads(content)
    except Exception:  # whatever a pickle of something else raises
        return None
    known = (name, source, key)
    return (graph, known) if isinstance(graph, bytes) and all(isinstance(text, str) for text in known) else None


@functools.cache
def _loaded(graph: bytes, known: tuple[str, str, str]) -> _Loaded:
    """Load a function once in a process: Numba never lets go of what it has loaded."""
    return _Loaded(graph, known)


class _Loaded:
    """A compiled function whose machine code is taken from Numba's cache by its key, or made from its pickled graph."""

    def __init__(self, graph: bytes, known: tuple[str, str, str]) -> None:
        name, source, key = known
        function = compile_numba_function_src(source, name, {"jitable_func": None}, cache_key=key)
        self._run: Callable[..., Arrays] = whole(njit(function, cache=True))
        self._graph, self._lock = graph, threading.Lock()

    def __call__(self, *arguments: Any) -> Any:
        try:
            return self._run(*arguments)
        except TypingError:  # nothing in the cache: there is no function behind the name
            with self._lock:
                self._run = _machine_code(self._graph)[0]
            return self._run(*arguments)


def _rewritten(inputs: Sequence[Variable], outputs: Sequence[Variable]) -> Graph:
    graph = FunctionGraph(list(inputs), list(outputs), clone=True)
    mode = get_mode("NUMBA").excluding("inplace").including("local_remove_check_parameter")
    mode.optimizer.rewrite(graph)  # in place, the order of operations would matter
    return graph.inputs, graph.outputs


def _machine_code(graph: bytes) -> tuple[Callable[..., Arrays], tuple[str, str, str]]:
    """Compile a rewritten, pickled graph; give the function, and its name, source and key in Numba's cache."""
    from pytensor.link.numba.linker import NumbaLinker  # half a second, and not needed where the cache has it

    linker = NumbaLinker()
    with _each_operation_once():
        converted = linker.fgraph_convert(FunctionGraph(*pickle.loads(graph), clone=False))
    made = whole(linker.jit_compile(converted))
    python = made.py_func
    return made, (python.__name__, python.__source__, CACHED_SRC_FUNCTIONS[python])


@contextmanager
def _each_operation_once() -> Iterator[None]:
    """Let equal operations on equal types share a function meanwhile.

    PyTensor makes one for each of them, twenty times as many; to load the machine code of them all is a sixth of the
    time of compilation.
    """
    from pytensor.link.numba.dispatch import basic

    with ONE_AT_A_TIME:
        make = basic.numba_funcify_ensure_cache
        made: dict[tuple[str, str], Callable[..., Any]] = {}

        def shared(op: Any, *args: Any, **options: Any) -> tuple[Callable[..., Any], str | None]:
            function, key = make(op, *args, **options)
            node = options.get("node")
            if key is None or node is None:
                return function, key
            return made.setdefault((key, repr([v.type for v in (*node.inputs, *node.outputs)])), function), key

        basic.numba_funcify_ensure_cache = shared
        try:
            yield
        finally:
            basic.numba_funcify_ensure_cache = make


def _structure(inputs: Sequence[Variable], outputs: Sequence[Variable]) -> str:
    """Operations, types, wiring and constants of a graph."""
    number = {v: k for k, v in enumerate(inputs)}
    said = [repr([v.type for v in inputs])]

    def place(v: Variable) -> str:
        return str(number[v]) if v in number else f"{v.type!r}{np.asarray(v.data).tolist()!r}"

    for node in io_toposort(inputs, outputs):
        op = node.op
        properties = [getattr(op, name) for name in getattr(op, "__props__", None) or ()]
        inner = _structure(op.inner_inputs, op.inner_outputs) if isinstance(op, HasInnerGraph) else ""
        wiring = [place(i) for i in node.inputs]
        types = [o.type for o in node.outputs]
        said.append(f"{type(op).__qualname__} {op} {properties!r} {inner} {wiring!r} {types!r}")
        number |= {o: len(number) + k for k, o in enumerate(node.outputs)}
    return "\n".join([*said, repr([place(o) for o in outputs])])
