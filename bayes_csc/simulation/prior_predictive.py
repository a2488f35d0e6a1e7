"""What the priors of a model say before any data: its parameters, and what they imply for quantities one can judge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pymc as pm
from pytensor.graph.traversal import ancestors
from pytensor.tensor.random.op import RandomVariable
from scipy.special import expit

from bayes_csc.likelihood.prior_draws import centred, draw_latent, draw_prior
from bayes_csc.measurement.design import Design, design
from bayes_csc.panel.calendar import grid_position
from bayes_csc.panel.families import families_with
from bayes_csc.panel.panel import Panel, inspection_dates
from bayes_csc.spec import Spec

GAPS = (1.0, 2.0, 3.0, 5.0)
LAST_INSPECTION = "last inspection to now"


@dataclass(frozen=True)
class Implied:
    """What the priors imply; intervals are equal-tailed.

    Attributes
    ----------
    rates
        Indexed by indicator, for its last year: `sd`, the standard deviation of the rate across authorities, and
        `width`, the width of the interval that holds `probability` of the authorities; each the median over prior
        draws, with `_lower` and `_upper`. Rates are proportions, 0 to 1.
    change
        Of theta from one grid year to the next, over draws, years and authorities: `sd`, `lower`, `upper`.
    decline
        Indexed by period: `years` (their mean), `delta_sd`, `p_decline` = P(Delta < -epsilon) with `lower` and `upper`,
        over prior draws, of the share of authorities that declined.
    epsilon, probability, draws
        What it was computed with.
    """

    rates: pd.DataFrame
    change: pd.Series
    decline: pd.DataFrame
    epsilon: float
    probability: float
    draws: int


def implied_by_prior(
    panel: Panel,
    model: Callable[[Panel, Spec], pm.Model],
    spec: Spec,
    *,
    draws: int = 200,
    seed: int = 0,
    epsilon: float = 0.25,
    probability: float = 0.89,
) -> Implied:
    """Compute what the priors imply for a panel's authorities, years and inspection dates; its data are not used.

    Parameters
    ----------
    panel
        Whose skeleton is used.
    model
        Function of panel and spec.
    spec
        Choices and priors.
    draws, seed
        Prior draws.
    epsilon
        Smallest decline of theta that counts.
    probability
        Of the intervals.
    """
    layout = design(panel, spec)
    prior = draw_prior(model(panel, spec), draws=draws, seed=seed)
    rng = np.random.default_rng(seed)
    tails = np.array([(1.0 - probability) / 2.0, (1.0 + probability) / 2.0])
    theta, rates = [], []
    for i in range(draws):
        states, eta = draw_latent(layout, prior.at(i), rng)
        theta.append(centred(layout, states))
        rates.append(_spread(layout, eta, tails))
    paths = np.stack(theta)
    step = np.diff(paths, axis=-1)[:, layout.exists[:, 1:] & layout.exists[:, :-1]]
    lower, upper = np.quantile(step, tails)
    return Implied(
        rates=_over_draws(pd.concat(rates), tails),
        change=pd.Series({"sd": step.std(), "lower": lower, "upper": upper}),
        decline=_declines(panel, layout, paths, epsilon, tails),
        epsilon=epsilon,
        probability=probability,
        draws=draws,
    )


def _spread(layout: Design, eta: np.ndarray, tails: np.ndarray) -> pd.DataFrame:
    """Spread across authorities of each indicator that is a share, in its last year, in one draw."""
    rows = layout.observation.assign(rate=expit(layout.observation.sign.to_numpy(dtype=float) * eta))
    rows = rows[rows.family.isin(families_with("share"))]
    last = rows[rows.year == rows.groupby("indicator").year.transform("max")].groupby("indicator").rate
    width = last.quantile(tails[1]) - last.quantile(tails[0])
    return pd.DataFrame({"sd": last.std(ddof=0), "width": width}).reindex(
        [k for k in layout.indicator if k in set(rows.indicator)]
    )


def _over_draws(spread: pd.DataFrame, tails: np.ndarray) -> pd.DataFrame:
    grouped = spread.groupby(level=0, sort=False)
    parts = {}
    for name in spread.columns:
        parts[name] = grouped[name].median()
        parts[f"{name}_lower"], parts[f"{name}_upper"] = (grouped[name].quantile(q) for q in tails)
    return pd.DataFrame(parts)


def _declines(panel: Panel, layout: Design, theta: np.ndarray, epsilon: float, tails: np.ndarray) -> pd.DataFrame:
    known = [code for code in panel.latest_grades().index if code in layout.authority]
    rows = {}
    if known:
        overall = panel.whole_grades()
        last = inspection_dates(panel.inspections)[overall.index].groupby(overall.authority).max()[known]
        at = [layout.authority.index(code) for code in known]
        rows[LAST_INSPECTION] = _decline(layout, theta[:, at], grid_position(last), epsilon, tails)
    now = np.flatnonzero(layout.exists[:, -1])
    for gap in (g for g in GAPS if layout.now - g >= layout.year[0]):
        since = np.full(now.size, layout.now - gap)
        rows[f"{gap:g} year{'s' if gap > 1 else ''}"] = _decline(layout, theta[:, now], since, epsilon, tails)
    return pd.DataFrame.from_dict(rows, orient="index")


def _decline(
    layout: Design, theta: np.ndarray, since: np.ndarray, epsilon: float, tails: np.ndarray
) -> dict[str, float]:
    contrast = layout.weights(np.full(since.size, layout.now)) - layout.weights(since)
    delta = np.einsum("day,ay->da", theta, contrast)
    share = (delta < -epsilon).mean(axis=1)
    lower, upper = np.quantile(share, tails)
    return {
        "years": float((layout.now - since).mean()), "delta_sd": float(delta.std()),
        "p_decline": float(share.mean()), "lower": float(lower), "upper": float(upper),
    }  # fmt: skip


def parameters(model: pm.Model) -> pd.DataFrame:
    """List the hyperparameters of a model in its own order.

    Returns
    -------
    pandas.DataFrame
        Indexed by name: `prior`, its distribution; `dims`, with sizes; `size`, the number of values free to vary
        (one less where they sum to a constant).
    """
    free = model.initial_point()
    rows = {}
    for variable in model.free_RVs:
        dims = model.named_vars_to_dims.get(variable.name, ())
        sizes = [len(model.coords[dim]) for dim in dims]
        rows[variable.name] = {
            "prior": _distribution(variable),
            "dims": ", ".join(f"{dim} {size}" for dim, size in zip(dims, sizes, strict=True)),
            "size": int(np.size(free[model.rvs_to_values[variable].name])),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def _distribution(variable: pm.Distribution) -> str:
    """Write a prior as its name and constants; a vector of constants by its values, or by their range if many."""
    op = variable.owner.op
    if "zerosum" in type(op).__name__.lower():
        return "ZeroSumNormal(1)"
    values = [_constant(p) for p in op.dist_params(variable.owner)]
    name = variable.str_repr().split("~")[1].split("(")[0].strip()
    return f"{name}({', '.join(values[1:] if name == 'HalfNormal' else values)})"


def _constant(parameter: pm.Distribution) -> str:
    if any(isinstance(part.owner.op, RandomVariable) for part in ancestors([parameter]) if part.owner):
        return "a function of others"
    value = np.asarray(parameter.eval())
    distinct = np.unique(value)
    if distinct.size == 1:
        return f"{distinct[0]:.3g}"
    if value.size <= 4:
        return "[" + ", ".join(f"{v:.3g}" for v in value.ravel()) + "]"
    return f"{distinct[0]:.3g} to {distinct[-1]:.3g}"
