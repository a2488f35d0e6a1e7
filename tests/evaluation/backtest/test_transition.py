"""The transition model: exact gradient, an ordered probit in the limit, a known table found, names ignored."""

from __future__ import annotations

import datetime
import functools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import approx_fprime
from scipy.special import ndtr
from simple_forecasters import invented

from bayes_csc.evaluation.backtest.events import targets
from bayes_csc.evaluation.backtest.forecasters.base_rate import BaseRate, following, recent_rate
from bayes_csc.evaluation.backtest.forecasters.ordered import fit_ordered
from bayes_csc.evaluation.backtest.forecasters.training_examples import past_inspections
from bayes_csc.evaluation.backtest.forecasters.transition import (
    Events,
    Scales,
    Transition,
    TransitionFit,
    cutpoints,
    fit_transition,
    objective,
)
from bayes_csc.evaluation.backtest.known import known_at
from bayes_csc.panel.panel import Panel

COLUMNS = ["authority", "framework", "type", "start_date", "publication_date", "domain", "grade"]
NOTHING = 1e-4
"""A prior's sd that leaves an effect at zero."""


@functools.cache
def panel() -> Panel:
    return invented()


def chains_of(grades: np.ndarray, deprivation: np.ndarray, framework: tuple[str, str] = ("SIF", "ILACS")) -> Panel:
    """A panel of authorities (rows) with a judgement a year (columns), the later half under another framework."""
    codes = [f"{place:05}" for place in range(len(grades))]
    start = pd.to_datetime([f"{2026 - grades.shape[1] + k}-02-01" for k in range(grades.shape[1])])
    rows = [
        (code, framework[2 * k >= grades.shape[1]], "full", start[k], start[k] + pd.Timedelta(days=60), "overall", g)
        for code, own in zip(codes, grades, strict=True)
        for k, g in enumerate(own)
    ]
    table = pd.concat([panel().authorities.iloc[[2]]] * len(codes)).set_axis(codes, axis="index")
    return replace(
        panel(), inspections=pd.DataFrame(rows, columns=COLUMNS), cells=panel().cells.iloc[:0],
        authorities=table.assign(deprivation=deprivation), date=datetime.date(2026, 1, 1),
    )  # fmt: skip


def simulated(number: int = 3000, seed: int = 5) -> tuple[Panel, np.ndarray, float]:
    """Chains of a known table of cutpoints (previous, cutpoint) and slope; the first grades have a row of their own."""
    rng = np.random.default_rng(seed)
    first = np.array([[-0.9, 0.1, 1.0]])
    cut, slope = np.array([[-0.2, 1.0, 1.9], [-1.3, 0.4, 1.2], [-2.0, -0.3, 0.6], [-2.2, -0.8, 1.0]]), 0.3
    x = rng.normal(size=number)
    grades = np.zeros((number, 5), dtype=int)
    for k in range(5):
        edge = (cut[grades[:, k - 1] - 1] if k else first) - slope * x[:, None]
        grades[:, k] = 1 + (rng.normal(size=number)[:, None] > edge).sum(axis=1)
    return chains_of(grades, 20.0 + 6.0 * x), cut, slope


def test_its_gradient_is_that_of_finite_differences() -> None:
    rng = np.random.default_rng(0)
    events = Events(rng.integers(0, 5, 60), rng.integers(0, 4, 60), rng.normal(size=(60, 6)), 4)
    point = 0.4 * rng.normal(size=5 + 2 + 10 + 6)
    numeric = approx_fprime(point, lambda at: objective(at, events, Scales())[0], 1e-7)
    np.testing.assert_allclose(objective(point, events, Scales())[1], numeric, atol=2e-5)


def test_without_gaps_drift_and_shifts_it_is_an_ordered_probit_on_previous_grade_and_deprivation() -> None:
    whole, _, _ = simulated(60)
    scales = Scales(location=30.0, common_gap=30.0, gap=NOTHING, drift=NOTHING, framework=NOTHING, deprivation=30.0)
    fitted = fit_transition(whole, scales=scales)
    past = past_inspections(whole)
    x = (past["authority"].map(whole.authorities["deprivation"]) - fitted.centre) / fitted.scale
    dummies = {f"after {g}": past["previous"].eq(g).astype(float) for g in (1, 2, 3, 4)}
    probit = fit_ordered(
        pd.DataFrame({**dummies, "x": x}), past["grade"], grades=4, penalty=0.0, link="probit", centre_events=0.0
    )
    slopes = probit.coefficients / probit.scale
    cut, _ = cutpoints(fitted.mode, 4, scales)
    np.testing.assert_allclose(np.diff(cut), np.tile(np.diff(probit.cutpoints), (5, 1)), atol=0.01)
    np.testing.assert_allclose(cut[0, 0] - cut[1:, 0], slopes.iloc[:4], atol=0.01)
    assert fitted.about()["deprivation"] == pytest.approx(slopes["x"], abs=0.005)


