"""A hexagon for each authority, near where it lies: a layout of our own, computed from the authorities' centres."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from bayes_csc.files.csv_toml import table_text

ROOM = 1.8
"""Area of the map, in hexagons, before crowded places push outwards, as a multiple of the authorities."""
STEPS, PUSH, PULL = 800, 0.5, 0.004
ROW_HEIGHT = np.sqrt(3) / 2


def centres(boundaries: Path) -> pd.DataFrame:
    """Centre of the largest polygon of each authority in a GeoJSON file.

    Parameters
    ----------
    boundaries
        Features with `old_la_code`, in degrees.

    Returns
    -------
    pandas.DataFrame
        Indexed by code: `x`, `y`, on one scale, y to the north.
    """
    features = json.loads(boundaries.read_text(encoding="utf-8"))["features"]
    places = {str(f["properties"]["old_la_code"]): _centre(f["geometry"]) for f in features}
    table = pd.DataFrame.from_dict(places, orient="index", columns=["x", "y"]).sort_index()
    table["x"] *= np.cos(np.radians(table["y"].mean()))
    return table.rename_axis("authority")


def _centre(geometry: dict[str, Any]) -> tuple[float, float]:
    """Area centroid of the outer ring of the largest polygon."""
    polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    best = (0.0, 0.0, 0.0)
    for polygon in polygons:
        x, y = np.array(polygon[0], dtype=float)[:, :2].T
        cross = x[:-1] * y[1:] - x[1:] * y[:-1]
        area = cross.sum() / 2
        if abs(area) > best[0]:
            middle = [float(((v[:-1] + v[1:]) * cross).sum() / (6 * area)) for v in (x, y)]
            best = (abs(area), middle[0], middle[1])
    return best[1:]


def hexagons(places: pd.DataFrame) -> pd.DataFrame:
    """Place each authority in a hexagon of its own.

    Centres are scaled so that the map has `ROOM` hexagons an authority, pushed apart until they are one hexagon from
    each other while each is drawn to where it lies, and assigned to the hexagons so that the sum of squared distances
    is least.

    Parameters
    ----------
    places
        Indexed by code: `x`, `y`, y to the north.

    Returns
    -------
    pandas.DataFrame
        Indexed by code: `column`, `row` from the top; every second row is half a hexagon to the right.
    """
    at = places[["x", "y"]].to_numpy(dtype=float)
    at = (at - at.min(axis=0)) * (1, -1)
    at[:, 1] -= at[:, 1].min()
    at *= np.sqrt(ROOM * len(at) * ROW_HEIGHT / np.ptp(at, axis=0).prod())
    spread = _pushed_apart(at)
    spread -= spread.min(axis=0)
    width, height = np.ceil(spread.max(axis=0)).astype(int) + 2
    rows, columns = np.divmod(np.arange((int(height / ROW_HEIGHT) + 1) * width), width)
    middle = np.column_stack([columns + 0.5 * (rows % 2), rows * ROW_HEIGHT])
    _, chosen = linear_sum_assignment(cdist(spread, middle, "sqeuclidean"))
    out = pd.DataFrame({"column": columns[chosen], "row": rows[chosen]}, index=places.index)
    first = out["row"].min() // 2 * 2  # an even number, so that the same rows are set in
    return out.assign(column=out["column"] - out["column"].min(), row=out["row"] - first)


def _pushed_apart(home: np.ndarray) -> np.ndarray:
    """Points at least about 1 from each other, near their homes."""
    at = home.copy()
    for step in range(STEPS):
        apart = at[:, None] - at[None]
        distance = np.hypot(*apart.transpose(2, 0, 1)) + np.eye(len(at)) * 9
        force = np.clip(1.0 - distance, 0.0, None) / np.maximum(distance, 1e-6)
        at = at + PUSH * 0.5 * (force[:, :, None] * apart).sum(axis=1)
        at = at + PULL * (1 - step / STEPS) * (home - at)
    return at


def hexagon_text(table: pd.DataFrame) -> str:
    """Return the layout as the text of a CSV file."""
    return table_text(table.sort_index().reset_index())
