"""What is forecast, and what came of it: the next inspection, straddlers left out, successors without a past."""

from __future__ import annotations

import datetime
from dataclasses import replace

import pandas as pd
import pytest
from simple_forecasters import invented

from bayes_csc.evaluation.backtest.events import outcomes, straddling, targets
from bayes_csc.evaluation.backtest.forecasters.training_examples import past_inspections
from bayes_csc.evaluation.backtest.known import known_at
from bayes_csc.files.embedded_data import data_dir
from bayes_csc.measurement.features import features, figures
from bayes_csc.panel.panel import Panel

ORIGIN = datetime.date(2020, 1, 1)
COLUMNS = ["authority", "framework", "type", "start_date", "publication_date", "domain", "grade"]


def panel_with(*judgements: tuple[str, str, str, int]) -> Panel:
    """An invented panel with these judgements: authority, start, publication, grade."""
    rows = [(a, "SIF", "full", pd.Timestamp(s), pd.Timestamp(p), "overall", g) for a, s, p, g in judgements]
    return replace(invented(), inspections=pd.DataFrame(rows, columns=COLUMNS))


def came(panel: Panel, months: int = 24) -> dict[str, int]:
    return outcomes(panel, ORIGIN, (months,)).droplevel("horizon")["grade"].to_dict()


def test_an_inspection_that_straddles_the_origin_is_neither_training_nor_target() -> None:
    panel = panel_with(
        ("102", "2016-05-01", "2016-07-01", 2),
        ("102", "2019-12-10", "2020-02-01", 4),
        ("103", "2016-05-01", "2016-07-01", 3),
        ("103", "2020-01-01", "2020-03-01", 3),
    )
    known = known_at(panel, ORIGIN)
    assert len(past_inspections(known)) == 2
    assert targets(known, ORIGIN).loc[("102", 12), "previous"] == 2
    assert came(panel) == {"103": 3}
    assert straddling(panel, ORIGIN) == 1


def test_only_the_next_inspection_that_starts_within_the_horizon_is_a_target() -> None:
    panel = panel_with(
        ("102", "2020-06-01", "2020-08-01", 4),
        ("102", "2021-06-01", "2021-08-01", 1),
        ("103", "2020-12-31", "2021-02-01", 3),
        ("104", "2021-01-01", "2021-02-01", 2),
        ("105", "2022-01-01", "2022-02-01", 2),
    )
    assert came(panel, 12) == {"102": 4, "103": 3}
    assert came(panel, 24) == {"102": 4, "103": 3, "104": 2}


def test_a_successor_inherits_no_judgement_and_a_first_judgement_has_none_before_it() -> None:
    panel = panel_with(("100", "2016-05-01", "2016-07-01", 4), ("101", "2020-06-01", "2020-08-01", 3))
    origin = datetime.date(2020, 5, 1)
    known = known_at(panel, origin)
    asked = targets(known, origin, (12,)).droplevel("horizon")
    assert "100" not in asked.index
    assert pd.isna(asked.loc["101", "previous"])
    assert past_inspections(panel)["previous"].isna().all()


def test_the_previous_judgement_of_a_past_inspection_was_out_when_it_started() -> None:
    panel = panel_with(
        ("102", "2014-01-01", "2014-03-01", 4),
        ("102", "2015-01-01", "2015-06-01", 3),
        ("102", "2015-05-01", "2015-08-01", 2),
    )
    past = past_inspections(panel)
    assert past["previous"].tolist()[1:] == [4, 4]
    assert past["gap"].iloc[1] == pytest.approx(365 / 365.25)


def test_the_date_given_is_the_middle_of_the_horizon_and_the_gap_runs_to_it() -> None:
    asked = targets(panel_with(("102", "2018-07-01", "2018-09-01", 2)), ORIGIN)
    assert asked.loc[("102", 12), "date"] == pd.Timestamp("2020-07-01")
    assert asked.loc[("102", 12), "gap"] == pytest.approx(731 / 365.25)
    assert asked.loc[("102", 24), "gap"] == pytest.approx((731 + 184) / 365.25)


def test_features_are_those_known_on_the_day_relative_to_england() -> None:
    panel = invented()
    key = "activity_1"
    seen = figures(panel, [key])
    by_year = seen[seen.published == seen.groupby("year").published.transform("min")].groupby("year").z.mean()
    assert by_year.abs().max() < 1e-12
    days = pd.DataFrame({"authority": ["105", "105"], "day": pd.to_datetime(["2020-01-01", "2020-07-01"])})
    restated = seen[(seen.authority == "105") & (seen.year == 2018)].sort_values("published").z.tolist()
    last = seen[(seen.authority == "105") & (seen.year == 2019)].z.item()
    earlier = seen[(seen.authority == "105") & (seen.year == 2017)].z.item()
    found = features(seen, [key], days)
    assert found[f"{key} level"].tolist() == [last, last]
    assert found[f"{key} change"].tolist() == [last - earlier] * 2
    before = features(seen, [key], days.assign(day=pd.to_datetime(["2019-06-01", "2022-06-01"])))
    assert before[f"{key} level"].iloc[0] == restated[0] != restated[1]


def test_england_has_as_many_inspections_of_the_middle_ground_as_counted_by_hand() -> None:
    """Counted from inspections.csv: starts in each calendar year by the grade last published before it."""
    england = Panel.read(data_dir())
    rows = []
    for year in range(2018, 2026):
        origin = datetime.date(year, 1, 1)
        known = known_at(england, origin)
        rows.append(targets(known, origin, (12,))[["previous"]].join(outcomes(england, origin, (12,)), how="inner"))
    events = pd.concat(rows)
    middle = events[events.previous == 3]
    assert (len(events), len(middle), int((middle.grade > 3).sum())) == (301, 119, 23)
