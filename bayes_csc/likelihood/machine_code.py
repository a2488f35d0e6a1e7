"""Machine code of whole functions, where Numba would make it of every function that these call, too.

Numba optimises each function that a compiled one calls, makes machine code of it and may keep it on disk; and links
its intermediate code into the caller, where all that is done again. What is called from compiled code alone needs none
of it: without, the kernel is compiled in half of the time, and PyTensor's functions in three quarters. Nor does a
function that Python calls need its intermediate code kept beside its machine code: to read it is a third of the time of
loading, and it stays in memory, 17 MB for each structure of a model.

This replaces methods of Numba's own classes while its compiler's lock is held, and how it reads its cache, so it is
bound to a series of Numba (`pyproject.toml`).
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from llvmlite.binding import parse_assembly
from numba.core.caching import Cache, IndexDataCacheFile
from numba.core.codegen import JITCodeLibrary, JITCPUCodegen
from numba.core.compiler_lock import global_compiler_lock
from numba.core.dispatcher import _FunctionCompiler  # type: ignore[attr-defined]

FUNCTION, ENTRY = "_ZN", "_ZN7cpython"
"""How Numba's names of functions begin, and those of the functions by which Python calls them."""
SELDOM = 100_000
"""Objects made, less those that are gone, before garbage is looked for."""
_numba_optimize, _numba_finalize = JITCodeLibrary._optimize_final_module, JITCodeLibrary._finalize_final_module
_numba_set_constants, _numba_save = JITCPUCodegen.set_env, Cache.save_overload
_numba_compile = _FunctionCompiler.compile
_numba_index, _numba_data = IndexDataCacheFile._load_index, IndexDataCacheFile._load_data
_constants_of: dict[str, Any] = {}
"""Constants, Numba's environments, of parts, by name: the whole that these are linked into has to be given them."""


def whole(dispatcher: Any) -> Any:
    """Let a function that is called from Python alone, and not by compiled code, be compiled and kept as a whole."""
    compile_one = dispatcher.compile

    def compile_whole(signature: Any) -> Any:
        with whole_functions():
            return compile_one(signature)

    dispatcher.compile = compile_whole
    return dispatcher


@contextmanager
def whole_functions() -> Iterator[None]:
    """Make machine code only of what Python can call, while the lock of Numba's compiler is held."""
    with global_compiler_lock:
        before = [getattr(owner, name) for owner, name, _ in REPLACED]
        for owner, name, method in REPLACED:
            setattr(owner, name, method)
        try:
            yield
        finally:
            for (owner, name, _), method in zip(REPLACED, before, strict=True):
                setattr(owner, name, method)


def _compile(compiler: Any, arguments: Any, returned: Any) -> Any:
    """Look for garbage meanwhile, a third of what compilation makes, but after much of it and not every 2,000."""
    enabled, threshold = gc.isenabled(), gc.get_threshold()
    gc.set_threshold(SELDOM)
    gc.enable()
    try:
        return _numba_compile(compiler, arguments, returned)
    finally:
        gc.set_threshold(*threshold)
        if not enabled:
            gc.disable()


def _is_part(library: Any) -> bool:
    """Whether a library of Numba's has compiled functions, and none that Python can call."""
    names = _defined(library)
    return any(name.startswith(FUNCTION) for name in names) and not any(name.startswith(ENTRY) for name in names)


def _defined(library: Any) -> list[str]:
    return [function.name for function in library._final_module.functions if not function.is_declaration]


def _optimize(library: Any) -> None:
    if not _is_part(library):
        _numba_optimize(library)


def _finalize(library: Any) -> None:
    if _is_part(library):  # as Numba does it, but for the machine code
        library._finalize_dynamic_globals()
        library._verify_declare_only_symbols()
        library._finalized = True
        return
    _numba_finalize(library)
    for variable in library._final_module.global_variables:
        if variable.name in _constants_of:
            _numba_set_constants(library._codegen, variable.name, _constants_of[variable.name])


def _set_constants(codegen: Any, name: str, constants: Any) -> None:
    if codegen._engine.get_global_value_address(name):
        _numba_set_constants(codegen, name, constants)
    else:
        _constants_of[name] = constants


def _save(cache: Any, signature: Any, result: Any) -> None:
    """Keep machine code, and the names of its entries in place of the intermediate code."""
    library = result.library
    if not _is_part(library):
        entries = (name for name in _defined(library) if name.startswith(ENTRY))
        library._shared_module = parse_assembly(
            "\n".join(f'define void @"{name}"() {{ ret void }}' for name in entries)
        )
        _numba_save(cache, signature, result)


def _index(file: Any) -> Any:
    try:
        return _numba_index(file)
    except Exception:  # a damaged file, or one of another kind, is as none: what it should hold is made again
        return {}


def _data(file: Any, name: str) -> Any:
    try:
        return _numba_data(file, name)
    except Exception as error:
        raise OSError(f"{name} is damaged") from error  # by which Numba makes it again


IndexDataCacheFile._load_index, IndexDataCacheFile._load_data = _index, _data
REPLACED: tuple[tuple[Any, str, Any], ...] = (
    (_FunctionCompiler, "compile", _compile),
    (JITCodeLibrary, "_optimize_final_module", _optimize),
    (JITCodeLibrary, "_finalize_final_module", _finalize),
    (JITCPUCodegen, "set_env", _set_constants),
    (Cache, "save_overload", _save),
)
