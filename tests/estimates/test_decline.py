"""The table of declines of a made-up fit whose conditional moments are known, against normal mixtures by hand."""

from __future__ import annotations

import dataclasses
import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from fabricated_run import CHAINS, CODES, DRAWS, FAILED, made_up
from paths import PANELS
from scipy.optimize import brentq
from scipy.stats import norm

from bayes_csc import Fit, Panel, decline
from bayes_csc.errors import GateError, UsageError
from bayes_csc.estimates.comparison_columns import beside
from bayes_csc.estimates.decline import write_decline
from bayes_csc.likelihood.conditional_states import CHANGES


@pytest.fixture(scope="module")
def panel() -> Panel:
    """The hamlets, Ivy never inspected, Elm with a name that has a comma."""
    hamlets = Panel.read(PANELS / "hamlets")
    inspections = hamlets.inspections[hamlets.inspections.authority != "405"].reset_index(drop=True)
    authorities = hamlets.authorities.replace({"name": {"Elm": "Elm, Parish of"}})
    return dataclasses.replace(hamlets, inspections=inspections, authorities=authorities)


COLUMNS = [
    "authority", "name", "region", "last_inspection", "last_grade", "gap_years", "delta_median", "delta_lower",
    "delta_upper", "epsilon", "p_decline", "p_decline_mcse", "p_decline_no_data", "recent_delta_median",
    "recent_delta_lower", "recent_delta_upper", "p_recent_decline",
]  # fmt: skip
"""As the contract has them; `figures_since` follows the gap, and a note the last."""


@pytest.fixture(scope="module")
def fit(panel: Panel) -> Fit:
    return made_up(panel)


def components(fit: Fit, code: str, kind: str) -> tuple[np.ndarray, np.ndarray]:
    chosen = fit.change.sel(authority=code, change=kind)
    return chosen["mean"].to_numpy().ravel(), np.sqrt(chosen["variance"].to_numpy().ravel())


def row(table: pd.DataFrame, code: str) -> Any:
    return table.set_index("authority").loc[code]


@pytest.mark.parametrize(
    ("column", "kind"),
    list(zip(("p_decline", "p_decline_no_data", "p_recent_decline"), CHANGES, strict=True)),
)
@pytest.mark.parametrize("epsilon", [0.0, 0.25, 1.0])
def test_a_probability_is_the_average_of_normal_probabilities(fit: Fit, column: str, kind: str, epsilon: float) -> None:
    table = decline(fit, "all", epsilon=epsilon)
    assert set(table.epsilon) == {epsilon}
    for code in ("401", "404"):
        mean, sd = components(fit, code, kind)
        assert row(table, code)[column] == pytest.approx(norm.cdf(-epsilon, mean, sd).mean(), rel=1e-12)


@pytest.mark.parametrize("interval", [0.5, 0.89, 0.99])
def test_quantiles_are_those_of_the_mixture(fit: Fit, interval: float) -> None:
    table = decline(fit, "all", interval=interval)
    tail = (1 - interval) / 2
    for prefix, kind in (("delta", CHANGES[0]), ("recent_delta", CHANGES[2])):
        mean, sd = components(fit, "403", kind)

        def below(x: float, mean: np.ndarray = mean, sd: np.ndarray = sd) -> float:
            return float(norm.cdf(x, mean, sd).mean())

        for name, p in (("lower", tail), ("median", 0.5), ("upper", 1 - tail)):
            found = row(table, "403")[f"{prefix}_{name}"]
            wanted = brentq(lambda x, p=p: below(x) - p, -10, 10)
            assert found == pytest.approx(wanted, abs=1e-9)


def test_the_monte_carlo_error_is_that_of_the_average(fit: Fit) -> None:
    found = row(decline(fit, "all"), "402")
    p = norm.cdf(-0.25, *components(fit, "402", CHANGES[0]))
    # the made-up draws are independent; 80 of them give the standard deviation to 8%, their effective number to 30%
    assert found.p_decline_mcse == pytest.approx(p.std() / np.sqrt(p.size), rel=0.5)


def test_gap_and_note(fit: Fit) -> None:
    table = decline(fit, "all").set_index("authority")
    np.testing.assert_allclose(table.gap_years[["401", "402", "403", "408"]], [2.6, 5.0, 0.4, 0.6])
    assert table.note.to_dict() == {
        "401": "", "402": "", "403": "too recent", "404": "", "405": "no inspection", "408": "too recent",
    }  # fmt: skip


