"""The work of a sensitivity analysis that is spread over workers: refits, ratios of priors, the base's own draws."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from bayes_csc.errors import BayesCscError
from bayes_csc.estimates.forecast.next_grade import years_ahead
from bayes_csc.evaluation.dask_jobs import Job, Made
from bayes_csc.evaluation.sensitivity.answers.answer import Answer, answer_of
from bayes_csc.evaluation.sensitivity.answers.packed import packed, unpacked
from bayes_csc.evaluation.sensitivity.answers.predictive import data_digest
from bayes_csc.evaluation.sensitivity.answers.reweight import Base, log_ratios
from bayes_csc.evaluation.sensitivity.plan.outlying import further_variance, with_further_variance
from bayes_csc.evaluation.sensitivity.plan.panel_change import changed_panel
from bayes_csc.evaluation.sensitivity.plan.plan import Question
from bayes_csc.evaluation.sensitivity.plan.variant import Variant
from bayes_csc.files.result_cache import digest, versions
from bayes_csc.inference.fit import KEPT, Fit, Model, fit
from bayes_csc.inference.posterior_mode import find_start
from bayes_csc.inference.reopen import revisit
from bayes_csc.inference.warm_start import Nearby
from bayes_csc.likelihood.density import compile_density
from bayes_csc.likelihood.function_cache import building_graphs
from bayes_csc.measurement.design import design
from bayes_csc.spec import Spec

READ = ("judgement_loading",)
"""What of a run's posterior is read again; all else is computed from its unconstrained draws."""
RUN, AROUND, DRAWN = "run", "around", "drawn"
"""What jobs work on: the base; where it lies; and its draws' prior densities."""
FULL = "full"
CHAINS, SHORT, LONG = 3, 32, 48
"""Chains of a variant's preview; their draws; and their draws the second time, where the first fails its gate."""
REFUSALS = (BayesCscError, ArithmeticError, ValueError, LookupError, np.linalg.LinAlgError)
"""How a choice that cannot be fitted shows."""
Options = dict[str, Any]


@dataclass(frozen=True)
class Around:
    """The base, as refits start from it.

    Attributes
    ----------
    run
        The run.
    nearby
        Where its posterior lies, of a grid that is longer by `ahead`; None of a run without sites.
    ahead
        Grid points that forecasts need after the data: refits have them from the start.
    data
        Digest of its observations.
    outlying
        Extra variances of its figures (`outlying.further_variance`), by degrees of freedom.
    """

    run: Fit
    nearby: Nearby | None
    ahead: int
    data: str
    outlying: dict[float, pd.DataFrame]

    @classmethod
    def of(cls, run: Fit, model: Model, *, tails: Sequence[float] = ()) -> Around:
        """Find the mode of a run's posterior again, and what is outlying there by some degrees of freedom."""
        ahead = years_ahead(run)
        spec = longer(run.spec, ahead)
        laid_out = design(run.panel, spec)
        with building_graphs():
            built = model(run.panel, spec)
            start = find_start(compile_density(built), laid_out, cores=1)
        real = start.density.real(start.coordinates.centre)
        outlying = {df: further_variance(laid_out, real, df) for df in tails}
        return cls(run, Nearby.of(built, start), ahead, data_digest(laid_out), outlying)


