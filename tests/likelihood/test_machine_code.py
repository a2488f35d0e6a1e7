"""Whole functions: as Numba's own to the last bit, without machine code of their parts or intermediate code on disk."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numba import njit
from numba.core.errors import TypingError

from bayes_csc.likelihood import machine_code
from bayes_csc.likelihood.machine_code import REPLACED, SELDOM, whole, whole_functions

MODULE = """
import numpy as np
from numba import njit, objmode
from bayes_csc.likelihood.machine_code import whole

TABLE = np.array([2.0, 3.0, 5.0])

@njit(no_cpython_wrapper=True, no_cfunc_wrapper=True)
def part(x, k):
    if k > 2:
        raise ValueError("no such row")
    return np.sin(x).sum() * TABLE[k]

@njit(no_cpython_wrapper=True, no_cfunc_wrapper=True)
def asked(x):
    with objmode(y="float64"):  # needs the part's constants
        y = float(np.median(x))
    return y

def plain(x, k):
    return part(x, k) + np.sort(x)[0] ** 2 + asked(x)

numbas, ours = njit(plain), whole(njit(cache=True)(plain))
X = np.random.default_rng(1).normal(size=101)
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Functions in a file of their own, whose cache is empty."""
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "wholes.py").write_text(MODULE, encoding="utf-8")
    sys.modules.pop("wholes", None)
    return vars(__import__("wholes"))


def test_a_whole_function_is_numbas_to_the_last_bit(module: dict[str, Any]) -> None:
    for k in range(3):
        assert module["ours"](module["X"], k) == module["numbas"](module["X"], k)
    for function in (module["ours"], module["numbas"]):
        with pytest.raises(ValueError, match="no such row"):
            function(module["X"], 3)


def test_parts_have_no_machine_code_and_the_file_no_intermediate_code(module: dict[str, Any], tmp_path: Path) -> None:
    module["ours"](module["X"], 1)
    (part,) = module["part"].overloads.values()
    assert part.library._compiled_object is None
    (kept,) = tmp_path.rglob("*.nbc")
    full = tmp_path / "full"
    subprocess.run(
        [sys.executable, "-c", "import wholes; wholes.njit(cache=True)(wholes.plain)(wholes.X, 1)"],
        env=os.environ | {"NUMBA_CACHE_DIR": str(full), "PYTHONPATH": str(tmp_path)}, check=True,
    )  # fmt: skip
    (numbas,) = (path for path in full.rglob("*.nbc") if "plain" in path.name)
    assert kept.stat().st_size < 0.7 * numbas.stat().st_size


def test_what_was_kept_is_what_another_process_loads(module: dict[str, Any], tmp_path: Path) -> None:
    here = [module["ours"](module["X"], k) for k in range(3)]
    said = (
        "import wholes\n"
        "print(*[wholes.ours(wholes.X, k).hex() for k in range(3)], *wholes.ours.stats.cache_hits.values())\n"
        "try:\n    wholes.ours(wholes.X, 3)\nexcept ValueError as error:\n    print(error)"
    )
    found = subprocess.run(
        [sys.executable, "-c", said], capture_output=True, text=True, check=True, cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert found.stdout.split("\n")[:2] == [" ".join([*(x.hex() for x in here), "1"]), "no such row"]


def test_a_part_can_be_part_of_what_is_compiled_without_wholes(module: dict[str, Any]) -> None:
    module["ours"](module["X"], 1)  # the part was compiled for it
    part, asked, x = module["part"], module["asked"], module["X"]
    later = njit(lambda x, k: part(x, k) + asked(x))
    np.testing.assert_allclose(later(x, 1), np.sin(x).sum() * 3.0 + np.median(x), rtol=1e-14)
    with pytest.raises(ValueError, match="no such row"):
        later(module["X"], 3)


def test_numba_and_the_garbage_collector_are_as_before_whatever_happens() -> None:
    before = [getattr(owner, name) for owner, name, _ in REPLACED]
    enabled, threshold = gc.isenabled(), gc.get_threshold()
    wrong = whole(njit(lambda x: x.no_such_thing))
    with pytest.raises(TypingError):
        wrong(1.0)
    assert [getattr(owner, name) for owner, name, _ in REPLACED] == before
    assert (gc.isenabled(), gc.get_threshold()) == (enabled, threshold)
    with whole_functions():
        assert [getattr(owner, name) for owner, name, _ in REPLACED] == [method for _, _, method in REPLACED]


def test_garbage_is_collected_seldom_while_compiling_and_then_as_before(
    module: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    compile_one, seen, threshold = machine_code._numba_compile, [], gc.get_threshold()

    def watched(*arguments: Any) -> Any:
        seen.append((gc.isenabled(), gc.get_threshold()[0]))
        return compile_one(*arguments)

    monkeypatch.setattr(machine_code, "_numba_compile", watched)
    gc.disable()
    try:
        module["ours"](module["X"], 1)
        assert not gc.isenabled()
    finally:
        gc.enable()
    assert set(seen) == {(True, SELDOM)}
    assert gc.get_threshold() == threshold
