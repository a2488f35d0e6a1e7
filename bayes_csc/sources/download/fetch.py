"""Fetching official files: each is whole and what it should be, or what was there before stays."""

from __future__ import annotations

import csv
import hashlib
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import IO

from bayes_csc.errors import DataError
from bayes_csc.sources.download.addresses import Address, address
from bayes_csc.sources.download.catalogue import Catalogue, Dataset
from bayes_csc.sources.download.receipts import Receipt, place, placing, read_receipts, write_receipts
from bayes_csc.sources.download.transfer import CHUNK, Answer, Client

OFFICIAL = "raw"
# A file fetched this recently is not asked for again: an interrupted command goes on where it stopped.
RECENT = timedelta(days=1)
ZIPPED, COMPOUND = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
STARTS = {".xlsx": ZIPPED, ".ods": ZIPPED, ".zip": ZIPPED, ".xls": COMPOUND, ".parquet": b"PAR1"}

Tell = Callable[[str, int, int | None], None]


@dataclass(frozen=True)
class Outcome:
    """What came of one file.

    Parameters
    ----------
    dataset
        The file.
    state
        "new", "replaced" (by another version), "unchanged", "recent" (not asked for again), "by hand" or "failed".
    detail
        In words.
    """

    dataset: Dataset
    state: str
    detail: str = ""

    @property
    def problem(self) -> str:
        """The failure as one complete sentence; "" where there is none."""
        return f"{self.dataset.id} ({self.dataset.path}): {self.detail}" if self.state == "failed" else ""


def fetch(
    catalogue: Catalogue,
    out: Path,
    client: Client,
    *,
    only: list[str] | None = None,
    accept_changes: bool = False,
    tell: Tell = lambda *_: None,
) -> Iterator[Outcome]:
    """Download official files below a folder; each outcome is told as it comes.

    Parameters
    ----------
    catalogue
        What there is.
    out
        Folder whose `raw/` the files go to; `provenance.csv` there records them.
    client
        Asks the network.
    only
        Ids of files or releases; all where empty.
    accept_changes
        Whether a file whose contents changed though its version did not takes the place of the one at hand.
    tell
        Told a file's address, the bytes received and, where known, their number.

    Yields
    ------
    Outcome
        One per file. A failure is an outcome: the other files are fetched all the same.

    Raises
    ------
    DataError
        An id is unknown, or `provenance.csv` is broken.
    """
    chosen = catalogue.chosen(only or [])
    raw = out / OFFICIAL
    job = _Job(raw, client, read_receipts(raw), accept_changes, tell)
    for dataset in chosen:
        if dataset.by_hand:
            yield _by_hand(dataset, raw, named=bool(only))
    for group in _groups([dataset for dataset in chosen if not dataset.by_hand]):
        try:
            outcomes = job.fetched(group, address(group[0], catalogue, client))
        except DataError as error:
            outcomes = [_failed(dataset, f"{error} (its page: {dataset.page})") for dataset in group]
        except OSError as error:
            outcomes = [_unwritable(dataset, raw, error) for dataset in group]
        yield from outcomes


def planned(catalogue: Catalogue, out: Path, only: list[str]) -> Iterator[str]:
    """Say what `fetch` would ask for, without asking."""
    for dataset in catalogue.chosen(only):
        there = "there" if (out / OFFICIAL / dataset.path).is_file() else "not there"
        yield f"{dataset.id}: {dataset.path} ({there}): {way(dataset)}"


def way(dataset: Dataset) -> str:
    """How a file is had."""
    if dataset.by_hand:
        return f"by hand from {dataset.page}"
    if dataset.data_set:
        return f"data set {dataset.data_set} of the statistics API, version {dataset.version or 'latest'}"
    if dataset.attachment:
        return f"attachment {dataset.attachment} of {dataset.page}"
    return f"{dataset.member} in {dataset.archive}" if dataset.archive else dataset.url


