"""Predictive checks: a figure's place in its own predictive distribution, exact for counts however small."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from scipy.stats import binom, kstest, norm, poisson
from simulated_report import findings, fitted

from bayes_csc.inference.reopen import revisit
from bayes_csc.report.findings.fitted import count_limits, count_residuals
from bayes_csc_models import trajectory

N = 4000


def counts(family: str, size: float, mean: float, sd: float, seed: int = 1) -> pd.DataFrame:
    """Counts whose logits, or log rates, are normal."""
    rng = np.random.default_rng(seed)
    eta = mean + sd * rng.normal(size=N)
    y = rng.poisson(size * np.exp(eta)) if family == "poisson" else rng.binomial(int(size), expit(eta))
    rows = {"family": family, "numerator": y.astype(float), "denominator": size, "lower": np.nan, "upper": np.nan}
    return pd.DataFrame(rows)


def residuals(rows: pd.DataFrame, mean: float, sd: float) -> np.ndarray:
    limits = count_limits(rows)
    return count_residuals(limits, np.full(len(rows), mean), np.full(len(rows), sd), np.random.default_rng(2))


@pytest.mark.parametrize("family", ["binomial", "poisson"])
@pytest.mark.parametrize(("size", "mean"), [(8.0, -2.5), (60.0, -1.0), (3000.0, -1.5)])
@pytest.mark.parametrize("sd", [0.2, 0.7])
def test_residuals_of_counts_are_standard_normal_where_the_model_is_right(
    family: str, size: float, mean: float, sd: float
) -> None:
    rows = counts(family, size, mean, sd)
    found = residuals(rows, mean, sd)
    assert kstest(found, "norm").pvalue > 1e-3
    assert found.std() == pytest.approx(1.0, abs=4 / np.sqrt(2 * N))


@pytest.mark.parametrize("family", ["binomial", "poisson"])
def test_suppressed_counts_stand_anywhere_in_their_interval(family: str) -> None:
    rows = counts(family, 60.0, -2.5, 0.5)
    hidden = rows.numerator.between(1, 5)
    assert 0.4 < hidden.mean() < 0.9
    known = rows.assign(numerator=rows.numerator.mask(hidden), lower=np.where(hidden, 1.0, np.nan), upper=5.0)
    assert kstest(residuals(known, -2.5, 0.5), "norm").pvalue > 1e-3
    assert kstest(residuals(known[~hidden], -2.5, 0.5), "norm").pvalue < 1e-6  # what is left is no fair sample
    assert residuals(known, -3.0, 0.5).mean() > 0.2


@pytest.mark.parametrize("size", [60.0, 3000.0])
def test_residuals_show_a_wrong_mean_and_a_wrong_width(size: float) -> None:
    rows = counts("binomial", size, -1.0, 0.5)
    assert residuals(rows, -1.3, 0.5).mean() > 0.2
    assert residuals(rows, -1.0, 0.25).std() > 1.05
    assert kstest(residuals(rows, -1.0, 1.0), "norm").pvalue < 1e-6


@pytest.mark.parametrize(("y", "n", "mean", "sd"), [(0, 20, -2.0, 0.6), (20, 20, 1.0, 0.6), (3, 40, -1.0, 0.9)])
def test_the_place_of_a_count_is_between_the_probabilities_of_less_and_of_no_more(
    y: int, n: int, mean: float, sd: float
) -> None:
    z = np.linspace(-8.0, 8.0, 4001)
    weight = norm.pdf(z) / norm.pdf(z).sum()
    for family, upto in (
        ("binomial", lambda k: binom.cdf(k, n, expit(mean + sd * z)) @ weight),
        ("poisson", lambda k: poisson.cdf(k, n * np.exp(mean + sd * z)) @ weight),
    ):
        rows = pd.DataFrame({"family": [family] * 2000, "numerator": float(y), "denominator": float(n)})
        rows = rows.assign(lower=np.nan, upper=np.nan)
        found = norm.cdf(residuals(rows, mean, sd))
        assert found.min() == pytest.approx(upto(y - 1), abs=0.005)
        assert found.max() == pytest.approx(upto(y), abs=0.005)


def test_the_checks_of_a_report_are_of_every_figure() -> None:
    d = revisit(fitted(), trajectory, draws=1).design
    rows = d.observation[d.observation.kind < len(d.indicator)]
    assert rows.lower.notna().any()
    assert findings().fitted.checks.cells.to_dict() == rows.groupby("indicator").size().to_dict()
    assert findings().fitted.checks.spread.between(0.5, 1.5).all()
