"""Has an authority's latent quality declined since its last inspection? One row per authority of a group."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy.special import ndtr

from bayes_csc.calendar import grid_date
from bayes_csc.errors import GateError, UsageError
from bayes_csc.fit import Fit
from bayes_csc.geography import existing
from bayes_csc.probabilities import EPSILON, batch_means_error, conditional_probability

INTERVAL = 0.89
TOO_RECENT = 1.0
"""A gap, in years, below which the data since the inspection are too few to speak of a change."""
BISECTIONS = 45
"""Of a range of ten or so units: quantiles are exact to 1e-12."""


def decline(
    fit: Fit,
    group: str = "requires improvement",
    *,
    epsilon: float = EPSILON,
    interval: float = INTERVAL,
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
        A grade ("requires improvement"), "all", or authorities' codes or names separated by commas; a grade means the
        latest overall grade of the authorities that exist at the panel's date.
    epsilon
        Smallest decline that counts, in units of theta.
    interval
        Probability of the equal-tailed intervals.
    force
        Give the table even if the run failed its gate.

    Returns
    -------
    pandas.DataFrame
        Sorted by name; `attrs` holds the metadata that every output carries.

    Raises
    ------
    GateError
        The run failed its gate.
    UsageError
        No such group or authority, or an impossible epsilon or interval.
    """
    if not fit.gate.passed and not force:
        raise GateError(
            "this run failed its diagnostics, so its headline numbers are not shown:\n"
            + "\n".join(f"  {line}" for line in fit.gate.failing)
            + f"\nWhat to try: {fit.gate.advice}; --force shows them with a warning."
        )
    if not 0 < interval < 1 or not 0 <= epsilon < np.inf:
        raise UsageError(f"expected 0 < interval < 1 and a finite epsilon >= 0, found {interval} and {epsilon}")
    codes = members(fit, group)
    latest = fit.panel.latest_grades().reindex(codes)
    table = fit.panel.authorities.loc[codes]
    since, recent = (_summary(fit.change, codes, kind, epsilon, interval) for kind in ("since inspection", "recent"))
    without = conditional_probability(fit.change.sel(authority=codes, change="since inspection, no data"), epsilon)
    gap = fit.change.attrs["now"] - fit.change.since.sel(authority=codes, change="since inspection").to_numpy()
    out = pd.DataFrame(
        {
            "authority": codes,
            "name": table["name"].to_numpy(),
            "region": table["region"].to_numpy(),
            "last_inspection": latest.start_date.dt.strftime("%Y-%m-%d").to_numpy(),
            "last_grade": [fit.panel.grades[int(g) - 1] if g == g else "" for g in latest.grade],
            "gap_years": gap,
            **{f"delta_{k}": since[k] for k in ("median", "lower", "upper")},
            "epsilon": epsilon,
            "p_decline": since["p"],
            "p_decline_mcse": since["mcse"],
            "p_decline_no_data": without.mean(("chain", "draw")).to_numpy(),
            **{f"recent_delta_{k}": recent[k] for k in ("median", "lower", "upper")},
            "p_recent_decline": recent["p"],
            "note": ["; ".join(filter(None, ("preview" * fit.preview, _note(g)))) for g in gap],
        }
    )
    out.attrs.update(metadata(fit, group, epsilon, interval))
    return out.sort_values(["name", "authority"], ignore_index=True)


def members(fit: Fit, group: str) -> list[str]:
    """Codes of a group's authorities, of those that the fit has an estimate of."""
    fitted = {str(code) for code in fit.change.authority.to_numpy()}
    here = [c for c in existing(fit.panel.authorities, fit.panel.date) if c in fitted]
    wanted = group.strip().casefold()
    if wanted == "all":
        return here
    if wanted in (grades := [grade.casefold() for grade in fit.panel.grades]):
        latest = fit.panel.latest_grades()
        codes = [c for c in latest.index[latest.grade == grades.index(wanted) + 1] if c in fitted]
        if not codes:
            raise UsageError(f"no authority's latest overall grade is {wanted}; --group all shows every authority")
        return codes
    names = {str(name).casefold(): str(code) for code, name in fit.panel.authorities["name"].loc[here].items()}
    named = _named([part.strip() for part in wanted.split(",") if part.strip()], names | {c: c for c in fitted})
    if not named:
        raise UsageError("the group is empty; give a grade, all, or codes or names separated by commas")
    if unknown := [part for part, code in named if not code]:
        raise UsageError(
            f"no group, authority code or name {', '.join(map(repr, unknown))}; the groups are all, "
            f"{', '.join(fit.panel.grades)}, or codes or names separated by commas"
        )
    return list(dict.fromkeys(code for _, code in named))


