"""Plans: read, expanded, crossed, and refused whole with every problem named."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sensitivity_base import hamlets

from bayes_csc.errors import SpecError
from bayes_csc.evaluation.sensitivity.plan.expand import Expanded, expand
from bayes_csc.evaluation.sensitivity.plan.neighbours import neighbour_groups
from bayes_csc.evaluation.sensitivity.plan.panel_change import changed_panel
from bayes_csc.evaluation.sensitivity.plan.plan import PanelChange, Plan
from bayes_csc.measurement.design import design
from bayes_csc.panel.geography import codes_of
from bayes_csc.panel.panel import Panel
from bayes_csc.spec import Spec
from bayes_csc_models.plans import default_plan


def variant(name: str, **changes: Any) -> dict[str, Any]:
    return {"name": name, "choice": "some", **changes}


@pytest.fixture(scope="module")
def england(shipped: Panel) -> Expanded:
    return expand(Plan.read(default_plan()), shipped, Spec())


def test_the_default_plan_has_at_least_sixty_different_variants_of_england(england: Expanded) -> None:
    said = {(v.spec.model_dump_json(), v.panel, v.question, v.depth, v.seed) for v in england.variants}
    assert len(said) == len(england.variants) >= 60
    nothing = "it changes nothing of the base; leave it out, or say what differs"
    assert england.left_out == {"trend random walk": nothing, "sub-judgements": nothing}


def test_the_default_plan_covers_every_choice_that_it_is_asked_for(england: Expanded) -> None:
    choices = {v.choice for v in england.variants}
    assert choices >= {
        "indicators", "domains", "years", "regions", "loadings", "trend", "deviations", "pooling", "deprivation",
        "overdispersion", "suppressed cells", "ratings", "authorities", "epsilon", "anchor", "horizon",
    }  # fmt: skip
    assert sum(choice.startswith("prior: ") for choice in choices) == 16


def test_the_default_plan_can_be_asked_of_a_panel_that_lacks_much_of_it() -> None:
    found = expand(Plan.read(default_plan()), hamlets(), Spec())
    assert len(found.variants) > 50
    assert "deprivation of 2015" in found.left_out


def test_every_problem_of_a_plan_is_told_at_once() -> None:
    values = {
        "scales": {"priors": ["pooling.regoin_sd"]},
        "variant": [
            variant("a", spec={"drop": ["agencey"]}),
            variant("a", spec={"trend": {"kind": "AR(1)"}}),
            variant("b", spec={"loadings": {"agred": "normal"}, "trend": {"kind": "spline"}}),
            variant("c", panel={"drop_years": [1999]}),
            variant("d", spec={"ratings": {"use": False, "judgements": "overall"}}),
            variant("e", spec={"pooling": {"deprivation": False, "deprivation_form": "spline"}}),
            variant("f"),
            variant("g", panel={"drop_regions": ["Nrth"]}, depth="reweight"),
            variant("base", spec={"trend": {"kind": "AR(1)"}}),
        ],
        "cross": [{"of": [["a"], ["bb"]]}],
    }
    with pytest.raises(SpecError, match=r"pooling\.regoin_sd") as refused:
        expand(Plan.parse(values), hamlets(), Spec())
    said = str(refused.value).split("\n")
    for part in (
        "no number 'pooling.regoin_sd' in a spec; did you mean 'pooling.region_sd'?",
        "two variants are called 'a'",
        "no variant may be called 'base'",
        "cross: no variant 'bb'",
        "variant 'a': no indicator 'agencey' in the panel; did you mean 'agency'?",
        "variant 'b': spec: unknown key 'loadings.agred'",
        "variant 'b': spec: trend.kind",
        "variant 'c': no year 1999 in the panel; it has",
        "variant 'd': ratings.use is false",
        "variant 'e': pooling.deprivation is false",
        "variant 'f': it changes nothing of the base",
        "variant 'g': no region 'Nrth' in the panel; did you mean 'North'?",
        "variant 'g': only another prior can be had by reweighting",
    ):
        assert any(part in line for line in said), part
    assert all(line.startswith("plan plan: ") for line in said)


def test_unknown_keys_and_wrong_types_are_told_at_once_with_the_nearest_name(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text(
        '[rule]\ntreshold = 0.5\n[leave_out]\nyears = "some"\n'
        '[[variant]]\nname = "x"\nchoice = "y"\npanel = { drop_year = [2020] }\n'
    )
    with pytest.raises(SpecError, match="treshold") as refused:
        Plan.read(path)
    said = str(refused.value)
    assert "unknown key 'rule.treshold'; did you mean 'threshold'?" in said
    assert "leave_out.years" in said
    assert "unknown key 'variant.x.panel.drop_year'; did you mean 'drop_years'?" in said


@pytest.mark.parametrize(("text", "message"), [(None, "no such plan"), ("variant = [", "not valid TOML")])
def test_a_plan_that_cannot_be_read_says_so(text: str | None, message: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "p.toml").write_text(text)
    with pytest.raises(SpecError, match=message):
        Plan.read(tmp_path / "p.toml")


def test_a_cross_combines_its_variants_and_refuses_two_values_of_one_key() -> None:
    values = {
        "variant": [
            variant("ar", spec={"trend": {"kind": "AR(1)"}}),
            variant("line", spec={"trend": {"kind": "straight line"}}),
            variant("free", choice="loadings", spec={"loadings": {"agreed": "normal"}}),
        ],
        "cross": [{"of": [["ar", "line"], ["free"]]}],
    }
    found = {v.name: v for v in expand(Plan.parse(values), hamlets(), Spec()).variants}
    both = found["line + free"].spec
    assert (both.trend.kind, both.loadings.agreed) == ("straight line", "normal")
    values["cross"] = [{"of": [["ar"], ["line"]]}]
    with pytest.raises(SpecError, match=r"ar \+ line: both change trend.kind"):
        expand(Plan.parse(values), hamlets(), Spec())


# Changes of the data.


def test_a_year_left_out_leaves_the_grid_and_now_as_they_were(shipped: Panel) -> None:
    last = int(shipped.cells["year"].max())
    whole, part = (design(p, Spec()) for p in (shipped, changed_panel(shipped, PanelChange(drop_years=(last,)))))
    assert (part.now, part.year.tolist(), part.authority) == (whole.now, whole.year.tolist(), whole.authority)
    cells = [d.observation[d.observation["indicator"] != "judgement"] for d in (whole, part)]
    assert len(cells[1]) == int((cells[0]["year"] != last).sum()) > 0


def test_authorities_left_out_take_their_data_with_them_and_those_they_are_linked_to(shipped: Panel) -> None:
    change = PanelChange(drop_regions=("South West",), smallest_population=25000)
    left = changed_panel(shipped, change)
    table = shipped.authorities
    gone = set(table.index) - set(left.authorities.index)
    assert gone >= set(table.index[table["region"] == "South West"])
    for rows in (left.cells, left.inspections, left.covariates):
        assert not {code for unit in rows["authority"].unique() for code in codes_of(unit)} & gone
    assert design(left, Spec()).authority  # no successor is without its predecessors


def test_without_joint_returns_no_unit_is_joint_and_nobody_is_lost(shipped: Panel) -> None:
    left = changed_panel(shipped, PanelChange(drop_joint_returns=True))
    assert not left.cells["authority"].str.contains("+", regex=False).any()
    assert len(left.authorities) == len(shipped.authorities)


def test_neighbour_groups_part_the_authorities_and_hold_more_neighbours_than_regions_do(shipped: Panel) -> None:
    groups = neighbour_groups(shipped.authorities, 9)
    assert groups.nunique() == 9
    assert groups.index.equals(shipped.authorities.index)

    def within(label: pd.Series) -> float:
        near = shipped.authorities["neighbours"].fillna("").str.split()
        return float(np.mean([label[a] == label[b] for a, others in near.items() for b in others if b in label]))

    assert within(groups) > within(shipped.authorities["region"])


def test_the_default_plan_is_toml_that_names_what_it_is() -> None:
    assert tomllib.loads(default_plan().read_text(encoding="utf-8"))["name"] == "default"
