"""What a forecaster is: a function of what was known to the probability of each grade, with a name and a record."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from typing import Any, Protocol

import pandas as pd
from pydantic import BaseModel

from bayes_csc.panel.panel import Panel


@dataclass(frozen=True)
class Answer:
    """The forecasts of one forecaster at one origin.

    Attributes
    ----------
    probabilities
        Rows as the targets; columns 1 (the best) to the number of grades, each row summing to one.
    about
        What is to be recorded of how they came about, as plain values.
    """

    probabilities: pd.DataFrame
    about: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> bytes:
        """The answer as text, its numbers to the last digit."""
        p = self.probabilities
        kept = {"names": list(p.index.names), "index": [list(row) for row in p.index], "p": p.to_numpy().tolist()}
        return json.dumps(kept | {"about": self.about}).encode()

    @classmethod
    def of_json(cls, text: bytes) -> Answer:
        """The answer that `to_json` gave."""
        kept = json.loads(text)
        index = pd.MultiIndex.from_tuples([tuple(row) for row in kept["index"]], names=kept["names"])
        p = pd.DataFrame(kept["p"], index=index, columns=range(1, len(kept["p"][0]) + 1))
        return cls(p, kept["about"])


class Forecaster(Protocol):
    """A frozen dataclass with a name, whose call answers targets from a panel as known at the origin."""

    @property
    def name(self) -> str:
        """What it is called in tables; unique within a backtest."""

    def __call__(self, known: Panel, targets: pd.DataFrame, *, seed: int) -> Answer:
        """Probabilities for the targets (`events.targets`), from nothing but `known`."""


def description(forecaster: Any) -> dict[str, Any]:
    """All that a forecaster's answers depend on besides the panel, the seed and the code, as plain values.

    Examples
    --------
    >>> from bayes_csc.evaluation.backtest.forecasters.base_rate import BaseRate
    >>> description(BaseRate())
    {'kind': 'BaseRate', 'name': 'base rate', 'strength': 4.0, 'years': None}
    """
    values = {each.name: _plain(getattr(forecaster, each.name)) for each in fields(forecaster)}
    return {"kind": type(forecaster).__qualname__, **values}


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, Callable):  # type: ignore[arg-type]
        return f"{value.__module__}.{value.__qualname__}"
    if isinstance(value, datetime.date):
        return value.isoformat()
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return list(value) if isinstance(value, tuple) else value
