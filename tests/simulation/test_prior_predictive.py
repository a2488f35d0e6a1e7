"""What the priors imply before any data, against what follows from them by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from bayes_csc.errors import SpecError
from bayes_csc.files.embedded_data import data_dir
from bayes_csc.measurement.design import design
from bayes_csc.panel.panel import Panel
from bayes_csc.simulation.prior_predictive import LAST_INSPECTION, Implied, implied_by_prior, parameters
from bayes_csc.simulation.simulate import simulate
from bayes_csc.spec import Spec
from bayes_csc_cli import app
from bayes_csc_models.trajectory import shared_parts, trajectory

DRAWS = 400
ALONE = Spec().updated({"pooling": {"region": False, "deprivation": False}})


@pytest.fixture(scope="module")
def panel() -> Panel:
    return simulate(trajectory, Spec(), authorities=20, years=8, indicators=5, seed=1)[0]


@pytest.fixture(scope="module")
def implied(panel: Panel) -> Implied:
    return implied_by_prior(panel, trajectory, ALONE, draws=DRAWS, epsilon=0.0)


def test_the_yearly_change_of_theta_has_the_variance_of_slope_and_path(panel: Panel, implied: Implied) -> None:
    template = design(panel, ALONE).template[0]
    step = np.diff(template.matrix, axis=0)
    slope, path = ((step[:, template.column_kind == kind] ** 2).sum(axis=1).mean() for kind in (1, 2))
    concentration = np.array(ALONE.trend.share_concentration)
    share = concentration / concentration.sum()
    centring = 1.0 - 1.0 / len(panel.authorities)
    expected = centring * (share[1] * slope + share[2] * path)
    # Dirichlet moments give the spread between draws of the variance; four standard errors, and 1% for that within
    covariance = (np.diag(share) - np.outer(share, share)) / (concentration.sum() + 1.0)
    between = np.sqrt(np.array([slope, path]) @ covariance[1:, 1:] @ np.array([slope, path]))
    assert implied.change["sd"] ** 2 == pytest.approx(expected, abs=4 * between / np.sqrt(DRAWS) + 0.01 * expected)


def test_without_a_threshold_theta_declines_in_half_of_the_cases(implied: Implied) -> None:
    # theta is symmetric about its mean; four standard errors from the shares' spread between draws of some 0.1
    assert list(implied.decline.p_decline) == pytest.approx([0.5] * len(implied.decline), abs=4 * 0.12 / DRAWS**0.5)
    assert {LAST_INSPECTION, "1 year", "5 years"} <= set(implied.decline.index)


def test_a_longer_gap_and_a_smaller_threshold_make_a_decline_likelier(panel: Panel) -> None:
    p = implied_by_prior(panel, trajectory, ALONE, draws=100, epsilon=0.5).decline.p_decline
    assert p["1 year"] < p["2 years"] < p["5 years"] < 0.5


def test_rates_do_not_differ_between_authorities_if_nothing_that_differs_has_a_scale(panel: Panel) -> None:
    tiny = {"agreed_sd": 1e-4, "not_agreed_sd": 1e-4}
    spec = ALONE.updated({"loadings": tiny, "measurement": {"deviation_sd": 1e-4}})
    rates = implied_by_prior(panel, trajectory, spec, draws=20).rates
    assert list(rates.index) == list(panel.indicators)
    assert rates.to_numpy().max() < 1e-3


def test_a_wider_prior_of_the_deviations_spreads_the_rates(panel: Panel, implied: Implied) -> None:
    wide = ALONE.updated({"measurement": {"deviation_sd": 3.0}})
    assert (implied_by_prior(panel, trajectory, wide, draws=100).rates.sd > 1.2 * implied.rates.sd).all()


def test_the_same_seed_gives_the_same_implications(panel: Panel) -> None:
    first, second = (implied_by_prior(panel, trajectory, ALONE, draws=5, seed=2) for _ in range(2))
    assert first.rates.equals(second.rates)
    assert first.decline.equals(second.decline)


def test_the_parameters_are_all_that_is_sampled(panel: Panel) -> None:
    model = trajectory(panel, Spec())
    table = parameters(model)
    assert list(table.index) == [v.name for v in model.free_RVs]
    point = model.initial_point()
    values = {model.rvs_to_values[v].name for v in model.free_RVs}
    assert table["size"].sum() == sum(np.size(point[name]) for name in values)


def test_priors_are_written_with_their_constants(panel: Panel) -> None:
    table = parameters(trajectory(panel, Spec()))
    assert table.prior["loading_agreed"] == "HalfNormal(0.5)"
    assert table.prior["trend_share"] == "Dirichlet([2, 1, 2])"
    assert table.prior["autocorrelation"] == "Beta(8, 2)"
    assert table.prior["white_share"] == "Beta(2, 2)"
    assert table.dims["domain_share"] == "shared_by 1"


def test_the_command_shows_equations_priors_and_what_they_imply(root: Path) -> None:
    done = CliRunner().invoke(app, ["model", "show", "--panel", str(root / "tests" / "panels" / "hamlets")])
    assert done.exit_code == 0, done.exception
    for part in ("theta[a, t] = ", "judgement_loading", "~ HalfNormal(1)", "parameters free to vary", "P(decline)"):
        assert part in done.stdout


def test_the_command_names_an_unknown_key_and_an_impossible_prior(tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text('base = "baseline"\ntrend.knid = "AR(1)"\nloadings.agreed_sd = -1\n', encoding="utf-8")
    done = CliRunner().invoke(app, ["model", "show", "--spec", str(path)])
    assert isinstance(done.exception, SpecError)
    assert "unknown key 'trend.knid'" in str(done.exception)
    assert "loadings.agreed_sd: Input should be greater than 0, found -1" in str(done.exception)


def test_two_indicators_of_a_domain_have_one_share_of_its_deviation_and_three_have_one_each() -> None:
    england = design(Panel.read(data_dir("england")), Spec())
    protection = ("conference_within_15_days", "second_plan", "plan_over_2_years")
    named = [(label, signed, [england.indicator[k] for k in of]) for label, signed, of in shared_parts(england)]
    assert named == [
        ("referral", True, ["re_referral", "no_further_action"]),
        *((key, True, [key]) for key in protection),
        *((key, False, [key]) for key in ("agency", "vacancy", "turnover")),
        ("care_leavers", False, ["care_leaver_activity", "care_leaver_accommodation"]),
    ]
