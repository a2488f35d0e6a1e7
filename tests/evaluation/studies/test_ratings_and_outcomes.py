"""Ratings and outcomes: cross-tabulations counted by hand, and panels in which the association is known."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command_runner import command

from bayes_csc.errors import UsageError
from bayes_csc.evaluation.studies.dimension_fit import DimensionFit
from bayes_csc.evaluation.studies.outcomes import graded_outcomes, outcome_index, outcome_scores
from bayes_csc.evaluation.studies.ratings_and_outcomes import association, crosstab, ratings_and_outcomes
from bayes_csc.panel.panel import Panel
from bayes_csc.simulation.template_panel import skeleton

AUTHORITIES, YEARS, KEYS = 120, 6, ("activity_1", "activity_3")


def of_outcomes(quality: np.ndarray, seed: int = 1, *, grade: np.ndarray | None = None) -> Panel:
    """Panel whose outcomes have the level `quality` (authority), and whose grades are those given or drawn blindly."""
    rng = np.random.default_rng(seed)
    panel = skeleton(authorities=AUTHORITIES, years=YEARS, indicators=4, rng=rng)
    place = {code: i for i, code in enumerate(panel.authorities.index)}
    cells = panel.cells.copy()
    better = cells.indicator.map(
        {k: 1 if i.polarity == "higher is better" else -1 for k, i in panel.indicators.items()}
    )
    logit = better * quality[cells.authority.map(place)] + 0.3 * rng.normal(size=len(cells))
    cells["numerator"] = rng.binomial(cells.denominator.astype(int), 1 / (1 + np.exp(-logit))).astype(float)
    inspections = panel.inspections
    if grade is not None:
        inspections = inspections.assign(grade=grade[inspections.authority.map(place)])
    return replace(panel, cells=cells, inspections=inspections)


def tables(panel: Panel, **options: object) -> dict[str, pd.DataFrame]:
    return dict(ratings_and_outcomes(panel, indicators=KEYS, replicates=200, **options).tables)  # type: ignore[arg-type]


# By hand.


@pytest.fixture(scope="module")
def england(root: Path) -> Panel:
    return Panel.read(root / "data" / "england")


def test_the_top_tenth_of_england_is_the_one_counted_by_hand(england: Panel) -> None:
    year, key = 2019, "care_leaver_activity"
    cells = england.cells[(england.cells.indicator == key) & (england.cells.year == year)]
    share = (cells.numerator / cells.denominator)[cells.status == "observed"].dropna()
    share.index = cells.authority[share.index]
    best = set(share.sort_values().index[-round(0.1 * len(share)) :])
    judged = england.inspections[(england.inspections.domain == "overall")]
    judged = judged[judged.start_date.fillna(judged.publication_date) <= "2019-03-31"]
    grade = judged.sort_values("start_date").groupby("authority").grade.last()
    expected = [sum(grade.get(code) == g for code in best) for g in (1, 2, 3, 4)]
    study = ratings_and_outcomes(england, year=year, indicators=[key], replicates=20)
    table = study.tables["crosstab"].query("adjusted_for == 'nothing' and ratings == 'all'").set_index("grade")
    assert table.in_top.reindex(england.grades).tolist() == expected


def test_the_index_is_the_mean_of_the_standardised_outcomes() -> None:
    panel = of_outcomes(np.zeros(AUTHORITIES))
    scores = outcome_scores(panel, KEYS)
    spread = scores.groupby(["indicator", "year"]).score.agg(["mean", "std", "size"])
    np.testing.assert_allclose(spread["mean"], 0.0, atol=1e-12)
    np.testing.assert_allclose(spread["std"] * np.sqrt((spread["size"] - 1) / spread["size"]), 1.0)
    index = outcome_index(scores).set_index(["authority", "year"])["index"]
    one = scores[(scores.authority == panel.authorities.index[5]) & (scores.year == 2022)]
    assert index[one.authority.iloc[0], 2022] == pytest.approx(one.score.mean())


def test_a_rating_counts_from_its_start_and_is_up_to_date_for_two_years() -> None:
    panel = of_outcomes(np.zeros(AUTHORITIES))
    code = panel.authorities.index[0]
    judged = pd.DataFrame(
        {
            "authority": code, "framework": "SIF", "type": "standard",
            "start_date": pd.to_datetime(["2021-04-01", "2024-04-01"]),
            "publication_date": pd.to_datetime(["2021-06-01", "2024-06-01"]), "domain": "overall", "grade": [4, 1],
        }
    )  # fmt: skip
    panel = replace(panel, inspections=judged)
    rows = graded_outcomes(panel, outcome_scores(panel, KEYS)).set_index("year")
    assert rows.index.tolist() == [2022, 2023, 2024, 2025]  # not yet inspected before
    assert rows.grade.tolist() == [4, 4, 4, 1]
    assert rows.up_to_date.tolist() == [True, True, False, True]


# Known answers.


def test_grades_drawn_blindly_show_no_association() -> None:
    found = tables(of_outcomes(np.random.default_rng(2).normal(size=AUTHORITIES)))["association"]
    # an sd of the rank correlation of 120 authorities of 0.09 at most
    assert found.rank_correlation.abs().max() < 0.25
    assert (found.rank_correlation_lower < 0).all()
    assert (found.rank_correlation_upper > 0).all()


def test_grades_that_follow_the_outcomes_show_it_in_every_table() -> None:
    quality = np.random.default_rng(2).normal(size=AUTHORITIES)
    grade = 4 - np.searchsorted(np.quantile(quality, [0.2, 0.55, 0.85]), quality)
    found = tables(of_outcomes(quality, grade=grade))
    assert (found["association"].rank_correlation > 0.7).all()
    assert (found["association"].top_difference < 0).all()
    shares = found["crosstab"].query("adjusted_for == 'nothing' and ratings == 'all'").set_index("grade")
    assert shares.in_top["inadequate"] == 0
    assert shares.top_share["outstanding"] > 0.4
    assert (found["indicators"].rank_correlation > 0.5).all()


def test_an_association_that_is_all_deprivation_goes_with_the_adjustment() -> None:
    base = of_outcomes(np.zeros(AUTHORITIES))
    x = base.authorities.deprivation.to_numpy()
    z = (x - x.mean()) / x.std()
    noisy = z + 0.3 * np.random.default_rng(3).normal(size=AUTHORITIES)
    grade = 1 + np.searchsorted(np.quantile(noisy, [0.15, 0.5, 0.8]), noisy)
    found = tables(of_outcomes(-0.4 * z, grade=grade))["association"].set_index(["adjusted_for", "ratings"])
    assert found.rank_correlation["nothing", "all"] > 0.5
    assert abs(found.rank_correlation["deprivation", "all"]) < 0.2


def test_the_order_of_authorities_changes_nothing() -> None:
    panel = of_outcomes(np.random.default_rng(2).normal(size=AUTHORITIES))
    rng = np.random.default_rng(1)
    shuffled = replace(
        panel,
        cells=panel.cells.iloc[rng.permutation(len(panel.cells))],
        inspections=panel.inspections.iloc[rng.permutation(len(panel.inspections))],
        authorities=panel.authorities.iloc[rng.permutation(len(panel.authorities))],
    )
    for rows in (crosstab, association):
        one, other = (
            rows(p, graded_outcomes(p, outcome_scores(p, KEYS)), seed=1, replicates=20) for p in (panel, shuffled)
        )
        pd.testing.assert_frame_equal(one, other)


# England.


def test_in_england_inadequate_authorities_are_not_as_likely_to_be_at_the_top_once_both_gaps_are_closed(
    england: Panel,
) -> None:
    study = ratings_and_outcomes(england, replicates=300)
    found = study.tables["association"].set_index(["adjusted_for", "ratings"])
    assert found.top_difference_upper["deprivation", "up to date"] < 0
    assert found.top_difference_upper["nothing", "all"] > 0
    assert 0.0 < found.rank_correlation["deprivation", "up to date"] < 0.25
    assert "correlation" not in study.tables
    assert study.about["model"] is None


def test_a_panel_without_outcomes_and_a_year_without_any_are_told(england: Panel) -> None:
    with pytest.raises(UsageError, match="panel England: none of the outcomes happiness; name others"):
        ratings_and_outcomes(england, indicators=["happiness"])
    with pytest.raises(UsageError, match="no outcomes of 1999; expected 2014 to 2025"):
        ratings_and_outcomes(england, year=1999)


def of_a_fit(*, passed: bool) -> DimensionFit:
    row = {
        "correlation": 0.2, "correlation_lower": 0.1, "correlation_upper": 0.3, "sd": 0.06, "p_positive": 1.0,
        "mcse": 0.004, "rhat": 1.01 if passed else 1.5, "divergences": 0, "draws": 160,
    }  # fmt: skip
    loadings = pd.DataFrame({"indicator": ["a", "b"], "dimension": [1, 2], "mean": [0.9, 0.4], "sd": [0.1, 0.1]})
    return DimensionFit(pd.DataFrame([row]), loadings, passed)


@pytest.mark.parametrize("passed", [True, False])
def test_a_failed_preview_says_so_and_exits_with_4(
    passed: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fitted = of_a_fit(passed=passed)
    monkeypatch.setattr("bayes_csc.evaluation.studies.ratings_and_outcomes.dimension_fit", lambda *_, **__: fitted)
    code = command("study", "ratings-and-outcomes", "--replicates", 5, "--json")
    content = json.loads(capsys.readouterr().out)
    assert content["tables"]["correlation"][0]["correlation"] == 0.2
    assert content["about"]["spec"] == "two dimensions"
    assert any("correlates 0.20 with what the outcomes share (89% interval 0.10 to 0.30" in w for w in content["words"])
    assert any("shows most in b (0.40)" in w for w in content["words"])
    assert any("do not use its correlation" in w for w in content["words"]) == (not passed)
    assert code == (0 if passed else 4)
