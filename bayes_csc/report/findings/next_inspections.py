"""The next inspections of a report: their table and the draws behind it, computed beside the rest where that pays."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any

import pandas as pd
import xarray as xr

from bayes_csc.estimates.forecast.next_grade import NextGrade
from bayes_csc.evaluation.forecast.forecast import forecast, has_judgements
from bayes_csc.evaluation.forecast.pooled_forecast import pooled_forecast
from bayes_csc.inference.fit import Fit, Model
from bayes_csc.measurement.judgements.inspection_rates import Reinspection
from bayes_csc.panel.panel import Panel

MANY = 40
"""Authorities from which the next inspections take longer than another process takes to start."""
Ahead = tuple[pd.DataFrame | None, xr.Dataset | None]


@contextmanager
def next_inspections(fit: Fit, model: Model, *, cores: int = 1, **settings: Any) -> Iterator[Callable[[], Ahead]]:
    """Begin to compute the next inspections, and give a function that returns them.

    Parameters
    ----------
    fit, model
        A run, and the function that built its model.
    cores
        With two, a large run's are computed in a process of their own from here on.
    settings
        Of `forecast`.

    Yields
    ------
    function
        Returns `forecast`, and the draws of P(next grade worse) behind it: `worse` (draw, authority), and `no_data`
        (other_draw, authority), the same without data since the inspection. None and None where the run has no
        judgements.
    """
    if not has_judgements(fit):
        yield lambda: (None, None)
    elif cores < 2 or len(fit.panel.authorities) < MANY:
        yield lambda: _computed(fit, model, settings)
    else:
        # spawned: a fork would copy the threads' locks of the numerical libraries
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            waiting = pool.submit(_computed, fit, model, settings)
            yield waiting.result


def _computed(fit: Fit, model: Model, settings: dict[str, Any]) -> Ahead:
    pool = pooled_forecast(fit, model, Reinspection.of(fit.panel))
    return forecast(fit, model, pool=pool, **settings), _chances(pool.found, fit.panel)


def _chances(found: NextGrade, panel: Panel) -> xr.Dataset:
    last = panel.latest_grades().reindex(list(found.authority)).grade.to_numpy(dtype=float)
    marginal, _, without = found.moved(last, 1)
    drawn = {"worse": (("draw", "authority"), marginal), "no_data": (("other_draw", "authority"), without)}
    return xr.Dataset(drawn, coords={"authority": list(found.authority)})
