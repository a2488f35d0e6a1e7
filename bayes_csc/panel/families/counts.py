"""Counts over a denominator: what their families have in common.

Given eta on the link scale, the count Y of n is of an exponential family with natural parameter s(eta):

    log P(Y = y) = y s(eta) - A(eta) + log h(y),   A the log partition function

n is the denominator of a share; otherwise the count that is expected at the typical rate, where eta is 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayes_csc.panel.families.family import Family

if TYPE_CHECKING:
    from bayes_csc.panel.indicators import Indicator

TINY = 1e-12
"""Least parameter of an incomplete beta or gamma function."""


@dataclass(frozen=True, kw_only=True)
class CountFamily(Family):
    """Family of counts. Arguments broadcast: counts y, n above zero, eta of any sign, probabilities p.

    Attributes
    ----------
    mean
        E[Y] of (eta, n).
    log_partition, natural
        A and s of (eta, n, xp), xp being NumPy or what has its functions (`pytensor.tensor`).
    log_constant, log_ways
        Of (y, n) and of (y, more, n): log h(y + more) is their sum, so that the second has only what differs between
        the counts of an interval that begins at y.
    tails
        P(Y < y) and P(Y >= y) of (y, n, eta), each with all its digits.
    limit
        The eta at which P(Y >= y) = p, of (y, n, p); -inf where y is 0.
    law
        Distribution of Y as SciPy has it, of (eta, n), n rounded where it has to be whole.
    empirical
        Empirical link of (y, n), with a half added, and its information, the inverse sampling variance.
    jeffreys
        Quantile of a share or rate given (p, y, n), by Jeffreys' prior; NaN if none is known.
    """

    counted: bool = True
    fields: tuple[str, ...] = ("typical",)
    columns: tuple[tuple[str, ...], tuple[str, ...]] = (("numerator", "denominator"), ())
    mean: Callable[[Any, Any], Any]
    log_partition: Callable[[Any, Any, Any], Any]
    natural: Callable[[Any, Any, Any], Any] = lambda eta, n, xp: eta
    log_constant: Callable[[Any, Any], Any]
    log_ways: Callable[[Any, Any, Any], Any]
    tails: Callable[[Any, Any, Any], tuple[Any, Any]]
    limit: Callable[[Any, Any, Any], Any]
    law: Callable[[Any, Any], Any]
    empirical: Callable[[Any, Any], tuple[Any, Any]]
    jeffreys: Callable[[Any, Any, Any], Any] = lambda p, y, n: np.nan * y

    def log_likelihood(self, y: Any, n: Any, eta: Any, xp: Any = np) -> Any:
        """Log P(Y = y), up to log h(y)."""
        return y * self.natural(eta, n, xp) - self.log_partition(eta, n, xp)

    def log_factor(self, y: Any, n: Any) -> Any:
        """Log h(y)."""
        return self.log_constant(y, n) + self.log_ways(y, 0.0, n)

    def typical(self, indicator: Indicator, cells: pd.DataFrame) -> float:
        """Declared, or the pooled rate, a suppressed count in the middle of its interval; 1 of a share."""
        if indicator.typical is not None or self.share:
            return indicator.typical or 1.0
        counted = cells[cells.denominator.gt(0)]
        count = counted.numerator.fillna((counted.lower + counted.upper) / 2)
        return float((count.sum() + 0.5) / counted.denominator[count.notna()].sum())

    def link(self, cells: pd.DataFrame) -> pd.DataFrame:
        """Empirical link and its sampling variance."""
        y, information = self.empirical(cells["numerator"], cells["denominator"])
        return pd.DataFrame({"y": y, "variance": 1.0 / information})

    def observations(self, cells: pd.DataFrame, indicator: Indicator) -> pd.DataFrame:
        """Counts of n; an interval begins at its middle, and one from none to all of a share is left out."""
        cells = cells[cells.denominator.gt(0)]
        n = cells.denominator * self.typical(indicator, cells)
        suppressed = cells.status.eq("suppressed")
        upper = cells.upper.clip(upper=n) if self.share else cells.upper
        z, information = self.empirical(((cells.lower + upper) / 2).where(suppressed, cells.numerator), n)
        width = ((upper - cells.lower + 1.0) ** 2 / 12.0).where(suppressed, 0.0)
        rows = pd.DataFrame(
            {
                "z": indicator.sign * z, "variance": 1.0 / information + width / information**2,
                "numerator": cells.numerator.where(~suppressed), "denominator": n,
                "lower": cells.lower.where(suppressed), "upper": upper.where(suppressed), "site": True,
            }
        )  # fmt: skip
        return rows[~(suppressed & cells.lower.le(0) & upper.ge(n))] if self.share else rows

    def figure(self, eta: np.ndarray, indicator: Indicator) -> np.ndarray:
        """Share, or rate."""
        return np.asarray(self.mean(eta, indicator.typical or 1.0))

    def draw(self, rows: pd.DataFrame, indicator: Indicator, eta: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw a count for each row."""
        law = self.law(indicator.sign * eta, rows.denominator.to_numpy(dtype=float))
        return np.asarray(law.rvs(random_state=rng), dtype=float)

    def sampling_quantile(self, level: float, cells: pd.DataFrame, indicator: Indicator) -> np.ndarray:
        """By Jeffreys' prior."""
        n = cells.denominator.where(cells.denominator > 0).to_numpy(dtype=float)
        return np.asarray(self.jeffreys(level, cells.numerator.to_numpy(dtype=float), n))
