"""What follows a judgement of the worst grade: counted by hand, in the model's mean, and found again."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from panels_with_feedback import FLAGGED, TIMED, flagged, followed
from paths import PANELS

from bayes_csc.errors import UsageError
from bayes_csc.evaluation.studies.post_inspection import changes, post_inspection, verdict, with_activity
from bayes_csc.inference.posterior_mode import find_start
from bayes_csc.likelihood.density import compile_density
from bayes_csc.measurement.design import design
from bayes_csc.measurement.judgements.post_inspection import after_worst, overlap
from bayes_csc.panel.indicators import Indicator, indicator_toml, read_indicator
from bayes_csc.panel.panel import Panel
from bayes_csc.spec import Spec
from bayes_csc_models.trajectory import from_design

HAMLETS = PANELS / "hamlets"
EFFECT = 0.6


@pytest.fixture(scope="module")
def panel() -> Panel:
    return followed(authorities=60, effect=EFFECT, seed=3)


def test_a_flag_of_the_dictionary_is_read_and_written_and_absent_by_default() -> None:
    indicator = Panel.read(HAMLETS).indicators["late"]
    assert not indicator.post_inspection
    assert "post_inspection" not in indicator_toml(indicator)
    table = {k: v for k, v in dataclasses.asdict(indicator).items() if k != "key" and v is not None}
    again, problems = read_indicator("late", table | {"post_inspection": True}, "here")
    assert not problems
    assert again == dataclasses.replace(indicator, post_inspection=True)
    assert isinstance(again, Indicator)
    assert "post_inspection = true" in indicator_toml(again)
    _, problems = read_indicator("late", table | {"post_inspection": 1}, "here")
    assert problems == ["here: [indicator.late]: post_inspection must be true or false, found 1"]


def test_the_part_of_a_year_or_day_within_two_years_after_the_worst_grade() -> None:
    panel = Panel.read(HAMLETS)
    rows = pd.DataFrame({"unit": "401", "indicator": "late", "year": [2019, 2020, 2021, 2022]})
    # inadequate on 3 February 2020; figures of 31 March
    np.testing.assert_array_equal(after_worst(panel, rows, {"late"}), [0.0, 1.0, 1.0, 0.0])
    # of the year to that day: that to March 2020 has 58 days from the inspection on, of 366
    year = panel.cells.assign(reference_start=panel.cells.reference_end - pd.DateOffset(years=1, days=-1))
    panel = dataclasses.replace(panel, cells=year)
    found = after_worst(panel, rows, {"late"})
    np.testing.assert_allclose(found[:3], [0.0, 58 / 366, 1.0])
    # the two years end on 2 or 3 February 2022
    np.testing.assert_allclose(found[3], (365 - 57) / 365, atol=1.5 / 365)
    assert not after_worst(panel, rows, set()).any()


def test_windows_that_follow_each_other_count_once() -> None:
    panel = Panel.read(HAMLETS)  # 404 is inadequate on 3 February 2020 and, within two years, on 17 January 2022
    rows = pd.DataFrame({"unit": "404", "indicator": "late", "year": [2021, 2022]})
    np.testing.assert_allclose(after_worst(panel, rows, {"late"}), 1.0)
    assert overlap(np.array([[0.0, 1.0], [1.0, 3.0]]), 0.0, 2.0) == 1.0


def test_a_panel_without_flags_has_neither_the_effect_nor_its_column(panel: Panel) -> None:
    d = design(flagged(panel), Spec())
    assert d.post_inspection == ()
    assert "after_worst" not in d.observation


@pytest.mark.usefixtures("interpreted")
def test_an_effect_put_into_the_counts_is_found_again(panel: Panel) -> None:
    d = design(panel, TIMED)
    assert (d.observation.after_worst > 0).sum() > 20
    start = find_start(compile_density(from_design(d, TIMED)), d, cores=2)
    at = start.density.names.free["post_inspection_effect"].start
    sd = float(np.linalg.norm(start.coordinates.factor[at]))
    assert abs(start.coordinates.centre[at]) > 3.0 * sd
    assert abs(start.coordinates.centre[at] - EFFECT) < 3.0 * sd
    # as counted it is less: the mean of all authorities, which is taken off, has some of it
    found = changes(panel, (FLAGGED,), seed=1, replicates=100).iloc[0]
    assert 0.5 * EFFECT < found.change_lower < found.change < EFFECT


def test_the_change_is_that_of_the_authority_less_that_of_all() -> None:
    panel = Panel.read(HAMLETS)
    cells = panel.cells[panel.cells.indicator == "late"].copy()
    cells["status"], cells["denominator"] = "observed", 1000.0
    # one authority's odds double after its judgement of 3 February 2020
    judged = panel.inspections[(panel.inspections.authority == "401") & (panel.inspections.grade == 4)]
    double = cells.authority.eq("401") & cells.year.ge(2020)
    cells["numerator"] = np.where(double, 1000.5 * 2 / 3 - 0.5 / 3, 500.0)
    panel = dataclasses.replace(panel, cells=cells, inspections=judged)
    found = changes(panel, ("late",), seed=1, replicates=20).iloc[0]
    assert found.authorities == 1
    logit = np.log((cells.numerator + 0.5) / (1000.5 - cells.numerator))
    own = logit - logit.groupby(cells.year).transform("mean")
    mine = pd.Series(own[cells.authority.eq("401")].to_numpy(), cells.year[cells.authority.eq("401")])
    assert found.change == pytest.approx((mine[2020] + mine[2021]) / 2 - mine[2019])


@pytest.mark.parametrize(
    ("key", "lower", "upper", "expected"),
    [
        ("section_47_rate", 0.01, 0.2, "reproduced"),
        ("section_47_rate", -0.2, -0.1, "contradicted"),
        ("plan_rate", -0.1, 0.2, "cannot tell"),
        ("referral_rate", 0.1, 0.2, "no sign stated"),
    ],
)
def test_the_verdict_says_whether_the_interval_is_on_the_stated_side(
    key: str, lower: float, upper: float, expected: str
) -> None:
    assert verdict(key, lower, upper) == expected


def test_the_study_takes_the_flagged_indicators_or_those_of_activity_and_refuses_others(shipped: Panel) -> None:
    spec = with_activity(shipped, Spec(), ("section_47_rate",))
    assert spec.indicators[-1] == "section_47_rate"
    study = post_inspection(flagged(shipped, "referral_rate"), replicates=20)
    assert study.tables["changes"].indicator.tolist() == ["referral_rate"]
    assert post_inspection(shipped, replicates=20).about["indicators"][:2] == ["in_need_rate", "referral_rate"]
    with pytest.raises(UsageError, match="no indicator wrong"):
        post_inspection(shipped, indicators=("wrong",))
    with pytest.raises(UsageError, match="no indicator of activity"):
        post_inspection(Panel.read(HAMLETS))
