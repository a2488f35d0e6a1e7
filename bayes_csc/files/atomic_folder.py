"""A folder that is written whole or not at all, by one process at a time.

The new folder is made beside the old one, as `.NAME-` and eight random characters. It takes the old one's place in one
step, or in two that the next process undoes where a kill came between them. A lock file beside it says who writes.
"""

from __future__ import annotations

import ctypes
import errno
import logging
import os
import re
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from weakref import WeakValueDictionary

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

from bayes_csc.errors import StorageError
from bayes_csc.files.disk import all_to_disk, disk_errors, to_disk

log = logging.getLogger(__name__)

NEW, OLD, GONE = "new", "old", "gone"
"""Names in a working folder: what is being made; what waits for it to take its place; what it has replaced."""
HERE, EXCHANGE = -100, 2
"""AT_FDCWD and RENAME_EXCHANGE of renameat2(2)."""
NO_EXCHANGE = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EPERM}
"""Answers of systems and file systems that cannot exchange."""
WAIT = 0.2
"""Seconds after which a folder counts as in use."""
_held: WeakValueDictionary[tuple[Path, int], BaseFileLock] = WeakValueDictionary()
"""Locks of this process, by folder and thread."""


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Write a folder whole or not at all: what is written into the new folder takes the place of the old one.

    Parameters
    ----------
    folder
        The folder; what is there stays until the new one is complete and on disk. It is reserved meanwhile.

    Yields
    ------
    Path
        A new, empty folder.

    Raises
    ------
    StorageError
        Another process writes there, or the disk is full, read-only or broken; the old folder is as it was.
    """
    with reserved(folder), disk_errors(folder):
        target = Path(folder).resolve()
        work = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        try:
            new = work / NEW
            new.mkdir()
            yield new
            all_to_disk(new)
            swap(new, target)
        finally:
            settle(work, target)
        to_disk(target.parent)


@contextmanager
def reserved(folder: Path) -> Iterator[None]:
    """Keep other processes from writing a folder, and take away what a killed one left; may be nested.

    Parameters
    ----------
    folder
        The folder, which need not exist.

    Raises
    ------
    StorageError
        Another process has reserved it, which the message names, or it cannot be written.
    """
    target = Path(folder).resolve()
    key = target, threading.get_ident()
    if (mine := _held.get(key)) is not None and mine.is_locked:
        yield
        return
    if os.path.ismount(target):
        raise StorageError(f"{folder} is the root of a file system and cannot be replaced; give a folder in it")
    lock = FileLock(target.with_name(f".{target.name}-in-use.lock"))
    made: list[Path] = []
    try:
        _take(lock, target, folder, made)
        _held[key] = lock
        yield
    finally:
        try:
            if lock.is_locked:
                with suppress(OSError):
                    os.unlink(lock.lock_file)  # while held, so that nobody else can hold the same name
        finally:
            lock.release()
        for parent in made:
            with suppress(OSError):  # one that holds something by now stays
                parent.rmdir()


def _take(lock: BaseFileLock, target: Path, said: Path, made: list[Path]) -> None:
    """Take the lock of a folder, note who has it, and take away what killed processes left."""
    path = Path(lock.lock_file)
    try:
        made += [parent for parent in target.parents if not parent.exists()]
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists() and not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        lock.acquire(timeout=WAIT)
        if not isinstance(lock, SoftFileLock):  # which keeps its own words in the file
            path.write_bytes(_who().encode())
        for work in leftovers(target):
            back = ", and put back what it was replacing" if settle(work, target) else ""
            log.warning("%s: took away what a killed process had left there (%s)%s", said, work.name, back)
    except Timeout as error:
        raise StorageError(f"{said} is being written by {_holder(path)}; wait, or give another folder") from error
    except OSError as error:
        raise StorageError(f"{said} cannot be written: {error.strerror or error}; give another folder") from error


def _who() -> str:
    return f"process {os.getpid()} on {socket.gethostname()} since {datetime.now():%Y-%m-%d %H:%M:%S}"


def _holder(path: Path) -> str:
    """Who wrote a lock file: its first characters, as far as they can be printed."""
    with suppress(OSError):
        text = path.read_bytes()[:200].decode(errors="replace")
        if said := "".join(c for c in text if c.isprintable() and c != "\ufffd"):
            return said
    return "another process"


def leftovers(target: Path) -> list[Path]:
    """Find the working folders of a folder, which belong to killed processes if nobody holds its lock."""
    form = re.compile(rf"\.{re.escape(target.name)}-[a-z0-9_]{{8}}")
    return [
        path
        for path in sorted(target.parent.iterdir())
        if form.fullmatch(path.name) and path.is_dir() and not path.is_symlink()
        if {child.name for child in path.iterdir()} <= {NEW, OLD, GONE}
    ]


def swap(new: Path, target: Path) -> None:
    """Put a new folder in the place of a target; of what was there before, leave nothing that `settle` puts back."""
    if not target.exists():
        new.rename(target)
    elif not exchange(new, target):
        old = new.with_name(OLD)
        target.rename(old)
        new.rename(target)
        old.rename(new.with_name(GONE))


def settle(work: Path, target: Path) -> bool:
    """Put back what a half-done swap had moved away, if it had, and remove the working folder."""
    back = (work / OLD).exists() and not target.exists()
    if back:
        (work / OLD).rename(target)
    shutil.rmtree(work, ignore_errors=True)
    if work.exists():
        log.warning("%s could not be removed; the next command that writes %s tries again", work, target.name)
    return back


def exchange(one: Path, other: Path) -> bool:
    """Exchange two folders in one step; False where the system cannot."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None) if os.name == "posix" else None
    if rename is None:
        return False
    if rename(HERE, os.fsencode(one), HERE, os.fsencode(other), EXCHANGE) == 0:
        return True
    if (code := ctypes.get_errno()) in NO_EXCHANGE:
        return False
    raise OSError(code, os.strerror(code), str(one), None, str(other))
