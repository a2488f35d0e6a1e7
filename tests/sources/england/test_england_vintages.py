"""What was known of England when: the first published national figures, and the figures restated since."""

from __future__ import annotations

import datetime
from pathlib import Path

import pandas as pd
import pytest

from bayes_csc.measurement.observations import observation_rows
from bayes_csc.panel.calendar import publication_date
from bayes_csc.panel.panel import Panel
from bayes_csc.panel.vintages import all_vintages
from bayes_csc.sources.children_in_need import cin
from bayes_csc.sources.download.official import Official
from bayes_csc.sources.readers.tables import local_authorities, read_table
from bayes_csc.sources.workforce import csww
from bayes_csc.spec import Counts

CELL = ["authority", "year", "indicator"]


@pytest.fixture
def panel(rebuilt: Panel) -> Panel:
    """The panel of the official files."""
    return rebuilt


def cell(panel: Panel, authority: str, year: int, indicator: str) -> pd.Series:
    return panel.cells.set_index(CELL).loc[(authority, year, indicator)]


# The national figures of a release, of its own year: what was known when it came out. Authorities' suppressed counts
# are intervals, and national counts are rounded to 10 (full-time equivalents to one decimal, as each authority's).
FIRST_PUBLISHED = [
    # CLA2018.csv and CLA2019.csv, row ENGLAND, CLA_3_Pl; la_cla_at_31_march_placement_stability_indicator.csv, 2022
    ("three_placements", 2018, "2018-12-31", 7890, 5),
    ("three_placements", 2019, "2019-12-31", 8110, 5),
    ("three_placements", 2022, "2022-12-31", 8030, 5),
    # CareLeavers_Act_InTouch19to212018_amended.csv and CareLeaver_Act_InTouch_19to212019.csv, row ENGLAND,
    # CL_Act_EET19to21; la_care_leavers_activity.csv, 2022
    ("care_leaver_activity", 2018, "2018-12-31", 14640, 5),
    ("care_leaver_activity", 2019, "2019-12-31", 15640, 5),
    ("care_leaver_activity", 2022, "2022-12-31", 18610, 5),
    # CareLeavers_Acc_StayPut19to212018.csv and the same of 2019, row ENGLAND, CL_Acc_SUIT19to21;
    # la_care_leavers_accommodation_suitability.csv, 2022
    ("care_leaver_accommodation", 2018, "2018-12-31", 23510, 5),
    ("care_leaver_accommodation", 2019, "2019-12-31", 25050, 5),
    ("care_leaver_accommodation", 2022, "2022-12-31", 29270, 5),
    # csww_headline_measures_2017_to_2022.csv, National, 2022: agency_fte, vacancy_fte, leaver_fte
    ("agency", 2022, "2023-03-31", 6759.7, 0.5),
    ("vacancy", 2022, "2023-03-31", 7912.9, 0.5),
    ("turnover", 2022, "2023-03-31", 5422.0, 0.5),
]


@pytest.mark.parametrize(("indicator", "year", "day", "published", "tolerance"), FIRST_PUBLISHED)
def test_the_panel_of_a_past_day_has_the_national_figure_published_then(
    panel: Panel, indicator: str, year: int, day: str, published: float, tolerance: float
) -> None:
    past = panel.as_of(datetime.date.fromisoformat(day))
    cells = past.cells.query("indicator == @indicator and year == @year")
    lower = cells["numerator"].fillna(cells["lower"]).sum()
    upper = cells["numerator"].fillna(cells["upper"]).sum()
    assert lower - tolerance <= published <= upper + tolerance


@pytest.mark.parametrize(
    ("indicator", "numerator", "denominator"),
    [
        # SFR45-2013ud.csv, row National; it includes estimates for the three authorities at most that have no figure.
        ("re_referral", 147_700, 593_500),
        ("no_further_action", 85_800, 593_500),
        ("conference_within_15_days", 12_970 + 29_090, 60_080),
        ("second_plan", 7_870, 52_700),
    ],
)
def test_the_census_of_2013_had_the_national_rates_published_then(
    panel: Panel, indicator: str, numerator: float, denominator: float
) -> None:
    past = panel.as_of(datetime.date(2013, 12, 31))
    cells = past.cells.query("indicator == @indicator and year == 2013 and status == 'observed'")
    rate = 100 * cells["numerator"].sum() / cells["denominator"].sum()
    assert rate == pytest.approx(100 * numerator / denominator, abs=0.25)


# Restated figures.


def test_a_restated_figure_is_known_from_the_release_that_restates_it(panel: Panel) -> None:
    # Camden, re-referrals in 2013: 239 of 1,961 in SFR45/2013, 240 in the release of 2025.
    now, then = (cell(p, "202", 2013, "re_referral") for p in (panel, panel.as_of(datetime.date(2025, 10, 30))))
    assert (then["numerator"], then["source"], str(then["publication_date"].date())) == (
        *(239, "cin-sfr45-2013", "2013-10-31"),
    )
    assert (now["numerator"], now["source"], str(now["publication_date"].date())) == (240, "cin-2025", "2025-10-31")


def test_a_figure_that_was_never_restated_is_dated_by_its_first_publication(panel: Panel) -> None:
    restated = pd.MultiIndex.from_frame(panel.cells[CELL]).isin(pd.MultiIndex.from_frame(panel.revisions[CELL]))
    # Moves of school and social worker were added by releases of more than a year later, whose dates they have.
    usual = {key: i.publication_month for key, i in panel.indicators.items() if i.domain != "stability"}
    month = panel.cells["indicator"].map(usual)
    for number in month.dropna().astype(int).unique():
        chosen = panel.cells[(month == number) & ~restated]
        assert (chosen["publication_date"] == publication_date(chosen["reference_end"], number)).all()
    assert panel.cells[restated]["publication_date"].isin(panel.releases["published"]).all()


