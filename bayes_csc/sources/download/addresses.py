"""Where a file of the catalogue is today: a fixed address, a data set of the statistics API, a GOV.UK attachment."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import quote, urlsplit

from bayes_csc.errors import DataError
from bayes_csc.sources.download.catalogue import Catalogue, Dataset
from bayes_csc.sources.download.transfer import Client


@dataclass(frozen=True)
class Address:
    """An address, and which version of the file is there.

    Parameters
    ----------
    url
        The address.
    version
        Of the statistics API, as in "2.0 (2025-10-30)"; "" elsewhere, where a new version has a new address.
    columns
        Columns that the metadata of that version name, which the file must have; none elsewhere.
    """

    url: str
    version: str = ""
    columns: tuple[str, ...] = ()


def address(dataset: Dataset, catalogue: Catalogue, client: Client) -> Address:
    """Find where a file is.

    Raises
    ------
    DataError
        A service does not answer, or answers otherwise than documented.
    """
    if dataset.data_set:
        return _of_data_set(dataset, catalogue.api, client)
    if dataset.attachment:
        return _of_attachment(dataset, catalogue.content, client)
    return Address(dataset.archive or dataset.url)


def _of_data_set(dataset: Dataset, api: str, client: Client) -> Address:
    """The CSV of a data set's version; the latest is named, so that what was fetched can be fetched again.

    Source: reference of the statistics API, "Get a data set's summary", "Get a data set version's summary", "Get a data
    set's metadata" and "Download a data set as CSV".
    """
    base = f"{api}/data-sets/{quote(dataset.data_set, safe='')}"
    url = f"{base}/versions/{quote(dataset.version, safe='')}" if dataset.version else base
    summary = client.json(url)
    described = summary if dataset.version else _get(summary, "latestVersion")
    version, published = _get(described, "version"), _get(described, "published")
    if not isinstance(version, str) or not version:
        raise DataError(f"{url}: expected the summary of a data set with its version; found {str(summary)[:120]}")
    day = f" ({published[:10]})" if isinstance(published, str) and published else ""
    query = f"dataSetVersion={quote(version, safe='')}"
    return Address(f"{base}/csv?{query}", f"{version}{day}", _columns(f"{base}/meta?{query}", client))


def _columns(url: str, client: Client) -> tuple[str, ...]:
    """Columns of the filters and indicators that a data set's metadata describe, of those that it names."""
    meta = client.json(url)
    described = [_get(meta, kind) for kind in ("filters", "indicators")]
    if not all(isinstance(entries, list) for entries in described):
        raise DataError(
            f"{url}: expected the metadata of a data set, its filters and indicators; found {str(meta)[:120]}"
        )
    named = [_get(entry, "column") for entries in described for entry in entries]
    return tuple(name for name in named if isinstance(name, str) and name)


def _of_attachment(dataset: Dataset, content: str, client: Client) -> Address:
    """The one attachment of a GOV.UK page whose file name fits.

    Source: GOV.UK content API; schema "publication", `details.attachments`.
    """
    url = content + urlsplit(dataset.page).path
    attachments = _get(_get(client.json(url), "details"), "attachments")
    listed = attachments if isinstance(attachments, list) else []
    addresses = [str(found) for entry in listed if (found := _get(entry, "url"))]
    pattern = dataset.attachment.lower()
    fitting = [found for found in addresses if fnmatchcase(urlsplit(found).path.rpartition("/")[2].lower(), pattern)]
    if len(fitting) != 1:
        names = ", ".join(found.rpartition("/")[2] for found in fitting or addresses) or "none"
        raise DataError(f"{url}: expected one attachment named {dataset.attachment}; found {names}")
    return Address(fitting[0])


def _get(table: Any, key: str) -> Any:
    return table.get(key) if isinstance(table, dict) else None
