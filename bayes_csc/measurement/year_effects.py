"""National year effects of the indicators, laid out: zero-sum paths over the years that each was observed in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class YearSteps:
    """National year effects of all indicators: zero-sum paths as linear functions of their yearly steps.

    Attributes
    ----------
    labels, step_labels
        (indicator, year) of each effect and of each step (the later year).
    step_indicator, step_scale
        Index of a step's indicator; square root of the years it spans.
    basis
        (effects, steps): effect = basis @ step, zero-sum over an indicator's years.
    """

    labels: list[tuple[str, int]]
    step_labels: list[tuple[str, int]]
    step_indicator: np.ndarray
    step_scale: np.ndarray
    basis: np.ndarray

    def index(self, rows: pd.DataFrame) -> np.ndarray:
        """Position of each observation's effect; 0 for a judgement or an inspection's timing, which have none."""
        place = {label: i for i, label in enumerate(self.labels)}
        return np.array(
            [place.get(label, 0) for label in zip(rows.indicator.tolist(), rows.year.tolist(), strict=True)]
        )
