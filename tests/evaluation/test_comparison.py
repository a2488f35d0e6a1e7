"""Runs side by side: what differs, for whom, and why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from command_runner import command
from fabricated_run import FAILED, PASSED, made_up
from paths import PANELS

from bayes_csc import Panel, Spec
from bayes_csc.errors import GateError, UsageError
from bayes_csc.evaluation.comparison.changes import data_changes, spec_changes
from bayes_csc.evaluation.comparison.compare import compare
from bayes_csc.inference.fit import Fit
from bayes_csc_cli.run.compare import comparison_text

HAMLETS = PANELS / "hamlets"


@pytest.fixture(scope="module")
def panel() -> Panel:
    return Panel.read(HAMLETS)


def run(panel: Panel, *, move: float = 0.0, spec: Spec | None = None, **changes: Any) -> Fit:
    """A made-up run, the change of every authority moved."""
    fit = made_up(panel, changes.pop("gate", PASSED))
    mean = fit.change["mean"] + move
    return replace(fit, change=fit.change.assign(mean=mean), spec=spec or Spec(), **changes)


def restated(panel: Panel) -> Panel:
    """The panel with one figure of one authority restated and another's gone."""
    cells = panel.cells.copy()
    seen = cells.index[cells["status"] == "observed"]
    cells.loc[seen[0], "numerator"] += 1
    cells = cells.drop(index=seen[-1])
    return replace(panel, cells=cells.reset_index(drop=True))


def test_a_run_beside_itself_differs_in_nothing(panel: Panel) -> None:
    table = compare([run(panel), run(panel)], ["a", "b"], group="all")
    assert (table["difference"].dropna() == 0.0).all()
    assert set(table["why"]) == {"Monte Carlo error", "not in both"}
    (pair,) = table.attrs["pairs"]
    assert (pair["data"], pair["spec"], pair["seed"], pair["versions"]) == (False, [], [], [])


def test_a_difference_beyond_monte_carlo_error_is_put_down_to_what_differs(panel: Panel) -> None:
    other = Spec().updated({"trend": {"kind": "AR(1)"}})
    new = restated(panel)
    by = {
        "spec": run(panel, move=-0.5, spec=other),
        "data": run(new, move=-0.5),
        "data and spec": run(new, move=-0.5, spec=other),
        "model or seed": run(panel, move=-0.5),
    }
    for why, after in by.items():
        table = compare([run(panel), after], ["a", "b"], group="all")
        known = table.dropna(subset="difference")
        assert (known["difference"] > 0).all()
        assert set(known["why"]) <= {why, "Monte Carlo error"}
        assert why in set(known["why"])
    assert table.attrs["pairs"][0]["spec"] == []
    np.testing.assert_allclose(known["error"], np.hypot(known["mcse_1"], known["mcse_2"]))


def test_what_changed_of_the_data_is_counted_by_authority(panel: Panel) -> None:
    counts = data_changes(panel, restated(panel), list(panel.indicators))
    assert counts["restated"].sum() == counts["gone"].sum() == 1
    assert counts["new"].sum() == counts["judgements"].sum() == 0
    back = data_changes(restated(panel), panel, list(panel.indicators))
    assert back["new"].sum() == 1
    fewer = replace(panel, inspections=panel.inspections.iloc[1:])
    assert data_changes(fewer, panel, [])["judgements"].to_dict() == {panel.inspections["authority"].iloc[0]: 1}


def test_a_new_inspection_is_told_before_anything_else(panel: Panel) -> None:
    code = str(panel.latest_grades().index[0])
    latest = panel.inspections[panel.inspections["authority"] == code].tail(1)
    later = latest.assign(
        start_date=latest["start_date"] + pd.Timedelta(days=30),
        publication_date=latest["publication_date"] + pd.Timedelta(days=30), domain="overall",
    )  # fmt: skip
    new = replace(panel, inspections=pd.concat([panel.inspections, later], ignore_index=True))
    table = compare([run(panel), run(new, move=-0.5)], ["a", "b"], group="all").set_index("authority")
    assert table["why"][code] == "a new inspection"
    assert table["judgements"][code] == 1


def test_every_key_of_a_spec_that_differs_is_named(panel: Panel) -> None:
    other = Spec().updated({"name": "other", "drop": ["agency"], "loadings": {"agreed_sd": 1.0}})
    assert spec_changes(Spec(), other) == ["drop: [] → ['agency']", "loadings.agreed_sd: 0.5 → 1.0"]


def test_three_runs_are_two_pairs(panel: Panel) -> None:
    table = compare([run(panel)] * 3, ["a", "b", "c"], group="all")
    assert table[["before", "after"]].drop_duplicates().to_numpy().tolist() == [["a", "b"], ["b", "c"]]
    text = comparison_text(table, 120)
    assert text.index("a → b") < text.index("b → c")
    assert "data: the same" in text


def test_what_cannot_be_compared_is_refused(panel: Panel) -> None:
    with pytest.raises(UsageError, match="two or more different runs"):
        compare([run(panel)], ["a"], group="all")
    with pytest.raises(UsageError, match="two or more different runs"):
        compare([run(panel)] * 2, ["a", "a"], group="all")
    with pytest.raises(GateError, match="failed its diagnostics"):
        compare([run(panel), run(panel, gate=FAILED)], ["a", "b"], group="all")


def test_the_command_says_that_a_folder_is_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("compare", tmp_path, tmp_path) == 3
    assert "not a run folder" in capsys.readouterr().err
