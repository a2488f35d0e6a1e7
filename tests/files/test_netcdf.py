"""A NetCDF file depends on what it holds alone: neither on the time nor on the process that wrote it."""

from __future__ import annotations

import os
import subprocess
import sys
import time

PROGRAM = """
import hashlib, sys
import numpy as np, xarray as xr
from bayes_csc.files import netcdf
rng = np.random.default_rng(1)
group = xr.Dataset(
    {name: (("chain", "draw", f"dim_{name}"), rng.normal(size=(2, 5, 3))) for name in ("b", "a", "c")},
    coords={"chain": [0, 1], "dim_a": ["x", "y", "z"]}, attrs={"now": 2026.25, "name": "é"},
)
tree = xr.DataTree.from_dict({"/posterior": group, "/change": group[["a"]]})
tree.attrs = {"seed": 1, "panel_hash": "abc"}
compressed = {"/posterior": {name: {"zlib": True, "complevel": 1} for name in group.data_vars}}
print(hashlib.sha256(netcdf(tree, compressed)).hexdigest())
"""


def written(seed: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, text=True,
        timeout=300, check=True,
    )  # fmt: skip
    return done.stdout


def test_two_processes_write_the_same_bytes_at_different_times() -> None:
    first = written("1")
    time.sleep(1.1)  # HDF5 counts in seconds
    assert written("2") == first
