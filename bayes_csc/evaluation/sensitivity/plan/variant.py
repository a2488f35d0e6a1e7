"""One variant of an analysis: everything that its fit depends on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bayes_csc.evaluation.sensitivity.plan.plan import Depth, PanelChange, Question
from bayes_csc.spec import Spec

BASE = "base"


@dataclass(frozen=True)
class Variant:
    """A variant, its changes laid over the base.

    Attributes
    ----------
    name, choice
        What it is called; the choice that it is an answer to.
    spec
        Whole.
    panel, question
        What differs of the data and of the question.
    depth, seed
        As asked.
    changed
        What differs, as the plan says it, for readers.
    """

    name: str
    choice: str
    spec: Spec
    panel: PanelChange
    question: Question
    depth: Depth
    seed: int | None
    changed: dict[str, Any]

    @property
    def same_panel(self) -> bool:
        """Whether its data are the base's."""
        return self.panel == PanelChange()

    @property
    def asks(self) -> bool:
        """Whether it asks another question."""
        return self.question != Question()

    def refits(self, base: Spec) -> bool:
        """Whether it needs a fit of its own: another posterior than the base's, or the same from other draws."""
        return (
            self.depth in ("preview", "full")
            or not self.same_panel
            or self.spec.model_dump(exclude={"name"}) != base.model_dump(exclude={"name"})
        )
