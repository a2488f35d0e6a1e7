"""What a panel holds: coverage, suppression and national series, as labelled tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from bayes_csc.panel.cell_checks import STATUSES
from bayes_csc.panel.families import families_with
from bayes_csc.panel.geography import codes_of, existing
from bayes_csc.panel.panel import Panel
from bayes_csc.panel.revisions import current_cells


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
    there = _existing(panel, groups["reference_end"].max())
    missing = {place: len(_without_row(there[place], units)) for place, units in groups["authority"]}
    counts["no_row"] = pd.Series(missing, dtype=int).reindex(counts.index)
    counts.columns.name = None
    return _in_dictionary_order(counts, panel)


def _existing(panel: Panel, ends: pd.Series) -> dict[Any, pd.Index]:
    """Authorities that existed on the last day of each period; there are far fewer days than periods."""
    on = {day: existing(panel.authorities, day.date()) for day in ends.unique()}
    return {place: on[day] for place, day in ends.items()}


def _without_row(there: pd.Index, units: pd.Series) -> list[str]:
    named = {code for unit in units for code in codes_of(unit)}
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
    years = cells.groupby("year")
    there = _existing(panel, years["reference_end"].max())
    absent = [
        {"authority": code, "year": year, "status": "no_row"}
        for year, units in years["authority"]
        for code in _without_row(there[year], units)
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
    family = cells["indicator"].map({key: indicator.family for key, indicator in panel.indicators.items()})
    counted, denominator = family.isin(families_with("counted")), cells["denominator"].where(cells["denominator"] > 0)
    observed = cells["status"].eq("observed") & (denominator.notna() | ~counted)
    hidden = cells["status"].eq("suppressed") & counted & cells[["lower", "upper"]].notna().all(axis=1)
    hidden &= denominator.notna()
    codes = cells["authority"].map(lambda unit: len(codes_of(unit)))
    place = [cells["indicator"], cells["year"]]
    weighted = (denominator.notna() | ~observed).groupby(place).transform("all")
    weight = denominator.where(weighted, 1.0)
    share = family.isin(families_with("share"))
    upper = cells["upper"].where(~share, cells["upper"].clip(upper=denominator))
    sums = pd.DataFrame(
        {
            "numerator": cells["numerator"].where(observed & counted),
            "denominator": denominator.where(observed & counted),
            "low": cells["lower"].where(hidden),
            "high": upper.where(hidden),
            "hidden": denominator.where(hidden),
            "total": (cells["value"] * weight).where(observed & ~counted),
            "weight": weight.where(observed & ~counted),
            "authorities": codes.where(observed, 0),
            "within": codes.where(observed | hidden, 0),
        }
    ).groupby(place)
    known = sums.sum()
    groups = cells.groupby(["indicator", "year"])
    there = _existing(panel, groups["reference_end"].max())
    table = _figures(known, counted.groupby(place).all()).assign(
        authorities=known["authorities"].astype(int),
        within=known["within"].astype(int),
        of=pd.Series({where: len(codes) for where, codes in there.items()}, dtype=int).reindex(known.index),
    )
    table["share"] = table["authorities"] / table["of"]
    means = pd.Series(np.where(weighted.groupby(place).all(), "weighted mean", "mean"), index=known.index)
    table["how"] = means.where(~counted.groupby(place).all(), "pooled")
    return _in_dictionary_order(table, panel)


def _figures(sums: pd.DataFrame, counted: pd.Series) -> pd.DataFrame:
    """Figures of each indicator and year from its sums over cells."""
    seen, everything = sums["denominator"], sums["denominator"] + sums["hidden"]
    mean = sums["total"] / sums["weight"].where(sums["weight"] > 0)
    bounds = {
        name: ((sums["numerator"] + sums[end]) / everything.where(everything > 0)).where(counted, mean)
        for name, end in (("lower", "low"), ("upper", "high"))
    }
    return pd.DataFrame(
        {
            "numerator": sums["numerator"].where(counted),
            "denominator": seen.where(counted),
            "value": (sums["numerator"] / seen.where(seen > 0)).where(counted, mean),
            **bounds,
        }
    )


def _in_dictionary_order(table: pd.DataFrame, panel: Panel) -> pd.DataFrame:
    place = {key: i for i, key in enumerate(panel.indicators)}
    order = table.index.get_level_values("indicator").map(place)
    return table.iloc[np.lexsort((table.index.get_level_values("year"), order))]
