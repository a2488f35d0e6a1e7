"""The embedded England panel: the real cases, the published national figures, and its rebuild from official files."""

from __future__ import annotations

import datetime
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from bayes_csc.panel.calendar import grid_position, reference_instant
from bayes_csc.panel.geography import existing, linked_blocks, predecessors
from bayes_csc.panel.panel import Panel, inspection_dates
from bayes_csc.sources.children_in_need import cin
from bayes_csc.sources.download.official import Official
from bayes_csc.sources.looked_after import cla
from bayes_csc.sources.readers.tables import local_authorities, read_table
from bayes_csc.sources.workforce import csww

MARCH_2025 = datetime.date(2025, 3, 31)


@pytest.fixture
def panel(shipped: Panel) -> Panel:
    """The panel that ships."""
    return shipped


def cells_of(panel: Panel, indicator: str, authority: str | None = None) -> pd.DataFrame:
    cells = panel.cells[panel.cells["indicator"] == indicator]
    return cells if authority is None else cells[cells["authority"] == authority].set_index("year").sort_index()


def national(panel: Panel, indicator: str, year: int) -> float:
    """Percentage over the authorities with a figure."""
    cells = panel.cells.query("indicator == @indicator and year == @year and status == 'observed'")
    return float(100 * cells["numerator"].sum() / cells["denominator"].sum())


def grade_counts(panel: Panel) -> list[int]:
    grades = panel.latest_grades()["grade"]
    return [int((grades == grade).sum()) for grade in range(1, len(panel.grades) + 1)]


# The rebuild.


