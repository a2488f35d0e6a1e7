"""The composite: what a spreadsheet gives, higher is better, nothing but agreed indicators; and forecasts from it."""

from __future__ import annotations

import datetime
import functools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from simple_forecasters import invented

from bayes_csc.errors import DataError
from bayes_csc.evaluation.backtest.events import targets
from bayes_csc.evaluation.backtest.forecasters.regressions import Composite, Deprivation, GradeAndTrend
from bayes_csc.evaluation.backtest.known import known_at
from bayes_csc.files.embedded_data import data_dir
from bayes_csc.panel.describe.composite import composite, composite_indicators, standardised_figures
from bayes_csc.panel.panel import Panel

ORIGIN = datetime.date(2022, 1, 1)
COLUMNS = ["authority", "framework", "type", "start_date", "publication_date", "domain", "grade"]


@functools.cache
def england() -> Panel:
    return Panel.read(data_dir())


@functools.cache
def varied() -> Panel:
    """An invented panel whose shares differ between authorities and years."""
    panel = invented()
    share = np.random.default_rng(2).uniform(0.1, 0.9, len(panel.cells))
    return replace(panel, cells=panel.cells.assign(numerator=(panel.cells.denominator * share).round()))


def test_it_is_what_a_spreadsheet_gives() -> None:
    keys, year = composite_indicators(england()), 2021
    cells = england().cells
    z = []
    for key in keys:
        own = cells[(cells.indicator == key) & (cells.year == year) & (cells.status == "observed")]
        own = own.assign(authority=own.authority.str.split("+")).explode("authority")
        y = (own.numerator / own.denominator).set_axis(own.authority)
        y = -y if england().indicators[key].polarity == "higher is worse" else y
        z.append((y - y.mean()) / np.sqrt(((y - y.mean()) ** 2).mean()))
    table = pd.concat(z, axis=1)
    expected = table.mean(axis=1)[table.notna().sum(axis=1) >= len(keys) / 2]
    found = composite(england())[year].dropna()
    pd.testing.assert_series_equal(found, expected.sort_index(), check_names=False)
    assert len(found) > 140


def test_its_indicators_are_the_default_ones_of_agreed_polarity() -> None:
    assert composite_indicators(england()) == (
        "assessment_within_45_days", "conference_within_15_days", "agency", "vacancy", "turnover", "three_placements",
        "care_leaver_activity", "care_leaver_accommodation",
    )  # fmt: skip


def test_a_joint_figure_counts_for_each_of_its_authorities_and_half_the_indicators_are_needed() -> None:
    panel = varied()
    keys = ("activity_1", "activity_3")
    assert composite_indicators(panel) == keys
    cells = panel.cells
    first = cells[(cells.year == 2022) & (cells.authority == "105") & cells.indicator.isin(keys)]
    rest = cells[(cells.year == 2022) & ~cells.authority.isin(["105", "106", "107"])]
    joint = first.assign(authority="105+106")
    found = composite(replace(panel, cells=pd.concat([joint, rest], ignore_index=True)))
    assert found.loc["105", 2022] == found.loc["106", 2022]
    assert np.isnan(found.loc["107", 2022])
    one = rest[~((rest.authority == "108") & (rest.indicator == "activity_3"))]
    assert np.isfinite(composite(replace(panel, cells=one)).loc["108", 2022])
    many = composite(england(), composite_indicators(england()))
    assert many.index.equals(england().authorities.index)


def test_an_indicator_whose_polarity_is_not_agreed_is_refused() -> None:
    with pytest.raises(DataError, match="polarity of re_referral is not agreed"):
        composite(england(), ("agency", "re_referral"))
    with pytest.raises(DataError, match="has no indicator morale"):
        composite(england(), ("morale",))


def test_a_restated_figure_is_standardised_by_the_first_publication_of_its_year() -> None:
    rows = standardised_figures(varied(), ("activity_1",), vintages=True)
    own = rows[rows.year == 2018]
    assert own.published.nunique() > 1
    first = own[own.published == own.published.min()]
    assert first.z.mean() == pytest.approx(0.0, abs=1e-12)
    assert first.z.std(ddof=0) == pytest.approx(1.0)


def judged(panel: Panel, worse: pd.Series) -> Panel:
    """A judgement a year of each authority: grade 3 where `worse`, else 2, five years."""
    rows = [
        (code, "SIF", "full", pd.Timestamp(y, 11, 1), pd.Timestamp(y, 12, 20), "overall", 3 if bad else 2)
        for code, bad in worse.items()
        for y in range(2017, 2022)
    ]
    return replace(panel, inspections=pd.DataFrame(rows, columns=COLUMNS))


def chance_of_good(forecaster: Composite | Deprivation | GradeAndTrend, panel: Panel) -> pd.Series:
    known = known_at(panel, ORIGIN)
    p = forecaster(known, targets(known, ORIGIN, (12,)), seed=1).probabilities.droplevel("horizon")
    np.testing.assert_allclose(p.sum(axis=1), 1.0)
    return p[[1, 2]].sum(axis=1)


def test_a_lower_composite_forecasts_a_worse_grade() -> None:
    panel = varied()
    best = panel.authorities.index[2:].sort_values()[::2]
    share = pd.Series(np.where(panel.cells.authority.isin(best), 0.8, 0.2), index=panel.cells.index)
    worse_is_high = panel.cells.indicator.map(lambda k: panel.indicators[k].polarity) == "higher is worse"
    cells = panel.cells.assign(numerator=(panel.cells.denominator * share.where(~worse_is_high, 1 - share)).round())
    codes = panel.authorities.index[2:]
    grades = pd.Series(~codes.isin(best), index=codes).sample(frac=1.0, random_state=1).sort_index()
    p = chance_of_good(Composite(), judged(replace(panel, cells=cells, revisions=panel.revisions.iloc[:0]), grades))
    assert p[p.index.isin(best)].min() > p[p.index.isin(codes.difference(best))].max()


def test_deprivation_forecasts_by_deprivation_alone() -> None:
    panel = replace(varied(), covariates=varied().covariates.iloc[:0])
    codes = panel.authorities.index[2:]
    score = panel.authorities.deprivation
    p = chance_of_good(Deprivation(), judged(panel, score[codes] > score[codes].median()))
    order = score[p.index].sort_values().index
    assert (p[order].diff().dropna() < 0).all()


def test_a_trend_carries_on() -> None:
    """Grades that get better every year: the forecast of the year after next is better than that of the next."""
    panel = varied()
    rng = np.random.default_rng(3)
    rows = [
        (code, "SIF", "full", pd.Timestamp(y, 3, 1), pd.Timestamp(y, 6, 1), "overall",
         int(np.clip(np.round(rng.normal(3.2 - 0.25 * (y - 2014), 0.7)), 1, 4)))
        for code in panel.authorities.index[2:] for y in range(2014, 2022)
    ]  # fmt: skip
    known = known_at(replace(panel, inspections=pd.DataFrame(rows, columns=COLUMNS)), ORIGIN)
    p = GradeAndTrend()(known, targets(known, ORIGIN), seed=1).probabilities[[1, 2]].sum(axis=1).unstack("horizon")
    assert (p[24].dropna() > p[12].dropna()).all()
