"""The catalogue of official files that `bayescsc data fetch` downloads: what each is, where it is, where it goes."""

from __future__ import annotations

import importlib.resources
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from bayes_csc.errors import DataError, UsageError
from bayes_csc.files.toml_text import excerpt_name, parse_toml, read_toml

CATALOGUE = "catalogue.toml"
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
WAYS = ("archive", "url", "data_set", "attachment")
RELEASE_KEYS = frozenset({"title", "publisher", "licence", "source", "page", "edition", "archive", "file"})
FILE_KEYS = frozenset({"path", "title", "source", "member", "version", "sha256", "renewed", *WAYS})
YEAR = re.compile(r"20\d\d")


@dataclass(frozen=True)
class Dataset:
    """One official file.

    Parameters
    ----------
    id
        What `--only` takes. Of a release with several editions the newest has the plain id, and an earlier one ends in
        its year, as in `cin_referrals_2025`.
    title, publisher, licence
        As published.
    source
        Release id, as the panel's `source` column has it.
    path
        Where the readers expect it, below `raw/`.
    page
        The release's public page.
    archive, member
        Address of a zip file of the whole release, and the file's name in it.
    url
        Address of the file itself.
    data_set, version
        Id of a data set of the statistics API, and the version wanted; "" is the latest.
    attachment
        Pattern of the file's name among the attachments of a GOV.UK page.
    sha256
        Of the file, where it can only be that one.
    renewed
        How often a new file takes the place of the old one at the same address, such as "weekly"; "" where none does.
    series
        Id of the newest edition of this file.
    year
        Of the edition; None where the release has no editions.
    """

    id: str
    title: str
    publisher: str
    licence: str
    source: str
    path: str
    page: str
    archive: str = ""
    member: str = ""
    url: str = ""
    data_set: str = ""
    version: str = ""
    attachment: str = ""
    sha256: str = ""
    renewed: str = ""
    series: str = ""
    year: int | None = None

    @property
    def by_hand(self) -> bool:
        """Whether no address is known, so that the file must be downloaded from the release's page by hand."""
        return not any(getattr(self, way) for way in WAYS)


@dataclass(frozen=True)
class Catalogue:
    """Every official file that the readers know.

    Parameters
    ----------
    api
        Address of the statistics API of Explore Education Statistics.
    content
        Address of the GOV.UK content API.
    hosts
        Hosts that may be asked, and redirected to.
    datasets
        By id.
    """

    api: str
    content: str
    hosts: frozenset[str]
    datasets: Mapping[str, Dataset]

    def editions(self, series: str) -> list[Dataset]:
        """The editions of a file, newest first; one where its release has no others."""
        found = [dataset for dataset in self.datasets.values() if dataset.series == series]
        return sorted(found, key=lambda dataset: dataset.year or 0, reverse=True)

    def chosen(self, only: list[str]) -> list[Dataset]:
        """The datasets of some ids, releases or sources; all of them where none is named.

        Raises
        ------
        UsageError
            A name that the catalogue does not have.
        """
        if not only:
            return list(self.datasets.values())
        unknown = [name for name in only if not any(name in (d.id, d.source) for d in self.datasets.values())]
        if unknown:
            raise UsageError(
                "\n".join(f"the catalogue has no data set or release {name!r}; see --list" for name in unknown)
            )
        return [dataset for dataset in self.datasets.values() if dataset.id in only or dataset.source in only]


