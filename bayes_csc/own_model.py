"""The model of a user's own file: read for a fit, and kept in the run by its text and hash."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayes_csc.errors import UsageError

if TYPE_CHECKING:
    from bayes_csc.inference.fit import Fit, Model

SHIPPED = "bayes_csc_models"
"""Package of the models that ship: a version of bayescsc says what they are."""


def read_model(said: str) -> Model:
    """Read a model function from a Python file, which runs.

    Parameters
    ----------
    said
        FILE.py:FUNCTION, or FILE.py where its only public function of a panel and a spec is meant.

    Raises
    ------
    UsageError
        There is no such file or function, or the file cannot be run.
    """
    file, _, name = said.partition(".py")
    path, name = Path(f"{file}.py"), name.removeprefix(":")
    if not said.startswith(str(path)) or not path.is_file():
        raise UsageError(f"--model {said}: expected FILE.py or FILE.py:FUNCTION; there is no file {path}")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"--model {said}: {path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UsageError(f"--model {said}: {path} cannot be run: {type(error).__name__}: {error}") from error
    found = {
        key: each for key, each in vars(module).items() if inspect.isfunction(each) and _takes_panel_and_spec(each)
    }
    own = {key: each for key, each in found.items() if each.__module__ == module.__name__ and not key.startswith("_")}
    names = ", ".join(own) or "none"
    if name and name not in found:
        raise UsageError(f"--model {said}: no function {name} of a panel and a spec in {path}; there are: {names}")
    if not name and len(own) != 1:
        raise UsageError(f"--model {said}: which function of {path}? Write {path}:FUNCTION; there are: {names}")
    model: Model = found[name] if name else next(iter(own.values()))
    return model


def _takes_panel_and_spec(function: Any) -> bool:
    needed = [p for p in inspect.signature(function).parameters.values() if p.default is p.empty]
    return len(needed) == 2 and all(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in needed)


def own_model(model: Model) -> dict[str, str] | None:
    """Return what a run keeps of a model that does not ship: its `file`, `function`, `sha256` and `text`; else None."""
    if str(getattr(model, "__module__", "")).partition(".")[0] == SHIPPED:
        return None
    try:
        file, text = inspect.getfile(model), Path(inspect.getfile(model)).read_text(encoding="utf-8")
    except (OSError, TypeError, UnicodeDecodeError):
        file, text = "", ""
    return {
        "file": Path(file).name, "function": getattr(model, "__qualname__", str(model)),
        "sha256": hashlib.sha256(text.encode()).hexdigest(), "text": text,
    }  # fmt: skip


def check_model(fit: Fit, model: Model) -> None:
    """Refuse a model that is not the one that was fitted.

    Raises
    ------
    UsageError
        Saying which model the run is of, and how to name it.
    """
    kept, given = fit.own_model, own_model(model)
    if kept is None and given is None and fit.record["model"] == getattr(model, "__qualname__", ""):
        return
    if kept and given and (kept["sha256"], kept["function"]) == (given["sha256"], given["function"]):
        return
    if kept is None:
        raise UsageError(f"this is a run of the model {fit.record['model']} that ships; give that one, and no --model")
    changed = given and given["file"] == kept["file"]
    why = f"{kept['file']} has changed since" if changed else "the model given is another"
    raise UsageError(
        f"this is a run of the model {kept['function']} of {kept['file']} (SHA-256 {kept['sha256'][:12]}), and {why}; "
        f"give it: --model {kept['file']}:{kept['function']}"
    )
