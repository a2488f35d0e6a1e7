"""A small simulation-based calibration with real chains: it passes, and planted errors are found.

Figures are values of a known precision, so that panels of one skeleton share their design and all of the compiled
density but the observations; `benchmarks/sbc.py` has counts and grades.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import xarray as xr

from bayes_csc.inference.chains import sample_chains
from bayes_csc.inference.posterior_mode import find_start
from bayes_csc.likelihood.conditional_states import states_given_draws
from bayes_csc.likelihood.density import compile_density
from bayes_csc.likelihood.prior_draws import centred, draw_latent, draw_prior
from bayes_csc.measurement.design import design
from bayes_csc.simulation.calibration import STATISTICS, WIDTH, summary
from bayes_csc.simulation.recovery import among, binned
from bayes_csc.simulation.template_panel import skeleton
from bayes_csc.spec import Spec
from bayes_csc_models.trajectory import trajectory

PANELS, DRAWS, CHAINS = 40, 40, 2
SPEC = Spec.parse({"ratings": {"use": False}, "pooling": {"region": False}})
NOISE = 0.2


@pytest.fixture(scope="module")
def fits() -> list[tuple[xr.Dataset, xr.Dataset]]:
    """Posterior and truth of each panel."""
    rng = np.random.default_rng(7)
    panel = skeleton(authorities=16, years=6, indicators=3, rng=rng)
    spread = {"family": "gaussian", "typical": 0.0, "spread": 1.0, "unit_sd": NOISE}
    values = panel.cells.assign(value=0.0, numerator=np.nan, denominator=1.0)
    indicators = {key: replace(each, **spread) for key, each in panel.indicators.items()}
    panel = replace(panel, indicators=indicators, cells=values)
    layout, built = design(panel, SPEC), trajectory(panel, SPEC)
    density, prior = compile_density(built), draw_prior(built, draws=PANELS, seed=7)
    out = []
    for k in range(PANELS):
        theta, eta = draw_latent(layout, prior.at(k), rng)
        rows = layout.observation.assign(z=eta + NOISE * rng.standard_normal(eta.size))
        start = find_start(density, replace(layout, observation=rows), cores=1)
        drawn, _ = sample_chains(start, seed=k, draws=DRAWS, chains=CHAINS, cores=1, warmup=20)
        x, nobody = drawn["unconstrained"].to_dataset().x, np.full(len(layout.authority), np.nan)
        state, *_ = states_given_draws(start.density, layout, x, nobody, seed=k, cores=1, no_data_every=DRAWS)
        true = prior.hyperparameters.isel(draw=k, drop=True)
        true["theta"] = ("authority", "year"), centred(layout, theta)
        out.append((drawn["posterior"].to_dataset().assign(theta=state), true))
    return out


def found(fits: list[tuple[xr.Dataset, xr.Dataset]], **wrong: float) -> dict[str, Any]:
    """Calibration of every quantity, or of those whose draws are made wrong by so many of their own sds."""
    rng, records = np.random.default_rng(1), []
    for posterior, true in fits:
        pits = {}
        for name in wrong or map(str, true):
            draws = posterior[name]
            draws = draws + wrong.get(name, 0.0) * draws.std(("chain", "draw"))
            pits[name] = binned(among(draws, true[name], rng).ravel(), rng)
        records.append({"pits": pits, "events": {}})
    return summary(records)["pits"]


def off(q: dict[str, Any], statistic: str) -> float:
    """How far a pooled statistic lies from that of a uniform PIT, in half widths of its bounds."""
    half = 0.5 * (q[statistic]["upper"] - q[statistic]["lower"])
    return float((q[statistic]["mean"] - STATISTICS[statistic] @ WIDTH) / half)


def test_every_quantity_is_calibrated(fits: list[tuple[xr.Dataset, xr.Dataset]]) -> None:
    quantities = found(fits)
    assert {"theta", "loading", "indicator_level", "deviation_sd", "autocorrelation", "trend_share"} < set(quantities)
    # as many tests as there are quantities, at 5% all together; the half widths are of 95%, of the largest of so many
    assert min(q["uniformity"] for q in quantities.values()) > 0.05 / len(quantities)
    assert max(abs(off(q, key)) for q in quantities.values() for key in ("location", "dispersion")) < 1.75
    assert max(abs(off(quantities["theta"], key)) for key in STATISTICS) < 1.5


def test_an_error_of_a_tenth_of_an_sd_in_theta_is_found(fits: list[tuple[xr.Dataset, xr.Dataset]]) -> None:
    for error in (0.1, -0.1):
        assert np.sign(error) * off(found(fits, theta=error)["theta"], "location") < -3.0


def test_an_error_of_half_an_sd_in_a_scalar_is_found(fits: list[tuple[xr.Dataset, xr.Dataset]]) -> None:
    for error in (0.5, -0.5):
        assert np.sign(error) * off(found(fits, deprivation_trend=error)["deprivation_trend"], "location") < -1.0
