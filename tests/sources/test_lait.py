"""The Interactive Tool: counts behind rounded rates, agreement with the releases it quotes, and damaged files."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from published_totals import dictionary, ratio

from bayes_csc.errors import DataError
from bayes_csc.sources.children_in_need import cin
from bayes_csc.sources.download.official import Official
from bayes_csc.sources.looked_after import lait, lait_totals
from bayes_csc.sources.readers.rounded import rounded_cell
from bayes_csc.sources.readers.tables import SMALL_COUNT, UNAVAILABLE, Entry, local_authorities, read_table
from bayes_csc.sources.workforce import csww

NAMES = [measure.name for measure in lait.MEASURES]


@pytest.fixture(scope="module")
def cells(official: Official) -> pd.DataFrame:
    """Cells of the tool's measures."""
    return lait.interactive_tool(official, dictionary())


@pytest.fixture(scope="module")
def figures(official: Official) -> pd.Series:
    """Figures of the newest file by measure, authority and year, NaN where there is none."""
    table = lait.read_long(official / lait.NEWEST, [*NAMES, "Work_Force_SWAbsence"])
    values = [entry.lower for entry in table["figure"]]
    return pd.Series(values, index=pd.MultiIndex.from_frame(table[["measure", "authority", "year"]]))


def shown(value: float) -> Entry:
    return Entry("observed", value, value)


def england(official: Official, measure: str, year: int, file: str = lait.NEWEST) -> float:
    path = official / file
    table = pd.read_parquet(path, columns=lait.COLUMNS, filters=[("Short Desc", "==", measure)])
    row = table[(table["LA Number"] == 970) & (table["Years"] == str(year))]
    return round(float(row["Values"].item()), 6)


def release_rates(official: Official, file: str, numerator: tuple[str, ...], denominator: str) -> pd.Series:
    """Percentages recomputed from the counts of a release, by authority and year."""
    table = local_authorities(read_table(official / file, [*numerator, denominator]))
    index = pd.MultiIndex.from_arrays([table["old_la_code"], table["time_period"].astype(int)])
    number = {name: pd.to_numeric(table[name].set_axis(index), errors="coerce") for name in (*numerator, denominator)}
    return 100 * sum(number[name] for name in numerator) / number[denominator]


def differences(theirs: pd.Series, figures: pd.Series, measure: str) -> pd.Series:
    both = pd.concat([theirs.rename("theirs"), figures[measure].rename("ours")], axis=1).dropna()
    return (both["theirs"] - both["ours"]).abs()


# From a rounded rate to a count.


@given(st.integers(1, 3000), st.data(), st.sampled_from([(100, 1), (100, 0), (10_000, 1)]))
def test_the_interval_of_a_rounded_rate_holds_the_count(total: int, data: st.DataObject, how: tuple[int, int]) -> None:
    per, decimals = how
    count = data.draw(st.integers(0, total))
    rate = shown(round(per * count / total, decimals))
    found = rounded_cell(rate, shown(total), per=per, decimals=decimals, own_total=True)
    if found["status"] == "observed":
        assert found["numerator"] == count
        assert found["value"] == pytest.approx(count / total, abs=1e-6)
    else:
        assert found["lower"] <= count <= found["upper"] <= (total if per == 100 else math.inf)


@given(st.integers(1, 999), st.data())
def test_one_decimal_of_a_percentage_gives_the_count_away_below_a_thousand(total: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, total))
    rate = shown(round(100 * count / total, 1))
    found = rounded_cell(rate, shown(total), per=100, decimals=1, own_total=True)
    # A rate that is half way between two roundings may be either.
    assert found["numerator"] == count or (found["upper"] - found["lower"] == 1 and found["lower"] <= count)


@given(st.floats(0, 100), st.integers(1, 5000))
def test_another_total_only_widens_the_interval(rate: float, total: int) -> None:
    printed = shown(round(rate, 1))
    own = rounded_cell(printed, shown(total), per=100, decimals=1, own_total=True)
    other = rounded_cell(printed, shown(total), per=100, decimals=1, own_total=False)
    lower, upper = (own["numerator"],) * 2 if own["status"] == "observed" else (own["lower"], own["upper"])
    assert other["status"] == "suppressed"
    assert other["lower"] <= lower <= upper <= other["upper"]


