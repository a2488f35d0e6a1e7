"""Reading a data frame from a file that R saved (.rda): enough of the format for tables of text and numbers."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
from pathlib import Path
from typing import Any

import pandas as pd

from bayes_csc.errors import DataError

# Types of the serialisation (R Internals, 1.8): only those that a data frame of columns is made of.
SYMBOL, PAIRS, CHARACTER, LOGICAL, INTEGER, REAL, STRINGS, VECTOR = 1, 2, 9, 10, 13, 14, 16, 19
NULLS, REFERENCE = (254, 242, 253), 255
HAS_ATTRIBUTES, HAS_TAG = 512, 1024
SIGNATURES = {b"BZh": bz2.decompress, b"\x1f\x8b": gzip.decompress, b"\xfd7z": lzma.decompress}


def read_rda(path: Path) -> pd.DataFrame:
    """Read the only data frame of an .rda file.

    Parameters
    ----------
    path
        The file, compressed with gzip, bzip2 or xz, or not at all.

    Returns
    -------
    pandas.DataFrame
        Its columns; a factor is left as numbers.

    Raises
    ------
    DataError
        The file is missing, or holds anything but one data frame.
    """
    if not path.is_file():
        raise DataError(f"{path}: the file is missing; expected the official release file of that name")
    data = path.read_bytes()
    try:
        for signature, decompress in SIGNATURES.items():
            if data.startswith(signature):
                data = decompress(data)
                break
        ((columns, attributes),) = _Reader(data).item().values()
        return pd.DataFrame(
            {
                name: column[0] if isinstance(column, tuple) else column
                for name, column in zip(attributes["names"], columns, strict=True)
            }
        )
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, struct.error, lzma.LZMAError) as error:
        raise DataError(f"{path}: expected one data frame saved by R: {error!r}") from error


class _Reader:
    def __init__(self, data: bytes) -> None:
        if not data.startswith(b"RDX") or data[5:7] != b"X\n":
            raise ValueError("not the binary format")
        self.data, self.place = data, 7
        self.symbols: list[Any] = []
        version, *_ = (self.integer() for _ in range(3))
        if version > 2:
            self.take(self.integer())

    def take(self, length: int) -> bytes:
        if length < 0 or self.place + length > len(self.data):
            raise ValueError("the file ends too early")
        part = self.data[self.place : self.place + length]
        self.place += length
        return part

    def integer(self) -> int:
        return int(struct.unpack(">i", self.take(4))[0])

    def item(self) -> Any:
        """The next object: a pair list as dict; another as it is, or with its attributes where it has any."""
        flags = self.integer()
        kind = flags & 255
        if kind in NULLS:
            return None
        if kind == REFERENCE:
            return self.symbols[(flags >> 8) - 1]
        if kind == SYMBOL:
            self.symbols.append(self.item())
            return self.symbols[-1]
        if kind == CHARACTER:
            length = self.integer()
            return None if length < 0 else self.take(length).decode()
        if kind == PAIRS:
            if flags & HAS_ATTRIBUTES:
                self.item()
            tag = self.item() if flags & HAS_TAG else None
            return {tag: self.item(), **(self.item() or {})}
        found = self.vector(kind)
        return (found, self.item()) if flags & HAS_ATTRIBUTES else found

    def vector(self, kind: int) -> list[Any]:
        length = self.integer()
        if kind in (STRINGS, VECTOR):
            return [self.item() for _ in range(length)]
        if kind in (LOGICAL, INTEGER):
            return list(struct.unpack(f">{length}i", self.take(4 * length)))
        if kind == REAL:
            return list(struct.unpack(f">{length}d", self.take(8 * length)))
        raise ValueError(f"an object of type {kind}")
