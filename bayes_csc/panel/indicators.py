"""The indicator dictionary of a panel: what each indicator counts, of what, when, and which way is better."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from math import isfinite
from pathlib import Path
from typing import Any

from bayes_csc.files.toml_text import read_toml
from bayes_csc.panel.families import FAMILIES
from bayes_csc.panel.families.family import Family
from bayes_csc.panel.framework_grades import EQUIVALENT, OWN, read_framework_grades

POLARITIES = ("higher is better", "higher is worse", "not agreed")
INSTANTS = ("midpoint", "end")
# A key names a table of the dictionary and a domain names a file.
WORD = re.compile(r"[A-Za-z0-9_-]+")
# What the observations of inspections are called among those of indicators.
RESERVED = ("judgement", "inspection_timing")

HEAD_KEYS = (
    "name", "date", "published_by", "grades", OWN, EQUIVALENT, "sub_judgements", "no_overall_from", "window", "licence",
)  # fmt: skip
HEAD_NEEDED = ("name", "date", "grades")
HEAD_DATES = ("date", "published_by", "no_overall_from")


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
        Name of the distribution of the figure (`bayes_csc.panel.families`).
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
    default
        Whether a spec that names no indicators uses this one; true unless the dictionary says otherwise.
    categories
        Number of an ordinal indicator's categories.
    typical
        Typical rate or value, where the level's prior is centred; None for that of the panel itself.
    spread
        Standard deviation between authorities of a gaussian value; None for that of the panel itself.
    unit_sd
        Standard deviation of one unit about the mean that a gaussian value is (of its logarithm, lognormal), so that
        the sampling sd is unit_sd / sqrt(denominator); None where it is not known.
    post_inspection
        Whether a judgement of the worst grade may change what follows it: the figure then has an effect of its own for
        two years after one (`bayes_csc.measurement.judgements.post_inspection`).
    own
        Whether a user has added it to a panel of others.
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
    default: bool = True
    categories: int | None = None
    typical: float | None = None
    spread: float | None = None
    unit_sd: float | None = None
    post_inspection: bool = False
    own: bool = False

    @property
    def distribution(self) -> Family:
        """The family of that name."""
        return FAMILIES[self.family]

    @property
    def sign(self) -> float:
        """1, or -1 where higher is worse: figures are coded so that higher is better."""
        return SIGN[self.polarity]


SIGN = {"higher is better": 1.0, "higher is worse": -1.0, "not agreed": 1.0}
"""By polarity: figures are coded so that higher is better where the polarity is agreed."""
NUMBERS = ("categories", "typical", "spread", "unit_sd")
"""That only some families have."""
CHOICES: dict[str, Iterable[str]] = {"family": FAMILIES, "polarity": POLARITIES, "reference_instant": INSTANTS}
TEXTS = tuple(f.name for f in fields(Indicator) if f.type == "str" and f.name not in {"key", *CHOICES})
NAMES = tuple(f.name for f in fields(Indicator) if f.name != "key")
NEEDED = tuple(f.name for f in fields(Indicator) if f.name != "key" and f.default is MISSING)


def read_dictionary(path: Path, problems: list[str]) -> tuple[dict[str, Any], dict[str, Indicator]]:
    """Read indicators.toml: the `[panel]` table and the indicators, in their order.

    Parameters
    ----------
    path
        The file.
    problems
        List that every problem is added to.

    Returns
    -------
    tuple
        The `[panel]` values, see `read_head`, and the indicators by key.
    """
    tables = read_toml(path, problems)
    return ({}, {}) if tables is None else parse_dictionary(tables, path.name, problems)


def parse_dictionary(
    tables: Mapping[str, Any], where: str, problems: list[str]
) -> tuple[dict[str, Any], dict[str, Indicator]]:
    """Check the tables of a dictionary; see `read_dictionary`. `where` names the file in messages."""
    problems += [
        f"{where}: unknown table {name!r}; the tables are panel and indicator"
        for name in tables
        if name not in ("panel", "indicator")
    ]
    parts = {name: tables.get(name, {}) for name in ("panel", "indicator")}
    for name, part in parts.items():
        if not isinstance(part, dict):
            problems.append(f"{where}: [{name}] must be a table, found {part!r}")
            parts[name] = {}
    head = read_head(parts["panel"], where, problems)
    indicators = {}
    for key, table in parts["indicator"].items():
        indicator, found = read_indicator(key, table, where)
        problems += found
        if indicator is not None:
            indicators[key] = indicator
    if not parts["indicator"]:
        problems.append(f"{where}: no [indicator.KEY] table; expected one per indicator of the cells")
    return head, indicators


def read_head(table: Mapping[str, Any], where: str, problems: list[str]) -> dict[str, Any]:
    """Read the `[panel]` table: dates parsed, grades as a tuple; a value that breaks its contract is left out."""
    at = f"{where}: [panel]"
    problems += [f"{at}: {name} is missing" for name in HEAD_NEEDED if name not in table]
    head: dict[str, Any] = {}
    for name, value in table.items():
        if name in (OWN, EQUIVALENT):
            continue
        if name not in HEAD_KEYS:
            problems.append(f"{at}: unknown key {name!r}; the keys are {', '.join(HEAD_KEYS)}")
        elif name == "grades":
            if isinstance(value, list) and len(value) > 1 and all(isinstance(grade, str) and grade for grade in value):
                head[name] = tuple(value)
            else:
                problems.append(f"{at}: grades must be at least two texts, best first, found {value!r}")
        elif name == "sub_judgements":
            if isinstance(value, dict) and all(isinstance(v, str) and k and v for k, v in value.items()):
                head[name] = value
            else:
                problems.append(f"{at}: {name} must name for each domain the one whose loading it has, found {value!r}")
        elif name == "window":
            if (
                isinstance(value, list)
                and len(value) == 2
                and all(type(t) is int for t in value)
                and value[0] < value[1]
            ):
                head[name] = tuple(value)
            else:
                problems.append(f"{at}: window must be the first and the last grid year, found {value!r}")
        elif not isinstance(value, str):
            problems.append(f"{at}: {name} must be a text in quotes, found {value!r}")
        elif name not in HEAD_DATES:
            head[name] = value
        else:
            try:
                head[name] = datetime.date.fromisoformat(value)
            except ValueError:
                problems.append(f'{at}: {name} must be a date such as "2025-03-31", found {value!r}')
    return head | read_framework_grades(table, head.get("grades", ()), at, problems)


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
    problems = [f"{at}: {name} is missing" for name in NEEDED if name not in table]
    problems += [f"{at}: unknown key {name!r}; the keys are {', '.join(NAMES)}" for name in table if name not in NAMES]
    for name in TEXTS:
        if name in table and not (isinstance(table[name], str) and table[name].strip()):
            problems.append(f"{at}: {name} must be a text that is not empty, found {table[name]!r}")
    for name, allowed in CHOICES.items():
        if name in table and table[name] not in list(allowed):
            problems.append(f"{at}: {name} must be one of {', '.join(map(repr, allowed))}, found {table[name]!r}")
    for name, word in (("key", key), ("domain", table.get("domain"))):
        if isinstance(word, str) and word and not WORD.fullmatch(word):
            problems.append(f"{at}: {name} must be made of letters, digits, hyphens and underscores, found {word!r}")
    if key in RESERVED:
        problems.append(f"{at}: the key {key!r} stands for inspections; give the indicator another")
    month = table.get("publication_month", 1)
    if type(month) is not int or not 1 <= month <= 12:
        problems.append(f"{at}: publication_month must be a whole number from 1 to 12, found {month!r}")
    problems += [f"{at}: {problem}" for problem in _number_problems(table)]
    for name in ("default", "post_inspection", "own"):
        if type(table.get(name, True)) is not bool:
            problems.append(f"{at}: {name} must be true or false, found {table[name]!r}")
    return (None, problems) if problems else (Indicator(key=key, **table), [])


def _number_problems(table: Mapping[str, Any]) -> list[str]:
    """What is wrong with the numbers that only some families have."""
    family, problems = FAMILIES.get(str(table.get("family"))), []
    for name in NUMBERS:
        value = table.get(name)
        if value is None:
            continue
        if family and name not in family.fields:
            those = ", ".join(other.name for other in FAMILIES.values() if name in other.fields)
            problems.append(f"{name} is for the families {those}, not {family.name}; take it out")
        elif name == "categories":
            if type(value) is not int or value < 2:
                problems.append(f"categories must be a whole number of at least 2, found {value!r}")
        elif type(value) not in (int, float) or not isfinite(value):
            problems.append(f"{name} must be a number, found {value!r}")
        elif value <= 0 and not (name == "typical" and family and not (family.counted or family.positive)):
            problems.append(f"{name} must be above zero, found {value!r}")
    if family and family.ordered and "categories" not in table:
        problems.append("categories is missing; give the number of categories of an ordinal indicator")
    return problems


def indicator_toml(indicator: Indicator) -> str:
    """Write one indicator as its table of the dictionary, without what goes without saying."""
    values, unsaid = asdict(indicator), {f.name: f.default for f in fields(Indicator)}
    lines = [f"{name} = {_toml_value(values[name])}" for name in NAMES if values[name] != unsaid[name]]
    return "\n".join([f"[indicator.{indicator.key}]", *lines, ""])


def dictionary_text(head: Mapping[str, Any], indicators: Mapping[str, Indicator]) -> str:
    """Write the panel's dictionary: the `[panel]` table, then one table per indicator in their order."""
    lines = ["[panel]"]
    for name, value in head.items():
        lines.append(f"{name} = {_toml_value(value)}")
    return "\n".join([*lines, "", *map(indicator_toml, indicators.values())])


def _toml_value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(k)} = {_toml_value(v)}" for k, v in value.items()) + " }"
    plain = value.isoformat() if isinstance(value, datetime.date) else value
    return json.dumps(plain, ensure_ascii=False).replace("\x7f", "\\u007f")  # TOML forbids it, JSON does not
