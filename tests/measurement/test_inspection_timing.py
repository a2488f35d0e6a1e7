"""Inspections' timing as observations: counted by hand, one posterior by every route, and signs found again."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytensor.tensor as pt
import pytest
from interpreted_density import by_python
from panels_with_feedback import TIMED, followed
from paths import PANELS
from scipy.special import log_ndtr
from scipy.stats import norm

from bayes_csc.errors import SpecError
from bayes_csc.inference.posterior_mode import find_start
from bayes_csc.likelihood.count_sites import Counts, fit_sites
from bayes_csc.likelihood.density import Density, compile_density
from bayes_csc.likelihood.kernel import Real, value_and_gradient
from bayes_csc.likelihood.kernel.states import states
from bayes_csc.likelihood.layout import layout_of
from bayes_csc.likelihood.prior_draws import fitted
from bayes_csc.measurement.design import Design, design
from bayes_csc.measurement.judgements.inspection_timing import TIMING, WHITE_VARIANCE, timing_rows, whole_years
from bayes_csc.panel.panel import Panel
from bayes_csc_models.likelihood import exact_logp
from bayes_csc_models.trajectory import from_design

HAMLETS = PANELS / "hamlets"


@pytest.fixture(scope="module")
def panel() -> Panel:
    return Panel.read(HAMLETS)


@pytest.fixture(scope="module")
def small() -> Panel:
    return followed(authorities=9, loading=-0.7)


@pytest.fixture(scope="module")
def timed(small: Panel) -> Design:
    return design(small, TIMED)


@pytest.fixture(scope="module")
def density(timed: Design) -> Density:
    with by_python():  # asked for a dozen points
        return compile_density(from_design(timed, TIMED))


# By hand.


def test_a_year_is_one_of_an_authority_that_was_inspected_in_it_or_might_have_been(panel: Panel) -> None:
    rows = timing_rows(panel, ["401", "404", "406", "408"]).set_index(["unit", "year"])
    # the record begins on 12 November 2018, the panel's date is 30 September 2022
    assert rows.loc["401"].numerator.to_dict() == {2020: 1, 2021: 0, 2022: 1}
    assert rows.loc["401"].previous.to_dict() == {2020: 3, 2021: 4, 2022: 4}
    assert rows.loc["401"].since.to_dict() == {2020: 0, 2021: 0, 2022: 1}
    assert rows.loc["404"].previous.to_dict() == {2020: 0, 2021: 4, 2022: 4}
    assert rows.loc["406"].index.tolist() == [2020]  # ended on 31 March 2021, so that 2021 was whole but for a day
    assert rows.loc["408"].index.tolist() == [2022]


def test_years_are_whole_ones_between_the_first_inspection_and_the_last_known_day() -> None:
    start = pd.Series(pd.to_datetime(["2019-04-01", "2020-06-01"]))
    assert whole_years(start, pd.Timestamp("2022-03-31")).tolist() == [2020, 2021, 2022]
    assert whole_years(start + pd.Timedelta(days=1), pd.Timestamp("2022-03-30")).tolist() == [2021]
    assert whole_years(start[:0], pd.Timestamp("2022-03-30")).size == 0


def test_a_year_closed_to_inspections_throughout_is_no_year(shipped: Panel) -> None:
    rows = timing_rows(shipped, list(shipped.authorities.index))
    assert 2021 not in set(rows.year)
    assert set(rows.year) == {*range(2015, 2026)} - {2021}


def test_a_panel_without_a_whole_year_of_inspections_is_refused(panel: Panel) -> None:
    with pytest.raises(SpecError, match="no whole year of inspections"):
        timing_rows(panel.as_of(datetime.date(2019, 6, 1)), ["401"])


# One likelihood.


def test_the_likelihood_of_a_score_and_its_white_noise_are_a_probit_of_unit_noise(timed: Design) -> None:
    rows = timed.observation[timed.observation.indicator == TIMING].iloc[:4]
    noise = np.linspace(-8.0, 8.0, 4001) * np.sqrt(WHITE_VARIANCE)
    weight = norm.pdf(noise, scale=np.sqrt(WHITE_VARIANCE))
    for f in (-1.3, 0.0, 0.8):
        z = np.broadcast_to(f + noise, (len(rows), noise.size))
        p = (np.exp(Counts.of(rows).log_likelihood(z)) * weight).sum(axis=1) / weight.sum()
        np.testing.assert_allclose(p, norm.cdf((2.0 * rows.numerator - 1.0) * f), rtol=1e-6)


def test_the_likelihood_of_the_sites_is_that_of_the_joint_model(panel: Panel) -> None:
    d = design(panel, TIMED)
    rows = d.observation[d.observation.site]
    assert {TIMING, "binomial"} <= set(rows.family)
    z = np.linspace(-1.0, 1.0, len(rows))
    explicit = exact_logp(rows, pt.constant(z)).eval().sum() - exact_logp(rows, pt.constant(z + 0.3)).eval().sum()
    sites = Counts.of(rows).log_likelihood(np.stack([z, z + 0.3], axis=1)).sum(axis=0)
    assert sites[0] - sites[1] == pytest.approx(explicit, rel=1e-9)


# One posterior.


def by_name(d: Design, density: Density, loading: float) -> Real:
    """Real inputs where every hyperparameter starts, but for the loading of timing and a hazard of one half."""
    real = density.real(density.first)
    kind = real.loading.copy()
    kind[len(d.indicator)] = loading
    return real._replace(loading=kind)


def moments(d: Design, real: Real, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean of theta, and a draw of it, (authority, year)."""
    n_year = d.year.size
    out = states(layout_of(d), real, n_year, np.zeros(len(d.authority) * n_year), noise)
    return out[0].reshape(-1, n_year), out[1].reshape(-1, n_year)


