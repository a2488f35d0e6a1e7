"""The work of a sensitivity analysis that is spread over workers: refits, and ratios of priors."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from bayes_csc.cluster import Job
from bayes_csc.errors import BayesCscError
from bayes_csc.fit import Fit, Model, fit
from bayes_csc.kept import digest, versions
from bayes_csc.panel import Panel
from bayes_csc.sensitivity.answer import Answer, answer_of
from bayes_csc.sensitivity.panel_change import changed_panel
from bayes_csc.sensitivity.reweight import Base, log_ratios
from bayes_csc.sensitivity.variant import Variant
from bayes_csc.spec import Spec

PANEL, BASE = "panel", "base"
"""What jobs work on: the panel, and the base's draws."""
REFUSALS = (BayesCscError, ArithmeticError, ValueError, LookupError, np.linalg.LinAlgError)
"""How a choice that cannot be fitted shows."""
Refit = dict[str, Any]


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
    options: dict[str, Any]

    def refit(self, variant: Variant, depth: str) -> Job:
        """Fit a variant, and read its answer off; its failure is an answer, too."""
        seed = self.seed if variant.seed is None else variant.seed
        options = dict(self.options) if depth == "full" else {"preview": True}
        question = variant.question.model_copy(update={"epsilon": None})  # asked of the answer
        depends = self._depends("fit", variant.spec) | {
            "change": variant.panel.model_dump(mode="json"), "seed": seed, "options": options,
            "question": question.model_dump(mode="json"),
        }  # fmt: skip
        call = partial(_refit, variant, question, depth, self.model, seed, options)
        return Job(digest(depends), variant.name, PANEL, call)

    def ratio(self, variant: Variant) -> Job:
        """Compare a variant's prior with the base's at the base's draws."""
        depends = self._depends("ratio", variant.spec) | {"base": self.identity()}
        return Job(digest(depends), variant.name, BASE, partial(_ratio, variant.spec, self.model))

    def identity(self) -> str:
        """Digest of everything that the base's draws depend on."""
        record = {key: value for key, value in self.run.record.items() if key not in ("seconds", "panel_date")}
        return digest(record | {"whole_spec": _plain(self.run.spec)})

    def _depends(self, kind: str, spec: Spec) -> dict[str, Any]:
        model = f"{self.model.__module__}.{self.model.__qualname__}"
        panel = self.run.record["panel_hash"]
        return {"kind": kind, "panel": panel, "spec": _plain(spec), "model": model, "versions": versions()}


def _plain(spec: Spec) -> dict[str, Any]:
    return spec.model_dump(mode="json", exclude={"name"})


def _refit(variant: Variant, question: Any, depth: str, model: Model, seed: int, options: Refit, panel: Panel) -> bytes:
    try:
        changed = changed_panel(panel, variant.panel)
        run = fit(changed, model, spec=variant.spec, seed=seed, cores=1, **options)
        answer = answer_of(run, model, question=question)
    except REFUSALS as error:
        # one choice that cannot be fitted is a finding about that choice; the others go on
        answer = Answer.failed(depth, f"{type(error).__name__}: {error}")
    return answer.to_bytes()


def _ratio(spec: Spec, model: Model, base: Base) -> bytes:
    try:
        found = log_ratios(model, spec, base)
    except REFUSALS:  # a refit says why
        found = None
    file = io.BytesIO()
    np.save(file, np.zeros(0) if found is None else found)
    return file.getvalue()


def ratio_of(content: bytes) -> np.ndarray | None:
    """Log ratios that a job gave; None where more than the prior differs."""
    values: np.ndarray = np.load(io.BytesIO(content))
    return values if values.size else None


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
