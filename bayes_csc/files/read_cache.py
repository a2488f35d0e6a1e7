"""A large folder read once: what was made of its files is kept, by their bytes and by what made it."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from bayes_csc.files.result_cache import Kept, cache_folder, digest, versions

LARGE = 1_000_000
"""Bytes of a folder that takes long enough to read."""
DAYS = 30.0
"""Unused for so long, it is forgotten."""


def read_once[T](root: Path, files: Iterable[Path], read: Callable[[Path], T]) -> T:
    """Read a folder, or take what was made of the same bytes by the same versions from the user's cache.

    Parameters
    ----------
    root
        The folder.
    files
        Those of it that are read; if they are small, they are read again each time.
    read
        What reads it; only a folder without problems is remembered.
    """
    there = sorted(path for path in files if path.is_file())
    if sum(path.stat().st_size for path in there) < LARGE:
        return read(root)
    try:
        kept, key = Kept(cache_folder("panels"), "pickle"), _key(root, there)
    except OSError:  # a file that may not be read: the reader says which
        return read(root)
    with suppress(OSError, pickle.PickleError, EOFError, LookupError, AttributeError, ImportError, ValueError):
        if (content := kept.read(key)) is not None:
            found: T = pickle.loads(content)
            return found
    value = read(root)
    with suppress(OSError):  # a cache that cannot be written to is none
        kept.forget(days=DAYS)
        kept.write(key, pickle.dumps(value))
    return value


def _key(root: Path, files: list[Path]) -> str:
    content = {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    return digest({"files": content, "versions": versions()})
