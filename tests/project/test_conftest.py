"""Tests of the official files: skipped where those are absent, never where they are present."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
import pytest

def test_reads(shared):
    assert shared.is_dir()

def test_skips_itself(shared):
    pytest.skip("no such file")

def test_skips_for_another_reason():
    pytest.skip("not on this system")
"""


@pytest.mark.parametrize(
    ("present", "closing"), [(True, "1 failed, 1 passed, 1 skipped"), (False, "3 skipped")], ids=["present", "absent"]
)
def test_a_test_of_the_official_files_may_skip_only_where_they_are_absent(
    root: Path, tmp_path: Path, present: bool, closing: str
) -> None:
    tests = tmp_path / "main" / "tests"
    tests.mkdir(parents=True)
    shutil.copy(root / "tests" / "conftest.py", tests)
    (tests / "test_it.py").write_text(TESTS)
    if present:
        (tmp_path / "shared").mkdir()
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rfs", "--rootdir", str(tests), str(tests)]
    done = subprocess.run(command, cwd=tests, capture_output=True, text=True, check=False)
    assert closing in done.stdout.splitlines()[-1]
    assert ("skipped although ../shared is present" in done.stdout) == present
    assert ("needs the official files in ../shared" in done.stdout) != present
