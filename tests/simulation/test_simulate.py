"""Simulated panels: reproducible, valid, and drawn from the model that is fitted afterwards."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from panels_with_subjudgements import with_sub_judgements
from scipy.special import expit
from scipy.stats import norm
from typer.testing import CliRunner

from bayes_csc.errors import SpecError, UsageError
from bayes_csc.likelihood.kernel import Real
from bayes_csc.likelihood.kernel.linked import noise_covariance
from bayes_csc.likelihood.layout import layout_of
from bayes_csc.likelihood.prior_draws import PriorDraws, centred, draw_deviations, draw_prior, draw_states
from bayes_csc.measurement.design import Design, design
from bayes_csc.measurement.judgements.scales import JUDGEMENT
from bayes_csc.panel.panel import Panel
from bayes_csc.simulation.simulate import simulate, simulate_like, write_simulation
from bayes_csc.spec import Spec
from bayes_csc_cli import app
from bayes_csc_models.specs import spec
from bayes_csc_models.trajectory import trajectory

OFF = Spec.parse({"ratings": {"previous": "none", "drift_sd": 0.0, "common": "separate"}})
SMALL = {"authorities": 8, "years": 5, "indicators": 6}
Simulated = tuple[Panel, xr.DataTree]


@pytest.fixture(scope="module")
def simulated() -> Simulated:
    return simulate(trajectory, Spec(), **SMALL, seed=3)


@pytest.fixture(scope="module")
def wide() -> Simulated:
    """Many authorities, so that frequencies are near their probabilities."""
    return simulate(trajectory, OFF, authorities=150, years=12, indicators=2, seed=11)


@pytest.fixture(scope="module")
def laid_out(simulated: Simulated) -> Design:
    return design(simulated[0], Spec())


@pytest.fixture(scope="module")
def prior(simulated: Simulated) -> PriorDraws:
    return draw_prior(trajectory(simulated[0], Spec()), draws=1, seed=5)


def test_the_same_seed_gives_the_same_panel_and_truth(simulated: Simulated) -> None:
    again, truth = simulate(trajectory, Spec(), **SMALL, seed=3)
    assert again.hash == simulated[0].hash
    assert truth.identical(simulated[1])


def test_without_state_dependence_the_numbers_stay_what_they_are(root: Path) -> None:
    simulated = simulate(trajectory, OFF, **SMALL, seed=3)
    assert simulated[0].hash == "ca28dc87d2a1ea398059826de9d679ba489a54e977b7f2649e153ba77c3e1367"
    assert float(simulated[1]["observation"]["eta"].sum()) == pytest.approx(-79.56210236337785)
    panel, truth = simulate_like(
        with_sub_judgements(Panel.read(root / "tests" / "panels" / "hamlets")), trajectory, OFF, seed=1
    )
    assert panel.hash == "8f16652303097eb7949fe6e2f2b8faec883b318f9fa6c675d2981f32fe62713b"
    assert float(truth["observation"]["eta"].sum()) == pytest.approx(-23.678082343048548)


def test_another_seed_gives_another_panel(simulated: Simulated) -> None:
    assert simulate(trajectory, Spec(), **SMALL, seed=4)[0].hash != simulated[0].hash


def test_a_simulated_panel_is_read_back_as_it_was(simulated: Simulated, tmp_path: Path) -> None:
    write_simulation(*simulated, tmp_path / "panel")
    assert Panel.read(tmp_path / "panel").hash == simulated[0].hash
    with xr.open_datatree(tmp_path / "panel" / "truth.nc") as truth:
        xr.testing.assert_equal(truth["posterior"].to_dataset(), simulated[1]["posterior"].to_dataset())


def test_a_simulated_panel_keeps_the_published_contract(simulated: Simulated, tmp_path: Path, shared: Path) -> None:
    write_simulation(*simulated, tmp_path / "panel")
    check = [sys.executable, str(shared / "checks" / "contract.py"), "simulated", str(tmp_path / "panel")]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_truth_has_the_hyperparameters_dims_and_coordinates_of_the_model(simulated: Simulated) -> None:
    panel, truth = simulated
    model = trajectory(panel, Spec())
    posterior = truth["posterior"].to_dataset()
    assert set(posterior) == {v.name for v in (*model.free_RVs, *model.deterministics)} | {"theta", "theta_raw"}
    for name, values in posterior.items():
        expected = model.named_vars_to_dims.get(name, ("authority", "year") if str(name).startswith("theta") else ())
        assert values.dims == tuple(expected)
        assert all(list(values.coords[dim].to_numpy()) == list(model.coords[dim]) for dim in values.dims)


def test_theta_is_less_its_mean_over_the_authorities_existing_that_year(simulated: Simulated, laid_out: Design) -> None:
    posterior = simulated[1]["posterior"]
    np.testing.assert_allclose(posterior["theta"].mean("authority"), 0.0, atol=1e-12)
    np.testing.assert_allclose(posterior["theta"], centred(laid_out, posterior["theta_raw"].to_numpy()), atol=1e-12)


def test_theta_is_centred_over_existing_authorities_alone(laid_out: Design) -> None:
    exists = laid_out.exists.copy()
    exists[0, :] = False
    theta = np.arange(exists.size, dtype=float).reshape(exists.shape)
    np.testing.assert_allclose(
        centred(replace(laid_out, exists=exists), theta)[1:], centred(laid_out, theta)[1:] - exists.shape[1] / 2
    )


def test_counts_are_binomial_given_the_latent_logits(wide: Simulated) -> None:
    panel, truth = wide
    eta = truth["observation"].to_dataset().to_dataframe()
    eta = eta[eta.indicator != JUDGEMENT].merge(panel.cells, on=["authority", "indicator", "year"])
    assert len(eta) == len(panel.cells)
    sign = eta.indicator.map({k: -1.0 if i.polarity == "higher is worse" else 1.0 for k, i in panel.indicators.items()})
    p = expit(sign * eta.eta)
    known = eta.status == "observed"
    information = eta.denominator * p * (1.0 - p)
    large = known & (information > 20)
    score = ((eta.numerator - eta.denominator * p) / np.sqrt(information))[large]
    assert large.sum() > 500
    # standard scores of independent binomials: mean 0 +- 1/sqrt(n), mean square 1 +- sqrt(2/n); four of either
    assert abs(score.mean()) < 4.0 / np.sqrt(large.sum())
    assert abs((score**2).mean() - 1.0) < 4.0 * np.sqrt(2.1 / large.sum())


def test_grades_come_as_often_as_the_ordered_probit_says(wide: Simulated) -> None:
    panel, truth = wide
    layout, posterior = design(panel, OFF), truth["posterior"].to_dataset()
    rows = layout.observation[layout.observation.indicator == JUDGEMENT]
    at = layout.weights(rows.position.to_numpy())
    theta = (at * posterior.theta_raw.sel(authority=rows.unit.to_list()).to_numpy()).sum(axis=1)
    f = posterior.judgement_loading.item() * theta + at @ posterior.standard.to_numpy()
    ends = posterior.cutpoints.sel(scale=rows.scale.to_list()).to_numpy()
    below = np.column_stack([np.zeros(len(f)), norm.cdf(ends - f[:, None]), np.ones(len(f))])
    p = np.diff(below, axis=1)
    grade = rows.grade.to_numpy().astype(int)
    counts = np.array([(grade == g).sum() for g in (4, 3, 2, 1)])
    # counts of independent categorical draws; four standard deviations
    assert np.all(np.abs(counts - p.sum(axis=0)) < 4.0 * np.sqrt((p * (1 - p)).sum(axis=0)) + 1e-9)
    assert len(rows) > 400


def side_by_side(d: Design, copies: int) -> Design:
    """A design with its observations many times over, each time of other units: its copies are independent."""
    rows = d.observation
    copy = np.repeat(np.arange(copies), len(rows))
    many = rows.iloc[np.tile(np.arange(len(rows)), copies)].reset_index(drop=True)
    many["unit"] = many["unit"].factorize()[0] + copy * len(rows)
    many["group"] += copy * len(rows)
    return replace(d, observation=many)


def test_deviations_have_the_covariance_of_the_collapsed_likelihood(laid_out: Design, prior: PriorDraws) -> None:
    inputs, rng, draws = prior.at(0), np.random.default_rng(1), 4000
    sample = draw_deviations(side_by_side(laid_out, draws), inputs, rng).reshape(draws, -1)
    again = draw_deviations(laid_out, inputs, np.random.default_rng(2))
    assert again.shape == sample.shape[1:]
    layout = layout_of(laid_out)
    n = len(laid_out.observation)
    none = np.zeros(0)
    real = Real(z=np.zeros(n), variance=np.zeros(n), low=none, high=none, **inputs)
    lag = np.arange(np.ptp(layout.time) + 1)
    powers = [phi[:, None] ** lag for phi in (real.ar_phi, real.domain_phi)]
    group = int(np.flatnonzero(layout.group_domain >= 0)[0])
    for g in (0, group):
        first, last = layout.group_obs[g], layout.group_obs[g + 1]
        n = last - first
        expected = np.empty((n, n))
        # the kernel's source, which is compiled into its callers alone
        noise_covariance.py_func(expected, first, n, layout.group_domain[g], layout.kind, layout.time, real, *powers)
        found = np.cov(sample[:, first:last], rowvar=False)
        variance = np.diag(expected)
        # standard error of a covariance of normals; five of them, for up to 200 entries
        error = np.sqrt((np.outer(variance, variance) + expected**2) / draws)
        assert np.all(np.abs(found - expected) < 5.0 * error)


def test_states_have_the_mean_and_covariance_of_the_collapsed_likelihood(laid_out: Design, prior: PriorDraws) -> None:
    inputs, rng, draws = prior.at(0), np.random.default_rng(2), 4000
    sample = np.stack([draw_states(laid_out, inputs, rng)[0] for _ in range(draws)])
    n = laid_out.year.size
    template = laid_out.template[laid_out.block_template[0]]
    factor = template.matrix * inputs["scale"][template.column_kind]
    expected = factor @ factor.T
    error = np.sqrt((np.outer(np.diag(expected), np.diag(expected)) + expected**2) / draws)
    assert np.all(np.abs(np.cov(sample, rowvar=False) - expected) < 5.0 * error)
    assert np.all(np.abs(sample.mean(axis=0) - inputs["mean"][:n]) < 5.0 * np.sqrt(np.diag(expected) / draws))


def test_counts_of_1_to_5_are_suppressed_except_in_the_workforce(wide: Simulated) -> None:
    panel = simulate(trajectory, Spec(), authorities=40, years=6, indicators=8, seed=2)[0]
    cells = panel.cells
    workforce = cells.indicator.str.startswith("workforce")
    hidden = cells.status == "suppressed"
    assert hidden.sum() > 5
    assert not (hidden & workforce).any()
    assert cells.lower[hidden].eq(1).all()
    assert cells.upper[hidden].eq(np.minimum(cells.denominator[hidden], 5)).all()
    assert not cells.numerator[~workforce].between(1, 5).any()
    assert cells.status[cells.numerator.eq(0)].eq("observed").all()


def test_the_frameworks_follow_each_other_and_reports_come_about_60_days_later(wide: Simulated) -> None:
    inspections = wide[0].inspections
    last, first = inspections.groupby("framework").start_date.agg(["max", "min"]).loc[["SIF", "ILACS"]].to_numpy().T
    assert last[0] < first[1]
    lag = (inspections.publication_date - inspections.start_date).dt.days
    assert lag.between(25, 120).all()
    assert lag.median() == pytest.approx(60, abs=4)
    years = inspections.groupby("authority").start_date.diff().dropna().dt.days / 365.25
    assert years.mean() == pytest.approx(3.0, abs=4 * 0.8 / np.sqrt(len(years)) + 0.1)


def test_a_truth_for_an_existing_panel_keeps_its_skeleton(root: Path) -> None:
    hamlets = Panel.read(root / "tests" / "panels" / "hamlets")
    panel, truth = simulate_like(hamlets, trajectory, Spec(), seed=1)
    place = ["authority", "year", "indicator"]
    pd.testing.assert_frame_equal(
        panel.cells.sort_values(place)[place].reset_index(drop=True),
        hamlets.cells.sort_values(place)[place].reset_index(drop=True),
    )
    assert truth["posterior"].sizes["year"] == design(hamlets, Spec()).year.size
    assert list(panel.inspections.start_date) == list(hamlets.inspections.start_date)


def test_cells_of_indicators_that_the_spec_drops_are_not_available() -> None:
    panel, truth = simulate(trajectory, spec("no_workforce"), **SMALL, seed=1)
    dropped = panel.cells.indicator.str.startswith("workforce")
    assert panel.cells.status[dropped].unique().tolist() == ["not_available"]
    assert not panel.cells.status[~dropped].eq("not_available").any()
    assert not [k for k in truth["posterior"].shared_by.to_numpy() if str(k).startswith("workforce")]


def test_without_ratings_there_are_grades_that_say_nothing() -> None:
    panel, truth = simulate(trajectory, spec("no_ratings"), **SMALL, seed=1)
    assert panel.inspections.grade.between(1, 4).all()
    assert "judgement_loading" not in truth["posterior"]


@pytest.mark.parametrize(("name", "value"), [("authorities", 1), ("years", 1), ("indicators", 0)])
def test_a_panel_too_small_is_refused(name: str, value: int) -> None:
    with pytest.raises(UsageError, match=rf"{name} must be at least {value + 1}, found {value}"):
        simulate(trajectory, Spec(), **{**SMALL, name: value}, seed=1)


def test_a_spec_for_other_indicators_is_refused() -> None:
    with pytest.raises(SpecError, match="no indicator 'agency' in panel"):
        simulate(trajectory, Spec(drop=("agency",)), **SMALL, seed=1)


def test_the_command_writes_a_panel_and_refuses_to_replace_it_unasked(tmp_path: Path) -> None:
    out = tmp_path / "panel"
    options = ["simulate", "--authorities", "4", "--years", "3", "--indicators", "2", "--seed", "1", "--out", str(out)]
    done = CliRunner().invoke(app, options)
    assert done.exit_code == 0
    assert done.stdout.startswith("Wrote 24 cells and ")
    before = Panel.read(out).hash
    refused = CliRunner().invoke(app, options)
    assert isinstance(refused.exception, UsageError)
    assert "--overwrite" in str(refused.exception)
    assert CliRunner().invoke(app, [*options, "--overwrite"]).exit_code == 0
    assert Panel.read(out).hash == before


def test_a_folder_that_is_no_panel_is_never_replaced(tmp_path: Path, simulated: Simulated) -> None:
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="no panel"):
        write_simulation(*simulated, tmp_path, overwrite=True)
