"""NetCDF in memory: HDF5 itself does not survive a full disk, and its files carry the time."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5netcdf
import xarray as xr

ENGINE: Any = "h5netcdf"


def netcdf(tree: xr.DataTree, encoding: dict[str, Any] | None = None) -> bytes:
    """Bytes of a NetCDF file; the same tree gives the same bytes."""
    file = io.BytesIO()
    tree.to_netcdf(file, engine=ENGINE, encoding=encoding)
    return file.getvalue()


def read_netcdf(path: Path, groups: Sequence[str] | None = None) -> xr.DataTree:
    """Read a NetCDF file, or some of its groups: those that it has.

    Raises
    ------
    OSError, ValueError
        It is none, or damaged.
    """
    file = io.BytesIO(path.read_bytes())
    if groups is not None:
        with h5netcdf.File(file) as named:
            there = [name for name in groups if name in named.groups]
        return xr.DataTree.from_dict({f"/{g}": xr.load_dataset(file, group=g, engine=ENGINE) for g in there})
    with xr.open_datatree(file, engine=ENGINE) as tree:
        return tree.load()
