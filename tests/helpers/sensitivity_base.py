"""A small base for sensitivity analyses, and models that leave a trace of every fit."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pymc as pm
import pytest
from paths import PANELS

from bayes_csc.evaluation.sensitivity.plan.plan import Plan
from bayes_csc.inference.fit import Fit, preview
from bayes_csc.panel.panel import Panel
from bayes_csc.spec import Spec
from bayes_csc_models.trajectory import trajectory

LOG = "MULTIVERSE_LOG"
BROKEN = 0.123
HAMLETS = PANELS / "hamlets"


@functools.cache
def hamlets() -> Panel:
    return Panel.read(HAMLETS)


@contextmanager
def lenient() -> Iterator[None]:
    """Let a preview's gate pass whatever Monte Carlo error there is: a handful of hamlets mix slowly."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bayes_csc.inference.diagnostics.PREVIEW_ERROR", 1.0)
        patch.setattr("bayes_csc.inference.diagnostics.PREVIEW_RHAT", 2.0)
        yield


@functools.cache
def base() -> Fit:
    """A preview of the hamlets with as many draws as make reweighting worth while."""
    with lenient():
        return preview(hamlets(), trajectory, seed=3, draws=250)


def traced(panel: Panel, spec: Spec) -> pm.Model:
    """The trajectory model; leaves a line with its process and trend in a file each time it is built."""
    if log := os.environ.get(LOG):
        with Path(log).open("a", encoding="utf-8") as file:
            file.write(f"{os.getpid()} {spec.trend.succession_sd:g} {time.time():.3f}\n")
    return trajectory(panel, spec)


def breaking(panel: Panel, spec: Spec) -> pm.Model:
    """The trajectory model, which one spec breaks."""
    if spec.trend.succession_sd == BROKEN:
        raise ValueError("broken on purpose")
    return trajectory(panel, spec)


def successions(*values: float) -> Plan:
    """A plan of refits."""
    entries = [
        {
            "name": f"succession {v:g}",
            "choice": "succession",
            "depth": "preview",
            "spec": {"trend": {"succession_sd": v}},
        }
        for v in values
    ]
    return Plan.parse({"variant": entries})
