"""Values of any sign, with theta on their own scale, in spreads between authorities."""

from bayes_csc.panel.families.values import ValueFamily

FAMILY = ValueFamily(
    name="gaussian",
    unit="spreads of the value",
    fields=("typical", "spread", "unit_sd"),
    origin=0.0,
    minus=lambda value, other: value - other,
    plus=lambda value, step: value + step,
)