def permitted(url: str, hosts: frozenset[str]) -> bool:
    """Whether an address may be asked: https at a known host (plain http only at this machine itself)."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    plain = url.isascii() and url.isprintable() and " " not in url
    if not plain or parts.hostname not in hosts or parts.username is not None:
        return False
    return (parts.scheme == "https" and port in (None, 443)) or (parts.scheme == "http" and parts.hostname in LOOPBACK)


def read_catalogue(path: Path | None = None) -> Catalogue:
    """Read a catalogue; without a path, the one that comes with the toolkit.

    Raises
    ------
    DataError
        Every problem of the file.
    """
    name = str(path.parent / excerpt_name(path)) if path else CATALOGUE
    problems: list[str] = []
    own = importlib.resources.files("bayes_csc.sources.download").joinpath(CATALOGUE)
    described = read_toml(path, problems) if path else parse_toml(own.read_bytes(), CATALOGUE, problems)
    if described is None:
        raise DataError([f"{name}: expected a catalogue in TOML: {problem}" for problem in problems])
    services = {key: described.get(key) for key in ("api", "content")}
    hosts = described.get("hosts")
    if not isinstance(hosts, list) or not all(isinstance(host, str) for host in hosts):
        problems.append("expected hosts, a list of host names")
        hosts = []
    allowed = frozenset(hosts)
    problems += [
        f"{key}: expected an https address at one of hosts; found {url!r}"
        for key, url in services.items()
        if not isinstance(url, str) or not permitted(url, allowed)
    ]
    releases = described.get("release")
    if not isinstance(releases, dict) or not releases:
        problems.append("expected at least one [release.NAME]")
        releases = {}
    datasets: dict[str, Dataset] = {}
    for release, table in releases.items():
        for dataset in _datasets(release, table, problems):
            problems += _problems(dataset, allowed, datasets)
            datasets.setdefault(dataset.id, dataset)
    unknown = sorted(described.keys() - {"api", "content", "hosts", "release"})
    problems += [f"unknown key {key!r}" for key in unknown]
    if problems:
        raise DataError([f"{name}: {problem}" for problem in problems])
    return Catalogue(str(services["api"]), str(services["content"]), allowed, datasets)


def _datasets(release: str, table: Any, problems: list[str]) -> Iterator[Dataset]:
    """The files of one release; what is the same for all of them stands once."""
    where = f"release {release}"
    if not isinstance(table, dict) or not isinstance(table.get("file"), dict):
        problems.append(f"{where}: expected its keys and a table `file` of its files by id")
        return
    problems += [f"{where}: unknown key {key!r}" for key in sorted(table.keys() - RELEASE_KEYS)]
    editions = _editions(table, where, problems)
    common = {key: table.get(key, "") for key in ("title", "publisher", "licence", "source", "page", "archive")}
    for key, entry in table["file"].items():
        own = {"path": entry} if isinstance(entry, str) else entry
        if not isinstance(own, dict):
            problems.append(f"{where}, file {key}: expected a path or a table; found {own!r}")
            continue
        problems += [f"{where}, file {key}: unknown key {extra!r}" for extra in sorted(own.keys() - FILE_KEYS)]
        known = {name: own[name] for name in FILE_KEYS & own.keys()}
        for place, (year, edition) in enumerate(editions):
            own_edition = {name: edition[name] for name in FILE_KEYS & edition.keys()}
            table_of = {"path": "", **common, **known, **own_edition}
            filled = _filled(table_of, edition, f"{where}, file {key}", problems)
            if filled is not None:
                if filled["archive"]:
                    filled.setdefault("member", PurePosixPath(filled["path"]).name)
                yield Dataset(id=f"{key}_{year}" if place else key, series=key, year=year, **filled)


def _editions(table: Mapping[str, Any], where: str, problems: list[str]) -> list[tuple[int | None, dict[str, Any]]]:
    """The editions of a release, newest first, each with the texts that its files are told apart by."""
    if "edition" not in table:
        return [(None, {})]
    editions = table["edition"]
    if not isinstance(editions, dict) or not editions:
        problems.append(f'{where}: expected edition.YEAR, such as edition.2025 = "..."; found edition = {editions!r}')
        return []
    found = {}
    for year, edition in editions.items():
        texts = {"edition": edition} if isinstance(edition, str) else edition
        if not YEAR.fullmatch(year) or not isinstance(texts, dict):
            problems.append(f"{where}: expected edition.YEAR, a text or a table; found edition.{year} = {edition!r}")
        else:
            found[int(year)] = {"year": year, **texts}
    return [(year, found[year]) for year in sorted(found, reverse=True)]


def _filled(
    table: Mapping[str, Any], edition: Mapping[str, Any], where: str, problems: list[str]
) -> dict[str, str] | None:
    """Texts with `{year}` and the like replaced by what an edition says."""
    filled = {}
    for key, text in table.items():
        if not isinstance(text, str):
            problems.append(f"{where}: {key}: expected a text; found {text!r}")
            return None
        try:
            filled[key] = text.format_map(edition)
        except (KeyError, ValueError, IndexError, AttributeError) as error:
            problems.append(f"{where}: {key}: edition does not say what {text!r} needs: {error}")
            return None
    return filled


def _problems(dataset: Dataset, hosts: frozenset[str], earlier: Mapping[str, Dataset]) -> list[str]:
    where = f"file {dataset.id}"
    found = [f"{where}: {key} is missing" for key in ("title", "publisher", "licence", "source", "page", "path")
             if not getattr(dataset, key)]  # fmt: skip
    path = PurePosixPath(dataset.path)
    if path.is_absolute() or ".." in path.parts or "\\" in dataset.path or ":" in dataset.path:
        found.append(f"{where}: expected a path below raw/; found {dataset.path!r}")
    if dataset.id in earlier:
        found.append(f"{where}: the id is there twice")
    found += [f"{where}: {dataset.path!r} is also the path of {other.id}" for other in earlier.values()
              if other.path == dataset.path and other.id != dataset.id]  # fmt: skip
    ways = [way for way in WAYS if getattr(dataset, way)]
    if len(ways) > 1:
        found.append(f"{where}: expected one of {', '.join(WAYS)}; found {', '.join(ways)}")
    found += [
        f"{where}: {key}: expected an https address at one of hosts; found {getattr(dataset, key)!r}"
        for key in ("archive", "url")
        if getattr(dataset, key) and not permitted(getattr(dataset, key), hosts)
    ]
    if dataset.version and not dataset.data_set:
        found.append(f"{where}: version is of a data set of the statistics API, and data_set is missing")
    return found
