"""Ordered regression: statsmodels' maximum likelihood without its ridge, and sound where that has none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import check_grad

from bayes_csc.evaluation.backtest.forecasters.ordered import Link, _objective, chosen_penalty, fit_ordered


def sample(n: int = 300, seed: int = 0) -> tuple[pd.DataFrame, pd.Series]:
    rng = np.random.default_rng(seed)
    x = pd.DataFrame({"a": rng.normal(2.0, 3.0, n), "b": rng.normal(size=n)})
    score = 0.5 * x["a"] - 0.8 * x["b"] + rng.logistic(size=n)
    return x, pd.Series(1 + np.searchsorted([-1.0, 1.0, 2.5], score))


@pytest.mark.parametrize("link", ["logit", "probit"])
def test_without_a_ridge_it_is_the_maximum_likelihood_of_statsmodels(link: Link) -> None:
    from statsmodels.miscmodels.ordinal_model import OrderedModel

    x, grade = sample()
    reference = OrderedModel(grade, x, distr=link).fit(method="bfgs", disp=False, gtol=1e-8)
    mine = fit_ordered(x, grade, grades=4, penalty=0.0, link=link, centre_events=0.0)
    slopes = mine.coefficients / mine.scale
    np.testing.assert_allclose(slopes, reference.params[["a", "b"]], atol=2e-4)
    np.testing.assert_allclose(mine.probabilities(x), reference.predict(x), atol=1e-4)


@pytest.mark.parametrize("link", ["logit", "probit"])
def test_its_gradient_is_that_of_finite_differences(link: Link) -> None:
    x, grade = sample(40)
    args = (x.to_numpy(), grade.to_numpy() - 1, np.linspace(0.5, 2.0, 40), 0.7, link)
    at = np.array([0.2, -0.4, -1.0, 0.3, -0.2])
    error = check_grad(lambda f: _objective(f, *args)[0], lambda f: _objective(f, *args)[1], at)
    assert error < 2e-4


def test_a_grade_that_never_came_keeps_a_probability() -> None:
    x, grade = sample(60)
    fitted = fit_ordered(x, grade.clip(2, 3), grades=4)
    p = fitted.probabilities(x)
    assert (p.to_numpy() > 0).all()
    assert p[[1, 4]].mean().between(0.002, 0.05).all()


def test_a_strong_ridge_leaves_the_shares_of_the_grades() -> None:
    x, grade = sample()
    p = fit_ordered(x, grade, grades=4, penalty=1e9, centre_events=0.0).probabilities(x)
    share = grade.value_counts(normalize=True).sort_index()
    np.testing.assert_allclose(p, np.tile(share, (len(x), 1)), atol=1e-4)


def test_a_missing_value_counts_as_the_mean() -> None:
    x, grade = sample()
    fitted = fit_ordered(x, grade, grades=4)
    unknown = pd.DataFrame({"a": [np.nan, x["a"].mean()], "b": [0.3, 0.3]})
    p = fitted.probabilities(unknown)
    np.testing.assert_allclose(p.iloc[0], p.iloc[1])


@pytest.mark.parametrize(("signal", "expected"), [(True, 1.0), (False, 1000.0)])
def test_the_chosen_ridge_is_weak_where_features_tell_and_strong_where_they_do_not(
    signal: bool, expected: float
) -> None:
    x, grade = sample()
    columns = x if signal else pd.DataFrame(np.random.default_rng(5).normal(size=(len(x), 8)))
    group = pd.Series([f"a{i % 60:02}" for i in range(len(x))])
    assert chosen_penalty(columns, grade, group, grades=4, penalties=(1.0, 1000.0)) == expected
