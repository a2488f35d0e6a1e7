"""Is a posterior calibrated? PITs, coverage and probability forecasts over panels whose truth is known.

Truths drawn from the prior and data from the model: then a truth is one more posterior draw, its PIT is uniform, a
central interval of probability p covers it with probability p, and events of probability p happen with frequency p
(Talts et al. 2018; Modrák et al. 2023). Panels are independent, what belongs to one panel is not, as it shares its
hyperparameters: a test of uniformity is of one element a panel, and every bound comes from drawing panels again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from scipy import stats

CONFIDENCE = 0.95
REPLICATES = 2000
LEVELS = 100
"""Points, evenly spaced, at which the distribution function of PITs is looked at."""
PIT_EDGES = np.array([0.0, 0.055, *np.linspace(0.1, 0.9, 17), 0.945, 1.0])
"""Of the bins of pooled PITs: the ends of the central intervals of 50% and 89% are among them."""
CENTRAL = {"coverage_50": (5, 15), "coverage_89": (1, 19)}
"""Bins of those intervals."""
FORECAST_EDGES = np.array([0.0, 0.05, *np.linspace(0.1, 0.9, 9), 0.95, 1.0])
MIDDLE, WIDTH = 0.5 * (PIT_EDGES[1:] + PIT_EDGES[:-1]), np.diff(PIT_EDGES)
STATISTICS = {
    "location": MIDDLE,
    "dispersion": 12.0 * ((MIDDLE - 0.5) ** 2 + WIDTH**2 / 12.0),
    **{name: ((np.arange(20) >= a) & (np.arange(20) < b)).astype(float) for name, (a, b) in CENTRAL.items()},
}
"""Of a PIT by its bin: itself (1/2 on average if calibrated, more if the posterior is too low); 12 (u - 1/2)^2 (1; more
if it is too narrow); and whether a central interval covers."""


@dataclass(frozen=True)
class Estimate:
    """A pooled figure with the central 95% of those of panels drawn again; NaN bounds for a single panel."""

    mean: float
    lower: float
    upper: float

    def includes(self, value: float) -> bool:
        """Whether the bounds include a value."""
        return self.lower <= value <= self.upper


def pooled(total: np.ndarray, number: np.ndarray) -> Estimate:
    """Sum of all panels' totals over that of their numbers, with bounds by drawing panels with replacement.

    Examples
    --------
    >>> pooled(np.array([1.0, 3.0]), np.array([2, 2])).mean
    1.0
    """
    n = len(total)
    weight = _drawn(n) if n > 1 else np.full((1, n), np.nan)
    lower, upper = np.quantile(weight @ total / (weight @ number), [0.5 - CONFIDENCE / 2, 0.5 + CONFIDENCE / 2])
    return Estimate(float(np.sum(total) / np.sum(number)), float(lower), float(upper))


@lru_cache(maxsize=4)
def _drawn(n: int) -> np.ndarray:
    """How often each of n panels is drawn (replicate, panel)."""
    return np.random.default_rng(0).multinomial(n, np.full(n, 1.0 / n), REPLICATES).astype(float)


def uniformity(u: np.ndarray) -> float:
    """P value of independent uniform PITs by the largest excursion of their distribution function.

    At each level z the number of PITs up to it is Binomial(n, z); the smallest two-sided tail probability over the
    levels is compared with that of simulated uniform PITs (Säilynoja, Bürkner and Vehtari 2022, section 2.1).
    """
    found = _excursion(np.asarray(u, dtype=float)[None])[0]
    return float((1 + (_reference(len(u)) <= found * (1 + 1e-12)).sum()) / (REPLICATES + 1))


def band(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Levels z, and between what n uniform PITs' distribution function less z stays at all of them, 95% of the time."""
    z = np.arange(1, LEVELS) / LEVELS
    tail = 0.5 * np.quantile(_reference(n), 1.0 - CONFIDENCE)
    return z, stats.binom.ppf(tail, n, z) / n - z, stats.binom.ppf(1.0 - tail, n, z) / n - z


@lru_cache(maxsize=64)
def _reference(n: int) -> np.ndarray:
    return _excursion(np.random.default_rng(0).random((REPLICATES, n)))


