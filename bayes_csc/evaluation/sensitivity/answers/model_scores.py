"""Which variants predict better: log scores with their errors, and the mixture that would predict best."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bayes_csc.evaluation.backtest.forecasters.stack import mixture_weights
from bayes_csc.evaluation.sensitivity.answers.predictive import Predictive
from bayes_csc.evaluation.sensitivity.answers.reweight import HIGHEST_K
from bayes_csc.evaluation.sensitivity.table import Told

SCORES = ("loo", "lfo")


def score_table(told: Sequence[Told], base: Told) -> pd.DataFrame:
    """Compare the base and the refits of the same observations.

    Parameters
    ----------
    told
        Variants.
    base
        What they are compared with.

    Returns
    -------
    pandas.DataFrame
        By variant with scores: `comparable` (of the base's observations, and passed); for each of `SCORES` the expected
        log predictive density `elpd_*`, its standard error `se_*` (of the sum over blocks), the difference from the
        base with its own, `difference_*` and `difference_se_*`, and how many blocks have a Pareto k too high,
        `high_k_*`; and the stacking `weight` (Yao et al. 2018) among the comparable, by leave-one-authority-out.
    """
    scored = [(t, t.answer.predictive) for t in told if t.answer.predictive is not None and t.weights is None]
    scored = [(t, p) for t, p in scored if t.depth != "recomputed"]
    reference = base.answer.predictive
    if reference is None or not scored:
        return pd.DataFrame(columns=["variant", "comparable", "weight"])
    alike = [_alike(p, reference) and t.answer.passed for t, p in scored if p is not None]
    rows = [
        {"variant": t.name, "comparable": same} | _scores(p, reference, same)
        for (t, p), same in zip(scored, alike, strict=True)
        if p is not None
    ]
    out = pd.DataFrame(rows)
    loo = np.array([p.loo for (_, p), same in zip(scored, alike, strict=True) if same and p is not None])
    out["weight"] = 0.0
    out.loc[np.array(alike), "weight"] = stacking_weights(loo) if len(loo) else []
    return out


def stacking_weights(loo: np.ndarray) -> np.ndarray:
    """Weights (variant,) of the mixture with the best sum over blocks of log sum of w exp(loo).

    Parameters
    ----------
    loo
        Expected log predictive densities (variant, block).
    """
    return mixture_weights(np.exp(loo - loo.max(axis=0)))


def averaged(rows: pd.DataFrame, scores: pd.DataFrame) -> pd.Series:
    """P(decline) of each authority averaged over the variants by their stacking weights; NaN where one has none."""
    weight = scores[scores["weight"] > 0].set_index("variant")["weight"]
    p = rows.pivot_table(index="authority", columns="variant", values="p_decline", dropna=False, sort=False)
    return (p.reindex(columns=weight.index) * weight).sum(axis=1, skipna=False).rename("p_decline_averaged")


def _alike(one: Predictive, other: Predictive) -> bool:
    return one.data == other.data and one.block == other.block


def _scores(own: Predictive, base: Predictive, comparable: bool) -> dict[str, float]:
    out: dict[str, float] = {}
    for name in SCORES:
        values, k = getattr(own, name), getattr(own, f"{name}_k")
        root = np.sqrt(values.size)
        out |= {f"elpd_{name}": float(values.sum()), f"se_{name}": float(root * values.std(ddof=1))}
        gap = values - getattr(base, name) if comparable else np.full(1, np.nan)
        spread = float(root * gap.std(ddof=1)) if comparable else np.nan
        out |= {f"difference_{name}": float(gap.sum()), f"difference_se_{name}": spread}
        out[f"high_k_{name}"] = float((k > HIGHEST_K).sum())
    return out
