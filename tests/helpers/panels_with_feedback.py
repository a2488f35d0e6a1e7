"""Invented panels in which inspections follow theta, and figures follow inspections."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd

from bayes_csc.measurement.judgements.post_inspection import after_worst
from bayes_csc.panel.panel import Panel
from bayes_csc.simulation.template_panel import skeleton
from bayes_csc.spec import Spec

FLAGGED = "activity_2"
"""The indicator that a judgement of the worst grade changes; its polarity is not agreed, and theta is not in it."""
SLOPE = 0.7
"""Of theta in the logits of the others."""
TIMED = Spec.parse({"ratings": {"use": False, "timing": True}})


def flagged(panel: Panel, *keys: str) -> Panel:
    """Return the panel with the flag `post_inspection` on these indicators and no other."""
    marked = {k: dataclasses.replace(i, post_inspection=k in keys) for k, i in panel.indicators.items()}
    return dataclasses.replace(panel, indicators=marked)


def followed(*, authorities: int, loading: float = 0.0, effect: float = 0.0, seed: int = 1) -> Panel:
    """Invent ten years of authorities.

    Theta is a level and a random walk of unit variance together. Year after year an authority is inspected, on any day,
    with P = Phi(1.2 min(years since, 3) - 2.4 + loading theta), and graded by an ordered probit of theta. The logit of
    the flagged indicator has effect x (part of the year within two years after the worst grade).
    """
    rng = np.random.default_rng(seed)
    panel = flagged(skeleton(authorities=authorities, years=10, indicators=5, rng=rng), FLAGGED)
    years = np.unique(panel.cells.year)
    walk = np.cumsum(rng.normal(size=(authorities, years.size)), axis=1) * np.sqrt(0.5 / (0.5 * years.size))
    theta = pd.DataFrame(
        np.sqrt(0.5) * rng.normal(size=(authorities, 1)) + walk, index=panel.authorities.index, columns=years
    )
    panel = dataclasses.replace(panel, inspections=_inspections(panel, theta, loading, rng))
    cells = panel.cells
    w = after_worst(panel, cells.rename(columns={"authority": "unit"}), {FLAGGED})
    better = cells.indicator.map({k: i.polarity == "higher is better" for k, i in panel.indicators.items()})
    slope = np.where(cells.indicator.eq(FLAGGED), 0.0, np.where(better, SLOPE, -SLOPE))
    logit = slope * theta.stack().loc[list(zip(cells.authority, cells.year, strict=True))].to_numpy() + effect * w
    p = 1.0 / (1.0 + np.exp(-logit - 0.1 * rng.normal(size=len(cells))))
    count = rng.binomial(cells.denominator.astype(int), p).astype(float)
    return dataclasses.replace(panel, cells=cells.assign(numerator=count))


def _inspections(panel: Panel, theta: pd.DataFrame, loading: float, rng: np.random.Generator) -> pd.DataFrame:
    rows = []
    for code, path in theta.iterrows():
        last = theta.columns[0] - int(rng.integers(0, 3))
        for year, value in path.items():
            if 1.2 * min(year - last, 3) - 2.4 + loading * value + rng.normal() > 0:
                last = year
                grade = 4 - int((1.2 * value + rng.normal() > np.array([-1.0, 0.0, 1.2])).sum())
                rows.append((code, pd.Timestamp(year - 1, 4, 1) + pd.Timedelta(days=int(rng.integers(360))), grade))
    table = pd.DataFrame(rows, columns=["authority", "start_date", "grade"]).assign(
        framework="ILACS", type="standard", domain="overall"
    )
    table["publication_date"] = table.start_date + pd.Timedelta(days=60)
    return table[list(panel.inspections.columns)]
