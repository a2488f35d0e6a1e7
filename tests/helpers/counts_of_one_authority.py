"""Counts of one authority and one state, and their exact likelihood."""

from __future__ import annotations

import numpy as np
import pandas as pd
from block_layouts import by_hand
from scipy.stats import binom

from bayes_csc.likelihood.kernel import Layout, Real

NAN = np.nan

LOADING, AR_SD, AR_PHI, WHITE_SD = 0.8, 0.4, 0.6, 0.3

PRIOR_SD, OFFSET = 1.0, -1.5


def cells(*rows: tuple[float, float, float, float, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["sign", "numerator", "denominator", "lower", "upper"]).assign(family="binomial")


def some_years(n: int) -> tuple[Layout, Real]:
    """One authority, one state, one indicator observed n times: eta[i] = offset + loading theta + deviation."""
    layout = by_hand(
        group_block=[0], group_sizes=[n], group_domain=[-1], kind=[0] * n, time=[2020, 2021][:n],
        weights=[((0, 1.0),)] * n, graded=[False] * n, block_states=[1], templates=[np.ones((1, 1))],
        column_kind=[np.zeros(1, int)],
    )  # fmt: skip
    real = Real(
        np.array([-1.2, -1.8])[:n], np.ones(n), np.full(n, OFFSET), np.array([LOADING]), np.zeros(1),
        np.array([PRIOR_SD]), np.array([AR_SD]), np.array([AR_PHI]), np.array([WHITE_SD]), np.zeros(1), np.zeros(0),
        np.zeros(0), np.zeros(0), np.zeros(0),
    )  # fmt: skip
    return layout, real


def log_likelihood(rows: pd.DataFrame, eta: np.ndarray) -> np.ndarray:
    """Reference: log probability of each row's count or interval at its own coded logit, (draw, row)."""
    p = 1.0 / (1.0 + np.exp(-rows.sign.to_numpy() * eta))
    low, high = (rows[side].fillna(rows.numerator).to_numpy() for side in ("lower", "upper"))
    n = rows.denominator.to_numpy()
    with np.errstate(divide="ignore"):
        return np.log(binom.cdf(high, n, p) - binom.cdf(low - 1.0, n, p))


CASES = {
    "two small counts": cells((1.0, 2.0, 15.0, NAN, NAN), (1.0, 0.0, 9.0, NAN, NAN)),
    "a suppressed count and none at all": cells((-1.0, NAN, 40.0, 1.0, 5.0), (-1.0, 0.0, 12.0, NAN, NAN)),
    "a wide interval": cells((1.0, NAN, 50.0, 5.0, 40.0), (1.0, 3.0, 20.0, NAN, NAN)),
    "a wider interval": cells((-1.0, NAN, 400.0, 240.0, 320.0), (1.0, 3.0, 20.0, NAN, NAN)),
}