def test_columns_are_the_contracts_in_its_order(fit: Fit) -> None:
    at = COLUMNS.index("gap_years") + 1
    assert list(decline(fit).columns) == [*COLUMNS[:at], "figures_since", *COLUMNS[at:], "note"]


def test_columns_are_those_that_the_contract_checks(shared: Path) -> None:
    text = (shared / "checks" / "contract.py").read_text()
    wanted = "".join(part.strip().strip('"') for part in text.split("DECLINE = (")[1].split(")")[0].splitlines())
    assert wanted.split(",") == COLUMNS


@pytest.mark.parametrize(
    ("group", "codes"),
    [
        ("requires improvement", ["401", "403"]),
        ("Requires Improvement", ["401", "403"]),
        ("good", ["402", "408"]),
        ("inadequate", ["404"]),
        ("all", ["401", "402", "403", "404", "405", "408"]),
        ("404", ["404"]),
        ("408, 402", ["402", "408"]),
        ("Fern,gorse", ["402", "403"]),
        ("elm, parish of", ["401"]),
        ("Gorse, Elm, Parish of, 402", ["401", "402", "403"]),
        ("402, Fern", ["402"]),
        ("406", ["406"]),
    ],
)
def test_a_group_is_a_grade_or_all_or_codes_or_names(fit: Fit, group: str, codes: list[str]) -> None:
    assert sorted(decline(fit, group).authority) == codes


