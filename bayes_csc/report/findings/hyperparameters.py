"""Prior and posterior of every hyperparameter, with the diagnostics of each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayes_csc.inference.fit import Fit, Model
from bayes_csc.likelihood.prior_draws import draw_prior
from bayes_csc.simulation.prior_predictive import parameters

PRIOR_DRAWS = 400
BINS = 20
RANKED = 6
DERIVED = (
    "loading", "judgement_loading", "inspection_sd", "previous_effect", "cutpoints", "region_level", "region_trend",
    "standard",
)  # fmt: skip
"""Functions of the sampled variables that readers ask about."""
SHOWN_ELSEWHERE = ("year_step",)
"""The steps of the national year effects, which have a table of their own."""


def hyperparameter_table(fit: Fit, model: Model, *, interval: float) -> pd.DataFrame:
    """Summarise every hyperparameter before and after the data.

    Returns
    -------
    pandas.DataFrame
        A row for each entry: `variable`, `entry`, `prior` (its distribution; blank for a function of others),
        `prior_median`, `prior_lower`, `prior_upper`, `mean`, `sd`, `median`, `lower`, `upper`, `rhat`, `ess_bulk`,
        `ess_tail`.
    """
    import arviz_stats as az  # takes longer to import than all of this to compute

    built = model(fit.panel, fit.spec)
    known = parameters(built)
    names = [n for n in dict.fromkeys((*known.index, *DERIVED)) if n in fit.posterior and n not in SHOWN_ELSEWHERE]
    drawn = draw_prior(built, draws=PRIOR_DRAWS, seed=int(fit.record["seed"])).hyperparameters
    posterior = fit.posterior[names]
    tails = [(1 - interval) / 2, 0.5, (1 + interval) / 2]
    diagnostics = {
        "rhat": az.rhat(posterior), "ess_bulk": az.ess(posterior, method="bulk"),
        "ess_tail": az.ess(posterior, method="tail"),
    }  # fmt: skip
    parts = []
    for name in names:
        after = _flat(posterior[name])
        before = _flat(drawn[name]) if name in drawn else np.full((1, after.shape[1]), np.nan)
        low, middle, high = np.quantile(after, tails, axis=0)
        prior = np.quantile(before, tails, axis=0) if before.shape[1] == after.shape[1] else np.full((3, 1), np.nan)
        parts.append(
            pd.DataFrame(
                {
                    "variable": name, "entry": _labels(posterior[name]),
                    "prior": known["prior"].get(name, ""), "prior_median": prior[1], "prior_lower": prior[0],
                    "prior_upper": prior[2], "mean": after.mean(axis=0), "sd": after.std(axis=0, ddof=1),
                    "median": middle, "lower": low, "upper": high,
                    **{k: np.ravel(_entries(v[name])) for k, v in diagnostics.items()},
                }
            )
        )  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def _flat(values: xr.DataArray) -> np.ndarray:
    """Draws by entry."""
    draws = [dim for dim in ("chain", "draw") if dim in values.dims]
    array = values.transpose(*draws, ...).to_numpy()
    return np.asarray(array.reshape(int(np.prod(array.shape[: len(draws)])), -1))


def _entries(values: Any) -> np.ndarray:
    return np.asarray(values.to_numpy(), dtype=float)


def _labels(values: xr.DataArray) -> list[str]:
    one = values.isel(chain=0, draw=0, drop=True)
    if not one.dims:
        return [""]
    stacked = one.stack(entry=one.dims).entry.to_numpy()
    return [", ".join(map(str, np.atleast_1d(label) if not isinstance(label, tuple) else label)) for label in stacked]


def rank_histograms(fit: Fit, table: pd.DataFrame) -> pd.DataFrame:
    """Histograms of each chain's ranks among all draws, for the entries with the largest R-hat.

    Returns
    -------
    pandas.DataFrame
        Indexed by entry (`variable[entry]`) and chain, a column per bin; each bin of a chain that mixes well holds
        one in `BINS` of its draws.
    """
    worst = table[table["prior"] != ""].nlargest(RANKED, "rhat")
    rows = {}
    for variable, entry in zip(worst["variable"], worst["entry"], strict=True):
        values = fit.posterior[variable].transpose("chain", "draw", ...)
        number = _labels(values).index(entry)
        draws = values.to_numpy().reshape(values.sizes["chain"], values.sizes["draw"], -1)[..., number]
        rank = draws.ravel().argsort().argsort().reshape(draws.shape) * BINS // draws.size
        name = f"{variable}[{entry}]" if entry else str(variable)
        for chain, own in enumerate(rank):
            rows[(name, chain)] = np.bincount(own, minlength=BINS) / own.size
    index = pd.MultiIndex.from_tuples(list(rows), names=["entry", "chain"])
    return pd.DataFrame(list(rows.values()), index=index)


def energy_histograms(fit: Fit, bins: int = 40) -> pd.DataFrame:
    """Distribution of the energy, about its mean, and of its steps from draw to draw (Betancourt 2016).

    Returns
    -------
    pandas.DataFrame
        `energy` (the bins' middles), `marginal` and `step`, densities: alike where the sampler moves freely.
    """
    energy = fit.sample_stats["energy"].transpose("chain", "draw").to_numpy()
    about, step = (energy - energy.mean(axis=1, keepdims=True)).ravel(), np.diff(energy, axis=1).ravel()
    reach = float(np.abs(np.concatenate([about, step])).max())
    edges = np.linspace(-reach, reach, bins + 1)
    marginal, steps = (np.histogram(values, edges, density=True)[0] for values in (about, step))
    return pd.DataFrame({"energy": (edges[1:] + edges[:-1]) / 2, "marginal": marginal, "step": steps})


def year_effects(fit: Fit, *, interval: float) -> pd.DataFrame:
    """National year effects: `indicator`, `year`, `mean`, `lower`, `upper`, higher better where that is agreed."""
    effect = fit.posterior["year_effect"].transpose("chain", "draw", "indicator_year")
    values = effect.to_numpy().reshape(-1, effect.sizes["indicator_year"])
    low, high = np.quantile(values, [(1 - interval) / 2, (1 + interval) / 2], axis=0)
    labels = [str(label).rpartition(":") for label in effect.indicator_year.to_numpy()]
    return pd.DataFrame(
        {
            "indicator": [key for key, _, _ in labels], "year": [int(year) for _, _, year in labels],
            "mean": values.mean(axis=0), "lower": low, "upper": high,
        }
    )  # fmt: skip
