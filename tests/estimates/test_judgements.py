"""What judgements follow: loadings, indicators alone, the table of overall grades, and the command that prints them."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command_runner import command
from paths import PANELS

from bayes_csc import Fit, Panel
from bayes_csc.errors import GateError, UsageError
from bayes_csc.estimates.forecast.overall_given_subjudgements import overall_of_run
from bayes_csc.estimates.judgement_free import indicators_alone, theta_at_inspections, without_ratings
from bayes_csc.estimates.loadings import loadings
from bayes_csc.inference.diagnostics import Gate
from bayes_csc.inference.fit import preview
from bayes_csc.measurement.judgements.scales import judgements
from bayes_csc_cli.run.judgements import overall_text, verdict
from bayes_csc_models import trajectory

HAMLETS = PANELS / "hamlets"
PASSED = Gate(True, 1.001, 900.0, 800.0, 0.9, 0, (), "")
FAILED = Gate(False, 1.2, 30.0, 20.0, 0.9, 0, ("loading[agency]: R-hat 1.200",), "run longer: double --draws")


@pytest.fixture(scope="module")
def fitted() -> Fit:
    return dataclasses.replace(preview(Panel.read(HAMLETS), trajectory, seed=3, chains=2, draws=40), gate=PASSED)


@pytest.fixture(scope="module")
def alone(fitted: Fit) -> Fit:
    run = preview(fitted.panel, trajectory, spec=without_ratings(fitted), seed=3, chains=2, draws=40)
    return dataclasses.replace(run, gate=PASSED)


def test_loadings_are_those_of_the_posterior(fitted: Fit) -> None:
    found = loadings(fitted, interval=0.5)
    judged = found[found.kind == "judgement"].iloc[0]
    draws = fitted.posterior["judgement_loading"].to_numpy().ravel()
    assert judged["mean"] == pytest.approx(draws.mean())
    np.testing.assert_allclose([judged.lower, judged.upper], np.quantile(draws, [0.25, 0.75]))
    assert (judged.unit, judged.p_negative) == ("probits", 0.0)
    own = found[found.kind == "indicator"].set_index("key")
    assert set(own.index) == set(fitted.posterior.indicator.to_numpy())
    assert (own.unit == "logits").all()


def test_a_domain_s_loading_is_the_mean_of_its_indicators(fitted: Fit) -> None:
    found = loadings(fitted)
    own = found[found.kind == "indicator"]
    domains = found[found.kind == "domain"].set_index("key")
    assert set(domains.index) == set(own.domain)
    for domain, rows in own.groupby("domain"):
        assert domains["mean"][domain] == pytest.approx(rows["mean"].mean())


def test_theta_at_an_inspection_is_that_of_the_fit_without_ratings(fitted: Fit, alone: Fit) -> None:
    rows = judgements(fitted.panel)
    rows = rows[rows.authority.isin(alone.posterior.authority.to_numpy())].reset_index(drop=True)
    mean, variance, region = theta_at_inspections(alone, trajectory, rows)
    assert mean.shape == variance.shape == region.shape == (80, len(rows))
    where = fitted.panel.authorities.region.loc[rows.authority].to_numpy()
    at = rows.position.to_numpy()
    same = (where[:, None] == where) & (at[:, None] == at)  # one region, one day
    np.testing.assert_allclose(np.where(same, region[7][:, None], region[7]), region[7][None].repeat(len(at), axis=0))
    years = alone.posterior.year.to_numpy().astype(float)
    i = int(np.argmax(rows.authority == "402"))
    path = alone.posterior["theta"].sel(authority="402")
    drawn = np.array([np.interp(rows.position[i], years, p) for p in path.to_numpy().reshape(-1, years.size)])
    # the mixture over draws of the hyperparameters has the mean and variance of the fit's draws of theta
    total = variance[:, i].mean() + mean[:, i].var()
    assert drawn.mean() == pytest.approx(mean[:, i].mean(), abs=4 * np.sqrt(total / 80))
    assert drawn.var() == pytest.approx(total, rel=4 * np.sqrt(2 / 80) + 0.3)  # and its correlation with England


def test_indicators_alone_are_held_against_every_domain_judged(fitted: Fit, alone: Fit) -> None:
    found = indicators_alone(fitted, alone, trajectory)
    assert list(found.judged) == list(fitted.posterior.judged.to_numpy())
    assert found.inspections.sum() == len(judgements(fitted.panel))
    for name in ("slope", "slope_within", "concordance", "concordance_within", "loading"):
        assert (found[f"{name}_lower"] <= found[name]).all()
        assert (found[name] <= found[f"{name}_upper"]).all()
    assert found.concordance.between(0, 1).all()
    for agreement in found.attrs["theta"].values():
        assert -1 <= agreement["lower"] <= agreement["of_draws"] <= agreement["upper"] <= 1
    again = indicators_alone(fitted, alone, trajectory, cores=1)
    pd.testing.assert_frame_equal(found, again)


def test_theta_agrees_with_itself(fitted: Fit, alone: Fit) -> None:
    same = dataclasses.replace(alone, posterior=fitted.posterior.drop_vars("judgement_loading"))
    same = dataclasses.replace(same, posterior=same.posterior.assign(theta=fitted.posterior["theta"]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "bayes_csc.estimates.judgement_free.theta_at_inspections", lambda run, *_, **__: _still(run, fitted)
        )
        found = indicators_alone(fitted, same, trajectory)
    for agreement in found.attrs["theta"].values():
        assert agreement["of_means"] == pytest.approx(1.0)
        assert agreement["lower"] == pytest.approx(1.0)


def _still(run: Fit, fitted: Fit) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n = len(judgements(fitted.panel))
    return np.random.default_rng(0).standard_normal((6, n)), np.full((6, n), 0.1), np.zeros((6, n))


def test_what_cannot_be_compared_is_refused(fitted: Fit, alone: Fit) -> None:
    with pytest.raises(UsageError, match="expected a fit of the same panel without ratings"):
        indicators_alone(fitted, fitted, trajectory)
    with pytest.raises(UsageError, match="no judgements to compare with"):
        without_ratings(alone)
    only = dataclasses.replace(fitted, posterior=fitted.posterior.drop_vars("loading"))
    with pytest.raises(UsageError, match="no indicators"):
        without_ratings(only)
    with pytest.raises(GateError, match="R-hat"):
        loadings(dataclasses.replace(fitted, gate=FAILED))
    with pytest.raises(UsageError, match="0 < interval < 1"):
        loadings(fitted, interval=1.0)


def test_a_domain_is_found_where_the_slope_s_interval_is_above_zero() -> None:
    table = pd.DataFrame(
        {"judged": ["help_and_protection", "leadership"], "slope_lower": [0.1, -0.1], "slope_within_lower": [0.2, 0.1]}
    )
    said = verdict(table)
    assert "follow, to some degree: help and protection." in said
    assert "cannot be told to find: leadership." in said
    assert "within regions, to some degree: help and protection, leadership." in said
    assert "find within regions" not in said
    assert "agreement validates neither" in said


# The table of overall grades, of a panel with sub-judgements.


def with_parts(fit: Fit) -> Fit:
    """The run as if its model had judged two sub-judgements, each inspection's the overall grade."""
    panel = fit.panel
    parts = [panel.inspections.assign(domain=domain) for domain in ("care", "help")]
    inspections = pd.concat([panel.inspections, *parts], ignore_index=True)
    panel = dataclasses.replace(panel, inspections=inspections, sub_judgements={"care": "care", "help": "help"})
    scales = [f"{f}:{d}" for f in ("SIF", "ILACS") for d in ("care", "help")]
    return dataclasses.replace(fit, panel=panel, posterior=fit.posterior.assign_coords(scale=("scale", scales)))


