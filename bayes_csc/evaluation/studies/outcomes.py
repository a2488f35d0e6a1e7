"""Outcomes of looked-after children and care leavers as one index per authority and year, beside its grade."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bayes_csc.evaluation.studies.inspected import overall_inspections, share_vintages
from bayes_csc.measurement.deprivation import deprivation_scores
from bayes_csc.panel.panel import Panel

OUTCOMES = (
    "three_placements", "same_placement_2_years", "same_carer_2_years", "care_leaver_activity",
    "care_leaver_accommodation", "care_leaver_in_touch", "health_assessment", "dental_check", "immunisations",
    "sdq_score", "convictions",
)  # fmt: skip
"""Indicators of agreed polarity on looked-after children and care leavers that span years enough."""
COVERED = 0.5
"""Part of the authorities that must have an indicator in a year, and of a year's indicators that an index must have."""
UP_TO_DATE_YEARS = 2.0
"""A rating is up to date if its inspection started at most so long before the end of the outcomes' year."""
TOP = 0.1
YEAR_END = "03-31"


def outcome_scores(panel: Panel, keys: Sequence[str]) -> pd.DataFrame:
    """Each outcome, standardised over the authorities of its year, higher better: authority, year, indicator, score.

    Current vintages; an indicator counts in the years in which at least `COVERED` of the authorities have it.
    """
    values = [key for key in keys if not panel.indicators[key].distribution.counted]
    cells = panel.cells[panel.cells["indicator"].isin(values) & panel.cells["status"].eq("observed")]
    figures = pd.concat(
        [
            share_vintages(panel, [key for key in keys if key not in values]).rename(columns={"share": "figure"}),
            cells.rename(columns={"value": "figure", "publication_date": "published"}),
        ]
    )
    figures = figures.sort_values("published").drop_duplicates(["authority", "indicator", "year"], keep="last")
    sign = figures["indicator"].map({key: panel.indicators[key].sign for key in keys})
    figures = figures.assign(coded=sign * figures["figure"])
    same = figures.groupby(["indicator", "year"])["coded"]
    n = figures["year"].map(figures.groupby("year")["authority"].nunique())
    score = (figures["coded"] - same.transform("mean")) / same.transform("std", ddof=0)
    out = figures.assign(score=score)[same.transform("size") >= COVERED * n]
    return out[["authority", "year", "indicator", "score"]].dropna().sort_values(["year", "indicator", "authority"])


def outcome_index(scores: pd.DataFrame) -> pd.DataFrame:
    """Mean score of each authority and year with at least `COVERED` of the year's outcomes: authority, year, index."""
    known = scores.groupby(["authority", "year"])["score"].agg(["mean", "size"]).reset_index()
    possible = known["year"].map(scores.groupby("year")["indicator"].nunique())
    out = known[known["size"] >= COVERED * possible].rename(columns={"mean": "index"})
    return out[["authority", "year", "index"]].reset_index(drop=True)


def graded_outcomes(panel: Panel, scores: pd.DataFrame) -> pd.DataFrame:
    """Index, deprivation-adjusted index, top tenth by either, and grade of each authority and year.

    Parameters
    ----------
    panel
        The data.
    scores
        Of `outcome_scores`.

    Returns
    -------
    pandas.DataFrame
        authority, year, index, adjusted (residual of the index from its regression on deprivation in the year), top and
        adjusted_top (whether among the best tenth of the year's authorities), grade (of the last overall inspection
        that started by the end of the year) and up_to_date. Authorities not yet inspected count for the top tenth and
        are then left out.
    """
    index = outcome_index(scores)
    deprivation = deprivation_scores(panel, "")
    index = index.assign(deprivation=index["authority"].map(deprivation)).dropna(subset="deprivation")
    parts = []
    for _, rows in index.groupby("year"):
        x = rows["deprivation"] - rows["deprivation"].mean()
        slope = (x * rows["index"]).sum() / ((x**2).sum() or 1.0)
        adjusted = rows["index"] - rows["index"].mean() - slope * x
        parts.append(rows.assign(adjusted=adjusted, top=_top(rows["index"]), adjusted_top=_top(adjusted)))
    out = pd.concat(parts, ignore_index=True)
    out["end"] = pd.to_datetime(out["year"].astype(str) + "-" + YEAR_END)
    inspections = overall_inspections(panel)[["authority", "start", "grade"]]
    out = pd.merge_asof(
        out.sort_values("end"), inspections.sort_values("start"), left_on="end", right_on="start", by="authority"
    ).dropna(subset="grade")
    age = (out["end"] - out["start"]).dt.days / 365.25
    out = out.assign(grade=out["grade"].astype(int), up_to_date=age <= UP_TO_DATE_YEARS)
    return out.sort_values(["year", "authority"], ignore_index=True).drop(columns=["end", "deprivation"])


def _top(values: pd.Series) -> np.ndarray:
    """Whether each value is among the best tenth; as many as the tenth, rounded, ties at the last place too."""
    count = max(1, round(TOP * len(values)))
    return np.asarray(values >= np.sort(values.to_numpy())[-count])
