"""Extra variance of figures that lie far out: the fixed point of Student's t at a mode."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sensitivity_base import base, hamlets

from bayes_csc.evaluation.sensitivity.plan.outlying import KEY, further_variance, with_further_variance
from bayes_csc.likelihood.density import compile_density
from bayes_csc.likelihood.kernel import Real, value_and_gradient
from bayes_csc.likelihood.layout import layout_of
from bayes_csc.measurement.design import Design, design
from bayes_csc.spec import Spec
from bayes_csc_models.trajectory import trajectory


@pytest.fixture(scope="module")
def mode() -> tuple[Design, Real]:
    """The design of the hamlets and the kernel's inputs at the mean of their posterior."""
    x = base().unconstrained.x.mean(("chain", "draw")).to_numpy()
    return design(hamlets(), Spec()), compile_density(trajectory(hamlets(), Spec())).real(x)


def test_extra_variances_are_a_share_of_the_expected_square_of_the_white_part(mode: tuple[Design, Real]) -> None:
    d, real = mode
    df = 4.0
    extra = further_variance(d, real, df)["further_variance"].to_numpy()
    own = np.flatnonzero((d.observation["kind"] < len(d.indicator)).to_numpy())
    shrunk = real.white_sd * np.sqrt(df / (df + 1.0))
    total = shrunk[d.observation["kind"].to_numpy()[own]] ** 2 + extra
    variance = real.variance.copy()
    variance[own] += extra
    at = own[[0, len(own) // 2, -1]]
    for i in at:  # by differences of the log density and not by its gradient
        ends = []
        for step in (1e-6, -1e-6):
            moved = variance.copy()
            moved[i] += step * total[own == i][0]
            ends.append(value_and_gradient(layout_of(d), real._replace(white_sd=shrunk, variance=moved))[0])
        v = total[own == i][0]
        square = v + 2.0 * v**2 * (ends[0] - ends[1]) / (2e-6 * v)
        assert extra[own == i][0] == pytest.approx(square / (df + 1.0), rel=0.02)


def test_a_figure_far_out_counts_for_less_and_normal_tails_change_nothing(mode: tuple[Design, Real]) -> None:
    d, real = mode
    precise = (d.observation["variance"] < 0.1) & (d.observation["kind"] < len(d.indicator))
    own = np.flatnonzero(precise.to_numpy())
    z = real.z.copy()
    z[own[3]] += 5.0
    found = further_variance(d, real._replace(z=z), 4.0)["further_variance"].to_numpy()
    before = further_variance(d, real, 4.0)["further_variance"].to_numpy()
    assert found.argmax() == np.searchsorted(np.flatnonzero(d.observation["kind"] < len(d.indicator)), own[3])
    assert found.max() > 20.0 * before.max()
    assert further_variance(d, real, 1e9)["further_variance"].max() < 1e-8


def test_extra_variances_reach_the_observations_of_their_cells_alone(mode: tuple[Design, Real]) -> None:
    d, real = mode
    extra = further_variance(d, real, 4.0)
    chosen = extra.iloc[[5, 17]].assign(further_variance=[0.5, 0.25])
    changed = design(with_further_variance(hamlets(), chosen), Spec()).observation
    gained = (changed["variance"] - d.observation["variance"]).to_numpy()
    doubt = (changed["confidence_variance"] - d.observation["confidence_variance"]).to_numpy()
    rows = d.observation.rename(columns={"unit": "authority"})[KEY].astype({"year": int})
    wanted = rows.merge(chosen.astype({"year": int}), on=KEY, how="left")["further_variance"].fillna(0.0).to_numpy()
    np.testing.assert_allclose(gained, wanted, atol=1e-12)
    np.testing.assert_allclose(doubt, wanted, atol=1e-12)
    assert np.count_nonzero(gained) == 2


def test_the_cells_of_a_panel_keep_their_order_and_number() -> None:
    panel = hamlets()
    some = panel.cells[KEY].iloc[::3].assign(further_variance=0.1)
    cells = with_further_variance(replace(panel), some).cells
    pd.testing.assert_frame_equal(cells.drop(columns="further_variance"), panel.cells.reset_index(drop=True))
