"""Where a posterior lies, by the names of its coordinates: what another model takes of it, and what it leaves."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import pytest
from paths import PANELS

from bayes_csc.inference.posterior_mode import find_start
from bayes_csc.inference.warm_start import Nearby, labels
from bayes_csc.inference.whitening import Coordinates
from bayes_csc.likelihood.density import compile_density
from bayes_csc.measurement.design import design
from bayes_csc.panel.panel import Panel
from bayes_csc.spec import Spec
from bayes_csc_models.trajectory import trajectory

HAMLETS = PANELS / "hamlets"


def small(keys: list[str], *, positive: bool = True) -> tuple[pm.Model, Any]:
    """A model of a few variables, and what a density says of them."""
    with pm.Model(coords={"key": keys, "part": ["p", "q", "r"]}) as model:
        (pm.HalfNormal if positive else pm.Normal)("loading", dims="key")
        pm.Dirichlet("share", np.ones(3), dims="part")
        pm.Normal("level")
    sizes = {"loading": len(keys), "share": 2, "level": 1}
    edges = np.cumsum([0, *sizes.values()])
    free = {name: slice(*edges[k : k + 2]) for k, name in enumerate(sizes)}
    dims = {"loading": ("key",), "share": ("part",), "level": ()}
    coords = {"key": keys, "part": ["p", "q", "r"]}
    names = SimpleNamespace(free=free, dims=dims, coords=coords)
    return model, SimpleNamespace(names=names, first=-np.arange(1.0, edges[-1] + 1))


def test_a_model_takes_what_has_its_name_scale_and_place_and_keeps_its_own_point_elsewhere() -> None:
    model, density = small(["a", "b", "c"])
    factor = np.tril(np.random.default_rng(1).normal(size=(6, 6))) + 3.0 * np.eye(6)
    centre = 10.0 * np.arange(1, 7)
    start: Any = SimpleNamespace(density=density, coordinates=Coordinates(centre, np.ones(6), np.arange(6), factor))
    near = Nearby.of(model, start)
    found = near.seen(*small(["c", "new", "a"]))
    assert found.centre.tolist() == [30.0, -2.0, 10.0, 40.0, 50.0, 60.0]
    assert found.whitened.tolist() == [0, 2, 3, 4, 5]
    whole = factor @ factor.T
    np.testing.assert_allclose(found.factor @ found.factor.T, whole[np.ix_([2, 0, 3, 4, 5], [2, 0, 3, 4, 5])])
    other = near.seen(*small(["a", "b", "c"], positive=False))  # loadings, not their logarithms
    assert other.centre.tolist() == [-1.0, -2.0, -3.0, 40.0, 50.0, 60.0]


def test_the_mode_is_the_same_from_nearby_as_from_afar() -> None:
    panel = Panel.read(HAMLETS)
    model = trajectory(panel, Spec())
    density, laid_out = compile_density(model), design(panel, Spec())
    assert len(set(labels(model, density))) == density.first.size
    far = find_start(density, laid_out, cores=1)
    rng = np.random.default_rng(2)
    moved = far.coordinates.centre + far.coordinates.factor @ rng.normal(scale=0.7, size=density.first.size)
    away = Nearby(labels(model, density), moved, 1.3 * far.coordinates.factor @ far.coordinates.factor.T)
    near = find_start(density, laid_out, cores=1, rough=away.seen(model, density))
    np.testing.assert_allclose(
        near.density(near.coordinates.centre)[0], far.density(far.coordinates.centre)[0], atol=0.05
    )  # both by sites that move the mode a little in every round
    own = Nearby.of(model, far).seen(model, density)
    again = find_start(density, laid_out, cores=1, rough=own)  # at the mode: there is no need of its curvature
    assert again.coordinates.factor is own.factor


class TwoHills:
    """A mixture of two normals of unit covariance, log weights 0 and `other`, ten sds apart; without sites."""

    first = np.array([-7.0, 0.3, -0.4])
    apart = np.array([10.0, 0.0, 0.0])

    def __init__(self, other: float) -> None:
        self.other = other

    def with_sites(self, z: np.ndarray, variance: np.ndarray) -> TwoHills:
        return self

    def __call__(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        logs = np.array([-0.5 * x @ x, self.other - 0.5 * (x - self.apart) @ (x - self.apart)])
        weight = np.exp(logs - logs.max())
        weight /= weight.sum()
        return float(logs.max() + np.log(np.exp(logs - logs.max()).sum())), weight[1] * self.apart - x


@pytest.mark.parametrize(("other", "higher", "second"), [(-1.0, 0.0, 10.0), (2.0, 10.0, 0.0), (-9.0, 0.0, None)])
def test_chains_start_at_both_modes_where_the_lower_has_some_mass(
    other: float, higher: float, second: float | None
) -> None:
    """One lies nearby, the other is found from afar."""
    rows = pd.DataFrame({"site": [False], "z": [0.0], "variance": [1.0]})
    laid_out, hills = SimpleNamespace(observation=rows, timing=()), TwoHills(other)
    nearby = Coordinates(TwoHills.apart + 0.5, np.ones(3), np.arange(3), 1.1 * np.eye(3))
    found = find_start(hills, laid_out, cores=1, rough=nearby)  # type: ignore[arg-type]
    assert found.coordinates.centre[0] == pytest.approx(higher, abs=1e-3)
    if second is None:
        assert found.second is None
    else:
        assert found.second is not None
        assert found.second[0] == pytest.approx(second, abs=1e-3)
    assert find_start(hills, laid_out, cores=1).second is None  # type: ignore[arg-type]