def _excursion(u: np.ndarray) -> np.ndarray:
    n, levels = u.shape[1], np.arange(1, LEVELS)
    place = np.minimum((u * LEVELS).astype(int), LEVELS - 1) + LEVELS * np.arange(len(u))[:, None]
    count = np.bincount(place.ravel(), minlength=LEVELS * len(u)).reshape(len(u), LEVELS).cumsum(axis=1)[:, :-1]
    r, z = np.arange(n + 1)[:, None], levels / LEVELS
    tail = 2.0 * np.minimum(stats.binom.cdf(r, n, z), stats.binom.sf(r - 1, n, z))
    return np.asarray(tail[count, levels - 1].min(axis=1))


def quantity(panels: Sequence[Sequence[float]]) -> dict[str, Any]:
    """Sum up the PITs of one quantity over panels.

    Parameters
    ----------
    panels
        Of each panel one element's PIT and, where there are several, how many lie in each bin of `PIT_EDGES`.

    Returns
    -------
    dict
        `panels`, `values` (a panel), `uniformity` (of the ones), and `location`, `dispersion`, `coverage_50` and
        `coverage_89` (`STATISTICS`), pooled, each an `Estimate`.
    """
    one = np.array([p[0] for p in panels])
    bins = np.array([p[1:] or np.histogram(p[:1], PIT_EDGES)[0] for p in panels], dtype=float)
    number = bins.sum(axis=1)
    found = {name: asdict(pooled(bins @ value, number)) for name, value in STATISTICS.items()}
    return {"panels": len(panels), "values": float(number.mean()), "uniformity": uniformity(one), **found}


def event(panels: Sequence[Sequence[float]]) -> dict[str, Any]:
    """Sum up forecasts of one event over panels.

    In each bin of forecasts the events beyond the sum of probabilities are, if calibrated, independent between panels
    and zero on average: their band holds in all bins at once for 95% of random signs of the panels' (a consistency
    band, Bröcker and Smith 2007, that lets the events of a panel hang together).

    Parameters
    ----------
    panels
        Of each panel the numbers, probabilities and events by bin of `FORECAST_EDGES`, and the sum of squared errors.

    Returns
    -------
    dict
        `forecasts`, `base_rate`, `excess` (frequency less mean probability), `brier` and `gain` (what the best constant
        has more), each of the last four an `Estimate`; `p`, of the bins together; and a list `reliability` of `n`,
        `forecast` (mean), `frequency`, `lower`, `upper`, `inside`.
    """
    size = len(FORECAST_EDGES) - 1
    table = np.array(panels, dtype=float)
    n, p, y = (table[:, k * size : (k + 1) * size] for k in range(3))
    number, rate = n.sum(axis=1), y.sum() / n.sum()
    beyond, used = y - p, n.sum(axis=0) > 0
    error = np.sqrt((beyond**2).sum(axis=0))
    scaled = beyond / np.where(error > 0, error, 1.0)
    sign = np.random.default_rng(0).choice([-1.0, 1.0], (REPLICATES, len(table)))
    reference = np.abs(sign @ scaled).max(axis=1)
    found, half = np.abs(scaled.sum(axis=0)), np.quantile(reference, CONFIDENCE) * error
    rows = [
        {
            "n": int(m), "forecast": q / m, "frequency": x / m, "lower": (q - h) / m, "upper": (q + h) / m,
            "inside": bool(abs(x - q) <= h * (1 + 1e-9)),
        }
        for m, q, x, h in np.column_stack([n.sum(axis=0), p.sum(axis=0), y.sum(axis=0), half])[used].tolist()
    ]  # fmt: skip
    return {
        "forecasts": int(n.sum()),
        "base_rate": asdict(pooled(y.sum(axis=1), number)),
        "excess": asdict(pooled(beyond.sum(axis=1), number)),
        "brier": asdict(pooled(table[:, -1], number)),
        "gain": asdict(pooled((y * (1 - 2 * rate)).sum(axis=1) + number * rate**2 - table[:, -1], number)),
        "p": float((1 + (reference >= found.max() * (1 - 1e-9)).sum()) / (REPLICATES + 1)),
        "reliability": rows,
    }


def summary(records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Put the recoveries of panels together (`recovery.recovery`): every quantity and event by name."""
    out: dict[str, Any] = {"panels": len(records)}
    for part, of in (("pits", quantity), ("events", event)):
        names = dict.fromkeys(name for record in records for name in record[part])
        out[part] = {name: of([r[part][name] for r in records if r[part].get(name)]) for name in names}
    return out
