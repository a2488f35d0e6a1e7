"""R-hat and effective sample sizes of thousands of quantities at once: ArviZ's, which takes them one by one.

Source: Vehtari, Gelman, Simpson, Carpenter and Buerkner 2021, sections 3 and 4. Draws are (entry, chain, draw).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft
from scipy.special import ndtri
from scipy.stats import f, rankdata

TAILS = (0.05, 0.95)
BATCH = 200
"""Entries taken at once: what is computed of them stays in the processor's cache."""


FALSE_ALARM, LOOKS = 0.01, 4
"""Probability that any R-hat of chains that agree is above its limit, over all quantities and as many looks."""
LEAST_LIMIT, MOST_LIMIT = 1.01, 1.03


class Convergence(NamedTuple):
    """Of every entry: the larger of bulk and folded split R-hat, and bulk and tail effective sample size.

    And the effective draws of each half chain by what varies within it, the fewer of bulk and folded.
    """

    rhat: np.ndarray
    bulk: np.ndarray
    tail: np.ndarray
    within: np.ndarray


def rhat_limit(within: np.ndarray, *, halves: int, draws: int) -> np.ndarray:
    """R-hat that chains which agree stay below, of each entry.

    With m half chains of n draws, n_e effective ones each, R-hat ** 2 = 1 - 1 / n + x / n_e, x ~ F(m - 1, m n_e) if all
    have one distribution: a ratio of variances. The limit is at x's quantile of 1 - p, p = `FALSE_ALARM` over twice the
    entries (bulk and folded) times `LOOKS`. At least `LEAST_LIMIT`, a disagreement that matters for nothing, and at
    most `MOST_LIMIT`. `benchmarks/rhat_limit.py` has its simulation.

    Parameters
    ----------
    within
        Effective draws of each half chain, (entry,), by what varies within the chains: what they disagree about would
        raise its own limit.
    halves, draws
        m and n.
    """
    x = f.isf(FALSE_ALARM / (2 * LOOKS * within.size), halves - 1, halves * within)
    limit = np.sqrt(1.0 - 1.0 / draws + x / within)
    return np.asarray(np.clip(limit, LEAST_LIMIT, MOST_LIMIT))


def convergence(draws: np.ndarray) -> Convergence:
    """Diagnose quantities.

    Parameters
    ----------
    draws
        (entry, chain, draw), at least two chains of four draws. An entry with a NaN has NaN for all three.
    """
    parts = [_batch(draws[at : at + BATCH].astype(float)) for at in range(0, len(draws), BATCH)]
    return Convergence(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _batch(draws: np.ndarray) -> Convergence:
    half = draws.shape[2] // 2
    split = np.concatenate([draws[..., :half], draws[..., -half:]], axis=1)
    scores = _normal_scores(split)
    folded = _normal_scores(np.abs(split - np.median(split, axis=(1, 2), keepdims=True)))
    tails = np.quantile(draws, TAILS, axis=(1, 2), keepdims=True)
    tail = [_effective((split <= q).astype(float)) for q in tails]
    known = ~np.isnan(draws).any(axis=(1, 2))
    within = [_effective(values, within=True) / split.shape[1] for values in (scores, folded)]
    found = (np.maximum(_rhat(scores), _rhat(folded)), _effective(scores), np.minimum(*tail), np.minimum(*within))
    return Convergence(*(np.where(known, values, np.nan) for values in found))


def _normal_scores(values: np.ndarray) -> np.ndarray:
    """Ranks within each entry as quantiles of the standard normal (Blom 1958)."""
    flat = values.reshape(len(values), -1)
    return np.asarray(ndtri((rankdata(flat, axis=1) - 0.375) / (flat.shape[1] + 0.25))).reshape(values.shape)


def _rhat(values: np.ndarray) -> np.ndarray:
    """Root of (within + between) over within; NaN where the chains never move."""
    n = values.shape[2]
    within = values.var(axis=2, ddof=1).mean(axis=1)
    between = values.mean(axis=2).var(axis=1, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.sqrt((n - 1) / n + between / within))


def _effective(values: np.ndarray, *, within: bool = False) -> np.ndarray:
    """Draws over the autocorrelation time, by Geyer's initial monotone sequence; all draws of a constant.

    What chains disagree about counts as correlation, unless only what varies `within` them is asked for.
    """
    _, m, n = values.shape
    centred = values - values.mean(axis=2, keepdims=True)
    width = next_fast_len(2 * n, real=True)
    spectrum = rfft(centred, width, axis=2)
    covariance = irfft(spectrum * spectrum.conj(), width, axis=2)[..., :n].mean(axis=1) / n
    unbiased = covariance[:, :1] * n / (n - 1)
    total = unbiased if within else covariance[:, :1] + values.mean(axis=2).var(axis=1, ddof=1)[:, None]
    constant = np.ptp(values, axis=(1, 2)) == 0.0
    rho = 1.0 - (unbiased - covariance) / np.where(total > 0.0, total, 1.0)
    rho[:, 0] = 1.0
    pairs = rho[:, : 2 * max(1, (n - 1) // 2)].reshape(len(rho), -1, 2)
    time = np.array([_autocorrelation_time(p) for p in pairs])
    return np.where(constant, float(m * n), m * n / np.maximum(time, 1.0 / np.log10(m * n)))


def _autocorrelation_time(pairs: np.ndarray) -> float:
    """-1 + 2 times the sum of the autocorrelations, pairs (even, odd lag) while their sums are positive and falling."""
    sums = pairs.sum(axis=1)
    ended = np.flatnonzero(~(sums > 0.0))
    last = int(ended[0]) if ended.size else len(pairs) - 1
    falling = np.minimum.accumulate(sums[:last])
    # the even lag of the pair at which the sequence ends improves the estimate for antithetic chains
    return float(-1.0 + 2.0 * falling.sum() + max(float(pairs[last, 0]), 0.0))
