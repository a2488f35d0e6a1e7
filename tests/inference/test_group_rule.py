"""Rules about the judgements of an authority's latest inspection."""

from __future__ import annotations

import dataclasses

import pandas as pd
import pytest
from paths import PANELS

from bayes_csc.errors import UsageError
from bayes_csc.inference.group_rule import chosen_by, is_rule, latest_judgements, parse_rule
from bayes_csc.panel.panel import Panel

GRADES = ("outstanding", "good", "requires improvement", "inadequate")
HAMLETS = PANELS / "hamlets"


@pytest.fixture(scope="module")
def panel() -> Panel:
    """Three hamlets with sub-judgements; the last inspection of Gorse (403) has no overall grade."""
    hamlets = Panel.read(HAMLETS)
    latest = {
        "401": {"overall": 3, "leadership": 3, "help_and_protection": 2},
        "402": {"overall": 2, "leadership": 2, "help_and_protection": 3},
        "403": {"leadership": 4, "help_and_protection": 2},
    }
    day = pd.Timestamp("2022-06-01")
    rows = [
        (code, "ILACS", "full", day, day + pd.Timedelta(days=60), domain, grade)
        for code, judged in latest.items()
        for domain, grade in judged.items()
    ]
    more = pd.DataFrame(rows, columns=hamlets.inspections.columns)
    return dataclasses.replace(hamlets, inspections=pd.concat([hamlets.inspections, more], ignore_index=True))


def test_the_latest_inspection_is_all_that_counts(panel: Panel) -> None:
    found = latest_judgements(panel)
    assert found["403"] == {"leadership": 4, "help_and_protection": 2}  # its overall grade is an earlier inspection's
    assert found["404"] == {"overall": 4}


@pytest.mark.parametrize(
    ("rule", "codes"),
    [
        ("help_and_protection = requires improvement", ["402"]),
        ("Help_and_Protection=Requires  Improvement", ["402"]),
        ("any = requires improvement or worse", ["401", "402", "403"]),
        ("worst = requires improvement", ["401", "402"]),
        ("worst = requires improvement or better", ["401", "402"]),
        ("any = inadequate", ["403"]),  # 404 has no sub-judgement
        ("overall = inadequate", ["404"]),
        ("leadership != good", ["401", "403"]),
        ("leadership != requires improvement or worse", ["402"]),
        ("overall = requires improvement and help_and_protection = good", ["401"]),
        ("any = inadequate or overall = inadequate", ["403", "404"]),
        ("leadership = good or leadership = inadequate and help_and_protection = inadequate", ["402"]),
        ("leadership = requires improvement or worse or leadership = good", ["401", "402", "403"]),
    ],
)
def test_a_rule_chooses_authorities(panel: Panel, rule: str, codes: list[str]) -> None:
    assert is_rule(rule)
    assert chosen_by(rule, panel) == codes


def test_and_binds_tighter_than_or() -> None:
    rule = parse_rule("any = good and worst = good or any = inadequate", ["leadership"], GRADES)
    assert [[c.subject for c in all_of] for all_of in rule] == [["any", "worst"], ["any"]]


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        parse_rule("leader = fine and any >= good or worst good or leadership = good", ["leadership"], GRADES)
    said = str(caught.value).splitlines()
    assert [line.partition(": ")[0] for line in said] == ["--group"] * 4
    assert "'leader = fine': nothing judged is called 'leader'; there are any, worst, leadership" in said[0]
    assert "'leader = fine': no grade 'fine'; the grades are outstanding, good," in said[1]
    assert "'any >= good': '>=' does not say which way" in said[2]
    assert "'worst good': expected SUBJECT = GRADE, found 0 signs" in said[3]


@pytest.mark.parametrize("text", ["requires improvement", "all", "401, 402", "Elm, Parish of"])
def test_what_has_no_sign_is_no_rule(text: str) -> None:
    assert not is_rule(text)
