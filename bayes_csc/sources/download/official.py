"""The official files at hand: where each file of the catalogue is, and the release that it is of."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from bayes_csc.errors import DataError
from bayes_csc.sources.download.catalogue import Catalogue, Dataset, read_catalogue

RAW, DERIVED = "raw", "derived"


@dataclass(frozen=True)
class Official:
    """A folder of official files, each known by its id in the catalogue.

    `official / "cin_referrals"` is the path of a file, of the newest edition. No reader names a file or a release
    itself, so that a new edition is a line of the catalogue and nothing else.

    Parameters
    ----------
    folder
        Holds the official files in `raw/` and the tables computed from them in `derived/`.
    catalogue
        What the files are called; that of the toolkit unless another is given.
    age
        Which edition is read of each file that has several: 0 the newest, 1 the one before it. A file with fewer
        editions is read in its oldest.
    opened
        Paths below `folder` of the files that were asked for.
    """

    folder: Path
    catalogue: Catalogue = field(default_factory=read_catalogue)
    age: int = 0
    opened: set[str] = field(default_factory=set, compare=False)

    def __truediv__(self, file: str) -> Path:
        """Path of a file, by its id in the catalogue."""
        return self._opened(f"{RAW}/{self.dataset(file).path}")

    def derived(self, name: str) -> Path:
        """Path of a table that was computed from the official files."""
        return self._opened(f"{DERIVED}/{name}")

    def dataset(self, file: str) -> Dataset:
        """What the catalogue says of a file.

        Raises
        ------
        DataError
            The catalogue does not have it.
        """
        if file in self.catalogue.datasets and self.catalogue.datasets[file].series != file:
            return self.catalogue.datasets[file]
        editions = self.catalogue.editions(file)
        if not editions:
            raise DataError(f"the catalogue has no file {file!r}, which a reader reads; add it to its release")
        return editions[min(self.age, len(editions) - 1)]

    def source(self, file: str) -> str:
        """Id of the release that a file is of, as in the panel's `source` column."""
        return self.dataset(file).source

    def year(self, file: str) -> int:
        """Year of a file's edition.

        Raises
        ------
        DataError
            The file's release has no editions.
        """
        year = self.dataset(file).year
        if year is None:
            raise DataError(f"the catalogue gives the release of {file!r} no edition.YEAR; expected one")
        return year

    def editions(self, file: str) -> list[str]:
        """Ids of every edition of a file, newest first."""
        return [dataset.id for dataset in self.catalogue.editions(file)]

    def before(self, releases: Collection[str]) -> Iterator[tuple[Official, frozenset[str]]]:
        """The same files as they were before the newest editions of some releases, one step back at a time.

        Parameters
        ----------
        releases
            Ids of releases, of which those with earlier editions count.

        Yields
        ------
        tuple
            The files, and the ids of the releases that are new among them: those that no younger step has.
        """
        files = {dataset.series for dataset in self.catalogue.datasets.values() if dataset.source in releases}
        editions = [self.catalogue.editions(file) for file in files]
        for age in range(1, max(map(len, editions), default=0)):
            yield replace(self, age=age), frozenset(known[age].source for known in editions if len(known) > age)

    def _opened(self, path: str) -> Path:
        self.opened.add(path)
        return self.folder / path
