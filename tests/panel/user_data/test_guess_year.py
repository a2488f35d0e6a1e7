"""Which year a text means, and that no text is read as a wrong year."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayes_csc.panel.user_data.guess_text import NUMBER, date_advice, number_advice
from bayes_csc.panel.user_data.guess_year import published_year, span, year_advice

ONE = ["2023/24", "2023-24", "2023–24", "2023-2024", "202324", "FY2024", "FY 24", "fy2023/24", "23/24", "23 - 24"]


@pytest.mark.parametrize("text", ONE)
def test_a_year_of_one_meaning_is_advised(text: str) -> None:
    assert year_advice(text) == "write the year in which it ends, 2024"


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [("2019-21", 2019, 2021), ("2017 - 19", 2017, 2019), ("2019-24", 2019, 2024), ("19/21", 2019, 2021),
     ("1998-01", 1998, 2001), ("201921", 2019, 2021)],
)  # fmt: skip
def test_several_years_are_called_so_with_the_dates_to_give(text: str, first: int, last: int) -> None:
    said = year_advice(text)
    assert said.startswith(f"a period of several years, {first} to {last}: write the year in which it ends, {last}, ")
    assert f"{first}-04-01 and {last}-03-31" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [("Mar-23", "a month: write 2023"), ("March 2023", "a month: write 2023"), ("2024-19", "not after its first"),
     ("45382", "Excel's number of the day 2024-03-31: write 2024"), ("202403", "write four digits"),
     ("1999/00", "in which it ends, 2000"), ("2023-2023", "not after its first"), ("x" * 5000, "write four digits")],
)  # fmt: skip
def test_what_is_no_year_of_two_is_told_apart(text: str, said: str) -> None:
    assert said in year_advice(text)


def test_six_digits_are_read_only_where_the_file_says_so() -> None:
    assert published_year("202324", "Financial year") == "2024"
    assert published_year("202324", "Calendar year") == "202324"
    assert published_year("202403", "Academic year") == "202403"


@given(st.text(max_size=30) | st.from_regex(r"\A[0-9]{1,8}[-/ ]?[0-9]{0,4}\Z"))
def test_advice_is_given_for_every_text(text: str) -> None:
    assert year_advice(text)
    assert date_advice(text)
    assert isinstance(number_advice(text), str)
    if (years := span(text)) and years[1] == years[0] + 1:
        assert str(years[1]) in year_advice(text)


@pytest.mark.parametrize("part", ["1", "1 ", "1.", ",", "1,", " ", "-", "#", "FY", "٣", "(", "£1"])
def test_a_long_figure_is_answered_at_once(part: str) -> None:
    text = part * (130_000 // len(part)) + "x"
    started = time.process_time()
    for ask in (year_advice, date_advice, number_advice, NUMBER.fullmatch):
        ask(text)
    date_advice("7" * 5000)
    assert time.process_time() - started < 2
