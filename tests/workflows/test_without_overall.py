"""Inspections without an overall grade, as from April 2026: the worst sub-judgement stands for the whole."""

from __future__ import annotations

import dataclasses
import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fabricated_changes import made_up
from interpreted_density import by_python
from panel_without_overall import LATEST, fitted, panel
from paths import PANELS

from bayes_csc import Panel, decline
from bayes_csc.evaluation.backtest.events import outcomes, straddling, targets
from bayes_csc.evaluation.backtest.forecasters.base_rate import following
from bayes_csc.evaluation.backtest.forecasters.training_examples import past_inspections
from bayes_csc.evaluation.backtest.known import known_at
from bayes_csc.inference.groups import members
from bayes_csc.likelihood.conditional_states import last_inspections
from bayes_csc.measurement.judgements.inspection_rates import Reinspection
from bayes_csc.measurement.judgements.inspection_timing import timing_rows
from bayes_csc.measurement.judgements.post_inspection import after_worst
from bayes_csc.panel.calendar import grid_position
from bayes_csc.panel.panel import OVERALL, inspection_dates, whole_grades
from bayes_csc.report.findings.base_rates import base_rates
from bayes_csc.report.findings.collect import gather
from bayes_csc.report.pages.authority_page import authority_page
from bayes_csc.report.pages.overview_page import overview_page
from bayes_csc_models import trajectory

# What stands for the whole.


def test_the_worst_sub_judgement_stands_for_an_inspection_without_an_overall_grade() -> None:
    latest = panel().latest_grades()
    assert latest.grade[["401", "404"]].tolist() == [2, 3]  # before: 3 and 4
    assert latest.label[["401", "404"]].tolist() == ["good", "requires improvement"]
    assert latest.overall.to_dict() == {code: code not in LATEST for code in latest.index}
    assert latest.start_date["401"] == pd.Timestamp("2026-05-11")
    whole = panel().whole_grades()
    assert whole.domain[whole.authority.eq("404")].tolist() == ["overall", "overall", "care"]  # of two, the first


def test_an_overall_grade_is_the_whole_whatever_the_sub_judgements(shipped: Panel) -> None:
    rows = shipped.inspections
    pd.testing.assert_frame_equal(whole_grades(rows), rows[rows.domain == OVERALL])


def test_the_worst_sub_judgement_is_the_overall_grade_or_one_worse_in_the_framework_of_today(shipped: Panel) -> None:
    rows = shipped.inspections[shipped.inspections.framework == "ILACS"]
    key = ["authority", "start_date", "publication_date"]
    worst = rows[rows.domain != OVERALL].groupby(key).grade.max()
    step = worst - rows[rows.domain == OVERALL].set_index(key).grade
    assert set(step) <= {0, 1}
    assert 0.65 < (step == 0).mean() < 0.8


def test_the_order_of_rows_changes_nothing() -> None:
    of = panel()
    mixed = dataclasses.replace(of, inspections=of.inspections.sample(frac=1.0, random_state=3))  # its index mixed, too
    pd.testing.assert_frame_equal(of.latest_grades(), mixed.latest_grades())


# Groups, tables, rates, figures.


def test_the_group_of_a_grade_goes_by_the_latest_inspection() -> None:
    fit = made_up(panel())
    assert members(fit, "requires improvement") == ["403", "404", "405"]  # 401, good at its worst, has left
    assert members(fit, "good") == ["401", "402", "408"]
    assert members(made_up(Panel.read(PANELS / "hamlets")), "requires improvement") == [
        "401", "403", "405",
    ]  # fmt: skip


def test_the_table_of_declines_is_of_the_latest_inspection_and_says_that_it_has_no_overall_grade() -> None:
    table = decline(made_up(panel()), "all").set_index("authority")
    assert table.last_inspection[["401", "404"]].tolist() == ["2026-05-11", "2026-06-15"]
    assert table.last_grade[["401", "404", "403"]].tolist() == ["good", "requires improvement", "requires improvement"]
    assert table.note[["401", "404"]].tolist() == ["no figures since the inspection; too recent; no overall grade"] * 2
    assert "overall" not in table.note["403"]
    gap = float(grid_position(datetime.date(2026, 9, 30)) - grid_position(datetime.date(2026, 5, 11)))
    assert table.gap_years["401"] == pytest.approx(gap)


