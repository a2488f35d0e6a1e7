"""How the answers lean on the priors and on the likelihood, without any refit: power-scaling (Kallioinen et al. 2024).

The posterior with the prior, or the likelihood, to the power alpha, by reweighting the base's draws; sensitivity is the
gradient, by log2 alpha, of a distance between the answers' distributions. Above 0.05 the answer leans on the component.
What is scaled is the prior and the collapsed likelihood of the hyperparameters; given these, states are as the data
have them. The change of an authority is drawn from its distribution given each draw, by the run's seed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr
from arviz_stats import psense

from bayes_csc.estimates.forecast.next_grade import DRAWS
from bayes_csc.evaluation.sensitivity.answers.answer import SINCE
from bayes_csc.inference.fit import Fit, Model
from bayes_csc.inference.reopen import Revisited, revisit
from bayes_csc.likelihood.conditional_states import block_densities
from bayes_csc.likelihood.function_cache import building_graphs
from bayes_csc.likelihood.log_prior import drawn_values, log_priors

SENSITIVE = 0.05
ALL_PRIORS = "all priors"


def power_scaling(run: Fit, model: Model, codes: Sequence[str]) -> pd.DataFrame:
    """Sensitivity of each authority's change to the likelihood, to all priors, and to each prior.

    Parameters
    ----------
    run, model
        A run, and the function that built its model.
    codes
        Authorities.

    Returns
    -------
    pandas.DataFrame
        `authority`, `component` ("likelihood", "all priors", or a variable whose prior it is) and `sensitivity`; of
        single priors only those to which some authority's answer is sensitive.
    """
    again = revisit(run, model, draws=DRAWS)
    change = _changes(run, again, codes)
    with building_graphs():
        prior = log_priors(model(run.panel, run.spec), drawn_values(again.density, again.points))
    likelihood = [block_densities(again.design, again.density.real(x)).sum() for x in again.points]
    tree = xr.DataTree.from_dict(
        {
            "/posterior": change.to_dataset(name="change"),
            "/log_prior": xr.Dataset({name: (("chain", "draw"), value[None]) for name, value in prior.items()}),
            "/log_likelihood": xr.Dataset({"collapsed": (("chain", "draw"), np.array(likelihood)[None])}),
        }
    )
    found = {"likelihood": psense(tree, group="likelihood"), ALL_PRIORS: psense(tree, group="prior")}
    for name, value in prior.items():
        if np.ptp(value) > 0:
            alone = psense(tree, group="prior", group_var_names=[name])
            if float(alone["change"].max()) > SENSITIVE:
                found[name] = alone
    parts = [
        pd.DataFrame({"authority": table["authority"], "component": name, "sensitivity": table["change"]})
        for name, table in found.items()
    ]
    return pd.concat(parts, ignore_index=True)


def _changes(run: Fit, again: Revisited, codes: Sequence[str]) -> xr.DataArray:
    """A draw of each authority's change for each of the draws that were taken up, of those with an inspection."""
    change = run.change.sel(change=SINCE)
    kept = run.unconstrained.x
    own = change.sel(chain=kept["chain"], draw=kept["draw"]).stack(all=("chain", "draw"))
    chosen = np.unique(np.linspace(0, own.sizes["all"] - 1, len(again.points)).round().astype(int))
    known = [code for code in codes if bool(own["mean"].sel(authority=code).notnull().all())]
    own = own.isel(all=chosen).sel(authority=known).transpose("all", "authority")
    noise = np.random.default_rng([int(run.record["seed"]), 3]).standard_normal(own["mean"].shape)
    values = own["mean"].to_numpy() + np.sqrt(own["variance"].to_numpy()) * noise
    coords = {"chain": [0], "draw": range(len(chosen)), "authority": known}
    return xr.DataArray(values[None], dims=("chain", "draw", "authority"), coords=coords)
