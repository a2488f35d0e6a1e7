"""Rates: a count y over an exposure by a Poisson distribution, with theta on the logarithm of its rate.

    y ~ Poisson(n exp(eta)),   empirical log rate log((y + 1/2) / n)

with n the count expected at the typical rate. P(Y >= y) = P(G < n exp(eta)) with G ~ Gamma(y).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import gammainc, gammaincc, gammaincinv, gammaln
from scipy.stats import gamma, poisson

from bayes_csc.panel.families.counts import TINY, CountFamily

LARGEST = 500.0
"""Of a log rate; beyond, its likelihood is zero anyway."""


def mean(eta: Any, n: Any, xp: Any = np) -> Any:
    """N exp(eta): the mean, and the log partition function."""
    return n * xp.exp(xp.minimum(eta, LARGEST))


def tails(y: Any, n: Any, eta: Any) -> tuple[Any, Any]:
    """P(Y < y) and P(Y >= y), by the incomplete gamma function."""
    none, inside = y <= 0.0, np.maximum(y, 1.0)
    at = mean(eta, n)
    return np.where(none, 0.0, gammaincc(inside, at)), np.where(none, 1.0, gammainc(inside, at))


def limit(y: Any, n: Any, p: Any) -> Any:
    """Log rate at which P(Y >= y) = p."""
    with np.errstate(divide="ignore"):
        return np.log(gammaincinv(np.maximum(y, TINY), p) / n)


def shown(usual: float) -> tuple[float, str, int] | None:
    """Per 100, or per 10,000 where that is usually below 5; as it is where it is usually 1 or more."""
    unit = (100.0, "per 100", 1) if usual >= 0.05 else (10_000.0, "per 10,000", 1)
    return unit if usual < 1.0 else None


FAMILY = CountFamily(
    name="poisson",
    unit="logs of the rate",
    shown=shown,
    mean=mean,
    log_partition=mean,
    log_constant=lambda y, n: y * np.log(n),
    log_ways=lambda y, more, n: -gammaln(y + more + 1.0) + more * np.log(n),
    tails=tails,
    limit=limit,
    law=lambda eta, n: poisson(mean(eta, n)),
    empirical=lambda y, n: (np.log((y + 0.5) / n), y + 0.5),
    jeffreys=lambda p, y, n: gamma.ppf(p, y + 0.5) / n,
)
