"""Indicators that are noise do not change the answer; a small version of benchmarks/invariance.py.

England's three northern regions by previews: two previews of these 48 authorities with other seeds differ by some 0.05
in the largest P(decline). A pair that took theta over moved some by 0.3 to 0.9.
"""

from __future__ import annotations

import sys

import pytest
from paths import ROOT

from bayes_csc.evaluation.sensitivity.plan.panel_change import changed_panel
from bayes_csc.evaluation.sensitivity.plan.plan import PanelChange
from bayes_csc.inference.fit import preview
from bayes_csc.measurement.design import design
from bayes_csc.panel.panel import Panel
from bayes_csc.spec import Spec
from bayes_csc_models.trajectory import trajectory

sys.path.append(str(ROOT / "benchmarks"))
from invariance import CASES, answer, differences, with_noise

NORTH = ("North East", "North West", "Yorkshire and The Humber")
MOST = 0.15
"""Largest change of P(decline) by noise: some 0.05 is the previews' own."""


@pytest.fixture(scope="module")
def north() -> Panel:
    panel = Panel.read(ROOT / "data" / "england")
    others = tuple(r for r in panel.authorities.region.unique() if r not in NORTH)
    return changed_panel(panel, PanelChange(drop_regions=others))


@pytest.mark.parametrize("seed", [1, 2])
def test_noise_reported_twice_does_not_take_theta_over(north: Panel, seed: int) -> None:
    base = answer(preview(north, trajectory, seed=seed))
    for name in ("one, a random walk", "two of one domain", "near-copies in two domains"):
        run = preview(with_noise(north, CASES[name], seed), trajectory, seed=seed)
        found = differences(answer(run), base)
        assert found["largest"] < MOST, name
        assert found["theta"] < 0.15, name
        noise = [str(k) for k in run.posterior.indicator.values if str(k).startswith("noise")]
        assert float(run.posterior.loading.sel(indicator=noise).mean(("chain", "draw")).max()) < 0.2, name


def test_a_pair_that_does_not_share_its_deviation_takes_theta_over(north: Panel) -> None:
    # The check above can fail: without the domain's deviation the same pair does.
    noisy = with_noise(north, CASES["two of one domain"], 1)
    unshared = Spec().updated({"measurement": {"unshared": ["noise x"]}})
    run = preview(noisy, trajectory, spec=unshared, seed=1)
    assert differences(answer(run), answer(preview(north, trajectory, seed=1)))["largest"] > MOST


def test_near_copies_of_two_domains_leave_them_for_a_deviation_of_their_own(north: Panel) -> None:
    d = design(with_noise(north, CASES["near-copies in two domains"], 1), Spec())
    assert d.domain == (*design(north, Spec()).domain, "noise_1 + noise_2")
    alone = design(
        with_noise(north, CASES["near-copies in two domains"], 1), Spec().updated({"measurement": {"unshared": ["*"]}})
    )
    assert alone.domain == ()