def test_the_table_is_of_the_sub_judgements_of_the_inspection_to_come(fitted: Fit) -> None:
    assert overall_of_run(fitted) is None  # overall grades alone
    bare = fitted.posterior.drop_dims("scale")
    table = overall_of_run(with_parts(dataclasses.replace(fitted, posterior=bare)))
    assert table is not None
    assert table.attrs["judged"] == ["care", "help"]
    assert table.inspections.sum() == 19
    worst = table[(table.care == 4) & (table.help == 4)].iloc[0]
    assert worst["inadequate"] > 0.9
    said = overall_text(table)
    assert "P(inadequate)" in said
    assert "requires improvement" in said


# The command.


def test_the_command_prints_and_writes_what_it_found(
    fitted: Fit, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fitted.write(tmp_path / "run")
    assert command("judgements", tmp_path / "run", "--no-alone") == 0
    said = capsys.readouterr().out
    assert "Associations, not effects" in said
    assert "PREVIEW. Loadings" in said
    assert "Indicators alone" not in said
    back = pd.read_csv(tmp_path / "run" / "loadings.csv")
    np.testing.assert_allclose(back["mean"], loadings(fitted)["mean"])
    about = json.loads((tmp_path / "run" / "loadings.json").read_text())["metadata"]
    assert about["panel_hash"] == fitted.record["panel_hash"]
    assert not (tmp_path / "run" / "overall.csv").exists()


def test_the_command_fits_the_indicators_alone(
    fitted: Fit, alone: Fit, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted.write(tmp_path / "run")
    monkeypatch.setattr(sys.modules["bayes_csc.inference.fit"], "preview", lambda *_, **__: alone)
    assert command("judgements", tmp_path / "run") == 0
    said = capsys.readouterr().out
    assert "Correlation of theta with and without ratings" in said
    back = pd.read_csv(tmp_path / "run" / "indicators_alone.csv")
    np.testing.assert_allclose(back.slope, indicators_alone(fitted, alone, trajectory).slope)
