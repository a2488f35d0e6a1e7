"""Shares: a count y of n by a binomial distribution, with theta on the logit of its probability.

    y ~ Binomial(n, p),   eta = logit p,   empirical logit log(q / (1 - q)) with q = (y + 1/2) / (n + 1)

P(Y >= y) = P(B < p) with B ~ Beta(y, n - y + 1). Full-time equivalents may be fractions; an interval of them stands for
the whole numbers in it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import betainc, betaincinv, expit, gammaln, logit
from scipy.stats import beta, binom

from bayes_csc.panel.families.counts import TINY, CountFamily


def log_partition(eta: Any, n: Any, xp: Any) -> Any:
    """N log(1 + exp(eta))."""
    size = xp.abs(eta)
    return n * (0.5 * (eta + size) + xp.log1p(xp.exp(-size)))


def log_ways(y: Any, more: Any, n: Any) -> Any:
    """-log(count! (n - count)!), of at most all."""
    count = np.minimum(y + more, n)
    return -gammaln(count + 1.0) - gammaln(n - count + 1.0)


def tails(y: Any, n: Any, eta: Any) -> tuple[Any, Any]:
    """P(Y < y) and P(Y >= y), by the incomplete beta function."""
    p, none, everything = expit(eta), y <= 0.0, y >= n + 1.0
    inside = np.clip(y, 1.0, np.maximum(n, 1.0))
    rest = n - inside + 1.0
    below = np.where(none, 0.0, np.where(everything, 1.0, betainc(rest, inside, 1.0 - p)))
    return below, np.where(none, 1.0, np.where(everything, 0.0, betainc(inside, rest, p)))


def empirical(y: Any, n: Any) -> tuple[Any, Any]:
    """Empirical logit, and n q (1 - q)."""
    q = (y + 0.5) / (n + 1.0)
    return np.log(q / (1.0 - q)), n * q * (1.0 - q)


FAMILY = CountFamily(
    name="binomial",
    unit="logits",
    share=True,
    fields=(),
    shown=lambda usual: (100.0, "%", 1),
    mean=lambda eta, n: n * expit(eta),
    log_partition=log_partition,
    log_constant=lambda y, n: gammaln(n + 1.0),
    log_ways=log_ways,
    tails=tails,
    limit=lambda y, n, p: logit(betaincinv(np.maximum(y, TINY), np.maximum(n - y + 1.0, TINY), p)),
    law=lambda eta, n: binom(np.round(n).astype(int), expit(eta)),
    empirical=empirical,
    jeffreys=lambda p, y, n: beta.ppf(p, y + 0.5, np.maximum(n - y, 0.0) + 0.5),
)
