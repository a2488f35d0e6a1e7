"""The gate on synthetic posteriors: what passes, what fails, and that what fails is named."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from scipy.stats import f

from bayes_csc.inference.convergence import convergence, rhat_limit
from bayes_csc.inference.diagnostics import LONGER, SIGNED, Gate, gate

CHAINS, DRAWS = 4, 500


def posterior(draws: int = DRAWS, seed: int = 1) -> xr.Dataset:
    """Independent draws of one vector, one scalar and theta."""
    rng = np.random.default_rng(seed)
    return xr.Dataset(
        {
            "loading": (("chain", "draw", "indicator"), rng.normal(size=(CHAINS, draws, 2))),
            "region_sd": (("chain", "draw"), rng.exponential(size=(CHAINS, draws))),
            "theta": (("chain", "draw", "authority", "year"), rng.normal(size=(CHAINS, draws, 2, 2))),
        },
        coords={"indicator": ["agency", "vacancy"], "authority": ["301", "302"], "year": [2020, 2021]},
    )


def statistics(draws: int = DRAWS, seed: int = 2) -> xr.Dataset:
    """No divergence; independent energies, whose E-BFMI is 2."""
    energy = np.random.default_rng(seed).normal(size=(CHAINS, draws))
    return xr.Dataset(
        {"diverging": (("chain", "draw"), np.zeros((CHAINS, draws), bool)), "energy": (("chain", "draw"), energy)}
    )


def changed(name: str, change: Callable[[np.ndarray], None]) -> xr.Dataset:
    out = posterior().copy(deep=True)
    change(out[name].to_numpy())
    return out


def test_enough_independent_draws_pass() -> None:
    verdict = gate(statistics(), posterior())
    assert verdict.passed
    assert (verdict.failing, verdict.advice, verdict.divergences) == ((), "", 0)
    # 2,000 independent draws: an effective number within 4 of its deviations of some 5%
    assert 1500 < verdict.ess_bulk < 2500
    assert verdict.rhat < 1.01
    assert verdict.ebfmi == pytest.approx(2.0, abs=0.4)


def test_a_shifted_chain_fails_and_the_parameter_is_named_by_its_labels() -> None:
    def shift(a: np.ndarray) -> None:
        a[1, :, 1] += 2.0

    verdict = gate(statistics(), changed("loading", shift))
    assert not verdict.passed
    assert verdict.failing[0].startswith("loading[vacancy]: R-hat 1.")
    assert not any("agency" in line or "region_sd" in line for line in verdict.failing)
    assert "two modes" in verdict.advice
    assert "1 of 4 chains stay apart in loading[vacancy]" in verdict.advice
    assert "theta follows other indicators" in verdict.advice


def test_a_state_is_named_by_authority_and_year() -> None:
    def shift(a: np.ndarray) -> None:
        a[0, :, 1, 0] += 2.0

    assert gate(statistics(), changed("theta", shift)).failing[0].startswith("theta[302, 2020]: R-hat ")


def test_a_chain_that_moves_slowly_fails_by_its_effective_draws() -> None:
    def walk(a: np.ndarray) -> None:
        for t in range(1, DRAWS):
            a[:, t, 0] = 0.9 * a[:, t - 1, 0] + np.sqrt(1 - 0.9**2) * a[:, t, 0]

    verdict = gate(statistics(), changed("loading", walk))
    # an AR(1) of autocorrelation 0.9 has 1/19 of its draws
    assert verdict.ess_bulk == pytest.approx(CHAINS * DRAWS / 19, rel=0.5)
    assert any(line.startswith("loading[agency]: bulk ESS ") for line in verdict.failing)
    assert not any("vacancy" in line for line in verdict.failing)


def test_few_draws_fail_and_the_advice_is_to_run_longer() -> None:
    verdict = gate(statistics(60), posterior(60))
    assert not verdict.passed
    assert any("ESS" in line for line in verdict.failing)
    assert verdict.advice == LONGER


def test_one_divergence_fails() -> None:
    stats = statistics()
    stats["diverging"][2, 7] = True
    verdict = gate(stats, posterior())
    assert verdict.failing == ("1 divergences",)
    assert "hard to follow" in verdict.advice


def test_one_chain_of_low_energy_information_fails() -> None:
    stats = statistics()
    stats["energy"][3] = np.random.default_rng(5).normal(size=DRAWS).cumsum()
    verdict = gate(stats, posterior())
    assert len(verdict.failing) == 1
    assert verdict.failing[0].startswith("E-BFMI 0.0")


def test_a_parameter_with_one_missing_draw_fails() -> None:
    def lose(a: np.ndarray) -> None:
        a[1, 5] = np.nan

    verdict = gate(statistics(), changed("region_sd", lose))
    assert not verdict.passed
    assert verdict.failing[0] == "region_sd: R-hat nan"
    assert np.isnan(verdict.rhat)


def test_a_chain_that_never_moves_fails() -> None:
    def freeze(a: np.ndarray) -> None:
        a[2, :, 0] = 0.3

    assert "loading[agency]" in gate(statistics(), changed("loading", freeze)).failing[0]


def test_states_of_an_authority_that_does_not_exist_and_constants_are_left_out() -> None:
    def lose(a: np.ndarray) -> None:
        a[:, :, 0, 1] = np.nan
        a[:, :, 1, 1] = 0.1  # whose standard deviation over draws is 1e-17, not 0

    draws = changed("theta", lose).assign(fixed=(("chain", "draw"), np.full((CHAINS, DRAWS), 0.1)))
    verdict, before = gate(statistics(), draws), gate(statistics(), posterior())
    assert verdict.passed
    assert verdict.rhat <= before.rhat


def test_sampled_latent_values_of_single_judgements_are_no_hyperparameters() -> None:
    bad = np.zeros((CHAINS, DRAWS)) + np.arange(CHAINS)[:, None] + np.random.default_rng(1).normal(size=DRAWS)
    latent = dict.fromkeys(SIGNED, (("chain", "draw"), bad))
    assert gate(statistics(), posterior().assign(latent)) == gate(statistics(), posterior())
    assert not gate(statistics(), posterior().assign(other=(("chain", "draw"), bad))).passed


def test_draws_in_two_parts_of_different_length_are_judged_together() -> None:
    both = posterior()
    theta, others = both[["theta"]].isel(draw=slice(0, None, 2)), both.drop_vars("theta")
    apart, alone = gate(statistics(), others, theta), gate(statistics(), theta)
    assert (apart.ess_bulk, apart.ess_tail) == (alone.ess_bulk, alone.ess_tail)
    assert apart.rhat == max(alone.rhat, gate(statistics(), others).rhat)


@pytest.mark.parametrize("missing", [False, True])
def test_a_verdict_survives_strict_json(missing: bool) -> None:
    verdict = gate(statistics(), posterior())
    if missing:
        verdict = dataclasses.replace(verdict, rhat=float("nan"), passed=False, failing=("region_sd: R-hat nan",))
    text = json.dumps(verdict.summary(), allow_nan=False)
    assert str(Gate.of_summary(json.loads(text))) == str(verdict)


def test_only_the_worst_of_many_failures_are_listed_the_worst_first() -> None:
    rng = np.random.default_rng(3)
    shift = np.geomspace(0.1, 1.0, 20)  # of the same noise: R-hat grows with it
    many = rng.normal(size=(CHAINS, DRAWS, 1)) + np.arange(CHAINS)[:, None, None] * shift
    draws = xr.Dataset({"many": (("chain", "draw", "item"), many)}, coords={"item": range(20)})
    lines = [line for line in gate(statistics(), draws).failing if "R-hat" in line]
    assert [line.split(":")[0] for line in lines] == [f"many[{i}]" for i in (19, 18, 17, 16, 15)]


def test_more_draws_that_bring_the_chains_no_nearer_are_not_asked_for_again() -> None:
    def drift(a: np.ndarray) -> None:  # both halves of one chain lie apart, on either side of the others
        a[0, : DRAWS // 2, 0] += 0.7
        a[0, DRAWS // 2 :, 0] -= 0.7

    values = changed("loading", drift)
    first = gate(statistics(), values)
    assert not first.passed
    assert first.advice == LONGER
    assert "did not bring them nearer" in gate(statistics(), values, before=first).advice
    nearer = dataclasses.replace(first, rhat=first.rhat + 0.1)
    assert gate(statistics(), values, before=nearer).advice == LONGER


def test_the_signs_of_a_domain_are_not_in_the_gate_but_their_squares_are() -> None:
    values = posterior()
    sign = np.where(np.arange(4) < 2, 1.0, -1.0)[:, None]
    mirrored = values.assign(
        domain_agreement=(("chain", "draw"), 0.5 + 0.3 * sign + 0.01 * values.region_sd.to_numpy())
    )
    assert gate(statistics(), mirrored).passed
    assert not gate(statistics(), mirrored.rename(domain_agreement="other")).passed


@pytest.mark.parametrize(("halves", "draws"), [(8, 200), (8, 400), (4, 400)])
def test_chains_that_agree_fail_the_limit_of_r_hat_as_rarely_as_it_says(halves: int, draws: int) -> None:
    rng = np.random.default_rng(7)
    alarms, entries, times = 0, 200, 30
    for _ in range(times):
        found = convergence(rng.standard_normal((entries, halves // 2, 2 * draws)))
        alarms += bool((found.rhat >= rhat_limit(found.within, halves=halves, draws=draws)).any())
    assert alarms <= 3  # 1% of 30 over three looks: four or more have probability below 0.001


def test_the_limit_of_r_hat_has_its_reference_values() -> None:
    # sqrt(1 - 1/n + x / n_e), x the quantile of F(m - 1, m n_e) at 1 - 0.01 / (8 * 8000)
    limit = rhat_limit(np.full(8000, 200.0), halves=8, draws=200)[0]
    assert limit == pytest.approx(np.sqrt(1.0 - 1.0 / 200.0 + f.isf(0.01 / 64_000, 7, 1600.0) / 200.0))
    assert 1.01 < limit < 1.015
    assert rhat_limit(np.full(10, 5.0), halves=8, draws=200)[0] == 1.03
    assert rhat_limit(np.full(10, 1e5), halves=8, draws=10**5)[0] == 1.01


def test_one_chain_cannot_show_two_modes() -> None:
    verdict = gate(statistics(20).isel(chain=[0]), posterior(20).isel(chain=[0]))
    assert not verdict.passed
    assert verdict.advice == LONGER
