"""Caseload beside the range to expect of an authority like it: given deprivation, size and demand, and no threshold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import t as student

from bayes_csc.errors import DataError, UsageError
from bayes_csc.panel.geography import codes_of
from bayes_csc.panel.panel import Panel

POPULATION, DEMAND = "population_0_17", "children_in_need_per_10000"
PREDICTORS = ("deprivation", "population", "demand")
LEVELS = (0.5, 0.89)
# Variance of an authority's own noise at the median number of case holders, over the variance between authorities.
NOISE = (0.0, 0.125, 0.25, 0.5, 1.0, 2.0, 4.0)
# Years that a figure on population or demand may be old where none of the year is published.
OLDEST = 2
WHOLE = (
    "All case holders of an authority together: the published data do not show caseloads by role, by service area or "
    "by the complexity of cases, so that this benchmark cannot either. The range describes authorities alike in "
    "deprivation, size and demand as they are; it does not say what is manageable, and no value is a threshold."
)


@dataclass(frozen=True)
class Prediction:
    """Predictive distribution of each of n outcomes given all others: a mixture of Student's t.

    Attributes
    ----------
    location, scale, weight
        (n, noise); weights sum to 1 over the noise ratios.
    df
        Degrees of freedom.
    """

    location: np.ndarray
    scale: np.ndarray
    weight: np.ndarray
    df: int

    def share_below(self, value: np.ndarray) -> np.ndarray:
        """Predictive probability of less than each value (n)."""
        parts = student.cdf((value[:, None] - self.location) / self.scale, self.df)
        return np.asarray((self.weight * parts).sum(axis=1))

    def quantile(self, probability: float) -> np.ndarray:
        """Predictive quantile of each outcome (n), by bisection to 1e-10 of the widest component."""
        ends = self.location + self.scale * student.ppf(probability, self.df)
        low, high = ends.min(axis=1), ends.max(axis=1)
        for _ in range(60):
            middle = (low + high) / 2
            above = self.share_below(middle) > probability
            low, high = np.where(above, low, middle), np.where(above, middle, high)
        return np.asarray((low + high) / 2)


def leave_one_out(outcome: np.ndarray, predictors: np.ndarray, size: np.ndarray) -> Prediction:
    r"""Predict each outcome from all others by a linear regression whose noise falls with size.

    .. math::

        y_i \sim N(x_i'\beta,\ \sigma^2 v_i),\quad v_i = 1 + r\,\tilde s / s_i,\quad
        p(\beta, \sigma^2, r) \propto \sigma^{-2},\ r \in \text{NOISE}

    with :math:`\tilde s` the median size. Given r and the others, y_i is Student's t with n - 1 - p degrees of freedom,

    .. math::

        y_i \mid y_{-i}, r \sim t\bigl(x_i'\hat\beta_{-i},\ \hat\sigma_{-i}^2
        (v_i + x_i'(X_{-i}'V_{-i}^{-1}X_{-i})^{-1}x_i)\bigr),

    and r is averaged over its posterior given the others. All of it is exact: with z_i and h_i the residual and the
    leverage of the regression of all, weighted by 1/v, the location is y_i - sqrt(v_i) z_i / (1 - h_i) and the squared
    scale v_i (RSS - z_i^2 / (1 - h_i)) / ((n - 1 - p)(1 - h_i)).

    Parameters
    ----------
    outcome
        (n,).
    predictors
        (n, p), a column of ones among them.
    size
        (n,), positive.

    Returns
    -------
    Prediction
        Of each outcome, which has no part in it.

    Raises
    ------
    DataError
        Too few outcomes, or predictors that one authority alone determines.
    """
    n, p = predictors.shape
    df = n - 1 - p
    if df < 2:
        raise DataError(f"a benchmark on {p} coefficients needs at least {p + 3} authorities, found {n}")
    location, scale, evidence = (np.empty((n, len(NOISE))) for _ in range(3))
    for place, ratio in enumerate(NOISE):
        variance = 1.0 + ratio * np.median(size) / size
        root = np.sqrt(variance)
        q, triangle = np.linalg.qr(predictors / root[:, None])
        leverage = (q**2).sum(axis=1)
        if not leverage.max() < 1.0 - 1e-9 or np.linalg.cond(triangle) > 1e12:
            raise DataError("the predictors of the benchmark are collinear, or one authority alone determines one")
        residual = outcome / root - q @ (q.T @ (outcome / root))
        rest = 1.0 - leverage
        squares = (residual**2).sum() - residual**2 / rest
        location[:, place] = outcome - root * residual / rest
        scale[:, place] = np.sqrt(variance * squares / (df * rest))
        determinant = 2 * np.log(np.abs(np.diag(triangle))).sum() + np.log(rest)
        log_variance = np.log(variance).sum() - np.log(variance)
        evidence[:, place] = -0.5 * (log_variance + determinant + df * np.log(squares))
    weight = np.exp(evidence - evidence.max(axis=1, keepdims=True))
    return Prediction(location, scale, weight / weight.sum(axis=1, keepdims=True), df)


def caseload_benchmark(
    panel: Panel, year: int | None = None, *, indicator: str = "caseload", demand: str = DEMAND
) -> pd.DataFrame:
    """Each authority's caseload beside the range to expect of one like it.

    The logarithm of cases per full-time equivalent case holder is regressed on the deprivation score, the logarithm of
    the children aged 0 to 17 and the logarithm of demand; see `leave_one_out`. An authority is no part of its own
    benchmark.

    Parameters
    ----------
    panel
        A panel with the indicator and with the covariates `population_0_17` and `demand`.
    year
        Year of the workforce census; the latest by default.
    indicator
        Key of the caseload: value cases per case holder, denominator case holders (FTE).
    demand
        Covariate that stands for demand.

    Returns
    -------
    pandas.DataFrame
        One row per authority or joint return: authority, name, year, case_holders, caseload, expected (the median),
        lower_50, upper_50, lower_89, upper_89, share_below (predictive probability of a lower caseload), deprivation,
        population, demand. `attrs`: left_out, the authorities without a figure; about, what the table cannot show.

    Raises
    ------
    UsageError
        The panel has no such indicator, year or covariate.
    """
    cells = panel.cells[(panel.cells["indicator"] == indicator) & (panel.cells["status"] == "observed")]
    if cells.empty:
        raise UsageError(f"panel {panel.name}: no observed cell of the indicator {indicator!r}; give another panel")
    year = int(cells["year"].max()) if year is None else year
    if year not in set(cells["year"]):
        years = f"{cells['year'].min()} to {cells['year'].max()}"
        raise UsageError(f"panel {panel.name}: no {indicator} in {year}; expected a year from {years}")
    known = set(panel.covariates["covariate"])
    if lost := [name for name in (POPULATION, demand) if name not in known]:
        raise UsageError(f"panel {panel.name}: no covariate {', '.join(lost)} in covariates.csv; add it")
    rows = cells[cells["year"] == year].set_index("authority").sort_index()
    table = pd.DataFrame({"case_holders": rows["denominator"], "caseload": rows["value"]}, index=rows.index).join(
        _predictors(panel, rows.index, year, demand)
    )
    usable = table[["caseload", "population", "demand"]].gt(0).all(axis=1) & table.notna().all(axis=1)
    chosen = table[usable]
    constant = np.ones(len(chosen))
    logs = np.log(chosen[["caseload", "population", "demand"]])
    predictors = np.column_stack([constant, chosen["deprivation"], logs["population"], logs["demand"]])
    centred = np.column_stack([constant, predictors[:, 1:] - predictors[:, 1:].mean(axis=0)])
    outcome = np.asarray(logs["caseload"])
    predicted = leave_one_out(outcome, centred, chosen["case_holders"].to_numpy())
    columns = {"expected": np.exp(predicted.quantile(0.5))}
    for level in LEVELS:
        name = f"{100 * level:.0f}"
        columns[f"lower_{name}"] = np.exp(predicted.quantile((1 - level) / 2))
        columns[f"upper_{name}"] = np.exp(predicted.quantile((1 + level) / 2))
    out = chosen.assign(**columns, share_below=predicted.share_below(outcome), year=year).reset_index()
    names = out["authority"].map(lambda unit: " + ".join(panel.authorities["name"][code] for code in codes_of(unit)))
    order = ["authority", "name", "year", "case_holders", "caseload", *columns, "share_below", *PREDICTORS]
    out = out.assign(name=names)[order]
    out.attrs = {"left_out": table.index[~usable].tolist(), "demand": demand, "about": WHOLE}
    return out


def _predictors(panel: Panel, units: pd.Index, year: int, demand: str) -> pd.DataFrame:
    """Deprivation, population and demand of each return; of a joint one by the children of its authorities."""
    children, asked = (latest(panel.covariates, name, year) for name in (POPULATION, demand))
    score = panel.authorities["deprivation"]
    rows = {}
    for unit in units:
        codes = list(codes_of(str(unit)))
        weights = children.reindex(codes)
        total = weights.sum(skipna=False)
        mean = [(series.reindex(codes) * weights).sum(skipna=False) / total for series in (score, asked)]
        rows[unit] = (mean[0], total, mean[1])
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(PREDICTORS))


def latest(covariates: pd.DataFrame, name: str, year: int) -> pd.Series:
    """Figure of each authority in a year or, where it has none, the last of the two years before."""
    rows = covariates[(covariates["covariate"] == name) & covariates["year"].between(year - OLDEST, year)]
    return rows.sort_values("year").groupby("authority")["value"].last()
