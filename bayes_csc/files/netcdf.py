"""NetCDF in memory: HDF5 itself does not survive a full disk, and its files carry the time."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import xarray as xr

ENGINE: Any = "h5netcdf"


def netcdf(tree: xr.DataTree, encoding: dict[str, Any] | None = None) -> bytes:
    """Bytes of a NetCDF file; the same tree gives the same bytes."""
    file = io.BytesIO()
    tree.to_netcdf(file, engine=ENGINE, encoding=encoding)
    return file.getvalue()


def read_netcdf(path: Path) -> xr.DataTree:
    """Read a NetCDF file whole.

    Raises
    ------
    OSError, ValueError
        It is none, or damaged.
    """
    with xr.open_datatree(io.BytesIO(path.read_bytes()), engine=ENGINE) as tree:
        return tree.load()
