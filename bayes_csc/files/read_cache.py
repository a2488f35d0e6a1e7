"""A large folder read once: the tables that were made of its files are kept, by their bytes and by what made them."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pyarrow as pa

from bayes_csc.files.result_cache import Kept, cache_folder, digest, versions

LARGE = 1_000_000
"""Bytes of a folder that takes long enough to read."""
DAYS = 30.0
"""Unused for so long, it is forgotten."""
Tables = dict[str, pd.DataFrame]


def read_once[T](
    root: Path,
    files: Iterable[Path],
    read: Callable[[Path], T],
    tables: Callable[[T], Tables],
    again: Callable[[Path, Tables], T],
) -> T:
    """Read a folder, or take the tables that were made of the same bytes by the same versions from the user's cache.

    Parameters
    ----------
    root
        The folder.
    files
        Those of it that are read; if they are small, they are read again each time.
    read
        What reads it; only a folder without problems is remembered.
    tables, again
        The tables of what was read, and what it is made of them again.
    """
    there = sorted(path for path in files if path.is_file())
    if sum(path.stat().st_size for path in there) < LARGE:
        return read(root)
    try:
        kept, key = Kept(cache_folder("panels"), "arrow"), _key(root, there)
    except OSError:  # a file that may not be read: the reader says which
        return read(root)
    if (content := kept.read(key)) is not None:
        with suppress(ValueError, LookupError, TypeError, OSError):  # damaged, or of another kind: read anew
            return again(root, unpacked(content))
    value = read(root)
    with suppress(OSError):  # a cache that cannot be written to is none
        kept.forget(days=DAYS)
        kept.write(key, packed(tables(value)))
    return value


def packed(tables: Tables) -> bytes:
    """Tables of texts, numbers and days as bytes, which hold no code: a digest, then an Arrow stream of each."""
    streams = []
    for table in tables.values():
        buffer, made = io.BytesIO(), pa.Table.from_pandas(table)
        with pa.ipc.new_stream(buffer, made.schema) as writer:
            writer.write_table(made)
        streams.append(buffer.getvalue())
    names = json.dumps([[name, len(stream)] for name, stream in zip(tables, streams, strict=True)]).encode()
    body = b"\n".join([names, b"".join(streams)])
    return hashlib.sha256(body).digest() + body


def unpacked(content: bytes) -> Tables:
    """Tables of `packed` bytes.

    Raises
    ------
    ValueError
        They are none, or damaged: Arrow itself does not check what it is given.
    """
    if hashlib.sha256(content[32:]).digest() != content[:32]:
        raise ValueError("not packed tables")
    names, _, body = content[32:].partition(b"\n")
    out, begin = {}, 0
    for name, length in json.loads(names):
        out[name] = pa.ipc.open_stream(body[begin : begin + length]).read_all().to_pandas().copy()
        begin += length
    return out


def _key(root: Path, files: list[Path]) -> str:
    content = {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    return digest({"files": content, "versions": versions()})
