"""The posterior correlation of two latent dimensions, by a preview of the model that has them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import xarray as xr

from bayes_csc.chains import Progress, sample_chains
from bayes_csc.density import compile_density
from bayes_csc.design import design
from bayes_csc.diagnostics import PREVIEW_RHAT
from bayes_csc.dimensions import indicators_of
from bayes_csc.fit import CHAINS, CORES, PREVIEW_DRAWS, PREVIEW_WARMUP
from bayes_csc.graph import without_tracebacks
from bayes_csc.inference import find_start
from bayes_csc.kernel.beside import compiled_beside
from bayes_csc.panel import Panel
from bayes_csc.probabilities import batch_means_error, split_rhat
from bayes_csc.spec import Spec
from bayes_csc.studies.intervals import INTERVAL

CORRELATION = "dimension_correlation"
Model = Callable[[Panel, Spec], pm.Model]


@dataclass(frozen=True)
class DimensionFit:
    """What a preview of the model of two dimensions says.

    Attributes
    ----------
    correlation
        One row: correlation (mean), _lower, _upper, sd, p_positive, mcse (of the mean), rhat, divergences, draws.
    loadings
        Of each indicator: indicator, dimension (1 or 2), mean, sd; the judgement, in probits, last.
    passed
        Whether the correlation's split R-hat is below that of a preview's gate and no draw diverged.
    """

    correlation: pd.DataFrame
    loadings: pd.DataFrame
    passed: bool


def dimension_fit(
    panel: Panel, model: Model, spec: Spec, *, seed: int = 1, draws: int = PREVIEW_DRAWS, warmup: int = PREVIEW_WARMUP,
    chains: int = CHAINS, cores: int = CORES, progress: Callable[[Progress], None] | None = None,
) -> DimensionFit:  # fmt: skip
    """Sample the hyperparameters of a model of two dimensions.

    Parameters
    ----------
    panel
        The data.
    model
        Function of panel and spec, such as `bayes_csc_models.two_dimensions`; has a scalar `dimension_correlation`.
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
    with without_tracebacks(), compiled_beside(laid_out.layout) as first_time:
        if first_time:
            tell(Progress("compiling, this first time for a minute or two", 0, 1))
        density = compile_density(model(panel, spec))
    tell(Progress("finding the mode", 0, 1))
    start = find_start(density, laid_out, cores=cores)
    tree, _ = sample_chains(
        start, seed=seed, draws=draws, chains=chains, warmup=warmup, cores=cores, progress=progress
    )  # fmt: skip
    posterior, stats = tree["posterior"].to_dataset(), tree["sample_stats"].to_dataset()
    diverged = int(stats["diverging"].sum())
    table = _correlation(posterior[CORRELATION], diverged)
    second = indicators_of(panel, spec.dimensions.outcomes)
    passed = bool(table["rhat"].iloc[0] < PREVIEW_RHAT and not diverged)
    return DimensionFit(table, _loadings(posterior, second), passed)


def _correlation(r: xr.DataArray, diverged: int) -> pd.DataFrame:
    tail = 0.5 * (1.0 - INTERVAL)
    lower, upper = np.quantile(r, [tail, 1.0 - tail])
    row: dict[str, Any] = {
        "correlation": float(r.mean()), "correlation_lower": float(lower), "correlation_upper": float(upper),
        "sd": float(r.std()),
        "p_positive": float((r > 0).mean()), "mcse": float(batch_means_error(r)), "rhat": float(split_rhat(r)),
        "divergences": diverged, "draws": int(r.size),
    }  # fmt: skip
    return pd.DataFrame([row])


def _loadings(posterior: xr.Dataset, second: frozenset[str]) -> pd.DataFrame:
    loading = posterior["loading"]
    names = [str(key) for key in loading["indicator"].to_numpy()]
    means, sds = loading.mean(("chain", "draw")).to_numpy(), loading.std(("chain", "draw")).to_numpy()
    rows = [(key, 2 if key in second else 1, m, s) for key, m, s in zip(names, means, sds, strict=True)]
    if "judgement_loading" in posterior:
        psi = posterior["judgement_loading"]
        rows.append(("judgement", 1, float(psi.mean()), float(psi.std())))
    return pd.DataFrame(rows, columns=["indicator", "dimension", "mean", "sd"])
