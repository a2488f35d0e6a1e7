"""Options of the judgement model: one offset and one set of cutpoints by every route, whatever the order of rows."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np
import pandas as pd
import pymc as pm
import pytest
import xarray as xr
from panels_with_subjudgements import with_sub_judgements
from paths import PANELS
from pytensor.compile.mode import Mode
from scipy.stats import norm

from bayes_csc.inference.posterior_mode import find_start
from bayes_csc.likelihood.density import compile_density
from bayes_csc.likelihood.prior_draws import draw_prior
from bayes_csc.measurement.design import Design, design
from bayes_csc.measurement.judgements.scales import JUDGEMENT
from bayes_csc.panel.panel import OVERALL, Panel
from bayes_csc.report.findings.hyperparameters import hyperparameter_table
from bayes_csc.simulation.in_order import judgement_score, own_cutpoints
from bayes_csc.simulation.simulate import simulate
from bayes_csc.spec import Spec
from bayes_csc_models.judgements import DAMPING, TRUSTED, drift_time
from bayes_csc_models.trajectory import from_design, trajectory

PLAIN = Mode("py", None)
ALL = Spec.parse(
    {"ratings": {"previous": "cutpoints", "drift_sd": 0.1, "covariates": ["late", "agency change"], "common": "share"}}
)


@pytest.fixture(scope="module")
def panel() -> Panel:
    """Eight authorities with sub-judgements, some with a judgement of an earlier framework."""
    hamlets = with_sub_judgements(Panel.read(PANELS / "hamlets"))
    return replace(hamlets, earlier_inspections=earlier(hamlets))


def earlier(panel: Panel) -> pd.DataFrame:
    old = panel.inspections[panel.inspections.domain == OVERALL].drop_duplicates("authority").iloc[:6]
    day = pd.Timestamp("2014-05-01")
    return old.assign(framework="old", start_date=day, publication_date=day, grade=[1, 2, 3, 4, 2, 3])


@pytest.fixture(scope="module")
def laid_out(panel: Panel) -> Design:
    return design(panel, ALL)


# One likelihood by every route.


def reaching(d: Design, monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[pm.Model, Any]]:
    """By likelihood: the model, and the offset and cutpoints of each graded observation that it is given."""
    given: dict[str, Any] = {}

    def joint(
        d: Any, mean: Any, scale: Any, offset: Any, loading: Any, noise: Any, sd: Any, own: Any, **_: Any
    ) -> None:
        given["joint"] = offset, loading, sd, own

    def collapsed(d: Any, **real: Any) -> None:
        given["collapsed"] = real["offset"], real["loading"], real["domain_sd"], (real["low"], real["high"])

    module = sys.modules["bayes_csc_models.trajectory"]  # of the name there is a function, too
    monkeypatch.setattr(module, "joint_likelihood", joint)
    monkeypatch.setattr(module, "collapsed_potential", collapsed)
    out = {}
    routes: tuple[Literal["joint", "collapsed"], ...] = ("joint", "collapsed")
    for route in routes:
        model = from_design(d, ALL, likelihood=route)
        out[route] = model, given[route]
    return out


def test_the_joint_and_the_collapsed_likelihood_are_given_the_same(
    laid_out: Design, monkeypatch: pytest.MonkeyPatch
) -> None:
    routes = reaching(laid_out, monkeypatch)
    values = {}
    for route, (model, given) in routes.items():
        flat = [*given[:3], *(given[3] if isinstance(given[3], tuple) else (given[3],))]
        wanted = model.replace_rvs_by_values([model["cutpoints"], model["previous_effect"], *flat])
        point, rng = model.initial_point(), np.random.default_rng(4)
        point = {name: v + 0.3 * rng.normal(size=v.shape) for name, v in point.items()}
        values[route] = model.compile_fn(wanted, inputs=model.value_vars, mode=PLAIN, on_unused_input="ignore")(point)
    joint, collapsed = values["joint"], values["collapsed"]
    for one, other in zip(joint[:4], collapsed[:4], strict=True):
        np.testing.assert_allclose(one, other)
    judged = len(laid_out.judged.domain)
    np.testing.assert_allclose(joint[4], collapsed[4][-judged:])
    score, own = laid_out.graded().score, joint[5]
    ends = np.column_stack([np.full(len(own), -np.inf), own, np.full(len(own), np.inf)])
    at = np.arange(len(own))
    np.testing.assert_allclose(collapsed[5], ends[at, score])
    np.testing.assert_allclose(collapsed[6], ends[at, score + 1])


def test_offset_and_cutpoints_are_the_standard_what_came_before_and_the_covariates(laid_out: Design) -> None:
    drawn = draw_prior(from_design(laid_out, ALL), draws=1, seed=1)
    truth = drawn.hyperparameters.isel(draw=0, drop=True)
    rows = laid_out.observation[laid_out.observation.indicator == JUDGEMENT]
    assert set(rows.earlier.astype(bool)) == {True, False}
    standard = laid_out.weights(rows.position.to_numpy()) @ truth["standard"].to_numpy()
    expected = standard + judgement_score(rows, truth)
    np.testing.assert_allclose(drawn.inputs["offset"][0][rows.index], expected, atol=1e-12)
    # by hand, one judgement
    row = rows[rows.earlier.astype(bool)].iloc[0]
    effect = dict(zip(truth["previous"].to_numpy(), truth["previous_effect"].to_numpy(), strict=True))
    grade = ["none", *laid_out.grade][int(row.previous)]
    covariate = truth["covariate_effect"].to_numpy() @ row[["covariate late", "covariate agency change"]].astype(float)
    by_hand = effect[grade] + float(truth["earlier_effect"]) + covariate
    assert judgement_score(rows, truth)[rows.index.get_loc(row.name)] == pytest.approx(by_hand)
    assert truth["previous_effect"].to_numpy()[1:].sum() == pytest.approx(0.0, abs=1e-12)
    # cutpoints: distances from the middle, each stretched after the grade before
    own, base = own_cutpoints(rows, truth), truth["cutpoints"].sel(scale=rows.scale.to_list()).to_numpy()
    np.testing.assert_allclose(own[:, 1], base[:, 1])
    stretch = np.exp(truth["previous_spacing"].to_numpy())[rows.previous.to_numpy(dtype=int)]
    np.testing.assert_allclose(np.diff(own), np.diff(base) * stretch)


def test_theta_and_the_inspection_share_the_variance_that_judgements_have_in_common(laid_out: Design) -> None:
    drawn = draw_prior(from_design(laid_out, ALL), draws=50, seed=1).hyperparameters
    loading, sd, common = drawn["judgement_loading"], drawn["inspection_sd"], drawn["common_sd"]
    assert sd.dims == loading.dims == common.dims == ("draw", "judged")
    np.testing.assert_allclose(loading**2 + sd**2, common**2)
    np.testing.assert_allclose(loading**2 / common**2, drawn["theta_share"].broadcast_like(common))


def test_the_table_of_hyperparameters_has_what_the_options_make_of_the_sampled_ones(
    panel: Panel, laid_out: Design
) -> None:
    drawn = draw_prior(from_design(laid_out, ALL), draws=40, seed=1).hyperparameters
    posterior = xr.concat([drawn.isel(draw=slice(0, 20)), drawn.isel(draw=slice(20, 40))], "chain")
    fit: Any = SimpleNamespace(panel=panel, spec=ALL, posterior=posterior, record={"seed": 1})
    table = hyperparameter_table(fit, trajectory, interval=0.89)
    assert not table.duplicated(["variable", "entry"]).any()
    entries = table.groupby("variable").entry.apply(list)
    judged = list(laid_out.judged.domain)
    assert entries["judgement_loading"] == entries["inspection_sd"] == entries["common_sd"] == judged
    assert entries["previous_effect"] == ["none", *panel.grades]
    assert entries["covariate_effect"] == ["late", "agency change"]
    derived = table[table.variable.isin(["judgement_loading", "inspection_sd", "previous_effect"])]
    assert derived["prior"].eq("").all()
    assert derived.prior_lower.notna().all()


def test_the_drift_is_damped_from_two_years_after_the_panel_s_date(panel: Panel) -> None:
    d = design(panel, ALL.updated({"horizon": 8}))
    step = np.diff(drift_time(d))
    ahead = d.year[1:] - d.now
    np.testing.assert_allclose(step[ahead <= TRUSTED], 1.0)
    later = step[ahead > TRUSTED + 1.0]
    np.testing.assert_allclose(later[1:] / later[:-1], DAMPING)
    assert drift_time(d)[d.window].mean() == pytest.approx(0.0, abs=1e-12)


def test_the_evidence_of_a_single_judgement_is_its_probability_by_quadrature() -> None:
    # of each authority one judgement, after one of an earlier framework: sites of single grades are exact
    hamlets = Panel.read(PANELS / "hamlets")
    mine = hamlets.inspections[hamlets.inspections.start_date == "2020-02-03"].reset_index(drop=True)
    mine = mine[~mine.authority.isin(["406", "407", "408"])]  # of one block
    one = replace(hamlets, inspections=mine, earlier_inspections=earlier(hamlets))
    spec = Spec.parse(
        {
            "measurement": {"use": False},
            "ratings": {"previous": "cutpoints", "drift_sd": 0.1, "covariates": ["late", "agency change"]},
        }
    )
    d = design(one, spec)
    model = from_design(d, spec)
    drawn = draw_prior(model, draws=3, seed=5)
    rows, node, weight = d.observation, np.linspace(-9.0, 9.0, 4001), d.weights(d.observation.position.to_numpy())
    assert rows.earlier.astype(bool).any()
    density = model.compile_fn(model.replace_rvs_by_values([model["collapsed_likelihood"]])[0], mode=PLAIN)
    for k in range(3):
        truth, inputs = drawn.hyperparameters.isel(draw=k, drop=True), drawn.at(k)
        template = d.template[0].matrix * inputs["scale"][d.template[0].column_kind]
        mean = inputs["mean"].reshape(-1, d.year.size)
        total = 0.0
        for i, row in enumerate(rows.itertuples()):
            a = d.authority.index(str(row.unit))
            sd = float(np.linalg.norm(weight[i] @ template))
            theta = weight[i] @ mean[a] + sd * node
            score = weight[i] @ truth["standard"].to_numpy() + judgement_score(rows.iloc[[i]], truth)[0]
            score = score + float(truth["judgement_loading"][0]) * theta
            ends = np.concatenate([[-np.inf], own_cutpoints(rows.iloc[[i]], truth)[0], [np.inf]])
            category = len(d.grade) - int(row.grade)
            p = norm.cdf(ends[category + 1] - score) - norm.cdf(ends[category] - score)
            total += np.log((p * norm.pdf(node)).sum() * (node[1] - node[0]))
        values = {v.name: truth[v.name].to_numpy() for v in model.free_RVs}
        point = {
            model.rvs_to_values[v].name: np.asarray(
                model.rvs_to_transforms[v].forward(values[v.name], *v.owner.inputs).eval()
                if model.rvs_to_transforms[v] is not None
                else values[v.name]
            )
            for v in model.free_RVs
        }
        assert float(density(point)) == pytest.approx(total, abs=1e-6)


# Order.


def renamed(text: str) -> str:
    """Codes 401 to 408 the other way round."""
    return re.sub(r"40([1-8])", lambda found: f"40{9 - int(found[1])}", text)


def shuffled(panel: Panel, seed: int) -> Panel:
    """The panel with its rows in any order and its authorities under codes that put them in the opposite order."""
    rng = np.random.default_rng(seed)
    cells, inspections, before = (
        t.assign(authority=t.authority.map(renamed)).iloc[rng.permutation(len(t))].reset_index(drop=True)
        for t in (panel.cells, panel.inspections, panel.earlier_inspections)
    )
    authorities = panel.authorities.iloc[rng.permutation(len(panel.authorities))].rename(index=renamed)
    links = ["predecessors", "successors"]
    authorities[links] = authorities[links].map(renamed)
    return replace(panel, cells=cells, inspections=inspections, earlier_inspections=before, authorities=authorities)


def test_the_order_of_authorities_and_rows_changes_neither_columns_nor_density(panel: Panel) -> None:
    spec = ALL.updated({"pooling": {"region": False}})  # whose effects are in the order of the authorities
    one, other = design(panel, spec), design(shuffled(panel, 2), spec)
    assert [renamed(code) for code in one.authority] != list(other.authority)
    key = ["unit", "scale", "position"]
    columns = ["previous", "earlier", "covariate late", "covariate agency change", "grade"]
    rows, back = (d.observation[d.observation.indicator == JUDGEMENT] for d in (one, other))
    back = back.assign(unit=back.unit.map(renamed))
    tables = [t.sort_values(key).reset_index(drop=True)[[*key, *columns]] for t in (rows, back)]
    pd.testing.assert_frame_equal(*tables)
    models = [from_design(d, spec) for d in (one, other)]
    assert models[0].coords["scale"] == models[1].coords["scale"]
    rng, start = np.random.default_rng(1), models[0].initial_point()
    point = {name: v + 0.2 * rng.normal(size=v.shape) for name, v in start.items()}
    values = [float(model.compile_logp(mode=PLAIN)(point)) for model in models]
    assert values[0] == pytest.approx(values[1], abs=1e-8)
    assert values[0] != pytest.approx(float(models[0].compile_logp(mode=PLAIN)(start)), abs=1e-3)


# Recovery, small; benchmarks/sbc.py has the large one.


@pytest.mark.usefixtures("interpreted")
def test_effects_of_the_judgement_model_are_found_again_in_a_simulated_panel() -> None:
    spec = Spec.parse(
        {
            "measurement": {"use": False},
            "ratings": {"previous": "effect", "drift_sd": 0.3, "covariates": ["activity_1"], "covariate_sd": 1.0},
        }
    )
    panel, truth = simulate(trajectory, spec, authorities=60, years=10, indicators=1, seed=5, judged=True)
    d = design(panel, spec)
    start = find_start(compile_density(from_design(d, spec)), d, cores=1)
    known = truth["posterior"].to_dataset()
    far = 0
    for name in ("previous_contrast", "no_previous_effect", "earlier_effect", "standard_drift", "covariate_effect"):
        at = start.density.names.free[name]
        centre, sd = start.coordinates.centre[at], np.linalg.norm(start.coordinates.factor[at], axis=1)
        assert (np.abs(centre - np.ravel(known[name])) < 3.5 * sd).all(), name
        far += int((np.abs(centre) > 3.0 * sd).sum())
    assert far >= 3
