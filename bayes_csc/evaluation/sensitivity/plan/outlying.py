"""White noise with the tails of Student's t, as extra variance of the figures that lie far out.

A t of nu degrees of freedom and scale s is a normal whose variance differs from figure to figure. Given everything
else, the expected precision of figure i, whose white part is r[i], is w[i] / s ** 2 with w[i] = (nu + 1) /
(nu + E[r[i] ** 2] / s ** 2) (Lange, Little and Taylor 1989), so that its variance is

    T[i] = s ** 2 nu / (nu + 1) + E[r[i] ** 2] / (nu + 1),        E[r[i] ** 2] = T[i] + 2 T[i] ** 2 d log p / d V[i]

with V[i] the figure's sampling variance. The first term is common to an indicator and is fitted as its white noise is;
the second is what is computed here, at the mode of the fit with normal noise, and then held.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd

from bayes_csc.likelihood.kernel import Real, value_and_gradient
from bayes_csc.likelihood.layout import layout_of
from bayes_csc.measurement.design import Design
from bayes_csc.measurement.observations import FURTHER
from bayes_csc.panel.panel import Panel

KEY = ["authority", "indicator", "year"]
ROUNDS = 20
"""Of expected variances, each by the last ones: they move by a few parts in a thousand at the end."""


def further_variance(design: Design, real: Real, df: float) -> pd.DataFrame:
    """Extra variance of each figure, on its link scale.

    Parameters
    ----------
    design, real
        A fit's, at its mode: the kernel's inputs with the sites there.
    df
        Degrees of freedom, nu.

    Returns
    -------
    pandas.DataFrame
        `authority` (or joint return), `indicator`, `year` and `further_variance`.
    """
    rows = design.observation
    own = np.flatnonzero((rows["kind"] < len(design.indicator)).to_numpy())
    common = (real.white_sd[rows["kind"].to_numpy()[own]] ** 2) * df / (df + 1.0)
    narrower = real._replace(white_sd=real.white_sd * np.sqrt(df / (df + 1.0)))
    extra = np.zeros(own.size)
    for _ in range(ROUNDS):
        variance = real.variance.copy()
        variance[own] += extra
        _, gradient = value_and_gradient(layout_of(design), narrower._replace(variance=variance))
        total = common + extra
        extra = np.maximum(total + 2.0 * total**2 * gradient.variance[own], 0.0) / (df + 1.0)
    where = rows.iloc[own].rename(columns={"unit": "authority"})[KEY]
    return where.assign(**{FURTHER: extra}).reset_index(drop=True)


def with_further_variance(panel: Panel, further: pd.DataFrame) -> Panel:
    """A panel whose cells carry these variances, beside those that they have."""
    cells = panel.cells.drop(columns=FURTHER, errors="ignore").merge(further, on=KEY, how="left", validate="m:1")
    return replace(panel, cells=cells)


def degrees(changes: Iterable[float | None]) -> tuple[float, ...]:
    """The distinct degrees of freedom among these."""
    return tuple(sorted({df for df in changes if df is not None}))
