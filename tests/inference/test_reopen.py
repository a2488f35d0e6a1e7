"""A fit taken up again is the fit that was made, and years after the data do not change what came before them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from paths import PANELS
from scipy import stats

from bayes_csc.errors import DataError
from bayes_csc.inference.fit import Fit, preview
from bayes_csc.inference.reopen import Revisited, revisit
from bayes_csc.likelihood.kernel.states import states
from bayes_csc.likelihood.layout import layout_of
from bayes_csc.panel.panel import Panel
from bayes_csc_models import trajectory
from bayes_csc_models.judgements import STEP

HAMLETS = PANELS / "hamlets"


@pytest.fixture(scope="module")
def fitted() -> Fit:
    return preview(Panel.read(HAMLETS), trajectory, chains=2, draws=20)


def mean_states(again: Revisited, draw: int) -> tuple[np.ndarray, np.ndarray]:
    d = again.design
    real = again.density.real(again.points[draw])
    share = np.full(real.mean.size, 1.0 / len(d.authority))
    mean, _, own, *_ = states(layout_of(d), real, d.year.size, share, np.empty((len(d.block), 0)))
    return mean.reshape(-1, d.year.size), own


def test_the_draws_are_those_of_the_run(fitted: Fit, tmp_path: Path) -> None:
    fitted.write(tmp_path / "run")
    again = revisit(Fit.read(tmp_path / "run"), trajectory)
    assert len(again.points) == 40
    for draw, at in ((0, (0, 0)), (39, (1, 19))):
        named = again.density.expand(again.points[draw])
        np.testing.assert_array_equal(
            named["deviation_sd"], fitted.posterior.deviation_sd.to_numpy()[at], err_msg=str(draw)
        )


def test_a_fit_of_this_process_is_taken_up_with_what_it_was_computed_with(fitted: Fit) -> None:
    kept, rebuilt = revisit(fitted, trajectory), revisit(replace(fitted, computed=None), trajectory)
    assert kept.design is fitted.computed[1]  # type: ignore[index]
    np.testing.assert_array_equal(kept.points, rebuilt.points)
    for x in kept.points[::20]:
        (value, gradient), (other, same) = kept.density(x), rebuilt.density(x)
        assert value == other
        np.testing.assert_array_equal(gradient, same)


def scaled_sd(of: Revisited, variance: np.ndarray) -> np.ndarray:
    """Prior sd of what a step of the standard is sampled as."""
    return np.sqrt(1.0 + variance * len(of.design.block) / STEP)


def test_years_after_the_data_change_no_density_and_no_state_before_them(fitted: Fit) -> None:
    now, later = revisit(fitted, trajectory), revisit(fitted, trajectory, horizon=3)
    n = now.design.year.size
    assert later.design.year.tolist() == [*now.design.year.tolist(), *(now.design.year[-1] + 1 + np.arange(3))]
    for draw in (0, 25):
        (mean, own), (longer, wider) = mean_states(now, draw), mean_states(later, draw)
        np.testing.assert_allclose(longer[:, :n], mean, rtol=0, atol=1e-9)
        np.testing.assert_allclose(wider[:, :n, :n], own, rtol=0, atol=1e-9)
        walk = later.density.names.free["standard_scaled"]
        sd = scaled_sd(later, later.density.expand(later.points[draw])["standard_variance"])
        prior = -stats.norm.logpdf(later.points[draw, walk.stop - 3 : walk.stop], scale=sd).sum()
        value = now.density(now.points[draw])[0]
        np.testing.assert_allclose(later.density(later.points[draw])[0], value - prior, rtol=0, atol=1e-7)


def test_the_national_steps_after_the_data_are_drawn_with_the_sd_that_their_prior_has_at_each_draw(fitted: Fit) -> None:
    later = revisit(fitted, trajectory, horizon=3)
    walk = later.density.names.free["standard_scaled"]
    variance = np.array([later.density.expand(x)["standard_variance"] for x in later.points])
    normal = np.random.default_rng([fitted.record["seed"], 3]).standard_normal((len(later.points), 3))
    expected = normal * scaled_sd(later, variance)[:, None]
    np.testing.assert_allclose(later.points[:, walk.stop - 3 : walk.stop], expected, rtol=1e-9)


def test_a_random_walk_s_variance_grows_by_a_step_a_year_after_the_data(fitted: Fit) -> None:
    later = revisit(fitted, trajectory, horizon=3)
    d, n = later.design, later.design.year.size
    _, own = mean_states(later, 0)
    scale = later.density.real(later.points[0]).scale
    own_template = d.template[0]
    step = own_template.matrix[-1, -1] * scale[own_template.column_kind[-1]]
    alone = [block[0] for block in d.block if len(block) == 1]
    last = own[alone][:, n - 3 :, n - 3 :]
    slope = own_template.matrix[-1, 1] - own_template.matrix[-2, 1]
    # Var[theta(T + 1) - theta(T)] = step ** 2 + the slope's posterior variance, which is below its prior's
    change = last[:, 1, 1] + last[:, 0, 0] - 2 * last[:, 0, 1]
    assert (change >= step**2 - 1e-9).all()
    assert (change <= step**2 + (slope * scale[1]) ** 2 + 1e-9).all()


def test_another_model_than_the_fitted_one_is_refused(fitted: Fit) -> None:
    with pytest.raises(DataError, match="give the model that was fitted"):
        revisit(fitted, lambda panel, spec: trajectory(panel, spec.updated({"ratings": {"use": False}})))


def test_a_run_whose_draws_are_in_other_coordinates_is_refused(fitted: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bayes_csc_models.effects.UNIT", 0.1)
    with pytest.raises(DataError, match=r"draws of region_level are in other coordinates .* fit again"):
        revisit(replace(fitted, computed=None), trajectory)