def test_the_joint_returns_of_the_release_of_2022_are_those_of_the_pairs(panel: Panel, official: Official) -> None:
    # That release has them in the row of the first authority of each pair.
    earlier = csww.workforce_of_2022(official, panel.indicators)
    joint = earlier[earlier["authority"].str.contains("+", regex=False)]
    assert joint.groupby("authority")["year"].agg(["min", "max"]).to_numpy().tolist() == [[2017, 2022], [2021, 2022]]
    both = joint.merge(panel.cells, on=CELL, suffixes=("", "_now"))
    assert len(both) == len(joint) == 3 * (6 + 2)
    same = (both["numerator"] == both["numerator_now"]) & (both["denominator"] == both["denominator_now"])
    restated = both.loc[~same, [*CELL, "numerator", "numerator_now"]]
    assert restated.to_numpy().tolist() == [["314+318", 2017, "turnover", 39.0, 34.0]]


def test_how_many_figures_were_restated(panel: Panel) -> None:
    found = panel.revisions.groupby(["source", "indicator"]).size()
    restated = {
        "cin-sfr45-2013": {"conference_within_15_days": 7, "plan_over_2_years": 3, "re_referral": 25},
        "cla-2018": {"care_leaver_accommodation": 48, "care_leaver_activity": 30, "three_placements": 119},
        "cla-2019": {"care_leaver_accommodation": 39, "care_leaver_activity": 42, "three_placements": 120},
        "cla-2022": {"care_leaver_accommodation": 31, "care_leaver_activity": 30, "three_placements": 142},
        "csww-2022": {"agency": 44, "turnover": 103, "vacancy": 40},
    }
    assert found.to_dict() == {(source, key): n for source, part in restated.items() for key, n in part.items()}


def test_every_vintage_is_of_a_release_that_the_panel_explains(panel: Panel) -> None:
    assert panel.releases is not None
    sources = set(all_vintages(panel.cells, panel.revisions)["source"])
    assert sources <= set(panel.releases.index)
    assert panel.releases["published"].loc[sorted(sources)].notna().all()
    assert panel.releases.loc["cin-2022", "published"] == pd.Timestamp("2022-10-31")


def test_the_shipped_panels_model_sees_the_same_observations(panel: Panel, shipped: Panel) -> None:
    keys = {key: indicator for key, indicator in panel.indicators.items() if indicator.default}
    place = ["indicator", "unit", "year"]
    ours, theirs = (
        observation_rows(cells, keys, Counts()).sort_values(place, ignore_index=True)
        for cells in (panel.cells, shipped.cells)
    )
    pd.testing.assert_frame_equal(ours, theirs)


# Suppression.


def test_figures_that_a_later_release_shows_lie_within_the_interval_of_the_earlier_one(panel: Panel) -> None:
    both = panel.revisions.merge(panel.cells, on=CELL, suffixes=("", "_now"))
    shown = both[(both["status"] == "suppressed") & (both["status_now"] == "observed") & both["denominator"].notna()]
    assert len(shown) >= 50
    now = shown["numerator_now"]
    outside = shown[(now < shown["lower"]) | (now > shown["upper"])]
    # Two counts of 1 to 5 became 6 and 7 in the release of 2025, which raised most counts of 2022.
    assert outside[[*CELL, "source"]].to_numpy().tolist() == [
        *(["207", 2022, "three_placements", "cla-2022"], ["213", 2022, "three_placements", "cla-2022"]),
    ]
    assert (now <= shown["widest_upper"].fillna(shown["upper"])).all()
    assert (now >= shown["widest_lower"].fillna(shown["lower"])).all()


def test_the_widest_intervals_hold_the_others(panel: Panel) -> None:
    hidden = panel.cells[panel.cells["status"] == "suppressed"]
    assert hidden["widest_upper"].notna().sum() > 800
    assert not (hidden["widest_upper"] <= hidden["upper"]).any()
    assert not (hidden["widest_lower"] >= hidden["lower"]).any()
    assert not (hidden["widest_upper"] > hidden["denominator"]).any()


def test_a_share_suppressed_with_its_count_is_one_observation(panel: Panel, official: Official) -> None:
    table = local_authorities(read_table(official / cin.REFERRALS, []))
    both = table[(table["no_further_action_count"] == "c") & (table["no_further_action_percent"] == "c")]
    assert len(both) > 50
    keys = pd.MultiIndex.from_arrays([both["old_la_code"], both["time_period"].astype(int)])
    cells = panel.cells[panel.cells["indicator"] == "no_further_action"].set_index(["authority", "year"])
    assert cells.index.is_unique
    assert set(cells.loc[keys, "status"]) == {"suppressed"}
    rows = observation_rows(panel.cells, panel.indicators, Counts())
    assert not rows.duplicated(["unit", "indicator", "year"]).any()
    assert len(rows) <= len(panel.cells)


def test_the_panel_of_a_past_day_is_a_panel_of_its_own(panel: Panel, tmp_path: Path) -> None:
    past = panel.as_of(datetime.date(2020, 6, 30))
    past.write(tmp_path / "past")
    again = Panel.read(tmp_path / "past")
    assert again.files() == past.files()
    assert again.cells["publication_date"].max() <= pd.Timestamp("2020-06-30")
    assert len(again.cells) > 10_000
    assert again.revisions.empty