def _by_hand(dataset: Dataset, raw: Path, *, named: bool) -> Outcome:
    if (raw / dataset.path).is_file():
        return Outcome(dataset, "by hand", "there already")
    advice = f"no address is known: download it from {dataset.page} and save it as {raw / dataset.path}"
    return _failed(dataset, advice) if named else Outcome(dataset, "by hand", advice)


def _failed(dataset: Dataset, detail: str) -> Outcome:
    return Outcome(dataset, "failed", detail)


def _unwritable(dataset: Dataset, raw: Path, error: OSError) -> Outcome:
    return _failed(dataset, f"cannot read or write below {raw}: {error}")


def _groups(datasets: list[Dataset]) -> list[list[Dataset]]:
    """The files of one archive together, so that it is downloaded once."""
    groups: dict[str, list[Dataset]] = {}
    for dataset in datasets:
        groups.setdefault(dataset.archive or dataset.id, []).append(dataset)
    return list(groups.values())


@dataclass(frozen=True)
class _Job:
    """What all files of one command share."""

    raw: Path
    client: Client
    receipts: dict[str, Receipt]
    accept_changes: bool
    tell: Tell

    def fetched(self, group: list[Dataset], where: Address) -> list[Outcome]:
        """Fetch the files that are at one address: one file, or some of one archive."""
        if all(dataset.sha256 and dataset.sha256 == _digest(self.raw / dataset.path) for dataset in group):
            return [Outcome(dataset, "unchanged", "the catalogue's checksum") for dataset in group]
        held = [self.receipts.get(dataset.path) for dataset in group]
        intact = [receipt for receipt in held if receipt and self._intact(receipt, where)]
        if len(intact) < len(group):
            intact = []
        now = self.client.now()
        if intact and all(now - datetime.fromisoformat(receipt.fetched) < RECENT for receipt in intact):
            return [Outcome(dataset, "recent", f"fetched {intact[0].fetched}") for dataset in group]
        marks = {(receipt.etag, receipt.last_modified) for receipt in intact}
        etag, last_modified = marks.pop() if len(marks) == 1 else ("", "")
        with placing(self.raw / group[0].path) as (temporary, file):
            answer = self.client.download(
                where.url, file, etag=etag, last_modified=last_modified,
                tell=lambda received, total: self.tell(where.url, received, total),
            )  # fmt: skip
            if not answer.modified:
                for receipt in intact:
                    self.receipts[receipt.path] = replace(receipt, fetched=now.isoformat(timespec="seconds"))
                write_receipts(self.raw, self.receipts)
                return [Outcome(dataset, "unchanged") for dataset in group]
            return [self._settled(dataset, where, answer, temporary, file) for dataset in group]

    def _settled(self, dataset: Dataset, where: Address, answer: Answer, temporary: Path, file: IO[bytes]) -> Outcome:
        """What came of one downloaded file, or of one file of a downloaded archive."""
        try:
            if not dataset.archive:
                return self._taken(dataset, where, answer, temporary, file)
            with placing(self.raw / dataset.path) as (extracted, copy):
                _extract(file, dataset, copy, self.client.manners.limit)
                return self._taken(dataset, where, answer, extracted, copy)
        except DataError as error:
            return _failed(dataset, f"{error} (its page: {dataset.page})")
        except OSError as error:
            return _unwritable(dataset, self.raw, error)

    def _taken(self, dataset: Dataset, where: Address, answer: Answer, temporary: Path, file: IO[bytes]) -> Outcome:
        """Put a file in its place if it is what it should be, and record it."""
        _check_kind(file, dataset)
        _check_columns(file, where)
        target = self.raw / dataset.path
        size, digest, there = file.seek(0, 2), _sha256(file), _digest(target)
        if dataset.sha256 not in ("", digest):
            raise DataError(f"{where.url}: expected the file of SHA-256 {dataset.sha256[:12]}; found {digest[:12]}")
        if not self.accept_changes and (objection := self._objection(dataset, where, digest, there)):
            return _failed(dataset, f"{objection}; nothing was replaced. --accept-changes takes the new file")
        if digest != there:
            place(temporary, file, target)
        self.receipts[dataset.path] = Receipt(
            dataset.id, dataset.path, dataset.source, dataset.title, dataset.licence, where.url, where.version,
            self.client.now().isoformat(timespec="seconds"), str(size), digest, answer.etag, answer.last_modified,
        )  # fmt: skip
        write_receipts(self.raw, self.receipts)
        if digest == there:
            return Outcome(dataset, "unchanged")
        return Outcome(dataset, "new" if there is None else "replaced", f"{size} bytes, SHA-256 {digest[:12]}")

    def _objection(self, dataset: Dataset, where: Address, digest: str, there: str | None) -> str:
        """Why a downloaded file may not silently take the place of what is there, or was; "" where it may."""
        if digest == there:
            return ""
        held = self.receipts.get(dataset.path)
        if held and (held.url, held.version) == (where.url, where.version):
            if dataset.renewed and there in (None, held.sha256):
                return ""
            if digest != held.sha256:
                return (
                    f"{where.url} has changed without being another version: SHA-256 {digest[:12]}, "
                    f"{held.sha256[:12]} when it was fetched before"
                )
            return f"{dataset.path} is no longer what was fetched: SHA-256 {there[:12]}" if there else ""
        if there is None or (held and there == held.sha256):
            return ""
        return f"{dataset.path} is there, was not fetched and is another file: SHA-256 {there[:12]}, not {digest[:12]}"

    def _intact(self, receipt: Receipt, where: Address) -> bool:
        same = (receipt.url, receipt.version) == (where.url, where.version)
        return same and _digest(self.raw / receipt.path) == receipt.sha256


