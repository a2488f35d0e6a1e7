"""The backtest that ships: found by the panel's name, quoted word for word, and every mismatch said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from paths import PANELS

from bayes_csc.errors import DataError
from bayes_csc.evaluation.backtest.shipped import shipped
from bayes_csc.files import embedded_data as share
from bayes_csc.panel.panel import Panel
from bayes_csc.spec import Spec

HAMLETS = PANELS / "hamlets"


def record(known: Panel, **changes: Any) -> dict[str, Any]:
    """What backtest.json of the hamlets holds, as far as it is quoted."""
    about = {
        "panel": known.name,
        "panel_date": known.date.isoformat(),
        "panel_hash": known.hash,
        "forecasters": {"baseline": {"spec": Spec().model_dump(mode="json")}},
    }
    return {
        "metadata": about | changes,
        "baseline": "baseline",
        "counts": {"12": "Nine events.", "24": "Twelve events."},
        "findings": [
            {"group": group, "horizon": horizon, "score": score, "text": f"{group}, {horizon}: {score}."}
            for horizon in (12, 24)
            for group in ("requires improvement", "all")
            for score in ("auc_worse", "log_score")
        ],
    }


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the records of an installed package are."""
    monkeypatch.setattr(share, "_PACKAGE", tmp_path / "bayes_csc")
    out = tmp_path / "bayes_csc" / "_share" / "data" / "backtests"
    out.mkdir(parents=True)
    return out


def put(folder: Path, what: dict[str, Any]) -> None:
    (folder / "hamlets.json").write_text(json.dumps(what), encoding="utf-8")


def test_it_is_quoted_at_the_horizon_in_which_every_event_counts_once(folder: Path) -> None:
    panel = Panel.read(HAMLETS)
    put(folder, record(panel))
    found = shipped(panel, Spec())
    assert found is not None
    assert found.mismatch == ()
    assert found.quotes("requires improvement") == [
        "Nine events.", "requires improvement, 12: auc_worse.", "requires improvement, 12: log_score."
    ]  # fmt: skip
    assert found.quotes("401,402")[1:] == ["all, 12: auc_worse.", "all, 12: log_score."]


def test_another_edition_of_the_panel_and_another_spec_are_said(folder: Path) -> None:
    panel = Panel.read(HAMLETS)
    put(folder, record(panel, panel_hash="f" * 64, panel_date="2021-03-31"))
    found = shipped(panel, Spec().updated({"name": "mine", "drop": ("agency",)}))
    assert found is not None
    edition, other = found.mismatch
    assert f"another edition of the panel {panel.name} (of 2021-03-31, ffffffffffff" in edition
    assert panel.hash[:12] in edition
    assert "another spec (baseline; this one is mine)" in other
    assert shipped(panel).mismatch == (edition,)  # type: ignore[union-attr]


def test_a_panel_of_another_name_has_none(folder: Path) -> None:
    panel = Panel.read(HAMLETS)
    put(folder, record(panel, panel="Elsewhere"))
    assert shipped(panel) is None


def test_a_file_that_is_no_record_is_broken_data(folder: Path) -> None:
    (folder / "hamlets.json").write_text('{"metadata": {}}', encoding="utf-8")
    with pytest.raises(DataError, match=r"hamlets\.json: not the record of a backtest .* `make backtest`"):
        shipped(Panel.read(HAMLETS))


def test_what_ships_in_the_checkout_is_the_record_of_a_backtest_of_an_embedded_panel() -> None:
    for path in share.backtest_files():
        whole = json.loads(path.read_text(encoding="utf-8"))
        assert {"scores", "calibration", "origins", "roles"} <= set(whole)
        assert path.stat().st_size < 1_000_000
        panel = Panel.read(share.data_dir(path.stem))
        found = shipped(panel)
        assert found is not None
        assert found.record == whole
