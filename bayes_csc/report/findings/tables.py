"""The tables of a report, for pipelines and spreadsheets: the same numbers that the pages show."""

from __future__ import annotations

import pandas as pd

from bayes_csc.report.findings.collect import Findings
from bayes_csc.report.findings.companions import Missing

NOTES = {
    "decline": "Change of latent quality since the last inspection, of every authority.",
    "forecast": "The next inspection of every authority: sub-judgements first; the notes say how to read it.",
    "contributions": "What the change of each authority with a page is made up of.",
    "trajectories": "Latent quality by year of each authority with a page.",
    "figures": "Every figure of each authority with a page, what is expected of it, and what it stands beside.",
    "base_rates": "Shares of the grades that followed each grade.",
    "year_effects": "National effect of each year on each indicator.",
    "hyperparameters": "Prior and posterior of every hyperparameter.",
    "information": "Share of the information on latent quality that comes from each source.",
    "checks": "Coverage of predictive intervals.",
    "sensitivity": "Probability of a decline in every variant of the analysis.",
}


def tables(found: Findings) -> dict[str, pd.DataFrame]:
    """Every table of a report by name; those whose input is missing are left out."""
    parts: dict[str, pd.DataFrame | Missing | None] = {
        "decline": found.decline, "forecast": found.forecast, "contributions": found.contributions,
        "trajectories": _stacked({p.code: p.fan.reset_index() for p in found.pages}),
        "figures": _stacked({p.code: p.figures for p in found.pages}),
        "base_rates": found.base_rates.reset_index(), "year_effects": found.year_effects,
        "hyperparameters": found.hyperparameters, "information": found.information,
        "checks": found.fitted.checks.reset_index(), "sensitivity": found.sensitivity,
    }  # fmt: skip
    return {name: part for name, part in parts.items() if isinstance(part, pd.DataFrame) and len(part)}


def _stacked(parts: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Tables of several authorities in one, the code first."""
    each = [part.assign(authority=code) for code, part in parts.items()]
    out = pd.concat(each, ignore_index=True) if each else pd.DataFrame({"authority": []})
    return out[["authority", *(name for name in out.columns if name != "authority")]]
