"""The pool of a model's forecast with that of past transitions: a mixture of every column, or the model alone."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bayes_csc.estimates.forecast.grade_probabilities import GradeChances
from bayes_csc.estimates.forecast.next_grade import NextGrade
from bayes_csc.evaluation.backtest import shipped as shipped_module
from bayes_csc.evaluation.backtest.shipped import recorded_pool_of
from bayes_csc.evaluation.forecast.pooled_forecast import mixed, transition_chances
from bayes_csc.files.embedded_data import data_dir
from bayes_csc.panel.panel import Panel
from bayes_csc.spec import Spec

DOMAINS = ("care_leavers", "children_looked_after", "help_and_protection", "leadership")


@pytest.fixture(scope="module")
def england() -> Panel:
    return Panel.read(data_dir())


def chances(seed: int, draws: int, authorities: int) -> GradeChances:
    rng = np.random.default_rng(seed)
    return GradeChances(
        rng.dirichlet(np.ones(4), (draws, authorities)), rng.dirichlet(np.ones(4), (draws, authorities, 4)),
        rng.random((draws, authorities)), rng.random((draws, authorities)),
    )  # fmt: skip


def test_a_pool_mixes_every_probability_by_the_authority_s_weight() -> None:
    model, other, weight = chances(1, 5, 3), chances(2, 1, 3), np.array([0.0, 1.0, 0.3])
    found = mixed(model, other, weight)
    for name in ("overall", "domain", "any_worse", "any_worst"):
        a, b, c = (getattr(p, name) for p in (model, other, found))
        np.testing.assert_array_equal(c[:, 0], np.broadcast_to(b[:, 0], c[:, 0].shape))
        np.testing.assert_array_equal(c[:, 1], a[:, 1])
        np.testing.assert_allclose(c[:, 2], 0.3 * a[:, 2] + 0.7 * b[:, 2])
    np.testing.assert_allclose(found.overall.sum(axis=-1), 1.0)


@pytest.mark.parametrize("name", ["transitions", "base rate"])
def test_transitions_give_every_column_from_one_joint_distribution(england: Panel, name: str) -> None:
    codes = tuple(england.authorities.index[:12])
    before = np.tile([0, 3, 2, 3], (12, 1))
    nothing: Any = None
    own = NextGrade(codes, nothing, nothing, nothing, DOMAINS, before, 1)
    found = transition_chances(england, own, name, seed=1)
    assert found.domain.shape == (1, 12, 4, 4)
    np.testing.assert_allclose(found.overall.sum(axis=-1), 1.0)
    np.testing.assert_allclose(found.domain.sum(axis=-1), 1.0)
    worse = [found.domain[0, :, j, b:].sum(axis=-1) for j, b in enumerate(before[0]) if b]
    assert (found.any_worse[0] >= np.max(worse, axis=0) - 1e-12).all()
    assert (found.any_worse[0] <= np.sum(worse, axis=0) + 1e-12).all()
    assert (found.any_worst[0] >= found.domain[0, :, :, 3].max(axis=-1) - 1e-12).all()


@pytest.fixture
def recorded(england: Panel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A record of a pool of the baseline on the embedded panel."""
    pool = {"name": "baseline + transitions", "model": "baseline", "other": "transitions"}
    pool |= {"outcomes": {"12": [["2021-05-01", 0.1, 0.7]], "24": [["2019-05-01", 0.6, 0.2]]}}
    record = {
        "metadata": {
            "panel": england.name, "panel_hash": england.hash,
            "forecasters": {"baseline": {"spec": Spec().model_dump(mode="json")}},
        },
        "pool": [pool], "baseline": "baseline + transitions",
    }  # fmt: skip
    path = tmp_path / "england.json"
    path.write_text(json.dumps(record), encoding="utf-8")
    monkeypatch.setattr(shipped_module, "backtest_files", lambda: [path])
    return path


def test_the_recorded_pool_is_of_the_same_panel_and_spec(england: Panel, recorded: Path) -> None:
    found, why = recorded_pool_of(england, Spec())
    assert found is not None
    assert (found["other"], why) == ("transitions", "")


def test_a_panel_as_of_an_earlier_day_has_the_pool_too(england: Panel, recorded: Path) -> None:
    import datetime

    found, _ = recorded_pool_of(england.as_of(datetime.date(2022, 1, 1)), Spec())
    assert found is not None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "Elsewhere"}, "no backtest of the panel Elsewhere ships"),
        ({"licence": "none"}, "another edition of the panel England"),
    ],
)
def test_another_panel_has_the_model_alone(
    england: Panel, recorded: Path, change: dict[str, str], message: str
) -> None:
    found, why = recorded_pool_of(dataclasses.replace(england, **change), Spec())  # type: ignore[arg-type]
    assert found is None
    assert message in why


def test_another_spec_has_the_model_alone(england: Panel, recorded: Path) -> None:
    found, why = recorded_pool_of(england, Spec().updated({"ratings": {"drift_sd": 0.123}}))
    assert found is None
    assert "another spec" in why


def test_a_record_that_chose_no_pool_has_the_model_alone(england: Panel, recorded: Path) -> None:
    record = json.loads(recorded.read_text(encoding="utf-8"))
    recorded.write_text(json.dumps(record | {"baseline": "baseline"}), encoding="utf-8")
    found, why = recorded_pool_of(england, Spec())
    assert found is None
    assert "has no pool" in why
