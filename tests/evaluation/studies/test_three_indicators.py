"""The three-indicator model: against another implementation, counts by hand, and panels whose answer is known."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from paths import PANELS
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from bayes_csc.errors import UsageError
from bayes_csc.evaluation.studies.classification import area_under_curve, flags, log_score, performance
from bayes_csc.evaluation.studies.inspected import known_at_start, overall_inspections, share_vintages
from bayes_csc.evaluation.studies.three_indicators import (
    FIRST,
    LATER,
    earlier_to_later,
    leave_one_authority_out,
    model_data,
    three_indicators,
)
from bayes_csc.panel.panel import Panel

INDICATORS = ["on_time", "re_referral", "agency"]


@pytest.fixture(scope="module")
def england(root: Path) -> Panel:
    return Panel.read(root / "data" / "england")


@pytest.fixture(scope="module")
def complete(england: Panel) -> pd.DataFrame:
    data = model_data(england, "conference")
    return data[data.complete].reset_index(drop=True)


def changed_after(panel: Panel, day: str) -> Panel:
    """The panel with every count that was published after a day turned round, and every grade."""
    cells = panel.cells.copy()
    late = cells.publication_date > pd.Timestamp(day)
    cells.loc[late, "numerator"] = (cells.denominator - cells.numerator).where(late)[late]
    judged = panel.inspections.copy()
    late = judged.publication_date > pd.Timestamp(day)
    judged.loc[late, "grade"] = 5 - judged.grade[late]
    return replace(panel, cells=cells, inspections=judged)


# What was known.


def test_what_is_published_after_a_start_changes_nothing_of_what_was_known_at_it(england: Panel) -> None:
    day = "2019-06-30"
    before, after = (model_data(p, "conference") for p in (england, changed_after(england, day)))
    early = (before["sample"] == LATER) & (before.start <= pd.Timestamp(day))
    assert early.sum() > 80
    pd.testing.assert_frame_equal(before.loc[early, INDICATORS], after.loc[early, INDICATORS])
    late = (before["sample"] == LATER) & (before.start > pd.Timestamp("2020-06-30"))
    assert (before.loc[late, "agency"] != after.loc[late, "agency"]).mean() > 0.9


def test_predictions_from_earlier_inspections_do_not_change_with_later_ones(england: Panel) -> None:
    changed = changed_after(england, "2019-12-31")
    made = []
    for panel in (england, changed):
        data = model_data(panel, "conference")
        rows = data[data.complete].reset_index(drop=True)
        made.append(rows.assign(**earlier_to_later(rows)).query("start <= '2019-12-31'"))
    assert made[0].p.notna().sum() > 90
    pd.testing.assert_series_equal(made[0].p, made[1].p)


def test_in_the_studys_years_agency_is_the_first_census_known_only_afterwards(england: Panel) -> None:
    data = model_data(england, "assessment")
    first, later = data[(data["sample"] == FIRST) & data.agency.notna()], data[data["sample"] == LATER]
    assert len(first) == 81
    assert first.start.max() <= pd.Timestamp("2015-12-31") < later.start.min()
    assert first.agency_after.all()
    assert not later[[f"{name}_after" for name in INDICATORS]].any(axis=None)
    census = share_vintages(england, ["agency"]).query("year == 2015").set_index("authority").share
    np.testing.assert_array_equal(first.agency, first.authority.map(census))


def test_a_figure_too_old_is_none_and_a_wide_interval_has_no_middle(england: Panel) -> None:
    inspections = overall_inspections(england).query("start > '2019-01-01'").head(5).reset_index(drop=True)
    ends = england.cells.publication_date <= pd.Timestamp("2014-12-31")
    old = replace(england, cells=england.cells[ends], revisions=england.revisions.iloc[:0])
    keys = {"re_referral": ("re_referral",)}
    assert known_at_start(inspections, old, keys, first_if_none=inspections.start.isna()).re_referral.isna().all()
    cells = england.cells[england.cells.indicator == "re_referral"].head(2).copy()
    cells["status"], cells["numerator"], cells["denominator"] = "suppressed", np.nan, [50.0, 49.0]
    cells["lower"], cells["upper"] = 0.0, 5.0
    vintages = share_vintages(replace(england, cells=cells, revisions=england.revisions.iloc[:0]), ["re_referral"])
    assert vintages.share.tolist() == [0.05]


# The fits.


def test_predictions_are_those_of_another_implementation(complete: pd.DataFrame) -> None:
    rows = complete[complete["sample"] == LATER].iloc[:150].reset_index(drop=True)
    out = leave_one_authority_out(rows)
    for authority in rows.authority.unique()[:5]:
        own = (rows.authority == authority).to_numpy()
        other = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000).fit(
            rows.loc[~own, INDICATORS], rows.inadequate[~own]
        )
        expected = other.predict_proba(rows.loc[own, INDICATORS])[:, 1]
        np.testing.assert_allclose(out.p[own], expected, atol=2e-4)
        assert out.base[own].to_numpy() == pytest.approx(rows.inadequate[~own].mean())


def test_a_known_model_is_recovered_and_out_of_sample_is_no_better_than_in_sample(complete: pd.DataFrame) -> None:
    rng = np.random.default_rng(2)
    n = 4000
    rows = pd.DataFrame(rng.uniform(0.0, 0.5, (n, 3)), columns=INDICATORS)
    chance = expit(-1.0 - 4.0 * rows.on_time + 3.0 * rows.re_referral + 6.0 * rows.agency)
    rows = rows.assign(
        authority=(np.arange(n) // 2).astype(str), inadequate=rng.random(n) < chance, p=np.nan,
        start=pd.Timestamp("2020-01-01") + pd.to_timedelta(np.arange(n) % 700, unit="D"),
    )  # fmt: skip
    rows["publication"] = rows.start + pd.Timedelta(days=60)
    onward = earlier_to_later(rows)
    assert onward.p[rows.start < "2021-01-01"].isna().all()  # nothing came before
    known = onward.p.notna()
    # a fit to some 1,700 cases: its probabilities are off by a root mean square of sqrt(4 / 1700) sd of a case at most
    assert np.sqrt(((onward.p - chance)[known] ** 2).mean()) < 0.05


# Its scores.


def test_the_area_is_that_of_another_implementation_with_ties() -> None:
    rng = np.random.default_rng(4)
    for _ in range(20):
        event, p = rng.random(50) < 0.3, rng.integers(0, 12, 50) / 12
        assert area_under_curve(event, p) == pytest.approx(roc_auc_score(event, p), abs=1e-12)
    assert np.isnan(area_under_curve(np.zeros(3, bool), np.ones(3)))


def test_flags_and_shares_are_those_counted_by_hand() -> None:
    event = np.array([True, True, False, False, False])
    p, base = np.array([0.9, 0.3, 0.6, 0.35, 0.1]), np.full(5, 0.4)
    found = flags(p, base, event)
    assert found["above 1/2"].tolist() == [True, False, True, False, False]
    assert found["as many as events"].tolist() == [True, False, True, False, False]
    rows = pd.DataFrame({"authority": list("abcde"), "p": p, "base": base, "inadequate": event})
    table = performance(rows, "inadequate", seed=1, replicates=10).set_index("rule")
    row = table.loc["above base rate"]
    assert (row.flagged, row.caught, row.false_positives) == (2, 1, 1)
    assert (row.sensitivity, row.false_share) == (0.5, 0.5)
    assert row.false_positive_rate == pytest.approx(1 / 3)
    assert row.auc == pytest.approx(4 / 6)
    by_hand = np.log([0.9, 0.3, 0.4, 0.65, 0.9]).mean() - np.log([0.4, 0.4, 0.6, 0.6, 0.6]).mean()
    assert row.log_score_gain == pytest.approx(by_hand)
    assert log_score(np.array([True]), np.array([0.0])) == pytest.approx(np.log(1e-6))


# On England.


@pytest.fixture(scope="module")
def study(england: Panel) -> dict[str, pd.DataFrame]:
    found = three_indicators(england, replicates=20)
    content = json.loads(found.to_json())
    assert {name: len(rows) for name, rows in content["tables"].items()} == {k: len(t) for k, t in found.tables.items()}
    return dict(found.tables)


def test_the_counts_of_england_are_the_published_ones(study: dict[str, pd.DataFrame]) -> None:
    # the panel's overall judgements counted by hand: 84 inspections started by the end of 2015, 22 of them inadequate;
    # with the first census, 21
    samples = study["samples"].set_index(["sample", "timeliness"])
    assert samples.loc[(FIRST, "conference"), ["inspections", "inadequate"]].tolist() == [84, 22]
    assert samples.loc[(LATER, "conference"), ["inspections", "inadequate"]].tolist() == [383, 53]
    table = study["performance"].set_index(["sample", "timeliness", "predicted", "rule"])
    within = table.loc[(FIRST, "assessment", "in sample", "above base rate")]
    assert (within.caught, within.events, within.false_positives) == (15, 21, 13)
    assert table.loc[(FIRST, "assessment", "in sample", "above 1/2")].caught == 6


def test_the_model_does_worse_out_of_sample_and_in_later_years(study: dict[str, pd.DataFrame]) -> None:
    auc = study["performance"].drop_duplicates(["sample", "timeliness", "predicted"])
    auc = auc.set_index(["sample", "timeliness", "predicted"]).auc
    for timeliness in ("assessment", "conference"):
        assert auc[FIRST, timeliness, "in sample"] > auc[FIRST, timeliness, "leave one out"]
        assert auc[FIRST, timeliness, "in sample"] > auc[LATER, timeliness, "in sample"]


def test_the_order_of_authorities_changes_nothing(england: Panel) -> None:
    rng = np.random.default_rng(1)
    some = england.inspections.authority.isin(england.authorities.index[::3])  # enough, and quick
    england = replace(england, inspections=england.inspections[some])
    shuffled = replace(
        england,
        cells=england.cells.iloc[rng.permutation(len(england.cells))],
        inspections=england.inspections.iloc[rng.permutation(len(england.inspections))],
        authorities=england.authorities.iloc[rng.permutation(len(england.authorities))],
    )
    one, other = (three_indicators(panel, replicates=5).tables["performance"] for panel in (england, shuffled))
    pd.testing.assert_frame_equal(one, other, rtol=1e-6)


def test_a_panel_without_the_indicators_is_told_what_the_study_needs() -> None:
    hamlets = Panel.read(PANELS / "hamlets")
    with pytest.raises(UsageError, match="panel Hamlets: no indicator assessment_within_45_days, conference_within_15"):
        three_indicators(hamlets)
