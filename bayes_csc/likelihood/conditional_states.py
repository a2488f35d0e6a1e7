"""Exact states given the hyperparameters: draws of theta, and the moments of its changes, relative to England.

Given one draw of the hyperparameters the states are Gaussian with known moments, so probabilities of a change are
averages over draws of normal probabilities, not counts of sampled states (Rao-Blackwell).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.special import ndtri
from scipy.stats import qmc

from bayes_csc.likelihood.density import Density
from bayes_csc.likelihood.kernel import Real
from bayes_csc.likelihood.kernel.states import states
from bayes_csc.likelihood.layout import layout_of
from bayes_csc.measurement.design import Design
from bayes_csc.measurement.figures_used import newest_figure
from bayes_csc.panel.calendar import grid_position
from bayes_csc.panel.panel import Panel, inspection_dates

CHANGES = ("since inspection", "since inspection, no data", "recent")
RECENT_YEARS = 2.0


def last_inspections(panel: Panel, authority: tuple[str, ...]) -> np.ndarray:
    """Grid position of each authority's last inspection, with an overall grade or without; NaN where it has none."""
    whole = panel.whole_grades()
    position = grid_position(inspection_dates(panel.inspections).loc[whole.index])
    latest = dict.fromkeys(authority, np.nan)
    for code, at in zip(whole.authority, position, strict=True):
        if code in latest:
            latest[code] = np.fmax(latest[code], at)
    return np.array([latest[code] for code in authority])


def block_densities(design: Design, real: Real) -> np.ndarray:
    """Log density of each block (block,) with its states integrated out; they sum to that of `value_and_gradient`.

    Zero for a block that the design leaves out; NaN where a covariance is not positive definite.
    """
    nobody, no_draw = np.zeros(design.exists.size), np.empty((len(design.block), 0))
    return np.asarray(states(layout_of(design), real, design.year.size, nobody, no_draw)[4])


def block_names(design: Design) -> list[str]:
    """Codes of each block's authorities, joined by "+": most blocks are one authority."""
    return ["+".join(design.authority[a] for a in members) for members in design.block]


