"""Vintages of a cell: what was published about it, and when."""

from __future__ import annotations

import datetime
from typing import Any

import pandas as pd

from bayes_csc.errors import DataError
from bayes_csc.files.csv_toml import CELL_COLUMNS
from bayes_csc.panel.cell_checks import CELL

FIGURES = ("numerator", "denominator", "value", "status", "lower", "upper")


def no_revisions() -> pd.DataFrame:
    """Return the earlier vintages of a panel that has none."""
    return pd.DataFrame(columns=list(CELL_COLUMNS))


def all_vintages(cells: pd.DataFrame, revisions: pd.DataFrame) -> pd.DataFrame:
    """Every vintage of every cell: the current ones, then the earlier ones."""
    return cells.reset_index(drop=True) if revisions.empty else pd.concat([cells, revisions], ignore_index=True)


def current_and_earlier(vintages: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Part the current vintage of each cell, the last published, from those before it.

    Parameters
    ----------
    vintages
        Rows of cells, at most one per authority, year, indicator and publication date.

    Returns
    -------
    tuple of pandas.DataFrame
        The current rows and the earlier ones, each in the order given.
    """
    last = ~vintages.sort_values("publication_date", kind="stable").duplicated(CELL, keep="last").sort_index()
    return vintages[last].reset_index(drop=True), vintages[~last].reset_index(drop=True)


def published_by(vintages: pd.DataFrame, day: datetime.date) -> pd.DataFrame:
    """Vintages that were published by a day."""
    return vintages[vintages["publication_date"] <= pd.Timestamp(day)].reset_index(drop=True)


def chained(current: pd.DataFrame, earlier: pd.DataFrame) -> pd.DataFrame:
    """Vintages of the cells that several releases hold, each dated when it became known.

    A figure that no later release at hand changes has one vintage: the row of the newest release, dated by the first
    publication of its period. A figure that was restated has one for each value it took: the first is dated by that
    first publication, a later one by the first release at hand that has it. So a restated value is never taken for
    known before a release at hand shows it, though one that is not at hand may have shown it earlier; and the first
    value at hand stands for the first publication, though it may itself be a restatement.

    Parameters
    ----------
    current, earlier
        Rows of cells as the newest release of each and the releases before it have them. `publication_date` is the
        nominal first publication of the period, `released` the date of the release.

    Returns
    -------
    pandas.DataFrame
        One row per vintage of the cells of `current`, without `released`; the last vintage of a cell has the figures
        and the source of `current`.

    Raises
    ------
    DataError
        A cell stands twice in `current`, or a release that changes it is dated before the one it changes.
    """
    twice = current[current.duplicated(CELL)]
    if not twice.empty:
        raise DataError(
            [f"{_named(row)}: two current releases have it; let one reader read it" for row in _rows(twice)]
        )
    cells, again = (pd.MultiIndex.from_frame(rows[CELL]) for rows in (current, earlier))
    once = current[~cells.isin(again)]
    rows = pd.concat([earlier[again.isin(cells)], current[cells.isin(again)].assign(newest=True)], ignore_index=True)
    rows = rows.sort_values([*CELL, "newest", "released"], na_position="first", ignore_index=True)
    rows["vintage"] = _differs_from_the_one_before(rows).groupby([rows[name] for name in CELL]).cumsum()
    shown = rows.groupby([*CELL, "vintage"])["released"].transform("min")
    rows["publication_date"] = rows["publication_date"].where(rows["vintage"] == 0, shown)
    rows = rows[~rows.duplicated([*CELL, "vintage"], keep="last")]
    early = rows.duplicated(CELL) & ~(rows.groupby(CELL)["publication_date"].diff() > pd.Timedelta(0))
    if early.any():
        raise DataError(
            [
                f"{_named(row)}: {row.source} restates it, but is dated {row.publication_date:%Y-%m-%d}, not after the "
                "figure that it replaces; correct the date of the release"
                for row in _rows(rows[early])
            ]
        )
    return pd.concat([once, rows.drop(columns=["newest", "vintage"])], ignore_index=True).drop(columns="released")


def _rows(rows: pd.DataFrame) -> list[Any]:
    return list(rows.itertuples())


def _named(row: Any) -> str:
    return f"authority {row.authority}, year {row.year}, indicator {row.indicator}"


def _differs_from_the_one_before(rows: pd.DataFrame) -> pd.Series:
    """Whether a row's figures differ from those of the row above it about the same cell."""
    before = rows.groupby(CELL)[list(FIGURES)].shift()
    same = (rows[list(FIGURES)] == before) | (rows[list(FIGURES)].isna() & before.isna())
    return rows.duplicated(CELL) & ~same.all(axis=1)
