"""Effects with a common variance: how they are sampled changes their coordinates and nothing else of their prior."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayes_csc_models.effects import CENTRED, centring, exchangeable

REGIONS = tuple("abcd")


def log_prior(units: int, variance: float, contrast: np.ndarray) -> float:
    """Log density of the variance and the regions' contrasts, which the model samples by other coordinates."""
    with pm.Model(coords={"region": REGIONS, "contrast": range(len(REGIONS) - 1)}) as model:
        exchangeable("effect", 0.3, 4.0, REGIONS, units)
    power = 0.5 * (1.0 - centring(units / len(REGIONS)))  # contrast = variance ** power times what is sampled
    point = model.initial_point() | {"effect_scaled": contrast / variance**power}
    on = model.rvs_to_transforms[model["effect_variance"]]
    w = on.forward(np.array(variance), *model["effect_variance"].owner.inputs).eval()
    point["effect_variance_cuberootofprecision__"] = w
    return float(model.compile_logp(jacobian=False)(point)) - power * contrast.size * np.log(variance)


@pytest.mark.parametrize("units", [8, 400, 40_000])
@pytest.mark.parametrize("variance", [0.02, 0.3])
def test_the_prior_is_the_same_for_few_authorities_and_for_many(units: int, variance: float) -> None:
    contrast = np.array([0.3, -0.2, 0.05])
    normal = -0.5 * contrast @ contrast / variance - 1.5 * np.log(2.0 * np.pi * variance)
    wide = pm.logp(pm.InverseGamma.dist(2.0, 2.0 * 0.3**2), variance).eval()
    assert log_prior(units, variance, contrast) == pytest.approx(normal + float(wide), rel=1e-9)


@given(st.floats(0.0, 1e7), st.floats(0.0, 1e7))
def test_effects_are_the_more_centred_the_more_authorities_show_them(one: float, other: float) -> None:
    fewer, more = sorted((one, other))
    assert CENTRED <= centring(fewer) <= centring(more) < 1.0


def test_the_regions_of_few_authorities_are_half_centred_and_of_very_many_all_but_centred() -> None:
    assert centring(17.0) == CENTRED
    assert centring(1e4) == pytest.approx(1.0, abs=0.01)
