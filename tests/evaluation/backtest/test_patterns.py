"""Patterns of sub-judgements: they sum to one, keep the overall forecast, and lean on coarser ones."""

from __future__ import annotations

import datetime
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from simple_forecasters import invented

from bayes_csc.errors import DataError, UsageError
from bayes_csc.estimates.forecast.overall_given_subjudgements import overall_table
from bayes_csc.evaluation.backtest.events import targets
from bayes_csc.evaluation.backtest.forecasters.base_rate import BaseRate
from bayes_csc.evaluation.backtest.forecasters.patterns import judged_together, smoothed, subjudgement_patterns
from bayes_csc.files.embedded_data import data_dir
from bayes_csc.panel.panel import Panel

COLUMNS = ["authority", "framework", "type", "start_date", "publication_date", "domain", "grade"]
DOMAINS = ("care_leavers", "children_looked_after", "help_and_protection", "leadership")
TOGETHER = "children_looked_after_and_care_leavers"


def panel_with(*inspections: tuple[str, str, dict[str, int]]) -> Panel:
    """An invented panel with these inspections: authority, start, grades by domain."""
    rows = [
        (code, "ILACS", "full", pd.Timestamp(start), pd.Timestamp(start) + pd.Timedelta(days=60), domain, grade)
        for code, start, grades in inspections
        for domain, grade in grades.items()
    ]
    return replace(invented(), inspections=pd.DataFrame(rows, columns=COLUMNS))


def whole(overall: int, *grades: int) -> dict[str, int]:
    return dict(zip(("overall", *DOMAINS), (overall, *grades), strict=True))


def test_england_sums_to_one_and_keeps_the_forecast_of_the_overall_grade() -> None:
    england = Panel.read(data_dir())
    known = england.as_of(datetime.date(2024, 1, 1))
    found = subjudgement_patterns(known, DOMAINS)
    np.testing.assert_allclose(found.given.sum(axis=2), 1.0)
    assert (found.given > 0).all()
    np.testing.assert_array_equal(found.pattern, overall_table(known, DOMAINS).pattern)
    asked = targets(known, known.date, (24,))
    overall = BaseRate()(known, asked, seed=1).probabilities.droplevel("horizon")
    joint = found.probability(overall)
    assert joint.shape == (len(overall), 256, 4)
    np.testing.assert_allclose(joint.sum(axis=1), overall)
    grades = found.domain_grades(joint)
    np.testing.assert_allclose(grades.sum(axis=2), 1.0)
    leadership = found.domain.index("leadership")
    assert np.abs(grades[:, leadership] - overall.to_numpy()).max() < 0.15  # leadership is mostly the overall grade


def test_a_judgement_of_two_domains_together_counts_for_both() -> None:
    together = {"overall": 3, TOGETHER: 2, "help_and_protection": 3, "leadership": 3}
    panel = panel_with(("102", "2020-02-01", together))
    row = judged_together(panel, DOMAINS).iloc[0]
    assert row[[*DOMAINS, "overall"]].tolist() == [2, 2, 3, 3, 3]
    assert subjudgement_patterns(panel, DOMAINS).inspections == 1


def test_the_worst_previous_grade_is_of_the_inspection_that_was_out_when_the_next_started() -> None:
    panel = panel_with(
        ("102", "2016-02-01", whole(3, 2, 3, 4, 3)),
        ("102", "2019-02-01", whole(2, 2, 2, 2, 1)),
        ("102", "2019-03-15", whole(3, 3, 3, 3, 3)),  # the one of February is not out yet
        ("103", "2019-02-01", {"overall": 3}),
    )
    found = subjudgement_patterns(panel, DOMAINS, strength=1e-9)
    place = {tuple(row): k for k, row in enumerate(found.pattern.tolist())}
    assert found.given[4, 1, place[2, 2, 2, 1]] == pytest.approx(1.0)
    assert found.given[4, 2, place[3, 3, 3, 3]] == pytest.approx(1.0)
    assert found.given[0, 2, place[2, 3, 4, 3]] == pytest.approx(1.0)
    assert found.worst_previous.to_dict() == {"102": 3, "103": 3}


def test_without_inspections_of_a_kind_it_is_the_coarser_distribution() -> None:
    rng = np.random.default_rng(0)
    pattern = np.array([(a, b) for a in range(1, 5) for b in range(1, 5)])
    count = rng.integers(0, 3, (5, 4, 16)).astype(float)
    count[3] = 0.0
    found = smoothed(count, pattern, 7.0)
    by_overall = count.sum(axis=0)
    share = np.array([[by_overall[g][pattern[:, d] == k].sum() for k in range(1, 5)] for g in range(4) for d in (0, 1)])
    q = (share.reshape(4, 2, 4) + 0.5 * np.eye(4)[:, None] + 0.125) / (by_overall.sum(axis=1)[:, None, None] + 1)
    independent = q[:, 0, pattern[:, 0] - 1] * q[:, 1, pattern[:, 1] - 1]
    expected = (by_overall + 7 * independent) / (by_overall.sum(axis=1, keepdims=True) + 7)
    np.testing.assert_allclose(found[3], expected)
    np.testing.assert_allclose(smoothed(count, pattern, 1e12)[0], independent, atol=1e-9)


def test_many_inspections_outweigh_the_smoothing() -> None:
    rng = np.random.default_rng(1)
    pattern = np.array([(a, b) for a in range(1, 5) for b in range(1, 5)])
    truth = rng.dirichlet(np.full(16, 0.5), (5, 4))
    found = smoothed(np.round(1e6 * truth), pattern, 30.0)
    np.testing.assert_allclose(found, truth, atol=1e-4)


def test_what_cannot_be_learned_is_said() -> None:
    panel = panel_with(("102", "2020-02-01", {"overall": 3, "leadership": 3}))
    with pytest.raises(DataError, match="no inspection has an overall grade and all of care_leavers"):
        subjudgement_patterns(panel, DOMAINS)
    found = subjudgement_patterns(panel, ("leadership",))
    with pytest.raises(UsageError, match="expected probabilities of 4 overall grades, found 3"):
        found.probability(pd.DataFrame(np.full((1, 3), 1 / 3), index=["102"]))
