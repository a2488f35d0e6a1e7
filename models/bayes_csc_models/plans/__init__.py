"""Plans of sensitivity analyses that ship."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def default_plan() -> Path:
    """Return the path of the default plan.

    Examples
    --------
    >>> default_plan().name
    'default.toml'
    """
    return Path(str(files(__name__))) / "default.toml"
