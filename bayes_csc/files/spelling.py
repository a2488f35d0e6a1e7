"""Names in messages: the one that a misspelt one was probably meant to be, long lists and long texts cut."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

LISTED, SHOWN = 10, 100
"""Names of a list, and characters of a text, that a message shows."""


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


def some(names: Sequence[str], most: int = LISTED) -> str:
    """Names separated by commas, cut after the first ones.

    Parameters
    ----------
    names
        The names.
    most
        How many are shown.

    Examples
    --------
    >>> some(["a", "b", "c"], 2)
    'a, b and 1 more'
    """
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def excerpt(text: object) -> str:
    """What a user wrote, in quotes and cut where it is long.

    Examples
    --------
    >>> excerpt("fine"), len(excerpt("x" * 5000)) < 200
    ("'fine'", True)
    """
    shown = repr(text)
    return f"{shown[:SHOWN]}… ({len(shown)} characters)" if len(shown) > 2 * SHOWN else shown
