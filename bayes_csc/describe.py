"""What a panel holds: coverage, suppression and national series, as labelled tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from bayes_csc.cell_check import STATUSES
from bayes_csc.geography import codes_of, existing
from bayes_csc.indicators import Indicator
from bayes_csc.panel import Panel
from bayes_csc.revisions import current_cells

COUNTED = ("binomial", "poisson")


def identity(panel: Panel) -> dict[str, str]:
    """What every output says of its panel: `name`, `date`, `published_by` and `hash` (SHA-256)."""
    published = panel.published_by or panel.date
    return {
        "name": panel.name, "date": panel.date.isoformat(), "published_by": published.isoformat(), "hash": panel.hash
    }  # fmt: skip


def coverage(panel: Panel) -> pd.DataFrame:
    """Cells by status, and authorities without a row, of each indicator and year.

    Parameters
    ----------
    panel
        The data.

    Returns
    -------
    pandas.DataFrame
        Indexed by `indicator` (in the dictionary's order) and `year`: the number of current cells of each status
        (they sum to the panel's cells; a joint return is one), and `no_row`, the authorities that existed at the end
        of the reference period and are in none of them.
    """
    cells = current_cells(panel)
    groups = cells.groupby(["indicator", "year"])
    counts = groups["status"].value_counts().unstack(fill_value=0).reindex(columns=list(STATUSES), fill_value=0)
    missing = {place: len(without_row(panel, group)) for place, group in groups}
    counts["no_row"] = pd.Series(missing, dtype=int).reindex(counts.index)
    counts.columns.name = None
    return _in_dictionary_order(counts, panel)


def without_row(panel: Panel, cells: pd.DataFrame) -> list[str]:
    """Codes of the authorities that existed when these cells' period ended and are in none of them."""
    there = existing(panel.authorities, cells["reference_end"].max().date())
    named = {code for unit in cells["authority"] for code in codes_of(unit)}
    return sorted(set(there) - named)


def statuses(panel: Panel, indicator: str) -> pd.DataFrame:
    """Status of one indicator in each authority and year in which the authority existed.

    Parameters
    ----------
    panel
        The data.
    indicator
        Its key.

    Returns
    -------
    pandas.DataFrame
        `authority` (a code: a joint return gives its status to each of its own), `year`, `status`, "no_row" among them.
    """
    cells = current_cells(panel)
    cells = cells[cells["indicator"] == indicator]
    named = cells.assign(authority=cells["authority"].map(codes_of)).explode("authority")
    absent = [
        {"authority": code, "year": year, "status": "no_row"}
        for year, group in cells.groupby("year")
        for code in without_row(panel, group)
    ]
    columns = ["authority", "year", "status"]
    return pd.concat([named[columns], pd.DataFrame(absent, columns=columns)], ignore_index=True)


def suppression(panel: Panel) -> pd.DataFrame:
    """How much of each indicator is suppressed, and how much its intervals leave open.

    Parameters
    ----------
    panel
        The data.

    Returns
    -------
    pandas.DataFrame
        Indexed by `indicator`: `cells`; `suppressed`; `share` of cells; `no_denominator`, suppressed cells whose
        denominator is hidden too; `median_width` and `widest`, of upper - lower.
    """
    cells = current_cells(panel)
    hidden = cells[cells["status"] == "suppressed"]
    width = (hidden["upper"] - hidden["lower"]).groupby(hidden["indicator"])
    count = pd.DataFrame(
        {
            "cells": cells.groupby("indicator").size(),
            "suppressed": hidden.groupby("indicator").size(),
            "no_denominator": hidden["denominator"].isna().groupby(hidden["indicator"]).sum(),
        }
    ).reindex(list(panel.indicators))
    count = count.fillna(0).astype(int).rename_axis("indicator")
    share = count["suppressed"] / count["cells"].where(count["cells"] > 0)
    return count.assign(share=share, median_width=width.median(), widest=width.max())


def national(panel: Panel) -> pd.DataFrame:
    """Each indicator pooled over authorities, year by year.

    For counts, the sum of numerators over the sum of denominators of the observed cells. Suppression hides small
    counts, so that this alone can lie to one side; `lower` and `upper` put every suppressed count whose denominator
    is shown at the ends of its interval and pool it with the rest. Other families: the mean, weighted by the
    denominators where every observed cell has one.

    Parameters
    ----------
    panel
        The data.

    Returns
    -------
    pandas.DataFrame
        Indexed by `indicator` and `year`: `numerator`, `denominator` (NaN unless counted), `value`, `lower`,
        `upper`, `authorities` (in the value; a joint return counts each of its own), `within` (in `lower` and `upper`),
        `of` (that existed), `share` (authorities / of), and `how`, one of "pooled", "weighted mean", "mean".
    """
    cells = current_cells(panel)
    cells = cells.assign(codes=cells["authority"].map(lambda unit: len(codes_of(unit))))
    rows = []
    for (key, year), group in cells.groupby(["indicator", "year"]):
        indicator = panel.indicators[str(key)]
        observed, hidden = group[group["status"] == "observed"], group.iloc[:0]
        if indicator.family in COUNTED:
            observed = observed[observed["denominator"] > 0]
            bounded = group["denominator"].gt(0) & group["lower"].notna() & group["upper"].notna()
            hidden = group[group["status"].eq("suppressed") & bounded]
        figures = _pooled(indicator, observed, hidden) if indicator.family in COUNTED else _mean(observed)
        there = len(existing(panel.authorities, group["reference_end"].max().date()))
        taking = int(observed["codes"].sum())
        counts = {"authorities": taking, "within": taking + int(hidden["codes"].sum()), "of": there}
        share = taking / there if there else np.nan
        rows.append({"indicator": key, "year": year, **figures, **counts, "share": share})
    return _in_dictionary_order(pd.DataFrame(rows).set_index(["indicator", "year"]), panel)


def _pooled(indicator: Indicator, observed: pd.DataFrame, hidden: pd.DataFrame) -> dict[str, Any]:
    upper = hidden["upper"].clip(upper=hidden["denominator"]) if indicator.family == "binomial" else hidden["upper"]
    numerator, denominator = observed["numerator"].sum(), observed["denominator"].sum()
    everything = denominator + hidden["denominator"].sum()
    return {
        "numerator": numerator,
        "denominator": denominator,
        "value": numerator / denominator if denominator else np.nan,
        "lower": (numerator + hidden["lower"].sum()) / everything if everything else np.nan,
        "upper": (numerator + upper.sum()) / everything if everything else np.nan,
        "how": "pooled",
    }


def _mean(observed: pd.DataFrame) -> dict[str, Any]:
    weighted = bool(observed["denominator"].gt(0).all()) and len(observed) > 0
    weight = observed["denominator"] if weighted else pd.Series(1.0, index=observed.index)
    value = float((observed["value"] * weight).sum() / weight.sum()) if len(observed) else np.nan
    how = "weighted mean" if weighted else "mean"
    return {"numerator": np.nan, "denominator": np.nan, "value": value, "lower": value, "upper": value, "how": how}


def _in_dictionary_order(table: pd.DataFrame, panel: Panel) -> pd.DataFrame:
    place = {key: i for i, key in enumerate(panel.indicators)}
    order = table.index.get_level_values("indicator").map(place)
    return table.iloc[np.lexsort((table.index.get_level_values("year"), order))]
