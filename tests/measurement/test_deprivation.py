"""Which deprivation score an analysis uses."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import pandas as pd
import pymc as pm
import pytest
from interpreted_density import MODE
from paths import PANELS

from bayes_csc.errors import DataError, SpecError
from bayes_csc.measurement.deprivation import deprivation_path, deprivation_scores
from bayes_csc.measurement.design import design
from bayes_csc.panel.panel import Panel
from bayes_csc.spec import Spec
from bayes_csc_models.trajectory import from_design, latent_prior


@pytest.fixture
def towns() -> Panel:
    """Three towns with two editions of a score, of which the youngest has the second only."""
    panel = Panel.read(PANELS / "towns")
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


# A path.


@pytest.fixture
def recent(towns: Panel) -> Panel:
    """The same towns with editions of 2021 and 2025, the years of their figures."""
    return replace(
        towns, covariates=towns.covariates.assign(year=towns.covariates["year"].map({2015: 2021, 2019: 2025}))
    )


PATH = Spec.parse({"pooling": {"deprivation_score": "score"}})
YEARS = np.arange(2013, 2023)


def test_a_path_is_linear_between_the_editions_and_constant_beyond_them(towns: Panel) -> None:
    path = deprivation_path(towns, "score", YEARS)
    assert path.loc["101"].tolist() == [10.0, 10.0, 10.0, 10.5, 11.0, 11.5, 12.0, 12.0, 12.0, 12.0]
    assert path.loc["102", [2015, 2016, 2019]].tolist() == [30.0, 29.5, 28.0]
    assert path.loc["103"].tolist() == [20.0] * 10  # it has one edition
    for edition in (2015, 2019):
        fixed = deprivation_scores(towns, f"score-{edition}")
        pd.testing.assert_series_equal(path[edition], fixed, check_names=False)


def test_a_path_has_mean_zero_and_variance_one_over_the_authorities_and_the_window(recent: Panel) -> None:
    d = design(recent, PATH)
    assert d.deprivation.shape == (len(d.authority), d.year.size)
    within = d.deprivation[:, d.window]
    assert within.mean() == pytest.approx(0.0, abs=1e-12)
    assert within.std() == pytest.approx(1.0)
    raw = deprivation_path(recent, "score", d.year).loc[list(d.authority)].to_numpy()
    np.testing.assert_allclose(np.diff(d.deprivation) * raw[:, d.window].std(), np.diff(raw), atol=1e-12)


def test_an_observation_has_the_score_of_its_own_instant(recent: Panel) -> None:
    d = design(recent, PATH)
    rows = d.observation
    alone = rows["members"].map(len).to_numpy() == 1
    expected = [
        np.interp(at, d.year, d.deprivation[members[0]])
        for at, members in zip(rows["position"][alone], rows["members"][alone], strict=True)
    ]
    np.testing.assert_allclose(d.deprivation_at(rows)[alone], expected, atol=1e-12)


def test_a_path_on_which_no_score_changes_is_the_fixed_score(towns: Panel) -> None:
    table = towns.covariates
    still = replace(towns, covariates=pd.concat([table[table["year"] == 2019], table[table["year"] == 2019].assign(
        year=2015)]))  # fmt: skip
    fixed = Spec.parse({"pooling": {"deprivation_score": "score-2019"}})
    np.testing.assert_array_equal(design(still, PATH).deprivation, design(still, fixed).deprivation)


@pytest.mark.parametrize("likelihood", ["collapsed", "joint"])
def test_a_score_repeated_in_every_year_has_the_density_of_the_fixed_score(
    towns: Panel, likelihood: Literal["collapsed", "joint"]
) -> None:
    spec = Spec.parse({"pooling": {"deprivation_score": "score-2019"}})
    d = design(towns, spec)
    repeated = replace(d, deprivation=np.repeat(d.deprivation[:, None], d.year.size, axis=1))
    fixed, along = (from_design(each, spec, likelihood=likelihood) for each in (d, repeated))
    point = {name: value + 0.1 for name, value in fixed.initial_point().items()}
    a, b = (model.compile_logp(mode=MODE)(point) for model in (fixed, along))
    assert a == pytest.approx(b, rel=1e-12)
    slopes = [model.compile_dlogp(mode=MODE)(point) for model in (fixed, along)]
    assert np.isfinite(slopes[0]).all()
    np.testing.assert_allclose(slopes[0], slopes[1], rtol=1e-8, atol=1e-8)


def test_the_prior_mean_of_theta_follows_the_path(recent: Panel) -> None:
    spec = Spec.parse({"pooling": {"deprivation_score": "score", "region": False}})
    d = design(recent, spec)
    with pm.Model(coords={"year": d.year}):
        mean, _ = latent_prior(d, spec)
        level, trend = (next(v for v in pm.modelcontext(None).free_RVs if v.name == f"deprivation_{n}")
                        for n in ("level", "trend"))  # fmt: skip
        found = mean.eval({level: 2.0, trend: -3.0})
    np.testing.assert_allclose(found, 2.0 * d.deprivation - 3.0 * d.deprivation * d.time)


def test_an_authority_without_any_score_is_named(towns: Panel) -> None:
    lacking = replace(towns, covariates=towns.covariates.query("authority != '103'"))
    with pytest.raises(DataError, match=r"covariates\.csv: no deprivation score for 103"):
        design(lacking, PATH)


@pytest.mark.parametrize(
    ("score", "message"),
    [("score-2016", "no 'score-2016' .* found score-2015, score-2019"), ("poverty", "found no such covariate")],
)
def test_a_score_that_the_panel_does_not_have_is_named(towns: Panel, score: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        design(towns, Spec.parse({"pooling": {"deprivation_score": score}}))
