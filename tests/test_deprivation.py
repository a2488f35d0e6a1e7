"""Which deprivation score an analysis uses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bayes_csc.deprivation import deprivation_scores
from bayes_csc.design import design
from bayes_csc.errors import SpecError
from bayes_csc.panel import Panel
from bayes_csc.spec import Spec


@pytest.fixture
def towns() -> Panel:
    """Three towns with two editions of a score, of which the youngest has the second only."""
    panel = Panel.read(Path(__file__).parent / "towns")
    rows = [("101", 2015, 10.0), ("102", 2015, 30.0), ("101", 2019, 12.0), ("102", 2019, 28.0), ("103", 2019, 20.0)]
    table = pd.DataFrame(rows, columns=["authority", "year", "value"]).assign(covariate="score", source="made")
    return replace(panel, covariates=table)


def test_the_default_is_the_score_of_the_table_of_authorities(towns: Panel) -> None:
    assert deprivation_scores(towns, "").to_dict() == {"101": 20.5, "102": 15.0, "103": 18.25}
    without = replace(towns, covariates=towns.covariates[:0])
    np.testing.assert_array_equal(design(towns, Spec()).deprivation, design(without, Spec()).deprivation)


def test_an_authority_without_a_figure_in_the_year_has_that_of_the_nearest(towns: Panel) -> None:
    assert deprivation_scores(towns, "score-2019").to_dict() == {"101": 12.0, "102": 28.0, "103": 20.0}
    assert deprivation_scores(towns, "score-2015").to_dict() == {"101": 10.0, "102": 30.0, "103": 20.0}


def test_the_design_standardises_the_score_that_the_spec_names(towns: Panel) -> None:
    laid_out = design(towns, Spec.parse({"pooling": {"deprivation_score": "score-2015"}}))
    found = dict(zip(laid_out.authority, laid_out.deprivation, strict=True))
    expected = np.array([10.0, 30.0, 20.0]) - 20.0
    np.testing.assert_allclose([found[code] for code in ("101", "102", "103")], expected / expected.std())


@pytest.mark.parametrize(
    ("score", "message"),
    [("score-2016", "no 'score-2016' .* found score-2015, score-2019"), ("poverty", "found no such covariate")],
)
def test_a_score_that_the_panel_does_not_have_is_named(towns: Panel, score: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        design(towns, Spec.parse({"pooling": {"deprivation_score": score}}))
