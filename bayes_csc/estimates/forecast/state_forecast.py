"""Theta at possible dates of the next inspection, given each draw of the hyperparameters and what is known of now."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from scipy.special import ndtri
from threadpoolctl import threadpool_limits

from bayes_csc.estimates.forecast.grade_probabilities import ThetaAhead
from bayes_csc.likelihood.conditional_states import cuts
from bayes_csc.likelihood.density import Density
from bayes_csc.likelihood.kernel import Real
from bayes_csc.likelihood.kernel.states import states
from bayes_csc.likelihood.layout import layout_of
from bayes_csc.measurement.design import Design


@dataclass(frozen=True)
class Ahead:
    """Joint Gaussian moments of theta now and at later dates, of every authority of a design.

    Attributes
    ----------
    theta
        At the dates (draw, authority, node).
    now_mean, now_variance
        Of theta now (draw, authority).
    covariance
        Between theta now and at each date (draw, authority, node).
    without
        Theta at the dates had nothing been observed of the authority's block since its last inspection; at every so
        many draws, NaN for authorities without an inspection.
    """

    theta: ThetaAhead
    now_mean: np.ndarray
    now_variance: np.ndarray
    covariance: np.ndarray
    without: ThetaAhead

    def given_now(self, z: np.ndarray) -> ThetaAhead:
        """Theta at the dates given that theta now is z sds above its mean (draw, authority)."""
        sd = np.sqrt(self.now_variance)[..., None]
        slope = np.divide(self.covariance, sd, out=np.zeros_like(self.covariance), where=sd > 0.0)
        return ThetaAhead(self.theta.mean + slope * z[..., None], np.maximum(self.theta.variance - slope**2, 0.0))


def theta_ahead(
    density: Density,
    design: Design,
    points: np.ndarray,
    last: np.ndarray,
    node: np.ndarray,
    *,
    without_every: int = 4,
    cores: int = 2,
) -> Ahead:
    """Compute the moments of theta ahead at every draw.

    Parameters
    ----------
    density, design, points
        Of a fit taken up again (`revisit`).
    last
        Grid position of each authority's last inspection, NaN without one.
    node
        Grid positions of the dates.
    without_every
        Compute theta without later data, which costs as much as all else, at every so many draws only.
    cores
        Threads.
    """
    weights = design.weights(np.append(node, design.now))
    cut = cuts(design, last)

    shape = len(design.authority), len(weights)
    there, variance, covariance = (np.empty((len(points), *shape)) for _ in range(3))
    there0, variance0 = (np.full((-(-len(points) // without_every), *shape), np.nan) for _ in range(2))

    def one(s: int) -> None:
        real = density.real(points[s])
        mean, own = theta_moments(design, real)
        spread = own @ weights.T  # (authority, year, node and now)
        there[s] = mean @ weights.T
        variance[s] = np.einsum("kt,atk->ak", weights, spread)
        covariance[s] = np.einsum("t,atk->ak", weights[-1], spread)
        for part in cut if s % without_every == 0 else ():
            mean0, own0 = theta_moments(part.design, part.kept(real))
            mine = part.authority[~np.isnan(last[part.authority])]
            there0[s // without_every, mine] = mean0[mine] @ weights.T
            variance0[s // without_every, mine] = np.einsum("kt,atk->ak", weights, own0[mine] @ weights.T)

    with threadpool_limits(1), ThreadPoolExecutor(cores) as pool:
        list(pool.map(one, range(len(points))))
    for values in (variance, variance0):
        np.maximum(values, 0.0, out=values)
    return Ahead(
        theta=ThetaAhead(there[..., :-1], variance[..., :-1]),
        now_mean=there[..., -1],
        now_variance=variance[..., -1],
        covariance=covariance[..., :-1],
        without=ThetaAhead(there0[..., :-1], variance0[..., :-1]),
    )


def theta_moments(design: Design, real: Real) -> tuple[np.ndarray, np.ndarray]:
    """Posterior mean (authority, year) of theta and each authority's covariance over the years."""
    n_year = design.year.size
    nobody = np.zeros(real.mean.size)
    mean, _, own, *_ = states(layout_of(design), real, n_year, nobody, np.empty((len(design.block), 0)))
    return mean.reshape(-1, n_year), own


def stratified_normals(codes: Sequence[str], draws: int, seed: int) -> np.ndarray:
    """Standard normals (draw, authority): the same quantiles for each authority, in an order of its own.

    The order depends on the authority's code and not on its place, so that permuting authorities changes nothing.
    """
    quantiles = ndtri((np.arange(draws) + 0.5) / draws)
    order = [np.random.default_rng([seed, crc32(code.encode())]).permutation(draws) for code in codes]
    return np.stack([quantiles[o] for o in order], axis=1)
