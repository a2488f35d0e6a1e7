"""Draws of invented variables, as if a fit was taken up again."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from bayes_csc.inference.reopen import Revisited

DRAWS = 6


def made_up(variables: dict[str, np.ndarray], dims: dict[str, tuple[str, ...]], coords: dict[str, list[str]]) -> Any:
    names = SimpleNamespace(variable=tuple(variables), dims=dims, coords=coords)

    def expand(point: np.ndarray) -> dict[str, np.ndarray]:
        return {name: values[int(point[0])] for name, values in variables.items()}

    density: Any = SimpleNamespace(names=names, expand=expand)
    design: Any = SimpleNamespace(authority=("401", "402"))
    return Revisited(design, density, np.arange(DRAWS, dtype=float)[:, None])


def values(again: Any, name: str) -> np.ndarray:
    return np.stack([again.density.expand(point)[name] for point in again.points])