def test_a_hidden_total_is_left_blank() -> None:
    found = rounded_cell(shown(50.0), SMALL_COUNT, per=100, decimals=0, own_total=True)
    assert (found["status"], found["lower"], found["upper"]) == ("suppressed", 1, 2)
    assert math.isnan(found["denominator"])


@pytest.mark.parametrize(
    ("rate", "total", "status"),
    [
        (UNAVAILABLE, shown(10), "not_available"),
        (shown(5), UNAVAILABLE, "not_available"),
        (shown(0), shown(0), "not_applicable"),
    ],
)
def test_a_rate_without_its_total_says_why(rate: Entry, total: Entry, status: str) -> None:
    assert rounded_cell(rate, total, per=100, decimals=1, own_total=True)["status"] == status


# What official figures say: England's row of the newest file, and what the authorities come to.


@pytest.mark.parametrize(("year", "published"), [(2023, 82.5), (2024, 84.5), (2025, 85.7)])
def test_assessments_within_45_days_come_to_englands_rate(
    cells: pd.DataFrame, official: Official, year: int, published: float
) -> None:
    assert england(official, "Continue_Assess_Comp", year) == published
    # Weighted by episodes with factors, not by assessments.
    assert 100 * ratio(cells, "assessment_within_45_days_lait", year) == pytest.approx(published, abs=0.4)


@pytest.mark.parametrize(("year", "published"), [(2023, 88.1), (2024, 89.8), (2025, 90.6)])
def test_plans_reviewed_come_to_englands_rate(
    cells: pd.DataFrame, official: Official, year: int, published: float
) -> None:
    assert england(official, "RevCP", year) == published
    # Hampshire is missing in 2024.
    assert 100 * ratio(cells, "plan_reviewed", year) == pytest.approx(published, abs=0.2)


PLACED = {2015: 14, 2016: 14, 2017: 14, 2018: 15, 2019: 16, 2020: 16, 2021: 17, 2022: 17, 2023: 17, 2024: 18, 2025: 18}
APPLICATIONS = {2015: 9.7, 2016: 11.0, 2019: 11.3, 2022: 9.7, 2023: 9.6, 2024: 9.2, 2025: 9.1}


@pytest.mark.parametrize(("year", "published"), PLACED.items())
def test_placements_far_away_round_to_englands_percentage(
    cells: pd.DataFrame, official: Official, year: int, published: float
) -> None:
    assert england(official, "LACDistance", year, lait.OLDER if year == 2015 else lait.NEWEST) == published
    assert round(100 * ratio(cells, "placed_over_20_miles_lait", year)) == published


@pytest.mark.parametrize(("year", "published"), APPLICATIONS.items())
def test_care_applications_come_to_englands_rate(
    cells: pd.DataFrame, official: Official, year: int, published: float
) -> None:
    assert england(official, "CareApplications", year, lait.OLDER if year == 2015 else lait.NEWEST) == published
    # Per 10,000, from other estimates of the children and without a few authorities.
    assert 10_000 * ratio(cells, "care_application_rate", year) == pytest.approx(published, abs=0.15)


@pytest.mark.parametrize(("year", "published"), [(2015, 69_540), (2017, 72_670), (2025, 81_770)])
def test_children_looked_after_come_to_the_published_number(official: Official, year: int, published: int) -> None:
    found = lait_totals.looked_after(official)
    known = [entry.lower for (_, at), entry in found.items() if at == year and entry.status == "observed"]
    # Rounded to 10; City of London and Isles of Scilly may be hidden.
    assert sum(known) == pytest.approx(published, abs=15)


# Agreement with the releases that the tool quotes, in the years that both have.


def test_assessments_agree_with_the_counts_of_the_census(official: Official, figures: pd.Series) -> None:
    place = next(count for count in cin.COUNTS if count.indicator == "assessment_within_45_days")
    rates = release_rates(official, place.file, place.numerator, place.denominator)
    apart = differences(rates, figures, "Continue_Assess_Comp")
    assert len(apart) == 954
    # Three of 2017 were revised: Thurrock, Nottinghamshire and Cumbria.
    assert sorted(apart[apart > 0.0501].index) == [("883", 2017), ("891", 2017), ("909", 2017)]
    assert apart.max() < 0.16


