"""Where an estimate of an authority comes from: its posterior mean as a sum over indicators, judgements and the rest.

Of a contrast c over the years, relative to the nation's mean of each year (w the weights of that mean),

    E[c'(theta[a] - sum over b of w[b] theta[b])]
        = sum over the block's observations of g_i r_i                      indicators, judgements, their timing
        + the block's prior mean of the same                                prior
        - sum over authorities b outside the block of c'(w[b] E[theta[b]])  nation

given one draw of the hyperparameters. An authority's own part in the nation's mean is with its own terms, so that the
sum is exact. The terms g_i r_i are those of `bayes_csc.estimates.smoother`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayes_csc.estimates.smoother import Block, Smoothed, smooth, stacked
from bayes_csc.inference.reopen import Revisited
from bayes_csc.likelihood.kernel import Real
from bayes_csc.likelihood.kernel.states import states
from bayes_csc.likelihood.layout import layout_of
from bayes_csc.measurement.design import Design
from bayes_csc.panel.calendar import grid_date

KINDS = ("indicator", "judgement", "timing", "prior", "nation")
PARTS = ("region", "deprivation")
"""Parts of the prior mean: the variables PART_level and PART_trend of a model, where it has them."""
NEGLIGIBLE = 1e-9
"""Largest sum of rounding errors in a prior mean."""


@dataclass(frozen=True)
class Attribution:
    """One authority's estimate taken apart.

    Attributes
    ----------
    authority
        Its code.
    source
        One row per term: `kind` (one of `KINDS`), `source` (an indicator's key, or a judgement's scale and date, ...)
        and, of a judgement, the `unit` judged, the `scale`, the `date` and the `grade`.
    value
        Terms at each draw, (draw, source); they sum to the conditional mean of the estimate.
    """

    authority: str
    source: pd.DataFrame
    value: np.ndarray


@dataclass(frozen=True)
class _Draws:
    """What the attributions of all authorities have in common, at every draw."""

    design: Design
    real: Real
    share: np.ndarray  # (authority, year): weight in the nation's mean
    mean: np.ndarray  # (draw, authority, year): E[theta]
    prior: dict[str, np.ndarray]  # each part of the prior mean, (draw, authority, year)


def attributions(again: Revisited, contrast: dict[str, np.ndarray]) -> Iterator[Attribution]:
    """Take estimates of several authorities apart.

    Parameters
    ----------
    again
        A run's design, density and draws.
    contrast
        By the authority's code: the contrast c over the years of the grid.

    Yields
    ------
    Attribution
        In the order of the design.
    """
    d = again.design
    draws = _draws(again)
    for index, members in enumerate(d.block):
        wanted = [a for a in members if d.authority[a] in contrast]
        if not wanted:
            continue
        block = Block.of(d, index)
        smoothed = smooth(block, draws.real)
        observed = sources(d, block)
        for a in wanted:
            yield _attribution(a, members, contrast[d.authority[a]], draws, smoothed, observed)


def _draws(again: Revisited) -> _Draws:
    d = again.design
    reals = [again.density.real(x) for x in again.points]
    share = d.exists / np.maximum(d.exists.sum(axis=0), 1)
    nothing = np.empty((len(d.block), 0))
    mean = [states(layout_of(d), real, d.year.size, share.ravel(), nothing)[0] for real in reals]
    real = stacked(reals)
    named = [again.density.expand(x) for x in again.points]
    shape = (len(reals), *d.exists.shape)
    return _Draws(d, real, share, np.reshape(mean, shape), prior_parts(d, named, real.mean.reshape(shape)))


def prior_parts(design: Design, named: Sequence[dict[str, np.ndarray]], mean: np.ndarray) -> dict[str, np.ndarray]:
    """Take the prior mean of theta (draw, authority, year) apart: region, deprivation, and other if there is any.

    The part of a region is its level and its trend times time, that of deprivation the same times its score; both by
    the names they have in the model, `named` at each draw.
    """
    size = {"region": np.ones(len(design.authority)), "deprivation": design.deprivation}
    out = {}
    for part in PARTS:
        level, slope = (
            np.array([_by_authority(design, n.get(f"{part}_{kind}", 0.0)) for n in named]) * size[part]
            for kind in ("level", "trend")
        )
        out[part] = level[:, :, None] + slope[:, :, None] * design.time
    other = mean - sum(out.values())
    return out | ({"other": other} if np.abs(other).max() > NEGLIGIBLE else {})


def _by_authority(design: Design, value: np.ndarray | float) -> np.ndarray:
    """Spread a number, or numbers by region, over the authorities."""
    return np.asarray(value)[design.region_index] if np.ndim(value) else np.full(len(design.authority), value)


def sources(design: Design, block: Block) -> pd.DataFrame:
    """Return what each observation of a block belongs to: a row each, with the columns of `Attribution.source`."""
    rows = design.observation.iloc[block.observation]
    judged = (rows.kind >= design.first_graded + len(design.ordinal)).to_numpy()
    out = pd.DataFrame({"kind": "indicator", "source": rows.indicator.to_numpy(dtype=object)})
    out.loc[rows.indicator.isin(design.timing).to_numpy(), "kind"] = "timing"
    out[["unit", "scale", "date", "grade"]] = ""
    if judged.any():  # else the rows have no column of scales or grades
        judgement = rows[judged]
        date = [grid_date(p).isoformat() for p in judgement.position]
        source = [" ".join(parts) for parts in zip(judgement.scale, date, judgement.unit, strict=True)]
        labels = dict(zip(design.judged.scale, design.judged.grades, strict=True))
        grade = [labels[scale][int(g) - 1] for scale, g in zip(judgement.scale, judgement.grade, strict=True)]
        out.loc[judged, "kind"] = "judgement"
        out.loc[judged, ["source", "unit", "scale", "date", "grade"]] = list(
            zip(source, judgement.unit, judgement.scale, date, grade, strict=True)
        )
    return out


def _attribution(
    a: int, members: Sequence[int], contrast: np.ndarray, draws: _Draws, smoothed: Smoothed, observed: pd.DataFrame
) -> Attribution:
    """Take one authority's estimate apart, its block smoothed."""
    own = list(members)
    inside = -draws.share[own] * contrast
    inside[own.index(a)] += contrast
    number, _ = pd.factorize(observed.source)
    terms = smoothed.terms(inside.ravel()) @ np.eye(number.max(initial=-1) + 1)[number]
    prior = {f"prior {part}": np.einsum("dat,at->d", value[:, own], inside) for part, value in draws.prior.items()}
    outside = draws.share * contrast
    outside[own] = 0.0
    nation = -np.einsum("dat,at->d", draws.mean, outside)
    more = pd.DataFrame([*(("prior", name) for name in prior), ("nation", "nation mean")], columns=["kind", "source"])
    table = pd.concat([observed.drop_duplicates("source"), more], ignore_index=True).fillna("")
    value = np.column_stack([terms, *prior.values(), nation])
    return Attribution(draws.design.authority[a], table, value)
