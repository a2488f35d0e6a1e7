"""Do the indicators alone find what the judgements follow? Theta estimated without any, held against them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from threadpoolctl import threadpool_limits

from bayes_csc.errors import UsageError
from bayes_csc.estimates.forecast.state_forecast import theta_moments
from bayes_csc.estimates.loadings import INDICATOR, loadings
from bayes_csc.estimates.measurement_error_probit import concordance, noisy_probit_slope
from bayes_csc.estimates.run_tables import about, refuse_failed, write_table
from bayes_csc.inference.fit import CORES, Fit, Model
from bayes_csc.inference.reopen import revisit
from bayes_csc.measurement.design import Design
from bayes_csc.measurement.judgements.scales import judgements

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
    N(m[i, s], v[i, s]), less England's mean of that day or, `_within`, less that of the authority's region, and

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
        A row per domain judged: `inspections`, `slope` (median) and `concordance` (mean), the same `_within` regions,
        and the `loading` in the fit with ratings, each with `_lower` and `_upper`. `attrs` has what every output
        carries; `theta`, the correlation of theta with and without ratings (`theta_agreement`); and `alone`, where the
        second fit comes from and the loadings of its indicators beside those of the first.

    Raises
    ------
    UsageError
        The fits are not of one panel, or the second has ratings.
    """
    refuse_failed(fit, force=force)
    without_ratings(fit)
    if alone.record["panel_hash"] != fit.record["panel_hash"] or "judgement_loading" in alone.posterior:
        raise UsageError("expected a fit of the same panel without ratings (spec.ratings.use = false) beside the run")
    held_out = HeldOut.of(fit, alone, model, cores=cores)
    tails = [(1.0 - interval) / 2.0, (1.0 + interval) / 2.0]
    table = pd.DataFrame([held_out.row(str(domain), fit, tails) for domain in fit.posterior.judged.to_numpy()])
    table["note"] = "preview" if fit.preview or alone.preview else ""
    table.attrs.update(
        about(fit, "all", interval)
        | {
            "theta": theta_agreement(fit, alone, tails),
            "alone": alone.provenance()
            | {"gate_passed": alone.gate.passed, "failing": list(alone.gate.failing)}
            | {"loadings": _alone_loadings(fit, alone, interval)},
        }
    )
    return table


def _alone_loadings(fit: Fit, alone: Fit, interval: float) -> list[dict[str, Any]]:
    """Loadings of the indicators without ratings, and with them, `mean_with_ratings`."""
    without, beside = (loadings(run, interval=interval, force=True) for run in (alone, fit))
    known = beside[beside.kind == INDICATOR].set_index("key")["mean"]
    rows = without[without.kind == INDICATOR]
    columns = ["key", "label", "mean", "lower", "upper"]
    return [
        {str(name): value for name, value in row.items()} | {"mean_with_ratings": float(known[row["key"]])}
        for row in rows[columns].to_dict("records")
    ]


