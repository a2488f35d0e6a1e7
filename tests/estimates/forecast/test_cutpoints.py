"""The scales of the next inspection, read off draws of either form of the model."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fabricated_draws import DRAWS, made_up, values
from paths import PANELS

from bayes_csc.errors import DataError
from bayes_csc.estimates.forecast.cutpoints import GradeScales, latest_items
from bayes_csc.panel.panel import Panel

SUB = ("children_looked_after", "help_and_protection", "leadership")
SCALES = ("SIF:overall", "ILACS:overall", *(f"ILACS:{d}" for d in SUB), "ILACS:both")


@pytest.fixture(scope="module")
def hamlets() -> Panel:
    return Panel.read(PANELS / "hamlets")


def judged(panel: Panel, *domains: str) -> Panel:
    """The panel with one later inspection of these domains."""
    row = panel.inspections.iloc[-1:]
    day = pd.Timestamp("2022-06-01")
    more = pd.concat([row.assign(start_date=day, publication_date=day, domain=d) for d in domains])
    return dataclasses.replace(panel, inspections=pd.concat([panel.inspections, more], ignore_index=True))


@pytest.fixture
def several() -> Any:
    rng = np.random.default_rng(1)
    variables = {
        "judgement_loading": rng.uniform(0.5, 1.5, (DRAWS, 4)),
        "cutpoints": np.sort(rng.normal(size=(DRAWS, len(SCALES), 3))),
        "inspection_sd": rng.uniform(0.5, 1.0, DRAWS),
        "standard": rng.normal(size=(DRAWS, 5)),
    }
    dims = {"cutpoints": ("scale", "cutpoint"), "judgement_loading": ("judged",)}
    return made_up(variables, dims, {"scale": list(SCALES), "judged": [*SUB, "overall"]})


@pytest.fixture
def one() -> Any:
    rng = np.random.default_rng(2)
    variables = {
        "judgement_loading": rng.uniform(0.5, 1.5, (DRAWS, 1)),
        "cutpoints": np.sort(rng.normal(size=(DRAWS, 2, 3))),
        "standard": rng.normal(size=(DRAWS, 5)),
    }
    dims = {"cutpoints": ("scale", "cutpoint"), "judgement_loading": ("judged",)}
    return made_up(variables, dims, {"scale": ["SIF:overall", "ILACS:overall"], "judged": ["overall"]})


def test_a_model_of_overall_grades_has_one_item_and_the_latest_framework(one: Any, hamlets: Panel) -> None:
    found = GradeScales.of(one, hamlets)
    assert found.item == ("overall",)
    np.testing.assert_array_equal(found.loading, values(one, "judgement_loading"))
    np.testing.assert_array_equal(found.cutpoints[:, 0, 0], values(one, "cutpoints")[:, 1])
    assert (found.inspection_sd == 0.0).all()


def test_sub_judgements_have_their_own_scales_and_loadings_in_the_order_of_the_items(
    several: Any, hamlets: Panel
) -> None:
    found = GradeScales.of(several, judged(hamlets, "overall", "leadership", "children_looked_after", "adoption"))
    assert found.item == ("children_looked_after", "leadership")  # the model knows no adoption
    np.testing.assert_array_equal(found.loading, values(several, "judgement_loading")[:, [0, 2]])
    np.testing.assert_array_equal(found.cutpoints[:, :, 0], values(several, "cutpoints")[:, [2, 4]])
    np.testing.assert_array_equal(found.inspection_sd, values(several, "inspection_sd")[:, None].repeat(2, axis=1))


def test_an_inspection_s_effect_may_have_an_sd_of_each_domain(several: Any, hamlets: Panel) -> None:
    given = dict(zip(several.density.names.variable, several.density.expand(np.zeros(1)), strict=True))
    variables = {name: values(several, name) for name in given}
    variables["inspection_sd"] = np.random.default_rng(3).uniform(0.5, 1.0, (DRAWS, 4))
    names = several.density.names
    shared = made_up(variables, names.dims, names.coords)
    found = GradeScales.of(shared, judged(hamlets, "leadership", "children_looked_after"))
    np.testing.assert_array_equal(found.inspection_sd, variables["inspection_sd"][:, [0, 2]])


def test_a_domain_may_have_the_loading_of_another(several: Any, hamlets: Panel) -> None:
    panel = judged(hamlets, "both", "leadership")
    found = GradeScales.of(several, dataclasses.replace(panel, sub_judgements={"both": "children_looked_after"}))
    np.testing.assert_array_equal(found.loading, values(several, "judgement_loading")[:, [0, 2]])
    with pytest.raises(DataError, match="no loading of both; the model has those of children_looked_after"):
        GradeScales.of(several, panel)


def test_the_overall_grade_is_an_item_where_it_is_all_there_is(several: Any, hamlets: Panel) -> None:
    assert latest_items(hamlets, SCALES) == ("ILACS", ("overall",))
    assert GradeScales.of(several, hamlets).item == ("overall",)


def test_an_unknown_framework_is_the_latest_one_shifted_by_as_much_for_all_items(several: Any, hamlets: Panel) -> None:
    panel = judged(hamlets, "leadership", "children_looked_after")
    known, new = (GradeScales.of(several, panel, framework=f, shift_sd=0.5) for f in ("SIF", "next"))
    latest = GradeScales.of(several, panel)
    np.testing.assert_array_equal(known.cutpoints, latest.cutpoints)
    shift = new.cutpoints - latest.cutpoints
    np.testing.assert_allclose(shift, np.broadcast_to(shift[:, :1, :1, :1], shift.shape), atol=1e-12)
    assert 0.1 < shift[:, 0, 0, 0].std() < 1.2


def test_some_draws_are_those_draws(several: Any, hamlets: Panel) -> None:
    found = GradeScales.of(several, hamlets)
    part = found.at(slice(None, None, 3))
    np.testing.assert_array_equal(part.cutpoints, found.cutpoints[::3])
    np.testing.assert_array_equal(part.standard, found.standard[::3])
