"""Which authority a text of a user's file means: its code, or the one name that fits."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping

import pandas as pd

from bayes_csc.files.spelling import some
from bayes_csc.panel.geography import codes_of, existing
from bayes_csc.panel.panel import Panel

TITLES = re.compile(
    r"\b(the|royal|london|metropolitan|county|city|district|borough|council|unitary|authority|mbc|lb|of|upon|and)\b"
)
ONS = re.compile(r"[ENSWK]\d{8}")
LONGEST = 100


def own_letters(name: str) -> str:
    """Letters of a name without what says only of which kind an authority is.

    Examples
    --------
    >>> own_letters("Bristol, City of") == own_letters("Bristol"), own_letters("Birmingham City Council")
    (True, 'birmingham')
    """
    folded = name[:LONGEST].casefold().replace("&", " and ")
    return re.sub(r"\W", "", TITLES.sub(" ", folded)) or re.sub(r"\W", "", folded)


def codes_by_name(panel: Panel) -> dict[str, list[str]]:
    """Codes of the authorities by the letters of their name; of those that exist, or of all where none of them does."""
    here = set(existing(panel.authorities, panel.date))
    out: dict[str, list[str]] = {}
    for code, name in panel.authorities["name"].items():
        out.setdefault(own_letters(str(name)), []).append(str(code))
    return {letters: [c for c in codes if c in here] or codes for letters, codes in out.items()}


def authority_of(text: str, beside: str, panel: Panel, names: Mapping[str, list[str]]) -> str:
    """Code that a text means, or the text itself.

    Parameters
    ----------
    text
        A code, a code of the Office for National Statistics, or a name.
    beside
        The name beside it; blank where there is none. It is asked only for a code that the panel does not have.
    panel
        The panel.
    names
        Its `codes_by_name`.
    """
    if text == "" or set(codes_of(text)) <= set(panel.authorities.index):
        return text
    asked = beside if ONS.fullmatch(text) else text
    found = names.get(own_letters(asked), []) if asked else []
    return found[0] if len(found) == 1 else text


def place_advice(text: str, names: Mapping[str, list[str]], panel: Panel) -> str:
    """What to write in place of a text that means no authority of the panel."""
    authorities = panel.authorities
    if (plain := re.sub(r"\.0+$", "", text[:LONGEST]).lstrip("0")) in authorities.index and plain != text:
        return f"write {plain!r}"
    if found := names.get(own_letters(text), []):
        return f"write the code of the one that is meant: {some([_named(code, panel) for code in found])}"
    if close := difflib.get_close_matches(own_letters(text), list(names), 1, 0.85):
        return f"give the code of that authority, {some([_named(code, panel) for code in names[close[0]]])}"
    if ONS.fullmatch(text):
        return "a code of the Office for National Statistics that the panel does not have: name the column of the names"
    return (
        f"its codes are such as {some([_named(str(code), panel) for code in authorities.index], 3)} (authorities.csv)"
    )


def _named(code: str, panel: Panel) -> str:
    return f"{code} ({panel.authorities['name'][code]})"


def fits(name: str, code: str, authorities: pd.DataFrame) -> bool:
    """Whether a name is that of the authority with this code; true where the panel has no such code."""
    return code not in authorities.index or own_letters(name) == own_letters(str(authorities["name"][code]))
