"""Indicators that have the same figures."""

from __future__ import annotations

import numpy as np
import pandas as pd

COPIED = 20
"""Cells in common from which figures that are all the same are a copy."""


def exact_copies(cells: pd.DataFrame) -> list[str]:
    """Say which indicators have the same figures in all of at least `COPIED` cells that both have.

    Figures are a count and its denominator, or a value; of suppressed ones nothing is said.
    """
    seen = cells[cells.status.eq("observed")]
    value = seen.value.where(seen.numerator.isna())
    figure = pd.DataFrame({"n": seen.numerator, "of": seen.denominator, "value": value})
    code = figure.groupby(list(figure), dropna=False).ngroup().to_numpy()
    cell = seen.groupby(["authority", "year"]).ngroup().to_numpy()
    kind, keys = pd.factorize(seen.indicator.to_numpy(dtype=object))
    table = np.full((len(keys), cell.max(initial=-1) + 1), -1)
    table[kind, cell] = code
    problems = []
    for i, one in enumerate(table):
        both = (table[i + 1 :] >= 0) & (one >= 0)
        same = ((table[i + 1 :] == one) | ~both).all(axis=1) & (both.sum(axis=1) >= COPIED)
        problems += [
            f"{keys[i]} and {keys[i + 1 + j]} have the same figures in all {both[j].sum()} cells that both have; "
            "keep one of them"
            for j in np.flatnonzero(same)
        ]
    return problems
