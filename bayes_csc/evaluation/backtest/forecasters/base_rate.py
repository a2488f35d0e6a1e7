"""The plainest competing forecaster: a table of how often each grade followed each grade."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from bayes_csc.evaluation.backtest.forecasters.forecaster import Answer
from bayes_csc.evaluation.backtest.forecasters.training_examples import past_inspections
from bayes_csc.panel.panel import Panel

NO_PREVIOUS = 0
RECENT = "table of the last eight years"
RECENT_YEARS = 8


@dataclass(frozen=True)
class BaseRate:
    """Shares of the grades that followed each previous grade, drawn towards the shares of all.

    With n[f, g] past inspections that gave g after f, N[f] their sum, and s[g] the share of g among all, plus one half
    of an event each,

        P(g | f) = (n[f, g] + strength s[g]) / (N[f] + strength)

    A first judgement has a row of its own. With `years`, only inspections that started so many years before the origin
    or later count.
    """

    name: str = "base rate"
    strength: float = 4.0
    years: int | None = None

    def __call__(self, known: Panel, targets: pd.DataFrame, *, seed: int) -> Answer:
        """Probabilities by previous grade, alike at every horizon."""
        past = past_inspections(known)
        if self.years is not None:
            past = past[past["start"] >= pd.Timestamp(known.date) - pd.DateOffset(years=self.years)]
        table = following(past, len(known.grades), self.strength)
        previous = targets["previous"].fillna(NO_PREVIOUS).astype(int)
        return Answer(table.loc[previous].set_axis(targets.index))


def recent_rate() -> BaseRate:
    """Return the table of the last eight years alone."""
    return BaseRate(RECENT, years=RECENT_YEARS)


def following(past: pd.DataFrame, grades: int, strength: float) -> pd.DataFrame:
    """Probability of each grade (columns) after each (rows; 0: after none), as `BaseRate` says."""
    labels = range(1, grades + 1)
    counts = pd.crosstab(past["previous"].fillna(NO_PREVIOUS).astype(int), past["grade"])
    counts = counts.reindex(index=[NO_PREVIOUS, *labels], columns=labels, fill_value=0)
    share = past["grade"].value_counts().reindex(labels, fill_value=0) + 0.5
    share = share / share.sum()
    return counts.add(strength * share, axis="columns").div(counts.sum(axis="columns") + strength, axis="index")
