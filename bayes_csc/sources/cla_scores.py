"""Strengths and difficulties of children looked after for 12 months: the mean score of those aged 5 to 16."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from bayes_csc.indicators import Indicator
from bayes_csc.sources.cells import panel_cells, year_to_march
from bayes_csc.sources.cla_counts import LongCount, Place, WideCount, files, published
from bayes_csc.sources.cla_health import EARLY, RELEASES, SCORES
from bayes_csc.sources.cla_sheets import NAMES, Sheet, sheet_entries
from bayes_csc.sources.tables import Entry

MEAN, SCORED = (
    "Average score per child",
    "Number of children looked after for at least 12 months aged 5 to 16 with an SDQ score",
)
# Each year from the newest table that has it.
SCORE_SHEETS = {
    2011: Sheet(
        "cla-outcomes-2013", f"{EARLY}/2013/sheet7_oc24.csv", (2011, 2012, 2013), named=True, encoding="utf-8-sig"
    ),
    2012: Sheet(
        "cla-outcomes-2014", f"{EARLY}/2014/sheet7_oc24.csv", (2012, 2013, 2014), named=True, encoding="utf-8-sig"
    ),
    2013: Sheet(
        "cla-outcomes-2015", f"{EARLY}/2015/sheet_extra_sdq.csv", (2013, 2014, 2015), named=False, encoding="cp1252"
    ),
    **dict.fromkeys(
        (2014, 2015, 2016),
        Sheet(
            "cla-outcomes-2016", f"{EARLY}/2016/sheet_extra_sdq.csv", (2014, 2015, 2016), named=False, encoding="cp1252"
        ),
    ),
}
SCORE = "sdq_score"
SCORE_COUNTS: tuple[Place, ...] = (
    WideCount(SCORE, "cla-sfr50-2017", f"{EARLY}/2017/SFR50_OC22017.csv", 2017, ("OC2_SDQaverage",), "OC2_SDQ"),
    *(
        LongCount(
            SCORE, source, file, years, (group, SCORES), category, count, ("SDQ average score",),
            "SDQ score was received",
        )
        for source, file, years, group, category, count in RELEASES
    ),
)  # fmt: skip
FILES = files(SCORE_COUNTS) | {NAMES, *(sheet.file for sheet in SCORE_SHEETS.values())}


def strengths_and_difficulties(raw: Path, indicators: Mapping[str, Indicator]) -> pd.DataFrame:
    """Read the mean score of the Strengths and Difficulties Questionnaire, 2011 to 2025.

    Parameters
    ----------
    raw
        Folder of the official files.
    indicators
        The dictionary.

    Returns
    -------
    pandas.DataFrame
        Cells of a panel; see `bayes_csc.sources.cla.looked_after`.
    """
    indicator = indicators[SCORE]
    sheets = [_sheet_scores(raw, sheet, year, indicator) for year, sheet in SCORE_SHEETS.items()]
    return pd.concat([*sheets, *[_scores(raw, place, indicator) for place in SCORE_COUNTS]])


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
        As `bayes_csc.sources.cells.cell`, with the mean as the value and the children as the denominator.

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


def _sheet_scores(raw: Path, sheet: Sheet, year: int, indicator: Indicator) -> pd.DataFrame:
    keys, found = sheet_entries(raw, sheet, {"mean": MEAN, "scored": SCORED}, year)
    figures = [score_cell(*parts) for parts in zip(found["mean"], found["scored"], strict=True)]
    return panel_cells(indicator, keys, figures, sheet.source)


def _scores(raw: Path, place: Place, indicator: Indicator) -> pd.DataFrame:
    keys, found = published(raw, place)
    figures = [score_cell(*parts) for parts in zip(found[place.numerator[0]], found[place.denominator], strict=True)]
    return panel_cells(indicator, keys.join(year_to_march(keys["year"])), figures, place.source)