@dataclass(frozen=True)
class Jobs:
    """Makes the jobs of one base.

    Attributes
    ----------
    run
        The base.
    model
        The function that built its model.
    seed
        Of the refits.
    options
        Of the full refits: what `fit` takes.
    """

    run: Fit
    model: Model
    seed: int
    options: Options

    def refit(self, variant: Variant, depth: str) -> Job:
        """Fit a variant, and read its answer off; its failure is an answer, too."""
        seed = self.seed if variant.seed is None else variant.seed
        options = (
            dict(self.options) if depth == FULL else {"preview": True, "chains": CHAINS, "draws": SHORT, "again": LONG}
        )
        question = variant.question.model_copy(update={"epsilon": None})  # asked of the answer
        depends = self._depends("fit", variant.spec) | {
            "change": variant.panel.model_dump(mode="json"), "seed": seed, "options": options,
            "question": question.model_dump(mode="json"), "from": _plain(self.run.spec),
        }  # fmt: skip
        call = partial(_refit, variant, question, depth, self.model, seed, options)
        return Job(digest(depends), variant.name, AROUND, call)

    def ratio(self, variant: Variant) -> Job:
        """Compare a variant's prior with the base's at the base's draws."""
        depends = self._depends("ratio", variant.spec) | {"base": self.identity()}
        return Job(digest(depends), variant.name, DRAWN, partial(_ratio, variant.spec, self.model))

    def own(self, name: str, call: Callable[[Model, Fit], bytes], **depends: Any) -> Job:
        """Compute something from the base's own draws (`own_draws`), which depends on these plain values, too."""
        key = self._depends(name, self.run.spec) | {"base": self.identity()} | depends
        return Job(digest(key), name, RUN, partial(call, self.model))

    def identity(self) -> str:
        """Digest of everything that the base's draws depend on."""
        record = {key: value for key, value in self.run.record.items() if key not in ("seconds", "panel_date")}
        return digest(record | {"whole_spec": _plain(self.run.spec)})

    def _depends(self, kind: str, spec: Spec) -> dict[str, Any]:
        model = f"{self.model.__module__}.{self.model.__qualname__}"
        panel = self.run.record["panel_hash"]
        return {"kind": kind, "panel": panel, "spec": _plain(spec), "model": model, "versions": versions()}


def common(run: Fit, model: Model, tails: Sequence[float]) -> dict[str, Any]:
    """What jobs have in common, by key: the run, without what they do not read, and what workers make of it."""
    unread = [name for name in run.posterior.data_vars if name not in READ]
    return {
        RUN: replace(run, panel=replace(run.panel), posterior=run.posterior.drop_vars(unread), computed=None),
        AROUND: Made(RUN, partial(Around.of, model=model, tails=tails)),
        DRAWN: Made(RUN, partial(_drawn, model=model)),
    }


def _drawn(run: Fit, model: Model) -> Base:
    again = revisit(run, model, draws=KEPT)
    return Base.of(run.panel, model(run.panel, run.spec), again.density, again.points)


def longer(spec: Spec, years: int) -> Spec:
    """A spec whose grid has so many more points after the data: they change nothing of what comes before."""
    return spec.updated({"horizon": spec.horizon + years})


def _plain(spec: Spec) -> dict[str, Any]:
    return spec.model_dump(mode="json", exclude={"name"})


def _refit(
    variant: Variant, question: Question, depth: str, model: Model, seed: int, options: Options, around: Around
) -> bytes:
    try:
        panel, spec = changed_panel(around.run.panel, variant.panel), longer(variant.spec, around.ahead)
        data: str | None = around.data
        if variant.panel.tails is not None:  # their densities are of data that were weighted by themselves
            panel, data = with_further_variance(panel, around.outlying[variant.panel.tails]), None
        run = fit(panel, model, spec=spec, seed=seed, cores=1, nearby=around.nearby, panel_hash=variant.name, **options)
        answer = answer_of(run, model, question=question, data=data)
    except REFUSALS as error:
        # one choice that cannot be fitted is a finding about that choice; the others go on
        answer = Answer.failed(depth, f"{type(error).__name__}: {error}")
    return answer.to_bytes()


def _ratio(spec: Spec, model: Model, base: Base) -> bytes:
    try:
        found = log_ratios(model, spec, base)
    except REFUSALS:  # a refit says why
        found = None
    return packed({}, {} if found is None else {"ratio": found})


def ratio_of(content: bytes) -> np.ndarray | None:
    """Log ratios that a job gave; None where more than the prior differs."""
    return unpacked(content)[1].get("ratio")


def only_numbers(one: Any, other: Any) -> bool:
    """Whether two specs, as plain values, differ in real numbers alone.

    Examples
    --------
    >>> only_numbers({"sd": 0.5, "kind": "a"}, {"sd": 1.0, "kind": "a"})
    True
    >>> only_numbers({"sd": 0.5, "kind": "a"}, {"sd": 0.5, "kind": "b"})
    False
    """
    if isinstance(one, dict):
        return all(only_numbers(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return all(only_numbers(a, b) for a, b in zip(one, other, strict=True))
    return one == other or (isinstance(one, float) and isinstance(other, float))
