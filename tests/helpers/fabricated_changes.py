"""A run of which only the changes are known."""

from __future__ import annotations

import numpy as np
import xarray as xr

from bayes_csc import Fit, Panel, Spec
from bayes_csc.inference.diagnostics import Gate
from bayes_csc.likelihood.conditional_states import CHANGES, last_inspections
from bayes_csc.panel.calendar import grid_position

CODES = ("401", "402", "403", "404", "405", "408")

PASSED = Gate(True, 1.001, 900.0, 800.0, 0.9, 0, (), "")


def made_up(of: Panel) -> Fit:
    """A fit of which only the changes are known."""
    shape = (1, 2, len(CODES), len(CHANGES))
    since = np.column_stack([last_inspections(of, CODES)] * len(CHANGES))
    change = xr.Dataset(
        {
            "mean": (("chain", "draw", "authority", "change"), np.zeros(shape)),
            "variance": (("chain", "draw", "authority", "change"), np.ones(shape)),
            "since": (("authority", "change"), since),
        },
        coords={"authority": list(CODES), "change": list(CHANGES), "chain": [0], "draw": [0, 1]},
        attrs={"now": float(grid_position(of.date))},
    )
    record = {"panel": of.name, "panel_hash": of.hash, "spec": "baseline", "seed": 3, "versions": {"bayescsc": "1"}}
    empty = xr.Dataset(coords={"chain": [0], "draw": [0, 1]})
    return Fit(of, Spec(), empty, empty, empty, change, empty, PASSED, record)
