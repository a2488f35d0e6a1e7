"""The table of a sensitivity analysis: a row per authority and variant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from scipy.special import ndtr

from bayes_csc.evaluation.sensitivity.answers.answer import Answer
from bayes_csc.evaluation.sensitivity.answers.reweight import Weights
from bayes_csc.inference.probabilities import batch_means_error, mixture_quantile

INTERVAL = 0.89
COLUMNS = (
    "authority", "name", "variant", "choice", "depth", "p_decline", "p_decline_mcse", "delta_median", "delta_lower",
    "delta_upper", "p_next_worse", "p_next_worse_lower", "p_next_worse_upper", "level", "gate", "note",
)  # fmt: skip


@dataclass(frozen=True)
class Told:
    """An answer with what the table says of it.

    Attributes
    ----------
    name, choice
        Of the variant.
    answer
        Its answer: the base's, where its draws are reweighted or asked another epsilon.
    epsilon
        Smallest decline that counts.
    weights
        Of the answer's draws; None for equal ones.
    depth
        "base", "reweighted", "recomputed" (another question of the base's draws), "preview" or "full".
    """

    name: str
    choice: str
    answer: Answer
    epsilon: float
    depth: str
    weights: Weights | None = None


def rows_of(told: Told, codes: Sequence[str], names: Mapping[str, str]) -> pd.DataFrame:
    """Rows of one variant: the authorities of a group in their order, without numbers where it has none.

    Parameters
    ----------
    told
        The variant and its answer.
    codes
        Of the group.
    names
        Of the authorities, by code.
    """
    answer = told.answer
    place = {code: i for i, code in enumerate(answer.authority)}
    known = [code for code in codes if code in place]
    at = [place[code] for code in known]
    table = pd.DataFrame(index=pd.Index(codes, name="authority"))
    if known:
        table = table.join(pd.DataFrame(change_summary(told, at), index=known))
        table = table.join(answer.forecast.reindex(known))
    gate = answer.about["gate"]
    table = table.reset_index().assign(
        name=[names[code] for code in codes], variant=told.name, choice=told.choice, depth=told.depth, gate=gate,
        note=["" if code in place or gate == "failed" else "left out" for code in codes],
    )  # fmt: skip
    return table.reindex(columns=list(COLUMNS))


def change_summary(told: Told, at: Sequence[int]) -> dict[str, np.ndarray]:
    """P(decline), its error, and median and interval of the change, of some of an answer's authorities."""
    mean, variance = told.answer.mean[..., at], told.answer.variance[..., at]
    sd = np.sqrt(variance)
    p = ndtr((-told.epsilon - mean) / sd)
    error = batch_means_error(xr.DataArray(p, dims=("chain", "draw", "authority"))).to_numpy()
    flat, flat_mean, flat_sd = (v.reshape(-1, len(at)) for v in (p, mean, sd))
    weight = None if told.weights is None else told.weights.weight
    tail = (1.0 - INTERVAL) / 2.0
    lower, median, upper = (
        mixture_quantile(flat_mean.T, flat_sd.T, level, weight) for level in (tail, 0.5, 1.0 - tail)
    )
    unknown = np.isnan(flat_mean).any(axis=0)
    estimate = flat.mean(axis=0) if weight is None else weight @ flat
    return {
        "p_decline": estimate,
        "p_decline_mcse": error if told.weights is None else told.weights.error(flat, error),
        "delta_median": np.where(unknown, np.nan, median),
        "delta_lower": np.where(unknown, np.nan, lower),
        "delta_upper": np.where(unknown, np.nan, upper),
    }
