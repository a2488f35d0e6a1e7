"""The indicator dictionary of a panel: what each indicator counts, of what, when, and which way is better."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

FAMILIES = ("binomial", "poisson", "lognormal", "gaussian", "ordinal")
POLARITIES = ("higher is better", "higher is worse", "not agreed")
REFERENCE_INSTANTS = ("midpoint", "end")


@dataclass(frozen=True)
class Indicator:
    """One indicator of a panel.

    Parameters
    ----------
    key
        Name in the panel's cells.
    label, definition
        Short and full wording, for readers.
    family
        Distribution of the figure: "binomial", "poisson", "lognormal", "gaussian" or "ordinal".
    polarity
        "higher is better", "higher is worse" or "not agreed".
    numerator, denominator
        What is counted, and out of what.
    domain
        Group of indicators that share a source and its local practice.
    release
        Family of official releases that publishes it.
    reference_instant
        How the instant follows from the reference period: its "midpoint" or its "end".
    publication_month
        Usual month of the first publication, 1 to 12, the first one after the reference period.
    """

    key: str
    label: str
    definition: str
    family: str
    polarity: str
    numerator: str
    denominator: str
    domain: str
    release: str
    reference_instant: str
    publication_month: int


CHOICES = {"family": FAMILIES, "polarity": POLARITIES, "reference_instant": REFERENCE_INSTANTS}
TEXTS = tuple(f.name for f in fields(Indicator) if f.name not in {"key", "publication_month", *CHOICES})
NAMES = tuple(f.name for f in fields(Indicator) if f.name != "key")


def read_indicator(key: str, table: Any, where: str) -> tuple[Indicator | None, list[str]]:
    """Read one indicator from its table of the dictionary.

    Parameters
    ----------
    key
        The indicator's key.
    table
        The value of `[indicator.KEY]`.
    where
        The file's name, for the messages.

    Returns
    -------
    tuple
        The indicator, or None where the table breaks its contract, and every problem found.
    """
    at = f"{where}: [indicator.{key}]"
    if not isinstance(table, dict):
        return None, [f"{at}: expected a table, found {table!r}"]
    problems = [f"{at}: {name} is missing" for name in NAMES if name not in table]
    problems += [f"{at}: unknown key {name!r}; the keys are {', '.join(NAMES)}" for name in table if name not in NAMES]
    for name in TEXTS:
        if name in table and not (isinstance(table[name], str) and table[name].strip()):
            problems.append(f"{at}: {name} must be a text that is not empty, found {table[name]!r}")
    for name, allowed in CHOICES.items():
        if name in table and table[name] not in allowed:
            problems.append(f"{at}: {name} must be one of {', '.join(map(repr, allowed))}, found {table[name]!r}")
    month = table.get("publication_month", 1)
    if type(month) is not int or not 1 <= month <= 12:
        problems.append(f"{at}: publication_month must be a whole number from 1 to 12, found {month!r}")
    return (None, problems) if problems else (Indicator(key=key, **table), [])


def indicator_toml(indicator: Indicator) -> str:
    """Write one indicator as its table of the dictionary, keys in the order of `Indicator`."""
    values = asdict(indicator)
    lines = [f"{name} = {json.dumps(values[name], ensure_ascii=False)}" for name in NAMES]
    return "\n".join([f"[indicator.{indicator.key}]", *lines, ""])