def test_the_panel_rebuilt_from_official_files_equals_the_one_that_ships(
    root: Path, rebuilt: Panel, tmp_path: Path
) -> None:
    rebuilt.write(tmp_path / "england")
    built, shipped = (
        {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (tmp_path / "england", root / "data" / "england")
    )
    assert built.keys() == shipped.keys()
    assert [name for name in built if built[name] != shipped[name]] == []


def test_the_panel_keeps_the_contract_that_other_programs_rely_on(root: Path, shared: Path) -> None:
    check = [sys.executable, str(shared / "checks" / "contract.py"), "panel", str(root / "data" / "england")]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "panel keeps its contract: 60 indicators"


def test_no_file_of_cells_is_above_4_megabytes(root: Path) -> None:
    sizes = [path.stat().st_size for path in (root / "data" / "england" / "indicators").glob("*.csv")]
    assert max(sizes) < 4_000_000


# What official figures say.


@pytest.mark.parametrize(
    ("indicator", "year", "published", "tolerance"),
    [
        # Ofsted and DfE first releases. National workforce rates include estimates for authorities whose own figures
        # are withheld (three in 2024), and suppressed counts are missing from the sums of the other indicators.
        ("agency", 2023, 17.9, 0.25),
        ("agency", 2024, 16.2, 0.25),
        ("vacancy", 2023, 18.9, 0.05),
        ("re_referral", 2022, 21.5, 0.05),
        ("assessment_within_45_days", 2022, 84.5, 0.2),
        ("second_plan", 2025, 24.5, 0.05),
        ("turnover", 2025, 11.8, 0.05),
    ],
)
def test_national_rates_are_the_published_ones(
    panel: Panel, indicator: str, year: int, published: float, tolerance: float
) -> None:
    assert national(panel, indicator, year) == pytest.approx(published, abs=tolerance)


@pytest.mark.parametrize(
    ("indicator", "rate"),
    [("agency", "agency_rate_fte"), ("vacancy", "vacancy_rate_fte"), ("turnover", "turnover_rate_fte")],
)
def test_workforce_denominators_reproduce_the_published_rate_of_every_authority(
    panel: Panel, official: Official, indicator: str, rate: str
) -> None:
    table = local_authorities(read_table(official / csww.INDICATORS, [rate]))
    table = table.assign(authority=table["old_la_code"].str.replace(" / ", "+"), year=table["time_period"].astype(int))
    published = pd.to_numeric(table.set_index(["authority", "year"])[rate], errors="coerce")
    ours = cells_of(panel, indicator).set_index(["authority", "year"])["value"] * 100
    difference = (ours - published).abs().dropna()
    assert len(difference) > 1300
    # Both are rounded to one decimal; the full-time equivalents too, which matters in the smallest authorities.
    assert difference.max() < 0.12


@pytest.mark.parametrize("place", [*cin.COUNTS, *cla.LONG], ids=lambda place: f"{place.indicator} {place.file}")
def test_every_published_regional_and_national_count_lies_within_the_intervals(
    panel: Panel, official: Official, place: cin.Count | cla.LongCount
) -> None:
    published = published_totals(official, place)
    regions = read_table(official.derived("la_lookup.csv"), []).set_index("old_la_code")["region_name"]
    cells = cells_of(panel, place.indicator)
    bounds = pd.DataFrame(
        {
            "lower": cells["numerator"].fillna(cells["lower"]),
            "upper": cells["numerator"].fillna(cells["upper"]),
            "missing": cells["status"] == "not_available",
        }
    )
    by_region = bounds.groupby([cells["year"], cells["authority"].map(regions)]).sum()
    england_wide = bounds.groupby([cells["year"], pd.Series("England", index=cells.index)]).sum()
    sums = pd.concat([by_region, england_wide])
    sums = sums.assign(published=published.reindex(sums.index)).dropna().query("missing == 0")
    assert len(sums) >= 30
    # Published totals are rounded to 10; a sum of bands has that error once for each.
    rounding = 5.01 * len(place.numerator)
    outside = sums[(sums["published"] < sums["lower"] - rounding) | (sums["published"] > sums["upper"] + rounding)]
    assert outside.empty, outside.to_string()


def published_totals(official: Official, place: cin.Count | cla.LongCount) -> pd.Series:
    table = read_table(official / place.file, [])
    table = table[table["geographic_level"] != "Local authority"]
    if isinstance(place, cla.LongCount):
        column, group = place.group
        table = table[(table[column] == group) & table[place.category].isin(place.numerator)]
        table = table[table["time_period"].astype(int).isin(place.years)]
        counts = pd.to_numeric(table[place.count], errors="coerce")
    else:
        counts = sum(pd.to_numeric(table[name], errors="coerce") for name in place.numerator)
    where = table["region_name"].where(table["geographic_level"] != "National", "England")
    return pd.Series(counts.to_numpy(), index=pd.MultiIndex.from_arrays([table["time_period"].astype(int), where]))


def test_the_latest_grades_are_ofsteds_published_state(panel: Panel) -> None:
    assert grade_counts(panel) == [41, 64, 32, 16]
    assert len(panel.latest_grades()) == len(existing(panel.authorities, panel.date)) == 153


def test_as_of_keeps_only_what_was_published_by_then(panel: Panel) -> None:
    past = panel.as_of(MARCH_2025)
    assert grade_counts(past)[2] == 34
    assert past.cells["publication_date"].max() <= pd.Timestamp(MARCH_2025)
    assert past.inspections["publication_date"].max() <= pd.Timestamp(MARCH_2025)
    assert past.cells.query("indicator == 'agency'")["year"].max() == 2024
    assert past.cells.query("indicator == 're_referral'")["year"].max() == 2024


def test_the_first_round_of_sif_gave_the_published_grades(panel: Panel) -> None:
    first = panel.inspections.query("domain == 'overall' and type == 'SIF first'")["grade"]
    assert first.value_counts().sort_index().tolist() == [3, 51, 65, 33]


def test_inspections_started_and_were_published_by_the_panels_date(panel: Panel) -> None:
    assert panel.date == panel.published_by == datetime.date(2025, 12, 31)
    overall = panel.inspections[panel.inspections["domain"] == "overall"]
    assert overall["publication_date"].max() <= pd.Timestamp(panel.date)
    assert (overall["start_date"] > pd.Timestamp(MARCH_2025)).sum() == 22  # ../shared/data/README.md
    started = overall[overall["start_date"] == "2025-03-24"]
    assert "384" in set(started["authority"])  # Wakefield, whose report came after Ofsted's table


def test_the_group_changed_by_seven_authorities_since_march(panel: Panel) -> None:
    before = panel.as_of(datetime.date(2025, 6, 30)).latest_grades()
    then, now = (set(latest.index[latest.grade == 3]) for latest in (before, panel.latest_grades()))
    assert (len(then), len(now), len(then - now), len(now - then)) == (31, 32, 3, 4)


def test_six_inspections_with_an_unknown_start_get_the_usual_lag_of_their_framework(panel: Panel) -> None:
    overall = panel.inspections.query("domain == 'overall'")
    unknown = overall[overall["start_date"].isna()]
    assert sorted(unknown["authority"]) == ["835", "836", "837", "909", "909", "928"]
    lag = overall["publication_date"] - inspection_dates(overall)
    assert set(lag[unknown.index].dt.days) == {74}
    assert (inspection_dates(overall) == overall["start_date"]).sum() == len(overall) - len(unknown)


# Real cases of geography.


def test_kingston_and_richmond_file_one_workforce_return_from_2016(panel: Panel) -> None:
    joint = cells_of(panel, "agency", "314+318")
    assert joint.index.tolist() == list(range(2016, 2026))
    assert joint.loc[2016, ["numerator", "denominator"]].tolist() == [10.0, 168.6]
    for code in ("314", "318"):
        assert cells_of(panel, "agency", code).index.tolist() == [2015]
        assert len(cells_of(panel, "re_referral", code)) == 13


def test_north_and_west_northamptonshire_file_one_workforce_return(panel: Panel) -> None:
    assert cells_of(panel, "vacancy", "940+941").index.tolist() == list(range(2021, 2026))
    assert cells_of(panel, "vacancy", "928").index.tolist() == list(range(2015, 2021))
    assert cells_of(panel, "vacancy", "940").empty


def test_barnsley_is_one_authority_through_its_change_of_code(panel: Panel) -> None:
    assert panel.authorities.query("name == 'Barnsley'").index.tolist() == ["370"]
    assert cells_of(panel, "re_referral", "370").index.tolist() == list(range(2013, 2026))
    assert cells_of(panel, "agency", "370").index.tolist() == list(range(2015, 2026))


@pytest.mark.parametrize(
    ("successor", "weights", "last", "first"),
    [
        ("838", {"835": 1.0}, 2019, 2020),
        ("839", {"835": 0.1176, "836": 0.4002, "837": 0.4822}, 2019, 2020),
        ("940", {"928": 1.0}, 2021, 2022),
        ("941", {"928": 1.0}, 2021, 2022),
        ("942", {"909": 1.0}, 2023, 2024),
        ("943", {"909": 1.0}, 2023, 2024),
    ],
)
def test_a_successor_starts_where_its_predecessors_end(
    panel: Panel, successor: str, weights: dict[str, float], last: int, first: int
) -> None:
    assert predecessors(panel.authorities)[successor] == weights
    assert cells_of(panel, "care_leaver_activity", successor).index.min() == first
    for code in weights:
        assert cells_of(panel, "re_referral", code).index.max() == last
        assert successor in panel.authorities.loc[code, "successors"].split()
        assert panel.authorities.loc[code, "valid_to"] < panel.authorities.loc[successor, "valid_from"]


def test_successors_do_not_inherit_judgements(panel: Panel) -> None:
    latest = panel.latest_grades()["grade"]
    assert latest[["940", "941", "942", "943"]].tolist() == [3, 3, 2, 2]
    assert not latest.index.isin(["909", "928", "835", "836", "837"]).any()


def test_reorganisations_and_joint_returns_make_the_only_blocks_of_several_authorities(panel: Panel) -> None:
    blocks = linked_blocks(panel.authorities, panel.cells["authority"].unique())
    several = [block for block in blocks if len(block) > 1]
    assert several == [
        *(("314", "318"), ("835", "836", "837", "838", "839"), ("909", "942", "943"), ("928", "940", "941")),
    ]


# Gaps and statuses.


def test_hackneys_withheld_years_are_not_available(panel: Panel) -> None:
    for indicator in ("re_referral", "no_further_action", "second_plan", "plan_over_2_years"):
        status = cells_of(panel, indicator, "204")["status"]
        assert status[status == "not_available"].index.tolist() == [2021, 2022]


@pytest.mark.parametrize(
    ("authority", "years", "published"),
    [
        # Hackney was attacked; Hampshire's return, and Herefordshire's referrals and assessments, are marked "u".
        ("204", (2021, 2022), set()),
        ("850", (2024,), set()),
        (
            *("884", (2024,)),
            {"in_need_rate", "section_47_rate", "initial_conference_rate", "conference_within_15_days", "second_plan"}
            | {"plan_start_rate", "plan_rate", "plan_over_2_years", "plan_reviewed"},
        ),
    ],
)
def test_returns_that_were_withheld_are_gaps_in_every_indicator_of_the_census(
    panel: Panel, authority: str, years: tuple[int, ...], published: set[str]
) -> None:
    census = {key for key, indicator in panel.indicators.items() if indicator.release == "cin"}
    census |= {"assessment_within_45_days_lait"}
    chosen = panel.cells[(panel.cells["authority"] == authority) & panel.cells["year"].isin(years)]
    chosen = chosen[chosen["indicator"].isin(census)]
    assert len(chosen) >= 13
    assert set(chosen.loc[chosen["status"] != "not_available", "indicator"]) == published


def test_placement_moves_have_no_rows_in_the_years_without_counts(panel: Panel) -> None:
    assert sorted(cells_of(panel, "three_placements")["year"].unique()) == [2013, 2014, *range(2018, 2026)]


def test_long_plans_are_suppressed_as_one_to_five_of_a_known_number(panel: Panel) -> None:
    hidden = cells_of(panel, "plan_over_2_years").query("status == 'suppressed' and upper > 0")
    known = hidden[hidden["denominator"].notna()]
    assert len(known) > 700
    assert (known["lower"] == 1).all()
    assert known["upper"].between(1, 5).all()


def test_counts_stand_as_published_where_all_are_shown(panel: Panel) -> None:
    # Hackney, 2017: 139 suitable of 183 care leavers, although the other categories come to fewer than the rest.
    cell = cells_of(panel, "care_leaver_accommodation", "204").loc[2017]
    assert (cell["numerator"], cell["denominator"]) == (139, 183)
    # Leeds is one of the authorities whose bands of 2014 fall short of all assessments.
    assert cells_of(panel, "assessment_within_45_days", "383").loc[2014, "numerator"] == 3095


def test_each_year_comes_from_the_newest_release_that_has_it(panel: Panel) -> None:
    sources = cells_of(panel, "care_leaver_activity").groupby("year")["source"].agg(set).to_dict()
    assert sources[2020] == {"cla-2022"}
    assert sources[2021] == sources[2025] == {"cla-2025"}
    assert sources[2017] == {"cla-sfr50-2017"}


@pytest.mark.parametrize(
    ("indicator", "position"),
    [("re_referral", 2025.0), ("plan_over_2_years", 2025 + 182 / 365), ("agency", 2026.0), ("turnover", 2026.0)],
)
def test_the_last_figure_of_each_kind_speaks_about_its_reference_instant(
    panel: Panel, indicator: str, position: float
) -> None:
    cells = cells_of(panel, indicator)
    kind = panel.indicators[indicator].reference_instant
    instants = reference_instant(cells["reference_start"], cells["reference_end"], kind)
    assert grid_position(instants).max() == pytest.approx(position)


def test_turnover_is_about_the_year_to_its_census(panel: Panel) -> None:
    cell = cells_of(panel, "turnover", "370").loc[2024]
    assert (cell["reference_start"], cell["reference_end"]) == (pd.Timestamp("2023-10-01"), pd.Timestamp("2024-09-30"))


def test_every_authority_has_a_region_deprivation_population_and_class(panel: Panel) -> None:
    table = panel.authorities
    assert table["region"].nunique() == 9
    assert table[["deprivation", "population"]].notna().all(axis=None)
    assert (table["rural_urban"] != "").all()
    assert table.loc["805", "deprivation"] == 35.037
    assert table.loc["806", "deprivation"] == 40.460


def test_current_authorities_have_ten_statistical_neighbours(panel: Panel) -> None:
    neighbours = panel.authorities["neighbours"].str.split().str.len()
    alive = existing(panel.authorities, panel.date)
    assert (neighbours[alive] == 10).all()
    assert (neighbours.drop(alive) == 0).all()