def test_reviews_agree_with_the_counts_of_the_census(official: Official, figures: pd.Series) -> None:
    rates = release_rates(official, cin.REVIEWS, ("Reviewed_within_timescales",), "CPP_At31_3Months")
    apart = differences(rates, figures, "RevCP")
    assert len(apart) == 1037
    assert apart.max() < 0.0501


def test_reviews_counted_from_the_tool_are_those_of_the_census(official: Official, figures: pd.Series) -> None:
    table = local_authorities(read_table(official / cin.REVIEWS, ["CPP_At31_3Months"]))
    index = pd.MultiIndex.from_arrays([table["old_la_code"], table["time_period"].astype(int)])
    plans = pd.to_numeric(table["CPP_At31_3Months"].set_axis(index), errors="coerce")
    done = pd.to_numeric(table["Reviewed_within_timescales"].set_axis(index), errors="coerce")
    both = pd.concat([plans.rename("plans"), done.rename("done"), figures["RevCP"].rename("rate")], axis=1).dropna()
    found = [
        rounded_cell(shown(rate), shown(total), per=100, decimals=1, own_total=True)["numerator"]
        for rate, total in zip(both["rate"], both["plans"], strict=True)
    ]
    # One authority has more than a thousand plans, so that two counts round to its rate.
    assert (pd.Series(found, index=both.index) == both["done"]).sum() == 1036 == len(both) - 1


@pytest.mark.parametrize(
    ("file", "year", "pairs", "apart"),
    [("cla_2017_cla", 2017, 148, 0), ("cla_2018_cla", 2018, 92, 37), ("cla_2019_cla", 2019, 135, 45)],
)
def test_placements_far_away_agree_with_the_counts_of_2017_only(
    official: Official, figures: pd.Series, file: str, year: int, pairs: int, apart: int
) -> None:
    names = ["CLA_OutLA_GT20", f"CLA_Mar{year}"]
    table = read_table(official / file, names, encoding="cp1252").set_index("geog_c")
    far, total = (pd.to_numeric(table[name].str.replace(",", ""), errors="coerce") for name in names)
    found = differences(pd.concat({year: 100 * far / total}).swaplevel(), figures, "LACDistance")
    assert len(found) == pairs
    assert (found > 0.5001).sum() == apart


def test_absence_adds_nothing_to_the_workforce_census(official: Official, figures: pd.Series) -> None:
    table = local_authorities(read_table(official / csww.INDICATORS, ["absence_rate_fte"]))
    table = table.assign(authority=table["old_la_code"].str.split(" / "), year=table["time_period"].astype(int))
    text = table.explode("authority").set_index(["authority", "year"])["absence_rate_fte"]
    both = pd.concat([text, figures["Work_Force_SWAbsence"].rename("tool")], axis=1).query("year >= 2017")
    both = both.dropna(subset="tool")
    assert both["absence_rate_fte"].notna().all()
    rates = pd.to_numeric(both["absence_rate_fte"], errors="coerce")
    assert ((rates - both["tool"]).abs() > 0.001).sum() == 0
    # What rounds to zero there is zero here.
    assert set(both.loc[rates.isna(), "absence_rate_fte"]) == {"low"}


@pytest.mark.parametrize("lag", [0, 1, 2])
def test_no_estimate_of_children_makes_whole_numbers_of_care_applications(
    official: Official, figures: pd.Series, lag: int
) -> None:
    """In small authorities the interval of the rate holds a whole number no more often than by chance."""
    children = {(code, year - 1 + lag): entry.lower for (code, year), entry in lait_totals.children(official).items()}
    both = pd.concat([pd.Series(children, name="children"), figures["CareApplications"].rename("rate")], axis=1)
    both = both.dropna().query("children < 100_000")
    low, high = ((both["rate"] + half) * both["children"] / 10_000 for half in (-0.05, 0.05))
    hits = (high.floordiv(1) - (-low).floordiv(1).mul(-1) + 1).ge(1).mean()
    chance = (high - low).clip(upper=1).mean()
    assert len(both) > 900
    assert hits == pytest.approx(chance, abs=0.05)


# Real cases.


