"""A run of invented changes, which nobody fitted."""

from __future__ import annotations

import numpy as np
import xarray as xr

from bayes_csc import Fit, Panel, Spec
from bayes_csc.inference.diagnostics import Gate
from bayes_csc.likelihood.conditional_states import CHANGES

CODES = ("401", "402", "403", "404", "405", "406", "407", "408")

CHAINS, DRAWS = 2, 40

PASSED = Gate(True, 1.001, 900.0, 800.0, 0.9, 0, (), "")

FAILED = Gate(False, 1.2, 30.0, 20.0, 0.9, 0, ("loading[agency]: R-hat 1.200",), "run longer: double --draws")


def made_up(panel: Panel, gate: Gate = PASSED) -> Fit:
    rng = np.random.default_rng(6)
    shape = (CHAINS, DRAWS, len(CODES), len(CHANGES))
    since = np.full((len(CODES), len(CHANGES)), 2021.0)
    since[:, :2] = np.array([2020.4, 2018.0, 2022.6, 2020.0, np.nan, 2019.0, 2019.0, 2022.4])[:, None]
    gone = np.isnan(since)
    change = xr.Dataset(
        {
            "mean": (("chain", "draw", "authority", "change"), np.where(gone, np.nan, rng.normal(-0.2, 0.4, shape))),
            "variance": (("chain", "draw", "authority", "change"), np.where(gone, np.nan, rng.gamma(4.0, 0.1, shape))),
            "since": (("authority", "change"), since),
        },
        coords={"authority": list(CODES), "change": list(CHANGES), "chain": range(CHAINS), "draw": range(DRAWS)},
        attrs={"now": 2023.0},
    )
    record = {
        "panel": panel.name,
        "panel_hash": panel.hash,
        "spec": "baseline",
        "seed": 3,
        "versions": {"bayescsc": "1"},
    }
    empty = xr.Dataset(coords={"chain": range(CHAINS), "draw": range(DRAWS)})
    return Fit(panel, Spec(), empty, empty, empty, change, empty, gate, record)
