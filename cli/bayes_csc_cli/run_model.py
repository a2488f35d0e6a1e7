"""The model of a run: the one that ships, or one of a user's file."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bayes_csc.inference.fit import Fit, Model

ModelOption = Annotated[
    str | None,
    typer.Option("--model", help="The run's model, where it does not ship: FILE.py or FILE.py:FUNCTION, which runs."),
]


def model_of(fit: Fit, said: str | None) -> Model:
    """Return the function that built a run's model.

    Raises
    ------
    UsageError
        It is not the one that was named, or none was and it does not ship.
    """
    from bayes_csc.own_model import check_model, read_model
    from bayes_csc_models.trajectory import trajectory

    model = read_model(said) if said else trajectory
    check_model(fit, model)
    return model


def description(model: Model) -> str:
    """Return the model in words and symbols: its file's docstring."""
    return inspect.getdoc(inspect.getmodule(model)) or ""
