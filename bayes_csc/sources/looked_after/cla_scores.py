"""Strengths and difficulties of children looked after for 12 months: the mean score of those aged 5 to 16."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from bayes_csc.panel.indicators import Indicator
from bayes_csc.sources.download.official import Official
from bayes_csc.sources.looked_after.cla_counts import LongCount, Place, WideCount, published
from bayes_csc.sources.looked_after.cla_health import RELEASES, SCORES
from bayes_csc.sources.looked_after.cla_sheets import Sheet, sheet_entries
from bayes_csc.sources.readers.cells import panel_cells, year_to_march
from bayes_csc.sources.readers.tables import Entry

MEAN, SCORED = (
    "Average score per child",
    "Number of children looked after for at least 12 months aged 5 to 16 with an SDQ score",
)
# Each year from the newest table that has it.
SCORE_SHEETS = {
    2011: Sheet("cla_2013_sheet7_oc24", (2011, 2012, 2013), named=True, encoding="utf-8-sig"),
    2012: Sheet("cla_2014_sheet7_oc24", (2012, 2013, 2014), named=True, encoding="utf-8-sig"),
    2013: Sheet("cla_2015_sheet_extra_sdq", (2013, 2014, 2015), named=False, encoding="cp1252"),
    **dict.fromkeys(
        (2014, 2015, 2016),
        Sheet("cla_2016_sheet_extra_sdq", (2014, 2015, 2016), named=False, encoding="cp1252"),
    ),
}
SCORE = "sdq_score"
SCORE_COUNTS: tuple[Place, ...] = (
    WideCount(SCORE, "cla_2017_oc2", 2017, ("OC2_SDQaverage",), "OC2_SDQ"),
    *(
        LongCount(
            SCORE, file, years, (group, SCORES), category, count, ("SDQ average score",),
            "SDQ score was received",
        )
        for file, years, group, category, count in RELEASES
    ),
)  # fmt: skip


def strengths_and_difficulties(official: Official, indicators: Mapping[str, Indicator]) -> pd.DataFrame:
    """Read the mean score of the Strengths and Difficulties Questionnaire, 2011 to 2025.

    Parameters
    ----------
    official
        The official files.
    indicators
        The dictionary.

    Returns
    -------
    pandas.DataFrame
        Cells of a panel; see `bayes_csc.sources.looked_after.cla.looked_after`.
    """
    indicator = indicators[SCORE]
    sheets = [_sheet_scores(official, sheet, year, indicator) for year, sheet in SCORE_SHEETS.items()]
    return pd.concat([*sheets, *[_scores(official, place, indicator) for place in SCORE_COUNTS]])


def score_cell(mean: Entry, scored: Entry) -> dict[str, Any]:
    """Turn a mean score and the number of children with a score into a cell.

    A mean without the number of children it is of cannot be weighed, and a mean that is suppressed can be anything:
    both are not available.

    Parameters
    ----------
    mean
        Mean score.
    scored
        Children with a score.

    Returns
    -------
    dict
        As `bayes_csc.sources.readers.cells.cell`, with the mean as the value and the children as the denominator.

    Examples
    --------
    >>> found = score_cell(Entry("observed", 14.1, 14.1), Entry("observed", 55, 55))
    >>> found["value"], found["denominator"], found["status"]
    (14.1, 55, 'observed')
    """
    blank = dict.fromkeys(("numerator", "denominator", "value", "lower", "upper"), float("nan"))
    if "not_applicable" in (mean.status, scored.status) or scored.upper == 0:
        return {**blank, "status": "not_applicable"}
    if mean.status == scored.status == "observed":
        return {**blank, "value": mean.lower, "denominator": scored.lower, "status": "observed"}
    return {**blank, "status": "not_available"}


def _sheet_scores(official: Official, sheet: Sheet, year: int, indicator: Indicator) -> pd.DataFrame:
    keys, found = sheet_entries(official, sheet, {"mean": MEAN, "scored": SCORED}, year)
    figures = [score_cell(*parts) for parts in zip(found["mean"], found["scored"], strict=True)]
    return panel_cells(indicator, keys, figures, official.source(sheet.file))


def _scores(official: Official, place: Place, indicator: Indicator) -> pd.DataFrame:
    keys, found = published(official, place)
    figures = [score_cell(*parts) for parts in zip(found[place.numerator[0]], found[place.denominator], strict=True)]
    return panel_cells(indicator, keys.join(year_to_march(keys["year"])), figures, official.source(place.file))
