"""The name that a misspelt one was probably meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str:
    """Return what to say after a name that is not known: a question, or nothing where none is near.

    Examples
    --------
    >>> nearest("vacany", ["agency", "vacancy"])
    "; did you mean 'vacancy'?"
    >>> nearest("population", ["agency", "vacancy"])
    ''
    """
    found = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {found[0]!r}?" if found else ""
