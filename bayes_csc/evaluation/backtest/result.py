"""A finished backtest: every forecast beside what came, the scores, and where they come from."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from bayes_csc.evaluation.backtest.forecasters.pool import Parts
from bayes_csc.evaluation.backtest.scoring.reliability import Reliability, reliability
from bayes_csc.evaluation.backtest.summary import ALL, chance_of_worse


@dataclass(frozen=True)
class Backtest:
    """Everything that is written of a backtest.

    Attributes
    ----------
    rows
        One per event, horizon and forecaster: `origin`, `horizon`, `authority`, `name`, `previous`, `gap`, `start`,
        `published`, `grade`, `forecaster`, the probabilities `p_grade_1` on and `p_worse`.
    scores
        From `summary.score_table`.
    origins
        A row per origin and horizon: `events`, `worse`, `of_group`, `worse_of_group`, `straddling`, `not_forecast`,
        `later_release` and `whole`.
    weights
        The stack's, by origin and horizon; empty where one forecaster ran.
    baseline, group
        The forecast that others are compared with, the model's or a pool; the group of interest.
    roles
        "baseline", "model", "rival" (a competing forecaster), "variant", "pool" or "stack", by forecaster, in the order
        of the tables.
    metadata
        Panel, hash, seed, versions, forecasters and what they recorded.
    pools
        Weight of the model in each pool (`pool.pooled`), by the names of its two parts.
    """

    rows: pd.DataFrame
    scores: pd.DataFrame
    origins: pd.DataFrame
    weights: pd.DataFrame
    baseline: str
    group: str
    roles: dict[str, str]
    metadata: dict[str, Any]
    pools: Mapping[Parts, pd.DataFrame] = field(default_factory=dict)

    @property
    def columns(self) -> list[str]:
        """Names of the probabilities in the rows, by grade."""
        return [f"p_grade_{g}" for g in range(1, len(self.metadata["grades"]) + 1)]

    @property
    def horizons(self) -> list[int]:
        """Horizons in months, the shortest first: with origins a year apart, one of 12 counts every event once."""
        return sorted({int(h) for h in self.rows["horizon"]})

    def score(self, group: str, horizon: int, score: str) -> pd.DataFrame:
        """Rows of one score, indexed by forecaster."""
        s = self.scores
        chosen = s[(s["group"] == group) & (s["horizon"] == horizon) & (s["score"] == score)]
        return chosen.set_index("forecaster")

    def calibration(self, forecaster: str, group: str, horizon: int) -> Reliability | None:
        """Reliability of P(worse) of a group; None where no event could be worse."""
        rows = self.rows[(self.rows["forecaster"] == forecaster) & (self.rows["horizon"] == horizon)]
        rows = rows[rows["p_worse"].notna()]
        if group != ALL:
            rows = rows[rows["previous"] == self.metadata["group_grade"]]
        if rows.empty:
            return None
        return reliability(rows["p_worse"].to_numpy(), (rows["grade"] > rows["previous"]).to_numpy())


def with_chances(rows: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Rows with `p_worse`, in the order of the file."""
    out = rows.assign(p_worse=chance_of_worse(rows, columns))
    return out.sort_values(["origin", "horizon", "authority"], kind="stable", ignore_index=True)


def later_release(cells: pd.DataFrame, releases: pd.DataFrame | None, origin: datetime.date) -> float:
    """Share of the cells known at an origin that are read from a release that came out after it; NaN if not known.

    Such a figure was first published by the origin, but in a vintage that is not at hand: pseudo-real-time.
    """
    if releases is None or cells.empty:
        return float("nan")
    return float((cells["source"].map(releases["published"]) > pd.Timestamp(origin)).mean())
