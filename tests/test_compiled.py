"""The kernel's compile cache: machine code is used again for the same sources, and never for others."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from bayes_csc.kernel.compiled import compiled

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
        hits.append(sum(function.stats.cache_hits.values()))
    assert hits == [0, 1, 0]
