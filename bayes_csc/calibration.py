"""Is a posterior calibrated? Coverage, ranks and probability forecasts over panels whose truth is known.

Truths drawn from the prior and data from the model: then a truth is one more posterior draw, its rank among the draws
is uniform, a central interval of probability p covers it with probability p, and events of probability p happen with
frequency p (Talts et al. 2018; Modrák et al. 2023). Panels are independent, what belongs to one panel is not: every
bound here comes from the spread between panels.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy import stats

PANEL = "panel"
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A mean over panels with its 95% bounds, mean -+ t sd / sqrt(panels); NaN bounds for a single panel."""

    mean: float
    lower: float
    upper: float

    def includes(self, value: float) -> bool:
        """Whether the bounds include a value."""
        return self.lower <= value <= self.upper


def between_panels(values: xr.DataArray) -> Estimate:
    """Average each panel's values, then the panels, with bounds from the spread between panels.

    Parameters
    ----------
    values
        First dim `panel`, then any others.

    Examples
    --------
    >>> between_panels(xr.DataArray([[0.4, 0.6], [0.5, 0.7]], dims=("panel", "year"))).mean
    0.55
    """
    per = values.mean([dim for dim in values.dims if dim != PANEL]).to_numpy()
    mean, n = float(per.mean()), per.size
    half = float(stats.t.ppf(0.5 + CONFIDENCE / 2, n - 1) * per.std(ddof=1) / np.sqrt(n)) if n > 1 else np.nan
    return Estimate(mean, mean - half, mean + half)


def below(draws: xr.DataArray, truth: xr.DataArray) -> xr.DataArray:
    """Part of the posterior draws that lie below the truth, half of those equal to it counted in; NaN for no truth.

    Parameters
    ----------
    draws
        Dims chain, draw and those of the truth.
    truth
        One value per quantity.
    """
    sample = ("chain", "draw")
    part = (draws < truth).mean(sample) + 0.5 * (draws == truth).mean(sample)
    return part.where(truth.notnull()).transpose(*truth.dims)


def rank(draws: xr.DataArray, truth: xr.DataArray, *, levels: int) -> xr.DataArray:
    """Rank, 0 to `levels`, of the truth among that many draws, evenly thinned over the chains one after another.

    Thin so far that the draws kept are nearly independent: `levels` a quarter of the effective draws, or fewer.
    """
    stacked = draws.stack(sample=("chain", "draw"))
    kept = np.linspace(0, stacked.sizes["sample"] - 1, levels).round().astype(int)
    return (
        (stacked.isel(sample=kept).drop_vars(["sample", "chain", "draw"]) < truth).sum("sample").transpose(*truth.dims)
    )


def coverage(part_below: xr.DataArray, probability: float) -> Estimate:
    """Frequency with which the central interval of a probability covers the truth.

    Parameters
    ----------
    part_below
        Result of `below` for each panel, first dim `panel`.
    probability
        Of the interval, 0 to 1.
    """
    return between_panels((abs(part_below - 0.5) <= probability / 2).astype(float))


def location(part_below: xr.DataArray) -> Estimate:
    """Mean part of the draws below the truth: 0.5 if calibrated, more if the posterior is too low."""
    return between_panels(part_below)


def dispersion(part_below: xr.DataArray) -> Estimate:
    """Mean of 12 (u - 1/2)^2, u the part below: 1 if calibrated, more if the posterior is too narrow."""
    return between_panels(12.0 * (part_below - 0.5) ** 2)


def uniformity(ranks: np.ndarray, *, levels: int, simulations: int = 2000, seed: int = 0) -> float:
    """P value of uniform ranks by the largest excursion of their distribution function.

    At each level z the number of ranks up to it is Binomial(panels, z); the smallest two-sided tail probability over
    the levels is compared with that of simulated uniform ranks (Säilynoja, Bürkner and Vehtari 2022, section 2.1).

    Parameters
    ----------
    ranks
        Independent ranks, 0 to `levels`: one per panel.
    levels
        Number of draws that the truth was ranked among.
    simulations, seed
        Of the reference distribution.
    """
    found = np.asarray(ranks, dtype=int).ravel()
    reference = _reference(found.size, levels, simulations, seed)
    return float((1 + (reference <= _excursion(found[None], levels)[0] * (1 + 1e-12)).sum()) / (simulations + 1))


