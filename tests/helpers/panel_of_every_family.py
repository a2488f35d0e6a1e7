"""A panel with an indicator of every family, made from the hamlets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from bayes_csc.panel.indicators import Indicator
from bayes_csc.panel.panel import Panel

FAMILIES = {
    "incidents": {"family": "poisson", "polarity": "higher is worse"},
    "caseload": {"family": "lognormal", "polarity": "higher is worse", "unit_sd": 0.5},
    "wellbeing": {"family": "gaussian", "polarity": "higher is better", "unit_sd": 7.0},
    "opinion": {"family": "ordinal", "polarity": "higher is better", "categories": 5},
}


def with_every_family(panel: Panel, *keys: str) -> Panel:
    """Return the panel with the named indicators of `FAMILIES` (all by default) in place of its own."""
    rng = np.random.default_rng(7)
    like = panel.indicators["late"]
    cells = panel.cells[panel.cells.indicator.eq("late")].assign(
        status="observed", numerator=np.nan, denominator=np.nan, value=np.nan, lower=np.nan, upper=np.nan
    )
    n = len(cells)
    parts: dict[str, pd.DataFrame] = {}
    exposure = rng.integers(2000, 40000, n).astype(float)
    count = rng.poisson(exposure * 0.002).astype(float)
    hidden = (count >= 1) & (count <= 5)
    parts["incidents"] = cells.assign(
        numerator=np.where(hidden, np.nan, count), denominator=exposure,
        status=np.where(hidden, "suppressed", "observed"), lower=np.where(hidden, 1.0, np.nan),
        upper=np.where(hidden, 5.0, np.nan),
    )  # fmt: skip
    parts["caseload"] = cells.assign(value=np.exp(rng.normal(2.8, 0.2, n)), denominator=rng.integers(20, 90, n) * 1.0)
    parts["wellbeing"] = cells.assign(value=rng.normal(14.0, 1.0, n), denominator=rng.integers(20, 200, n) * 1.0)
    parts["opinion"] = cells.assign(value=rng.integers(1, 6, n).astype(float))
    chosen = keys or tuple(FAMILIES)
    indicators: dict[str, Indicator] = {}
    for key in chosen:
        indicators[key] = replace(like, key=key, label=key, **FAMILIES[key])  # type: ignore[arg-type]
    table = pd.concat([parts[key].assign(indicator=key) for key in chosen], ignore_index=True)
    return replace(panel, indicators=indicators, cells=table)