@pytest.mark.parametrize(
    ("group", "message"),
    [
        ("excellent", "no group, authority code or name 'excellent'; the groups are all, outstanding, good, requires"),
        ("402, 999", "no group, authority code or name '999'"),
        ("Fern, Juniper", "no group, authority code or name 'Juniper'"),  # no longer exists: by its code only
        ("outstanding", "no authority's latest grade is outstanding"),
        (" , ", "the group is empty"),
    ],
)
def test_an_unknown_group_is_refused_with_what_there_is(fit: Fit, group: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        decline(fit, group)


def test_an_authority_without_an_estimate_is_in_no_group(fit: Fit) -> None:
    without = dataclasses.replace(fit, change=fit.change.drop_sel(authority="403"))
    assert list(decline(without).authority) == ["401"]
    assert "403" not in set(decline(without, "all").authority)
    with pytest.raises(UsageError, match="'403'"):
        decline(without, "403")


def test_a_grade_is_the_latest_one(fit: Fit) -> None:
    table = decline(fit, "all").set_index("authority")
    assert table.last_grade["403"] == "requires improvement"  # after inadequate and good
    assert table.last_inspection["403"] == "2022-01-17"
    assert table.last_grade["405"] == ""


def test_the_table_is_sorted_by_name(fit: Fit) -> None:
    names = list(decline(fit, "all").name)
    assert names == sorted(names)
    assert names[0] == "Elm, Parish of"


@pytest.mark.parametrize("epsilon", [-0.1, float("nan"), float("inf")])
def test_an_impossible_epsilon_is_refused(fit: Fit, epsilon: float) -> None:
    with pytest.raises(UsageError, match=r"finite epsilon >= 0, found 0\.89 and"):
        decline(fit, epsilon=epsilon)


@pytest.mark.parametrize("interval", [0.0, 1.0, 89.0, -0.5, float("nan")])
def test_an_impossible_interval_is_refused(fit: Fit, interval: float) -> None:
    with pytest.raises(UsageError, match="expected 0 < interval < 1"):
        decline(fit, interval=interval)


def test_a_larger_epsilon_is_never_more_probable(fit: Fit) -> None:
    p = np.stack([decline(fit, "404 ", epsilon=e).p_decline.to_numpy() for e in (0.0, 0.1, 0.5, 2.0)])
    assert (np.diff(p, axis=0) < 0).all()


# The gate.


def test_a_failed_run_shows_no_table_but_says_why_and_what_to_try(panel: Panel) -> None:
    with pytest.raises(GateError, match=r"loading\[agency\]: R-hat 1\.200\nWhat to try: run longer: double --draws"):
        decline(made_up(panel, FAILED))


def test_a_forced_table_of_a_failed_run_warns_in_every_output(panel: Panel, tmp_path: Path) -> None:
    table = decline(made_up(panel, FAILED), "all", force=True)
    assert table.attrs["gate_passed"] is False
    assert "do not use these numbers. loading[agency]: R-hat 1.200" in table.attrs["warning"]
    write_decline(table, tmp_path)
    notes = pd.read_csv(tmp_path / "decline.csv", dtype=str).set_index("name").note
    assert notes["Fern"] == "diagnostics failed"
    assert notes["Gorse"] == "too recent; diagnostics failed"
    written = json.loads((tmp_path / "decline.json").read_text())
    assert written["metadata"]["warning"] == table.attrs["warning"]
    assert all(r["note"].endswith("diagnostics failed") for r in written["rows"])
    assert "diagnostics failed" not in "".join(table.note)


def test_force_changes_nothing_of_a_run_that_passed(fit: Fit) -> None:
    forced, plain = decline(fit, force=True), decline(fit)
    pd.testing.assert_frame_equal(forced, plain)
    assert forced.attrs == plain.attrs
    assert "warning" not in plain.attrs


# The files.


def no_constant(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


def test_json_and_csv_hold_the_table_and_all_its_metadata(fit: Fit, tmp_path: Path) -> None:
    table = decline(fit, "all", epsilon=0.3, interval=0.8)
    write_decline(table, tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["decline.csv", "decline.json"]
    written = json.loads((tmp_path / "decline.json").read_text(), parse_constant=no_constant)
    assert written["metadata"] == {
        "group": "all", "epsilon": 0.3, "interval": {"kind": "equal-tailed", "probability": 0.8}, "now": "2022-09-30",
        "recent_from": "2020-09-30", "recent_until": "2022-09-30", "figures_until": "2022-09-30",
        "judgements_until": "2022-09-30",
        "data_days": "Figures run to 30 September 2022; judgements published by 30 September 2022.",
        "panel": "Hamlets", "panel_hash": fit.panel.hash, "spec": "baseline", "seed": 3, "versions": {"bayescsc": "1"},
            "preview": False,
        "gate_passed": True,
    }  # fmt: skip
    never = next(r for r in written["rows"] if r["authority"] == "405")
    assert never["p_decline"] is None
    assert never["last_inspection"] is None
    assert 0 < never["p_recent_decline"] < 1
    back = pd.read_csv(tmp_path / "decline.csv", dtype={"authority": str}, keep_default_na=True)
    for name in COLUMNS[5:]:
        np.testing.assert_allclose(back[name].astype(float), table[name].astype(float), rtol=1e-15)
        np.testing.assert_allclose(
            [np.nan if r[name] is None else r[name] for r in written["rows"]], table[name].astype(float), atol=1e-9
        )
    assert [r["authority"] for r in written["rows"]] == list(back.authority) == list(table.authority)


def test_writing_again_replaces_the_files(fit: Fit, tmp_path: Path) -> None:
    write_decline(decline(fit, "all"), tmp_path)
    write_decline(decline(fit, "404"), tmp_path)
    assert len(pd.read_csv(tmp_path / "decline.csv")) == 1
    assert json.loads((tmp_path / "decline.json").read_text())["metadata"]["group"] == "404"


# The command, on a run folder made of the made-up fit.


@pytest.fixture
def run(fit: Fit, tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    fit.write(folder)
    return folder


def command(*arguments: object) -> int:
    from bayes_csc_cli import main

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["bayescsc", *map(str, arguments)])
        with pytest.raises(SystemExit) as exited:
            main()
    code = exited.value.code
    return code if isinstance(code, int) else 0


def test_a_run_folder_gives_back_the_same_table(fit: Fit, run: Path) -> None:
    back, table = decline(Fit.read(run), "all"), decline(fit, "all")
    pd.testing.assert_frame_equal(back, table)
    assert back.attrs == table.attrs


def test_the_command_writes_and_prints_the_table(fit: Fit, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("decline", run, "--group", "all", "--epsilon", 0.5) == 0
    said = capsys.readouterr().out
    table = decline(fit, "all", epsilon=0.5)
    for name, p in zip(table.name, table.p_decline, strict=True):
        line = next(line for line in said.splitlines() if line.startswith(str(name)[:20]))
        assert p != p or f"{p:.0%}" in line
        assert "nan" not in line
    assert "a fall by more than 0.5" in said
    assert f"{fit.panel.hash[:12]}" in said
    pd.testing.assert_series_equal(pd.read_csv(run / "decline.csv").p_decline, table.p_decline, rtol=1e-14)


def test_the_command_puts_another_run_beside(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("decline", run, "--group", "all", "--beside", run) == 0
    said = capsys.readouterr().out
    assert "beside" in said
    assert "P(decline) beside differs by 0.000 on average" in said
    table = pd.read_csv(run / "decline.csv")
    pd.testing.assert_series_equal(table.p_decline_beside, table.p_decline, check_names=False)
    assert json.loads((run / "decline.json").read_text())["metadata"]["beside"]["seed"] == 3


@pytest.mark.parametrize("sort", ["name", "p_decline", "gap_years", "delta_median"])
def test_the_command_sorts_as_asked_and_keeps_the_metadata(run: Path, sort: str) -> None:
    assert command("decline", run, "--group", "all", "--sort", sort) == 0
    values = pd.read_csv(run / "decline.csv")[sort].dropna()
    assert values.is_monotonic_increasing
    assert json.loads((run / "decline.json").read_text())["metadata"]["panel_hash"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--sort", "luck"],
            "--sort: expected one of name, p_next_worse, p_decline, gap_years, delta_median, found 'luck'",
        ),
        (["--interval", "89"], "expected 0 < interval < 1"),
        (["--epsilon", "-1"], "finite epsilon >= 0"),
        (["--group", "nobody"], "no group, authority code or name 'nobody'"),
    ],
)
def test_the_command_refuses_wrong_usage_in_one_message(
    run: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert command("decline", run, *arguments) == 2
    said = capsys.readouterr()
    assert said.err.startswith("Error: ")
    assert message in said.err
    assert said.out == ""
    assert not (run / "decline.csv").exists()


def test_the_command_refuses_a_failed_run_with_4_unless_forced(
    panel: Panel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made_up(panel, FAILED).write(tmp_path / "run")
    assert command("decline", tmp_path / "run") == 4
    assert "failed its diagnostics" in capsys.readouterr().err
    assert not (tmp_path / "run" / "decline.csv").exists()
    assert command("decline", tmp_path / "run", "--force") == 0
    assert capsys.readouterr().out.startswith("This run failed its diagnostics: do not use these numbers.")


@pytest.mark.parametrize("where", ["nowhere", "panel", "a file"])
def test_the_command_says_what_is_no_run_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str], where: str) -> None:
    path = {"nowhere": tmp_path / "nowhere", "panel": PANELS / "hamlets", "a file": Path(__file__)}[where]
    assert command("decline", path) == 3
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"Error: {path}: not a run folder (without run.json" in said


def test_a_broken_record_is_a_data_error(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / "run.json").write_text('{"panel": ')
    assert command("decline", run) == 3
    assert "run.json" in capsys.readouterr().err


def test_a_run_with_its_table_keeps_the_contract(run: Path, fit: Fit, shared: Path) -> None:
    theta = xr.DataArray(
        np.zeros((CHAINS, DRAWS, len(CODES), 2)),
        dims=("chain", "draw", "authority", "year"),
        coords={"authority": list(CODES), "year": [2022, 2023]},
    )
    dataclasses.replace(fit, posterior=fit.posterior.assign(theta=theta)).write(run, overwrite=True)
    write_decline(decline(fit), run)
    check = [sys.executable, str(shared / "checks" / "contract.py"), "run", str(run)]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "run keeps its contract: decline.csv 2 rows")


def test_the_library_function_is_not_hidden_by_its_module() -> None:
    assert decline is importlib.import_module("bayes_csc.estimates.decline").decline


# Beside another run.


def test_a_run_beside_itself_has_the_same_probabilities_and_says_where_they_come_from(panel: Panel) -> None:
    fit = made_up(panel)
    table = beside(decline(fit, "all"), fit)
    np.testing.assert_array_equal(table.p_decline_beside, table.p_decline)
    np.testing.assert_array_equal(table.p_decline_beside_mcse, table.p_decline_mcse)
    assert table.attrs["beside"]["panel_hash"] == panel.hash
    assert [c for c in table.columns if "beside" not in c] == list(decline(fit, "all").columns)


def test_a_run_beside_that_lacks_an_authority_or_failed_says_so(panel: Panel) -> None:
    fit = made_up(panel)
    fewer = dataclasses.replace(fit, change=fit.change.sel(authority=["401", "403"]))
    table = beside(decline(fit, "all"), fewer).set_index("authority").p_decline_beside
    assert table.notna()[["401", "403"]].all()
    assert table.drop(["401", "403"]).isna().all()
    with pytest.raises(UsageError, match="has none of these authorities"):
        beside(decline(fit, "402"), fewer)
    with pytest.raises(GateError, match="failed its diagnostics"):
        beside(decline(fit, "all"), made_up(panel, FAILED))
