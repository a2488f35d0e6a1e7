"""The kernel's compile cache: machine code is used again for the same sources, and never for others."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest

from bayes_csc.likelihood.kernel import Real
from bayes_csc.likelihood.kernel.compiled import compiled

SOURCE = "def twice(x):\n    return 2.0 * x\n"


def test_code_of_other_sources_is_compiled_anew_and_of_the_same_ones_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a_kernel.py"
    path.write_text(SOURCE)
    hits = []
    for version in (1, 1, 2):  # the file stays what it is: another file of the kernel has changed
        monkeypatch.setitem(compiled.__globals__, "VERSION", version)
        spec = importlib.util.spec_from_file_location("a_kernel", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        function = compiled(module.twice)
        assert function(2.0) == 4.0
        hits.append(sum(function.machine.stats.cache_hits.values()))
    assert hits == [0, 1, 0]


def total(real, factor):  # type: ignore[no-untyped-def]
    return real.z.sum() * factor.sum()


def test_one_machine_code_serves_arrays_that_may_not_be_written_to_and_parts_of_others(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    function = compiled(total)
    plain = Real(*(np.arange(4.0) for _ in Real._fields))
    fixed, apart = np.arange(4.0), np.arange(8.0)[::2] / 2.0
    fixed.flags.writeable = False
    for real in (plain, plain._replace(z=fixed), plain._replace(z=apart, mean=fixed)):
        for factor in (np.ones(2), np.broadcast_to(1.0, 2)):
            assert function(real, factor) == 12.0
    assert len(function.machine.signatures) == 1
    assert not fixed.flags.writeable


def cached_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Numba's cache be in a folder: now, and when it reads the environment anew, which it does when it compiles."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(folder))
    monkeypatch.setattr("numba.config.CACHE_DIR", str(folder))


@pytest.mark.parametrize("kind", ["*.nbi", "*.nbc"])
@pytest.mark.parametrize("content", [b"", b"rubbish", b"cno_such_module\nname\n."], ids=["empty", "rubbish", "pickle"])
def test_a_damaged_file_of_numbas_cache_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, content: bytes
) -> None:
    cached_in(tmp_path / "cache", monkeypatch)
    assert compiled(tripled)(2.0) == 6.0
    (kept,) = (tmp_path / "cache").rglob(kind)
    kept.write_bytes(content)
    again = compiled(tripled)
    assert again(2.0) == 6.0
    assert sum(again.machine.stats.cache_hits.values()) == 0
    assert kept.read_bytes() != content


def tripled(x):  # type: ignore[no-untyped-def]
    return 3.0 * x


@pytest.mark.skipif(os.name != "posix", reason="folders have no modes")
def test_machine_code_is_not_taken_from_a_folder_that_others_can_write_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cached_in(tmp_path / "cache", monkeypatch)
    assert compiled(tripled)(2.0) == 6.0
    (kept,) = (tmp_path / "cache").rglob("*.nbi")
    kept.parent.chmod(0o777)
    read: list[str] = []
    monkeypatch.setattr("numba.core.caching.IndexDataCacheFile.load", lambda file, key: read.append(key))
    assert compiled(tripled)(2.0) == 6.0
    assert read == []
    kept.parent.chmod(0o700)
    assert compiled(tripled)(2.0) == 6.0
    assert len(read) == 1
