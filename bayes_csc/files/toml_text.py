"""The one reader of TOML, for specs, plans, catalogues and panels alike: of limited size, depth and time."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bayes_csc.files.decoding import CONTROL, control_words, decoded, read_bytes
from bayes_csc.files.spelling import excerpt

LARGEST = 2_000_000
"""Bytes of a TOML file: the dictionary of the England panel has a tenth of it."""
DEEPEST = 20
"""Tables and lists within one another."""
MOST_DOTS = 500
"""Full stops of one line: the parser's time grows with the square of a dotted key's parts."""


def read_toml(path: Path, problems: list[str]) -> dict[str, Any] | None:
    """Read a TOML file.

    Parameters
    ----------
    path
        The file.
    problems
        List that the problem is added to.

    Returns
    -------
    dict or None
        Its values; None, with a problem, where it is missing, no regular file, too large or deep, or not TOML.
    """
    data = read_bytes(path, problems, largest=LARGEST)
    return None if data is None else parse_toml(data, excerpt_name(path), problems)


def parse_toml(data: bytes, name: str, problems: list[str]) -> dict[str, Any] | None:
    """Parse the content of a TOML file.

    Parameters
    ----------
    data
        The content.
    name
        Name of the file, for the message.
    problems
        List that the problem is added to.
    """
    text = decoded(data, name, problems)
    if text is None:
        return None
    if dotted := next((n for n, line in enumerate(text.split("\n"), 1) if line.count(".") > MOST_DOTS), None):
        problems.append(f"{name}: row {dotted}: more than {MOST_DOTS} full stops in one line; break the line")
        return None
    try:
        values = tomllib.loads(text)
        found = _beyond(values)
    except RecursionError:
        found = f"nested more than {DEEPEST} deep"
    except ValueError as error:  # not only TOMLDecodeError: a number may have too many digits
        found = str(error)
    if found:
        problems.append(f"{name}: not valid TOML: {found}")
        return None
    if control := CONTROL.search("".join(_texts(values))):
        problems.append(f"{name}: {control_words(control[0])}")
        return None
    return values


def _texts(value: Any) -> Iterator[str]:
    """Every key and text of parsed values."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        yield from (key for key in value if isinstance(value, dict))
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def excerpt_name(path: Path) -> str:
    """Name of a file for a message, cut where it is long."""
    return path.name if len(path.name) < 200 else excerpt(path.name)


def _beyond(values: dict[str, Any]) -> str:
    """What in parsed values is beyond the limits; blank if nothing is."""
    level: list[Any] = [values]
    for _ in range(DEEPEST):
        inner = [v for one in level for v in (one.values() if isinstance(one, dict) else one)]
        if any(isinstance(v, int) and v.bit_length() > 63 for v in inner):
            return "a whole number of more than 64 bits; write a smaller one"
        level = [v for v in inner if isinstance(v, dict | list)]
        if not level:
            return ""
    return f"nested more than {DEEPEST} deep"
