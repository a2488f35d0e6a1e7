"""What a page keeps of the draws gives the reader the report's own figures."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from bayes_csc.findings.what_if import CHANCES, LISTED, _worse


@pytest.mark.parametrize("kept", [CHANCES, LISTED])
def test_ends_of_intervals_are_those_of_all_draws(kept: int) -> None:
    rng = np.random.default_rng(1)
    draws = {"worse": ("draw", rng.beta(4.0, 16.0, 1600)), "no_data": ("other_draw", rng.beta(2.0, 6.0, 800))}
    found = _worse(xr.Dataset(draws), kept, 4)
    assert (len(found["worse"]), len(found["worse_no_data"])) == (kept, kept // 2)
    for name, (_, values) in zip(("worse", "worse_no_data"), draws.values(), strict=True):
        for level in (0.055, 0.25, 0.5, 0.75, 0.945):  # the page interpolates linearly, as NumPy does
            assert np.quantile(found[name], level) == pytest.approx(np.quantile(values, level), abs=0.006)


def test_a_run_of_few_draws_keeps_them_all() -> None:
    draws = {"worse": ("draw", np.array([0.3, 0.1, 0.2])), "no_data": ("other_draw", np.array([0.5, 0.4]))}
    found = _worse(xr.Dataset(draws), CHANCES, 4)
    assert found == {"worse": [0.1, 0.2, 0.3], "worse_no_data": [0.4, 0.5]}
