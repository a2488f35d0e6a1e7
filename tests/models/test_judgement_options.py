"""Options of the judgement model: state dependence, a drift that is damped ahead, covariates, theta's share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from paths import PANELS

from bayes_csc.estimates.forecast.cutpoints import after_previous as forecast_cutpoints
from bayes_csc.estimates.forecast.cutpoints import previous_level
from bayes_csc.measurement.design import Design, design
from bayes_csc.measurement.judgements.scales import JUDGEMENT
from bayes_csc.panel.panel import Panel
from bayes_csc.spec import Spec
from bayes_csc_models.judgements import after_previous, drift_time, judgement_mean
from bayes_csc_models.trajectory import coordinates, trajectory

HAMLETS = PANELS / "hamlets"
ALL: dict[str, Any] = {
    "previous": "cutpoints", "drift_sd": 0.1, "common": "share", "covariates": ["agency", "agency change"],
}  # fmt: skip
NEW = {
    "standard_drift", "previous_contrast", "no_previous_effect", "previous_spacing", "covariate_effect", "common_sd",
    "theta_share", "earlier_effect",
}  # fmt: skip


@pytest.fixture(scope="module")
def hamlets() -> Panel:
    return Panel.read(HAMLETS)


def spec_of(panel: Panel, **ratings: Any) -> Spec:
    if "covariates" in ratings:
        key = next(iter(panel.indicators))
        ratings = ratings | {"covariates": [name.replace("agency", key) for name in ratings["covariates"]]}
    return Spec().updated({"ratings": ratings})


def test_without_options_the_model_has_no_new_variable(hamlets: Panel) -> None:
    off = {"previous": "none", "drift_sd": 0.0, "common": "separate"}
    names = {v.name for v in trajectory(hamlets, spec_of(hamlets, **off)).free_RVs}
    assert not names & NEW
    assert {"judgement_loading", "grade_share"} <= names


def test_each_option_adds_its_own_variables(hamlets: Panel) -> None:
    names = {v.name for v in trajectory(hamlets, spec_of(hamlets, **ALL)).free_RVs}
    assert {
        "standard_drift",
        "previous_contrast",
        "no_previous_effect",
        "previous_spacing",
        "covariate_effect",
    } <= names


def test_a_drift_goes_on_for_two_years_after_the_panel_s_date_and_then_dies_away(hamlets: Panel) -> None:
    d = design(hamlets, Spec().updated({"horizon": 12}))
    time = drift_time(d)
    step = np.diff(time)
    trusted = d.year[1:] <= d.now + 2.0
    np.testing.assert_allclose(step[trusted], 1.0)
    late = d.year[:-1] >= d.now + 2.0
    np.testing.assert_allclose(step[late][1:] / step[late][:-1], 0.5)
    assert time[-1] - np.interp(d.now, d.year, time) < 2.0 + 1.0 / np.log(2.0)
    assert time[d.window].mean() == pytest.approx(0.0, abs=1e-12)


def drawn(d: Design, spec: Spec, *wanted: str) -> tuple[list[np.ndarray], np.ndarray]:
    """Draws of a judgement's mean, cutpoints after its previous grade, and variables that they are made of."""
    cutpoints = np.sort(np.random.default_rng(1).normal(size=(len(d.judged.scale), len(d.grade) - 1)))
    with pm.Model(coords=coordinates(d)) as model:
        mean = judgement_mean(d, spec)
        own = after_previous(d, spec, pt.constant(cutpoints))
        values = pm.draw([mean, own, *(model[name] for name in wanted)], random_seed=3, mode="FAST_COMPILE")
    return [np.asarray(v) for v in values], cutpoints


def test_the_model_and_its_forecasts_have_the_same_cutpoints_after_each_previous_grade(hamlets: Panel) -> None:
    spec = spec_of(hamlets, previous="cutpoints")
    d = design(hamlets, spec)
    (mean, own, standard, effect, spacing), cutpoints = drawn(
        d, spec, "standard", "previous_effect", "previous_spacing"
    )
    rows = d.observation[d.observation.indicator == JUDGEMENT]
    offset = mean - d.weights(rows.position.to_numpy()) @ standard
    found = forecast_cutpoints(cutpoints[None], {"previous_effect": effect[None], "previous_spacing": spacing[None]})
    level = previous_level(rows.previous, rows.earlier, len(d.grade))
    assert len(np.unique(level)) > 2
    scale = d.graded().scale
    np.testing.assert_allclose(own - offset[:, None], found[0, scale, level.astype(int)], atol=1e-12)


def test_effects_of_previous_grades_sum_to_zero_and_none_has_one_of_its_own(hamlets: Panel) -> None:
    spec = spec_of(hamlets, previous="cutpoints")
    (_, _, effect, none), _ = drawn(design(hamlets, spec), spec, "previous_effect", "no_previous_effect")
    assert effect[1:].sum() == pytest.approx(0.0, abs=1e-12)
    assert effect[0] == none


def test_theta_s_share_divides_what_judgements_have_in_common() -> None:
    from bayes_csc.files.embedded_data import data_dir

    panel = Panel.read(data_dir())
    model = trajectory(panel, Spec())
    names = ("judgement_loading", "inspection_sd", "common_sd", "theta_share")
    loading, sd, common, share = pm.draw([model[n] for n in names], random_seed=5, mode="FAST_COMPILE")
    np.testing.assert_allclose(loading**2 + sd**2, common**2)
    np.testing.assert_allclose(loading**2 / common**2, share)
