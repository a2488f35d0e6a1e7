"""The kernel compiled in a process of its own: for the very types that a fit has, and never a fit's problem."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import xarray as xr
from numba import typeof
from paths import PANELS

import bayes_csc.likelihood.conditional_states
from bayes_csc.likelihood.conditional_states import last_inspections, states_given_draws
from bayes_csc.likelihood.density import compile_density
from bayes_csc.likelihood.kernel import compile_ahead as beside
from bayes_csc.likelihood.layout import layout_of
from bayes_csc.measurement.design import Design, design
from bayes_csc.panel.panel import Panel
from bayes_csc.spec import Spec
from bayes_csc_models.trajectory import from_design

HAMLETS = PANELS / "hamlets"


@pytest.fixture(scope="module")
def panel() -> Panel:
    return Panel.read(HAMLETS)


@pytest.fixture(scope="module")
def laid_out(panel: Panel) -> Design:
    return design(panel, Spec())


def test_it_compiles_for_the_types_of_a_fit(panel: Panel, laid_out: Design, monkeypatch: pytest.MonkeyPatch) -> None:
    density = compile_density(from_design(laid_out, Spec()))
    of_value, of_states = beside.types_of(layout_of(laid_out))
    assert of_value == (typeof(density.layout), typeof(density.real(density.first)))

    seen, states = set(), bayes_csc.likelihood.conditional_states.states

    def spy(*arguments: Any) -> Any:
        seen.add(tuple(typeof(a) for a in arguments))
        return states(*arguments)

    monkeypatch.setattr(bayes_csc.likelihood.conditional_states, "states", spy)
    x = xr.DataArray(np.tile(density.first, (1, 2, 1)), dims=("chain", "draw", "coordinate"))
    x = x.assign_coords(chain=[0], draw=[0, 1])
    states_given_draws(density, laid_out, x, last_inspections(panel, laid_out.authority), seed=1, cores=1)
    assert seen == {of_states}


def test_a_kernel_in_the_cache_is_not_compiled_again(laid_out: Design, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(beside, "is_cached", lambda: True)
    monkeypatch.setattr(subprocess, "Popen", refuse)
    with beside.compiled_beside(layout_of(laid_out)) as first_time:
        assert not first_time


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_process_that_fails_is_no_problem_and_one_that_hangs_is_stopped(
    laid_out: Design, monkeypatch: pytest.MonkeyPatch, interrupted: bool
) -> None:
    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def start(command: list[str], **known: Any) -> subprocess.Popen[bytes]:
        code = "import time; time.sleep(600)" if interrupted else "raise SystemExit(1)"
        started.append(popen([sys.executable, "-c", code], **known))
        return started[-1]

    monkeypatch.setattr(beside, "is_cached", lambda: False)
    monkeypatch.setattr(subprocess, "Popen", start)
    if interrupted:
        with pytest.raises(KeyboardInterrupt), beside.compiled_beside(layout_of(laid_out)):
            raise KeyboardInterrupt
    else:
        with beside.compiled_beside(layout_of(laid_out)) as first_time:
            assert first_time
    assert started[0].returncode == (-9 if interrupted else 1)
