"""The grade before a judgement, found by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from panels_with_subjudgements import with_sub_judgements
from paths import PANELS

from bayes_csc.estimates.forecast.cutpoints import latest_before
from bayes_csc.measurement.design import design
from bayes_csc.measurement.judgements.previous_grades import NONE, previous_grades
from bayes_csc.measurement.judgements.scales import JUDGEMENT, judgements
from bayes_csc.panel.panel import Panel
from bayes_csc.spec import Spec

PARTS = {"leadership": "leadership", "both": "children", "children": "children", "leavers": "leavers"}
RECORD = [
    ("401", "SIF", "2015-01-10", "2015-03-10", "overall", 4),
    ("401", "SIF", "2015-01-10", "2015-03-10", "leadership", 3),
    ("401", "SIF", "2015-01-10", "2015-03-10", "children", 2),
    ("401", "ILACS", "2018-01-10", "2018-03-10", "overall", 3),
    ("401", "ILACS", "2018-01-10", "2018-03-10", "leadership", 1),
    ("401", "ILACS", "2018-01-10", "2018-03-10", "both", 3),
    ("402", "SIF", "2016-01-10", "2016-03-10", "overall", 2),
    ("402", "SIF", "2016-01-10", "2016-03-10", "other", 4),  # a domain that informs nothing
    ("406", "SIF", "2016-01-10", "2016-03-10", "leadership", 1),
]
EARLIER = [
    ("401", "old", "2011-01-10", "2011-03-10", "overall", 1),
    ("403", "old", "2011-01-10", "2011-03-10", "overall", 4),
    ("404", "old", "2011-01-10", "2011-03-10", "leadership", 2),
    ("404", "old", "2011-01-10", "2011-03-10", "overall", 3),
]


def table(rows: list[tuple[str, str, str, str, str, int]]) -> pd.DataFrame:
    names = ["authority", "framework", "start_date", "publication_date", "domain", "grade"]
    out = pd.DataFrame(rows, columns=names).assign(type="full")
    return out.assign(**{n: pd.to_datetime(out[n]) for n in ("start_date", "publication_date")})


@pytest.fixture(scope="module")
def panel() -> Panel:
    hamlets = Panel.read(PANELS / "hamlets")
    return replace(hamlets, inspections=table(RECORD), earlier_inspections=table(EARLIER), sub_judgements=PARTS)


def before(panel: Panel, authority: str, domain: str, day: str) -> tuple[int, bool, bool]:
    asked = pd.DataFrame({"authority": [authority], "domain": [domain], "day": [pd.Timestamp(day)]})
    found = previous_grades(panel, asked).iloc[0]
    return int(found.previous), bool(found.earlier), bool(found.own)


def test_it_is_the_latest_grade_of_the_same_domain(panel: Panel) -> None:
    assert before(panel, "401", "leadership", "2016-01-01") == (3, False, True)
    assert before(panel, "401", "leadership", "2020-01-01") == (1, False, True)
    assert before(panel, "401", "overall", "2020-01-01") == (3, False, True)


def test_a_domain_that_replaced_another_or_is_part_of_it_is_the_same(panel: Panel) -> None:
    assert before(panel, "401", "both", "2016-01-01") == (2, False, True)
    assert before(panel, "401", "children", "2020-01-01") == (3, False, True)


def test_a_domain_not_judged_before_falls_back_to_the_worst_sub_judgement_of_the_latest_inspection(
    panel: Panel,
) -> None:
    assert before(panel, "401", "leavers", "2016-01-01") == (3, False, False)  # and not to the overall grade, 4
    assert before(panel, "401", "leavers", "2020-01-01") == (3, False, False)


def test_it_falls_back_to_the_overall_grade_where_there_is_no_sub_judgement(panel: Panel) -> None:
    assert before(panel, "402", "leadership", "2020-01-01") == (2, False, False)


def test_what_was_not_published_when_the_inspection_started_is_not_known(panel: Panel) -> None:
    assert before(panel, "401", "leadership", "2018-03-09") == (3, False, True)
    assert before(panel, "401", "leadership", "2018-03-10") == (1, False, True)
    assert before(panel, "402", "overall", "2016-03-09") == (NONE, False, False)


def test_an_inspection_is_not_before_itself(panel: Panel) -> None:
    at_once = panel.inspections.assign(publication_date=panel.inspections.start_date)
    assert before(replace(panel, inspections=at_once), "401", "leadership", "2018-01-10") == (3, False, True)


def test_grades_of_earlier_frameworks_count_and_are_marked(panel: Panel) -> None:
    assert before(panel, "403", "leadership", "2020-01-01") == (4, True, False)
    assert before(panel, "404", "leadership", "2020-01-01") == (2, True, True)
    assert before(panel, "404", "children", "2020-01-01") == (2, True, False)
    assert before(panel, "401", "overall", "2014-01-01") == (1, True, True)
    assert before(panel, "401", "overall", "2016-01-01") == (4, False, True)


def test_without_a_record_and_for_a_successor_there_is_none(panel: Panel) -> None:
    assert before(panel, "405", "overall", "2020-01-01") == (NONE, False, False)
    assert panel.authorities.predecessors["408"] == "406 407"
    assert before(panel, "408", "leadership", "2022-01-01") == (NONE, False, False)


def test_answers_are_in_the_order_and_with_the_index_of_the_questions(panel: Panel) -> None:
    asked = pd.DataFrame(
        {"authority": ["405", "401", "402"], "domain": "overall", "day": pd.Timestamp("2020-01-01")}, index=[7, 3, 5]
    )
    found = previous_grades(panel, asked)
    assert list(found.index) == [7, 3, 5]
    assert found.previous.tolist() == [NONE, 3, 2]
    assert previous_grades(panel, asked.iloc[:0]).empty


def test_the_next_inspection_has_the_grades_of_all_that_is_published(panel: Panel) -> None:
    found = latest_before(panel, ["401", "408"], ["leadership", "leavers"])
    assert found.previous.tolist() == [1, 3, NONE, NONE]
    assert found.own.tolist() == [True, False, False, False]


def test_the_order_of_rows_and_of_authorities_changes_nothing(panel: Panel) -> None:
    turned = replace(
        panel, inspections=panel.inspections[::-1].reset_index(drop=True), authorities=panel.authorities[::-1],
        earlier_inspections=panel.earlier_inspections[::-1].reset_index(drop=True),
    )  # fmt: skip
    asked = pd.DataFrame(
        [(a, d) for a in panel.authorities.index for d in (*PARTS, "overall")], columns=["authority", "domain"]
    ).assign(day=pd.Timestamp("2019-06-01"))
    pd.testing.assert_frame_equal(previous_grades(panel, asked), previous_grades(turned, asked))


def test_the_design_has_the_grade_before_each_judgement() -> None:
    hamlets = with_sub_judgements(Panel.read(PANELS / "hamlets"))
    rows = design(hamlets, Spec.parse({"ratings": {"previous": "effect"}})).observation
    rows = rows[rows.indicator == JUDGEMENT]
    table = hamlets.inspections
    for row in rows[rows.unit.isin(["401", "404"]) & rows.position.between(2020.3, 2020.4)].itertuples():
        # 401 was judged overall alone, 3, in November 2018; 404 never before February 2020
        assert row.previous == (3 if row.unit == "401" else NONE)
    last = rows[(rows.unit == "401") & (rows.position > 2022)].set_index("scale").previous
    mine = table[(table.authority == "401") & (table.start_date == "2020-02-03")].set_index("domain").grade
    assert last["ILACS:leadership"] == mine["leadership"]
    assert last["ILACS:protection"] == mine.get("protection")
    assert not rows.earlier.astype(bool).any()
    plain = judgements(hamlets)
    assert "previous" not in plain
    np.testing.assert_array_equal(plain.grade, judgements(hamlets, previous=True).grade)
