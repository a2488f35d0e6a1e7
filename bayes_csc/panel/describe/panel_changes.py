"""What one panel has that an earlier one had not: inspections, revised figures, new years of figures."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from bayes_csc.panel.panel import INSPECTION, Panel
from bayes_csc.panel.revisions import CELL, FIGURES, current_cells

INSPECTION_KEY = [*INSPECTION, "type"]


@dataclass(frozen=True)
class PanelChanges:
    """What changed from one panel to the next.

    Parameters
    ----------
    inspections
        One row per inspection that changed, by authority and date: `change` ("new", "gone", or "other judgements" where
        both panels have it and a grade differs), `authority`, `name`, `framework`, `type`, `start_date` (NaT where
        unknown), `publication_date`.
    revised
        Figures that both panels have and that differ, indexed by `indicator` in the dictionary's order: `label`,
        `cells`, `first_year`, `last_year`.
    new_years
        Years of which the earlier panel had no figure of an indicator, indexed by `indicator` and `year`: `label`,
        `cells`.
    other_cells
        Further figures that only one panel has, indexed by `indicator`: `label`, `new`, `gone`.
    """

    inspections: pd.DataFrame
    revised: pd.DataFrame
    new_years: pd.DataFrame
    other_cells: pd.DataFrame

    @property
    def none(self) -> bool:
        """Whether nothing changed."""
        return all(table.empty for table in (self.inspections, self.revised, self.new_years, self.other_cells))


def panel_changes(old: Panel, new: Panel) -> PanelChanges:
    """Compare two panels.

    Parameters
    ----------
    old, new
        The earlier and the later panel. Of figures the current vintage of each counts.

    Returns
    -------
    PanelChanges
        Labelled tables, each empty where nothing changed.
    """
    labels = {key: indicator.label for panel in (old, new) for key, indicator in panel.indicators.items()}
    before, after = (current_cells(panel)[[*CELL, *FIGURES]] for panel in (old, new))
    both = before.merge(after, on=CELL, how="outer", suffixes=("_old", ""), indicator="side")
    there = both["side"] == "both"
    groups = both[there & _differ(both)].groupby("indicator")["year"]
    revised = pd.DataFrame({"cells": groups.size(), "first_year": groups.min(), "last_year": groups.max()})
    only_new, gone = both[both["side"] == "right_only"], both[both["side"] == "left_only"]
    had = pd.MultiIndex.from_frame(before[["indicator", "year"]].drop_duplicates())
    fresh = ~pd.MultiIndex.from_frame(only_new[["indicator", "year"]]).isin(had)
    years = only_new[fresh].groupby(["indicator", "year"]).size().to_frame("cells")
    further = {"new": only_new[~fresh].groupby("indicator").size(), "gone": gone.groupby("indicator").size()}
    other = pd.DataFrame(further).fillna(0).astype(int).rename_axis("indicator")
    return PanelChanges(
        _inspections(old, new), _labelled(revised, labels), _labelled(years, labels), _labelled(other, labels)
    )


def _differ(both: pd.DataFrame) -> pd.Series:
    """Whether the figures of a cell differ from the earlier panel to the later one."""
    earlier = both[[f"{name}_old" for name in FIGURES]].set_axis(FIGURES, axis=1)
    later = both[FIGURES]
    same = (earlier == later) | (earlier.isna() & later.isna())
    return ~same.all(axis=1)


def _labelled(table: pd.DataFrame, labels: dict[str, str]) -> pd.DataFrame:
    """Put the label of each indicator first, and indicators in the dictionary's order."""
    keys = table.index.get_level_values("indicator")
    table.insert(0, "label", keys.map(labels))
    order = {key: place for place, key in enumerate(labels)}
    place = pd.Series(keys.map(order), index=table.index)
    return table.iloc[place.argsort(kind="stable").to_numpy()]


def _inspections(old: Panel, new: Panel) -> pd.DataFrame:
    """Inspections that are new, gone or judged otherwise."""
    sides = [_judged(panel.inspections) for panel in (old, new)]
    both = sides[0].merge(sides[1], on=INSPECTION_KEY, how="outer", suffixes=("_old", ""), indicator="side")
    change = both["side"].map({"left_only": "gone", "right_only": "new"}).astype(object)
    change = change.fillna("other judgements").astype(str)
    both = both.assign(change=change)
    both = both[(both["side"] != "both") | (both["judged"] != both["judged_old"])]
    names = {**old.authorities["name"].to_dict(), **new.authorities["name"].to_dict()}
    both = both.assign(name=both["authority"].map(names))
    columns = ["change", "authority", "name", "framework", "type", "start_date", "publication_date"]
    return both[columns].sort_values(["change", "publication_date", "authority"], ignore_index=True)


def _judged(inspections: pd.DataFrame) -> pd.DataFrame:
    """One row per inspection, with its judgements as a text."""
    rows = inspections.sort_values("domain")
    text = rows["domain"] + "=" + rows["grade"].astype(str)
    return (
        text.groupby([rows[name] for name in INSPECTION_KEY], dropna=False).agg(" ".join).rename("judged").reset_index()
    )
