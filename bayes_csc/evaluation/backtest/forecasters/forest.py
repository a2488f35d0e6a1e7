"""A rival that assumes no form: a random forest on levels, changes and the previous grade."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayes_csc.evaluation.backtest.forecasters.forecaster import Answer
from bayes_csc.evaluation.backtest.forecasters.regressions import all_columns
from bayes_csc.evaluation.backtest.forecasters.training_examples import lessons
from bayes_csc.panel.indicator_selection import default_indicators
from bayes_csc.panel.panel import Panel


@dataclass(frozen=True)
class Forest:
    """Random forest of the grade on levels and two-year changes of all default indicators and the previous grade.

    A missing feature is at England's mean. Shares of leaves may be zero, which no probability of a grade is: the
    shares of all past grades count as one event in each leaf of `leaf` events.
    """

    name: str = "random forest"
    trees: int = 500
    leaf: int = 5

    def __call__(self, known: Panel, targets: pd.DataFrame, *, seed: int) -> Answer:
        """Probabilities by all features."""
        from sklearn.ensemble import RandomForestClassifier

        labels = range(1, len(known.grades) + 1)
        past, asked = lessons(known, targets, default_indicators(known))
        if past.empty:
            return Answer(pd.DataFrame(1.0 / len(labels), index=targets.index, columns=labels), {"events": 0})
        columns, wanted = (all_columns(rows, len(labels)).fillna(0.0).to_numpy() for rows in (past, asked))
        forest = RandomForestClassifier(self.trees, min_samples_leaf=self.leaf, random_state=seed, n_jobs=1)
        forest.fit(columns, past["grade"].to_numpy(dtype=int))
        found = pd.DataFrame(forest.predict_proba(wanted), index=targets.index, columns=forest.classes_)
        share = np.array([(past["grade"] == g).sum() + 0.5 for g in labels])
        smooth = self.leaf * found.reindex(columns=labels, fill_value=0.0) + share / share.sum()
        return Answer(smooth / (self.leaf + 1), {"events": len(past)})
