"""Gaussian sites of grades by expectation propagation: what `bayes_csc.likelihood.kernel.grades` does, in plain arrays.

A grade between the cutpoints low and high of a latent score f has the probability Phi(high - f) - Phi(low - f). Given
all else f ~ N(mean, covariance) over the grades of a block; each grade gets a site exp(-tau f ** 2 / 2 + eta f) such
that mean and variance of its own f, given the other sites (the cavity), are those that the exact probability leaves.
Source: Minka 2001; Rasmussen and Williams 2006, section 3.6.
"""

from __future__ import annotations

import numpy as np
from scipy.special import log_ndtr

SWEEPS, TOLERANCE = 200, 1e-13
LOG_ROOT_2PI = 0.5 * np.log(2.0 * np.pi)


def fit_grade_sites(
    mean: np.ndarray, covariance: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Fit the sites of a block's grades, at many draws of the hyperparameters side by side.

    Parameters
    ----------
    mean, covariance
        Of the scores f given everything but the grades, (..., grade) and (..., grade, grade). An effect that the
        grades of one inspection share is part of f, so its variance is in the covariance.
    low, high
        Cutpoints around each grade, (..., grade); infinite at the ends of the scale.

    Returns
    -------
    tuple of numpy.ndarray
        tau and eta, (..., grade); zero for a grade that leaves every score possible.

    Examples
    --------
    >>> tau, eta = fit_grade_sites(np.zeros(1), np.eye(1), np.zeros(1), np.full(1, np.inf))
    >>> bool(np.isclose(eta / (1 + tau), 1 / np.sqrt(np.pi)))  # E[f | f + N(0, 1) > 0] of f ~ N(0, 1)
    True
    """
    tau, eta = np.zeros(mean.shape), np.zeros(mean.shape)
    centre, spread = np.array(mean, dtype=float), np.array(covariance, dtype=float)
    for _ in range(SWEEPS):
        moved = 0.0
        for i in range(mean.shape[-1]):
            variance = spread[..., i, i] / (1.0 - tau[..., i] * spread[..., i, i])
            cavity = centre[..., i] + variance * (tau[..., i] * centre[..., i] - eta[..., i])
            slope, bend = score_derivatives(cavity, variance, low[..., i], high[..., i])
            new_tau = np.maximum(-bend / (1.0 + variance * bend), 0.0)
            new_eta = (slope - cavity * bend) / (1.0 + variance * bend)
            d_tau, d_eta = new_tau - tau[..., i], new_eta - eta[..., i]
            tau[..., i], eta[..., i] = new_tau, new_eta
            gain = spread[..., i] / (1.0 + d_tau * spread[..., i, i])[..., None]
            centre += gain * (d_eta - d_tau * centre[..., i])[..., None]
            spread -= d_tau[..., None, None] * gain[..., :, None] * spread[..., i, None, :]
            moved = max(moved, np.abs(d_tau).max(initial=0.0), np.abs(d_eta).max(initial=0.0))
        if moved < TOLERANCE:
            break
    return tau, eta


def score_derivatives(
    mean: np.ndarray, variance: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """First and second derivative by the mean of log P(grade) under f ~ N(mean, variance).

    With s ** 2 = 1 + variance, a = (low - mean) / s, b = (high - mean) / s and Z = Phi(b) - Phi(a),

        slope = (phi(a) - phi(b)) / (s Z),   bend = (a phi(a) - b phi(b)) / (s ** 2 Z) - slope ** 2

    taken in the lower tail, by symmetry, where the difference keeps its digits.
    """
    s = np.sqrt(1.0 + variance)
    a, b = (low - mean) / s, (high - mean) / s
    upper = a > -b  # not a + b > 0: both ends may be infinite
    a, b = np.where(upper, -b, a), np.where(upper, -a, b)
    log_b = log_ndtr(b)
    log_z = log_b + np.log(-np.expm1(log_ndtr(a) - log_b))
    at_a, at_b = (np.exp(-0.5 * x**2 - LOG_ROOT_2PI - log_z) for x in (a, b))
    slope = np.where(upper, -1.0, 1.0) * (at_a - at_b) / s
    moment = np.where(np.isinf(a), 0.0, a) * at_a - np.where(np.isinf(b), 0.0, b) * at_b
    return slope, moment / s**2 - slope**2
