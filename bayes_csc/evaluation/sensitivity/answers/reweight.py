"""Another prior by reweighting the base's draws, where it is near enough: importance sampling with its Pareto k.

With draws x of the base's posterior and a variant whose likelihood, as a function of x, is the base's,

    w(x) proportional to variant prior(x) / base prior(x),

the largest weights smoothed by a generalised Pareto distribution whose shape k says whether that is enough (Vehtari et
al. 2024): averages are reliable below min(1 - 1 / log10(draws), 0.7).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import pymc as pm
from arviz_stats.base import array_stats

from bayes_csc.errors import DataError
from bayes_csc.inference.fit import Model
from bayes_csc.likelihood.density import Density, compile_density
from bayes_csc.likelihood.function_cache import building_graphs
from bayes_csc.likelihood.log_prior import Values, coordinates_of, drawn_values, log_priors
from bayes_csc.panel.panel import Panel
from bayes_csc.spec import Spec

PROBES = 2
"""Draws at which a variant's likelihood is compared with the base's."""
HIGHEST_K = 0.7


@dataclass(frozen=True)
class Base:
    """What reweighting needs of the base.

    Attributes
    ----------
    panel
        Its data.
    values
        Of its free variables at every draw, by name (draw, ...).
    log_prior
        Of each draw.
    real
        The kernel's inputs, one after another, at the first `PROBES` draws.
    z, variance
        Observations with the base's sites.
    """

    panel: Panel
    values: Values
    log_prior: np.ndarray
    real: np.ndarray
    z: np.ndarray
    variance: np.ndarray

    @classmethod
    def of(cls, panel: Panel, model: pm.Model, density: Density, points: np.ndarray) -> Base:
        """Evaluate the base at its draws."""
        values = drawn_values(density, points)
        real = np.array([_inputs(density, x) for x in points[:PROBES]])
        return cls(panel, values, _sum(log_priors(model, values)), real, density.z, density.variance)


def log_ratios(model: Model, spec: Spec, base: Base) -> np.ndarray | None:
    """Log of variant prior over base prior at the base's draws; None where more than the prior differs.

    Parameters
    ----------
    model
        The function that builds the model.
    spec
        The variant's, on the base's panel.
    base
        The base.
    """
    with building_graphs():
        built = model(base.panel, spec)
        density = compile_density(built)
        if [rv.name for rv in built.free_RVs] != list(base.values) or density.z.size != base.z.size:
            return None
        density = density.with_sites(base.z, base.variance)
        for draw, real in enumerate(base.real):
            inputs = _inputs(density, coordinates_of(built, base.values, draw))
            if inputs.shape != real.shape or not np.allclose(inputs, real, rtol=1e-6, atol=1e-6):
                return None
        ratio: np.ndarray = _sum(log_priors(built, base.values)) - base.log_prior
    return ratio


def _inputs(density: Density, x: np.ndarray) -> np.ndarray:
    return np.concatenate(density.real(x))


def _sum(priors: Values) -> np.ndarray:
    return np.asarray(sum(priors.values()))


@dataclass(frozen=True)
class Weights:
    """Smoothed weights of draws, summing to one, and their Pareto k."""

    weight: np.ndarray
    k: float

    @classmethod
    def of(cls, log_ratio: np.ndarray) -> Weights:
        """Smooth the weights of log ratios (draw,).

        Raises
        ------
        DataError
            A ratio is not a number.
        """
        if not np.isfinite(log_ratio).all():
            raise DataError("a variant's prior excludes draws of the base, so that these cannot be reweighted")
        if not np.ptp(log_ratio) > 0:  # no draw stands out where all ratios are alike, and there is no tail to fit
            return cls(np.full(log_ratio.size, 1.0 / log_ratio.size), -np.inf)
        log_weight, k = array_stats.psislw(log_ratio.max() - log_ratio)  # which takes the reciprocal
        weight = np.exp(log_weight - np.max(log_weight))
        return cls(weight / weight.sum(), float(k))

    @property
    def reliable(self) -> bool:
        """Whether averages by these weights can be trusted."""
        return bool(self.k < min(1.0 - 1.0 / np.log10(max(self.weight.size, 2)), HIGHEST_K))

    def at(self, chosen: np.ndarray) -> Weights:
        """Weights of some of the draws."""
        kept = self.weight[chosen]
        return dataclasses.replace(self, weight=kept / kept.sum())

    def error(self, values: np.ndarray, base_error: np.ndarray) -> np.ndarray:
        """Standard error of weighted means of values (draw, column): that of the weights, and of the base's chains.

        The base's own error, which counts the autocorrelation of its chains, grows by the root of the ratio of the
        effective numbers of draws; the weights add sqrt(sum w ** 2 (value - mean) ** 2).
        """
        mean = self.weight @ values
        own = np.sqrt(self.weight**2 @ (values - mean) ** 2)
        plain = values.std(axis=0) / np.sqrt(len(values))
        inflation = np.divide(base_error, plain, out=np.ones_like(plain), where=plain > 0)
        return np.asarray(own * np.maximum(inflation, 1.0))
