"""What a fit expects of every observed figure, given theta: for the charts of indicators and for predictive checks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from bayes_csc.inference.reopen import Revisited
from bayes_csc.likelihood.kernel.states import states
from bayes_csc.likelihood.layout import layout_of
from bayes_csc.likelihood.prior_draws import fitted as expectation
from bayes_csc.measurement.judgements.scales import JUDGEMENT
from bayes_csc.panel.families import count_families, declared
from bayes_csc.panel.indicators import Indicator
from bayes_csc.panel.panel import Panel

INNER = 0.5
TINY = 1e-12
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(16)


@dataclass(frozen=True)
class Fitted:
    """Expected figures and checks.

    Attributes
    ----------
    figures
        A row per unit, indicator and year that the fit used: `value`, `lower`, `upper`: what it expects of an
        authority with this theta, deprivation and year (median and interval over draws), without the authority's own
        persistent deviation.
    checks
        By indicator: `cells`, suppressed ones among them, `inside_inner` and `inside` (shares of them within the 50%
        and the outer predictive interval), and `spread`, the sd of the standardised residuals (1 expected).
    interval
        Probability of the outer intervals.
    """

    figures: pd.DataFrame
    checks: pd.DataFrame
    interval: float


def fitted(again: Revisited, panel: Panel, *, seed: int, interval: float) -> Fitted:
    """Compute what each draw of the hyperparameters, with a draw of the states, expects of every observation.

    With theta a draw of the states given a draw of the hyperparameters,

        expected = mu + nu + b x + loading theta,   replicated ~ N(expected, deviation_sd ** 2 + V)

    so that the residual of an observed z, given a draw, is standard normal if the model is right. A count's residual is
    the normal quantile of its place in its own predictive distribution (`count_residuals`).

    Parameters
    ----------
    again
        A fit taken up again, at as many draws as are to be averaged.
    panel
        Its panel.
    seed
        Of the draws of the states.
    interval
        Probability of the intervals, equal-tailed.
    """
    d = again.design
    rows = d.observation
    wanted = np.flatnonzero((rows.indicator != JUDGEMENT).to_numpy() & (rows.kind < len(d.indicator)).to_numpy())
    rng = np.random.default_rng([seed, 7])
    width = layout_of(d).template_column.max() + layout_of(d).single_grade.shape[1]
    nobody = np.zeros(d.exists.size)
    part = rows.iloc[wanted]
    counted, doubt = part.site.to_numpy(bool), part.confidence_variance.to_numpy(float)
    limits, sign = count_limits(part[counted]), part.sign.to_numpy(float)[counted]
    link, below = [], []
    for x in again.points:
        real = again.density.real(x)
        theta = states(layout_of(d), real, d.year.size, nobody, rng.standard_normal((len(d.block), width)))[1]
        known = {"offset": real.offset, "loading": real.loading}
        mean = expectation(d, known, np.reshape(theta, d.exists.shape))[wanted]
        kind = rows.kind.to_numpy()[wanted]
        deviation = real.ar_sd[kind] ** 2 + real.domain_sd[kind] ** 2 + real.white_sd[kind] ** 2
        sd = np.sqrt(deviation + np.where(part.site, doubt, real.variance[wanted]))
        residual = (real.z[wanted] - mean) / sd
        residual[counted] = sign * count_residuals(limits, sign * mean[counted], sd[counted], rng)
        link.append(mean)
        below.append(residual)
    return Fitted(
        figures=_figures(part, np.stack(link), declared(panel.indicators, panel.cells), interval),
        checks=_checks(part, np.stack(below), interval),
        interval=interval,
    )


def _figures(rows: pd.DataFrame, link: np.ndarray, indicators: dict[str, Indicator], interval: float) -> pd.DataFrame:
    """Quantiles over the draws, on the scale of the panel's values."""
    tail = (1.0 - interval) / 2.0
    ends = np.quantile(link, [0.5, tail, 1.0 - tail], axis=0) * rows.sign.to_numpy(dtype=float)
    values = np.empty_like(ends)
    for key in rows.indicator.unique():
        at = (rows.indicator == key).to_numpy()
        values[:, at] = indicators[key].distribution.figure(ends[:, at], indicators[key])
    return pd.DataFrame(
        {
            "unit": rows.unit.to_numpy(), "indicator": rows.indicator.to_numpy(), "year": rows.year.to_numpy(),
            "value": values[0], "lower": values[1:].min(axis=0), "upper": values[1:].max(axis=0),
        }
    )  # fmt: skip


def count_limits(rows: pd.DataFrame) -> np.ndarray:
    """Logits, or log rates, at quantiles of what they have to be below for a count to be below y, or up to y.

    By `CountFamily.limit` of y and of y + 1. Of a suppressed count: to be below its interval, or up to the end of it.
    Without them a check of a rare event would be of the larger counts alone.

    Returns
    -------
    numpy.ndarray
        (end, row, node).
    """
    ends = [rows.numerator.fillna(rows[end]).to_numpy(float) + more for end, more in (("lower", 0.0), ("upper", 1.0))]
    y, n = np.array(ends)[..., None], rows.denominator.to_numpy(float)[:, None]
    out = np.full((*y.shape[:2], NODES.size), np.nan)
    for family, at in count_families(rows.family):
        out[:, at] = family.limit(y[:, at], n[at], ndtr(NODES))
    return out


def count_residuals(limits: np.ndarray, mean: np.ndarray, sd: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Normal quantiles of P(Y < y) + u P(Y = y), u uniform, of counts whose logits or log rates are N(mean, sd ** 2).

    Standard normal if that is right: P(Y <= y) = E[Phi((limit - mean) / sd)], by quadrature over the limits.
    """
    below, up_to = ndtr((limits - mean[:, None]) / sd[:, None]) @ (WEIGHTS / WEIGHTS.sum())
    place = below + rng.random(mean.size) * (up_to - below)
    return np.asarray(ndtri(np.clip(place, TINY, 1.0 - TINY)))


def _checks(rows: pd.DataFrame, residual: np.ndarray, interval: float) -> pd.DataFrame:
    """Share of figures within their predictive intervals, averaged over draws, by indicator."""
    out = {}
    for key in rows.indicator.unique():
        own = residual[:, (rows.indicator == key).to_numpy()]
        if own.size:
            inner, outer = (np.abs(own) < ndtri((1 + level) / 2) for level in (INNER, interval))
            out[key] = {
                "cells": own.shape[1], "inside_inner": inner.mean(), "inside": outer.mean(), "spread": own.std(),
            }  # fmt: skip
    return pd.DataFrame.from_dict(out, orient="index").rename_axis("indicator")


def sampling_intervals(cells: pd.DataFrame, indicators: dict[str, Indicator], interval: float) -> pd.DataFrame:
    """Each observed figure's own interval, by its family; NaN where nothing says how precise a figure is.

    Returns
    -------
    pandas.DataFrame
        Columns `own_lower`, `own_upper`, indexed as the cells.
    """
    seen = cells[cells["status"] == "observed"]
    out = pd.DataFrame(np.nan, index=cells.index, columns=["own_lower", "own_upper"])
    levels = (1.0 - interval) / 2.0, (1.0 + interval) / 2.0
    for key, indicator in indicators.items():
        own = seen[seen["indicator"] == key]
        ends = [indicator.distribution.sampling_quantile(level, own, indicator) for level in levels]
        out.loc[own.index] = np.column_stack(ends)
    return out
