"""Agency workers, vacancies and turnover by the grade of the authority: the article's figures of 2014/15, recomputed.

The article (Hood, Grant, Jones and Goldacre 2016 and its authors' summary) has for 2014/15, in per cent of social
workers in full-time equivalents: agency 16 overall, 7 in good and 22 in inadequate authorities; vacancies 17, 11 and
22. The workforce census of 30 September 2015 is the first of the panel.
"""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd

from bayes_csc.errors import UsageError
from bayes_csc.evaluation.studies.intervals import INTERVAL, REPLICATES, bootstrap
from bayes_csc.evaluation.studies.study import Study, provenance, records
from bayes_csc.panel.geography import codes_of
from bayes_csc.panel.panel import Panel

MEASURES = ("agency", "vacancy", "turnover")
ALL, NONE, MIXED = "all", "not yet graded", "grades differ"
ARTICLE_YEAR = 2015
ARTICLE = {
    ("agency", ALL): 0.16, ("agency", "good"): 0.07, ("agency", "inadequate"): 0.22,
    ("vacancy", ALL): 0.17, ("vacancy", "good"): 0.11, ("vacancy", "inadequate"): 0.22,
}  # fmt: skip
"""Shares of social workers, from the article."""
ROUNDING = 0.005
"""Of a figure printed in whole per cent."""


def workforce_by_grade(
    panel: Panel, year: int | None = None, *, graded: datetime.date | None = None, seed: int = 1,
    replicates: int = REPLICATES,
) -> Study:  # fmt: skip
    """Workforce rates of one census by the latest overall grade of the authorities.

    With y and n the full-time equivalents of a return (agency workers and all social workers, say), the weighted share
    of a grade is sum y / sum n over its returns, the unweighted one the mean of y / n. Intervals are bootstrapped over
    returns within the grade.

    Parameters
    ----------
    panel
        A panel with the indicators agency, vacancy and turnover (those that it lacks are left out).
    year
        Year of the census; 2015, the article's, by default.
    graded
        Grades are those published by this day; by default the day of the census. Of a later day than the panel
        knows, those it knows.
    seed, replicates
        Of the bootstrap.

    Returns
    -------
    Study
        Table `rates`, one row per measure and grade: measure, grade, returns, fte, weighted and unweighted shares with
        _lower and _upper, article, agrees (whether the article's figure is the weighted share, rounded); table
        `grade_days`: the same shares by the grades of other days, half a year to either side; table `members`: which
        authority is in which grade.

    Raises
    ------
    UsageError
        The panel has none of the indicators, or not in this year.
    """
    year = ARTICLE_YEAR if year is None else year
    cells = _cells(panel, year)
    census = pd.Timestamp(cells["reference_end"].max()).date()
    day = min(graded or census, panel.published_by or panel.date)  # no grade is known after that
    units = sorted(cells["authority"].unique())
    grade = unit_grades(panel, units, day)
    rates = _rates(panel, cells, grade, year, seed, replicates)
    days = pd.concat([_on_day(panel, cells, units, d) for d in _days(census)], ignore_index=True)
    names = [" + ".join(panel.authorities["name"][code] for code in codes_of(u)) for u in units]
    members = pd.DataFrame({"authority": units, "name": names, "grade": grade.reindex(units).to_numpy()})
    about = provenance(
        panel, year=year, census=census.isoformat(), grades_published_by=day.isoformat(), seed=seed,
        replicates=replicates, interval=INTERVAL,
    )  # fmt: skip
    title = f"Workforce rates of {census:%d %B %Y} by overall grade as published by {day:%d %B %Y}"
    tables = {"rates": rates, "grade_days": days, "members": members.sort_values(["grade", "name"], ignore_index=True)}
    return Study("workforce-by-grade", title, tables, _words(rates, days), about)


def unit_grades(panel: Panel, units: list[str], day: datetime.date) -> pd.Series:
    """Label of the latest overall grade published by a day, of each return; a joint return has that of all its members.

    Where they differ, or none has been graded, the labels say so.
    """
    latest = panel.as_of(day).latest_grades()["grade"].dropna()
    out = {}
    for unit in units:
        found = {panel.grades[int(latest[code]) - 1] if code in latest.index else NONE for code in codes_of(unit)}
        out[unit] = found.pop() if len(found) == 1 else MIXED
    return pd.Series(out, dtype=object)


