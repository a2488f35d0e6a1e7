"""Covariates of England: published figures, agreement between releases, and how the readers fail."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from bayes_csc.errors import DataError
from bayes_csc.panel.supplementary import COVARIATES
from bayes_csc.sources.download.official import Official
from bayes_csc.sources.england.panel import description
from bayes_csc.sources.finance.spending import LAIT, OUTTURNS, gross_spending, interactive_tool
from bayes_csc.sources.places.covariates import OLDER_LAIT, covariates, ons_codes, per_child
from bayes_csc.sources.readers.rda import read_rda
from bayes_csc.sources.readers.sheets import authority_codes, numbers, plain, read_sheet
from bayes_csc.sources.readers.tables import local_authorities, read_table


@pytest.fixture(scope="module")
def known(official: Official) -> pd.DataFrame:
    """The covariates of the official files."""
    return covariates(official, description()["deflator"])


@pytest.fixture(scope="module")
def spending(official: Official) -> pd.DataFrame:
    """Gross spending in pounds of the year."""
    return gross_spending(official)


@pytest.fixture(scope="module")
def lookup(shared: Path) -> pd.DataFrame:
    return read_table(shared / "data" / "derived" / "la_lookup.csv", [])


def figure(known: pd.DataFrame, covariate: str, authority: str, year: int) -> float:
    (row,) = known.query("covariate == @covariate and authority == @authority and year == @year").itertuples()
    return float(row.value)


def england(spending: pd.DataFrame, group: str, year: int) -> float:
    """Sum over authorities, in millions of pounds."""
    return float(spending.query("group == @group and year == @year")["value"].sum() / 1e6)


# The table.


def test_each_figure_stands_once_and_the_file_stays_small(known: pd.DataFrame) -> None:
    assert not known.duplicated(["authority", "year", "covariate"]).any()
    assert known.notna().all(axis=None)
    assert len(COVARIATES.text(known).encode()) < 4_000_000
    assert set(known["source"]) <= set(description()["release"])


# Deprivation and place.


@pytest.mark.parametrize(
    ("authority", "year", "score"),
    # File 11 of the indices of 2015 and 2019; File 10 of 2025, where a district is an authority.
    [("805", 2019, 35.037), ("806", 2019, 40.460), ("805", 2015, 33.178), ("806", 2015, 40.216), ("805", 2025, 37.580)],
)
def test_deprivation_scores_are_the_published_ones(
    known: pd.DataFrame, authority: str, year: int, score: float
) -> None:
    assert figure(known, "imd", authority, year) == score


@pytest.mark.parametrize("covariate", ["imd", "idaci"])
@pytest.mark.parametrize(("year", "count"), [(2015, 152), (2019, 151)])
def test_every_score_of_the_official_upper_tier_tables_is_ours(
    known: pd.DataFrame, shared: Path, lookup: pd.DataFrame, covariate: str, year: int, count: int
) -> None:
    path = shared / "data" / "raw" / "deprivation" / f"imd-{year}.xlsx"
    table = read_sheet(path, covariate.upper(), 1, [])
    (score,) = [name for name in table.columns if name.endswith("- Average score")]
    published = pd.Series(numbers(table[score], path).to_numpy(), table.iloc[:, 0].map(ons_codes(lookup)).to_numpy())
    ours = known.query("covariate == @covariate and year == @year").set_index("authority")
    assert len(published) == count
    pd.testing.assert_series_equal(ours["value"].reindex(published.index), published, check_names=False)
    assert set(ours.loc[published.index, "source"]) == {f"imd-{year}"}
    # Those created since are aggregated from small areas, and say so.
    assert set(ours.drop(published.index)["source"]) <= {f"imd-{year}-lsoa"}


def test_deprivation_of_2025_is_that_of_the_district_where_an_authority_is_one(
    known: pd.DataFrame, shared: Path, lookup: pd.DataFrame
) -> None:
    table = read_rda(shared / "data" / "raw" / "deprivation" / "imd2025_england_ltla24.rda")
    assert len(table) == 296
    codes = ons_codes(lookup)
    table = table.assign(authority=table["ltla24_code"].map(codes)).dropna(subset="authority").set_index("authority")
    ours = known.query("covariate == 'imd' and year == 2025 and source == 'imd-2025'").set_index("authority")["value"]
    assert len(ours) == 132
    pd.testing.assert_series_equal(table["imd_average_score"].reindex(ours.index), ours, check_names=False)


def test_the_classification_of_2021_is_all_or_nothing_for_a_district_and_a_share_for_a_county(
    known: pd.DataFrame,
) -> None:
    rural = known.query("covariate == 'rural_2021'").set_index("authority")["value"]
    assert len(rural) == 153
    assert (rural["201"], rural["908"], rural["857"]) == (0, 1, 1)  # City of London, Cornwall, Rutland
    assert 0 < rural["925"] < 1  # Lincolnshire
    assert rural.between(0, 1).all()


# Population, need and low income.


def test_children_of_all_authorities_are_englands(known: pd.DataFrame, shared: Path) -> None:
    path = shared / "data" / "raw" / "population" / "ons_mid-year_population_estimates_2012_to_2024.csv"
    table = read_table(path, ["geographic_level", "population_estimate"])
    national = table[table["geographic_level"] == "National"].set_index("time_period")["population_estimate"]
    ours = known.query("covariate == 'population_0_17'").groupby("year")["value"].sum()
    assert int(national["2024"]) == 12_183_016
    for year in range(2019, 2025):
        assert ours[year] == int(national[str(year)])
    # Before, Bournemouth, Dorset and Poole are from older estimates, or not there at all (2012 and 2013).
    for year in range(2014, 2019):
        assert ours[year] == pytest.approx(int(national[str(year)]), rel=4e-4)


def test_rates_of_need_are_over_the_children_of_the_mid_year_before(known: pd.DataFrame, shared: Path) -> None:
    # England, 31 March 2025: 402,400 children in need, rounded to 10; all authorities have a figure.
    merged = known.query("covariate == 'children_in_need_per_10000' and year == 2025").set_index("authority")["value"]
    children = known.query("covariate == 'population_0_17' and year == 2024").set_index("authority")["value"]
    assert (merged * children / 1e4).sum() == pytest.approx(402_400, rel=5e-5)
    path = shared / "data" / "raw" / "dfe-cin-2025" / "b1_children_in_need_2013_to_2025.csv"
    counts = local_authorities(read_table(path, ["At31_episodes"])).query("time_period == '2025'")
    shown = counts.set_index("old_la_code")["At31_episodes"]
    assert merged["805"] == pytest.approx(1e4 * float(shown["805"]) / children["805"], abs=0.005)


def test_figures_without_a_population_are_left_out() -> None:
    figures = pd.DataFrame({"authority": ["1", "2"], "year": [2020, 2020], "value": [50.0, 60.0]})
    children = pd.DataFrame({"authority": ["1", "2"], "year": [2019, 2020], "value": [200.0, 300.0]})
    rates = per_child(figures, children)
    assert rates[["authority", "value"]].to_numpy().tolist() == [["1", 0.25]]


def test_low_income_counts_are_of_every_authority_of_2022(known: pd.DataFrame) -> None:
    counts = known.query("covariate == 'low_income_children'")
    assert counts.groupby("year").size().tolist() == [152] * 7
    # Stat-Xplore, September 2022: Hartlepool and Lancashire; a name that is spelled otherwise elsewhere.
    assert figure(known, "low_income_children", "805", 2015) == 4316
    assert figure(known, "low_income_children", "888", 2021) == 56_276
    assert figure(known, "low_income_children", "840", 2021) == 31_894  # County Durham


def test_the_two_editions_of_low_income_percentages_stay_apart(known: pd.DataFrame, official: Official) -> None:
    new = known.query("covariate == 'low_income_percent_2026'")
    old = known.query("covariate == 'low_income_percent_2025'")
    assert (new["year"].min(), new["year"].max()) == (2022, 2025)
    assert (old["year"].min(), old["year"].max()) == (2015, 2024)
    both = new.merge(old, on=["authority", "year"])
    # England, 2022: 18.6 in the new edition, 19.3 in the old one.
    assert (both["value_x"] - both["value_y"]).abs().median() > 0.3
    editions = {LAIT: 18.6, OLDER_LAIT: 19.3}
    for file, rate in editions.items():
        table = pd.read_parquet(official / file, columns=["Short Desc", "Years", "LA Number", "Values"])
        row = table[(table["Short Desc"] == "ChildPov") & (table["Years"] == "2022") & (table["LA Number"] == 970)]
        assert float(row["Values"].iloc[0]) == pytest.approx(rate)


# Spending.


@pytest.mark.parametrize(
    ("group", "year", "millions"),
    [
        # England rows of the Local Authority Interactive Tool, April 2026.
        ("total", 2017, 9158.4), ("total", 2019, 9854.9), ("total", 2020, 10530.8), ("total", 2023, 13234.6),
        ("total", 2025, 16012.4), ("looked_after", 2017, 4156.7), ("looked_after", 2021, 5653.6),
        ("looked_after", 2025, 8955.4), ("safeguarding", 2018, 2346.8), ("safeguarding", 2025, 3586.9),
        ("family_support", 2024, 1736.9), ("early_years", 2022, 505.2), ("young_people", 2023, 448.2),
        ("youth_justice", 2025, 359.9),
    ],
)  # fmt: skip
def test_spending_of_all_authorities_is_the_published_total(
    spending: pd.DataFrame, group: str, year: int, millions: float
) -> None:
    assert england(spending, group, year) == pytest.approx(millions, abs=0.06)


def test_englands_row_of_the_interactive_tool_is_the_sum_but_for_one_year(
    spending: pd.DataFrame, official: Official
) -> None:
    table = pd.read_parquet(official / LAIT, columns=["Short Desc", "Years", "LA Number", "Values"])
    row = table[(table["Short Desc"] == "TotalLACFinance") & (table["LA Number"] == 970)].set_index("Years")["Values"]
    gaps = {int(year[:4]) + 1: float(value) / 1e6 - england(spending, "looked_after", int(year[:4]) + 1)
            for year, value in row.items()}  # fmt: skip
    # In 2017-18 the tool's row for England is 60 million above its authorities, whose figures are those of the return.
    assert {year for year, gap in gaps.items() if abs(gap) > 0.01} == {2018}
    assert gaps[2018] == pytest.approx(60.0, abs=0.1)


@pytest.mark.parametrize(
    ("file", "year", "differences"),
    [("s251ye2017.xlsx", 2017, {}), ("S251ye2018.xlsx", 2018, {"871": 855_316}), ("S251ye2019.xlsx", 2019, {})],
)
def test_section_251_and_the_interactive_tool_agree_where_both_have_a_year(
    spending: pd.DataFrame, shared: Path, file: str, year: int, differences: dict[str, int]
) -> None:
    path = shared / "data" / "raw" / "spend-s251" / file
    table = read_sheet(path, 0, 1, ["LA", "Description", "TotalExpenditure"])
    lines = table["Description"].map(plain)
    groups = {
        "looked_after": "total children looked after",
        "safeguarding": "total safeguarding children and young peoples services",
        "family_support": "total family support services",
        "young_people": "total services for young people",
        "youth_justice": "youth justice",
        "total": next(line for line in lines if line.endswith("excluding cera")),
    }
    found = {}
    of_year = spending[spending["year"] == year].set_index("authority")
    for group, line in groups.items():
        rows = table[lines == line].set_index("LA")["TotalExpenditure"]
        ours = of_year.loc[of_year["group"] == group, "value"].reindex(rows.index)
        gap = (numbers(rows, path) - ours).abs()
        found |= {code: round(value) for code, value in gap[~(gap <= 1)].items()}
    assert found == differences


@pytest.mark.parametrize("year", OUTTURNS)
def test_the_mapped_groups_join_up_from_year_to_year(spending: pd.DataFrame, year: int) -> None:
    """No group with an explicit mapping jumps by more than 13% nationally: lines lost or counted twice would show."""
    for group in ("looked_after", "safeguarding"):
        ratio = england(spending, group, year + 1) / england(spending, group, year)
        assert 0.99 < ratio < 1.13, (group, year, ratio)


def test_groups_add_up_to_the_total_since_2013(spending: pd.DataFrame) -> None:
    wide = spending.query("2013 <= year <= 2016").pivot_table(
        index=["authority", "year"], columns="group", values="value"
    )
    parts = wide.drop(columns="total").sum(axis=1)
    assert len(wide) == 4 * 152
    assert ((parts - wide["total"]).abs() > 5).sum() == 0


def test_constant_prices_are_those_of_the_base_year(known: pd.DataFrame, spending: pd.DataFrame) -> None:
    deflator = description()["deflator"]
    assert deflator["index"][str(deflator["base"])] == 100
    # Hartlepool, 2024-25: 56,615,038 pounds over 21,090 children of mid-2024.
    cash = spending.query("authority == '805' and group == 'total' and year == 2025")["value"].item()
    assert (cash, figure(known, "population_0_17", "805", 2024)) == (56_615_038, 21_090)
    assert figure(known, "spending_total", "805", 2025) == pytest.approx(56_615_038 / 21_090, abs=0.01)
    # 2013-14, of mid-2013, in prices of 2024-25.
    cash = spending.query("authority == '805' and group == 'total' and year == 2014")["value"].item()
    children = figure(known, "population_0_17", "805", 2013)
    assert figure(known, "spending_total", "805", 2014) == pytest.approx(cash / children * 100 / 73.0337, abs=0.01)


def test_the_deflator_agrees_with_the_official_file_of_2019_but_for_revisions(shared: Path) -> None:
    path = shared / "data" / "raw" / "spend-s251" / "GDP_deflator.xlsx"
    table = read_sheet(path, 0, 1, ["year", "gdp"])
    official = pd.Series(numbers(table["gdp"], path).to_numpy(), table["year"].astype(int).to_numpy())
    ours = pd.Series({int(year): value for year, value in description()["deflator"]["index"].items()})
    assert sorted(official.index) == list(range(2011, 2020))
    ratio = (ours / ours[2019] * 100).reindex(official.index) / official
    # The national accounts were revised in between: by 0.9% at most.
    assert (ratio - 1).abs().max() < 0.01


def test_the_two_returns_of_an_authority_tell_nearly_the_same(known: pd.DataFrame) -> None:
    wide = known[known["covariate"].isin(["spending_total", "outturn_social_care"])]
    pairs = wide.pivot_table(index=["authority", "year"], columns="covariate", values="value").dropna()
    assert len(pairs) > 420
    ratio = pairs["outturn_social_care"] / pairs["spending_total"]
    # Revenue outturn counts a little more: 3% at the median.
    assert ratio.median() == pytest.approx(1.03, abs=0.02)
    # RO3 of 2024-25, Hartlepool: 53,309 thousand pounds; of 2022-23: 40,770.
    assert figure(known, "outturn_social_care", "805", 2025) == pytest.approx(53_309_000 / 21_090, abs=0.01)
    share = figure(known, "social_care_share", "805", 2025)
    assert share == pytest.approx(53_309 / (273_273 - 75_812), abs=1e-5)  # RSX of 2024-25


def test_figures_that_the_department_doubts_are_missing(spending: pd.DataFrame) -> None:
    last = set(spending.query("year == 2025")["authority"])
    assert len(last) == 151
    assert not {"806", "212"} & last  # Middlesbrough and Wandsworth


def test_a_return_of_zeros_alone_is_no_return(spending: pd.DataFrame) -> None:
    # Stockton-on-Tees, 2009-10; a single line of zero stays.
    assert spending.query("authority == '808'")["year"].drop_duplicates().tolist() == [2009, *range(2011, 2026)]
    assert (spending["value"] == 0).any()


def test_a_percentage_of_zero_is_no_figure(known: pd.DataFrame) -> None:
    edition = known.query("covariate == 'low_income_percent_2025' and authority == '855'")
    assert edition["year"].tolist() == list(range(2016, 2025))
    assert (known.query("covariate == 'low_income_percent_2025'")["value"] > 0).all()


# Readers.


def test_a_sheet_says_what_it_lacks(shared: Path, tmp_path: Path) -> None:
    path = shared / "data" / "raw" / "deprivation" / "imd-2019.xlsx"
    with pytest.raises(DataError, match=r"the file is missing"):
        read_sheet(tmp_path / "imd.xlsx", 0, 1, [])
    with pytest.raises(DataError, match=r"sheet 'Crime rates': expected a spreadsheet with that sheet"):
        read_sheet(path, "Crime rates", 1, [])
    with pytest.raises(DataError, match=r"column 'Happiness' is missing in row 1; found Upper Tier"):
        read_sheet(path, "IMD", 1, ["Happiness"])
    (tmp_path / "imd.xlsx").write_bytes(b"not a spreadsheet")
    with pytest.raises(DataError, match=r"expected a spreadsheet with that sheet"):
        read_sheet(tmp_path / "imd.xlsx", 0, 1, [])


def test_a_figure_that_is_no_number_is_named_with_its_row() -> None:
    column = pd.Series(["1,234.5", "", "about 3"], index=[5, 6, 7], name="Total")
    assert numbers(column[:2], Path("a.xlsx")).tolist()[0] == 1234.5
    with pytest.raises(DataError, match=r"a\.xlsx: row 7: column 'Total': expected a number, found 'about 3'"):
        numbers(column, Path("a.xlsx"))


def test_names_lead_to_authorities_however_they_are_spelled() -> None:
    known = {"801": "Bristol, City of", "839": "Bournemouth, Christchurch and Poole", "882": "Southend-on-Sea"}
    names = pd.Series(["Bristol", "Bournemouth, Christchurch & Poole", "Southend on Sea"], index=[3, 4, 5])
    assert authority_codes(names, known, Path("a.ods")).tolist() == ["801", "839", "882"]
    with pytest.raises(DataError, match=r"a\.ods: row 9: no authority is called 'Atlantis'"):
        authority_codes(pd.Series(["Atlantis"], index=[9]), known, Path("a.ods"))


@pytest.mark.parametrize("length", [0, 3, 100, 1349])
def test_a_truncated_file_of_r_is_refused(shared: Path, tmp_path: Path, length: int) -> None:
    whole = (shared / "data" / "raw" / "geography" / "ruc21_ltla24.rda").read_bytes()
    (tmp_path / "ruc.rda").write_bytes(whole[:length])
    with pytest.raises(DataError, match=r"ruc\.rda: expected one data frame saved by R"):
        read_rda(tmp_path / "ruc.rda")


def test_a_line_that_a_return_no_longer_has_is_named(official: Official, monkeypatch: pytest.MonkeyPatch) -> None:
    place = OUTTURNS[2014]
    lost = type(place)(place.file, place.header, place.authority, place.line, place.total, {"total": ("total magic",)})
    monkeypatch.setattr("bayes_csc.sources.finance.spending.OUTTURNS", {2014: lost})
    with pytest.raises(DataError, match=re.escape("no line reads 'total magic'")):
        gross_spending(official)


def test_a_measure_that_the_interactive_tool_does_not_have_is_named(official: Official) -> None:
    with pytest.raises(DataError, match="no measure is called 'Happiness'"):
        interactive_tool(official / LAIT, ["ChildPov", "Happiness"])
