"""Effects with a common variance: how they are sampled changes their coordinates and nothing else of their prior."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytest

from bayes_csc_models.effects import UNIT, exchangeable

REGIONS = tuple("abcd")


def log_prior(units: int, variance: float, contrast: np.ndarray) -> float:
    """Log density of the variance and the regions' contrasts, which the model samples by other coordinates."""
    with pm.Model(coords={"region": REGIONS, "contrast": range(len(REGIONS) - 1)}) as model:
        exchangeable("effect", 0.3, 4.0, REGIONS, units)
    known = units / len(REGIONS) / UNIT
    step = np.sqrt(variance / (1.0 + variance * known))  # contrast = step times what is sampled
    point = model.initial_point() | {"effect_scaled": contrast / step}
    on = model.rvs_to_transforms[model["effect_variance"]]
    w = on.forward(np.array(variance), *model["effect_variance"].owner.inputs).eval()
    point["effect_variance_cuberootofprecision__"] = w
    return float(model.compile_logp(jacobian=False)(point)) - contrast.size * np.log(step)


@pytest.mark.parametrize("units", [8, 400, 40_000])
@pytest.mark.parametrize("variance", [0.02, 0.3])
def test_the_prior_is_the_same_for_few_authorities_and_for_many(units: int, variance: float) -> None:
    contrast = np.array([0.3, -0.2, 0.05])
    normal = -0.5 * contrast @ contrast / variance - 1.5 * np.log(2.0 * np.pi * variance)
    wide = pm.logp(pm.InverseGamma.dist(2.0, 2.0 * 0.3**2), variance).eval()
    assert log_prior(units, variance, contrast) == pytest.approx(normal + float(wide), rel=1e-9)


@pytest.mark.parametrize("units", [8, 400, 40_000])
def test_what_is_sampled_has_unit_variance_given_data_of_the_precision_said_whatever_the_variance(units: int) -> None:
    known = units / len(REGIONS) / UNIT
    for variance in (1e-3, 0.1, 10.0):
        with pm.Model(coords={"region": REGIONS, "contrast": range(len(REGIONS) - 1)}) as model:
            exchangeable("effect", 0.3, 4.0, REGIONS, units)
        sd = model["effect_scaled"].owner.inputs[-1].eval({model["effect_variance"]: variance})
        step = np.sqrt(variance / (1.0 + variance * known))
        np.testing.assert_allclose(1.0 / (1.0 / sd**2 + known * step**2), 1.0, rtol=1e-9)
