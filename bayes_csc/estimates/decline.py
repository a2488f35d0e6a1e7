"""Has an authority's latent quality declined since its last inspection? One row per authority of a group."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from bayes_csc.errors import UsageError
from bayes_csc.estimates.forecast.overall_name import overall_name
from bayes_csc.estimates.run_tables import about, refuse_failed, without_overall, write_table
from bayes_csc.inference.fit import Fit
from bayes_csc.inference.groups import members
from bayes_csc.inference.probabilities import EPSILON, batch_means_error, conditional_probability, mixture_quantile
from bayes_csc.measurement.figures_used import NO_FIGURES, figures_since, used_figures

INTERVAL = 0.89
TOO_RECENT = 1.0
"""A gap, in years, below which the data since the inspection are too few to speak of a change."""


def decline(
    fit: Fit,
    group: str | Sequence[str] = "requires improvement",
    *,
    epsilon: float = EPSILON,
    interval: float = INTERVAL,
    forecast: pd.DataFrame | None = None,
    force: bool = False,
) -> pd.DataFrame:
    """Probability of decline of each authority of a group.

    With Delta = theta(now) - theta(last inspection), relative to England's mean, and N draws of the hyperparameters,

        p_decline = 1 / N sum over draws of Phi((-epsilon - E[Delta | draw]) / sd[Delta | draw])

    Parameters
    ----------
    fit
        A run.
    group
        A grade ("requires improvement"), a rule, "all", or authorities' codes or names, as a text or a list
        (`groups.members`).
    epsilon
        Smallest decline that counts, in units of theta.
    interval
        Probability of the equal-tailed intervals.
    forecast
        Table of the same fit's `forecast`; then the probabilities that the next grade is worse or better come first.
    force
        Give the table even if the run failed its gate.

    Returns
    -------
    pandas.DataFrame
        Sorted by name; `attrs` holds the metadata that every output carries. `figures_since` counts the figures that
        the fit used whose reference instant lies after the last inspection's start (blank without an inspection);
        where it is 0, `p_decline` is almost `p_decline_no_data`. The recent change is of the two years to the newest
        figure, `attrs["recent_until"]`. Where the last inspection has no overall grade `last_grade` is the worst of its
        sub-judgements, and the note says "no overall grade".

    Raises
    ------
    GateError
        The run failed its gate.
    UsageError
        No such group or authority, or an impossible epsilon or interval.
    """
    refuse_failed(fit, force=force)
    if not 0 < interval < 1 or not 0 <= epsilon < np.inf:
        raise UsageError(f"expected 0 < interval < 1 and a finite epsilon >= 0, found {interval} and {epsilon}")
    codes = members(fit, group)
    latest = fit.panel.latest_grades().reindex(codes)
    table = fit.panel.authorities.loc[codes]
    since, recent = (_summary(fit.change, codes, kind, epsilon, interval) for kind in ("since inspection", "recent"))
    without = conditional_probability(fit.change.sel(authority=codes, change="since inspection, no data"), epsilon)
    last = fit.change.since.sel(authority=codes, change="since inspection").to_numpy()
    gap = fit.change.attrs["now"] - last
    count = figures_since(used_figures(fit.panel, fit.spec), pd.Series(last, index=codes))
    out = pd.DataFrame(
        {
            "authority": codes,
            "name": table["name"].to_numpy(),
            "region": table["region"].to_numpy(),
            "last_inspection": latest.start_date.dt.strftime("%Y-%m-%d").to_numpy(),
            "last_grade": latest.label.fillna("").to_numpy(),
            "gap_years": gap,
            "figures_since": count.array,
            **_next(forecast, codes),
            **{f"delta_{k}": since[k] for k in ("median", "lower", "upper")},
            "epsilon": epsilon,
            "p_decline": since["p"],
            "p_decline_mcse": since["mcse"],
            "p_decline_no_data": without.mean(("chain", "draw")).to_numpy(),
            **{f"recent_delta_{k}": recent[k] for k in ("median", "lower", "upper")},
            "p_recent_decline": recent["p"],
            "note": [
                _note(g, fit.preview, nothing=n, whole=without_overall(overall))
                for g, n, overall in zip(gap, count.eq(0).fillna(False), latest.overall, strict=True)
            ],
        }
    )
    out.attrs.update(about(fit, group, interval) | {"epsilon": epsilon} | _next_name(forecast, codes))
    return out.sort_values(["name", "authority"], ignore_index=True)


def _summary(change: xr.Dataset, codes: list[str], kind: str, epsilon: float, interval: float) -> dict[str, np.ndarray]:
    """Median, interval, P(decline) and its Monte Carlo error, from the mixture of normals over draws."""
    chosen = change.sel(authority=codes, change=kind)
    p = conditional_probability(chosen, epsilon)
    mean, variance = (
        chosen[name].transpose("authority", "chain", "draw").to_numpy().reshape(len(codes), -1)
        for name in ("mean", "variance")
    )
    tail = (1.0 - interval) / 2.0
    lower, median, upper = (mixture_quantile(mean, np.sqrt(variance), level) for level in (tail, 0.5, 1.0 - tail))
    mcse = batch_means_error(p).to_numpy()
    return {"median": median, "lower": lower, "upper": upper, "p": p.mean(("chain", "draw")).to_numpy(), "mcse": mcse}


def _next(forecast: pd.DataFrame | None, codes: list[str]) -> dict[str, np.ndarray]:
    """Probabilities of a worse and of a better next grade."""
    if forecast is None:
        return {}
    rows = forecast.set_index("authority").reindex(codes)
    return {name: rows[name].to_numpy() for name in ("p_next_worse", "p_next_better")}


def _next_name(forecast: pd.DataFrame | None, codes: list[str]) -> dict[str, str]:
    """For metadata: what the overall grade of the next inspections is called."""
    if forecast is None:
        return {}
    given = forecast.set_index("authority").reindex(codes)["next_has_overall"]
    return {"next_overall": overall_name(given, forecast.attrs["no_overall_from"])}


def _note(gap: float, preview: bool, *, nothing: bool, whole: str) -> str:
    """Say what to know of a row; `nothing`: no figure since the inspection; `whole`: what to know of its grade."""
    known = "no inspection" if gap != gap else "too recent" if gap < TOO_RECENT else ""
    return "; ".join(filter(None, ("preview" * preview, NO_FIGURES * bool(nothing), known, whole)))


def write_decline(table: pd.DataFrame, folder: Path) -> None:
    """Write decline.csv and decline.json (metadata and the same rows) into a run folder."""
    write_table(table, folder, "decline")
