"""What theta is made of: the share of its information that each domain's indicators and the judgements give.

Given the hyperparameters a block's states have the posterior precision C^-1 + the sum over groups g of A_g' S_g A_g
(symbols of `bayes_csc.estimates.smoother`), so that, Theta its inverse,

    tr(Theta C^-1) + sum over g of tr(Theta A_g' S_g A_g) = the number of states

Each term is the number of states that the prior, or the group, pins down: effective degrees of freedom.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from bayes_csc.estimates.decline import INTERVAL
from bayes_csc.estimates.smoother import Block, Group, Smoothed, smooth, stacked
from bayes_csc.inference.fit import Fit, Model
from bayes_csc.inference.reopen import Revisited, revisit
from bayes_csc.panel.panel import Panel

DRAWS = 20
JUDGEMENTS, TIMING = "judgements", "timing of inspections"


def information_shares(fit: Fit, model: Model, *, draws: int = DRAWS, interval: float = INTERVAL) -> pd.DataFrame:
    """Share of theta's information that comes from each domain and from the judgements, over all authorities.

    A share is a source's effective degrees of freedom over those of all sources, the prior not among them. The
    indicators of a domain that share a deviation are one source, whatever their number.

    Parameters
    ----------
    fit
        A run.
    model
        The function that built its model.
    draws
        Of the hyperparameters, at most.
    interval
        Probability of the equal-tailed intervals, over the draws.

    Returns
    -------
    pandas.DataFrame
        Columns source, share (its mean over the draws), lower, upper; sources are domains in the panel's order, those
        that near-copies share, named by both, and the judgements. Where some of the indicators are the user's own, also
        without_own: the shares at the same hyperparameters without their figures. `attrs` has the `interval`.

    Raises
    ------
    DataError
        The model is not the one that was fitted.
    """
    return shares(revisit(fit, model, draws=draws), fit.panel, interval=interval)


def shares(again: Revisited, panel: Panel, *, interval: float = INTERVAL) -> pd.DataFrame:
    """Return `information_shares` at the draws of a fit that is taken up again."""
    share, tail = _at_each(again, panel), (1.0 - interval) / 2.0
    lower, upper = share.quantile([tail, 1.0 - tail]).to_numpy()
    out = pd.DataFrame({"source": share.columns, "share": share.mean().to_numpy(), "lower": lower, "upper": upper})
    keys = (*again.design.indicator, *again.design.timing, *again.design.ordinal)
    if own := [k for k, key in enumerate(keys) if key not in again.design.timing and panel.indicators[key].own]:
        without = _at_each(again, panel, without=own).mean()
        out["without_own"] = without.reindex(out.source, fill_value=0.0).to_numpy()
    out.attrs["interval"] = interval
    return out


def in_words(table: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
    """Head and rows of a table of shares as texts."""
    own = "without_own" in table
    head = ["Source", "Share", f"{table.attrs['interval']:.0%} interval", *(["Without your own"] if own else [])]
    rows = [
        [r["source"].replace("_", " "), f"{r['share']:.2f}", f"{r['lower']:.2f} to {r['upper']:.2f}"]
        + ([f"{r['without_own']:.2f}"] if own else [])
        for r in table.to_dict("records")
    ]
    return head, rows


def effective(smoothed: Smoothed) -> np.ndarray:
    """Effective degrees of freedom tr(Theta A'SA) that each group of observations gives a block, (draw, group)."""
    out = np.empty((len(smoothed.mean), len(smoothed.said)))
    for g, part in enumerate(smoothed.said):
        a = part.loading[:, :, None] * part.group.weight
        theta = smoothed.covariance[:, part.group.state[:, None], part.group.state]
        out[:, g] = (a @ theta @ a.transpose(0, 2, 1) * part.precision).sum(axis=(1, 2))
    return out


def _at_each(again: Revisited, panel: Panel, without: Sequence[int] = ()) -> pd.DataFrame:
    """Shares at each draw, a column for each source; without the observations of some kinds."""
    d = again.design
    named = [panel.indicators[k].domain for k in d.indicator], [panel.indicators[k].domain for k in d.ordinal]
    label = [*named[0], *[TIMING] * len(d.timing), *named[1], *[JUDGEMENTS] * len(d.judged.domain)]
    real = stacked(again.density.real(x) for x in again.points)
    domains = [i.domain for i in panel.indicators.values() if i.domain in label]
    total = dict.fromkeys(domains, np.zeros(len(again.points)))
    for index in range(len(d.block)):
        block = Block.of(d, index)
        left = [_part(g, ~np.isin(g.kind, without)) for g in block.groups]
        smoothed = smooth(replace(block, groups=tuple(g for g in left if g.at.size)), real)
        for part, freedom in zip(smoothed.said, effective(smoothed).T, strict=True):
            source = " and ".join(dict.fromkeys(label[k] for k in part.group.kind))
            total[source] = total.get(source, 0.0) + freedom
    last = [source for source in (JUDGEMENTS, TIMING) if source in total]
    table = pd.DataFrame(total)[[*(source for source in total if source not in last), *last]]
    return table.div(table.sum(axis=1), axis=0)


def _part(group: Group, kept: np.ndarray) -> Group:
    """Return some of a group's observations."""
    return replace(
        group, at=group.at[kept], observation=group.observation[kept], weight=group.weight[kept],
        kind=group.kind[kept], year=group.year[kept], grade=group.grade[kept],
    )  # fmt: skip
