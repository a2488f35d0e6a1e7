"""The gate: what must hold before a headline number is shown."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import xarray as xr

from bayes_csc.convergence import convergence
from bayes_csc.probabilities import EPSILON, batch_means_error, conditional_probability, split_rhat

RHAT, ESS, EBFMI = 1.01, 400.0, 0.3
PREVIEW_ERROR, PREVIEW_RHAT = 0.015, 1.2
STEADY, STEADY_SHARE = PREVIEW_ERROR / 3.0, 0.02
"""Sd over the draws, of a probability and of a conditional mean as a share of the change's sd, below which it has no
R-hat: chains may disagree by any multiple of next to nothing."""
SHOWN = 5
LONGER = "run longer: double --draws"
"""What to try where more draws help."""
LATENT = ("domain_agreement",)
"""Sampled latent values of single judgements: no hyperparameters, so not in the gate."""


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
        """Return the verdict as plain values for run.json; None where a diagnostic does not exist."""
        return {k: None if v != v else v for k, v in dataclasses.asdict(self).items()}

    @classmethod
    def of_summary(cls, summary: dict[str, Any]) -> Gate:
        """Return the verdict that `summary` gave."""
        known: dict[str, Any] = {k: np.nan if v is None else v for k, v in summary.items()}
        return cls(**known | {"failing": tuple(known["failing"])})


def gate(sample_stats: xr.Dataset, *posterior: xr.Dataset) -> Gate:
    """Judge a run.

    Parameters
    ----------
    sample_stats
        `diverging` and `energy`, dims (chain, draw).
    *posterior
        theta and the hyperparameters, dims (chain, draw, ...), each data set with draws of its own; entries that are
        NaN in every draw (an authority before it existed) and entries that never vary are left out.
    """
    names, draws = _quantities(posterior)
    rhat, bulk, tail = (dict(zip(names, values.tolist(), strict=True)) for values in _convergence(draws))
    lines = [f"{name}: R-hat {v:.3f}" for name, v in sorted(rhat.items(), key=_largest_first) if not v < RHAT][:SHOWN]
    for label, ess in (("bulk", bulk), ("tail", tail)):
        low = sorted((item for item in ess.items() if not item[1] >= ESS), key=_smallest_first)
        lines += [f"{name}: {label} ESS {v:.0f}" for name, v in low[:SHOWN]]
    divergences = int(sample_stats["diverging"].sum())
    ebfmi = float(_ebfmi(sample_stats["energy"]).min(skipna=False))
    worst = float(np.max([*rhat.values()]))  # NaN if any is
    if divergences:
        lines.append(f"{divergences} divergences")
    if not ebfmi >= EBFMI:
        lines.append(f"E-BFMI {ebfmi:.2f}")
    return Gate(
        passed=not lines,
        rhat=worst,
        ess_bulk=float(np.min([*bulk.values()])),
        ess_tail=float(np.min([*tail.values()])),
        ebfmi=ebfmi,
        divergences=divergences,
        failing=tuple(lines),
        advice=_advice(worst, divergences, ebfmi) if lines else "",
    )


def preview_gate(change: xr.Dataset, sample_stats: xr.Dataset) -> Gate:
    """Judge a preview by what it is for: every authority's probability of decline, since its inspection and recently.

    Passed if, for every one, the probability's standard error (`batch_means_error`) is at most `PREVIEW_ERROR` and the
    split R-hat of its conditional probabilities and of the conditional means of the change, where these vary enough
    from draw to draw to matter (`STEADY`), is below `PREVIEW_RHAT`; so is the median one's of the means, however little
    they vary, so that chains that stand still fail; and at most one trajectory in a hundred diverged.

    Parameters
    ----------
    change
        Moments of the changes given each draw (`states.states_given_draws`).
    sample_stats
        `diverging` and `energy`, dims (chain, draw).
    """
    judged = change.sel(change=["since inspection", "recent"]).stack(probability=("authority", "change"))
    judged = judged.isel(probability=judged.since.notnull().to_numpy())
    names = [f"{authority} ({kind})" for authority, kind in judged.probability.to_numpy()]
    judged = judged.drop_vars(["probability", "authority", "change"])
    p = conditional_probability(judged, EPSILON)
    mean, draws = judged["mean"], ("chain", "draw")
    error, varies = batch_means_error(p), p.std(draws) >= STEADY
    moves = mean.std(draws) >= STEADY_SHARE * judged["variance"].mean(draws) ** 0.5
    mean_rhat = split_rhat(mean)
    rhat = np.fmax(split_rhat(p).where(varies, 1.0).to_numpy(), mean_rhat.where(moves, 1.0).to_numpy())
    wrong = [(float(e), f"{a}: error of P(decline) {e:.3f}") for a, e in zip(names, error.to_numpy(), strict=True)]
    lines = [said for e, said in sorted(wrong, reverse=True) if not e <= PREVIEW_ERROR][:SHOWN]
    apart = [(float(r), f"{a}: R-hat {r:.2f}") for a, r in zip(names, rhat, strict=True)]
    lines += [said for r, said in sorted(apart, reverse=True) if not r < PREVIEW_RHAT][:SHOWN]
    typical = float(mean_rhat.median(skipna=False))
    if not typical < PREVIEW_RHAT:
        lines.append(f"the median authority's mean change: R-hat {typical:.2f}")
    divergences = int(sample_stats["diverging"].sum())
    if divergences > 0.01 * sample_stats["diverging"].size:
        lines.append(f"{divergences} divergences")
    effective = (p.var(draws) / error**2).where(varies)
    return Gate(
        passed=not lines,
        rhat=float(rhat.max()),
        ess_bulk=float(effective.min()),
        ess_tail=np.nan,
        ebfmi=float(_ebfmi(sample_stats["energy"]).min(skipna=False)),
        divergences=divergences,
        failing=tuple(lines),
        advice="this preview is too rough: give it more --draws, or fit in full (without --preview)" if lines else "",
    )


def _quantities(posterior: Sequence[xr.Dataset]) -> tuple[list[str], list[np.ndarray]]:
    """Name, with labels, of every entry that exists and varies, and their draws (entry, chain, draw) by data set."""
    names, draws = [], []
    for group in posterior:
        parts = []
        for name, values in group.drop_vars([name for name in LATENT if name in group]).data_vars.items():
            ordered = values.transpose("chain", "draw", ...)
            labels = [*product(*(ordered[dim].to_numpy() for dim in ordered.dims[2:]))]
            a = np.moveaxis(ordered.to_numpy().reshape(*ordered.shape[:2], -1), 2, 0)
            first = a[:, :1, :1]
            # not by a standard deviation: that of many equal numbers need not be zero
            kept = np.flatnonzero(((a != first) & ~(np.isnan(a) & np.isnan(first))).any(axis=(1, 2)))
            names += [f"{name}[{', '.join(map(str, labels[k]))}]" if labels[k] else str(name) for k in kept]
            parts.append(a[kept])
        draws.append(np.concatenate(parts))
    return names, draws


def _convergence(draws: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
    """R-hat, bulk and tail ESS of all entries."""
    found = [convergence(group) for group in draws if len(group)]
    return tuple(np.concatenate(column) for column in zip(*found, strict=True))


def _largest_first(item: tuple[str, float]) -> float:
    return -item[1] if item[1] == item[1] else -np.inf


def _smallest_first(item: tuple[str, float]) -> float:
    return item[1] if item[1] == item[1] else -np.inf


def _ebfmi(energy: xr.DataArray) -> xr.DataArray:
    """Energy fraction of missing information of each chain: mean squared step over variance."""
    return (energy.diff("draw") ** 2).mean("draw") / energy.var("draw")


def _advice(rhat: float, divergences: int, ebfmi: float) -> str:
    if divergences or not ebfmi >= EBFMI:
        return "the posterior is hard to follow: look for a prior too wide, or an indicator with almost no data"
    if rhat > 1.05:
        return "the chains disagree: try another seed; if it stays, drop the indicators named above in turn"
    return LONGER
