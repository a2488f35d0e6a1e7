"""Inspections beside the indicators that were known when they started."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from bayes_csc.panel.geography import codes_of
from bayes_csc.panel.panel import OVERALL, Panel, inspection_dates
from bayes_csc.panel.vintages import all_vintages

WIDEST = 0.1
"""Of a suppressed count's interval, in parts of its denominator, for its middle to stand for it."""
OLDEST_YEARS = 3
"""A figure whose period ended longer before an inspection says nothing about it."""


def overall_inspections(panel: Panel) -> pd.DataFrame:
    """Overall judgements in order of their start: authority, start, publication, framework, grade."""
    rows = panel.compared(panel.inspections[panel.inspections["domain"] == OVERALL]).dropna(subset="grade")
    out = pd.DataFrame(
        {
            "authority": rows["authority"],
            "start": inspection_dates(panel.inspections).loc[rows.index],
            "publication": rows["publication_date"],
            "framework": rows["framework"],
            "grade": rows["grade"].astype(int),
        }
    )
    return out.sort_values(["start", "authority"], ignore_index=True)


def share_vintages(panel: Panel, keys: Sequence[str]) -> pd.DataFrame:
    """Every vintage of shares as one number per authority: authority, indicator, year, share, ended, published.

    A suppressed count stands at the middle of its interval if that is at most `WIDEST` of its denominator wide; else
    there is no share. A joint return is one of each of its authorities.
    """
    cells = all_vintages(panel.cells, panel.revisions)
    cells = cells[cells["indicator"].isin(list(keys)) & cells["denominator"].gt(0)]
    narrow = cells["status"].eq("suppressed") & (cells["upper"] - cells["lower"]).le(WIDEST * cells["denominator"])
    count = cells["numerator"].where(cells["status"].eq("observed"))
    count = count.fillna(((cells["lower"] + cells["upper"]) / 2).where(narrow))
    out = pd.DataFrame(
        {
            "authority": cells["authority"].map(codes_of),
            "indicator": cells["indicator"],
            "year": cells["year"],
            "share": count / cells["denominator"],
            "ended": cells["reference_end"],
            "published": cells["publication_date"],
        }
    )
    return out.dropna(subset="share").explode("authority", ignore_index=True)


def known_at_start(
    inspections: pd.DataFrame, panel: Panel, indicators: Mapping[str, Sequence[str]], *, first_if_none: pd.Series
) -> pd.DataFrame:
    """Attach to each inspection the shares that had been published when it started.

    Of each indicator the latest period, in the vintage that was current then, if it ended at most `OLDEST_YEARS` years
    before. Where nothing had been published, and `first_if_none` holds, the figure of the next period to be published:
    one known only after the fact.

    Parameters
    ----------
    inspections
        Of `overall_inspections`.
    panel
        The data.
    indicators
        By column, the keys of the panel's indicators that are its figure, in different years.
    first_if_none
        Of each inspection.

    Returns
    -------
    pandas.DataFrame
        `inspections` with a column for each of `indicators` (NaN where there is no figure) and NAME_after: whether it
        was known only after the fact.
    """
    out = inspections.copy()
    for name, keys in indicators.items():
        figures = share_vintages(panel, keys)
        pairs = inspections[["authority", "start"]].reset_index(names="inspection").merge(figures, on="authority")
        known = pairs[pairs["published"] <= pairs["start"]].sort_values(["inspection", "year", "published"])
        latest = known.groupby("inspection").last()
        fresh = latest[latest["ended"] >= latest["start"] - pd.DateOffset(years=OLDEST_YEARS)]
        opened = figures.groupby("year")["published"].min()
        later = pairs[pairs["year"] == pairs["start"].map(lambda start, o=opened: o.index[o > start].min())]
        first = later.sort_values(["inspection", "published"]).groupby("inspection").first()
        after = first.index.difference(latest.index).intersection(inspections.index[first_if_none])
        out[name] = pd.concat([fresh["share"], first["share"].loc[after]]).reindex(inspections.index).astype(float)
        out[f"{name}_after"] = inspections.index.isin(after)
    return out
