"""The joint model of a figure that its release doubts: noise of the logit behind the count."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from paths import PANELS
from pytensor.compile.mode import Mode

from bayes_csc.measurement.design import Design, design
from bayes_csc.panel.panel import Panel
from bayes_csc.spec import Spec
from bayes_csc_models.trajectory import from_design

PLAIN = Mode("py", "fast_compile")
SPEC = Spec.parse({"ratings": {"use": False}, "indicators": ["late"]})
TOWNS = PANELS / "towns"


def test_doubt_widens_the_white_noise_of_a_count_in_the_joint_model() -> None:
    # The same likelihood at w sqrt(white_sd^2 + d) / white_sd without doubt as at w with it, d = 1/4.
    towns = Panel.read(TOWNS)
    d = design(replace(towns, cells=towns.cells.assign(confidence=1.0)), SPEC)
    assert d.observation.site.all()
    point = {"deviation_sd": 0.8, "white_share": 0.3, "white_innovation": np.array([0.7, -1.1, 0.4, 1.9])}
    white_sd = 0.8 * np.sqrt(0.3)
    stretched = point["white_innovation"] * np.sqrt(white_sd**2 + 0.25) / white_sd
    sure = design(towns, SPEC)
    assert counts(d, point) == pytest.approx(counts(sure, point | {"white_innovation": stretched}))
    assert counts(d, point) != pytest.approx(counts(sure, point))


def counts(d: Design, point: dict[str, object]) -> float:
    model = from_design(d, SPEC, likelihood="joint")
    names = [v.name for v in model.free_RVs]
    start = {name: model.eval_rv_shapes()[name] for name in names}
    values = {name: np.full(shape, 0.5) for name, shape in start.items()}
    values |= {name: np.broadcast_to(value, start[name]) for name, value in point.items()}
    compiled = model.compile_fn(model["counts"], inputs=model.free_RVs, mode=PLAIN, point_fn=False)
    return float(compiled(*(values[name] for name in names)))
