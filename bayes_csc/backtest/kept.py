"""Answers kept on disk as they come, so that a killed backtest resumes without asking again."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd

from bayes_csc.backtest.forecaster import Answer

PACKAGES = (
    "bayescsc", "pymc", "pytensor", "numba", "numpy", "scipy", "pandas", "scikit-learn", "distributed",
)  # fmt: skip
SOURCES = ("bayes_csc", "bayes_csc_models")
NO_NUMBERS = ("report", "sources")
"""Parts of the library that no forecast comes from."""


@dataclass(frozen=True)
class Kept:
    """A folder with a file per answer, named by the digest of everything that the answer depends on.

    Parameters
    ----------
    folder
        Made with the first answer.
    """

    folder: Path

    def open(self, *, resume: bool) -> None:
        """Remove what an earlier backtest left, unless resuming it; what does not belong is never taken up."""
        if not resume:
            self.close()

    def read(self, key: str) -> Answer | None:
        """The answer of a key, or None."""
        path = self.folder / f"{key}.json"
        if not path.is_file():
            return None
        kept = json.loads(path.read_text(encoding="utf-8"))
        index = pd.MultiIndex.from_tuples([tuple(row) for row in kept["index"]], names=kept["names"])
        p = pd.DataFrame(kept["p"], index=index, columns=range(1, len(kept["p"][0]) + 1))
        return Answer(p, kept["about"])

    def write(self, key: str, answer: Answer) -> None:
        """Keep an answer: whole or not at all, its numbers to the last digit."""
        self.folder.mkdir(parents=True, exist_ok=True)
        p = answer.probabilities
        kept = {"names": list(p.index.names), "index": [list(row) for row in p.index], "p": p.to_numpy().tolist()}
        part = self.folder / f"{key}.part"
        part.write_text(json.dumps(kept | {"about": answer.about}), encoding="utf-8")
        part.rename(self.folder / f"{key}.json")

    def close(self) -> None:
        """Remove the folder, if there is one."""
        shutil.rmtree(self.folder, ignore_errors=True)


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
