"""Calibration of a probability by isotonic regression, with the band that calibrated forecasts would stay in.

The CORP reliability diagram: the recalibrated probability of forecast value x is the isotonic (pool-adjacent-violators)
regression of the outcomes on the forecasts at x. The Brier score S then splits into

    S = MCB - DSC + UNC,   MCB = S - S_recalibrated,   DSC = S_constant - S_recalibrated,   UNC = S_constant

each at least zero. The band is of the same curve for outcomes drawn with the forecasts' own probabilities.

Source: Dimitriadis, Gneiting and Jordan 2021, Stable reliability diagrams for probabilistic classifiers, PNAS 118 (8).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import isotonic_regression

BAND = 0.9
RESAMPLES = 1000


@dataclass(frozen=True)
class Reliability:
    """A reliability diagram.

    Attributes
    ----------
    curve
        A row per distinct forecast: `forecast`, `events` (with it), `recalibrated`, `lower`, `upper` (the band).
    miscalibration, discrimination, uncertainty
        Terms of the Brier score.
    inside
        Share of the events at whose forecast the curve lies within the band.
    """

    curve: pd.DataFrame
    miscalibration: float
    discrimination: float
    uncertainty: float
    inside: float


def reliability(p: np.ndarray, event: np.ndarray, *, seed: int = 0, band: float = BAND) -> Reliability:
    """Recalibrate forecasts by isotonic regression and draw the consistency band.

    Parameters
    ----------
    p, event
        Probability and outcome of each event; at least one.
    seed
        Of the resampling.
    band
        Pointwise probability of the band.
    """
    value, which = np.unique(p, return_inverse=True)
    count = np.bincount(which).astype(float)
    curve = _recalibrated(which, count, np.asarray(event, dtype=float))
    rng = np.random.default_rng(seed)
    drawn = np.array([_recalibrated(which, count, rng.random(p.size) < p) for _ in range(RESAMPLES)])
    lower, upper = np.quantile(drawn, [(1 - band) / 2, (1 + band) / 2], axis=0)
    score, constant = float(((p - event) ** 2).mean()), float(((event - np.mean(event)) ** 2).mean())
    best = float(((curve[which] - event) ** 2).mean())
    inside = (curve >= lower - 1e-9) & (curve <= upper + 1e-9)
    return Reliability(
        pd.DataFrame(
            {"forecast": value, "events": count.astype(int), "recalibrated": curve, "lower": lower, "upper": upper}
        ),
        score - best, constant - best, constant, float(inside @ count / count.sum()),
    )  # fmt: skip


def _recalibrated(which: np.ndarray, count: np.ndarray, event: np.ndarray) -> np.ndarray:
    mean = np.bincount(which, weights=event) / count
    return np.asarray(isotonic_regression(mean, weights=count).x)
