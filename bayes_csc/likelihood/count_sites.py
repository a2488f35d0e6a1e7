"""Gaussian sites for counts and intervals, by expectation propagation at fixed hyperparameters.

The likelihood of a cell depends on its logit alone, so a Gaussian factor N(z'; eta, V') fitted where the posterior puts
that logit stands for it in the collapsed likelihood (model equations in `likelihood.kernel`). Expectation propagation:
divide the current factor out of the logit's posterior marginal (the cavity), multiply the exact likelihood in, match
mean and variance. A count that its release doubts is of a logit with noise of its own, whose variance d is known: the
cavity is widened by d before the exact likelihood comes in, and the factor after. Source: Minka 2001; for latent
Gaussian models Rasmussen and Williams 2006, section 3.6.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy.special import logsumexp

from bayes_csc.likelihood.kernel import Layout, Real, value_and_gradient
from bayes_csc.likelihood.layout import layout_of
from bayes_csc.measurement.design import Design
from bayes_csc.measurement.judgements.inspection_timing import TIMING, timing_log_likelihood
from bayes_csc.panel.families import count_families
from bayes_csc.panel.families.counts import CountFamily

FLAT_VARIANCE = 1e4
"""Variance of a site whose likelihood says nothing about its logit."""
INTERVAL_WIDTHS = (0.0, 6.0, 20.0, 60.0)
"""Of intervals whose probabilities are summed count by count; wider ones are differences of distribution functions."""
SMALLEST = 1e-280
"""Probability of an interval below which that of its nearer end stands for it."""
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(32)
LOG_WEIGHTS = np.log(WEIGHTS / WEIGHTS.sum())


@dataclass(frozen=True)
class Counts:
    """Exact likelihood of counts and intervals, as a function of their coded logits, log rates and so on by family.

    Of inspections' timing: of having been inspected or not, as a function of scores.

    Attributes
    ----------
    sign, low, size
        Of each row: its indicator's, the count or the interval's lower end, the denominator; (row,).
    timed
        Which rows are of inspections' timing, (row,).
    families
        Of the others: each family and its rows.
    wide
        Intervals of one family and about one width: which rows, and the log weight (step, row) of each count in them.
    widest
        Which rows of a family are wider than those, and their upper ends.
    constant
        What makes the log likelihood that of a probability, (row,).
    """

    sign: np.ndarray
    low: np.ndarray
    size: np.ndarray
    timed: np.ndarray
    families: tuple[tuple[CountFamily, np.ndarray], ...]
    wide: tuple[tuple[CountFamily, np.ndarray, np.ndarray], ...]
    widest: tuple[tuple[CountFamily, np.ndarray, np.ndarray], ...]
    constant: np.ndarray

    @classmethod
    def of(cls, rows: pd.DataFrame) -> Counts:
        """Take them from observations: family, sign, numerator, denominator, lower, upper."""
        observed = rows.numerator.notna().to_numpy()
        low = np.where(observed, rows.numerator, rows.lower).astype(float)
        width = np.where(observed, 0.0, rows.upper - low)
        n, constant = rows.denominator.to_numpy(dtype=float), np.zeros(len(rows))
        families, wide, widest = tuple(count_families(rows.family)), [], []
        for family, at in families:
            constant[at] = family.log_constant(low[at], n[at])
            alone = at[width[at] == 0.0]  # the weights of others have this
            constant[alone] = family.log_factor(low[alone], n[alone])
            for above, most in pairwise(INTERVAL_WIDTHS):
                some = at[(width[at] > above) & (width[at] <= most)]
                if some.size:
                    wide.append((family, some, _log_weights(family, low[some], width[some], n[some])))
            far = at[width[at] > INTERVAL_WIDTHS[-1]]
            constant[far] = 0.0
            if far.size:
                widest.append((family, far, low[far] + np.floor(width[far])))
        timed = rows.family.eq(TIMING).to_numpy()
        sign = rows.sign.to_numpy(dtype=float)
        return cls(sign, low, n, timed, families, tuple(wide), tuple(widest), constant)

    def log_likelihood(self, z: np.ndarray) -> np.ndarray:
        """Log likelihood (row, node) of each row at many coded logits (row, node), up to a constant per row."""
        eta, low, n = self.sign[:, None] * z, self.low[:, None], self.size[:, None]
        out = np.full(eta.shape, np.nan)
        out[self.timed] = timing_log_likelihood(low[self.timed], z[self.timed])
        for family, of in self.families:
            at = of if len(of) < len(eta) else slice(None)  # nothing is copied where all are of one family
            out[at] = family.log_likelihood(low[at], n[at], eta[at])
        for family, at, log_weight in self.wide:
            here, step = family.natural(eta[at], n[at], np), np.arange(len(log_weight))
            largest = np.maximum.reduce([w[:, None] + k * here for k, w in zip(step, log_weight, strict=True)])
            total = np.zeros_like(here)
            for k, w in zip(step, log_weight, strict=True):
                total += np.exp(w[:, None] + k * here - largest)
            out[at] += largest + np.log(total)
        for family, at, high in self.widest:
            out[at] = interval_log_probability(family, low[at], high[:, None], n[at], eta[at])
        return out


def interval_log_probability(
    family: CountFamily, low: np.ndarray, high: np.ndarray, n: np.ndarray, eta: np.ndarray
) -> np.ndarray:
    """Log P(low <= Y <= high): the difference of two probabilities of the tail that the interval lies in."""
    (fewer, least), (most, more) = family.tails(low, n, eta), family.tails(high + 1.0, n, eta)
    below = family.mean(eta, n) < 0.5 * (low + high)
    probability = np.where(below, least - more, most - fewer)
    alone = family.law(eta, n).logpmf(np.round(np.where(below, low, high)))
    return np.asarray(np.where(probability > SMALLEST, np.log(np.maximum(probability, SMALLEST)), alone))


def _log_weights(family: CountFamily, low: np.ndarray, width: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Log weights (step, row) of the counts of intervals, -inf beyond an interval; up to a constant per row."""
    step = np.arange(width.max() + 1.0)[:, None]
    return np.where(step <= width, family.log_ways(low, step, n), -np.inf)