def states_given_draws(
    density: Density,
    design: Design,
    x: xr.DataArray,
    last: np.ndarray,
    *,
    seed: int,
    cores: int = 2,
    no_data_every: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[xr.DataArray, xr.Dataset, xr.DataArray]:
    """Draw theta and compute the conditional moments of its changes, for every draw of the hyperparameters.

    Parameters
    ----------
    density, design
        The model's density and its design.
    x
        Draws of the unconstrained variables, dims (chain, draw, coordinate).
    last
        Grid position of each authority's last inspection.
    seed
        Of the draws of theta.
    cores
        Threads.
    no_data_every
        Compute the change without data, a comparison that costs as much as all else, at every so many draws only.
    progress
        Called with the number of draws done and their total.

    Returns
    -------
    tuple
        theta (chain, draw, authority, year) minus its mean over the authorities existing that year, NaN where an
        authority did not exist; and the moments `mean` and `variance` (chain, draw, authority, change) of theta(now) -
        theta(then), England's own change taken off. "since inspection": then is the last inspection, NaN without
        one; "no data": the same without any observation made after that inspection in the authority's block, whose
        part of England's mean is without them too; NaN at the draws left out;
        "recent": in place of now is the newest figure's instant (`figures.newest_figure`), and then is two years
        before. Attributes: `now`, and `recent_until`, where the recent change ends. Last the log density of each block
        (chain, draw, block), its states integrated out and the counts as Gaussian sites without their normalisers.
    """
    moments = _Moments.of(design, last)
    n_chain, n_draw = x.sizes["chain"], x.sizes["draw"]
    points = np.ascontiguousarray(x.transpose("chain", "draw", "coordinate").to_numpy())
    theta = np.empty((n_chain, n_draw, len(design.authority), design.year.size), dtype=np.float32)
    mean = np.empty((n_chain, n_draw, len(design.authority), len(CHANGES)))
    variance, log_density = np.empty_like(mean), np.empty((n_chain, n_draw, len(design.block)))
    noise = np.stack([moments.noise(n_draw, np.random.default_rng([seed, c])) for c in range(n_chain)])
    lock, done = threading.Lock(), 0

    def one(at: tuple[int, int]) -> None:
        nonlocal done
        real = density.real(points[at])
        found = moments.at(real, noise[at], without=at[1] % no_data_every == 0)
        theta[at], mean[at], variance[at], log_density[at] = found
        with lock:
            done += 1
            if progress is not None:
                progress(done, n_chain * n_draw)

    with ThreadPoolExecutor(cores) as pool:
        list(pool.map(one, [(c, d) for c in range(n_chain) for d in range(n_draw)]))
    coords = {"chain": x.chain, "draw": x.draw, "authority": list(design.authority)}
    change = xr.Dataset(
        {
            "mean": (("chain", "draw", "authority", "change"), mean),
            "variance": (("chain", "draw", "authority", "change"), variance),
            "since": (("authority", "change"), moments.since),
        },
        coords=coords | {"change": list(CHANGES)},
        attrs={"now": design.now, "recent_until": moments.until},
    )
    dims = ("chain", "draw", "authority", "year")
    by_block = {"chain": x.chain, "draw": x.draw, "block": block_names(design)}
    return (
        xr.DataArray(theta, dims=dims, coords=coords | {"year": design.year}, name="theta"), change,
        xr.DataArray(log_density, dims=tuple(by_block), coords=by_block),
    )  # fmt: skip


@dataclass(frozen=True)
class Cut:
    """A design without some of its observations.

    Attributes
    ----------
    design
        Of what is left.
    row, graded
        Its observations among all, and its grades that have a site among all such.
    authority
        Whom it is for (indices): one of each block at most.
    """

    design: Design
    row: np.ndarray
    graded: np.ndarray
    authority: np.ndarray

    @classmethod
    def to(cls, design: Design, kept: np.ndarray, authority: np.ndarray) -> Cut:
        """Return the design of the observations of a mask, and of the blocks of these authorities only."""
        own_block = np.repeat(np.arange(len(design.block)), [len(b) for b in design.block])
        part = design.kept(kept, blocks=np.unique(own_block[authority]))
        return cls(part, np.flatnonzero(kept), np.flatnonzero(kept[layout_of(design).graded >= 0]), authority)

    def kept(self, real: Real) -> Real:
        """Real inputs of the kept observations; those of states and hyperparameters stay whole."""
        return real._replace(
            z=real.z[self.row],
            variance=real.variance[self.row],
            offset=real.offset[self.row],
            low=real.low[self.graded],
            high=real.high[self.graded],
        )


def cuts(design: Design, last: np.ndarray) -> tuple[Cut, ...]:
    """Designs that together have, for every authority, what was known of its block at its last inspection.

    Parameters
    ----------
    design
        Of all observations.
    last
        Grid position of each authority's last inspection; NaN keeps nothing.
    """
    position = design.observation.position.to_numpy()
    block = design.observation.block.to_numpy()
    out = []
    for k in range(max(len(b) for b in design.block)):  # the k-th authority of every block that has one
        chosen = np.array([b[k] if len(b) > k else -1 for b in design.block])
        limit = np.where(chosen >= 0, last[chosen], -np.inf)
        kept = position <= np.nan_to_num(limit, nan=-np.inf)[block]
        out.append(Cut.to(design, kept, chosen[chosen >= 0]))
    return tuple(out)


@dataclass(frozen=True)
class _Moments:
    """What the moments of every draw have in common: contrasts over the grid, and the designs cut at inspections."""

    design: Design
    existing: np.ndarray  # (authority, year)
    share: np.ndarray  # (authority, year): weight in the mean over existing authorities
    block: np.ndarray  # (authority,)
    since: np.ndarray  # (authority, change): grid positions
    until: float  # grid position where the recent change ends
    contrast: np.ndarray  # (authority, change, year)
    cut: tuple[Cut, ...]

    @classmethod
    def of(cls, design: Design, last: np.ndarray) -> _Moments:
        existing = design.exists
        share = existing / np.maximum(existing.sum(axis=0), 1)
        until = newest_figure(design.observation, design.now)
        since = np.column_stack([last, last, np.full(last.size, until - RECENT_YEARS)])
        end = design.weights(np.array([design.now, design.now, until]))
        then = np.stack([design.weights(np.nan_to_num(s, nan=design.now)) for s in since.T], axis=1)
        contrast = np.where(np.isnan(since)[..., None], np.nan, end - then)
        own_block = np.repeat(np.arange(len(design.block)), [len(b) for b in design.block])
        return cls(design, existing, share, own_block, since, until, contrast, cuts(design, last))

    def noise(self, draws: int, rng: np.random.Generator) -> np.ndarray:
        """Standard normals for the draws of a chain, each evenly spread over them (a Latin hypercube).

        So a chain's mean of theta has little error but that of its hyperparameters.
        """
        layout = layout_of(self.design)
        shape = len(self.design.block), int(layout.template_column.max()) + layout.single_grade.shape[1]
        cube = qmc.LatinHypercube(shape[0] * shape[1], rng=rng).random(draws)
        return np.asarray(ndtri(cube).reshape(draws, *shape), dtype=np.float32)

    def at(self, real: Real, noise: np.ndarray, *, without: bool = True) -> tuple[np.ndarray, ...]:
        """Theta, mean and variance of the changes (the one without data if asked), and log densities, at one draw."""
        noise = noise.astype(float)
        mean, draw, own, shared, log_density = self._states(self.design, real, noise)
        national = (self.share * mean).sum(axis=0)
        national_cov = np.einsum("at,atu->tu", self.share, shared)
        theta = draw - (self.share * draw).sum(axis=0)
        out_mean, out_variance = np.full(self.since.shape, np.nan), np.full(self.since.shape, np.nan)
        for k in (0, 2):
            out_mean[:, k], out_variance[:, k] = self._change(k, mean, own, shared, national, national_cov)
        for cut in self.cut if without else ():
            mean0, _, own0, shared0, _ = self._states(cut.design, cut.kept(real), noise[:, :0])
            england = national + self._by_block(self.share * (mean0 - mean))
            england_cov = national_cov + self._by_block(self.share[..., None] * (shared0 - shared))
            m, v = self._change(1, mean0, own0, shared0, england, england_cov)
            out_mean[cut.authority, 1], out_variance[cut.authority, 1] = m[cut.authority], v[cut.authority]
        return np.where(self.existing, theta, np.nan), out_mean, out_variance, log_density

    def _by_block(self, values: np.ndarray) -> np.ndarray:
        """Sum over the authorities of each authority's block."""
        starts = np.flatnonzero(np.diff(self.block, prepend=-1))  # authorities are in block order
        return np.asarray(np.add.reduceat(values, starts)[self.block])

    def _states(self, design: Design, real: Real, noise: np.ndarray) -> tuple[np.ndarray, ...]:
        n_year = design.year.size
        out = states(layout_of(design), real, n_year, self.share.ravel(), noise)
        return out[0].reshape(-1, n_year), out[1].reshape(-1, n_year), *out[2:]

    def _change(
        self, k: int, mean: np.ndarray, own: np.ndarray, shared: np.ndarray, national: np.ndarray, cov: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Moments of w'(theta[a] - England) for contrast k of every authority; England may differ between them."""
        w = self.contrast[:, k]
        variance = np.einsum("at,at->a", w, np.einsum("atu,au->at", own - 2.0 * shared + cov, w))
        return (w * (mean - national)).sum(axis=1), np.maximum(variance, 0.0)
