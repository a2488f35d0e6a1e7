"""Diagnostics of many quantities at once are ArviZ's of each."""

from __future__ import annotations

import numpy as np
import pytest
from arviz_stats.base import array_stats

from bayes_csc.inference.convergence import convergence

CHAINS = 4


def autoregressive(phi: float, draws: int, seed: int = 1) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(CHAINS, draws))
    out = noise.copy()
    for t in range(1, draws):
        out[:, t] += phi * out[:, t - 1]
    return out


def arviz(draws: np.ndarray) -> tuple[float, float, float]:
    axes = {"chain_axis": 0, "draw_axis": 1}
    return (
        float(array_stats.rhat(draws, **axes)),
        float(array_stats.ess(draws, method="bulk", **axes)),
        float(array_stats.ess(draws, method="tail", prob=(0.05, 0.95), **axes)),
    )


@pytest.mark.parametrize("draws", [4, 5, 9, 250, 251, 252, 253])
def test_every_entry_has_what_arviz_gives_it(draws: int) -> None:
    entries = [autoregressive(phi, draws) for phi in (-0.99, -0.9, -0.5, 0.0, 0.3, 0.9, 0.97, 0.999)]
    entries.append(np.round(autoregressive(0.5, draws)))  # ties
    entries.append(autoregressive(0.2, draws) + np.arange(CHAINS)[:, None])  # chains apart
    entries.append(autoregressive(0.2, draws) * np.array([1.0, 1.0, 1.0, 4.0])[:, None])  # one of them wider
    found = convergence(np.stack(entries))
    for at, entry in enumerate(entries):
        np.testing.assert_allclose([value[at] for value in found[:3]], arviz(entry), rtol=1e-9, err_msg=str(at))


def test_batches_change_nothing() -> None:
    entries = np.stack([autoregressive(0.3, 40, seed) for seed in range(7)])
    whole = convergence(entries)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bayes_csc.inference.convergence.BATCH", 3)
        parts = convergence(entries)
    np.testing.assert_array_equal(np.stack(whole), np.stack(parts))


def test_a_missing_draw_is_missing_in_its_entry_alone() -> None:
    entries = np.stack([autoregressive(0.3, 40, seed) for seed in range(3)])
    entries[1, 2, 5] = np.nan
    found = np.stack(convergence(entries))
    assert np.isnan(found[:, 1]).all()
    assert np.isfinite(found[:, [0, 2]]).all()


def test_chains_that_never_move_have_an_enormous_r_hat() -> None:
    still = np.broadcast_to(np.arange(CHAINS, dtype=float)[:, None], (CHAINS, 40))
    assert convergence(still[None]).rhat[0] > 1e6
