"""Exact likelihoods of counts, suppressed counts and grades, given their latent logit or score."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytensor.tensor as pt
from pymc.distributions.dist_math import normal_lcdf
from pytensor.tensor.variable import TensorVariable

from bayes_csc.measurement.judgements.inspection_timing import TIMING, WHITE_VARIANCE
from bayes_csc.panel.families import count_families

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
    """Log likelihood of counts, or of counts known to lie in an interval, given the coded link scale.

        log sum over y in lower..upper of P(Y = y),   logit p = sign z of shares, log r = sign z of rates

    with P by the rows' family (`bayes_csc.panel.families`). An observed count is the interval y..y. Counts of full-time
    equivalents need not be integers.

    Parameters
    ----------
    rows
        Columns family, sign, numerator, denominator, lower, upper (an observed count has no interval).
    z
        One logit or log rate per row, coded so that higher is better.
    """
    observed = rows.numerator.notna().to_numpy()
    low, high = (rows.numerator.where(observed, rows[end]).to_numpy(dtype=float) for end in ("lower", "upper"))
    n, eta = rows.denominator.to_numpy(dtype=float), rows.sign.to_numpy() * z
    out = pt.zeros(len(rows))
    for family, mine in count_families(rows.family):
        for at in filter(len, (mine[low[mine] == high[mine]], mine[low[mine] < high[mine]])):
            known = family.log_likelihood(low[at], n[at], eta[at], pt) + family.log_constant(low[at], n[at])
            step, width = np.arange(int(np.max(high[at] - low[at])) + 1), (high - low)[at, None]
            ways = family.log_ways(low[at, None], np.minimum(step, width), n[at, None])
            weight = np.where(step <= width, ways, -np.inf)
            more = step * family.natural(eta[at], n[at], pt)[:, None]
            out = pt.set_subtensor(out[at], known + pt.logsumexp(weight + more, axis=1))
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
