"""Exact likelihoods of counts, suppressed counts and grades, given their latent logit or score."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytensor.tensor as pt
from pymc.distributions.dist_math import normal_lcdf
from pytensor.tensor.variable import TensorVariable
from scipy.special import gammaln

from bayes_csc.measurement.judgements.inspection_timing import TIMING, WHITE_VARIANCE

FAR = 30.0
"""A cutpoint beyond every score, in standard deviations."""


def exact_logp(rows: pd.DataFrame, z: TensorVariable) -> TensorVariable:
    """Log likelihood of counts, one logit, log rate or score each; then of inspections' timing."""
    timed = rows.family.eq(TIMING).to_numpy()
    if not timed.any():
        return count_logp(rows, z)
    timing = timing_logp(rows.numerator.to_numpy(dtype=float)[timed], z[np.flatnonzero(timed)])
    if timed.all():
        return timing
    return pt.concatenate([count_logp(rows[~timed], z[np.flatnonzero(~timed)]), timing])


def timing_logp(inspected: np.ndarray, z: TensorVariable) -> TensorVariable:
    """Log probability of having been inspected (1) or not (0): log Phi((2 y - 1) z / sd), sd of the remaining noise."""
    return normal_lcdf(0.0, float(np.sqrt(1.0 - WHITE_VARIANCE)), (2.0 * inspected - 1.0) * z)


def count_logp(rows: pd.DataFrame, z: TensorVariable) -> TensorVariable:
    """Log likelihood of counts, or of counts known to lie in an interval, given the coded logit.

        log sum over y in lower..upper of C(n, y) p ** y (1 - p) ** (n - y),   logit p = sign z

    An observed count is the interval y..y. Counts of full-time equivalents need not be integers. Of the family poisson,
    with the expected count n,

        log sum over y in lower..upper of exp(-n r) (n r) ** y / y!,   log r = sign z

    Parameters
    ----------
    rows
        Columns family, sign, numerator, denominator, lower, upper (an observed count has no interval).
    z
        One logit or log rate per row, coded so that higher is better.
    """
    observed = rows.numerator.notna().to_numpy()
    low = np.where(observed, rows.numerator, rows.lower).astype(float)
    high = np.where(observed, rows.numerator, rows.upper).astype(float)
    n = rows.denominator.to_numpy(dtype=float)
    eta = rows.sign.to_numpy() * z
    rate = rows.family.eq("poisson").to_numpy()
    out = low * eta - n * (pt.switch(rate, pt.exp(eta), pt.softplus(eta)) if rate.any() else pt.softplus(eta))
    wide = np.flatnonzero(high > low)
    count = low[wide, None] + np.arange(int(np.max(high - low)) + 1)
    inside = count <= high[wide, None]
    ways = _log_ways(rate[wide, None], n[wide, None], np.where(inside, count, 0.0))
    weight = np.where(inside, ways, -np.inf)
    log_sum = pt.logsumexp(weight + (count - low[wide, None]) * eta[wide, None], axis=1)
    return pt.set_subtensor((out + _log_ways(rate, n, low))[wide], out[wide] + log_sum)


def _log_ways(rate: np.ndarray, n: np.ndarray, y: np.ndarray) -> np.ndarray:
    """What of the log probability of a count does not depend on its logit or log rate."""
    chosen = gammaln(n + 1.0) - gammaln(np.where(rate, 0.0, n - y) + 1.0)
    out: np.ndarray = np.where(rate, y * np.log(n), chosen) - gammaln(y + 1.0)
    return out


def ordinal_logp(score: np.ndarray, latent: TensorVariable, cutpoints: TensorVariable) -> TensorVariable:
    """Log probability of an ordered category: log[Phi(c[s + 1] - f) - Phi(c[s] - f)].

    Parameters
    ----------
    score
        Category, 0 the lowest.
    latent
        f, one per judgement.
    cutpoints
        (judgement, categories - 1), increasing.
    """
    at = np.arange(score.size)
    ends = pt.concatenate([pt.full((score.size, 1), -np.inf), cutpoints, pt.full((score.size, 1), np.inf)], axis=1)
    low = pt.clip(ends[at, score] - latent, -FAR, FAR)
    high = pt.clip(ends[at, score + 1] - latent, -FAR, FAR)
    flip = low + high > 0  # the tail where the difference keeps its digits
    a, b = pt.switch(flip, -high, low), pt.switch(flip, -low, high)
    log_b = normal_lcdf(0.0, 1.0, b)
    return log_b + pt.log1mexp(normal_lcdf(0.0, 1.0, a) - log_b)
