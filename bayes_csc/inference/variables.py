"""What every variable of a run is: long name, units and description, as attributes of its array."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path

import xarray as xr

from bayes_csc.files.toml_text import read_toml

KINDS = {
    "prior": "prior draws", "log_prior": "log prior density on its own scale, given what it depends on",
    "prior_predictive": "drawn from the prior", "posterior_predictive": "drawn from the posterior",
    "observed_data": "as published",
}  # fmt: skip
"""What a group holds of variables that are described elsewhere."""


@functools.cache
def descriptions() -> dict[str, dict[str, tuple[str, str, str]]]:
    """Long name, units and description of each variable, by group."""
    tables = read_toml(Path(__file__).with_suffix(".toml"), []) or {}
    return {group: {name: tuple(said) for name, said in table.items()} for group, table in tables.items()}


def described(group: xr.Dataset, name: str, labels: Mapping[str, str], authorities: Mapping[str, str]) -> xr.Dataset:
    """Return a group of a run with attributes on every variable, and with the names of its authorities.

    Parameters
    ----------
    group, name
        Its variables, and what it is called in the file.
    labels
        Of the indicators, by key.
    authorities
        Names by code.
    """
    own, known = descriptions().get(name, {}), descriptions()["posterior"]
    out = group.assign_coords({k: v.astype(str) for k, v in group.coords.items() if v.dtype == object})  # for netCDF
    for variable, values in out.data_vars.items():
        key = str(variable)
        long_name, units, description = (
            own.get(key) or known.get(key) or (labels.get(key, key.replace("_", " ")), "", "")
        )
        if name == "log_prior":
            units = "nat"
        elif key in labels:
            units = "share, count, value or category"
        said = "; ".join(text for text in (KINDS.get(name, ""), description) if text)
        values.attrs = {"long_name": long_name, "units": units or "1", "description": said or long_name}
    if "authority" in out.dims:
        out = out.assign_coords(
            authority_name=("authority", [authorities.get(c, c) for c in out["authority"].to_numpy()])
        )
    return out
