"""Competing forecasters by ordered regression of the next grade, from one column to all indicators."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from bayes_csc.errors import UsageError
from bayes_csc.evaluation.backtest.events import YEAR_DAYS
from bayes_csc.evaluation.backtest.forecasters.forecaster import Answer
from bayes_csc.evaluation.backtest.forecasters.ordered import chosen_penalty, fit_ordered
from bayes_csc.evaluation.backtest.forecasters.training_examples import grade_columns, lessons, past_inspections
from bayes_csc.measurement.features import features
from bayes_csc.panel.describe.composite import composite_indicators, standardised_figures
from bayes_csc.panel.indicator_selection import default_indicators
from bayes_csc.panel.panel import Panel

WEAK_PENALTY = 1.0
PENALTIES = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
FEWEST_EVENTS = 2


@dataclass(frozen=True)
class GradeAndGap:
    """Ordered logit of the grade on the previous grade and the years since it."""

    name: str = "previous grade and gap"
    penalty: float = WEAK_PENALTY

    def __call__(self, known: Panel, targets: pd.DataFrame, *, seed: int) -> Answer:
        """Probabilities by previous grade and gap."""
        past, grades = past_inspections(known), len(known.grades)
        columns, asked = (grade_columns(rows, grades).assign(gap=rows["gap"]) for rows in (past, targets))
        fitted = fit_ordered(columns, past["grade"], grades=grades, penalty=self.penalty)
        return Answer(fitted.probabilities(asked), {"events": len(past), **_plain(fitted.coefficients)})


@dataclass(frozen=True)
class GradeAndTrend:
    """Ordered probit of the grade on the previous grade and calendar time: the year in which the inspection starts."""

    name: str = "previous grade and trend"
    penalty: float = WEAK_PENALTY

    def __call__(self, known: Panel, targets: pd.DataFrame, *, seed: int) -> Answer:
        """Probabilities by previous grade, at each target's date."""
        past, grades = past_inspections(known), len(known.grades)
        columns, asked = (
            grade_columns(rows, grades).assign(year=decimal_year(day))
            for rows, day in ((past, past["start"]), (targets, targets["date"]))
        )
        fitted = fit_ordered(columns, past["grade"], grades=grades, penalty=self.penalty, link="probit")
        return Answer(fitted.probabilities(asked), {"events": len(past), **_plain(fitted.coefficients)})


@dataclass(frozen=True)
class Deprivation:
    """Ordered probit of the grade on the authority's deprivation alone, as known at the origin."""

    name: str = "deprivation"
    penalty: float = WEAK_PENALTY

    def __call__(self, known: Panel, targets: pd.DataFrame, *, seed: int) -> Answer:
        """Probabilities by deprivation."""
        past, score = past_inspections(known), known.authorities["deprivation"]
        columns, asked = (
            pd.DataFrame({"deprivation": score.reindex(codes).to_numpy(dtype=float)}, index=index)
            for codes, index in (
                (past["authority"], past.index),
                (targets.index.get_level_values("authority"), targets.index),
            )
        )
        fitted = fit_ordered(columns, past["grade"], grades=len(known.grades), penalty=self.penalty, link="probit")
        return Answer(fitted.probabilities(asked), {"events": len(past), **_plain(fitted.coefficients)})


@dataclass(frozen=True)
class Composite:
    """Ordered probit of the grade on the previous grade and the composite of `bayes_csc.panel.describe.composite`.

    Of each indicator the latest year that was out on the day counts; an authority without any is at the mean.
    """

    name: str = "previous grade and composite"
    penalty: float = WEAK_PENALTY

    def __call__(self, known: Panel, targets: pd.DataFrame, *, seed: int) -> Answer:
        """Probabilities by previous grade and composite."""
        keys, grades, past = composite_indicators(known), len(known.grades), past_inspections(known)
        seen = standardised_figures(known, keys, vintages=True)
        codes = targets.index.get_level_values("authority")
        asked_of = pd.DataFrame({"authority": codes, "day": pd.Timestamp(known.date)}, index=targets.index)
        columns, asked = (
            grade_columns(rows, grades).assign(composite=features(seen, keys, whose).filter(like=" level").mean(axis=1))
            for rows, whose in ((past, past.rename(columns={"start": "day"})), (targets, asked_of))
        )
        fitted = fit_ordered(columns, past["grade"], grades=grades, penalty=self.penalty, link="probit")
        return Answer(
            fitted.probabilities(asked), {"events": len(past), "indicators": keys, **_plain(fitted.coefficients)}
        )


@dataclass(frozen=True)
class FewIndicators:
    """Ordered logit of the grade on the latest levels of a few indicators: the founding study's, by default.

    The study's three were assessments and conferences on time (here both), re-referrals and agency workers.
    """

    name: str = "three indicators"
    indicators: tuple[str, ...] = (
        "assessment_within_45_days", "conference_within_15_days", "re_referral", "agency",
    )  # fmt: skip
    penalty: float = WEAK_PENALTY

    def __call__(self, known: Panel, targets: pd.DataFrame, *, seed: int) -> Answer:
        """Probabilities by the indicators' levels alone."""
        if unknown := [key for key in self.indicators if key not in known.indicators]:
            raise UsageError(f"{self.name}: panel {known.name} has no indicator {', '.join(unknown)}; name others")
        past, asked = lessons(known, targets, self.indicators)
        levels = [f"{key} level" for key in self.indicators]
        fitted = fit_ordered(past[levels], past["grade"], grades=len(known.grades), penalty=self.penalty)
        return Answer(fitted.probabilities(asked[levels]), {"events": len(past), **_plain(fitted.coefficients)})


@dataclass(frozen=True)
class Regression:
    """Ordered logit on levels and two-year changes of all default indicators and the previous grade, with a ridge.

    The ridge is chosen by the log score of left-out authorities, inside the training data.
    """

    name: str = "logistic regression"
    penalties: tuple[float, ...] = PENALTIES

    def __call__(self, known: Panel, targets: pd.DataFrame, *, seed: int) -> Answer:
        """Probabilities by all features."""
        grades = len(known.grades)
        past, asked = lessons(known, targets, default_indicators(known))
        columns, wanted = (all_columns(rows, grades) for rows in (past, asked))
        penalty = chosen_penalty(columns, past["grade"], past["authority"], grades=grades, penalties=self.penalties)
        fitted = fit_ordered(columns, past["grade"], grades=grades, penalty=penalty)
        about = {"events": len(past), "penalty": penalty, **_plain(fitted.coefficients)}
        return Answer(fitted.probabilities(wanted), about)


def all_columns(rows: pd.DataFrame, grades: int) -> pd.DataFrame:
    """Previous grade, levels and changes."""
    found = [name for name in rows.columns if name.endswith((" level", " change"))]
    return pd.concat([grade_columns(rows, grades), rows[found]], axis=1)


def decimal_year(day: pd.Series) -> pd.Series:
    """Days as years with decimals.

    Examples
    --------
    >>> decimal_year(pd.Series(pd.to_datetime(["2020-01-01", "2021-07-02"]))).round(2).tolist()
    [2020.0, 2021.5]
    """
    years: pd.Series = day.dt.year + (day.dt.day_of_year - 1) / YEAR_DAYS
    return years


def _plain(coefficients: pd.Series) -> dict[str, dict[str, float]]:
    return {"coefficients": {str(name): round(float(value), 4) for name, value in coefficients.items()}}
