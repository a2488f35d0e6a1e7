"""The releases of a panel: what each `source` of its cells is."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from bayes_csc.files.csv_toml import read_csv
from bayes_csc.files.row_checks import TableCheck

RELEASE_COLUMNS = ("id", "title", "publisher", "published", "url", "licence")


def read_releases(path: Path, problems: list[str]) -> pd.DataFrame | None:
    """Read releases.csv, which a panel may be without.

    Parameters
    ----------
    path
        The file.
    problems
        List that every problem is added to.

    Returns
    -------
    pandas.DataFrame or None
        Indexed and sorted by id, with `title`, `publisher`, `published` (datetime, actual or nominal, NaT where not
        known), `url` and `licence` (blank where not known); None where there is no such file or it breaks its contract.
    """
    if not path.exists():
        return None
    table = read_csv(path, RELEASE_COLUMNS, problems)
    if table is None:
        return None
    check = TableCheck(path.name, table, "release {r.id}")
    check.blank("id", "title")
    check.note(table["id"].duplicated(keep=False), "the id appears more than once; keep one row")
    parsed = check.parsed((), ("published",))
    problems += check.problems()
    return None if check.breaches else parsed.set_index("id").sort_index()


def unexplained_sources(vintages: pd.DataFrame, releases: pd.DataFrame) -> list[str]:
    """Problems of the sources that the table of releases does not explain, one sentence for each.

    Parameters
    ----------
    vintages
        Rows of cells.
    releases
        Indexed by id.
    """
    unknown = vintages[~vintages["source"].isin(releases.index)].sort_values(["source", "indicator", "authority"])
    return [
        f"releases.csv: no release {name!r}, the source of {len(rows)} rows, such as authority "
        f"{rows.iloc[0]['authority']}, year {rows.iloc[0]['year']}, indicator {rows.iloc[0]['indicator']}; add the "
        "release, or correct the source"
        for name, rows in unknown.groupby("source")
    ]