def test_it_finds_the_table_and_the_slope_that_made_the_grades() -> None:
    """3000 authorities: a cutpoint's standard error is about 0.03."""
    whole, cut, slope = simulated()
    fitted = fit_transition(whole, draws=50)
    deprivation = pd.Series([fitted.centre, fitted.centre, fitted.centre, fitted.centre])
    p = fitted.probabilities(pd.Series([1.0, 2.0, 3.0, 4.0]), deprivation).to_numpy()
    np.testing.assert_allclose(np.cumsum(p, axis=1)[:, :-1], ndtr(cut), atol=0.04)
    assert fitted.about()["deprivation"] == pytest.approx(slope, abs=0.04)


def test_a_framework_that_judges_more_mildly_and_an_improvement_are_found_apart_from_the_table() -> None:
    whole, _, _ = simulated(1500)
    late = whole.inspections["framework"] == "ILACS"
    milder = whole.inspections["grade"].where(~late, np.maximum(1, whole.inspections["grade"] - 1))
    fitted = fit_transition(replace(whole, inspections=whole.inspections.assign(grade=milder)), draws=20)
    shift = fitted.about()["framework"]
    assert isinstance(shift, dict)
    assert shift["ILACS"] > shift["SIF"] + 0.3
    row = pd.Series([3.0])
    known, other, new = (
        fitted.probabilities(row, pd.Series([np.nan]), framework=f).iloc[0] for f in ("ILACS", "SIF", "of 2027")
    )
    assert known[[1, 2]].sum() > new[[1, 2]].sum() > other[[1, 2]].sum()
    pd.testing.assert_series_equal(fitted.probabilities(row, pd.Series([np.nan])).iloc[0], known)


def answer(whole: Panel, origin: datetime.date = datetime.date(2022, 1, 1)) -> pd.DataFrame:
    known = known_at(whole, origin)
    return Transition(draws=40)(known, targets(known, origin), seed=3).probabilities


def test_what_authorities_are_called_changes_nothing() -> None:
    codes = [code for code in panel().authorities.index if code > "101"]
    swap = dict(zip(codes, reversed(codes), strict=True))

    def renamed(rows: pd.DataFrame) -> pd.DataFrame:
        return rows.assign(authority=rows["authority"].map(lambda code: swap.get(code, code)))

    other = replace(
        panel(), inspections=renamed(panel().inspections), covariates=renamed(panel().covariates),
        cells=renamed(panel().cells), revisions=renamed(panel().revisions),
        authorities=panel().authorities.rename(index=swap).sort_index(),
    )  # fmt: skip
    again = answer(other).rename(index=swap, level="authority")
    np.testing.assert_allclose(again.loc[answer(panel()).index], answer(panel()), atol=1e-9)


def test_the_same_seed_gives_the_same_probabilities_and_more_draws_nearly_so() -> None:
    known = known_at(panel(), datetime.date(2022, 1, 1))
    asked = targets(known, datetime.date(2022, 1, 1))
    first, same, other = (Transition()(known, asked, seed=seed).probabilities for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first, same, check_exact=True)
    assert 0 < (first - other).abs().max().max() < 0.02
    np.testing.assert_allclose(first.sum(axis=1), 1.0)


def test_with_no_judgement_at_all_it_still_answers() -> None:
    empty = replace(panel(), inspections=panel().inspections.iloc[:0])
    p = answer(empty)
    assert (p > 0.02).all().all()
    assert isinstance(fit_transition(known_at(empty, datetime.date(2022, 1, 1))), TransitionFit)


def test_the_table_of_the_last_eight_years_knows_no_older_inspection() -> None:
    known = known_at(panel(), datetime.date(2024, 1, 1))
    asked = targets(known, datetime.date(2024, 1, 1))
    past = past_inspections(known)
    recent = past[past["start"] >= "2016-01-01"]
    assert 0 < len(recent) < len(past)
    expected = following(recent, 4, 4.0).loc[asked["previous"].fillna(0).astype(int)]
    found = recent_rate()(known, asked, seed=1).probabilities
    np.testing.assert_allclose(found, expected)
    assert not np.allclose(found, BaseRate()(known, asked, seed=1).probabilities)
    assert recent_rate().name == "table of the last eight years"
