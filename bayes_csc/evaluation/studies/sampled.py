"""Hyperparameters of a model by a preview: what the studies that fit one have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pymc as pm
import xarray as xr

from bayes_csc.evaluation.studies.intervals import INTERVAL
from bayes_csc.inference.chains import Progress, sample_chains
from bayes_csc.inference.diagnostics import PREVIEW_RHAT
from bayes_csc.inference.fit import CHAINS, CORES, PREVIEW_DRAWS, PREVIEW_WARMUP
from bayes_csc.inference.posterior_mode import find_start
from bayes_csc.inference.probabilities import batch_means_error, split_rhat
from bayes_csc.likelihood.density import compile_density
from bayes_csc.likelihood.function_cache import building_graphs
from bayes_csc.likelihood.kernel.compile_ahead import compiled_beside
from bayes_csc.likelihood.layout import layout_of
from bayes_csc.measurement.design import design
from bayes_csc.panel.panel import Panel
from bayes_csc.spec import Spec

Model = Callable[[Panel, Spec], pm.Model]


@dataclass(frozen=True)
class Sampled:
    """Draws of a model's hyperparameters (chain, draw, ...), and how many diverged."""

    posterior: xr.Dataset
    divergences: int

    def passed(self, rhat: float) -> bool:
        """Whether a split R-hat is below that of a preview's gate and no draw diverged."""
        return bool(rhat < PREVIEW_RHAT and not self.divergences)


def sampled(
    panel: Panel, model: Model, spec: Spec, *, seed: int = 1, draws: int = PREVIEW_DRAWS, warmup: int = PREVIEW_WARMUP,
    chains: int = CHAINS, cores: int = CORES, progress: Callable[[Progress], None] | None = None,
) -> Sampled:  # fmt: skip
    """Sample the hyperparameters of a model.

    Parameters
    ----------
    panel
        The data.
    model
        Function of panel and spec.
    spec
        Its spec; counts and grades by sites.
    seed, draws, warmup, chains, cores
        Of the sampling; by default those of a preview.
    progress
        Called as the fit goes on.
    """
    tell = progress or (lambda _: None)
    laid_out = design(panel, spec)
    tell(Progress("compiling", 0, 1))
    with building_graphs(), compiled_beside(layout_of(laid_out)) as first_time:
        if first_time:
            tell(Progress("compiling, this first time for a minute or two", 0, 1))
        density = compile_density(model(panel, spec))
    tell(Progress("finding the mode", 0, 1))
    start = find_start(density, laid_out, cores=cores)
    tree, _ = sample_chains(
        start, seed=seed, draws=draws, chains=chains, warmup=warmup, cores=cores, progress=progress
    )  # fmt: skip
    diverged = int(tree["sample_stats"]["diverging"].sum())
    return Sampled(tree["posterior"].to_dataset(), diverged)


def summary(name: str, draws: xr.DataArray) -> dict[str, Any]:
    """Mean of one quantity under its name, _lower, _upper, sd, p_positive, mcse (of the mean) and rhat."""
    tail = 0.5 * (1.0 - INTERVAL)
    lower, upper = np.quantile(draws, [tail, 1.0 - tail])
    return {
        name: float(draws.mean()), f"{name}_lower": float(lower), f"{name}_upper": float(upper),
        "sd": float(draws.std()), "p_positive": float((draws > 0).mean()), "mcse": float(batch_means_error(draws)),
        "rhat": float(split_rhat(draws)),
    }  # fmt: skip