def _named(parts: list[str], code_of: dict[str, str]) -> list[tuple[str, str]]:
    """Name and code, "" if there is none, of a list split at its commas; a name may have commas of its own."""
    if not parts:
        return []
    for end in range(len(parts), 1, -1):
        if (name := ", ".join(parts[:end])) in code_of:
            return [(name, code_of[name]), *_named(parts[end:], code_of)]
    return [(parts[0], code_of.get(parts[0], "")), *_named(parts[1:], code_of)]


def metadata(fit: Fit, group: str, epsilon: float, interval: float) -> dict[str, Any]:
    """What every table of a run carries: where its numbers come from and how to read them."""
    out: dict[str, Any] = {
        "group": group,
        "epsilon": epsilon,
        "interval": {"kind": "equal-tailed", "probability": interval},
        "now": grid_date(fit.change.attrs["now"]).isoformat(),
        **fit.provenance(),
        "gate_passed": fit.gate.passed,
    }
    if not fit.gate.passed:
        out["warning"] = "This run failed its diagnostics: do not use these numbers. " + "; ".join(fit.gate.failing)
    return out


def _summary(change: xr.Dataset, codes: list[str], kind: str, epsilon: float, interval: float) -> dict[str, np.ndarray]:
    """Median, interval, P(decline) and its Monte Carlo error, from the mixture of normals over draws."""
    chosen = change.sel(authority=codes, change=kind)
    p = conditional_probability(chosen, epsilon)
    mean, variance = (
        chosen[name].transpose("authority", "chain", "draw").to_numpy().reshape(len(codes), -1)
        for name in ("mean", "variance")
    )
    tail = (1.0 - interval) / 2.0
    lower, median, upper = (_quantile(mean, np.sqrt(variance), level) for level in (tail, 0.5, 1.0 - tail))
    mcse = batch_means_error(p).to_numpy()
    return {"median": median, "lower": lower, "upper": upper, "p": p.mean(("chain", "draw")).to_numpy(), "mcse": mcse}


def _quantile(mean: np.ndarray, sd: np.ndarray, level: float) -> np.ndarray:
    """Quantile of each row's mixture of normals, by bisection of its distribution function."""
    low, high = (mean - 9.0 * sd).min(axis=1), (mean + 9.0 * sd).max(axis=1)
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        below = ndtr((middle[:, None] - mean) / sd).mean(axis=1) < level
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray(0.5 * (low + high))


def _note(gap: float) -> str:
    if gap != gap:
        return "no inspection"
    return "too recent" if gap < TOO_RECENT else ""


def write_decline(table: pd.DataFrame, folder: Path) -> None:
    """Write decline.csv and decline.json (metadata and the same rows) into a run folder.

    A warning about a failed gate stands in the JSON's metadata and in every row's note.
    """
    rows = table.copy()
    if "warning" in table.attrs:
        rows["note"] = [f"{note}; diagnostics failed".removeprefix("; ") for note in rows["note"]]
    text = json.dumps(
        {"metadata": table.attrs, "rows": json.loads(rows.to_json(orient="records"))}, indent=2, allow_nan=False
    )
    for name, content in (
        ("decline.csv", rows.to_csv(index=False, lineterminator="\n")),
        ("decline.json", text + "\n"),
    ):
        part = Path(folder) / f".{name}.part"
        part.write_text(content, encoding="utf-8")
        part.replace(Path(folder) / name)
