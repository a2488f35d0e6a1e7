"""Which data that are missing today would most narrow an authority's answer.

Given the hyperparameters everything is Gaussian, so what new data would do to the variance of the change D = c'theta
does not depend on what they say. New observations y = A theta + e, e ~ N(0, R) independent of all data so far, leave

    Var(D | y) = v - g' (A Theta A' + R)^-1 g,   v = Var(D),   g = Cov(A theta, D)

An inspection's grades are ordered probits of theta; R is then the inverse of their expected information at the
forecast (and what one team sees that day is shared). A suppressed count of observation i that were published would
sharpen its own logit: with V the variance it stands with and V' that of the count in the middle of its interval,

    Var(D | count) = v - (V w)^2 / (s + 1 / (1 / V' - 1 / V)),

w the smoother's weight of i on D and s the posterior variance of its logit. One more year of all indicators also
continues their deviations: that takes a longer grid (`one_more_year`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from bayes_csc.estimates.contributions import contrasts
from bayes_csc.estimates.forecast.cutpoints import GradeScales
from bayes_csc.estimates.smoother import Block, smooth, stacked
from bayes_csc.evaluation.forecast.forecast import has_judgements
from bayes_csc.evaluation.sensitivity.answers.one_more_year import one_more_year
from bayes_csc.inference.fit import Fit, Model
from bayes_csc.inference.reopen import Revisited, revisit
from bayes_csc.likelihood.count_sites import site_marginals
from bayes_csc.likelihood.kernel import Real
from bayes_csc.likelihood.kernel.states import states
from bayes_csc.likelihood.layout import layout_of
from bayes_csc.measurement.design import Design
from bayes_csc.panel.families import count_families

YEAR, INDICATOR, COUNT, INSPECTION = "one more year", "one more indicator", "a count unsuppressed", "an inspection now"
LEAST_INFORMATION = 1e-6


@dataclass(frozen=True)
class Offer:
    """Further data whose worth is asked.

    Attributes
    ----------
    loading
        Of the further indicator, logits per sd of theta.
    persistent_sd, white_sd, autocorrelation
        Of its noise about theta: what of it persists from year to year, and what does not.
    draws
        Of the hyperparameters.
    """

    loading: float = 0.4
    persistent_sd: float = 0.3
    white_sd: float = 0.2
    autocorrelation: float = 0.8
    draws: int = 40


def value_of_data(run: Fit, model: Model, codes: Sequence[str], offer: Offer) -> pd.DataFrame:
    """Expected reduction of the sd of each authority's change since its last inspection.

    Parameters
    ----------
    run, model
        A run, and the function that built its model.
    codes
        Authorities; those never inspected are left out.
    offer
        The further data.

    Returns
    -------
    pandas.DataFrame
        `authority`, `data` (what was added, of this authority alone but for the further year), `sd` and `sd_with`
        (of the change, given the hyperparameters, averaged over their draws), `reduction` (as a part of it) and
        `detail` (which count). Authorities without a suppressed count that matters have no row of it.
    """
    again = revisit(run, model, draws=offer.draws)
    reals = [again.density.real(x) for x in again.points]
    now = _Now.of(again, reals, contrasts(run, again.design, list(codes), "since inspection"))
    parts = [*_indicator(now, offer)]
    if has_judgements(run):
        parts += _inspection(now, run, again)
    parts += _unsuppressed(now, again, reals)
    longer = one_more_year(run, again, reals, now.contrast)
    parts += [(code, YEAR, variance, "") for code, variance in longer.items()]
    rows = [_row(code, data, now.variance[code], variance, detail) for code, data, variance, detail in parts]
    return pd.DataFrame(rows, columns=["authority", "data", "sd", "sd_with", "reduction", "detail"])


def _row(code: str, data: str, before: np.ndarray, after: np.ndarray, detail: str) -> dict[str, object]:
    sd, sd_with = np.sqrt(before), np.sqrt(np.maximum(after, 0.0))
    return {
        "authority": code, "data": data, "sd": sd.mean(), "sd_with": sd_with.mean(),
        "reduction": float(np.mean(1.0 - sd_with / sd)), "detail": detail,
    }  # fmt: skip


Gain = tuple[str, str, np.ndarray, str]


@dataclass(frozen=True)
class _Now:
    """What is known today, at every draw.

    `variance` of each authority's change (draw,), its `covariance` with the authority's states (draw, year), and these
    states' own covariance, `states` (draw, year, year).
    """

    design: Design
    contrast: dict[str, np.ndarray]
    variance: dict[str, np.ndarray]
    covariance: dict[str, np.ndarray]
    states: dict[str, np.ndarray]
    mean: dict[str, np.ndarray]

    @classmethod
    def of(cls, again: Revisited, reals: Sequence[Real], contrast: dict[str, np.ndarray]) -> _Now:
        d = again.design
        share = d.exists / np.maximum(d.exists.sum(axis=0), 1)
        found: tuple[dict[str, list[np.ndarray]], ...] = tuple({code: [] for code in contrast} for _ in range(4))
        variance, covariance, own_of, mean_of = found
        for real in reals:
            mean, _, own, shared, _ = states(
                layout_of(d), real, d.year.size, share.ravel(), np.empty((len(d.block), 0))
            )
            national = np.einsum("at,atu->tu", share, shared)
            for code, c in contrast.items():
                a = d.authority.index(code)
                with_nation = own[a] - shared[a]
                variance[code].append(c @ (own[a] - 2.0 * shared[a] + national) @ c)
                covariance[code].append(with_nation @ c)
                own_of[code].append(own[a])
                mean_of[code].append(mean.reshape(own.shape[:2])[a])
        stack = ({code: np.array(v) for code, v in each.items()} for each in found)
        return cls(d, contrast, *stack)

    def with_observations(self, code: str, seen: np.ndarray, noise: np.ndarray) -> np.ndarray:
        """Variance of the change given observations of the authority's states.

        Parameters
        ----------
        code
            The authority.
        seen
            A, (draw, observation, year).
        noise
            R, (draw, observation, observation).
        """
        g = np.einsum("diy,dy->di", seen, self.covariance[code])
        total = seen @ self.states[code] @ seen.transpose(0, 2, 1) + noise
        return np.asarray(self.variance[code] - np.einsum("di,di->d", g, np.linalg.solve(total, g[..., None])[..., 0]))


def _indicator(now: _Now, offer: Offer) -> Iterator[Gain]:
    """A further indicator of each year of the grid in which the authority existed."""
    year = now.design.year
    lag = np.abs(year[:, None] - year)
    noise = offer.persistent_sd**2 * offer.autocorrelation**lag + offer.white_sd**2 * np.eye(year.size)
    for code in now.contrast:
        there = np.flatnonzero(now.design.exists[now.design.authority.index(code)])
        seen = offer.loading * np.eye(year.size)[there]
        n = len(now.variance[code])
        yield (
            code, INDICATOR,
            now.with_observations(code, np.broadcast_to(seen, (n, *seen.shape)), noise[np.ix_(there, there)]), "",
        )  # fmt: skip


def _inspection(now: _Now, run: Fit, again: Revisited) -> Iterator[Gain]:
    """An inspection on the day that counts as now, of what the latest inspection judged."""
    scales = GradeScales.of(again, run.panel, seed=int(run.record["seed"]))
    at = now.design.weights(np.array([now.design.now]))[0]
    standard = scales.standard @ at
    for code in now.contrast:
        theta = now.mean[code] @ at
        score = scales.loading * theta[:, None] + standard[:, None]
        information = expected_information(score, scales.cutpoints_of(now.design.authority.index(code)))
        seen = scales.loading[:, :, None] * at
        sd = scales.inspection_sd
        noise = (
            sd[:, :, None] * sd[:, None, :]
            + np.eye(sd.shape[1]) / np.maximum(information, LEAST_INFORMATION)[:, None, :]
        )
        yield code, INSPECTION, now.with_observations(code, seen, noise), ""


def expected_information(score: np.ndarray, cutpoints: np.ndarray) -> np.ndarray:
    """Expected Fisher information of ordered probits about their scores: sum over grades of p'(grade) ** 2 / p(grade).

    Parameters
    ----------
    score
        (...,).
    cutpoints
        (..., cutpoint), increasing.

    Examples
    --------
    >>> bool(np.isclose(expected_information(np.zeros(1), np.zeros((1, 1)))[0], 2 / np.pi))  # a probit at one half
    True
    """
    z = cutpoints - score[..., None]
    edge = np.full((*score.shape, 1), np.inf)
    by = np.diff(norm.pdf(np.concatenate([-edge, z, edge], axis=-1)), axis=-1)
    p = np.diff(norm.cdf(np.concatenate([-edge, z, edge], axis=-1)), axis=-1)
    return np.asarray((by**2 / np.maximum(p, 1e-12)).sum(axis=-1))


def _unsuppressed(now: _Now, again: Revisited, reals: Sequence[Real]) -> Iterator[Gain]:
    """The suppressed count of each authority's block whose publication would narrow its change most."""
    d = again.design
    rows = d.observation
    hidden = rows["site"].to_numpy(dtype=bool) & rows["lower"].notna().to_numpy()
    middle = 0.5 * (rows["lower"] + rows["upper"]).to_numpy(dtype=float)
    n, sharp = rows["denominator"].to_numpy(dtype=float), np.full(len(rows), np.nan)
    for family, at in count_families(rows["family"]):
        sharp[at] = 1.0 / np.maximum(family.empirical(middle[at], n[at])[1], 1e-9)
    real = stacked(reals)
    logit = np.full((len(reals), len(rows)), np.nan)
    for s, each in enumerate(reals):
        logit[s, hidden] = site_marginals(layout_of(d), each, hidden)[1] if hidden.any() else []
    share = d.exists / np.maximum(d.exists.sum(axis=0), 1)
    for index, members in enumerate(d.block):
        wanted = [a for a in members if d.authority[a] in now.contrast]
        own = np.flatnonzero(hidden & (rows["block"].to_numpy() == index))
        if not wanted or not own.size:
            continue
        block = Block.of(d, index)
        smoothed, local = smooth(block, real), own - block.observation[0]
        for a in wanted:
            code = d.authority[a]
            inside = -share[list(members)] * now.contrast[code]
            inside[members.index(a)] += now.contrast[code]
            v = real.variance[:, own]
            gain = np.maximum(1.0 / sharp[own] - 1.0 / v, 1e-9)
            drop = (v * smoothed.weights(inside.ravel())[:, local]) ** 2 / (logit[:, own] + 1.0 / gain)
            best = int(drop.mean(axis=0).argmax())
            which = rows.iloc[own[best]]
            yield code, COUNT, now.variance[code] - drop[:, best], f"{which.indicator} {which.year}"
