"""What was fetched, from where and when: `provenance.csv` beside the official files."""

from __future__ import annotations

import csv
import io
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import IO

from bayes_csc.errors import DataError
from bayes_csc.files.csv_toml import guarded, unguarded

PROVENANCE = "provenance.csv"


@dataclass(frozen=True)
class Receipt:
    """One fetched file: one row of `provenance.csv`.

    Parameters
    ----------
    id, path, source, title, licence
        As in the catalogue.
    url, version
        Where it was, and which version of it.
    fetched
        When it was last known to be what its publisher has: ISO 8601, UTC.
    bytes, sha256
        Of the file.
    etag, last_modified
        The server's marks.
    """

    id: str
    path: str
    source: str
    title: str
    licence: str
    url: str
    version: str
    fetched: str
    bytes: str
    sha256: str
    etag: str
    last_modified: str


REMEDY = "restore it, or move it away to fetch anew"
COLUMNS = [column.name for column in fields(Receipt)]


def read_receipts(raw: Path) -> dict[str, Receipt]:
    """Receipts by path; none where nothing was fetched yet.

    Raises
    ------
    DataError
        The file is not what `write_receipts` writes.
    """
    path = raw / PROVENANCE
    try:
        text = path.read_text("utf-8")
        rows = list(csv.reader(io.StringIO(text)))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: expected a CSV file in UTF-8: {error}; {REMEDY}") from error
    if not rows or rows[0] != COLUMNS:
        raise DataError(f"{path}: expected the columns {', '.join(COLUMNS)}; {REMEDY}")
    problems = [
        f"{path}: row {number}: expected {len(COLUMNS)} cells, `fetched` a time with its zone; found {row}; {REMEDY}"
        for number, row in enumerate(rows[1:], 2)
        if len(row) != len(COLUMNS) or not _is_moment(Receipt(*row).fetched)
    ]
    if problems:
        raise DataError(problems)
    return {receipt.path: receipt for receipt in (Receipt(*map(unguarded, row)) for row in rows[1:])}


def _is_moment(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def write_receipts(raw: Path, receipts: Mapping[str, Receipt]) -> None:
    """Write all receipts, sorted by path, whole or not at all."""
    with placing(raw / PROVENANCE) as (temporary, file):
        text = io.TextIOWrapper(file, "utf-8", newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(map(guarded, asdict(receipts[path]).values()) for path in sorted(receipts))
        text.flush()
        text.detach()
        place(temporary, file, raw / PROVENANCE)


@contextmanager
def placing(target: Path) -> Iterator[tuple[Path, IO[bytes]]]:
    """A temporary file beside a target; it, and folders made for it, are gone afterwards unless it was put in place."""
    made = [folder for folder in target.parents if not folder.exists()]
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name[:80]}.", suffix=".part", dir=target.parent)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            yield Path(name), file
    finally:
        Path(name).unlink(missing_ok=True)
        for folder in made:
            # A folder that holds something by now stays.
            with suppress(OSError):
                folder.rmdir()


def place(temporary: Path, file: IO[bytes], target: Path) -> None:
    """Put a written temporary file in the place of its target, at once and durably."""
    file.flush()
    os.fsync(file.fileno())
    file.close()
    temporary.chmod(0o644)
    temporary.replace(target)
    if os.name == "posix":
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
