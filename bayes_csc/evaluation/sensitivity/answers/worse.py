"""P(next grade worse) given each draw of a run, and its summary by equal or other weights of the draws."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from bayes_csc.estimates.forecast.next_grade import WITHOUT_EVERY, next_grade
from bayes_csc.estimates.forecast.visit_decision import sides, threshold
from bayes_csc.evaluation.forecast.forecast import INTERVAL, LOSS_RATIO
from bayes_csc.evaluation.sensitivity.answers.packed import packed, unpacked
from bayes_csc.evaluation.sensitivity.answers.reweight import Weights
from bayes_csc.inference.fit import Fit, Model
from bayes_csc.inference.probabilities import batch_means_error
from bayes_csc.inference.reopen import Revisited
from bayes_csc.measurement.judgements.inspection_rates import Reinspection

FORECAST = (
    "p_next_worse", "p_next_worse_lower", "p_next_worse_upper", "p_next_worse_mcse", "p_next_worse_no_data",
)  # fmt: skip
NOTHING = pd.DataFrame(columns=[*FORECAST, "level"])
"""The forecast of a run without judgements."""


@dataclass(frozen=True)
class Worse:
    """P(next grade worse) of each authority given each draw of a run.

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
    def of(
        cls, run: Fit, model: Model, again: Revisited, *, date: datetime.date | None = None, cores: int = 1
    ) -> Worse:
        """Compute them from a run's draws, for a next inspection on a day or as uncertain as it is."""
        when = Reinspection.of(run.panel)
        found = next_grade(run, model, when, date=date, again=again, given_now=False, cores=cores)
        last = run.panel.latest_grades().reindex([*found.authority])["grade"].to_numpy(dtype=float)
        known = np.flatnonzero(~np.isnan(last))
        marginal, _, without = (p[:, known] for p in found.moved(last, 1))
        codes = tuple(found.authority[i] for i in known)
        return cls(codes, marginal, without, last[known] < len(run.panel.grades), found.chains)

    def table(self, weights: Weights | None = None) -> pd.DataFrame:
        """Forecast by authority: the columns `FORECAST` and `level`, by equal weights as `forecast` has them."""
        tail = (1.0 - INTERVAL) / 2.0
        levels = (tail, 1.0 - tail)
        each = len(self.marginal) // self.chains
        draws = self.marginal[: each * self.chains].reshape(self.chains, each, -1)
        error = batch_means_error(xr.DataArray(draws, dims=("chain", "draw", "authority"))).to_numpy()
        if weights is None:
            p, without = self.marginal.mean(axis=0), self.without.mean(axis=0)
            ends = [*np.quantile(self.marginal, levels, axis=0), *np.quantile(self.without, levels, axis=0)]
        else:
            w, before = weights.weight, weights.at(np.arange(0, weights.weight.size, WITHOUT_EVERY)).weight
            p, without = w @ self.marginal, before @ self.without
            ends = [weighted_quantile(self.marginal, w, level) for level in levels]
            ends += [weighted_quantile(self.without, before, level) for level in levels]
            error = weights.error(self.marginal, error)
        able = [np.where(self.can_fall, v, np.nan) for v in ends]
        level = sides((able[0], able[1]), limit=threshold(LOSS_RATIO))
        columns = dict(zip(FORECAST, (p, ends[0], ends[1], error, without), strict=True))
        return pd.DataFrame({**columns, "level": level}, index=list(self.authority))

    def to_bytes(self) -> bytes:
        """The probabilities as a compressed file."""
        arrays = {"marginal": self.marginal, "without": self.without, "can_fall": self.can_fall}
        return packed({"authority": self.authority, "chains": self.chains}, arrays)

    @classmethod
    def of_bytes(cls, content: bytes) -> Worse:
        """The probabilities that `to_bytes` gave."""
        header, arrays = unpacked(content)
        return cls(authority=tuple(header["authority"]), chains=header["chains"], **arrays)


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
