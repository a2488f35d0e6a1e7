"""A folder that only this user can write to, for what is run when it is read: pickles and machine code.

A pickle runs what it says, and the caches of Numba and PyTensor are made of them. So they are read only from folders
and files that belong to the user and that nobody else can write to. Systems without such modes (Windows) keep a user's
folders from others by themselves.
"""

from __future__ import annotations

import atexit
import errno
import logging
import os
import re
import shutil
import stat
import tempfile
from pathlib import Path

log = logging.getLogger(__name__)

ACCESS, WRITE = 0o077, 0o022
"""What others may do, and that they may write."""
FLAGS = "PYTENSOR_FLAGS"


def private_folder(folder: Path) -> Path:
    """Make a folder of mode 0700, or check that one belongs to this user and that nobody else can write to it.

    Parameters
    ----------
    folder
        The folder; its parents are made where they are missing.

    Raises
    ------
    OSError
        It belongs to another user, others can write to it, it is no folder or cannot be made.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    about = folder.stat()
    if not _is_mine(about):
        raise PermissionError(errno.EPERM, "it belongs to another user", str(folder))
    if _has_modes() and about.st_mode & WRITE:
        raise PermissionError(errno.EPERM, "others can write to it; remove it, or chmod go-w", str(folder))
    return folder


def private_caches(base: Path) -> Path:
    """A private folder whose own folders are private, too, or shut off by it.

    Raises
    ------
    OSError
        As `private_folder`.
    """
    if private_folder(base).stat().st_mode & ACCESS:
        for inside in base.iterdir():
            if inside.is_dir():
                private_folder(inside)
    return base


def read_own(path: Path) -> bytes | None:
    """Content of a file in a private folder; None where there is none that is this user's alone."""
    try:
        private_folder(path.parent)
        with path.open("rb") as file:
            about = os.fstat(file.fileno())
            mine = _is_mine(about) and not (_has_modes() and about.st_mode & WRITE)
            return file.read() if mine and stat.S_ISREG(about.st_mode) else None
    except OSError:
        return None


def write_own(path: Path, content: bytes) -> None:
    """Write a file into a private folder, whole or not at all, whoever else writes the same.

    Raises
    ------
    OSError
        The folder is not this user's, or the disk refuses.
    """
    handle, part = tempfile.mkstemp(dir=private_folder(path.parent), suffix=".part")  # of mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(part, path)
    except BaseException:
        os.unlink(part)
        raise


def _has_modes() -> bool:
    return hasattr(os, "getuid")


def _is_mine(about: os.stat_result) -> bool:
    return not _has_modes() or about.st_uid == os.getuid()


def keep_compiled_code_private() -> None:
    """Let PyTensor keep what it compiles in a private folder: its own, else one that is gone when this process ends.

    To be called before PyTensor is imported, which reads from an environment variable where to keep it.
    """
    flags = os.environ.get(FLAGS, "")
    named = re.search(r"(?:^|,)\s*base_compiledir\s*=([^,]*)", flags)
    home = Path(os.environ["LOCALAPPDATA"], "PyTensor") if "LOCALAPPDATA" in os.environ else Path("~/.pytensor")
    try:
        base = private_caches((Path(named[1].strip()) if named else home).expanduser())
        tempfile.TemporaryFile(dir=base).close()
    except (OSError, RuntimeError) as error:
        log.warning("What is compiled is not kept, and compiled again by the next command: %s", error)
        base = Path(tempfile.mkdtemp(prefix="bayescsc-"))
        atexit.register(_remove, base, os.getpid())
        os.environ[FLAGS] = ",".join([*([flags] if flags else []), f"base_compiledir={base}"])


def _remove(folder: Path, process: int) -> None:
    if os.getpid() == process:  # and not in a fork of it
        shutil.rmtree(folder, ignore_errors=True)
