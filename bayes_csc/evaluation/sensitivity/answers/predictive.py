"""How well a fit predicts authorities that it has not seen: leave one out, and leave its latest year out.

With l[b](x) the log density of block b (an authority, or several that are linked) given the hyperparameters x, and
past[b](x) the same without what was observed of it in the last year,

    loo[b] = log sum over draws of w exp(l[b]),              w smoothed from exp(-l[b])
    lfo[b] = log sum over draws of w exp(l[b] - past[b]),    w smoothed from exp(-(l[b] - past[b]))

(Vehtari, Gelman and Gabry 2017; Bürkner, Gabry and Vehtari 2020, here authority by authority: the hyperparameters know
everything but this authority's last year). A count stands as a Gaussian site, whose own normaliser is added, so
that fits whose sites differ can be compared.
"""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from arviz_stats.base import array_stats
from scipy.special import logsumexp

from bayes_csc.inference.reopen import Revisited
from bayes_csc.likelihood.conditional_states import Cut, block_densities, block_names
from bayes_csc.likelihood.count_sites import normalisers
from bayes_csc.likelihood.layout import layout_of
from bayes_csc.measurement.design import Design

DATA = (
    "unit", "indicator", "family", "year", "numerator", "denominator", "lower", "upper", "scale", "grade",
)  # fmt: skip
LAST_YEARS = 1.0


@dataclass(frozen=True)
class Predictive:
    """Pointwise log scores of one fit.

    Attributes
    ----------
    data
        Digest of the observations: only fits of the same ones can be compared.
    block
        Codes of each block's authorities, joined by "+".
    loo, lfo
        Expected log predictive density of each block, and of each block's last year given what came before.
    loo_k, lfo_k
        Their Pareto k.
    """

    data: str
    block: tuple[str, ...]
    loo: np.ndarray
    lfo: np.ndarray
    loo_k: np.ndarray
    lfo_k: np.ndarray

    def parts(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Plain values and arrays, as `packed.packed` takes them."""
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return {"data": values.pop("data"), "block": values.pop("block")}, values

    @classmethod
    def of_parts(cls, header: dict[str, Any], arrays: dict[str, np.ndarray]) -> Predictive:
        """The scores that `parts` gave."""
        return cls(header["data"], tuple(header["block"]), **arrays)


def predictive(again: Revisited) -> Predictive:
    """Score a fit that was taken up again."""
    d, density = again.design, again.density
    rows = d.observation
    kept = (rows["position"] <= d.now - LAST_YEARS + 1e-9).to_numpy()
    past = Cut.to(d, kept, np.arange(len(d.authority)))
    whole, before = (np.empty((len(again.points), len(d.block))) for _ in range(2))
    for s, x in enumerate(again.points):
        real = density.real(x)
        whole[s] = block_densities(d, real)
        before[s] = block_densities(past.design, past.kept(real))
    constant = normalisers(layout_of(d), density.real(again.points.mean(axis=0)), rows)
    block = rows["block"].to_numpy()
    sums = [np.bincount(block[m], constant[m], len(d.block)) for m in (np.ones(len(rows), bool), kept)]
    loo, loo_k = left_out(whole + sums[0])
    lfo, lfo_k = left_out(whole + sums[0] - before - sums[1])
    return Predictive(data_digest(d), tuple(block_names(d)), loo, lfo, loo_k, lfo_k)


def left_out(log_density: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Expected log predictive density of each column, and its Pareto k, from log densities (draw, column)."""
    weight, k = array_stats.psislw(log_density.T)  # of what it is given it takes the reciprocal
    return logsumexp(weight + log_density.T, axis=1), np.asarray(k)


def data_digest(design: Design) -> str:
    """Digest of what was observed, whatever the model makes of it."""
    rows = design.observation.reindex(columns=list(DATA)).sort_values(list(DATA)).reset_index(drop=True)
    text = pd.util.hash_pandas_object(rows.astype(str), index=False).to_numpy().tobytes()
    return hashlib.sha256(text).hexdigest()[:16]
