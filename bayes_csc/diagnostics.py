"""The gate: what must hold before a headline number is shown."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import arviz as az
import numpy as np
import xarray as xr

RHAT, ESS, EBFMI = 1.01, 400.0, 0.3
LATENT = ("small_logit_raw", "judgement_score")
"""Sampled latent values of single cells and judgements: no hyperparameters, so not in the gate."""


@dataclass(frozen=True)
class Gate:
    """Verdict of the diagnostics, with the worst parameters and what to try.

    Attributes
    ----------
    passed
        R-hat < 1.01 and bulk and tail ESS >= 400 for every hyperparameter and every theta, no divergence,
        E-BFMI >= 0.3 in every chain (Vehtari et al. 2021; Betancourt 2016).
    rhat, ess_bulk, ess_tail, ebfmi
        The worst values.
    divergences
        Their number after warm-up.
    failing
        A line for each of the worst parameters that fail.
    advice
        What to try.
    """

    passed: bool
    rhat: float
    ess_bulk: float
    ess_tail: float
    ebfmi: float
    divergences: int
    failing: tuple[str, ...]
    advice: str

    def summary(self) -> dict[str, Any]:
        """Return the verdict as plain values for run.json."""
        return dataclasses.asdict(self)


def gate(posterior: xr.Dataset, sample_stats: xr.Dataset) -> Gate:
    """Judge a run.

    Parameters
    ----------
    posterior
        theta and the hyperparameters, dims (chain, draw, ...); NaN entries (an authority before it existed) and
        entries that never vary are left out.
    sample_stats
        `diverging` and `energy`, dims (chain, draw).
    """
    used = posterior.drop_vars([name for name in LATENT if name in posterior])
    table = {
        "R-hat": (az.rhat(used), lambda worst: worst >= RHAT, np.max),
        "bulk ESS": (az.ess(used, method="bulk"), lambda worst: worst < ESS, np.min),
        "tail ESS": (az.ess(used, method="tail"), lambda worst: worst < ESS, np.min),
    }
    worst: dict[str, float] = {}
    failing: list[tuple[str, str]] = []
    for label, (values, fails, extreme) in table.items():
        flat = {name: _labelled(values[name], used[name]) for name in values.data_vars}
        pairs = [(f"{name}{at}", v) for name, entries in flat.items() for at, v in entries]
        numbers = np.array([v for _, v in pairs])
        worst[label] = float(extreme(numbers))
        bad = sorted((p for p in pairs if fails(p[1])), key=lambda p: p[1], reverse=label == "R-hat")
        failing += [(label, f"{name}: {label} {v:.3g}") for name, v in bad]
    divergences = int(sample_stats["diverging"].sum())
    ebfmi = float(_ebfmi(sample_stats["energy"]).min())
    lines = [text for label in table for text in [t for kind, t in failing if kind == label][:5]]
    if divergences:
        lines.append(f"{divergences} divergences")
    if ebfmi < EBFMI:
        lines.append(f"E-BFMI {ebfmi:.2f}")
    return Gate(
        passed=not lines,
        rhat=worst["R-hat"],
        ess_bulk=worst["bulk ESS"],
        ess_tail=worst["tail ESS"],
        ebfmi=ebfmi,
        divergences=divergences,
        failing=tuple(lines),
        advice=_advice(worst["R-hat"], divergences, ebfmi) if lines else "",
    )


def _labelled(values: xr.DataArray, draws: xr.DataArray) -> list[tuple[str, float]]:
    """Label and value of each entry whose draws are finite and vary."""
    finite = np.isfinite(draws).all(("chain", "draw")) & (draws.std(("chain", "draw")) > 0)
    if not values.dims:
        return [("", float(values))] if bool(finite) else []
    stacked = values.where(finite).stack(entry=values.dims)
    labels = [f"[{', '.join(map(str, entry))}]" for entry in stacked.entry.to_numpy()]
    return [(label, float(v)) for label, v in zip(labels, stacked.to_numpy(), strict=True) if np.isfinite(v)]


def _ebfmi(energy: xr.DataArray) -> xr.DataArray:
    """Energy fraction of missing information of each chain: mean squared step over variance."""
    return (energy.diff("draw") ** 2).mean("draw") / energy.var("draw")


def _advice(rhat: float, divergences: int, ebfmi: float) -> str:
    if divergences or ebfmi < EBFMI:
        return "the posterior is hard to follow: look for a prior too wide, or an indicator with almost no data"
    if rhat > 1.05:
        return "the chains disagree: try another seed; if it stays, drop the indicators named above in turn"
    return "run longer: double --draws"
