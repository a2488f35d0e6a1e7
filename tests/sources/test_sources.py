"""From published text to cells: symbols, and the interval of each suppressed count."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayes_csc.errors import DataError
from bayes_csc.sources.england.panel import england
from bayes_csc.sources.looked_after.lait import SYMBOLS as LAIT_SYMBOLS
from bayes_csc.sources.readers.cells import cell
from bayes_csc.sources.readers.tables import (
    EES_SYMBOLS,
    INAPPLICABLE,
    ROUNDS_TO_ZERO,
    SFR_FTE_SYMBOLS,
    SFR_SYMBOLS,
    SMALL_COUNT,
    SMALL_FTE,
    UNAVAILABLE,
    Entry,
    entries,
    read_table,
)


def shown(value: float) -> Entry:
    return Entry("observed", value, value)


def interval(
    numerator: list[Entry], total: Entry, others: list[Entry] | None = None, **how: Any
) -> tuple[float, float]:
    found = cell(numerator, [total], others or [], **how)
    assert found["status"] == "suppressed"
    return found["lower"], found["upper"]


def test_an_observed_cell_is_its_numerator_over_its_denominator() -> None:
    found = cell([shown(30), shown(10)], [shown(160)])
    assert (found["numerator"], found["denominator"], found["value"], found["status"]) == (40, 160, 0.25, "observed")
    assert math.isnan(found["lower"])
    assert math.isnan(found["upper"])


@pytest.mark.parametrize(
    ("numerator", "denominator", "status"),
    [
        (UNAVAILABLE, shown(10), "not_available"),
        (SMALL_COUNT, UNAVAILABLE, "not_available"),
        (INAPPLICABLE, shown(10), "not_applicable"),
        (shown(0), shown(0), "not_applicable"),
    ],
)
def test_a_cell_without_a_figure_says_why(numerator: Entry, denominator: Entry, status: str) -> None:
    found = cell([numerator], [denominator])
    assert found["status"] == status
    assert all(math.isnan(found[name]) for name in ("numerator", "denominator", "value", "lower", "upper"))


def test_a_lone_suppressed_count_is_one_to_five_with_its_denominator() -> None:
    assert interval([SMALL_COUNT], shown(60)) == (1, 5)
    assert cell([SMALL_COUNT], [shown(60)])["denominator"] == 60


def test_a_suppressed_count_cannot_exceed_its_denominator() -> None:
    assert interval([SMALL_COUNT], shown(3)) == (1, 3)


def test_a_suppressed_denominator_is_left_blank() -> None:
    found = cell([shown(0)], [SMALL_COUNT])
    assert (found["status"], found["lower"], found["upper"]) == ("suppressed", 0, 0)
    assert math.isnan(found["denominator"])


def test_a_full_time_equivalent_that_rounds_to_zero_keeps_its_denominator() -> None:
    found = cell([ROUNDS_TO_ZERO], [ROUNDS_TO_ZERO, shown(229.5)])
    assert (found["denominator"], found["lower"], found["upper"]) == (229.5, 0, 0.05)


def test_a_suppressed_agency_figure_leaves_its_own_denominator_unknown() -> None:
    found = cell([SMALL_FTE], [SMALL_FTE, shown(136.5)])
    assert math.isnan(found["denominator"])
    assert (found["lower"], found["upper"]) == (0, 5)


def test_the_small_part_of_a_row_keeps_its_limit_when_another_part_is_hidden_with_it() -> None:
    # Cheshire East, plans on 31 March 2025 by length: 240 in all; 92, c, 76, 35 and, at 2 years or more, c.
    others = [shown(92), SMALL_COUNT, shown(76), shown(35)]
    assert interval([SMALL_COUNT], shown(240), others, exhaustive=True) == (1, 5)


def test_the_large_part_of_a_row_is_what_the_hidden_small_parts_leave() -> None:
    # Torbay, care leavers' accommodation in 2018: 107 in all; suitable, not suitable and not known are all c.
    found = interval([SMALL_COUNT], shown(107), [SMALL_COUNT, SMALL_COUNT], exhaustive=True, secondary="numerator")
    assert found == (97, 105)


def test_a_sum_whose_complement_is_shown_counts_as_observed() -> None:
    # Bromley, assessments in 2014: 160; two of the bands up to 45 days are c, the later ones 12, 16 and 20.
    bands = [SMALL_COUNT, shown(19), shown(22), shown(37), shown(22), SMALL_COUNT]
    found = cell(bands, [shown(160)], [shown(12), shown(16), shown(20)], exhaustive=True, secondary="either")
    assert (found["status"], found["numerator"]) == ("observed", 112)


def test_bands_that_are_all_shown_are_summed_even_where_they_fall_short_of_the_total() -> None:
    found = cell([shown(100), shown(20)], [shown(160)], [shown(10)], exhaustive=True, secondary="either")
    assert (found["numerator"], found["denominator"]) == (120, 160)


def test_hidden_bands_that_do_not_exhaust_the_total_are_limited_by_what_is_shown() -> None:
    # Kensington and Chelsea, conferences in 2021: 39; 26, c, c and 10.
    found = interval([shown(26), SMALL_COUNT], shown(39), [SMALL_COUNT, shown(10)], secondary="either")
    assert found == (27, 28)


def test_a_band_hidden_to_protect_another_is_not_limited_to_five() -> None:
    # Herefordshire, conferences in 2016: 365; 287, c, c and 60, so that the hidden two share 18.
    found = interval([shown(287), SMALL_COUNT], shown(365), [SMALL_COUNT, shown(60)], secondary="either")
    assert found == (288, 304)


@given(st.lists(st.integers(0, 40), min_size=3, max_size=6), st.data())
def test_the_interval_holds_the_truth_under_the_releases_own_rule(parts: list[int], data: st.DataObject) -> None:
    """Suppress 1 to 5, and where that hides one part only the next smallest too: the truth stays inside."""
    hidden = {place for place, count in enumerate(parts) if 1 <= count <= 5}
    if len(hidden) == 1:
        rest = [place for place in range(len(parts)) if place not in hidden and parts[place] > 0]
        hidden |= set(sorted(rest, key=lambda place: parts[place])[:1])
    published = [SMALL_COUNT if place in hidden else shown(count) for place, count in enumerate(parts)]
    cut = data.draw(st.integers(1, len(parts) - 1))
    found = cell(published[:cut], [shown(sum(parts))], published[cut:], exhaustive=True, secondary="either")
    truth = sum(parts[:cut])
    if found["status"] == "suppressed":
        assert found["lower"] <= truth <= found["upper"]
    elif found["status"] == "observed":
        assert found["numerator"] == truth


def widest(numerator: list[Entry], total: Entry, others: list[Entry] | None = None, **how: Any) -> tuple[float, float]:
    """The widest interval; the usual one where there is no wider."""
    found = cell(numerator, [total], others or [], **how)
    lower, upper = (found[f"widest_{side}"] for side in ("lower", "upper"))
    return (found["lower"] if math.isnan(lower) else lower, found["upper"] if math.isnan(upper) else upper)


def test_a_lone_suppressed_count_may_have_been_hidden_to_protect_another() -> None:
    assert interval([SMALL_COUNT], shown(60)) == (1, 5)
    assert widest([SMALL_COUNT], shown(60)) == (1, 60)


def test_the_widest_interval_is_what_the_shown_parts_leave() -> None:
    # Cheshire East, plans on 31 March 2025 by length: 240 in all; 92, c, 76, 35 and, at 2 years or more, c.
    others = [shown(92), SMALL_COUNT, shown(76), shown(35)]
    assert widest([SMALL_COUNT], shown(240), others, exhaustive=True) == (1, 36)


def test_the_widest_interval_of_a_large_part_is_not_held_up_by_small_ones() -> None:
    # Torbay, care leavers' accommodation in 2018: 107 in all; suitable, not suitable and not known are all c.
    how = {"exhaustive": True, "secondary": "numerator"}
    assert widest([SMALL_COUNT], shown(107), [SMALL_COUNT, SMALL_COUNT], **how) == (1, 105)


def test_a_figure_that_rounds_to_zero_was_not_suppressed_and_has_no_wider_interval() -> None:
    found = cell([ROUNDS_TO_ZERO], [ROUNDS_TO_ZERO, shown(229.5)])
    assert math.isnan(found["widest_lower"])
    assert math.isnan(found["widest_upper"])


def test_an_unknown_total_leaves_no_wider_limit_to_give() -> None:
    assert math.isnan(cell([SMALL_FTE], [SMALL_FTE, shown(136.5)])["widest_upper"])


@given(st.lists(st.integers(1, 40), min_size=2, max_size=6), st.data())
def test_the_widest_interval_holds_the_truth_whichever_parts_were_suppressed(
    parts: list[int], data: st.DataObject
) -> None:
    hidden = data.draw(st.sets(st.integers(0, len(parts) - 1), min_size=1))
    published = [SMALL_COUNT if place in hidden else shown(count) for place, count in enumerate(parts)]
    cut, rule = data.draw(st.integers(1, len(parts) - 1)), data.draw(st.sampled_from(["numerator", "other", "either"]))
    how = {"exhaustive": data.draw(st.booleans()), "secondary": rule}
    found = cell(published[:cut], [shown(sum(parts))], published[cut:], **how)
    if found["status"] == "suppressed":
        lower, upper = widest(published[:cut], shown(sum(parts)), published[cut:], **how)
        assert lower <= sum(parts[:cut]) <= upper
        assert lower <= found["lower"] <= found["upper"] <= upper


def test_numbers_and_symbols_are_parsed() -> None:
    column = pd.Series(["1,234", "0", "c", "z", "u", "low"])
    assert entries(column, EES_SYMBOLS, Path("a.csv")) == [
        *(shown(1234), shown(0), SMALL_COUNT, INAPPLICABLE, UNAVAILABLE, ROUNDS_TO_ZERO),
    ]


@pytest.mark.parametrize(
    ("symbols", "text", "status", "limits"),
    [
        # README of the official files: Explore Education Statistics, and the statistical first releases before it.
        (EES_SYMBOLS, "c", "suppressed", (1, 5)),
        (EES_SYMBOLS, "z", "not_applicable", None),
        (EES_SYMBOLS, "x", "not_available", None),
        (EES_SYMBOLS, "u", "not_available", None),
        (EES_SYMBOLS, ":", "not_available", None),
        (EES_SYMBOLS, "low", "suppressed", (0, 0.05)),
        (EES_SYMBOLS, "k", "suppressed", (0, 0.5)),
        (SFR_SYMBOLS, "x", "suppressed", (1, 5)),
        (SFR_SYMBOLS, ".", "not_applicable", None),
        (SFR_SYMBOLS, "-", "not_applicable", None),
        (SFR_SYMBOLS, "..", "not_available", None),
        (SFR_FTE_SYMBOLS, "x", "suppressed", (0, 5)),
        (LAIT_SYMBOLS, "-", "not_available", None),
    ],
)
def test_each_symbol_means_what_its_release_says(
    symbols: Mapping[str, Entry], text: str, status: str, limits: tuple[float, float] | None
) -> None:
    (found,) = entries(pd.Series([text]), symbols, Path("a.csv"))
    assert found.status == status
    assert limits is None or (found.lower, found.upper) == limits


@pytest.mark.parametrize("text", ["?", "-3", ""])
def test_an_unknown_symbol_is_reported_with_its_row(text: str) -> None:
    column = pd.Series(["12", text], name="referrals")
    with pytest.raises(DataError, match=r"a\.csv: row 3: column 'referrals': expected a number .* found '"):
        entries(column, EES_SYMBOLS, Path("a.csv"))


def test_a_missing_official_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"c1\.csv: the file is missing"):
        read_table(tmp_path / "c1.csv", ["time_period"])


def test_every_missing_column_is_named(tmp_path: Path) -> None:
    (tmp_path / "c1.csv").write_text("time_period\n2024\n")
    with pytest.raises(DataError, match=r"column 'a' is missing.*\n.*column 'b' is missing"):
        read_table(tmp_path / "c1.csv", ["time_period", "a", "b"])


def test_an_official_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "c1.csv").write_bytes("name\nChildren\u2019s\n".encode("cp1252"))
    with pytest.raises(DataError, match="expected a CSV file in utf-8"):
        read_table(tmp_path / "c1.csv", ["name"])


def test_a_folder_without_official_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected a folder with the official files in raw/"):
        england(tmp_path)


def test_the_order_of_hidden_parts_does_not_matter() -> None:
    parts = [SMALL_COUNT, shown(9), shown(20)]
    found = {
        interval(list(order), shown(50), [SMALL_COUNT, shown(16)], exhaustive=True, secondary="either")
        for order in itertools.permutations(parts)
    }
    assert found == {(30, 33)}
