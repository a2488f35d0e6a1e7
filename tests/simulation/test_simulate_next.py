"""Panels whose next inspections are drawn with everything else, and then taken out of them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from panels_with_subjudgements import with_sub_judgements

from bayes_csc.errors import DataError
from bayes_csc.estimates.forecast.next_grade import HORIZON
from bayes_csc.measurement.design import Design, design
from bayes_csc.measurement.judgements.scales import JUDGEMENT
from bayes_csc.panel.calendar import grid_position
from bayes_csc.panel.geography import existing
from bayes_csc.panel.panel import Panel
from bayes_csc.simulation.simulate_next import NEXT, next_inspections, simulate_ahead, simulate_ahead_like
from bayes_csc.simulation.template_panel import skeleton
from bayes_csc.spec import Spec
from bayes_csc_models import trajectory


@pytest.fixture(scope="module")
def simulated() -> tuple[Panel, xr.DataTree]:
    return simulate_ahead(trajectory, Spec(), authorities=150, years=6, indicators=1, seed=2)


def test_the_panel_knows_nothing_of_what_comes_after_it(simulated: tuple[Panel, xr.DataTree]) -> None:
    panel, truth = simulated
    assert (panel.inspections.start_date <= pd.Timestamp(panel.date)).all()
    now = float(grid_position(panel.date))
    position = truth[NEXT]["position"]
    assert float(position.min()) > now
    assert float(position.max()) <= now + HORIZON + 0.01
    inspected = set(panel.inspections.authority)
    assert set(position.authority.to_numpy()) == inspected


def test_the_truth_is_on_the_grid_of_the_panel(simulated: tuple[Panel, xr.DataTree]) -> None:
    panel, truth = simulated
    known = truth["posterior"]
    grid = design(panel, Spec())
    np.testing.assert_array_equal(known["theta"].year, grid.year)
    assert list(known["theta"].authority.to_numpy()) == list(grid.authority)
    np.testing.assert_array_equal(known["standard"].year, grid.year)
    assert list(known["cutpoints"].scale.to_numpy()) == list(grid.judged.scale)


def test_the_grades_to_come_follow_theta(simulated: tuple[Panel, xr.DataTree]) -> None:
    panel, truth = simulated
    known, came = truth["posterior"], truth[NEXT].to_dataset()
    theta = known["theta_raw"].isel(year=-1).sel(authority=came.authority)
    better = (len(panel.grades) - came.grade).to_numpy()
    # the loading times theta against a unit of noise and what theta moves until then
    assert np.corrcoef(theta, better)[0, 1] * np.sign(float(known["judgement_loading"][0])) > 0.1


def test_the_same_seed_gives_the_same_panel_and_what_comes() -> None:
    options = {"authorities": 8, "years": 3, "indicators": 1}
    (one, first), (two, second) = (simulate_ahead(trajectory, Spec(), **options, seed=5) for _ in range(2))
    assert one.hash == two.hash
    xr.testing.assert_identical(first[NEXT].to_dataset(), second[NEXT].to_dataset())


def test_the_numbers_stay_what_they_are() -> None:
    off = Spec.parse({"ratings": {"previous": "none", "drift_sd": 0.0, "common": "separate"}})
    panel, _ = simulate_ahead(trajectory, off, authorities=8, years=3, indicators=1, seed=5)
    assert panel.hash == "df4980e12aff630292338467bbf51d1bf11fa42c0cf2249015b0f431abbf425a"


def test_a_next_inspection_follows_the_last_one_of_each_authority_by_more_than_has_passed() -> None:
    rng = np.random.default_rng(3)
    panel = skeleton(authorities=40, years=5, indicators=1, rng=rng)
    coming = next_inspections(panel, rng)
    assert coming.authority.is_unique
    assert (coming.start_date > pd.Timestamp(panel.date)).all()
    latest = panel.inspections.groupby("authority").start_date.max()
    gap = (coming.set_index("authority").start_date - latest).dt.days / 365.25
    assert gap.between(0.4, 2 * HORIZON).all()
    assert gap.mean() == pytest.approx(3.4, abs=0.8)  # of a normal of mean 3, what has passed without one


def test_the_next_inspections_of_a_given_panel_judge_what_its_latest_did(root: Path) -> None:
    given = with_sub_judgements(Panel.read(root / "tests" / "panels" / "hamlets"))
    panel, truth = simulate_ahead_like(given, trajectory, Spec(), seed=4)
    key = ["authority", "framework", "start_date", "domain"]
    pd.testing.assert_frame_equal(
        panel.inspections[key].sort_values(key, ignore_index=True),
        given.inspections[key].sort_values(key, ignore_index=True),
    )
    came, table = truth[NEXT].to_dataset(), given.inspections
    latest = table[table.start_date.eq(table.start_date.max()) & table.domain.ne("overall")]
    assert set(came.domain.to_numpy()) == set(latest.domain)
    assert set(came.authority.to_numpy()) == set(table.authority) & set(existing(given.authorities, given.date))
    assert truth["posterior"].theta.year.to_numpy().tolist() == design(panel, Spec()).year.tolist()


def test_a_departure_changes_the_data_and_not_the_truth(root: Path) -> None:
    given = Panel.read(root / "tests" / "panels" / "hamlets")

    def better(
        layout: Design, inputs: dict[str, np.ndarray], theta: np.ndarray, eta: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        return eta + 1.0 * (layout.observation.indicator == "agency").to_numpy()

    (_, plain), (_, moved) = (
        simulate_ahead_like(given, trajectory, Spec(), seed=4, departure=d) for d in (None, better)
    )
    xr.testing.assert_identical(plain["posterior"].to_dataset(), moved["posterior"].to_dataset())
    key, eta = (plain["observation"][name].to_numpy() for name in ("indicator", "eta"))
    figure = key != JUDGEMENT  # a grade's is also of the grade before, drawn anew
    np.testing.assert_allclose((moved["observation"].eta - eta)[figure], 1.0 * (key == "agency")[figure])


def test_a_panel_without_inspections_has_none_to_come() -> None:
    rng = np.random.default_rng(3)
    panel = skeleton(authorities=4, years=3, indicators=1, rng=rng)
    bare = dataclasses.replace(panel, inspections=panel.inspections.iloc[:0])
    with pytest.raises(DataError, match="no inspection, so that there is none to follow it"):
        next_inspections(bare, rng)
