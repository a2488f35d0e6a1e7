"""The gate: what must hold before a headline number is shown."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import xarray as xr

from bayes_csc.inference.convergence import Convergence, convergence, rhat_limit
from bayes_csc.inference.probabilities import EPSILON, batch_means_error, conditional_probability, split_rhat

ESS, EBFMI = 400.0, 0.3
PREVIEW_ERROR, PREVIEW_RHAT = 0.015, 1.2
STEADY, STEADY_SHARE = PREVIEW_ERROR / 3.0, 0.02
"""Sd over the draws, of a probability and of a conditional mean as a share of the change's sd, below which it has no
R-hat: chains may disagree by any multiple of next to nothing."""
SHOWN = 5
LONGER = "more draws help: give it more --draws"
APART, ASIDE = 1.0, 0.5
"""Gap between two groups of chains, in sds within them, from which they are at two modes; and what separates them."""
SIGNED = ("domain_agreement",)
"""All signs of a domain may change together: these are in the gate by their squares (`domain_share_signed`)."""


@dataclass(frozen=True)
class Gate:
    """Verdict of the diagnostics, with the worst parameters and what to try.

    Attributes
    ----------
    passed
        R-hat below its limit (`convergence.rhat_limit`) and bulk and tail ESS >= 400 for every hyperparameter and every
        theta, no divergence, E-BFMI >= 0.3 in every chain (Vehtari et al. 2021; Betancourt 2016).
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


def gate(sample_stats: xr.Dataset, *posterior: xr.Dataset, before: Gate | None = None) -> Gate:
    """Judge a run.

    Parameters
    ----------
    sample_stats
        `diverging` and `energy`, dims (chain, draw).
    *posterior
        theta and the hyperparameters, dims (chain, draw, ...), each data set with draws of its own; entries that are
        NaN in every draw (an authority before it existed) and entries that never vary are left out.
    before
        The verdict on fewer draws of the same chains, if there is one.
    """
    names, draws = _quantities(posterior)
    found = _convergence(draws)
    length = sample_stats.sizes["draw"] // 2
    limit = rhat_limit(found.within, halves=2 * sample_stats.sizes["chain"], draws=length)
    high = dict(zip(np.array(names)[~(found.rhat < limit)].tolist(), found.rhat[~(found.rhat < limit)], strict=True))
    bulk, tail = (dict(zip(names, values.tolist(), strict=True)) for values in (found.bulk, found.tail))
    lines = [f"{name}: R-hat {v:.3f}" for name, v in sorted(high.items(), key=_largest_first)][:SHOWN]
    for label, ess in (("bulk", bulk), ("tail", tail)):
        low = sorted((item for item in ess.items() if not item[1] >= ESS), key=_smallest_first)
        lines += [f"{name}: {label} ESS {v:.0f}" for name, v in low[:SHOWN]]
    divergences = int(sample_stats["diverging"].sum())
    ebfmi = float(_ebfmi(sample_stats["energy"]).min(skipna=False))
    worst = float(np.max(found.rhat))  # NaN if any is
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
        advice=_advice(names, draws[0], worst, divergences, ebfmi, before, bool(high)) if lines else "",
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
        for name, values in group.drop_vars([name for name in SIGNED if name in group]).data_vars.items():
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


def _convergence(draws: Sequence[np.ndarray]) -> Convergence:
    found = [convergence(group) for group in draws if len(group)]
    return Convergence(*(np.concatenate(column) for column in zip(*found, strict=True)))


def _largest_first(item: tuple[str, float]) -> float:
    return -item[1] if item[1] == item[1] else -np.inf


def _smallest_first(item: tuple[str, float]) -> float:
    return item[1] if item[1] == item[1] else -np.inf


def _ebfmi(energy: xr.DataArray) -> xr.DataArray:
    """Energy fraction of missing information of each chain: mean squared step over variance."""
    return (energy.diff("draw") ** 2).mean("draw") / energy.var("draw")


def _advice(
    names: Sequence[str],
    draws: np.ndarray,
    rhat: float,
    divergences: int,
    ebfmi: float,
    before: Gate | None,
    high: bool,
) -> str:
    """What to try: more draws only where they help, so where the chains are at one mode and come nearer."""
    if divergences or not ebfmi >= EBFMI:
        return "the posterior is hard to follow: look for a prior too wide, or an indicator with almost no data"
    if modes := two_modes(names, draws):
        return modes
    if high and before and not rhat < before.rhat:
        return "the chains disagree, and more draws did not bring them nearer: leave out what is named above in turn"
    return LONGER


def two_modes(names: Sequence[str], draws: np.ndarray) -> str:
    """Say that chains stay at two modes, which quantities separate them, and whether theta is another in each.

    Chains are in two groups where, of some quantity, the largest gap between their means in order is `APART` sds
    within chains or more, and every half of a chain is on its own chain's side of it. Empty where they are not.

    Parameters
    ----------
    names, draws
        Of the hyperparameters: labels, and draws (entry, chain, draw).
    """
    if draws.shape[1] == 1:
        return ""
    half = draws.shape[2] // 2
    means, sd = draws.mean(axis=2), draws.std(axis=2, ddof=1).mean(axis=1)
    ordered = np.sort(means, axis=1)
    steps = np.diff(ordered, axis=1) / np.where(sd > 0.0, sd, np.inf)[:, None]
    at = steps.argmax(axis=1)
    gap = steps.max(axis=1)
    cut = ordered[np.arange(len(at)), at] + 0.5 * np.diff(ordered, axis=1)[np.arange(len(at)), at]
    side = means > cut[:, None]
    stay = [(part.mean(axis=2) > cut[:, None]) == side for part in (draws[..., :half], draws[..., -half:])]
    separate = np.flatnonzero((gap >= APART) & np.logical_and(*stay).all(axis=1))
    if not separate.size:
        return ""
    worst = separate[gap[separate].argmax()]
    alike = (side == side[worst]).all(axis=1) | (side != side[worst]).all(axis=1)
    by = [k for k in np.argsort(-gap) if alike[k] and gap[k] >= ASIDE][:SHOWN]
    said = ", ".join(f"{names[k]} ({gap[k]:.1f} sds)" for k in by)
    loaded = [str(names[k]) for k in by if str(names[k]).startswith(("loading", "judgement_loading"))]
    fewer = min(side[worst].sum(), (~side[worst]).sum())
    text = (
        f"the posterior has two modes: more draws do not help; {fewer} of {side.shape[1]} chains stay apart in {said}"
    )
    if loaded:
        text += "; theta follows other indicators in each, so leave those out in turn, or put them in one domain"
    return text
