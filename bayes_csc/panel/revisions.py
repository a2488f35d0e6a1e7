"""Revisions: cells whose figure differs from one published vintage to the next, and the current ones."""

from __future__ import annotations

import pandas as pd

from bayes_csc.errors import DataError
from bayes_csc.panel.panel import Panel

CELL = ["indicator", "authority", "year"]
FIGURES = ["numerator", "denominator", "value", "status", "lower", "upper"]


def vintages(panel: Panel) -> pd.DataFrame:
    """Every published row of every cell, oldest first within its cell.

    Parameters
    ----------
    panel
        The data; earlier vintages may stand among its cells or, where the panel keeps them apart, in `revisions`.

    Returns
    -------
    pandas.DataFrame
        Columns as in `Panel.cells`.
    """
    earlier = getattr(panel, "revisions", None)
    rows = panel.cells if earlier is None or earlier.empty else pd.concat([panel.cells, earlier])
    return rows.sort_values([*CELL, "publication_date"], ignore_index=True)


def current_cells(panel: Panel) -> pd.DataFrame:
    """The latest published row of each cell, columns as in `Panel.cells`.

    Raises
    ------
    DataError
        There is none.
    """
    rows = vintages(panel)
    if rows.empty:
        raise DataError(f"{panel.name}: the indicator files have a header but no cell; there is nothing to describe")
    return rows[~rows.duplicated(CELL, keep="last")].reset_index(drop=True)


def revisions(panel: Panel) -> pd.DataFrame:
    """Steps from one vintage of a cell to the next in which its figure changed.

    Parameters
    ----------
    panel
        The data.

    Returns
    -------
    pandas.DataFrame
        `indicator`, `authority`, `year`; `value_from`, `value`, their difference `change` (NaN unless both are
        observed); `denominator_from`, `denominator`; `status_from`, `status`; `published_from`, `published`
        (datetimes); `source_from`, `source`.
    """
    rows = vintages(panel)
    before = rows.shift(1)
    again = rows.duplicated(CELL)
    same = (rows[FIGURES].eq(before[FIGURES]) | (rows[FIGURES].isna() & before[FIGURES].isna())).all(axis=1)
    now, before = rows[again & ~same], before[again & ~same]
    steps = now[CELL].assign(
        value_from=before["value"].astype(float), value=now["value"],
        change=now["value"] - before["value"].astype(float),
        denominator_from=before["denominator"].astype(float),
        denominator=now["denominator"],
        status_from=before["status"], status=now["status"],
        published_from=pd.to_datetime(before["publication_date"]), published=now["publication_date"],
        source_from=before["source"], source=now["source"],
    )  # fmt: skip
    return steps.reset_index(drop=True)


def revision_summary(panel: Panel) -> pd.DataFrame:
    """Restated cells by indicator and pair of releases.

    Parameters
    ----------
    panel
        The data.

    Returns
    -------
    pandas.DataFrame
        Indexed by `indicator`, `source_from`, `source`: `cells` restated; `newly_known` and `newly_hidden`, of which
        only the later or only the earlier row is observed; `median` and `largest` absolute change of the value, with
        the `authority` and `year` of the largest. Empty where no cell has a second vintage.
    """
    steps = revisions(panel)
    known, was = steps["status"].eq("observed"), steps["status_from"].eq("observed")
    steps = steps.assign(size=steps["change"].abs(), newly_known=known & ~was, newly_hidden=was & ~known)
    groups = steps.groupby(["indicator", "source_from", "source"], sort=False)
    summary = groups.agg(
        cells=("year", "size"), newly_known=("newly_known", "sum"), newly_hidden=("newly_hidden", "sum"),
        median=("size", "median"), largest=("size", "max"),
    )  # fmt: skip
    first = steps.sort_values("size", ascending=False, kind="stable")
    where = first.groupby(["indicator", "source_from", "source"], sort=False)[["authority", "year"]].first()
    return summary.join(where)
