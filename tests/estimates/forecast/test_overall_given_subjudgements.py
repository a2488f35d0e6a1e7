"""P(overall | sub-judgements): counts, shrinkage by hand, and its uncertainty."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from paths import PANELS

from bayes_csc.errors import DataError
from bayes_csc.estimates.forecast.overall_given_subjudgements import concentration, overall_table
from bayes_csc.panel.panel import Panel

DOMAINS = ("care", "help")


def panel(*judged: tuple[int | None, int | None, int | None]) -> Panel:
    """Hamlets with inspections of care, help and overall grades."""
    rows = [
        ("401", "F", "full", pd.Timestamp("2018-01-01") + pd.Timedelta(days=i), domain, grade)
        for i, grades in enumerate(judged)
        for domain, grade in zip((*DOMAINS, "overall"), grades, strict=True)
        if grade is not None
    ]
    table = pd.DataFrame(rows, columns=["authority", "framework", "type", "start_date", "domain", "grade"])
    table = table.assign(publication_date=table.start_date + pd.Timedelta(days=60))
    return dataclasses.replace(Panel.read(PANELS / "hamlets"), inspections=table)


def place(care: int, help_: int) -> int:
    return (care - 1) * 4 + help_ - 1


def test_inspections_are_counted_by_their_pattern() -> None:
    found = overall_table(panel((1, 2, 2), (1, 2, 1), (3, 4, 4), (2, None, 2), (2, 2, None)), DOMAINS)
    assert found.pattern[place(3, 4)].tolist() == [3, 4]
    assert found.count[place(1, 2)].tolist() == [1, 1, 0, 0]
    assert found.count[place(3, 4)].tolist() == [0, 0, 0, 1]
    assert found.count.sum() == 3  # those that lack one are left out


def test_an_inspection_whose_start_is_not_known_counts() -> None:
    whole = panel((1, 2, 2), (3, 4, 4))
    unknown = dataclasses.replace(whole, inspections=whole.inspections.assign(start_date=pd.NaT))
    np.testing.assert_array_equal(overall_table(unknown, DOMAINS).count, overall_table(whole, DOMAINS).count)


def test_a_pattern_leans_on_the_coarser_one_and_that_on_the_worst_sub_judgement() -> None:
    found = overall_table(panel((1, 2, 2), (1, 2, 2), (2, 1, 1), (2, 2, 2)), DOMAINS)
    base = np.array([1, 5, 1, 1]) / 8  # half on grade 2, the rest spread
    worst = (np.array([1, 3, 0, 0]) + base) / 5  # all four have 2 as their worst
    coarse = (np.array([1, 2, 0, 0]) + worst) / 4  # the worst is 2, the other 1
    np.testing.assert_allclose(found.mean[place(1, 2)], (np.array([0, 2, 0, 0]) + coarse) / 3, rtol=1e-12)
    np.testing.assert_allclose(found.mean[place(2, 1)], (np.array([1, 0, 0, 0]) + coarse) / 2, rtol=1e-12)


def test_a_worst_grade_never_seen_is_probably_the_overall_one() -> None:
    found = overall_table(panel((1, 2, 2)), DOMAINS)
    np.testing.assert_allclose(found.mean[place(4, 3)], [0.125, 0.125, 0.125, 0.625], rtol=1e-12)


def test_rows_are_probabilities_and_draws_have_them_as_their_mean() -> None:
    found = overall_table(panel((1, 2, 2), (1, 2, 1), (3, 4, 4)), DOMAINS)
    np.testing.assert_allclose(found.mean.sum(axis=1), 1.0, rtol=1e-12)
    draws = found.draws(20_000, np.random.default_rng(0))
    np.testing.assert_allclose(draws.sum(axis=2), 1.0, rtol=1e-9)
    np.testing.assert_allclose(draws.mean(axis=0), found.mean, atol=0.01)  # sd of a mean 0.0025 at most
    row = found.described().set_index(list(DOMAINS)).loc[(1, 2)]
    assert row["inspections"] == 2
    assert row["good_sd"] == pytest.approx(draws[:, place(1, 2), 1].std(), abs=0.005)


def test_the_order_of_counts_does_not_matter() -> None:
    rng = np.random.default_rng(4)
    pattern = np.array([[i, j] for i in range(1, 5) for j in range(1, 5)])
    count = rng.integers(0, 5, (16, 4)).astype(float)
    order = rng.permutation(16)
    np.testing.assert_allclose(concentration(pattern[order], count[order]), concentration(pattern, count)[order])


def test_no_inspection_with_them_all_is_refused() -> None:
    with pytest.raises(DataError, match="no inspection has an overall grade and all of care, help"):
        overall_table(panel((1, None, 2)), DOMAINS)