@dataclass(frozen=True)
class HeldOut:
    """Judgements, and theta at their dates as a fit that has seen none of them has it.

    Attributes
    ----------
    judged
        Domain whose loading each judgement has.
    score, scale, authority
        Of each judgement: its grade from the worst up, its framework and domain, and whose it is (indices).
    mean, variance, region
        Of theta, and of the mean over its region (draw, judgement).
    weight
        Of the judgements, by authority (draw, judgement).
    """

    judged: np.ndarray
    score: np.ndarray
    scale: np.ndarray
    authority: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    region: np.ndarray
    weight: np.ndarray

    @classmethod
    def of(cls, fit: Fit, alone: Fit, model: Model, *, cores: int = CORES) -> HeldOut:
        """Take the judgements of one fit, and theta of another."""
        rows = _held_out(fit)
        mean, variance, region = theta_at_inspections(alone, model, rows, cores=cores)
        authority = pd.factorize(rows.authority)[0]
        rng = np.random.default_rng([int(alone.record["seed"]), 5])
        return cls(
            judged=rows.judged.to_numpy(),
            score=rows.framework.map(lambda f: len(fit.panel.grades_of(f))).to_numpy() - rows.grade.to_numpy(dtype=int),
            scale=pd.factorize(rows.framework + ":" + rows.domain)[0],
            authority=authority,
            mean=mean,
            variance=variance,
            region=region,
            weight=rng.standard_exponential((len(mean), authority.max() + 1))[:, authority],
        )

    def row(self, domain: str, fit: Fit, tails: list[float]) -> dict[str, Any]:
        """Sum up one domain judged."""
        at = np.flatnonzero(self.judged == domain)
        slope, agreed = self.associations(at, self.mean)
        within, agreed_within = self.associations(at, self.mean - self.region)
        loading = fit.posterior["judgement_loading"].sel(judged=domain).to_numpy()
        return (
            {"judged": domain, "inspections": at.size, "authorities": np.unique(self.authority[at]).size}
            | _row("slope", slope, float(np.median(slope)), tails)
            | _row("slope_within", within, float(np.median(within)), tails)
            | _row("concordance", agreed, float(agreed.mean()), tails)
            | _row("concordance_within", agreed_within, float(agreed_within.mean()), tails)
            | _row("loading", loading, float(loading.mean()), tails)
        )

    def associations(self, at: np.ndarray, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Slope and concordance (draw,) of some of the judgements with theta (draw, judgement)."""
        score, scale = self.score[at], self.scale[at]
        slope, agreed = np.empty(len(theta)), np.empty(len(theta))
        for s, (mine, weight) in enumerate(zip(theta[:, at], self.weight[:, at], strict=True)):
            slope[s] = noisy_probit_slope(score, scale, mine, self.variance[s, at], weight)
            agreed[s] = concordance(score, scale, mine, weight)
        return slope, agreed


def _held_out(fit: Fit) -> pd.DataFrame:
    """Judgements of the run's model, with the domain whose loading each has, `judged`."""
    rows = judgements(fit.panel, overall=fit.spec.ratings.judgements == "overall")
    alias = fit.panel.sub_judgements
    known = set(fit.posterior.authority.to_numpy())
    rows = rows.assign(judged=[alias.get(domain, domain) for domain in rows.domain])
    return rows[rows.authority.isin(known)].reset_index(drop=True)


def theta_at_inspections(
    alone: Fit, model: Model, rows: pd.DataFrame, *, cores: int = CORES
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Theta at each judgement's `position`, relative to England's mean then.

    Returns
    -------
    tuple
        Mean and variance of theta, and the mean over its region, (draw, judgement) each.
    """
    again = revisit(alone, model, draws=DRAWS)
    d: Design = again.design
    weights = d.weights(rows.position.to_numpy())
    who = np.array([d.authority.index(code) for code in rows.authority])
    share = d.exists / np.maximum(d.exists.sum(axis=0), 1)
    inside = (d.region_index == np.arange(len(d.region))[:, None]).astype(float)
    there = np.maximum(inside @ d.exists, 1.0)  # (region, year)

    def one(point: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        mean, own = theta_moments(d, again.density.real(point))
        centred = mean - (share * mean).sum(axis=0)
        regional = (inside @ (d.exists * centred) / there)[d.region_index]
        variance = np.einsum("it,itu,iu->i", weights, own[who], weights)
        return (weights * centred[who]).sum(axis=1), variance, (weights * regional[who]).sum(axis=1)

    with threadpool_limits(1), ThreadPoolExecutor(cores) as pool:
        found = list(pool.map(one, again.points))
    mean, variance, region = (np.stack([f[i] for f in found]) for i in range(3))
    return mean, np.maximum(variance, 0.0), region


def theta_agreement(fit: Fit, alone: Fit, tails: list[float]) -> dict[str, dict[str, float]]:
    """Correlation over authorities of theta with and without ratings.

    Returns
    -------
    dict
        For theta of the last year, the same less the mean of its region, of all years, and its change over the last
        two: `of_means`, the correlation of the
        posterior means, and `of_draws`, its median over pairs of draws with `lower` and `upper`, lower as the draws
        differ by what is not known.
    """
    first, second = xr.align(fit.posterior["theta"], alone.posterior["theta"], join="inner", exclude=("chain", "draw"))
    last = first.year.to_numpy()[-1]
    region = fit.panel.authorities["region"].loc[list(first.authority.to_numpy())].to_numpy()
    place = xr.DataArray(region.astype(str), dims="authority", name="region")
    taken: dict[str, Callable[[xr.DataArray], xr.DataArray]] = {
        "last year": lambda theta: theta.sel(year=last),
        "last year within regions": lambda theta: _within(theta.sel(year=last), place),
        "all years": lambda theta: theta.stack(at=("authority", "year")),
        "change over two years": lambda theta: theta.sel(year=last) - theta.sel(year=last - RECENT_YEARS),
    }
    return {name: _correlation(take(first), take(second), tails) for name, take in taken.items()}


def _within(theta: xr.DataArray, place: xr.DataArray) -> xr.DataArray:
    """Theta less the mean of its region."""
    return theta.groupby(place) - theta.groupby(place).mean()


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