def test_with_a_loading_of_zero_theta_is_what_it_is_without_timing(
    small: Panel, timed: Design, density: Density
) -> None:
    plain = design(small, TIMED.updated({"ratings": {"timing": False}}))
    mine = (timed.observation.indicator != TIMING).to_numpy()
    real = by_name(timed, density, 0.0)
    drop = len(timed.indicator)
    other = real._replace(
        z=real.z[mine], variance=real.variance[mine], offset=real.offset[mine],
        **{n: np.delete(getattr(real, n), drop) for n in ("loading", "ar_sd", "ar_phi", "white_sd", "domain_sd")},
    )  # fmt: skip
    n_year = timed.year.size
    for found, expected in zip(
        states(
            layout_of(timed), real, n_year, np.zeros(len(timed.authority) * n_year), np.zeros((len(timed.block), 0))
        )[:4],
        states(
            layout_of(plain), other, n_year, np.zeros(len(plain.authority) * n_year), np.zeros((len(plain.block), 0))
        )[:4],
        strict=True,
    ):
        np.testing.assert_allclose(found, expected, atol=1e-12)


def test_sites_give_the_states_and_the_evidence_of_the_exact_likelihood(timed: Design, density: Density) -> None:
    # Exactly: theta drawn given all but timing, weighted by the probability of having been inspected when it was.
    rows, loading, draws = timed.observation, -0.9, 4000
    at = (rows.indicator == TIMING).to_numpy()
    real = by_name(timed, density, loading)
    z, variance, change = fit_sites(layout_of(timed), real, rows, at)
    assert change < 1e-4
    width = int(layout_of(timed).template_column.max()) + layout_of(timed).single_grade.shape[1]
    rng = np.random.default_rng(4)
    nothing = real._replace(variance=np.where(at, 1e12, real.variance))
    theta = np.stack([moments(timed, nothing, rng.normal(size=(len(timed.block), width)))[1] for _ in range(draws)])

    def log_weight(value: float) -> np.ndarray:
        """Of each draw and block."""
        inputs = by_name(timed, density, value)._asdict()
        f = np.stack([fitted(timed, inputs, t) for t in theta])[:, at]
        each = log_ndtr((2.0 * rows.numerator.to_numpy()[at] - 1.0) * f)
        return np.stack([each[:, rows.block.to_numpy()[at] == b].sum(axis=1) for b in range(len(timed.block))], axis=1)

    weight = np.exp(log_weight(loading))
    weight /= weight.sum(axis=0)
    mean, _ = moments(timed, real._replace(z=z, variance=variance), np.zeros((len(timed.block), 0)))
    for b, members in enumerate(timed.block):
        chosen = theta[:, list(members)]
        exact = np.einsum("d,dat->at", weight[:, b], chosen)
        sd = chosen.std(axis=0)
        error = np.sqrt(np.einsum("d,dat->at", weight[:, b] ** 2, (chosen - exact) ** 2))
        # the licence of a site is 0.1 posterior sd; 4.5 standard errors of the reference besides
        assert (np.abs(mean[list(members)] - exact) < 0.03 * sd + 4.5 * error).all()
    exact_gain = float(np.log(np.exp(log_weight(-0.5)).mean(axis=0) / np.exp(log_weight(loading)).mean(axis=0)).sum())
    at_sites = [
        value_and_gradient(layout_of(timed), by_name(timed, density, v)._replace(z=z, variance=variance))[0]
        for v in (loading, -0.5)
    ]
    assert at_sites[1] - at_sites[0] == pytest.approx(exact_gain, abs=0.1)


# Signs.


@pytest.mark.parametrize("loading", [-0.7, 0.7])
def test_the_loading_of_theta_on_being_inspected_is_found_again(loading: float) -> None:
    panel = followed(authorities=60, loading=loading)
    d = design(panel, TIMED)
    start = find_start(compile_density(from_design(d, TIMED)), d, cores=2)
    at = start.density.names.free["timing_loading"].start
    sd = float(np.linalg.norm(start.coordinates.factor[at]))
    found = start.coordinates.centre[at]
    assert abs(found) > 3.0 * sd
    assert abs(found - loading) < 3.0 * sd
