"""The caseload benchmark: an exact leave-one-out prediction, its coverage, and what the table says."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student
from typer.testing import CliRunner

from bayes_csc.errors import DataError, UsageError
from bayes_csc.panel.describe.caseload import NOISE, caseload_benchmark, leave_one_out
from bayes_csc.panel.panel import Panel
from bayes_csc_cli import app


@pytest.fixture(scope="module")
def panel(shipped: Panel) -> Panel:
    """The panel that ships."""
    return shipped


def simulated(rng: np.random.Generator, n: int, ratio: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    size = np.exp(rng.normal(4.8, 0.8, n))
    predictors = np.column_stack([np.ones(n), rng.normal(size=(n, 3))])
    variance = 0.02 * (1 + ratio * np.median(size) / size)
    return predictors @ [2.7, 0.1, 0.0, -0.05] + np.sqrt(variance) * rng.normal(size=n), predictors, size


def test_the_closed_form_is_the_prediction_of_a_fit_without_the_authority() -> None:
    outcome, predictors, size = simulated(np.random.default_rng(1), 25, 0.5)
    found = leave_one_out(outcome, predictors, size)
    for i, (place, ratio) in [(0, (0, 0.0)), (7, (3, 0.5)), (24, (6, 4.0))]:
        assert NOISE[place] == ratio
        keep = np.arange(25) != i
        variance = 1 + ratio * np.median(size) / size
        weighted = predictors[keep] / variance[keep, None]
        precision = predictors[keep].T @ weighted
        beta = np.linalg.solve(precision, weighted.T @ outcome[keep])
        squares = ((outcome[keep] - predictors[keep] @ beta) ** 2 / variance[keep]).sum()
        spread = variance[i] + predictors[i] @ np.linalg.solve(precision, predictors[i])
        assert found.df == 24 - 4
        assert found.location[i, place] == pytest.approx(predictors[i] @ beta, rel=1e-10)
        assert found.scale[i, place] == pytest.approx(np.sqrt(squares / 20 * spread), rel=1e-10)


def test_the_weights_are_the_posterior_of_the_noise_ratio_given_the_others() -> None:
    outcome, predictors, size = simulated(np.random.default_rng(2), 20, 1.0)
    found = leave_one_out(outcome, predictors, size)
    evidence = []
    keep = np.arange(20) != 5
    for ratio in NOISE:
        variance = (1 + ratio * np.median(size) / size)[keep]
        weighted = predictors[keep] / variance[:, None]
        precision = predictors[keep].T @ weighted
        beta = np.linalg.solve(precision, weighted.T @ outcome[keep])
        squares = ((outcome[keep] - predictors[keep] @ beta) ** 2 / variance).sum()
        determinant = np.linalg.slogdet(precision)[1]
        evidence.append(-0.5 * (np.log(variance).sum() + determinant + (19 - 4) * np.log(squares)))
    weight = np.exp(np.array(evidence) - max(evidence))
    np.testing.assert_allclose(found.weight[5], weight / weight.sum(), rtol=1e-9)


def test_an_outcome_has_no_part_in_its_own_prediction() -> None:
    outcome, predictors, size = simulated(np.random.default_rng(3), 30, 0.5)
    changed = outcome.copy()
    changed[4] += 3.0
    one, other = leave_one_out(outcome, predictors, size), leave_one_out(changed, predictors, size)
    np.testing.assert_allclose(one.quantile(0.9)[4], other.quantile(0.9)[4], rtol=1e-9)


def test_quantiles_and_shares_are_inverse_and_those_of_student_where_the_noise_is_alike() -> None:
    outcome, predictors, _ = simulated(np.random.default_rng(4), 40, 0.0)
    found = leave_one_out(outcome, predictors, np.full(40, 50.0))
    np.testing.assert_allclose(found.share_below(found.quantile(0.2)), 0.2, atol=1e-8)
    # Equal sizes: every ratio gives the same prediction.
    exact = found.location[:, 0] + found.scale[:, 0] * student.ppf(0.2, found.df)
    np.testing.assert_allclose(found.quantile(0.2), exact, rtol=1e-8)


@pytest.mark.parametrize("ratio", [0.0, 0.5, 2.0])
def test_intervals_cover_as_often_as_they_say_where_the_truth_is_known(ratio: float) -> None:
    """200 simulated years of 150 authorities; the shares of 30,000 have a standard error of 0.003 at most."""
    rng = np.random.default_rng(5)
    below = np.concatenate(
        [leave_one_out(y, x, s).share_below(y) for y, x, s in (simulated(rng, 150, ratio) for _ in range(200))]
    )
    for level in (0.5, 0.89):
        inside = (np.abs(below - 0.5) < level / 2).mean()
        assert inside == pytest.approx(level, abs=0.01)


def test_intervals_cover_real_caseloads_nearly_as_often_as_they_say(panel: Panel) -> None:
    """Nine years of about 149 returns; one share has a standard error of 0.014 at 50% and 0.009 at 89%."""
    tables = [caseload_benchmark(panel, year) for year in range(2017, 2026)]
    together = pd.concat(tables)
    assert len(together) == 1345
    for level, tolerance in (("50", 0.042), ("89", 0.027)):
        inside = together["caseload"].between(together[f"lower_{level}"], together[f"upper_{level}"])
        assert inside.mean() == pytest.approx(int(level) / 100, abs=tolerance)
    assert together["share_below"].mean() == pytest.approx(0.5, abs=0.024)


def test_deprivation_size_and_demand_explain_little_of_real_caseloads(panel: Panel) -> None:
    """As the README says: 1% to 15% of the variance of the logarithm in a year, where more than ten hold cases."""
    explained = []
    for year in range(2017, 2026):
        table = caseload_benchmark(panel, year)
        table = table[table["case_holders"] > 10]
        outcome = np.log(table["caseload"])
        logs = np.log(table[["population", "demand"]])
        predictors = np.column_stack([np.ones(len(table)), table["deprivation"], logs])
        fitted = predictors @ np.linalg.lstsq(predictors, outcome, rcond=None)[0]
        explained.append(float(np.var(fitted) / np.var(outcome)))
    assert (min(explained), max(explained)) == pytest.approx((0.01, 0.15), abs=0.005)


def test_the_real_table_has_joint_returns_once_and_names_who_is_left_out(panel: Panel) -> None:
    table = caseload_benchmark(panel, 2025).set_index("authority")
    assert len(table) == 149
    joint = table.loc["314+318"]
    assert joint["name"] == "Kingston upon Thames + Richmond upon Thames"
    assert not {"314", "318", "940", "941"} & set(table.index)
    children = panel.covariates.query("covariate == 'population_0_17' and year == 2024").set_index("authority")["value"]
    assert joint["population"] == children["314"] + children["318"]
    low, high = sorted(panel.authorities.loc[["314", "318"], "deprivation"])
    assert low < joint["deprivation"] < high
    # Authorities that began in April 2019 had no year of referrals and need behind them in September.
    assert caseload_benchmark(panel, 2019).attrs["left_out"] == ["838", "839"]


def test_the_caseload_is_the_published_one(panel: Panel) -> None:
    # Workforce census of 30 September 2023, Hartlepool; England's 16.0 is the mean of all case holders.
    table = caseload_benchmark(panel, 2023)
    mean = (table["caseload"] * table["case_holders"]).sum() / table["case_holders"].sum()
    assert mean == pytest.approx(16.0, abs=0.1)


def test_ranges_widen_where_few_hold_cases(panel: Panel) -> None:
    table = caseload_benchmark(panel, 2024).set_index("authority")
    width = np.log(table["upper_89"] / table["lower_89"])
    assert width["420"] > width["201"] > 1.2 * width.median()
    assert (width[table["case_holders"] > 100] < 1.1 * width.median()).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"indicator": "nothing"}, "no observed cell of the indicator 'nothing'"),
        ({"year": 1999}, "no caseload in 1999; expected a year from 2017 to 2025"),
        ({"demand": "hope"}, "no covariate hope in covariates.csv"),
    ],
)
def test_what_the_panel_does_not_have_is_named(panel: Panel, changes: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        caseload_benchmark(panel, **changes)  # type: ignore[arg-type]


def test_too_few_or_collinear_authorities_are_refused() -> None:
    outcome, predictors, size = simulated(np.random.default_rng(6), 30, 0.0)
    with pytest.raises(DataError, match="needs at least 7 authorities, found 5"):
        leave_one_out(outcome[:5], predictors[:5], size[:5])
    with pytest.raises(DataError, match="collinear"):
        leave_one_out(outcome, np.column_stack([predictors, predictors[:, 1]]), size)


def test_the_command_prints_every_authority_and_says_what_it_cannot_show(tmp_path: Path) -> None:
    shown = CliRunner().invoke(app, ["data", "caseload", "--year", "2024"])
    assert shown.exit_code == 0, shown.output
    flat = " ".join(shown.output.split())
    assert "Hartlepool" in flat
    assert "do not show caseloads by role, by service area" in flat
    assert "no value is a threshold" in flat
    assert "\x1b[" not in shown.output
    target = tmp_path / "caseload.csv"
    written = CliRunner().invoke(app, ["data", "caseload", "--out", str(target)])
    assert written.exit_code == 0, written.output
    table = pd.read_csv(io.StringIO(target.read_text(encoding="utf-8")), dtype={"authority": str})
    assert table["year"].unique().tolist() == [2025]
    assert len(table) == 149
