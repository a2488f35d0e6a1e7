"""The whole ArviZ file: its groups, what every variable of it is, and ArviZ's own functions on it as documented."""

from __future__ import annotations

import warnings
from pathlib import Path

import arviz as az
import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr
from scipy.stats import norm
from sensitivity_base import base, hamlets

from bayes_csc.evaluation.sensitivity.answers.predictive import left_out
from bayes_csc.files import read_netcdf
from bayes_csc.inference.fit import POSTERIOR, Fit
from bayes_csc.inference.reopen import revisit
from bayes_csc.likelihood.conditional_states import block_densities
from bayes_csc.likelihood.count_sites import normalisers
from bayes_csc.likelihood.kernel import value_and_gradient
from bayes_csc.likelihood.layout import layout_of
from bayes_csc.likelihood.prior_draws import fitted
from bayes_csc.measurement.judgements.scales import JUDGEMENT
from bayes_csc.run import Run
from bayes_csc.simulation.predictive_groups import _grade_scores, with_predictions
from bayes_csc_models.trajectory import trajectory

GROUPS = {
    "posterior", "sample_stats", "log_likelihood", "log_prior", "posterior_predictive", "prior", "prior_predictive",
    "observed_data", "constant_data", "scores", "change", "unconstrained",
}  # fmt: skip


@pytest.fixture(scope="module")
def run() -> Fit:
    return with_predictions(base(), trajectory)


@pytest.fixture(scope="module")
def tree(run: Fit, tmp_path_factory: pytest.TempPathFactory) -> xr.DataTree:
    folder = tmp_path_factory.mktemp("whole") / "run"
    run.write(folder)
    return Run.read(folder).to_datatree()


def test_the_file_has_every_group_of_arviz_and_says_of_every_variable_what_it_is(
    run: Fit, tree: xr.DataTree, tmp_path: Path
) -> None:
    assert set(tree.children) == GROUPS
    for name, group in tree.children.items():
        for variable, values in group.data_vars.items():
            for attribute in ("long_name", "units", "description"):
                assert values.attrs[attribute], (name, variable, attribute)
        if "authority" in group.dims:
            names = hamlets().authorities.name[group.to_dataset()["authority"].to_numpy()]
            assert group.to_dataset()["authority_name"].to_numpy().tolist() == names.tolist()
    assert {"inference_library", "inference_library_version", "panel_hash", "seed"} == set(tree.attrs)
    run.write(tmp_path / "again")
    with_predictions(base(), trajectory).write(tmp_path / "twice")
    assert (tmp_path / "again" / POSTERIOR).read_bytes() == (tmp_path / "twice" / POSTERIOR).read_bytes()
    assert set(read_netcdf(tmp_path / "again" / POSTERIOR).children) == GROUPS


