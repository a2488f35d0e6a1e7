"""A finished fit taken up again: its density and draws of its hyperparameters, to compute what was not kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bayes_csc.errors import DataError
from bayes_csc.inference.fit import Fit, Model
from bayes_csc.likelihood.density import Density, compile_density
from bayes_csc.likelihood.function_cache import building_graphs
from bayes_csc.measurement.design import Design, design

WALK = "standard_scaled"
"""Steps of the national standard."""


@dataclass(frozen=True)
class Revisited:
    """What a fit's hyperparameters can be given to.

    Attributes
    ----------
    design
        Of the fit's panel and spec, its grid longer by the horizon that was asked for.
    density
        With the sites that the fit found.
    points
        Draws of the unconstrained hyperparameters, (draw, dim).
    """

    design: Design
    density: Density
    points: np.ndarray


def revisit(fit: Fit, model: Model, *, horizon: int = 0, draws: int = 400) -> Revisited:
    """Rebuild a fit's density and give draws of its hyperparameters.

    Grid points after the data change nothing in the posterior of what the fit sampled. A national standard has a step
    for each, in which nothing observed has a say: it is drawn from its prior, by the fit's own seed.

    Parameters
    ----------
    fit
        A run.
    model
        The function that built its model.
    horizon
        Grid points to add after the data.
    draws
        At most so many, evenly spaced over the chains that were kept.

    Raises
    ------
    DataError
        The model is not the one that was fitted, or its draws mean something else to this version of it.
    """
    laid_out, density = _of_this_process(fit, model) if horizon == 0 else (None, None)
    if laid_out is None or density is None:
        spec = fit.spec.updated({"horizon": fit.spec.horizon + horizon})
        laid_out = design(fit.panel, spec)
        with building_graphs():
            density = compile_density(model(fit.panel, spec))
    kept = fit.unconstrained.x.transpose("chain", "draw", "coordinate").to_numpy()
    kept = kept.reshape(-1, kept.shape[-1])
    kept = kept[np.unique(np.linspace(0, len(kept) - 1, min(draws, len(kept))).round().astype(int))]
    more = horizon if kept.shape[1] < density.first.size else 0
    if kept.shape[1] + more != density.first.size or fit.unconstrained.z.size != density.z.size:
        raise DataError(
            f"this run's model has {kept.shape[1]} hyperparameters and {fit.unconstrained.z.size} observations, the "
            f"one given {density.first.size - more} and {density.z.size}; give the model that was fitted, or fit again"
        )
    sites = fit.unconstrained
    density = density.with_sites(sites.z.to_numpy(), sites.variance.to_numpy())
    points = lengthened(kept, density, more, fit.record["seed"])
    _check_meaning(fit, density, points[0])
    return Revisited(laid_out, density, points)


def _check_meaning(fit: Fit, density: Density, point: np.ndarray) -> None:
    """Refuse a run whose first draw is of other hyperparameters than those that it says: of other coordinates."""
    said = fit.posterior.isel(chain=0, draw=0)
    for name, found in density.expand(point).items():
        if name not in said or said[name].shape != found.shape:  # along the years, of a longer grid
            continue
        if not np.allclose(said[name], found, rtol=1e-5, atol=1e-8):
            raise DataError(
                f"this run's draws of {name} are in other coordinates than this version of its model has (it was made "
                f"with bayescsc {fit.record['versions']['bayescsc']}); fit again"
            )


def _of_this_process(fit: Fit, model: Model) -> tuple[Design, Density] | tuple[None, None]:
    """What the fit was computed with, if it is still the fit of that model, panel and spec."""
    if fit.computed is None:
        return None, None
    of, laid_out, density = fit.computed
    same = all(one is other for one, other in zip(of, (model, fit.panel, fit.spec), strict=True))
    return (laid_out, density) if same else (None, None)


def lengthened(x: np.ndarray, density: Density, steps: int, seed: int) -> np.ndarray:
    """Give draws (draw, dim) the later steps of the density's national walk, from their prior given the other values.

    A step is normal about zero, so that the gradient of the log density at one is minus its precision.
    """
    if steps == 0:
        return np.ascontiguousarray(x)
    stop = density.names.free[WALK].stop
    longer = np.concatenate([x[:, : stop - steps], np.ones((len(x), steps)), x[:, stop - steps :]], axis=1)
    precision = np.stack([-density(point)[1][stop - steps : stop] for point in longer])
    longer[:, stop - steps : stop] = np.random.default_rng([seed, steps]).standard_normal((len(x), steps))
    longer[:, stop - steps : stop] /= np.sqrt(precision)
    return longer
