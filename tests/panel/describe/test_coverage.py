"""What a panel holds and lacks: counts that add up, national figures by hand, revisions, and the printed table."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command_runner import command
from hypothesis import given, settings
from hypothesis import strategies as st
from paths import PANELS

from bayes_csc.files.embedded_data import data_dir
from bayes_csc.panel.cell_checks import STATUSES
from bayes_csc.panel.describe.coverage import coverage, national, statuses, suppression
from bayes_csc.panel.describe.display_unit import display_unit
from bayes_csc.panel.geography import codes_of
from bayes_csc.panel.indicators import Indicator
from bayes_csc.panel.panel import Panel
from bayes_csc.panel.revisions import current_cells, revision_summary, revisions

HAMLETS = PANELS / "hamlets"


@pytest.fixture(scope="module")
def hamlets() -> Panel:
    return Panel.read(HAMLETS)


@pytest.fixture(scope="module")
def england(shipped: Panel) -> Panel:
    return shipped


@pytest.fixture(scope="module")
def series(england: Panel) -> pd.DataFrame:
    return national(england)


def with_vintage(panel: Panel, **changed: object) -> Panel:
    """The panel with an earlier row of its first cell among its cells."""
    earlier = panel.cells.iloc[[0]].assign(publication_date=pd.Timestamp("2018-12-31"), source="first", **changed)
    return replace(panel, cells=pd.concat([panel.cells, earlier], ignore_index=True))


# Coverage.


@pytest.mark.parametrize("folder", [HAMLETS, data_dir("england")])
def test_the_cells_of_the_coverage_table_sum_to_the_panel(folder: Path) -> None:
    panel = Panel.read(folder)
    counts = coverage(panel)[list(STATUSES)]
    assert counts.sum().sum() == len(panel.cells)
    assert (
        counts.sum().to_dict() == panel.cells["status"].value_counts().reindex(list(STATUSES), fill_value=0).to_dict()
    )
    assert list(dict.fromkeys(counts.index.get_level_values("indicator"))) == list(panel.indicators)


def test_rows_and_authorities_without_one_account_for_every_authority_that_existed(england: Panel) -> None:
    counts = coverage(england)
    cells = england.cells.assign(codes=england.cells["authority"].map(lambda unit: len(codes_of(unit))))
    codes = cells.groupby(["indicator", "year"])["codes"].sum()
    assert (codes + counts["no_row"]).loc["re_referral"].to_dict() == (
        dict.fromkeys(range(2013, 2020), 152)
        | dict.fromkeys((2020, 2021), 151)
        | {2022: 152, 2023: 152, 2024: 153, 2025: 153}
    )  # as many authorities as the data's README gives for each year


def test_an_authority_year_has_one_status(england: Panel) -> None:
    status = statuses(england, "agency")
    assert not status.duplicated(["authority", "year"]).any()
    assert (status["status"] == "no_row").sum() == coverage(england).loc["agency", "no_row"].sum()


def test_suppression_by_hand(hamlets: Panel) -> None:
    late = suppression(hamlets).loc["late"]
    assert (late["cells"], late["suppressed"], late["no_denominator"], late["widest"]) == (27, 2, 0, 4)
    assert late["share"] == 2 / 27


def test_an_indicator_without_cells_is_described_as_such(hamlets: Panel) -> None:
    alone = replace(hamlets, cells=hamlets.cells[hamlets.cells["indicator"] != "late"])
    assert suppression(alone).loc["late", "cells"] == 0
    assert "late" not in coverage(alone).index


# National series.


def test_a_national_figure_is_the_sum_of_numerators_over_the_sum_of_denominators(hamlets: Panel) -> None:
    row = national(hamlets).loc[("agency", 2022)]
    assert (row["numerator"], row["denominator"]) == (12 + 54 + 169 + 6 + 45, 87 + 248 + 215 + 27 + 228)
    assert row["value"] == row["lower"] == row["upper"] == 286 / 805
    assert (row["authorities"], row["of"], row["share"], row["how"]) == (6, 6, 1.0, "pooled")  # the joint return is two


def test_suppressed_counts_move_a_national_figure_between_the_ends_of_their_intervals(hamlets: Panel) -> None:
    row = national(hamlets).loc[("late", 2021)]
    known, of = 21 + 76 + 89 + 40 + 55 + 32, 67 + 196 + 133 + 118 + 181 + 107
    assert row["value"] == known / of
    assert (row["lower"], row["upper"]) == ((known + 1) / (of + 27), (known + 5) / (of + 27))
    assert (row["authorities"], row["within"], row["of"]) == (6, 7, 7)


def test_a_cell_that_is_not_available_is_in_neither_sum(hamlets: Panel) -> None:
    row = national(hamlets).loc[("agency", 2019)]
    assert row["denominator"] == 109 + 114 + 36 + 187 + 139


@pytest.mark.parametrize(
    ("indicator", "year", "published", "tolerance"),
    [
        # Department for Education, as quoted in the README of the official files: percentages of England
        ("agency", 2023, 17.9, 0.15),
        ("agency", 2024, 16.2, 0.15),
        ("vacancy", 2023, 18.9, 0.05),
        ("re_referral", 2022, 21.5, 0.05),
        ("assessment_within_45_days", 2022, 84.5, 0.15),
        ("no_further_action", 2015, 13.8, 0.05),
        ("no_further_action", 2016, 9.9, 0.05),
        ("second_plan", 2013, 14.9, 0.05),
        ("second_plan", 2025, 24.5, 0.05),
    ],
)
def test_the_published_figure_of_england_is_where_the_series_puts_it(
    series: pd.DataFrame, indicator: str, year: int, published: float, tolerance: float
) -> None:
    row = 100 * series.loc[(indicator, year), ["lower", "upper"]].astype(float)
    assert row["lower"] - tolerance <= published <= row["upper"] + tolerance


@pytest.mark.parametrize(
    ("family", "sizes", "how"), [("gaussian", True, "weighted mean"), ("lognormal", False, "mean")]
)
def test_other_families_are_averaged(hamlets: Panel, family: str, sizes: bool, how: str) -> None:
    cells = hamlets.cells.assign(numerator=np.nan)
    cells = cells if sizes else cells.assign(denominator=np.nan)
    indicators = {key: replace(each, family=family) for key, each in hamlets.indicators.items()}
    row = national(replace(hamlets, cells=cells, indicators=indicators)).loc[("agency", 2022)]
    own = hamlets.cells.query("indicator == 'agency' and year == 2022")
    assert row["value"] == pytest.approx(np.average(own["value"], weights=own["denominator"] if sizes else None))
    assert row["how"] == how


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_neither_table_depends_on_the_order_of_rows(seed: int) -> None:
    panel = Panel.read(HAMLETS)
    shuffled = replace(panel, cells=panel.cells.sample(frac=1, random_state=seed))
    pd.testing.assert_frame_equal(coverage(shuffled), coverage(panel))
    pd.testing.assert_frame_equal(national(shuffled), national(panel), rtol=1e-12)


# Vintages.


def test_a_panel_of_one_vintage_has_no_revision(hamlets: Panel) -> None:
    assert revisions(hamlets).empty
    assert revision_summary(hamlets).empty


def test_a_restated_cell_is_one_revision_and_counts_once(hamlets: Panel) -> None:
    first = hamlets.cells.iloc[0]
    panel = with_vintage(hamlets, value=0.1, numerator=0.1 * first["denominator"])
    (step,) = revisions(panel).to_dict("records")
    assert (step["value_from"], step["value"], step["source_from"]) == (0.1, first["value"], "first")
    assert step["change"] == first["value"] - 0.1
    assert coverage(panel)[list(STATUSES)].sum().sum() == len(hamlets.cells)
    pd.testing.assert_frame_equal(national(panel), national(hamlets))


def test_a_vintage_that_differs_in_nothing_is_no_revision(hamlets: Panel) -> None:
    assert revisions(with_vintage(hamlets)).empty


def test_a_figure_that_was_hidden_before_is_newly_known(hamlets: Panel) -> None:
    hidden = with_vintage(hamlets, status="suppressed", numerator=np.nan, value=np.nan, lower=1.0, upper=5.0)
    (row,) = revision_summary(hidden).to_dict("records")
    assert (row["cells"], row["newly_known"], row["newly_hidden"]) == (1, 1, 0)
    assert np.isnan(row["largest"])


def test_vintages_that_a_panel_keeps_apart_are_found_too(hamlets: Panel) -> None:
    kept = replace(hamlets)
    object.__setattr__(kept, "revisions", with_vintage(hamlets, value=0.1).cells.tail(1))
    assert len(revisions(kept)) == 1
    assert len(current_cells(kept)) == len(hamlets.cells)


# Units and printing.


@pytest.mark.parametrize(
    ("family", "values", "text"),
    [
        ("binomial", [0.2149], "21.5 %"),
        ("poisson", [0.0531], "5.3 per 100"),
        ("poisson", [0.00123], "12.3 per 10,000"),
        ("poisson", [16.04], "16.0"),
        ("lognormal", [0.034], "0.0340"),
        ("gaussian", [14.26], "14.3"),
        ("ordinal", [], "2.00"),
    ],
)
def test_a_figure_is_shown_in_the_unit_people_read_it_in(
    hamlets: Panel, family: str, values: list[float], text: str
) -> None:
    indicator: Indicator = replace(hamlets.indicators["late"], family=family)
    unit = display_unit(indicator, pd.Series(values, dtype=float))
    assert f"{unit.text(values[0] if values else 2.0)} {unit.name}".strip() == text


def test_describe_prints_the_panel_its_tables_and_where_the_page_is(
    tmp_path: Path, hamlets: Panel, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("data", "describe", "--panel", HAMLETS, "--out", tmp_path) == 0
    said = capsys.readouterr().out
    assert f"Hamlets 2022-09-30, published by 2022-09-30, panel {hamlets.hash[:12]}: {len(hamlets.cells)} cells" in said
    late = [line.split() for line in said.splitlines() if line.startswith("late ")]
    assert late == [
        ["late", "27", "7.4%", ".", "86", "100", "86", "100"],
        ["late", "%", ".", "32.7-33.3", "33.4", "37.9-38.4", "40.6"],
    ]
    assert "Revisions: no cell has a second vintage" in said
    assert said.splitlines()[-1] == f"Wrote {tmp_path / 'hamlets-data.html'}"
    assert hamlets.hash in (tmp_path / "hamlets-data.html").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["hamlets-data.html"]


def test_an_unknown_indicator_is_named_with_the_known_ones_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("data", "describe", "--panel", HAMLETS, "--out", tmp_path / "new", "--indicator", "lat") == 2
    assert "no cells of an indicator 'lat' in this panel; it has agency, vacancy, late" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("what", [["describe"], ["show", "401"]])
def test_a_panel_without_a_cell_is_broken_data(
    tmp_path: Path, what: list[str], hamlets: Panel, capsys: pytest.CaptureFixture[str]
) -> None:
    replace(hamlets, cells=hamlets.cells.head(1)).write(tmp_path / "panel")
    (path,) = (tmp_path / "panel" / "indicators").glob("*.csv")
    path.write_text(path.read_text().splitlines()[0] + "\n")
    out = ["--out", tmp_path / "out"] if what == ["describe"] else []
    assert command("data", *what, "--panel", tmp_path / "panel", *out) == 3
    assert "Hamlets: the indicator files have a header but no cell" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