def _cells(panel: Panel, year: int) -> pd.DataFrame:
    cells = panel.cells[panel.cells["indicator"].isin(MEASURES)]
    if cells.empty:
        raise UsageError(f"panel {panel.name}: none of the indicators {', '.join(MEASURES)}; give another panel")
    if year not in set(cells["year"]):
        raise UsageError(
            f"panel {panel.name}: no workforce census of {year}; expected a year from {cells['year'].min()} "
            f"to {cells['year'].max()}"
        )
    cells = cells[cells["year"] == year]
    return cells[cells["status"].eq("observed") & cells["denominator"].gt(0)].sort_values(["indicator", "authority"])


def _rates(panel: Panel, cells: pd.DataFrame, grade: pd.Series, year: int, seed: int, replicates: int) -> pd.DataFrame:
    rows = []
    for measure in MEASURES:
        of_measure = cells[cells["indicator"] == measure]
        of_grade = of_measure["authority"].map(grade)
        for label in (ALL, *panel.grades, NONE, MIXED):
            chosen = of_measure if label == ALL else of_measure[of_grade == label]
            if chosen.empty:
                continue
            y, n = (chosen[name].to_numpy(dtype=float) for name in ("numerator", "denominator"))

            def shares(at: np.ndarray, y: np.ndarray = y, n: np.ndarray = n) -> np.ndarray:
                return np.array([y[at].sum() / n[at].sum(), (y[at] / n[at]).mean()])

            here = shares(np.arange(y.size))
            low, high = bootstrap(chosen["authority"].to_numpy(), shares, seed=seed, replicates=replicates)
            article = ARTICLE.get((measure, label), np.nan) if year == ARTICLE_YEAR else np.nan
            rows.append(
                {
                    "measure": measure, "grade": label, "returns": y.size, "fte": n.sum(),
                    "weighted": here[0], "weighted_lower": low[0], "weighted_upper": high[0],
                    "unweighted": here[1], "unweighted_lower": low[1], "unweighted_upper": high[1],
                    "article": article,
                    "agrees": None if np.isnan(article) else bool(abs(here[0] - article) <= ROUNDING + 1e-12),
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def _days(census: datetime.date) -> list[datetime.date]:
    """Ends of quarters from a year before the census to half a year after it."""
    return [(pd.Timestamp(census) + pd.tseries.offsets.QuarterEnd(n)).date() for n in range(-4, 3)]


def _on_day(panel: Panel, cells: pd.DataFrame, units: list[str], day: datetime.date) -> pd.DataFrame:
    """Weighted shares of each measure by the grades published by a day."""
    grade = unit_grades(panel, units, day)
    sums = cells.groupby(["indicator", cells["authority"].map(grade).rename("grade")])[["numerator", "denominator"]]
    out = sums.sum().assign(returns=sums.size()).reset_index().rename(columns={"indicator": "measure"})
    out = out.assign(graded_by=day.isoformat(), share=out["numerator"] / out["denominator"])
    order = {label: place for place, label in enumerate((*panel.grades, NONE, MIXED))}
    out = out.sort_values(["measure", "grade"], key=lambda c: c.map(order) if c.name == "grade" else c)
    return out[["graded_by", "measure", "grade", "returns", "share"]]


def _words(rates: pd.DataFrame, days: pd.DataFrame) -> tuple[str, ...]:
    words = [
        "Shares are of full-time equivalents, over the returns with a published count; a suppressed count is left out. "
        "Agency: of agency workers and those in post; vacancies: of vacancies and those in post; turnover: leavers of "
        "the year per worker in post.",
        "An association at one date: a grade may follow from the workforce, the workforce from the grade, and both "
        "from something else.",
    ]
    compared = rates[rates["article"].notna()]
    if compared.empty:
        return tuple(words)
    shown = [
        f"{r.measure}, {r.grade}: {r.article:.0%}, here {r.weighted:.1%} of {r.returns}" for r in records(compared)
    ]
    words.append(f"The article's 2014/15 figures beside those of this table: {'; '.join(shown)}.")
    graded = days.merge(compared[["measure", "grade", "article"]], on=["measure", "grade"])
    if not graded.empty:
        gap = (graded["share"] - graded["article"]).abs().groupby(graded["graded_by"]).mean()
        nearest = graded[graded["graded_by"] == gap.idxmin()]
        parts = [f"{r.measure}, {r.grade}: {r.share:.1%} of {r.returns}" for r in records(nearest)]
        words.append(
            "The totals do not depend on grades; the rest is who is in which grade on which day. Of the days in the "
            f"table the grades published by {gap.idxmin()} come nearest to the article: {'; '.join(parts)}."
        )
    return tuple(words)
