"""What a forecaster may see at an origin: nothing that was published later can change a forecast."""

from __future__ import annotations

import datetime
import functools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from panels_with_subjudgements import with_sub_judgements
from simple_forecasters import invented

from bayes_csc.estimates.forecast.cutpoints import latest_before
from bayes_csc.evaluation.backtest.events import targets
from bayes_csc.evaluation.backtest.forecasters.base_rate import BaseRate, recent_rate
from bayes_csc.evaluation.backtest.forecasters.forest import Forest
from bayes_csc.evaluation.backtest.forecasters.regressions import (
    Composite,
    Deprivation,
    FewIndicators,
    GradeAndGap,
    GradeAndTrend,
    Regression,
)
from bayes_csc.evaluation.backtest.forecasters.transition import Transition
from bayes_csc.evaluation.backtest.known import known_at
from bayes_csc.files.embedded_data import data_dir
from bayes_csc.measurement.design import design
from bayes_csc.measurement.judgements.covariates import judgement_covariates
from bayes_csc.measurement.judgements.previous_grades import previous_grades
from bayes_csc.measurement.judgements.scales import judgements
from bayes_csc.panel.calendar import grid_position
from bayes_csc.panel.panel import Panel
from bayes_csc.spec import Spec

ORIGINS = [datetime.date(year, 1, 1) for year in (2019, 2020, 2022)]
RIVALS = (
    BaseRate(), GradeAndGap(), FewIndicators(indicators=("activity_1", "activity_2")), Regression(penalties=(10.0,)),
    Forest(trees=5), Transition(draws=20), recent_rate(), GradeAndTrend(), Deprivation(), Composite(),
)  # fmt: skip


@functools.cache
def panel() -> Panel:
    return invented()


@functools.cache
def forecasts(origin: datetime.date) -> list[pd.DataFrame]:
    return asked(panel(), origin)


def asked(whole: Panel, origin: datetime.date) -> list[pd.DataFrame]:
    known = known_at(whole, origin)
    return [rival(known, targets(known, origin), seed=1).probabilities for rival in RIVALS]


def perturbed(whole: Panel, day: datetime.date, rng: np.random.Generator) -> Panel:
    """Everything that came out after a day, changed at random."""
    when = pd.Timestamp(day)

    def figures(cells: pd.DataFrame) -> pd.DataFrame:
        late = cells.publication_date > when
        share = pd.Series(rng.uniform(0.05, 0.95, len(cells)), index=cells.index)
        out = cells.assign(numerator=cells.numerator.where(~late, (share * cells.denominator).round()))
        return out[~late | (rng.random(len(cells)) < 0.8)].reset_index(drop=True)

    inspections = whole.inspections
    late = inspections.publication_date > when
    moved = inspections.assign(
        grade=inspections.grade.where(~late, rng.integers(1, 5, len(inspections))),
        start_date=inspections.start_date.where(~late, inspections.start_date - pd.Timedelta(days=20)),
    )
    covariates = whole.covariates
    known = covariates.covariate.eq("imd") & (covariates.year < day.year)
    known |= covariates.covariate.eq("population_0_17") & (covariates.year <= day.year - 2)
    table = whole.authorities.assign(
        deprivation=rng.uniform(5, 40, len(whole.authorities)),
        population=rng.integers(1000, 90000, len(whole.authorities)).astype(float),
        neighbours="x",
    )
    lasting = ~(table.valid_to <= when) & ~(table.valid_from > when)
    table["valid_to"] = table.valid_to.mask(lasting, when + pd.Timedelta(days=100))
    return replace(
        whole, cells=figures(whole.cells), revisions=figures(whole.revisions),
        inspections=moved[~late | (rng.random(len(moved)) < 0.7)], authorities=table,
        covariates=covariates.assign(value=covariates.value.where(known, rng.uniform(1, 99, len(covariates)))),
        date=whole.date + datetime.timedelta(days=50), readme="later", providers=whole.providers,
    )  # fmt: skip


@settings(deadline=None, max_examples=6)
@given(origin=st.sampled_from(ORIGINS), seed=st.integers(0, 2**32 - 1))
def test_nothing_that_came_out_after_an_origin_changes_what_is_known_or_forecast(
    origin: datetime.date, seed: int
) -> None:
    changed = perturbed(panel(), origin, np.random.default_rng(seed))
    assert changed.hash != panel().hash
    assert known_at(changed, origin).hash == known_at(panel(), origin).hash
    for one, other in zip(asked(changed, origin), forecasts(origin), strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)


COVARIATES = ("activity_1", "activity_3 change")


@functools.cache
def judged() -> Panel:
    """The panel with sub-judgements and judgements of an earlier framework."""
    old = panel().inspections.drop_duplicates("authority").iloc[::2]
    day = old.start_date.min() - pd.Timedelta(days=900)
    old = old.assign(framework="old", start_date=day, publication_date=day + pd.Timedelta(days=60))
    return replace(with_sub_judgements(panel()), earlier_inspections=old.reset_index(drop=True))


