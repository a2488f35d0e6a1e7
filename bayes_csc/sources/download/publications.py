"""The table of releases of a panel built from official files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from bayes_csc.errors import DataError
from bayes_csc.panel.releases import RELEASE_COLUMNS
from bayes_csc.sources.download.catalogue import Catalogue

PUBLISHERS = {
    "DfE": "Department for Education",
    "Ofsted": "Ofsted",
    "ONS": "Office for National Statistics",
    "MHCLG": "Ministry of Housing, Communities and Local Government",
    "DWP": "Department for Work and Pensions",
    "Cafcass": "Cafcass",
}
GIVEN = tuple(name for name in RELEASE_COLUMNS if name != "id")


def releases_of(
    described: Mapping[str, str | Mapping[str, Any]], catalogue: Catalogue, used: pd.Series
) -> dict[str, str | Mapping[str, Any]]:
    """Describe the releases that are used: as given, and from the catalogue where nothing is given.

    Parameters
    ----------
    described
        Releases by id; see `release_table`.
    catalogue
        The catalogue of official files.
    used
        Ids of releases.

    Returns
    -------
    dict
        As `described`.
    """
    sources = set(used)
    known = {
        dataset.source: {"title": dataset.title, "publisher": dataset.publisher, "url": dataset.page}
        for dataset in catalogue.datasets.values()
        if dataset.source in sources
    }
    return {**known, **described}


def release_table(
    described: Mapping[str, str | Mapping[str, Any]], rows: pd.DataFrame, licence: str, *, where: str
) -> pd.DataFrame:
    """Say of each release what it is and when it was published.

    Parameters
    ----------
    described
        By id the title, or a table with the title and, where known, any of publisher, published, url and licence. A
        title starts with its publisher and a comma.
    rows
        Cells of the releases, `publication_date` the nominal first publication of their period. The last of these is
        the nominal date of a release whose `published` is not given.
    licence
        Licence of a release for which none is given.
    where
        Name of the description, for messages.

    Returns
    -------
    pandas.DataFrame
        As `Panel.releases`.

    Raises
    ------
    DataError
        A source of the cells is not described, or a description is not as above.
    """
    problems = [
        f"{where}: [release] has no {source!r}, a source of the cells; add its title, or its release to the catalogue"
        for source in sorted(set(rows["source"]) - set(described))
    ]
    nominal = rows.groupby("source")["publication_date"].max()
    table = {}
    for key, entry in described.items():
        given = {"title": entry} if isinstance(entry, str) else dict(entry)
        problems += [
            f"{where}: [release] {key}: unknown key {name!r}; the keys are {', '.join(GIVEN)}"
            for name in given
            if name not in GIVEN
        ]
        if not given.get("title"):
            problems.append(f"{where}: [release] {key}: title is missing")
            continue
        stated = pd.to_datetime(given.get("published", ""), format="%Y-%m-%d", errors="coerce")
        if "published" in given and pd.isna(stated):
            problems.append(
                f'{where}: [release] {key}: published must be a date such as "2025-10-30", found {given["published"]!r}'
            )
        table[key] = {
            "title": given["title"],
            "publisher": given.get("publisher", PUBLISHERS.get(given["title"].split(",")[0], "")),
            "published": nominal.get(key, pd.NaT) if pd.isna(stated) else stated,
            "url": given.get("url", ""),
            "licence": given.get("licence", licence),
        }
    if problems:
        raise DataError(problems)
    out = pd.DataFrame.from_dict(table, orient="index", columns=list(GIVEN)).rename_axis("id").sort_index()
    return out.astype({"published": "datetime64[ns]"})
