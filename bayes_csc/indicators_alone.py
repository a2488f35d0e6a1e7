"""Do the indicators alone find what the judgements follow? Theta estimated without any, held against them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from threadpoolctl import threadpool_limits

from bayes_csc.design import Design
from bayes_csc.errors import UsageError
from bayes_csc.fit import CORES, Fit, Model
from bayes_csc.judged import judgements
from bayes_csc.noisy_probit import concordance, noisy_probit_slope
from bayes_csc.revisit import revisit
from bayes_csc.run_table import about, refuse_failed, write_table
from bayes_csc.theta_ahead import theta_moments

INTERVAL = 0.89
DRAWS = 200
RECENT_YEARS = 2


def without_ratings(fit: Fit) -> Any:
    """Spec of a fit, its judgements left out.

    Raises
    ------
    UsageError
        The fit has no judgements to hold out, or no indicators to do without them.
    """
    if "judgement_loading" not in fit.posterior:
        raise UsageError("this run has no judgements to compare with; fit with ratings")
    if not {"loading", "ordinal_loading"} & set(fit.posterior):
        raise UsageError("this run has no indicators, so that none can be held against the judgements")
    return fit.spec.updated({"ratings": {"use": False}})


def indicators_alone(
    fit: Fit, alone: Fit, model: Model, *, interval: float = INTERVAL, force: bool = False, cores: int = CORES
) -> pd.DataFrame:
    """How far theta estimated from indicators alone goes with the judgements that were held out.

    For each draw s of the hyperparameters of the fit without ratings, theta at the start of inspection i is
    N(m[i, s], v[i, s]) less England's mean of that day, and

        slope[s]        of the ordered probit of the grades on theta, what is not known of theta integrated out
                        (`noisy_probit`), cutpoints shifted by framework
        concordance[s]  P(the better judged of two has the higher m[., s])

    are computed with weights of authorities drawn from Exp(1), the Bayesian bootstrap (Rubin 1981): an authority's
    inspections hang together. The slope is in probits per unit of theta, as the loading is in the fit with ratings;
    theta is not the same there, the judgements being part of it.

    Parameters
    ----------
    fit
        A run with ratings.
    alone
        One of the same panel without (`without_ratings`); a preview will do.
    model
        The function that built both models.
    interval
        Probability of the equal-tailed intervals.
    force
        Give the table even if the run with ratings failed its gate.
    cores
        Threads.

    Returns
    -------
    pandas.DataFrame
        A row per domain judged: `inspections`, `slope` (median) and `concordance` (mean) with `_lower` and `_upper`,
        `p_slope_negative`, and the `loading` in the fit with ratings. `attrs` holds the metadata that every output
        carries and `theta`: the correlation of theta with and without ratings (`theta_agreement`).

    Raises
    ------
    UsageError
        The fits are not of one panel, or the second has ratings.
    """
    refuse_failed(fit, force=force)
    without_ratings(fit)
    if alone.record["panel_hash"] != fit.record["panel_hash"] or "judgement_loading" in alone.posterior:
        raise UsageError("expected a fit of the same panel without ratings (spec.ratings.use = false) beside the run")
    rows = _held_out(fit)
    mean, variance = theta_at_inspections(alone, model, rows, cores=cores)
    score = len(fit.panel.grades) - rows.grade.to_numpy(dtype=int)
    scale = pd.factorize(rows.framework + ":" + rows.domain)[0]
    who = pd.factorize(rows.authority)[0]
    rng = np.random.default_rng([int(alone.record["seed"]), 5])
    weight = rng.standard_exponential((len(mean), who.max() + 1))[:, who]

    def one(at: np.ndarray, s: int) -> tuple[float, float]:
        given = score[at], scale[at], mean[s, at]
        return noisy_probit_slope(*given, variance[s, at], weight[s, at]), concordance(*given, weight[s, at])

    out = []
    tails = [(1.0 - interval) / 2.0, (1.0 + interval) / 2.0]
    for domain in fit.posterior.judged.to_numpy():
        at = np.flatnonzero(rows.judged == domain)
        slope, agreed = np.array([one(at, s) for s in range(len(mean))]).T
        loading = fit.posterior["judgement_loading"].sel(judged=domain).to_numpy()
        out.append(
            {"judged": str(domain), "inspections": at.size, "authorities": np.unique(who[at]).size}
            | _row("slope", slope, float(np.median(slope)), tails)
            | {"p_slope_negative": float((slope < 0.0).mean())}
            | _row("concordance", agreed, float(agreed.mean()), tails)
            | _row("loading", loading, float(loading.mean()), tails)
            | {"note": "preview" if fit.preview or alone.preview else ""}
        )
    table = pd.DataFrame(out)
    table.attrs.update(
        about(fit, "all", interval)
        | {
            "theta": theta_agreement(fit, alone, tails),
            "alone": alone.provenance() | {"gate_passed": alone.gate.passed, "failing": list(alone.gate.failing)},
        }
    )
    return table


def _held_out(fit: Fit) -> pd.DataFrame:
    """Judgements of the run's model, with the domain whose loading each has, `judged`."""
    rows = judgements(fit.panel, overall=fit.spec.ratings.judgements == "overall")
    alias = fit.panel.sub_judgements
    known = set(fit.posterior.authority.to_numpy())
    rows = rows.assign(judged=[alias.get(domain, domain) for domain in rows.domain])
    return rows[rows.authority.isin(known)].reset_index(drop=True)


