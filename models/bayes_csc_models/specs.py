"""The specs that ship with the models, and reading a spec by name or by path."""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path

from bayes_csc.errors import SpecError
from bayes_csc.files.spelling import excerpt
from bayes_csc.spec import Spec

FOLDER = Path(str(files("bayes_csc_models")))


def shipped() -> tuple[str, ...]:
    """Names of the shipped specs, the baseline first.

    Examples
    --------
    >>> shipped()[0]
    'baseline'
    """
    names = sorted(path.stem for path in FOLDER.glob("*.toml"))
    return tuple(sorted(names, key=lambda name: name != "baseline"))


def spec(name_or_path: str | os.PathLike[str] = "baseline") -> Spec:
    """Read a shipped spec by name, or a TOML file by path.

    Parameters
    ----------
    name_or_path
        A name of `shipped`, or the path of a TOML file, whose `base` may be either.

    Raises
    ------
    SpecError
        There is neither; or an unknown key, a wrong type, an impossible prior.

    Examples
    --------
    >>> spec("no_ratings").ratings.use
    False
    """
    name = os.fspath(name_or_path)
    if name in shipped():
        return Spec.read(FOLDER / f"{name}.toml", shipped=FOLDER)
    if not os.path.lexists(name):
        short = name if len(name) < 200 else excerpt(name)
        raise SpecError(f"{short}: no such spec; give a TOML file or one of {', '.join(shipped())}")
    return Spec.read(Path(name), shipped=FOLDER)
