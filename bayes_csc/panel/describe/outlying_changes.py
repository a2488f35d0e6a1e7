"""Changes of a cell from one year to the next that its counts and its indicator's usual restlessness do not explain."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bayes_csc.panel.indicators import Indicator
from bayes_csc.panel.panel import Panel
from bayes_csc.panel.revisions import current_cells

THRESHOLD = 5.0
RULE = (
    "Rule: the change between consecutive years on the link scale (logit of a proportion, log of a rate or a positive "
    "figure), less the median change of that indicator and year over all authorities, over the square root of its "
    "sampling variance plus the indicator's usual variance of such changes (its median absolute deviation, robust to "
    "the jumps themselves); listed where that z is beyond ±{threshold:g}. A jump is a question about recording, "
    "not a finding about quality."
)
# A median absolute deviation times this is the standard deviation of a normal.
NORMAL_MAD = 1.4826


def jumps(panel: Panel, threshold: float = THRESHOLD) -> pd.DataFrame:
    """Largest changes between consecutive years, in robust standard deviations.

    With y the figure on its link scale and V its sampling variance,

        d = y[t] - y[t - 1],   z = (d - m[t]) / sqrt(V[t] + V[t - 1] + s**2)

    where m[t] is the indicator's median of d in that year, and s**2 what the squared normal-consistent median absolute
    deviation of d - m leaves over the median of V[t] + V[t - 1], at least 0. For a count k of n the link is the logit
    with a half added to both parts and V = 1 / (n p (1 - p)); for an event count, log((k + 1/2) / n) and
    V = 1 / (k + 1/2); a positive figure's log and any other figure have V = 0. Only observed cells one year apart
    are compared, so that neither a gap nor a suppressed count can be a jump.

    Parameters
    ----------
    panel
        The data.
    threshold
        Smallest |z| listed.

    Returns
    -------
    pandas.DataFrame
        Largest |z| first: `authority`, `indicator`, `year_from`, `year`, `value_from`, `value`, `n_from`, `n`
        (denominators), `change` and `national` (d and m, link scale), `z`.
    """
    parts = [
        _standardised(_steps(panel.indicators[str(key)], cells))
        for key, cells in current_cells(panel).groupby("indicator")
    ]
    steps = pd.concat(parts, ignore_index=True)
    steps = steps[steps["z"].abs() >= threshold]
    order = steps.assign(size=-steps["z"].abs()).sort_values(["size", "indicator", "authority", "year"])
    return order.drop(columns=["size", "variance"]).reset_index(drop=True)


def _steps(indicator: Indicator, cells: pd.DataFrame) -> pd.DataFrame:
    observed = cells[cells["status"] == "observed"]
    family = indicator.distribution
    if family.counted:
        observed = observed[observed["denominator"] > 0]
    if family.positive:
        observed = observed[observed["value"] > 0]
    figures = observed[["authority", "indicator", "year", "value", "denominator"]].join(family.link(observed))
    before = figures.assign(year=figures["year"] + 1)
    pairs = figures.merge(before, on=["authority", "indicator", "year"], suffixes=("", "_from"))
    return pd.DataFrame(
        {
            "authority": pairs["authority"], "indicator": pairs["indicator"],
            "year_from": pairs["year"] - 1, "year": pairs["year"],
            "value_from": pairs["value_from"], "value": pairs["value"],
            "n_from": pairs["denominator_from"], "n": pairs["denominator"],
            "change": pairs["y"] - pairs["y_from"], "variance": pairs["variance"] + pairs["variance_from"],
        }
    )  # fmt: skip


def _standardised(steps: pd.DataFrame) -> pd.DataFrame:
    national = steps.groupby("year")["change"].transform("median")
    own = steps["change"] - national
    usual = (NORMAL_MAD * own.abs().median()) ** 2
    spread = max(usual - steps["variance"].median(), 0.0) if len(steps) else 0.0
    sd = np.sqrt(steps["variance"] + spread)
    return steps.assign(national=national, z=(own / sd.where(sd > 0)).fillna(0.0))