def theta_at_inspections(
    alone: Fit, model: Model, rows: pd.DataFrame, *, cores: int = CORES
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance (draw, judgement) of theta at each judgement's `position`, relative to England's mean then."""
    again = revisit(alone, model, draws=DRAWS)
    d: Design = again.design
    weights = d.weights(rows.position.to_numpy())
    who = np.array([d.authority.index(code) for code in rows.authority])
    share = d.exists / np.maximum(d.exists.sum(axis=0), 1)

    def one(point: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        mean, own = theta_moments(d, again.density.real(point))
        centred = mean - (share * mean).sum(axis=0)
        return (weights * centred[who]).sum(axis=1), np.einsum("it,itu,iu->i", weights, own[who], weights)

    with threadpool_limits(1), ThreadPoolExecutor(cores) as pool:
        found = list(pool.map(one, again.points))
    return np.stack([f[0] for f in found]), np.maximum(np.stack([f[1] for f in found]), 0.0)


def theta_agreement(fit: Fit, alone: Fit, tails: list[float]) -> dict[str, dict[str, float]]:
    """Correlation over authorities of theta with and without ratings.

    Returns
    -------
    dict
        For theta of the last year, of all years, and its change over the last two: `of_means`, the correlation of the
        posterior means, and `of_draws`, its median over pairs of draws with `lower` and `upper`, lower as the draws
        differ by what is not known.
    """
    first, second = xr.align(fit.posterior["theta"], alone.posterior["theta"], join="inner", exclude=("chain", "draw"))
    last = first.year.to_numpy()[-1]
    taken = {
        "last year": lambda theta: theta.sel(year=last),
        "all years": lambda theta: theta.stack(at=("authority", "year")),
        "change over two years": lambda theta: theta.sel(year=last) - theta.sel(year=last - RECENT_YEARS),
    }
    return {name: _correlation(take(first), take(second), tails) for name, take in taken.items()}


def _correlation(first: xr.DataArray, second: xr.DataArray, tails: list[float]) -> dict[str, float]:
    one, two = (theta.stack(sample=("chain", "draw")).transpose("sample", ...).to_numpy() for theta in (first, second))
    there = ~np.isnan(one[0]) & ~np.isnan(two[0])
    one, two = one[:, there], two[:, there]
    n = min(len(one), len(two), DRAWS)
    pairs = zip(*(each[np.linspace(0, len(each) - 1, n).astype(int)] for each in (one, two)), strict=True)
    drawn = np.array([np.corrcoef(a, b)[0, 1] for a, b in pairs])
    lower, median, upper = np.quantile(drawn, [tails[0], 0.5, tails[1]])
    return {
        "of_means": float(np.corrcoef(one.mean(axis=0), two.mean(axis=0))[0, 1]),
        "of_draws": float(median), "lower": float(lower), "upper": float(upper),
    }  # fmt: skip


def _row(name: str, draws: np.ndarray, value: float, tails: list[float]) -> dict[str, float]:
    lower, upper = np.quantile(draws, tails)
    return {name: value, f"{name}_lower": float(lower), f"{name}_upper": float(upper)}


def write_indicators_alone(table: pd.DataFrame, folder: Path) -> None:
    """Write indicators_alone.csv and indicators_alone.json (metadata and the same rows) into a run folder."""
    write_table(table, folder, "indicators_alone")
