"""What a disk may refuse, in words, and what is asked of it before a file counts as written."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bayes_csc.errors import StorageError

REFUSALS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO}
"""Errors of a disk that is full, read-only or broken."""


@contextmanager
def disk_errors(place: Path) -> Iterator[None]:
    """Turn what a disk refuses into one message; other errors pass.

    Raises
    ------
    StorageError
        The disk is full, read-only or broken.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in REFUSALS:
            raise
        raise StorageError(f"{place} could not be written: {error.strerror}; what was there before is kept") from error


def to_disk(path: Path) -> None:
    """Wait until a file or a folder is on disk."""
    if os.name != "posix" and path.is_dir():  # only there can a folder be opened
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def all_to_disk(folder: Path) -> None:
    """Wait until a folder and all that is in it are on disk."""
    for place, _, names in folder.walk(top_down=False, on_error=_raised):
        for name in names:
            to_disk(place / name)
        to_disk(place)


def files_below(folder: Path) -> list[Path]:
    """Find every file below a folder, sorted; what cannot be looked into is an error, and not left out as by `rglob`.

    Raises
    ------
    OSError
        A folder cannot be read.
    """
    return sorted(place / name for place, _, names in folder.walk(on_error=_raised) for name in names)


def _raised(error: OSError) -> None:
    raise error