def test_an_inspection_without_an_overall_grade_is_one_all_the_same() -> None:
    of = panel()
    found = Reinspection.of(of).last
    assert found.grade[["401", "404"]].tolist() == [2, 3]
    assert (found.years[["401", "404"]] < 0.5).all()
    rows = timing_rows(dataclasses.replace(of, date=datetime.date(2027, 3, 31)), ["401", "402"]).set_index("unit")
    assert rows.loc["401"].set_index("year").numerator[2027] == 1.0
    assert rows.loc["402"].set_index("year").numerator[2027] == 0.0


def test_figures_follow_an_inspection_with_any_inadequate_sub_judgement() -> None:
    of = panel()
    last = of.inspections.authority.eq("401") & of.inspections.start_date.ge("2026-04-01")
    worst = of.inspections.assign(grade=of.inspections.grade.mask(last & of.inspections.domain.eq("care"), 4))
    bad = dataclasses.replace(of, inspections=worst)
    key = of.cells[(of.cells.authority == "401") & (of.cells.indicator == "late")].iloc[[-1]]
    ended = pd.Timestamp("2027-03-31")
    cell = key.assign(year=2027, reference_start=ended - pd.DateOffset(years=1, days=-1), reference_end=ended)
    rows = pd.DataFrame({"unit": ["401"], "indicator": ["late"], "year": [2027]})
    after = [after_worst(dataclasses.replace(p, cells=cell), rows, {"late"})[0] for p in (of, bad)]
    np.testing.assert_allclose(after, [0.0, (365 - 40) / 365])  # from 11 May on


# What is forecast and scored is an overall grade; what came before may have none.


def test_what_followed_has_an_overall_grade_and_what_came_before_may_have_none() -> None:
    of = panel()
    with_overall = of.inspections[of.inspections.start_date < "2026-04-01"]
    pd.testing.assert_frame_equal(base_rates(of), base_rates(dataclasses.replace(of, inspections=with_overall)))
    then = of.inspections.iloc[[-1]].assign(
        domain=OVERALL, grade=4, start_date=pd.Timestamp("2027-09-01"), publication_date=pd.Timestamp("2027-11-01")
    )
    later = dataclasses.replace(of, inspections=pd.concat([of.inspections, then], ignore_index=True))
    assert base_rates(later).number[3] == base_rates(of).number[3] + 1  # 404: worst 3, then 4
    past = past_inspections(later)
    assert past.previous[past.start == "2027-09-01"].tolist() == [3.0]
    assert len(past) == len(past_inspections(of)) + 1
    assert following(past, 4, 1.0).shape == following(past_inspections(of), 4, 1.0).shape


def test_a_backtest_asks_by_the_latest_inspection_and_scores_overall_grades_alone() -> None:
    of = panel("2027-09-30")
    origin = datetime.date(2026, 10, 1)
    asked = targets(known_at(of, origin), origin).previous.xs(12, level="horizon")
    assert asked[["401", "404"]].tolist() == [2.0, 3.0]
    before = datetime.date(2026, 4, 1)
    assert outcomes(of, before).empty
    assert straddling(of, datetime.date(2026, 6, 1)) == 1


# From a fit to the pages.


def test_a_forecast_and_the_pages_go_by_it() -> None:
    with by_python():
        found = gather(fitted(), trajectory, Path("runs/none"), equations="theta = ...", group="requires improvement")
    assert found.forecast is not None
    table = found.forecast.set_index("authority")
    assert table.last_grade[["401", "404"]].tolist() == ["good", "requires improvement"]
    assert table.listed[["401", "404"]].tolist() == [False, True]
    assert table.note.str.contains("no overall grade").sum() == 2
    assert table.p_next_worse["404"] == pytest.approx(table.p_grade_4["404"])
    own = next(page for page in found.pages if page.code == "404")
    page = str(authority_page(own, found.about, found.panel.grades, found.used, []))
    assert "last judged requires improvement (the worst sub-judgement; it has no overall grade)" in page
    assert "21 inspections" in overview_page(found)


def test_start_dates_are_estimated_for_it_as_for_others() -> None:
    of = panel()
    unknown = of.inspections.assign(start_date=of.inspections.start_date.where(of.inspections.authority != "401"))
    found = dataclasses.replace(of, inspections=unknown)
    last = last_inspections(found, ("401",))[0]
    days = inspection_dates(unknown)[unknown.authority.eq("401")]
    assert last == pytest.approx(float(grid_position(days.max())))
    assert days.max() > pd.Timestamp("2026-05-01")
