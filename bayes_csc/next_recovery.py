"""How forecasts of the next inspection of simulated panels came true: P(worse) beside the grades that were drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from bayes_csc.calibration import PANEL, event_summary
from bayes_csc.fit import CORES, Fit, Model
from bayes_csc.next_grade import next_grade
from bayes_csc.reinspection import Reinspection
from bayes_csc.simulate_ahead import NEXT

REPLICATES = 200


def next_recovery(fit: Fit, model: Model, truth: xr.DataTree, *, seed: int = 0, cores: int = CORES) -> xr.Dataset:
    """Place what came at the next inspections beside its probability.

    A replicate is an event drawn, given one draw s of the hyperparameters, with the probability

        P(worse | s),   theta and the date of the inspection integrated out

    independently for each authority, as it is given s: so that the events of one panel hang together by what they
    share.

    Parameters
    ----------
    fit
        Of a panel of `simulate_ahead`.
    model
        The function that built its model.
    truth
        Of that panel.
    seed
        Of the replicates.
    cores
        Threads.

    Returns
    -------
    xarray.Dataset
        By authority: `p_worse`, `worse` (0 or 1) and `copies` (replicate, authority), the same in posterior draws; NaN
        for authorities that were never inspected, or whose last grade is the worst.
    """
    came = truth[NEXT].to_dataset()
    codes = [str(code) for code in fit.panel.authorities.index]
    found = next_grade(fit, model, Reinspection.of(fit.panel), cores=cores).of(codes)
    last = fit.panel.latest_grades().reindex(codes).grade.to_numpy(dtype=float)
    grade = came.grade.reindex(authority=codes).to_numpy().astype(float)
    can_fall = (last < len(fit.panel.grades)) & ~np.isnan(grade)
    marginal = found.moved(last, 1)[0]
    at = np.linspace(0, len(marginal) - 1, REPLICATES).round().astype(int)
    copies = np.random.default_rng(seed).random((REPLICATES, len(codes))) < marginal[at]
    values = {
        "p_worse": ("authority", np.where(can_fall, marginal.mean(axis=0), np.nan)),
        "worse": ("authority", np.where(can_fall, grade > last, np.nan)),
        "copies": (("replicate", "authority"), np.where(can_fall, copies, np.nan)),
    }
    return xr.Dataset(values, coords={"authority": codes})


def next_summary(panels: Sequence[xr.DataTree]) -> dict[str, Any]:
    """Put the forecasts of all panels together: `calibration.event_summary`, and how many there were."""
    events = xr.concat([p[NEXT].to_dataset() for p in panels], PANEL, data_vars="all", join="outer")
    found = event_summary(events.p_worse, events.worse, events.copies)
    return {"forecasts": int(events.p_worse.notnull().sum()), "worse": int(events.worse.sum()), **found}