def before_judgements(whole: Panel, day: datetime.date) -> pd.DataFrame:
    """Previous grades and covariates of the inspections that started by a day, and of those published then."""
    rows = judgements(whole, previous=True, covariates=COVARIATES)
    rows = rows[rows.position <= float(grid_position(day))]
    return rows.drop(columns=["grade", "inspection"]).sort_values(["authority", "framework", "domain", "position"])


@settings(deadline=None, max_examples=6)
@given(origin=st.sampled_from(ORIGINS), seed=st.integers(0, 2**32 - 1))
def test_nothing_that_came_out_after_an_origin_changes_previous_grades_covariates_or_levels(
    origin: datetime.date, seed: int
) -> None:
    changed = perturbed(judged(), origin, np.random.default_rng(seed))
    one, other = (known_at(whole, origin) for whole in (judged(), changed))
    spec = Spec.parse({"ratings": {"previous": "cutpoints", "covariates": list(COVARIATES)}})
    columns = ["unit", "scale", "position", "previous", "earlier", *(f"covariate {name}" for name in COVARIATES)]
    designs = [design(known, spec).observation[columns] for known in (one, other)]
    pd.testing.assert_frame_equal(*designs, check_exact=True)
    codes, item = list(one.authorities.index), ["leadership", "protection", "care"]
    levels = [latest_before(known, codes, item) for known in (one, other)]
    pd.testing.assert_frame_equal(*levels)
    assert {0, 1, 2, 3, 4} >= set(levels[0].previous) > {1, 2, 3}
    asked = pd.DataFrame({"authority": codes, "day": pd.Timestamp(origin)})
    values = [judgement_covariates(known, COVARIATES, asked) for known in (one, other)]
    np.testing.assert_array_equal(*values)
    assert np.ptp(values[0][:, 0]) > 0.0
    # even where all of the panel is at hand, what is asked of a day is answered by what was published by then
    np.testing.assert_allclose(
        judgement_covariates(judged(), COVARIATES, asked), judgement_covariates(changed, COVARIATES, asked),
        rtol=1e-12, atol=1e-12,  # sums over figures in another order
    )  # fmt: skip
    questions = pd.DataFrame({"authority": np.repeat(codes, 3), "domain": item * len(codes), "day": asked.day[0]})
    pd.testing.assert_frame_equal(previous_grades(judged(), questions), previous_grades(changed, questions))


def test_what_came_out_before_an_origin_does_change_previous_grades_and_covariates() -> None:
    changed = perturbed(judged(), datetime.date(2018, 1, 1), np.random.default_rng(1))
    assert not before_judgements(changed, ORIGINS[1]).equals(before_judgements(judged(), ORIGINS[1]))
    codes = list(judged().authorities.index)
    asked = pd.DataFrame({"authority": codes, "domain": "leadership", "day": pd.Timestamp(ORIGINS[1])})
    assert not previous_grades(changed, asked).equals(previous_grades(judged(), asked))
    values = [judgement_covariates(whole, COVARIATES, asked) for whole in (changed, judged())]
    assert not np.array_equal(*values)


def test_what_came_out_before_an_origin_does_change_the_forecasts() -> None:
    changed = perturbed(panel(), datetime.date(2018, 1, 1), np.random.default_rng(1))
    changed = replace(changed, authorities=panel().authorities)
    same = [one.equals(other) for one, other in zip(asked(changed, ORIGINS[1]), forecasts(ORIGINS[1]), strict=True)]
    assert same == [False] * len(RIVALS)


@pytest.mark.parametrize("origin", ORIGINS[:2])
def test_what_was_known_is_the_same_seen_from_a_later_origin(origin: datetime.date) -> None:
    assert known_at(known_at(panel(), ORIGINS[2]), origin).hash == known_at(panel(), origin).hash


def test_an_authority_is_not_known_before_it_began_nor_an_abolition_before_it_came() -> None:
    old, new = panel().authorities.index[:2]
    before, after = (known_at(panel(), day).authorities for day in (ORIGINS[1], ORIGINS[2]))
    assert new not in before.index
    assert pd.isna(before.valid_to[old])
    assert before.successors[old] == ""
    assert after.valid_to[old] == pd.Timestamp("2020-03-31")
    assert after.successors[old] == new


def test_the_deprivation_of_england_is_the_edition_that_was_out() -> None:
    england = Panel.read(data_dir())
    score = england.covariates[england.covariates.covariate == "imd"].pivot(
        index="authority", columns="year", values="value"
    )
    for origin, edition in ((datetime.date(2019, 1, 1), 2015), (datetime.date(2020, 1, 1), 2019)):
        known = known_at(england, origin).authorities.deprivation
        there = score[edition].reindex(known.index).dropna()
        assert len(there) > 145
        pd.testing.assert_series_equal(known[there.index], there, check_names=False)
    in_2019 = known_at(england, datetime.date(2019, 1, 1))
    assert {"838", "839", "940", "941", "942", "943"}.isdisjoint(in_2019.authorities.index)
    assert in_2019.authorities.valid_to.isna().all()
    assert in_2019.cells.publication_date.max() <= pd.Timestamp("2019-01-01")
