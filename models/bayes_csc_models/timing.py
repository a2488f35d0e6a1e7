"""Inspections in time: the probit of being inspected in a year, and what follows a judgement of the worst grade.

    score[a, t] = level + grade[g] + since[s] + year[t] + b x[a] + loading theta(a, t) + N(0, 1)
    inspected   = score > 0

g the previous grade, s the time since (`bayes_csc.measurement.judgements.inspection_timing`). The loading may have
either sign: authorities thought to be failing may be visited sooner, and so may those that asked to be judged again.

    eta[i] has the further term effect[k] w[i]      indicator k with `post_inspection` (the module of that name there)
"""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable

from bayes_csc.measurement.design import Design
from bayes_csc.measurement.judgements.inspection_timing import BANDS, TIMING
from bayes_csc.spec import Spec


def timing_coordinates(d: Design) -> dict[str, list[object]]:
    """Return the coordinates of the dims of inspections' timing; none where it is not observed."""
    if not d.timing:
        return {}
    years = np.unique(d.observation.year[d.observation.indicator == TIMING])
    return {"previous_grade": ["never inspected", *d.grade], "time_since": list(BANDS), "timing_year": years.tolist()}


def timing_loading(d: Design, spec: Spec) -> TensorVariable:
    """Loading of theta in inspections' timing, a vector of one; of none where that is not observed."""
    if not d.timing:
        return pt.zeros(0)
    return pt.atleast_1d(pm.Normal("timing_loading", 0.0, spec.ratings.timing_loading_sd))


def with_timing(offset: TensorVariable, d: Design, spec: Spec) -> TensorVariable:
    """Return the observations' offset with the expected scores of inspections' timing where theta is zero."""
    at = np.flatnonzero(d.observation.indicator == TIMING)
    rows = d.observation.iloc[at]
    sd = spec.ratings.timing_sd
    place = np.unique(rows.year, return_inverse=True)[1]
    mean = (
        pm.Normal("timing_level", 0.0, sd)
        + pm.Normal("timing_grade", 0.0, sd, dims="previous_grade")[rows.previous.to_numpy(dtype=int)]
        + pm.Normal("timing_since", 0.0, sd, dims="time_since")[rows.since.to_numpy(dtype=int)]
        + pm.Normal("timing_year_effect", 0.0, sd, dims="timing_year")[place]
    )
    if spec.pooling.deprivation:
        slope = pm.Normal("timing_deprivation_slope", 0.0, spec.measurement.deprivation_sd)
        mean += slope * d.deprivation_at(rows)
    return pt.set_subtensor(offset[at], mean)


def following_mean(d: Design, spec: Spec) -> TensorVariable:
    """What a judgement of the worst grade adds to each observation's expected figure, on its link scale."""
    sd = spec.measurement.post_inspection_sd
    effect = pm.Normal("post_inspection_effect", 0.0, sd, dims="post_inspection")
    place = {k: i for i, k in enumerate(d.post_inspection)}
    at = d.observation.indicator.map(place).fillna(0).to_numpy(dtype=int)
    return effect[at] * d.observation.after_worst.to_numpy()