def _extract(archive: IO[bytes], dataset: Dataset, copy: IO[bytes], limit: int) -> None:
    """Copy one file out of a zip file; the checksum in the zip file must hold."""
    try:
        with zipfile.ZipFile(archive) as opened:
            wanted = dataset.member.lower()
            names = [name for name in opened.namelist() if wanted in (name.lower(), PurePosixPath(name.lower()).name)]
            if len(names) != 1:
                listed = ", ".join(sorted(names or opened.namelist())[:20])
                raise DataError(f"{dataset.archive}: expected one file {dataset.member} in the archive; found {listed}")
            with opened.open(names[0]) as member:
                written = 0
                while piece := member.read(CHUNK):
                    written += len(piece)
                    if written > limit:
                        raise DataError(f"{dataset.archive}: {names[0]}: expected at most {limit} bytes; found more")
                    copy.write(piece)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise DataError(f"{dataset.archive}: expected a zip file: {error}") from error


def _check_kind(file: IO[bytes], dataset: Dataset) -> None:
    """Refuse an error page, or anything else that is not the kind of file it should be."""
    file.seek(0)
    head = file.read(4096)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    kind = PurePosixPath(dataset.path).suffix.lower()
    if text[:1] == b"<":
        raise DataError(f"expected a {kind} file; found a page such as a server's error page: {text[:60]!r}")
    if kind in STARTS and not head.startswith(STARTS[kind]):
        raise DataError(f"expected a {kind} file; found {head[:20]!r}")
    # Older files have a title above their header.
    if kind == ".csv" and (b"\0" in head or b"," not in text or text[:1] == b"{"):
        raise DataError(f"expected a CSV file with a header; found {text[:60]!r}")


def _check_columns(file: IO[bytes], where: Address) -> None:
    """Refuse a file without the columns that the metadata of its version name."""
    if not where.columns:
        return
    file.seek(0)
    header = next(csv.reader(file.readline().decode("utf-8-sig", "replace").splitlines()[:1]), [])
    if missing := [name for name in where.columns if name not in header]:
        lost, found = ", ".join(missing), ", ".join(header)
        raise DataError(f"{where.url}: expected the columns of its metadata; without {lost}, found {found}")


def _digest(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return _sha256(file)
    except FileNotFoundError:
        return None


def _sha256(file: IO[bytes]) -> str:
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
