"""Results kept on disk as they come, so that what was computed once is not computed again."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

from bayes_csc.files.private_folder import read_own, write_own

PACKAGES = (
    "bayescsc", "pymc", "pytensor", "numba", "numpy", "scipy", "pandas", "scikit-learn", "distributed",
)  # fmt: skip
SOURCES = ("bayes_csc", "bayes_csc_models")
NO_NUMBERS = ("report", "sources")
"""Parts of the library that no result comes from."""
DAY = 86400.0


@dataclass(frozen=True)
class Kept:
    """A folder with a file per result, named by the digest of everything that the result depends on.

    Parameters
    ----------
    folder
        Made with the first result, and this user's alone (`private_folder`).
    suffix
        Of its files.
    """

    folder: Path
    suffix: str = "json"

    def read(self, key: str) -> bytes | None:
        """The content of a key, or None; what is read counts as used today."""
        path = self.folder / f"{key}.{self.suffix}"
        content = read_own(path) if path.is_file() else None
        if content is not None:
            with suppress(OSError):  # on a disk that cannot be written
                os.utime(path)
        return content

    def write(self, key: str, content: bytes) -> None:
        """Keep a result: whole or not at all, whoever else writes the same."""
        write_own(self.folder / f"{key}.{self.suffix}", content)

    def forget(self, *, days: float) -> None:
        """Remove what was not used for so many days."""
        for path in self.folder.glob(f"*.{self.suffix}"):
            if time.time() - path.stat().st_mtime > days * DAY:
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """Remove the folder, if there is one."""
        shutil.rmtree(self.folder, ignore_errors=True)


def cache_folder(name: str) -> Path:
    """Where results of a kind are kept between runs: BAYESCSC_CACHE, else the user's cache folder."""
    root = os.environ.get("BAYESCSC_CACHE") or os.environ.get("XDG_CACHE_HOME", "")
    below = Path(root) if root else Path.home() / ".cache"
    return below / name if os.environ.get("BAYESCSC_CACHE") else below / "bayescsc" / name


def digest(values: dict[str, Any]) -> str:
    """Digest of plain values."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:32]


@cache
def versions() -> dict[str, str]:
    """Versions of what the numbers come from, and a digest of this library's own source."""
    return {**{name: version(name) for name in PACKAGES}, "source": _source_digest()}


def _source_digest() -> str:
    sha = hashlib.sha256()
    for package in SOURCES:
        root = Path(str(files(package)))
        for path in sorted(root.rglob("*.py")):
            if path.relative_to(root).parts[0] not in NO_NUMBERS:
                sha.update(f"{package}/{path.relative_to(root).as_posix()}\n".encode() + path.read_bytes())
    return sha.hexdigest()[:16]
