"""The posterior correlation of two latent dimensions, by a preview of the model that has them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
import xarray as xr

from bayes_csc.evaluation.studies.sampled import Model, sampled, summary
from bayes_csc.inference.chains import Progress
from bayes_csc.inference.fit import CHAINS, CORES, PREVIEW_DRAWS, PREVIEW_WARMUP
from bayes_csc.measurement.two_dimensional import indicators_of
from bayes_csc.panel.panel import Panel
from bayes_csc.spec import Spec

CORRELATION = "dimension_correlation"


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
    found = sampled(
        panel, model, spec, seed=seed, draws=draws, warmup=warmup, chains=chains, cores=cores, progress=progress
    )
    r = found.posterior[CORRELATION]
    table = pd.DataFrame([summary("correlation", r) | {"divergences": found.divergences, "draws": int(r.size)}])
    second = indicators_of(panel, spec.dimensions.outcomes)
    return DimensionFit(table, _loadings(found.posterior, second), found.passed(table["rhat"].iloc[0]))


def _loadings(posterior: xr.Dataset, second: frozenset[str]) -> pd.DataFrame:
    loading = posterior["loading"]
    names = [str(key) for key in loading["indicator"].to_numpy()]
    means, sds = loading.mean(("chain", "draw")).to_numpy(), loading.std(("chain", "draw")).to_numpy()
    rows = [(key, 2 if key in second else 1, m, s) for key, m, s in zip(names, means, sds, strict=True)]
    if "judgement_loading" in posterior:
        psi = posterior["judgement_loading"]
        rows.append(("judgement", 1, float(psi.mean()), float(psi.std())))
    return pd.DataFrame(rows, columns=["indicator", "dimension", "mean", "sd"])
