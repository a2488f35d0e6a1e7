"""A finished sensitivity analysis: every row, and what they come to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd


@dataclass(frozen=True)
class Sensitivity:
    """Everything that is written of a sensitivity analysis.

    Attributes
    ----------
    rows
        A row per authority and variant, the base first (`table.COLUMNS`).
    verdicts, choices
        Summed up by authority and by choice (`verdict`).
    scores
        Log scores by variant and stacking weights (`model_scores.score_table`).
    power
        Power-scaling sensitivity by authority and by prior (`power_scaling`).
    value
        What further data would be worth, by authority (`value_of_data`).
    metadata
        Run, plan, rule, variants with their changes, depths and gates, versions.
    """

    rows: pd.DataFrame
    verdicts: pd.DataFrame
    choices: pd.DataFrame
    scores: pd.DataFrame
    power: pd.DataFrame
    value: pd.DataFrame
    metadata: dict[str, Any]

    @property
    def failed(self) -> list[str]:
        """Names of the variants that failed their gate or could not be fitted."""
        bad = self.rows[self.rows["gate"] != "passed"]
        return list(dict.fromkeys(bad["variant"]))
