"""A headless Chromium for tests, and axe-core from its npm package: neither is in the repository."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from bayes_csc.report.export.browser import find_chromium

AXE = "axe-core@4.14.1"
AXE_HASH = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
REQUIRED = "BAYESCSC_BROWSER"


def needs(there: object, what: str) -> None:
    """Skip where a tool is missing, and say so."""
    if not there:
        pytest.skip(f"needs {what}")


def needs_chromium() -> None:
    """Skip without a browser; fail where the environment says that there has to be one."""
    if find_chromium() is None and os.environ.get(REQUIRED) == "required":
        pytest.fail(f"Chromium is missing, and {REQUIRED}=required says that it must not be")
    needs(find_chromium(), "Chromium (Debian: apt-get install chromium)")


def axe_source(folder: Path) -> str:
    """Text of axe-core, from npm's registry by npm, checked against its hash."""
    needs(shutil.which("npm"), "npm, for axe-core")
    fetched = subprocess.run(
        ["npm", "pack", "--silent", AXE], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    needs(fetched.returncode == 0, f"{AXE} from npm")
    with tarfile.open(next(folder.glob("axe-core-*.tgz"))) as archive:
        member = archive.extractfile("package/axe.min.js")
        assert member is not None
        text = member.read()
    assert hashlib.sha256(text).hexdigest() == AXE_HASH
    return text.decode("utf-8")
