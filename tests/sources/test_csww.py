"""The workforce census: absence and caseload against the published rates, and what is not believed."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from published_totals import dictionary, england_row, ratio

from bayes_csc.sources.children_in_need.cin_rates import IN_NEED
from bayes_csc.sources.download.official import Official
from bayes_csc.sources.readers.tables import INAPPLICABLE, ROUNDS_TO_ZERO, SMALL_COUNT, UNAVAILABLE, Entry, read_table
from bayes_csc.sources.workforce import csww
from bayes_csc.sources.workforce.csww import absence_cell


@pytest.fixture(scope="module")
def cells(official: Official) -> pd.DataFrame:
    """Cells of every indicator of the workforce census."""
    return csww.workforce(official, dictionary())


def shown(value: float) -> Entry:
    return Entry("observed", value, value)


def of(cells: pd.DataFrame, indicator: str) -> pd.DataFrame:
    return cells[cells["indicator"] == indicator].set_index(["authority", "year"]).sort_index()


def rates(official: Official, column: str) -> pd.Series:
    """Published rates of authorities and joint returns, 2017 on."""
    table = read_table(official / csww.INDICATORS, [column])
    table = table[table["geographic_level"] == "Local authority"]
    authority = table["old_la_code"].str.replace(" / ", "+")
    index = pd.MultiIndex.from_arrays([authority, table["time_period"].astype(int)], names=["authority", "year"])
    return pd.to_numeric(table[column].set_axis(index), errors="coerce")


# What official figures say: England's row, and what the authorities come to.

AGENCY = ("agency_rate_fte", "agency")
VACANCY = ("vacancy_rate_fte", "vacancy")
TURNOVER = ("turnover_rate_fte", "turnover")


@pytest.mark.parametrize(
    ("column", "indicator", "year", "published", "tolerance"),
    [
        # Spot checks; England's agency rate includes estimates for authorities whose own figure is withheld.
        (*AGENCY, 2023, 17.9, 0.25),
        (*AGENCY, 2024, 16.2, 0.25),
        (*VACANCY, 2023, 18.9, 0.06),
        (*AGENCY, 2017, 15.8, 0.1),
        (*VACANCY, 2025, 14.2, 0.06),
        (*TURNOVER, 2025, 11.8, 0.06),
    ],
)
def test_rates_of_posts_come_to_englands(
    cells: pd.DataFrame, official: Official, column: str, indicator: str, year: int, published: float, tolerance: float
) -> None:
    assert float(england_row(official / csww.INDICATORS, year)[column]) == published
    observed = cells[cells["status"] == "observed"]
    assert 100 * ratio(observed, indicator, year) == pytest.approx(published, abs=tolerance)


@pytest.mark.parametrize(("year", "published"), [(2017, 17.7), (2023, 16.0), (2024, 15.4), (2025, 15.2)])
def test_caseloads_come_to_englands(cells: pd.DataFrame, official: Official, year: int, published: float) -> None:
    assert float(england_row(official / csww.INDICATORS, year)["caseload_fte"]) == published
    caseload = of(cells, "caseload").xs(year, level="year").dropna(subset="value")
    mean = (caseload["value"] * caseload["denominator"]).sum() / caseload["denominator"].sum()
    assert mean == pytest.approx(published, abs=0.07)


@pytest.mark.parametrize(("year", "published"), [(2017, 3.1), (2020, 2.9), (2022, 3.5), (2023, 3.3), (2025, 3.5)])
def test_absences_come_to_englands(cells: pd.DataFrame, official: Official, year: int, published: float) -> None:
    assert float(england_row(official / csww.INDICATORS, year)["absence_rate_fte"]) == published
    absence = of(cells, "absence").xs(year, level="year").dropna(subset="value")
    mean = (absence["value"] * absence["denominator"]).sum() / absence["denominator"].sum()
    # 1.7% of 2022's workers are in authorities whose absences are not believed.
    assert 100 * mean == pytest.approx(published, abs=0.1)


# Agreement with the published rate of every authority.


def test_caseloads_are_the_published_ones(cells: pd.DataFrame, official: Official) -> None:
    caseload = of(cells, "caseload")
    both = caseload.join(rates(official, "caseload_fte").rename("published")).dropna(subset=["value", "published"])
    assert len(both) == 1350
    # Case holders are rounded to a tenth, which matters where there are few.
    rounding = 0.051 + both["published"] * 0.05 / both["denominator"]
    assert ((both["value"] - both["published"]).abs() <= rounding).all()


def test_absences_are_the_published_ones(cells: pd.DataFrame, official: Official) -> None:
    absence = of(cells, "absence")
    both = absence.join(rates(official, "absence_rate_fte").rename("published")).dropna(subset=["value", "published"])
    assert len(both) > 1320
    # Days and workers are rounded themselves.
    assert (100 * both["value"] - both["published"]).abs().max() < 0.052


@pytest.mark.parametrize(("year", "half"), [(2015, 0.5), (2016, 0.05)])
def test_absences_of_the_first_censuses_are_the_published_ones(
    cells: pd.DataFrame, official: Official, year: int, half: float
) -> None:
    column = f"C2_FTE_AbsenceRate_{year}"
    table = read_table(official / csww.EARLIER[year], [column], encoding="cp1252").set_index("LA_code (3 digit)")
    published = pd.to_numeric(table[column], errors="coerce").rename("published")
    absence = of(cells, "absence").xs(year, level="year")
    both = absence.rename({"314+318": "314"}).join(published).dropna(subset=["value", "published"])
    assert len(both) > 145
    # Days lost are rounded to 10 in 2015.
    assert (100 * both["value"] - both["published"]).abs().max() < half + 0.006


def test_children_in_need_per_worker_are_those_of_the_census_of_children(
    cells: pd.DataFrame, official: Official
) -> None:
    found = of(cells, "children_in_need_per_worker")
    assert set(found.index.get_level_values("year")) == {2015}
    table = read_table(official / IN_NEED, ["At31_episodes"]).query("time_period == '2015' and old_la_code != ''")
    children = pd.to_numeric(table.set_index("old_la_code")["At31_episodes"], errors="coerce")
    means = found.xs(2015, level="year").assign(children=children).dropna(subset=["value", "children"])
    assert len(means) == 151
    # The numbers of Bath and North East Somerset and of West Sussex were revised later; means are whole numbers.
    apart = (means["value"] - means["children"] / means["denominator"]).abs()
    assert sorted(apart[apart > 0.5].index) == ["800", "938"]


# Joint returns and what is not believed.


def test_joint_returns_are_one_caseload(cells: pd.DataFrame) -> None:
    caseload = of(cells, "caseload")
    assert caseload.loc["314+318"].index.tolist() == list(range(2017, 2026))
    assert caseload.loc["940+941"].index.tolist() == list(range(2021, 2026))
    for code in ("314", "318", "940", "941"):
        assert code not in caseload.index


@pytest.mark.parametrize(
    ("authority", "year"), [("302", 2021), ("392", 2017), ("420", 2019), ("420", 2020), ("852", 2022), ("857", 2021)]
)
def test_absences_that_round_to_zero_are_not_believed(cells: pd.DataFrame, authority: str, year: int) -> None:
    assert of(cells, "absence").loc[(authority, year), "status"] == "not_available"


def test_no_absence_is_next_to_nothing_or_everything(cells: pd.DataFrame) -> None:
    assert of(cells, "absence")["value"].dropna().between(0.0005, 0.2).all()


@pytest.mark.parametrize(
    ("inpost", "days", "status"),
    [
        (shown(100), shown(0), "not_available"),
        (shown(100), shown(12), "not_available"),
        (shown(100), shown(13), "observed"),
        (shown(1), shown(253), "not_available"),
        (shown(100), SMALL_COUNT, "not_available"),
        (shown(100), ROUNDS_TO_ZERO, "not_available"),
        (shown(100), UNAVAILABLE, "not_available"),
        (UNAVAILABLE, shown(100), "not_available"),
        (shown(0), shown(0), "not_applicable"),
        (shown(0), INAPPLICABLE, "not_applicable"),
    ],
)
def test_an_absence_that_cannot_be_says_so(inpost: Entry, days: Entry, status: str) -> None:
    assert absence_cell(inpost, days, 2023)["status"] == status


@given(st.floats(5, 500), st.floats(0.001, 0.5), st.integers(2015, 2025))
def test_absence_is_a_share_of_the_working_days_of_the_year(inpost: float, share: float, year: int) -> None:
    days = share * inpost * (254 if year in (2020, 2024) else 253)
    found = absence_cell(shown(inpost), shown(days), year)
    assert found["value"] == pytest.approx(share, abs=1e-6)
    assert found["denominator"] == inpost
    assert math.isnan(found["numerator"])
