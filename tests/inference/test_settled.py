"""Sites and mode settle each other: refitted at the mode they leave it where it is; where they do not, a fit stops."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from paths import PANELS

from bayes_csc.errors import GateError
from bayes_csc.inference import posterior_mode as inference
from bayes_csc.inference.posterior_mode import SETTLED, SETTLED_WORST, SITE_ROUNDS, Sites, Start, find_start
from bayes_csc.likelihood.count_sites import fit_sites
from bayes_csc.likelihood.density import Density, compile_density
from bayes_csc.measurement.design import Design, design
from bayes_csc.panel.panel import Panel
from bayes_csc.spec import Spec
from bayes_csc_models.trajectory import trajectory

HAMLETS = PANELS / "hamlets"


@pytest.fixture(scope="module")
def laid_out() -> Design:
    return design(Panel.read(HAMLETS), Spec())


@pytest.fixture(scope="module")
def start(laid_out: Design) -> Start:
    return find_start(compile_density(trajectory(Panel.read(HAMLETS), Spec())), laid_out, cores=1)


def newton_step(start: Start, density: Density) -> np.ndarray:
    """Move from the mode of one density towards that of another, in sds: the gradient in whitened coordinates."""
    return start.coordinates.gradient(density(start.coordinates.centre)[1])


def test_sites_refitted_at_the_mode_leave_the_mode(laid_out: Design, start: Start) -> None:
    assert laid_out.observation.site.sum() > 50
    again = Sites(laid_out).fitted(start.density, start.coordinates.centre)
    move = newton_step(start, again)
    assert np.sqrt(np.mean(move**2)) < SETTLED
    assert np.abs(move).max() < SETTLED_WORST
    before = start.density.with_sites(laid_out.observation.z.to_numpy(), laid_out.observation.variance.to_numpy())
    assert np.abs(newton_step(start, before)).max() > SETTLED_WORST  # where sites start the mode is elsewhere


def test_from_a_mode_that_they_have_left_they_settle_at_it_again(laid_out: Design, start: Start) -> None:
    away = start.coordinates.point(np.full(start.coordinates.centre.size, 0.3))
    density, mode = Sites(laid_out).settled(start.density, replace(start.coordinates, centre=away))
    move = np.linalg.solve(start.coordinates.factor, mode - start.coordinates.centre)
    assert np.sqrt(np.mean(move**2)) < 2.0 * SETTLED
    np.testing.assert_allclose(density.z, start.density.z, atol=0.05)


def test_part_of_the_way_is_between_in_precision_and_pull(laid_out: Design, start: Start) -> None:
    sites, x = Sites(laid_out), start.coordinates.point(np.full(start.coordinates.centre.size, 0.5))
    one, half, other = (sites.fitted(start.density, x, part=part) for part in (0.0, 0.5, 1.0))
    np.testing.assert_allclose(one.z, start.density.z, rtol=1e-10)
    at = sites.at
    for power in (0, 1):
        ends, middle = ([d.z[at] ** power / d.variance[at] for d in ds] for ds in ((one, other), (half,)))
        np.testing.assert_allclose(middle[0], np.mean(ends, axis=0), rtol=1e-9)


def test_a_fit_whose_sites_do_not_settle_stops_and_says_so(
    laid_out: Design, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = []

    def to_and_fro(*given: object, **how: object) -> tuple[np.ndarray, np.ndarray, float]:
        z, variance, change = fit_sites(*given, **how)  # type: ignore[arg-type]
        rounds.append(change)
        return z + (-1.0) ** len(rounds), variance, change

    monkeypatch.setattr(inference, "fit_sites", to_and_fro)
    with pytest.raises(
        GateError, match=rf"sites of the counts do not settle: after {SITE_ROUNDS} rounds .* still moves"
    ):
        Sites(laid_out).settled(start.density, start.coordinates)
    assert len(rounds) == SITE_ROUNDS