def test_the_log_likelihood_of_blocks_sums_to_the_density_and_leaves_out_as_the_scores_do(
    run: Fit, tree: xr.DataTree
) -> None:
    again = revisit(run, trajectory, draws=10**6)
    d = again.design
    middle = again.density.real(run.unconstrained["x"].mean(("chain", "draw")).to_numpy())
    constant = np.bincount(d.observation.block, normalisers(layout_of(d), middle, d.observation), len(d.block))
    found = tree["log_likelihood"]["observed"].to_numpy()
    for draw in range(0, found.shape[1], 40):
        real = again.density.real(run.unconstrained["x"].to_numpy()[0, draw])
        np.testing.assert_allclose(found[0, draw], block_densities(d, real) + constant, rtol=1e-9)
        assert found[0, draw].sum() == pytest.approx(
            value_and_gradient(layout_of(d), real)[0] + constant.sum(), rel=1e-9
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a hamlet left out the weights are uneven
        loo = az.loo(tree, pointwise=True, reff=1.0)
    expected, _ = left_out(found.reshape(-1, found.shape[-1]))
    np.testing.assert_allclose(loo.elpd_i.to_numpy(), expected, rtol=1e-6)


def test_the_log_prior_is_of_every_free_variable_and_power_scaling_takes_it(tree: xr.DataTree) -> None:
    free = {rv.name for rv in trajectory(hamlets(), base().spec).free_RVs}
    assert set(tree["log_prior"].data_vars) == free
    level = tree["posterior"]["indicator_level"]
    expected = norm.logpdf(level, scale=base().spec.measurement.level_sd).sum(axis=-1)
    np.testing.assert_allclose(tree["log_prior"]["indicator_level"], expected, rtol=1e-7)
    table = az.psense_summary(tree, var_names=["deprivation_level"])
    assert {"prior", "likelihood"} <= set(table.columns)


def test_replicated_data_are_like_the_observed_ones(tree: xr.DataTree) -> None:
    replicated, observed = tree["posterior_predictive"], tree["observed_data"]
    assert set(replicated.data_vars) == set(observed.data_vars) == set(tree["prior_predictive"].data_vars)
    below = []
    for name, values in observed.data_vars.items():
        drawn = replicated[name].stack(all=("chain", "draw")).transpose("all", ...).to_numpy()
        assert drawn.shape[1:] == values.shape
        assert np.isfinite(drawn).all()
        assert np.isfinite(values).all()
        below.append(((drawn < values.to_numpy()) + 0.5 * (drawn == values.to_numpy())).mean(axis=0))
    place = np.concatenate(below)
    assert place.size > 90
    assert abs(place.mean() - 0.5) < 0.05
    assert 0.8 < np.mean((place > 0.055) & (place < 0.945)) <= 1.0  # 89% intervals
    wider = tree["prior_predictive"]
    assert all(float(wider[n].std()) > 0.0 for n in wider.data_vars)


def test_scores_are_of_each_authority_given_the_others_and_of_each_grade(run: Fit, tree: xr.DataTree) -> None:
    again = revisit(run, trajectory, draws=1)
    d = again.design
    scores = tree["scores"]
    at = {"chain": 0, "draw": int(scores["draw"][1])}
    real = again.density.real(run.unconstrained["x"].sel(at).to_numpy())
    whole = block_densities(d, real)
    found = scores["authority_score"].sel(at).to_numpy()
    for b, members in enumerate(d.block):
        for a in members:
            code = d.authority[a]
            if len(members) == 1:
                assert found[a] == pytest.approx(whole[b], rel=1e-12)
                continue
            kept = (d.observation.unit != code).to_numpy()
            still = np.flatnonzero(kept[layout_of(d).graded >= 0])
            part = real._replace(
                z=real.z[kept], variance=real.variance[kept], offset=real.offset[kept],
                low=real.low[still], high=real.high[still],
            )  # fmt: skip
            assert found[a] == pytest.approx(whole[b] - block_densities(d.kept(kept), part)[b], rel=1e-9)
    assert any(len(members) > 1 for members in d.block)
    judged = np.flatnonzero(d.observation.indicator == JUDGEMENT)
    theta = np.random.default_rng(1).normal(size=d.exists.shape)
    at_each, kind = layout_of(d).graded[judged], d.observation.kind.to_numpy()[judged]
    mean, sd = fitted(d, real._asdict(), theta)[judged], np.sqrt(1.0 + real.domain_sd[kind] ** 2)
    p = norm.cdf((real.high[at_each] - mean) / sd) - norm.cdf((real.low[at_each] - mean) / sd)
    np.testing.assert_allclose(_grade_scores(d, real, theta, judged), np.log(p), rtol=1e-6)
    assert (scores["judgement_score"] < 0.0).all()


@pytest.mark.parametrize("plot", ["plot_ppc_dist", "plot_prior_posterior", "plot_trace"])
def test_arvizs_pictures_take_the_file_as_it_is(tree: xr.DataTree, plot: str) -> None:
    mpl.use("agg")
    names = {"plot_ppc_dist": list(tree["observed_data"].data_vars)[:2]}.get(plot, ["deprivation_level"])
    found = getattr(az, plot)(tree, var_names=names, backend="matplotlib")
    assert len(np.ravel(found.viz["figure"].item().axes)) >= len(names)
    assert "deprivation_level" in str(az.summary(tree, var_names=["deprivation_level"]).index)


def test_a_run_without_what_arviz_asks_for_is_read_as_before(tmp_path: Path) -> None:
    base().write(tmp_path / "run")
    assert Run.read(tmp_path / "run").more == {}
    assert (
        Fit.read(tmp_path / "run")
        .to_datatree()["posterior"]
        .identical(Run.read(tmp_path / "run").to_datatree()["posterior"])
    )
