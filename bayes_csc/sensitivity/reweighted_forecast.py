"""The base's forecasts under another prior: the same draws, weighted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from bayes_csc.fit import Fit, Model
from bayes_csc.forecast import LOSS_RATIO
from bayes_csc.next_grade import WITHOUT_EVERY, next_grade
from bayes_csc.probabilities import batch_means_error
from bayes_csc.reinspection import Reinspection
from bayes_csc.revisit import Revisited
from bayes_csc.sensitivity.reweight import Weights
from bayes_csc.sensitivity.table import INTERVAL
from bayes_csc.visit_decision import decide, threshold


@dataclass(frozen=True)
class Worse:
    """P(next grade worse) of each authority given each draw of the base.

    Attributes
    ----------
    authority
        Codes of those with a previous grade.
    marginal, without
        As of `next_grade.NextGrade`, (draw, authority).
    can_fall
        Whether a grade below the last one exists.
    chains
        How many the draws are of.
    """

    authority: tuple[str, ...]
    marginal: np.ndarray
    without: np.ndarray
    can_fall: np.ndarray
    chains: int

    @classmethod
    def of(cls, run: Fit, model: Model, again: Revisited, *, cores: int = 1) -> Worse:
        """Compute them from the base's draws."""
        found = next_grade(run, model, Reinspection.of(run.panel), again=again, cores=cores)
        last = run.panel.latest_grades().reindex([*found.authority])["grade"].to_numpy(dtype=float)
        known = np.flatnonzero(~np.isnan(last))
        marginal, _, without = (p[:, known] for p in found.moved(last, 1))
        codes = tuple(found.authority[i] for i in known)
        return cls(codes, marginal, without, last[known] < len(run.panel.grades), found.chains)

    def table(self, weights: Weights) -> pd.DataFrame:
        """Forecast by authority under weights of the draws, as `answer.Answer.forecast`."""
        w, before = weights.weight, weights.at(np.arange(0, weights.weight.size, WITHOUT_EVERY)).weight
        tail = (1.0 - INTERVAL) / 2.0
        p, without = w @ self.marginal, before @ self.without
        lower, upper = (weighted_quantile(self.marginal, w, level) for level in (tail, 1.0 - tail))
        lower0, upper0 = (weighted_quantile(self.without, before, level) for level in (tail, 1.0 - tail))
        each = len(self.marginal) // self.chains
        draws = self.marginal[: each * self.chains].reshape(self.chains, each, -1)
        error = batch_means_error(xr.DataArray(draws, dims=("chain", "draw", "authority"))).to_numpy()
        ends = [np.where(self.can_fall, v, np.nan) for v in (lower, upper, lower0, upper0)]
        decision, _ = decide((ends[0], ends[1]), (ends[2], ends[3]), limit=threshold(LOSS_RATIO))
        return pd.DataFrame(
            {
                "p_next_worse": p, "p_next_worse_lower": lower, "p_next_worse_upper": upper,
                "p_next_worse_mcse": weights.error(self.marginal, error), "p_next_worse_no_data": without,
                "decision": decision,
            },
            index=list(self.authority),
        )  # fmt: skip


def weighted_quantile(values: np.ndarray, weight: np.ndarray, level: float) -> np.ndarray:
    """Quantile of each column of values (draw, column) whose rows have weights that sum to one.

    Linear between the values, each at the middle of its own weight.

    Examples
    --------
    >>> weighted_quantile(np.array([[1.0], [2.0], [3.0]]), np.array([0.25, 0.5, 0.25]), 0.5)
    array([2.])
    """
    order = np.argsort(values, axis=0)
    ordered, share = np.take_along_axis(values, order, axis=0), weight[order]
    middle = np.cumsum(share, axis=0) - 0.5 * share
    return np.array([np.interp(level, middle[:, j], ordered[:, j]) for j in range(values.shape[1])])
