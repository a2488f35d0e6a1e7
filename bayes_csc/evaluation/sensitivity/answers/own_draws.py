"""What is computed from the base's own draws, without a fit: a job each (`jobs`), which gives it as bytes."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Literal

from bayes_csc.estimates.forecast.next_grade import DRAWS, years_ahead
from bayes_csc.evaluation.sensitivity.answers.answer import SCORED, anchored, inspected_on
from bayes_csc.evaluation.sensitivity.answers.packed import packed, packed_table
from bayes_csc.evaluation.sensitivity.answers.power_scaling import power_scaling
from bayes_csc.evaluation.sensitivity.answers.predictive import predictive
from bayes_csc.evaluation.sensitivity.answers.value_of_data import Offer, value_of_data
from bayes_csc.evaluation.sensitivity.answers.worse import Worse
from bayes_csc.evaluation.sensitivity.plan.plan import Question
from bayes_csc.inference.fit import Fit, Model
from bayes_csc.inference.reopen import revisit

ASKED = 400
"""Draws by which other questions are answered: of changes and probabilities given each, whose means need no more."""


def forecast_of(model: Model, run: Fit) -> bytes:
    """P(next grade worse), as `forecast` has it: a `Worse`."""
    return Worse.of(run, model, revisit(run, model, horizon=years_ahead(run), draws=DRAWS)).to_bytes()


def dated_of(years: float, model: Model, run: Fit) -> bytes:
    """P(next grade worse) were the next inspection so many years after the panel's date: a `Worse`."""
    again = revisit(run, model, horizon=years_ahead(run), draws=ASKED)
    return Worse.of(run, model, again, date=inspected_on(run, Question(next_in_years=years))).to_bytes()


def anchored_of(anchor: Literal["publication"] | datetime.date, model: Model, run: Fit) -> bytes:
    """Moments of the change since another day."""
    mean, variance = anchored(run, revisit(run, model, draws=ASKED), anchor, cores=1)
    return packed({}, {"mean": mean, "variance": variance})


def scores_of(model: Model, run: Fit) -> bytes:
    """Log scores: the parts of a `Predictive`."""
    return packed(*predictive(revisit(run, model, draws=SCORED)).parts())


def value_of(codes: Sequence[str], offer: Offer, model: Model, run: Fit) -> bytes:
    """What further data would be worth: a table."""
    return packed_table(value_of_data(run, model, codes, offer))


def power_of(codes: Sequence[str], model: Model, run: Fit) -> bytes:
    """Power-scaling: a table."""
    return packed_table(power_scaling(run, model, codes))
