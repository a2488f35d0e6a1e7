"""The bytes and the text of a file from outside, or what is wrong with it: nothing is opened that could not be read."""

from __future__ import annotations

import re
import stat
from pathlib import Path

LARGEST = 50_000_000
"""Bytes up to which a file is read: the whole England panel has a tenth of it."""
WIDE = {b"\xff\xfe\x00\x00": "UTF-32", b"\x00\x00\xfe\xff": "UTF-32", b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}

CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
"""Characters that no page, workbook or terminal can show; a tab and the ends of lines are none of them."""
DIRECTION = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Characters that are not seen and turn the order of what is: a name could read as another."""


def visible(text: str) -> str:
    """Return a text whose controls of direction are named and do nothing.

    Examples
    --------
    >>> visible("Ash\u202edooW")
    'Ash[U+202E]dooW'
    """
    return DIRECTION.sub(lambda found: f"[U+{ord(found[0]):04X}]", text)


def control_words(character: str) -> str:
    """What is wrong with a control character in a text, and what to do."""
    meant = character.encode("latin-1", "ignore").decode("cp1252", "ignore")
    known = f", which is {meant!r} in Windows-1252: save the file as UTF-8" if meant.isprintable() and meant else ""
    return f"found the control character U+{ord(character):04X}, which cannot be shown{known or '; remove it'}"


def read_bytes(path: Path, problems: list[str], *, largest: int = LARGEST) -> bytes | None:
    """Read a regular file of limited size.

    Parameters
    ----------
    path
        The file.
    problems
        List that the problem is added to.
    largest
        Limit in bytes; a larger file is not opened.

    Returns
    -------
    bytes or None
        Its content; None, with a problem, where it is missing, too large or not a regular file.
    """
    try:
        about = path.stat()
        if stat.S_ISDIR(about.st_mode):
            problems.append(f"{path.name}: expected a file, found a folder")
        elif not stat.S_ISREG(about.st_mode):
            problems.append(f"{path.name}: expected a file, found a device or a pipe; save its content as a file")
        elif about.st_size > largest:
            problems.append(
                f"{path.name}: {about.st_size / 1e6:.0f} MB is above the limit of {largest / 1e6:.0f} MB; "
                "keep the rows and columns that are needed, one row per authority and year"
            )
        else:
            return path.read_bytes()
    except FileNotFoundError:
        problems.append(f"{path.name}: the file is missing from {path.parent}")
    except OSError as error:
        problems.append(f"{path.name[:200]}: the file cannot be read: {error.strerror}")
    except ValueError as error:
        problems.append(f"{path.name!r}: not the name of a file: {error}")
    return None


def decoded(data: bytes, name: str, problems: list[str]) -> str | None:
    """Decode UTF-8, with or without a byte-order mark, line ends as line feeds; None, with a problem, if it is not.

    Parameters
    ----------
    data
        Content of the file.
    name
        Its name, for the message.
    problems
        List that the problem is added to.
    """
    for mark, encoding in WIDE.items():
        if data.startswith(mark):
            problems.append(f"{name}: expected UTF-8, found {encoding}; save it as 'CSV UTF-8'")
            return None
    if (place := data.find(b"\0")) >= 0:
        row = data.count(b"\n", 0, place) + 1
        problems.append(
            f"{name}: row {row}: found a NUL byte; the file is damaged, not text, or UTF-16: export it again as UTF-8"
        )
        return None
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
        if (control := CONTROL.search(text)) is None:
            return text
        row = text.count("\n", 0, control.start()) + 1
        problems.append(f"{name}: row {row}: {control_words(control[0])}")
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        byte = data[error.start : error.start + 1]
        meant = byte.decode("cp1252", "ignore")
        problems.append(
            f"{name}: expected UTF-8, found byte {byte[0]:#x} at {error.start}, in row {row}"
            + (f", which is {meant!r} in Windows-1252" if meant else "")
            + "; save it as UTF-8 ('CSV UTF-8' in Excel)"
        )
    return None