def tilted_moments(
    counts: Counts, mean: np.ndarray, variance: np.ndarray, centre: np.ndarray, spread: np.ndarray, *, times: int = 2
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of the logits under cavity times exact likelihood, by Gauss-Hermite quadrature.

    The nodes are placed by `centre` and `spread`, a guess of mean and sd, and as many times again by the last result,
    so that a likelihood far from the cavity, or much narrower, is seen.
    """
    for _ in range(times):
        z = centre[:, None] + spread[:, None] * NODES
        log_p = counts.log_likelihood(z) - 0.5 * (z - mean[:, None]) ** 2 / variance[:, None]
        log_p += LOG_WEIGHTS + 0.5 * NODES**2
        p = np.exp(log_p - logsumexp(log_p, axis=1, keepdims=True))
        centre = (p * z).sum(axis=1)
        spread = np.sqrt((p * (z - centre[:, None]) ** 2).sum(axis=1))
    return centre, spread**2


def fit_sites(
    layout: Layout, real: Real, rows: pd.DataFrame, site: np.ndarray, *,
    sweeps: int = 30, tolerance: float = 1e-4,
) -> tuple[np.ndarray, np.ndarray, float]:  # fmt: skip
    """Fit the sites of the marked observations at fixed hyperparameters.

    Parameters
    ----------
    layout, real
        The kernel's arguments; `z` and `variance` of `real` are where the current sites stand.
    rows
        The observations, in kernel order; `confidence_variance` is d, none where there is no such column.
    site
        Mask of the observations that are sites.
    sweeps, tolerance
        Parallel sweeps at most; they stop when no marginal mean moves by more than `tolerance` of its sd.

    Returns
    -------
    tuple of (z, variance, change)
        All observations' z and variance with the fitted sites, and the last sweep's largest move in sd.
    """
    z, variance = real.z.copy(), real.variance.copy()
    chosen = rows[site]
    doubt = chosen.reindex(columns=["confidence_variance"], fill_value=0.0)["confidence_variance"].to_numpy(float)
    counts = Counts.of(chosen)
    change, before = np.inf, None
    for _ in range(sweeps):
        v = variance[site]
        marginal_mean, marginal_variance = site_marginals(layout, real._replace(z=z, variance=variance), site)
        if before is not None:
            change = float(np.max(np.abs(marginal_mean - before) / np.sqrt(marginal_variance), initial=0.0))
        before = marginal_mean
        if change < tolerance:
            break
        cavity_mean, cavity_variance = _cavities(marginal_mean, marginal_variance, z[site], v)
        cavity_variance = cavity_variance + doubt
        spread, times = np.sqrt(marginal_variance), 2 if change == np.inf else 1
        mean, new = tilted_moments(counts, cavity_mean, cavity_variance, marginal_mean, spread, times=times)
        precision = np.maximum(1.0 / new - 1.0 / cavity_variance, 1.0 / FLAT_VARIANCE)
        variance[site] = 1.0 / precision + doubt
        z[site] = (mean / new - cavity_mean / cavity_variance) / precision
    return z, variance, change


def site_evidence(layout: Layout, real: Real, rows: pd.DataFrame, site: np.ndarray) -> np.ndarray:
    """Log of what each site's Gaussian has to be multiplied by to integrate to what its exact likelihood does.

    With the cavity c of a site, log of the integral of likelihood times c, less log N(z; mean of c, variance of c + V).
    The likelihood is a probability: of the count, or of the interval.

    Parameters
    ----------
    layout, real
        The kernel's arguments, with the fitted sites.
    rows
        The observations, in kernel order.
    site
        Mask of the observations that are sites.
    """
    chosen, v, z = rows[site], real.variance[site], real.z[site]
    doubt = chosen.reindex(columns=["confidence_variance"], fill_value=0.0)["confidence_variance"].to_numpy(float)
    marginal = site_marginals(layout, real, site)
    mean, variance = _cavities(*marginal, z, v)
    wide, counts = variance + doubt, Counts.of(chosen)
    centre, spread = tilted_moments(counts, mean, wide, marginal[0], np.sqrt(marginal[1]))
    node = centre[:, None] + np.sqrt(spread)[:, None] * NODES
    log_p = counts.log_likelihood(node) - 0.5 * (node - mean[:, None]) ** 2 / wide[:, None]
    log_p += LOG_WEIGHTS + 0.5 * NODES**2
    exact = logsumexp(log_p, axis=1) + 0.5 * np.log(spread / wide)
    gaussian = -0.5 * np.log(2.0 * np.pi * (variance + v)) - 0.5 * (z - mean) ** 2 / (variance + v)
    return np.asarray(exact - gaussian + counts.constant)


def normalisers(layout: Layout, real: Real, rows: pd.DataFrame) -> np.ndarray:
    """Log of what the Gaussian of each observation has to be multiplied by (`site_evidence`); 0 where it is no site."""
    site, out = rows["site"].to_numpy(dtype=bool), np.zeros(len(rows))
    if site.any():
        out[site] = site_evidence(layout, real, rows, site)
    return out


def block_normalisers(design: Design, real: Real) -> np.ndarray:
    """Log of what the Gaussian sites of each block have to be multiplied by (block,)."""
    rows = design.observation
    return np.bincount(rows["block"], normalisers(layout_of(design), real, rows), len(design.block))


def site_marginals(layout: Layout, real: Real, site: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Posterior mean and variance of each site's logit."""
    _, gradient = value_and_gradient(layout, real)
    score, curvature, v = -gradient.z[site], gradient.variance[site], real.variance[site]
    return real.z[site] - v * score, np.maximum(v - v**2 * (score**2 - 2.0 * curvature), 1e-10)


def _cavities(mean: np.ndarray, variance: np.ndarray, z: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of each site's logit without the site."""
    cavity = 1.0 / np.maximum(1.0 / variance - 1.0 / v, 1e-6)
    return cavity * (mean / variance - z / v), cavity