def test_every_year_is_of_the_newest_file_that_has_it(cells: pd.DataFrame) -> None:
    years = cells.groupby("source")["year"].agg(["min", "max"])
    assert years.loc["lait-2025"].tolist() == [2015, 2015]
    assert years.loc["lait-2026"].tolist() == [2016, 2025]
    assert not cells.duplicated(["authority", "year", "indicator"]).any()


def test_an_area_that_cannot_be_told_is_not_available(cells: pd.DataFrame) -> None:
    dorset = cells[(cells["indicator"] == "care_application_rate") & (cells["authority"] == "835")].set_index("year")
    assert dorset.loc[range(2017, 2020), "status"].tolist() == ["not_available"] * 3
    assert dorset.loc[2016, ["status", "lower", "upper"]].tolist() == ["suppressed", 118, 120]


def test_assessments_are_intervals_that_hold_the_rate(cells: pd.DataFrame) -> None:
    found = cells[(cells["indicator"] == "assessment_within_45_days_lait") & (cells["status"] == "suppressed")]
    width = (found["upper"] - found["lower"]) / found["denominator"]
    assert len(found) > 450
    assert (width <= 0.001 + 2 / found["denominator"] + 1e-9).all()


def test_joint_workforce_returns_are_not_read_twice() -> None:
    assert not any(name.startswith("Work_Force") for name in NAMES)


# Damaged files.


def long_file(folder: Path, **changes: list[object]) -> Path:
    table = {
        "Short Desc": ["RevCP", "RevCP", "RevCP", "RevCP"],
        "Years": ["2024", "2025", "2025", "2025"],
        "LA Number": [301.0, 301.0, 302.0, 970.0],
        "Values": ["90.099999999999994", "-", "100", "90.6"],
    }
    path = folder / "long.parquet"
    pd.DataFrame(table | changes).to_parquet(path)
    return path


def test_dashes_and_binary_fractions_are_read(tmp_path: Path) -> None:
    found = lait.read_long(long_file(tmp_path), ["RevCP"])
    assert found["figure"].tolist() == [shown(90.1), UNAVAILABLE, shown(100)]
    assert found["authority"].tolist() == ["301", "301", "302"]


@settings(deadline=None, max_examples=24)
@given(order=st.permutations(range(4)))
def test_the_order_of_rows_does_not_matter(tmp_path_factory: pytest.TempPathFactory, order: list[int]) -> None:
    folder = tmp_path_factory.mktemp("order")
    path = long_file(folder)
    sorted_rows = lait.read_long(path, ["RevCP"])
    pd.read_parquet(path).iloc[order].to_parquet(path)
    pd.testing.assert_frame_equal(lait.read_long(path, ["RevCP"]), sorted_rows)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"Values": ["c", "-", "100", "90.6"]}, r"row 2: column 'Values': expected a number .* found 'c'"),
        (
            {"Years": ["2023-24 (OT)", "2025", "2025", "2025"]},
            r"authority 301: expected a year, found '2023-24 \(OT\)'",
        ),
        ({"Years": ["2025", "2025", "2025", "2025"]}, r"authority 301, year 2025: RevCP appears more than once"),
        ({"Short Desc": ["RevCPP"] * 4}, r"measure 'RevCP' is missing; look for its new name"),
        ({"Years": [2024, 2025, 2025, 2025]}, r"expected the columns Years as text"),
    ],
)
def test_a_broken_long_file_is_refused(tmp_path: Path, changes: dict[str, list[object]], message: str) -> None:
    with pytest.raises(DataError, match=message):
        lait.read_long(long_file(tmp_path, **changes), ["RevCP"])


def test_a_file_that_is_no_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "long.parquet"
    path.write_bytes(b"PAR1 not really")
    with pytest.raises(DataError, match="expected a Parquet file with the columns Short Desc, Years"):
        lait.read_long(path, ["RevCP"])
    pd.DataFrame({"Short Desc": ["RevCP"]}).to_parquet(path)
    with pytest.raises(DataError, match="expected a Parquet file with the columns Short Desc, Years"):
        lait.read_long(path, ["RevCP"])


def test_a_missing_long_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"long\.parquet: the file is missing"):
        lait.read_long(tmp_path / "long.parquet", ["RevCP"])
