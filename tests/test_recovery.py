"""Recovery of a simulated truth: a posterior that is the truth's own distribution is found calibrated."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bayes_csc import recovery as module
from bayes_csc.design import Design, design
from bayes_csc.panel import Panel
from bayes_csc.recovery import DELTA, HYPERPARAMETERS, THETA, recovery, summary
from bayes_csc.simulate import simulate
from bayes_csc.spec import Spec
from bayes_csc.states import last_inspections
from bayes_csc_models.trajectory import trajectory

CHAINS, DRAWS, SD = 2, 300, 0.5


@pytest.fixture(scope="module")
def simulated() -> tuple[Panel, xr.DataTree]:
    return simulate(trajectory, Spec(), authorities=10, years=6, indicators=2, seed=1)


@pytest.fixture(scope="module", autouse=True)
def layout(simulated: tuple[Panel, xr.DataTree]) -> Iterator[Design]:
    """The design of the panel, made once for every recovery of it."""
    once = design(simulated[0], Spec())

    def stand_in(panel: Panel, spec: Spec) -> Design:
        assert panel is simulated[0]
        assert spec == Spec()
        return once

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "design", stand_in)
        yield once


def normal_fit(simulated: tuple[Panel, xr.DataTree], layout: Design, rng: np.random.Generator, width: float) -> Any:
    """Stand in for a fit whose draws are independent normals about a centre that is off the truth by one draw."""
    panel, truth = simulated
    known = truth["posterior"].to_dataset()
    centre = known.map(lambda v: v + SD * rng.standard_normal(v.shape))
    draws = centre.map(
        lambda v: xr.DataArray(
            v.to_numpy() + width * SD * rng.standard_normal((CHAINS, DRAWS, *v.shape)),
            dims=("chain", "draw", *v.dims),
            coords=v.coords,
        )
    )
    last = last_inspections(panel, layout.authority)
    w = layout.weights(np.full(last.size, layout.now)) - layout.weights(np.nan_to_num(last, nan=layout.now))
    mean = (w * centre.theta.to_numpy()).sum(axis=1)
    variance = (width * SD) ** 2 * (w**2).sum(axis=1)
    shape = (CHAINS, DRAWS, last.size, 1)
    dims = ("chain", "draw", "authority", "change")
    change = xr.Dataset(
        {
            "mean": (dims, np.broadcast_to(mean[:, None], shape)),
            "variance": (dims, np.broadcast_to(variance[:, None], shape)),
            "since": (dims[2:], last[:, None]),
        },
        coords={"authority": list(layout.authority), "change": ["since inspection"]},
    )
    return SimpleNamespace(panel=panel, spec=Spec(), posterior=draws, change=change)


def stand_in_decline(fit: Any, group: str, *, epsilon: float, force: bool) -> pd.DataFrame:
    from scipy.special import ndtr

    chosen = fit.change.isel(change=0)
    p = ndtr((-epsilon - chosen["mean"]) / np.sqrt(chosen["variance"])).mean(("chain", "draw"))
    return pd.DataFrame({"authority": p.authority.to_numpy(), "p_decline": p.to_numpy()})


def recovered(simulated: tuple[Panel, xr.DataTree], layout: Design, *, width: float, panels: int) -> list[xr.DataTree]:
    rng = np.random.default_rng(8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "decline", stand_in_decline)
        return [recovery(normal_fit(simulated, layout, rng, width), simulated[1]) for _ in range(panels)]


@pytest.fixture(scope="module")
def panels(simulated: tuple[Panel, xr.DataTree], layout: Design) -> list[xr.DataTree]:
    return recovered(simulated, layout, width=1.0, panels=30)


def test_draws_that_have_the_truth_among_them_are_calibrated(panels: list[xr.DataTree]) -> None:
    found = summary(panels)
    for name in (THETA, DELTA, HYPERPARAMETERS):
        quantity = found["quantities"][name]
        # the bounds are 95%; half as wide again for nine comparisons
        for key, expected in (("coverage_50", 0.5), ("coverage_89", 0.89), ("location", 0.5), ("dispersion", 1.0)):
            half = quantity[key]["upper"] - quantity[key]["mean"]
            assert quantity[key]["mean"] == pytest.approx(expected, abs=1.5 * half)
    assert found["quantities"][DELTA]["uniformity"] > 0.01
    assert found["decline"]["brier_gain"]["lower"] > 0


def test_draws_that_are_too_narrow_are_found_out(simulated: tuple[Panel, xr.DataTree], layout: Design) -> None:
    found = summary(recovered(simulated, layout, width=0.4, panels=10))
    for name in (THETA, DELTA, HYPERPARAMETERS):
        assert found["quantities"][name]["coverage_89"]["upper"] < 0.8
        assert found["quantities"][name]["dispersion"]["lower"] > 1.3


def test_a_recovery_survives_being_written(panels: list[xr.DataTree], tmp_path: Any) -> None:
    panels[0].to_netcdf(tmp_path / "panel.nc", engine="h5netcdf")
    with xr.open_datatree(tmp_path / "panel.nc", engine="h5netcdf") as tree:
        back = tree.load()
    assert summary([back, *panels[1:]]) == summary(panels)
    assert set(back.children) == {"below", "rank", "decline"}


def test_every_hyperparameter_of_the_truth_is_placed(
    panels: list[xr.DataTree], simulated: tuple[Panel, xr.DataTree]
) -> None:
    assert set(panels[0]["below"]) == set(simulated[1]["posterior"]) - {"theta_raw"} | {DELTA}