@lru_cache(maxsize=16)
def _reference(n: int, levels: int, simulations: int, seed: int) -> np.ndarray:
    return _excursion(np.random.default_rng(seed).integers(0, levels + 1, (simulations, n)), levels)


def _excursion(ranks: np.ndarray, levels: int) -> np.ndarray:
    n = ranks.shape[1]
    level = np.arange(levels)
    count = (ranks[:, :, None] <= level).sum(axis=1)
    table = np.empty((levels, n + 1))
    for i, z in enumerate((level + 1) / (levels + 1)):
        r = np.arange(n + 1)
        table[i] = np.minimum(1.0, 2.0 * np.minimum(stats.binom.cdf(r, n, z), stats.binom.sf(r - 1, n, z)))
    return np.asarray(table[level, count].min(axis=1))


def brier(probability: xr.DataArray, event: xr.DataArray) -> xr.DataArray:
    """Squared error of each forecast of an event (Brier 1950)."""
    return (probability - event) ** 2


def brier_gain(probability: xr.DataArray, event: xr.DataArray) -> Estimate:
    """Brier score of the constant forecast less that of the forecasts: above 0 if they say something.

    The constant is the frequency of the event in these very panels, the best constant there is.
    """
    constant = xr.full_like(probability, float(event.mean()))
    return between_panels(brier(constant, event) - brier(probability, event))


def reliability(
    probability: xr.DataArray, event: xr.DataArray, replicate: xr.DataArray, *, bins: int = 8
) -> pd.DataFrame:
    """Frequency of the event by forecast probability, with the band in which a calibrated forecast's would be.

    The band is the central 95% of the frequencies of replicated events, each drawn from a panel's joint posterior, so
    that events of one panel hang together as the model says (consistency bars, Bröcker and Smith 2007).

    Parameters
    ----------
    probability, event
        First dim `panel`; event 0 or 1.
    replicate
        Events of posterior draws: dims panel, replicate and those of the event.
    bins
        Number of bins, of equally many forecasts.

    A forecast that is NaN was not made.

    Returns
    -------
    pandas.DataFrame
        One row per bin: `n`, `forecast` (mean), `frequency`, `lower`, `upper`, `inside`.
    """
    p = probability.to_numpy().ravel()
    y = event.transpose(*probability.dims).to_numpy().ravel()
    copies = replicate.transpose("replicate", *probability.dims).to_numpy().reshape(replicate.sizes["replicate"], -1)
    made = ~np.isnan(p)
    p, y, copies = p[made], y[made], copies[:, made]
    place = np.argsort(np.argsort(p, kind="stable"), kind="stable") * bins // p.size
    rows = []
    for b in range(bins):
        chosen = place == b
        lower, upper = np.quantile(copies[:, chosen].mean(axis=1), [0.5 - CONFIDENCE / 2, 0.5 + CONFIDENCE / 2])
        frequency = y[chosen].mean()
        rows.append(
            {
                "n": int(chosen.sum()),
                "forecast": p[chosen].mean(),
                "frequency": frequency,
                "lower": lower,
                "upper": upper,
                "inside": bool(lower <= frequency <= upper),
            }
        )
    return pd.DataFrame(rows)


def event_summary(p: xr.DataArray, y: xr.DataArray, replicate: xr.DataArray) -> dict[str, Any]:
    """How forecasts of an event, over panels, came true: base rate, Brier score, its gain, and the reliability table.

    Parameters
    ----------
    p, y
        Probability and event, 0 or 1; first dim `panel`; both NaN where no forecast was made.
    replicate
        Events of posterior draws, for the bands of the table.
    """
    return {
        "base_rate": asdict(between_panels(y)),
        "excess": asdict(between_panels(y - p)),
        "brier": asdict(between_panels(brier(p, y))),
        "brier_gain": asdict(brier_gain(p, y)),
        "reliability": reliability(p, y, replicate).to_dict("records"),
    }
