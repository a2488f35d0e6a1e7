"""The variance of each authority's change had every indicator one more year."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from bayes_csc.inference.fit import Fit
from bayes_csc.inference.reopen import Revisited
from bayes_csc.likelihood.kernel import Real
from bayes_csc.likelihood.kernel.states import states
from bayes_csc.likelihood.layout import layout_of
from bayes_csc.measurement.design import Design, design
from bayes_csc.panel.indicator_selection import chosen_indicators
from bayes_csc.panel.panel import Panel

KEY = ("unit", "indicator", "year", "position", "scale")
YEAR = pd.DateOffset(years=1)


def one_more_year(
    run: Fit, again: Revisited, reals: Sequence[Real], contrast: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Give the variance (draw,) of each change, on today's terms, were the next year's figures known.

    Every unit reports each indicator that it reported in its latest year, as precisely as then; the nation's next year
    effect counts as known, as a year's is from so many authorities.

    Parameters
    ----------
    run
        The run.
    again, reals
        Taken up again, and the kernel's inputs at its draws.
    contrast
        By authority: weights over the grid's years that make the change.
    """
    old = again.design
    window = old.year[old.window]
    panel = replace(run.panel, window=(int(window[0]), int(window[-1])))
    longer = design(next_year(panel, chosen_indicators(panel, run.spec)), run.spec)
    known = {key: i for i, key in enumerate(_keys(old))}
    source = np.array([known.get(key, -1) for key in _keys(longer)])
    n_more = longer.year.size - old.year.size
    share = longer.exists / np.maximum(longer.exists.sum(axis=0), 1)
    sharpness = _latest_variance(longer, source, reals[0])
    out: dict[str, list[float]] = {code: [] for code in contrast}
    for real in reals:
        mean = np.pad(real.mean.reshape(-1, old.year.size), ((0, 0), (0, n_more)), mode="edge").ravel()
        fresh = source < 0
        z, offset = (np.where(fresh, 0.0, values[source]) for values in (real.z, real.offset))
        variance = np.where(fresh, sharpness, real.variance[source])
        made = real._replace(z=z, offset=offset, variance=variance, mean=mean)
        _, _, own, shared, _ = states(
            layout_of(longer), made, longer.year.size, share.ravel(), np.empty((len(longer.block), 0))
        )  # fmt: skip
        national = np.einsum("at,atu->tu", share, shared)
        for code, weights in contrast.items():
            a, c = longer.authority.index(code), np.pad(weights, (0, n_more))
            out[code].append(float(c @ (own[a] - 2.0 * shared[a] + national) @ c))
    return {code: np.array(values) for code, values in out.items()}


def next_year(panel: Panel, keys: Sequence[str]) -> Panel:
    """The panel with a copy of each unit's cells of an indicator's latest year, a year later."""
    cells = panel.cells[panel.cells["indicator"].isin(list(keys))]
    latest = cells[cells["year"] == cells.groupby("indicator")["year"].transform("max")]
    dates = {name: latest[name] + YEAR for name in ("reference_start", "reference_end", "publication_date")}
    more = latest.assign(year=latest["year"] + 1, **dates)
    return replace(panel, cells=pd.concat([panel.cells, more], ignore_index=True))


def _keys(d: Design) -> list[tuple[str, ...]]:
    rows = d.observation.reindex(columns=list(KEY))
    rows = rows.assign(position=rows["position"].round(6))
    return [tuple(map(str, row)) for row in rows.itertuples(index=False)]


def _latest_variance(longer: Design, source: np.ndarray, real: Real) -> np.ndarray:
    """Sampling variance of each new row: that of the same unit's indicator in its latest year."""
    rows = longer.observation
    held = pd.Series(np.where(source < 0, np.nan, real.variance[source]), index=rows.index)
    before: pd.Series = held.groupby([rows["unit"], rows["indicator"]]).ffill()
    return before.fillna(rows["variance"]).to_numpy(dtype=float)
