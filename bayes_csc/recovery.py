"""How fits of simulated panels recovered their truth: what each panel says, and what the panels say together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import xarray as xr
from scipy.special import ndtr

from bayes_csc.calibration import (
    PANEL,
    below,
    coverage,
    dispersion,
    event_summary,
    location,
    rank,
    uniformity,
)
from bayes_csc.decline import decline
from bayes_csc.design import design
from bayes_csc.fit import Fit
from bayes_csc.next_recovery import next_summary
from bayes_csc.probabilities import EPSILON
from bayes_csc.simulate_ahead import NEXT

LEVELS = 99
REPLICATES = 200
DELTA, THETA, HYPERPARAMETERS = "Delta", "theta", "hyperparameters"
PROBABILITIES = (0.5, 0.89)


def recovery(fit: Fit, truth: xr.DataTree, *, epsilon: float = EPSILON) -> xr.DataTree:
    """Place the truth of a simulated panel among the draws of its fit.

    Delta, the change of theta since the last inspection, is placed by its exact conditional distribution averaged over
    draws; ranks and replicated events use its draws.

    Parameters
    ----------
    fit
        Run on the panel.
    truth
        Result of `simulate`.
    epsilon
        Smallest decline that counts.

    Returns
    -------
    xarray.DataTree
        Groups `below` and `rank`: theta, Delta and every hyperparameter, see `calibration`; group `decline`, by
        authority with an inspection: `p_decline`, `declined` (0 or 1) and `replicate`, the same in posterior draws.
    """
    known = truth["posterior"].to_dataset()
    names = [name for name in known if name in fit.posterior and name != "theta_raw"]
    part = {name: below(fit.posterior[name], known[name]) for name in names}
    ranks = {name: rank(fit.posterior[name], known[name], levels=LEVELS) for name in names}

    contrast = _contrast(fit)
    delta = (contrast * known["theta"]).sum("year")
    draws = (contrast * fit.posterior["theta"].sel(authority=contrast.authority)).sum("year")
    change = fit.change.sel(authority=contrast.authority, change="since inspection", drop=True)
    exact = xr.apply_ufunc(ndtr, (delta - change["mean"]) / np.sqrt(change["variance"])).mean(("chain", "draw"))
    part[DELTA], ranks[DELTA] = exact, rank(draws, delta, levels=LEVELS)

    said = decline(fit, "all", epsilon=epsilon, force=True).set_index("authority").p_decline
    stacked = draws.stack(sample=("chain", "draw"))
    kept = np.linspace(0, stacked.sizes["sample"] - 1, REPLICATES).round().astype(int)
    copies = (stacked.isel(sample=kept) < -epsilon).drop_vars(["sample", "chain", "draw"])
    event = {
        "p_decline": ("authority", said[contrast.authority.to_numpy()].to_numpy(dtype=float)),
        "declined": (delta < -epsilon).astype("int8"),
        "replicate": copies.rename(sample="replicate").astype("int8"),
    }
    return xr.DataTree.from_dict(
        {"below": xr.Dataset(part), "rank": xr.Dataset(ranks), "decline": xr.Dataset(event, coords=delta.coords)}
    )


def _contrast(fit: Fit) -> xr.DataArray:
    """Weights (authority, year) of theta in Delta, for the authorities with an inspection."""
    layout = design(fit.panel, fit.spec)
    since = fit.change.since.sel(change="since inspection", drop=True)
    since = since[since.notnull().to_numpy()]
    now = np.full(since.size, layout.now)
    return xr.DataArray(
        layout.weights(now) - layout.weights(since.to_numpy()),
        dims=("authority", "year"),
        coords={"authority": since.authority.to_numpy(), "year": layout.year},
    )


def summary(panels: Sequence[xr.DataTree]) -> dict[str, Any]:
    """Put recoveries of panels of one size together.

    Returns
    -------
    dict
        `quantities`: for theta, Delta, all hyperparameters and each of them, `n` per panel, `coverage_50`,
        `coverage_89`, `location` (0.5 if calibrated), `dispersion` (1), each with bounds from the spread between panels
        (`calibration.Estimate`), and `uniformity`, the p value of the ranks of one element per panel.
        `decline`: base rate, its excess over the forecasts, Brier score, its gain on the constant forecast, and the
        reliability table; `next` the same of a worse next grade, where the panels have it (`next_recovery`).
    """
    part, ranks = (
        xr.concat([p[g].to_dataset() for p in panels], PANEL, data_vars="all", join="exact") for g in ("below", "rank")
    )
    every = {str(name): _flat(part[name]) for name in part}
    hyperparameters = [name for name in every if name not in (THETA, DELTA)]
    pooled = xr.concat([every[name] for name in hyperparameters], "value")
    quantities = {
        THETA: _quantity(every[THETA], _flat(ranks[THETA])),
        DELTA: _quantity(every[DELTA], _flat(ranks[DELTA])),
        HYPERPARAMETERS: _quantity(pooled, None),
        **{name: _quantity(every[name], _flat(ranks[name])) for name in hyperparameters},
    }
    events = _events(panels)
    out = {
        "panels": len(panels),
        "quantities": quantities,
        "decline": event_summary(events.p_decline, events.declined.astype(float), events.replicate.astype(float)),
    }
    return out | ({NEXT: next_summary(panels)} if NEXT in panels[0].children else {})


def _events(panels: Sequence[xr.DataTree]) -> xr.Dataset:
    """Forecasts of all panels; of the authorities that have one in each, so that every panel has the same dims."""
    return xr.concat([p["decline"].to_dataset() for p in panels], PANEL, data_vars="all", join="inner")


def _flat(values: xr.DataArray) -> xr.DataArray:
    """Lay a panel's values along one dim, `value`, its labels dropped."""
    array = values.transpose(PANEL, ...).to_numpy()
    return xr.DataArray(array.reshape(array.shape[0], -1), dims=(PANEL, "value"))


def _quantity(part: xr.DataArray, ranks: xr.DataArray | None) -> dict[str, Any]:
    out: dict[str, Any] = {"n": part.sizes["value"]}
    for probability in PROBABILITIES:
        out[f"coverage_{100 * probability:.0f}"] = asdict(coverage(part, probability))
    out |= {"location": asdict(location(part)), "dispersion": asdict(dispersion(part))}
    if ranks is not None:
        # one element per panel, drawn blindly: those of a panel are not independent
        array = ranks.to_numpy()[:, ranks.notnull().all(PANEL).to_numpy()]
        column = np.random.default_rng(0).integers(0, array.shape[1], array.shape[0])
        one = array[np.arange(array.shape[0]), column]
        out["uniformity"] = uniformity(one, levels=LEVELS)
    return out
