"""Gaussian sites for small and suppressed counts, by expectation propagation at fixed hyperparameters.

The likelihood of a cell depends on its logit alone, so a Gaussian factor N(z'; eta, V') fitted where the posterior puts
that logit stands for it in the collapsed likelihood (model equations in `bayes_csc.kernel`). Expectation propagation:
divide the current factor out of the logit's posterior marginal (the cavity), multiply the exact likelihood in, match
mean and variance. A count that its release doubts is of a logit with noise of its own, whose variance d is known: the
cavity is widened by d before the exact likelihood comes in, and the factor after. Source: Minka 2001; for latent
Gaussian models Rasmussen and Williams 2006, section 3.6.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
from scipy.special import gammaln, logsumexp

from bayes_csc.kernel import Layout, Real, value_and_gradient
from bayes_csc.timing import TIMING, timing_log_likelihood

FLAT_VARIANCE = 1e4
"""Variance of a site whose likelihood says nothing about its logit."""
LARGEST = 500.0
"""Of a log rate; beyond, its likelihood is zero anyway."""
INTERVAL_WIDTHS = (0.0, 6.0, 20.0, np.inf)
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(48)
LOG_WEIGHTS = np.log(WEIGHTS / WEIGHTS.sum())


def count_log_likelihood(rows: pd.DataFrame, z: np.ndarray) -> np.ndarray:
    """Log likelihood of each row's count or interval at many coded logits, or log rates where the family is poisson.

    Of inspections' timing: of having been inspected or not, at many scores.

    Parameters
    ----------
    rows
        Observations: family, sign, numerator, denominator, lower, upper.
    z
        (row, node) coded logits.

    Returns
    -------
    numpy.ndarray
        (row, node), up to a constant per row.
    """
    observed = rows.numerator.notna().to_numpy()
    low = np.where(observed, rows.numerator, rows.lower).astype(float)
    high = np.where(observed, rows.numerator, rows.upper).astype(float)
    n = rows.denominator.to_numpy(dtype=float)
    eta = rows.sign.to_numpy()[:, None] * z
    rate = rows.family.eq("poisson").to_numpy()
    mass = np.where(rate[:, None], np.exp(np.minimum(eta, LARGEST)), np.logaddexp(0.0, eta))
    out = low[:, None] * eta - n[:, None] * mass
    timed = rows.family.eq(TIMING).to_numpy()
    out[timed] = timing_log_likelihood(low[timed, None], z[timed])
    width = high - low
    for above, most in pairwise(INTERVAL_WIDTHS):  # together, those of about one width
        at = (width > above) & (width <= most)
        step = np.arange(min(most, width[at].max(initial=0.0)) + 1.0)
        count = np.where(rate[at, None], low[at, None] + step, np.minimum(low[at, None] + step, n[at, None]))
        rest = np.where(
            rate[at, None], -step * np.log(n[at, None]), gammaln(np.maximum(n[at, None] - count, 0.0) + 1.0)
        )
        weight = np.where(step <= width[at, None], -gammaln(count + 1.0) - rest, -np.inf)
        terms = weight[:, :, None] + step[:, None] * eta[at, None, :]
        largest = terms.max(axis=1, initial=-np.inf)
        out[at] += largest + np.log(np.exp(terms - largest[:, None]).sum(axis=1))
    return np.asarray(out)


def tilted_moments(
    rows: pd.DataFrame, mean: np.ndarray, variance: np.ndarray, centre: np.ndarray, spread: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of the logits under cavity times exact likelihood, by Gauss-Hermite quadrature.

    The nodes are placed twice, by `centre` and `spread` (a guess of mean and sd) and by the first result, so that a
    likelihood far from the cavity, or much narrower, is seen.
    """
    for _ in range(2):
        z = centre[:, None] + spread[:, None] * NODES
        log_p = count_log_likelihood(rows, z) - 0.5 * (z - mean[:, None]) ** 2 / variance[:, None]
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
        mean, new = tilted_moments(chosen, cavity_mean, cavity_variance, marginal_mean, np.sqrt(marginal_variance))
        precision = np.maximum(1.0 / new - 1.0 / cavity_variance, 1.0 / FLAT_VARIANCE)
        variance[site] = 1.0 / precision + doubt
        z[site] = (mean / new - cavity_mean / cavity_variance) / precision
    return z, variance, change


def site_evidence(layout: Layout, real: Real, rows: pd.DataFrame, site: np.ndarray) -> np.ndarray:
    """Log of what each site's Gaussian has to be multiplied by to integrate to what its exact likelihood does.

    With the cavity c of a site, log of the integral of likelihood times c, less log N(z; mean of c, variance of c + V).
    Up to a constant per row that depends on its data alone (`count_log_likelihood`).

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
    wide = variance + doubt
    centre, spread = tilted_moments(chosen, mean, wide, marginal[0], np.sqrt(marginal[1]))
    node = centre[:, None] + np.sqrt(spread)[:, None] * NODES
    log_p = count_log_likelihood(chosen, node) - 0.5 * (node - mean[:, None]) ** 2 / wide[:, None]
    log_p += LOG_WEIGHTS + 0.5 * NODES**2
    exact = logsumexp(log_p, axis=1) + 0.5 * np.log(spread / wide)
    gaussian = -0.5 * np.log(2.0 * np.pi * (variance + v)) - 0.5 * (z - mean) ** 2 / (variance + v)
    return np.asarray(exact - gaussian)


def site_marginals(layout: Layout, real: Real, site: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Posterior mean and variance of each site's logit."""
    _, gradient = value_and_gradient(layout, real)
    score, curvature, v = -gradient.z[site], gradient.variance[site], real.variance[site]
    return real.z[site] - v * score, np.maximum(v - v**2 * (score**2 - 2.0 * curvature), 1e-10)


def _cavities(mean: np.ndarray, variance: np.ndarray, z: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of each site's logit without the site."""
    cavity = 1.0 / np.maximum(1.0 / variance - 1.0 / v, 1e-6)
    return cavity * (mean / variance - z / v), cavity
