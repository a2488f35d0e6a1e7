"""Workforce rates by grade: the official file of 2015 counted by hand, the article's figures, and small panels."""

from __future__ import annotations

import csv
import datetime
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from paths import PANELS

from bayes_csc.errors import UsageError
from bayes_csc.evaluation.studies.workforce_by_grade import MIXED, NONE, unit_grades, workforce_by_grade
from bayes_csc.panel.panel import Panel


@pytest.fixture(scope="module")
def england(root: Path) -> Panel:
    return Panel.read(root / "data" / "england")


@pytest.fixture(scope="module")
def hamlets() -> Panel:
    return Panel.read(PANELS / "hamlets")


def rate(table: pd.DataFrame, measure: str, grade: str) -> pd.Series:
    return table[(table.measure == measure) & (table.grade == grade)].iloc[0]


@pytest.mark.parametrize("measure", ["agency", "vacancy", "turnover"])
def test_the_rates_of_2015_are_those_counted_by_hand(root: Path, england: Panel, measure: str) -> None:
    folder = root / "data" / "england"
    with (folder / "inspections.csv").open(encoding="utf-8") as file:
        judged = [
            (row["publication_date"], row["authority"], int(row["grade"]))
            for row in csv.DictReader(file)
            if row["domain"] == "overall" and row["publication_date"] <= "2015-09-30"
        ]
    grade = {authority: g for _, authority, g in sorted(judged)}
    sums: dict[int, list[float]] = {}
    with (folder / "indicators" / "workforce.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["year"] == "2015" and row["indicator"] == measure and row["status"] == "observed":
                part = sums.setdefault(grade.get(row["authority"], 0), [0, 0, 0])
                part[0] += float(row["numerator"])
                part[1] += float(row["denominator"])
                part[2] += 1
    table = workforce_by_grade(england, replicates=20).tables["rates"]
    for label, g in ((NONE, 0), ("good", 2), ("requires improvement", 3), ("inadequate", 4)):
        found, expected = rate(table, measure, label), sums[g]
        assert found.returns == expected[2]
        assert found.weighted == pytest.approx(expected[0] / expected[1], rel=1e-12)


def test_the_articles_totals_are_reproduced_and_its_grades_to_a_point_and_a_quarter(england: Panel) -> None:
    # 2014/15: agency 16% overall, 7% good, 22% inadequate; vacancies 17%, 11%, 22%
    table = workforce_by_grade(england, replicates=20).tables["rates"]
    compared = table[table.article.notna()]
    assert len(compared) == 6
    assert (compared.weighted - compared.article).abs().max() < 0.0125
    agrees = compared.set_index(["measure", "grade"]).agrees
    assert agrees[agrees.astype(bool)].index.tolist() == [
        ("agency", "all"), ("vacancy", "all"), ("vacancy", "inadequate"),
    ]  # fmt: skip


def test_the_grades_of_mid_2015_come_nearest_to_the_article(england: Panel) -> None:
    study = workforce_by_grade(england, replicates=20)
    assert "grades published by 2015-06-30 come nearest" in study.words[-1]
    june = workforce_by_grade(england, graded=datetime.date(2015, 6, 30), replicates=20).tables["rates"]
    days = study.tables["grade_days"]
    at = days[(days.graded_by == "2015-06-30") & (days.measure == "agency") & (days.grade == "good")].iloc[0]
    assert at.share == pytest.approx(rate(june, "agency", "good").weighted)
    assert rate(june, "agency", "good").weighted == pytest.approx(0.0713, abs=5e-5)
    assert rate(june, "agency", "inadequate").weighted == pytest.approx(0.2211, abs=5e-5)


def test_other_years_have_no_figure_of_the_article(england: Panel) -> None:
    study = workforce_by_grade(england, 2024, replicates=20)
    assert study.tables["rates"].article.isna().all()
    assert not any("article" in sentence for sentence in study.words)
    assert study.about["census"] == study.about["grades_published_by"] == "2024-09-30"
    latest = workforce_by_grade(england, 2025, replicates=20)
    assert (latest.about["census"], latest.about["grades_published_by"]) == ("2025-09-30", "2025-09-30")


def test_the_order_of_authorities_changes_nothing(england: Panel) -> None:
    rng = np.random.default_rng(1)
    shuffled = replace(
        england,
        cells=england.cells.iloc[rng.permutation(len(england.cells))],
        inspections=england.inspections.iloc[rng.permutation(len(england.inspections))],
        authorities=england.authorities.iloc[rng.permutation(len(england.authorities))],
    )
    assert workforce_by_grade(shuffled, replicates=20).to_json() == workforce_by_grade(england, replicates=20).to_json()


def test_a_joint_return_has_a_grade_only_if_its_members_agree(hamlets: Panel) -> None:
    # Elm and Fern: 3 and 2 by January 2019, 4 and 3 by April 2020; none before
    units, days = ["401", "402", "401+402"], (datetime.date(2018, 1, 1), datetime.date(2019, 12, 31))
    before, after = (unit_grades(hamlets, units, day).tolist() for day in days)
    assert before == [NONE, NONE, NONE]
    assert after == ["requires improvement", "good", MIXED]


def test_the_means_of_a_small_panel_are_known(hamlets: Panel) -> None:
    cells = hamlets.cells[(hamlets.cells.indicator == "agency") & (hamlets.cells.year == hamlets.cells.year.max())]
    cells = cells[~cells.authority.str.contains(r"\+")].head(3).copy()
    cells["numerator"], cells["denominator"], cells["status"] = [1.0, 2.0, 30.0], [10.0, 10.0, 100.0], "observed"
    grades = dict(zip(cells.authority, [2, 2, 4], strict=True))
    judged = hamlets.inspections.drop_duplicates("authority")
    judged = judged[judged.authority.isin(grades)].assign(grade=lambda rows: rows.authority.map(grades))
    small = replace(hamlets, cells=cells, inspections=judged)
    table = workforce_by_grade(small, int(cells.year.iloc[0]), replicates=20).tables["rates"]
    assert rate(table, "agency", "good").weighted == pytest.approx(0.15)
    assert rate(table, "agency", "all").weighted == pytest.approx(33 / 120)
    assert rate(table, "agency", "all").unweighted == pytest.approx((0.1 + 0.2 + 0.3) / 3)
    assert rate(table, "agency", "inadequate").returns == 1


def test_a_year_without_a_census_is_told_with_those_there_are(england: Panel) -> None:
    with pytest.raises(UsageError, match="no workforce census of 2014; expected a year from 2015 to 2025"):
        workforce_by_grade(england, 2014)
