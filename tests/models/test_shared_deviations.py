"""What indicators of one domain share: which do, with which sign, by how many parameters, and nothing lost by it."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
import pymc as pm
import pytest
from interpreted_density import MODE, by_python
from panel_of_every_family import with_every_family
from paths import PANELS, ROOT

from bayes_csc.likelihood.density import Density, compile_density
from bayes_csc.measurement.design import Design, design
from bayes_csc.panel.panel import Panel
from bayes_csc.spec import Spec
from bayes_csc_models.trajectory import coordinates, domain_correlations, from_design, shared_parts

HAMLETS = Panel.read(PANELS / "hamlets")
QUARTER_TURN = 0.5 * np.pi
"""From the coordinate of a share to that of the rest, there and back (`bayes_csc_models.scales.Angle`)."""


def of(polarities: dict[str, str], *, domain: str = "workforce", panel: Panel = HAMLETS) -> Design:
    """Design of the hamlets with these indicators alone, all of one domain, of these polarities."""
    indicators = {k: replace(panel.indicators[k], domain=domain, polarity=p) for k, p in polarities.items()}
    return design(replace(panel, indicators=indicators), Spec())


AGREED_PAIR = dict.fromkeys(("agency", "vacancy"), "higher is worse")
PAIR = AGREED_PAIR | {"vacancy": "not agreed"}
THREE = AGREED_PAIR | {"late": "higher is worse"}
EITHER_WAY = AGREED_PAIR | {"late": "not agreed"}


@functools.cache
def density_of(*polarities: tuple[str, str]) -> Density:
    with by_python():
        return compile_density(from_design(of(dict(polarities)), Spec()))


def drawn_correlations(d: Design, draws: int = 400) -> np.ndarray:
    """Correlations q from their prior, (draw, indicator)."""
    with pm.Model(coords=coordinates(d)):
        q = domain_correlations(d, Spec())
    return np.asarray(pm.draw(q, draws, random_seed=1, mode=MODE))


def test_every_domain_of_two_or_more_indicators_shares_a_deviation_unless_it_is_left_out() -> None:
    england = Panel.read(ROOT / "data" / "england")
    domains = {england.indicators[k].domain for k in design(england, Spec()).indicator}
    several = {"referral", "protection", "workforce", "care_leavers"}
    assert set(design(england, Spec()).domain) == several == domains - {"assessment", "placement"}
    some = Spec().updated({"measurement": {"unshared": ["workforce", "referral"]}})
    assert set(design(england, some).domain) == {"protection", "care_leavers"}
    none = Spec().updated({"measurement": {"unshared": ["*"]}})
    assert design(england, none).domain == ()
    rows = design(england, none).observation
    assert (rows.domain[rows.indicator != "judgement"] < 0).all()


def test_ordered_categories_share_no_deviation() -> None:
    panel = with_every_family(HAMLETS, "wellbeing", "opinion")
    d = design(panel, Spec())
    assert len({i.domain for i in panel.indicators.values()}) == 1
    assert (d.indicator, d.ordinal, d.domain) == (("wellbeing",), ("opinion",), ())


def test_of_agreed_polarity_deviations_go_together() -> None:
    q = drawn_correlations(of(THREE))
    assert (q > 0).all()
    # q ** 2 ~ Beta(2, 2): mean 1/2, sd 0.22; four standard errors
    np.testing.assert_allclose((q**2).mean(axis=0), 0.5, atol=4 * 0.224 / np.sqrt(len(q)))


def test_where_one_polarity_is_not_agreed_all_of_its_domain_may_go_either_way() -> None:
    d = of(EITHER_WAY)
    assert shared_parts(d) == [("agency", True, (0,)), ("vacancy", True, (1,)), ("late", True, (2,))]
    q = drawn_correlations(d)
    np.testing.assert_allclose((q > 0).mean(axis=0), 0.5, atol=4 * 0.5 / np.sqrt(len(q)))
    np.testing.assert_allclose(np.abs(np.corrcoef(q.T) - np.eye(3)).max(), 0.0, atol=4 / np.sqrt(len(q)))


def test_a_pair_has_one_parameter_whose_sign_is_that_of_its_covariance() -> None:
    agreed = of(AGREED_PAIR)
    assert shared_parts(agreed) == [("workforce", False, (0, 1))]
    q = drawn_correlations(agreed)
    np.testing.assert_array_equal(q[:, 0], q[:, 1])
    assert (q > 0).all()
    signed = of(PAIR)
    assert shared_parts(signed) == [("workforce", True, (0, 1))]
    q = drawn_correlations(signed)
    np.testing.assert_array_equal(q[:, 0], np.abs(q[:, 1]))
    assert 0.4 < (q[:, 1] < 0).mean() < 0.6


@pytest.mark.parametrize("polarities", [AGREED_PAIR, EITHER_WAY, PAIR], ids=["agreed", "either way", "a pair"])
def test_what_is_shared_is_part_of_an_indicator_s_deviation_and_not_added_to_it(polarities: dict[str, str]) -> None:
    density, n = density_of(*polarities.items()), len(polarities)
    for x in density.first + 0.5 * np.random.default_rng(1).normal(size=(3, density.first.size)):
        real, named = density.real(x), density.expand(x)
        total = (real.ar_sd**2 + real.white_sd**2 + real.domain_sd**2)[:n]
        np.testing.assert_allclose(total, named["deviation_sd"] ** 2, rtol=1e-12)
        assert real.domain_white[0] == named["domain_white_share"][0]


def mirrored(density: Density, x: np.ndarray, flipped: slice) -> np.ndarray:
    """The point at which these agreements have the other sign."""
    out = x.copy()
    at = density.names.free["domain_agreement"]
    out[at][flipped] = QUARTER_TURN - x[at][flipped]
    return out


def test_the_signs_of_a_domain_of_three_have_two_mirror_images() -> None:
    density = density_of(*EITHER_WAY.items())
    for x in density.first + 0.3 * np.random.default_rng(2).normal(size=(3, density.first.size)):
        here, there = density(x)[0], mirrored(density, x, slice(None))
        np.testing.assert_allclose(density.real(there).domain_sd, -density.real(x).domain_sd, rtol=1e-9, atol=1e-12)
        assert density(there)[0] == pytest.approx(here, abs=1e-8)
        assert abs(density(mirrored(density, x, slice(0, 1)))[0] - here) > 1e-3  # one sign alone is another model


def test_the_sign_of_a_pair_is_told_by_the_data() -> None:
    density = density_of(*PAIR.items())
    assert density.names.free["domain_agreement"].stop - density.names.free["domain_agreement"].start == 1
    x = density.first + 0.3 * np.random.default_rng(3).normal(size=density.first.size)
    assert abs(density(mirrored(density, x, slice(None)))[0] - density(x)[0]) > 1e-3
