"""Positive values, with theta on their logarithm; the standard deviation of a unit is a coefficient of variation."""

import numpy as np

from bayes_csc.panel.families.values import ValueFamily

FAMILY = ValueFamily(
    name="lognormal",
    unit="logs of the value",
    positive=True,
    origin=1.0,
    minus=lambda value, other: np.log(value / other),
    plus=lambda value, step: value * np.exp(step),
)
