"""The year grid: grid point t is 30 September of t - 1."""

from __future__ import annotations

import datetime

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayes_csc.panel.calendar import grid_date, grid_position, publication_date, reference_instant

DAYS = st.dates(datetime.date(1990, 1, 1), datetime.date(2060, 12, 31))


def test_the_middle_of_a_reporting_year_is_its_grid_point() -> None:
    start, end = (
        pd.Series(pd.to_datetime(days)) for days in (["2022-04-01", "2023-04-01"], ["2023-03-31", "2024-03-31"])
    )
    instants = reference_instant(start, end, "midpoint")
    assert instants.dt.strftime("%Y-%m-%d").tolist() == ["2022-09-30", "2023-09-30"]
    assert grid_position(instants).tolist() == [2023.0, 2024.0]


def test_the_workforce_census_of_2025_is_grid_point_2026() -> None:
    assert grid_position(datetime.date(2025, 9, 30)) == 2026.0


def test_a_stock_on_31_march_lies_halfway_between_grid_points() -> None:
    assert grid_position(pd.Timestamp("2025-03-31")) == pytest.approx(2025 + 182 / 365)


def test_a_missing_date_has_no_position() -> None:
    positions = grid_position(pd.Series([pd.NaT, pd.Timestamp("2020-09-30")]))
    assert pd.isna(positions[0])
    assert positions[1] == 2021.0


@given(DAYS)
def test_a_date_comes_back_from_its_position(day: datetime.date) -> None:
    assert grid_date(grid_position(day)) == day


@given(st.lists(DAYS, min_size=2, max_size=5, unique=True))
def test_later_dates_have_later_positions(days: list[datetime.date]) -> None:
    positions = grid_position(pd.Series(pd.to_datetime(sorted(days))))
    assert all(positions[:-1] < positions[1:])


def test_the_reference_instant_of_an_end_is_the_end() -> None:
    start, end = (pd.Series(pd.to_datetime([day])) for day in ("2024-10-01", "2025-09-30"))
    assert reference_instant(start, end, "end").equals(end)


def test_an_unknown_reference_instant_is_refused() -> None:
    day = pd.Series(pd.to_datetime(["2024-10-01"]))
    with pytest.raises(ValueError, match=r'"midpoint" or "end", found \'start\''):
        reference_instant(day, day, "start")


@pytest.mark.parametrize(
    ("end", "month", "published"),
    [("2024-03-31", 10, "2024-10-31"), ("2024-03-31", 11, "2024-11-30"), ("2023-09-30", 2, "2024-02-29")],
)
def test_a_period_is_published_at_the_end_of_the_next_usual_month(end: str, month: int, published: str) -> None:
    assert publication_date(pd.Series(pd.to_datetime([end])), month).tolist() == [pd.Timestamp(published)]
