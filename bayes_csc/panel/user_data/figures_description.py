"""What a user says of a file of their own indicators, in a small TOML file: families, columns, periods and symbols."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bayes_csc.files.toml_text import read_toml
from bayes_csc.panel.families import FAMILIES, families_with
from bayes_csc.panel.families.family import Family
from bayes_csc.panel.indicators import NAMES, WORD, Indicator, read_indicator
from bayes_csc.panel.user_data.guess_text import DATE_FORMATS

PLACES = ("authority", "name", "year", "reference_start", "reference_end", "publication_date")
SHARED = ("columns", "symbols", "rows", "year_ends", "on_day")
TOP = ("file", "sheet", "source", "licence", "date_format", *SHARED, "indicator")
OWN = (*SHARED, "categories", "fractions")
GIVEN = ("release", "own")
MISSING = ("not_available", "not_applicable")
Day = tuple[int, int] | None


@dataclass(frozen=True)
class Symbol:
    """What a text in place of a figure means.

    Parameters
    ----------
    status
        "suppressed", "not_available" or "not_applicable".
    lower, upper
        Smallest and largest value of a suppressed count.
    """

    status: str
    lower: float = float("nan")
    upper: float = float("nan")


BLANK = Symbol("not_available")


@dataclass(frozen=True)
class OwnIndicator:
    """One indicator of a user's file.

    Parameters
    ----------
    indicator
        Its entry in the panel's dictionary.
    columns
        Name of the column of each role: authority, year, numerator and so on.
    rows
        Text that a column must have in the rows about this indicator; empty where every row is.
    year_ends, on_day
        Month and day on which the year ends, or on which the figure was taken; at most one is given.
    symbols
        Meaning of the texts that stand for figures.
    categories
        Labels of an ordinal indicator's categories, the first is 1.
    fractions
        Whether a count may be a fraction, as full-time equivalents are.
    assumed
        Meaning of further texts that the file need not declare (`figures.shorthand`).
    """

    indicator: Indicator
    columns: Mapping[str, str]
    rows: Mapping[str, str] = field(default_factory=dict)
    year_ends: Day = None
    on_day: Day = None
    symbols: Mapping[str, Symbol] = field(default_factory=dict)
    categories: tuple[str, ...] = ()
    fractions: bool = False
    assumed: Mapping[str, Symbol] = field(default_factory=dict)


@dataclass(frozen=True)
class Description:
    """A user's file and the indicators in it.

    Parameters
    ----------
    source
        Identifier of the file's release, kept with every cell.
    indicators
        The indicators.
    file
        Path of the file, where the description names it.
    sheet
        Sheet of the workbook.
    licence
        Licence of the data.
    date_format
        Key of `DATE_FORMATS`, besides 2025-03-31, which is always understood.
    """

    source: str
    indicators: tuple[OwnIndicator, ...]
    file: Path | None = None
    sheet: str | None = None
    licence: str = "not stated"
    date_format: str | None = None

    @property
    def needed(self) -> tuple[str, ...]:
        """Columns that the file must have."""
        return tuple(dict.fromkeys(c for own in self.indicators for c in (*own.columns.values(), *own.rows)))


def read_description(path: Path, problems: list[str]) -> Description | None:
    """Read a description.

    Parameters
    ----------
    path
        The TOML file.
    problems
        List that every problem is added to.

    Returns
    -------
    Description or None
        None where it breaks its contract.
    """
    tables = read_toml(path, problems)
    if tables is None:
        return None
    found = len(problems)
    where = path.name
    problems += [f"{where}: unknown key {name!r}; the keys are {', '.join(TOP)}" for name in tables if name not in TOP]
    for name in ("file", "sheet", "source", "licence", "date_format"):
        if name in tables and not (isinstance(tables[name], str) and tables[name].strip()):
            problems.append(f"{where}: {name} must be a text in quotes, found {tables[name]!r}")
    source = tables.get("source")
    if source is None:
        problems.append(f'{where}: source is missing; name the release of the figures, such as "complaints-2025"')
    elif isinstance(source, str) and source.strip() and not WORD.fullmatch(source):
        problems.append(f"{where}: source must be made of letters, digits, hyphens and underscores, found {source!r}")
    style = tables.get("date_format")
    if isinstance(style, str) and style not in DATE_FORMATS:
        problems.append(f"{where}: date_format must be one of {', '.join(DATE_FORMATS)}, found {style!r}")
    file = _beside(path, tables.get("file"), problems)
    described = tables.get("indicator")
    if not isinstance(described, dict) or not described:
        problems.append(f"{where}: no [indicator.KEY] table; expected one per indicator of the file")
        described = {}
    shared = {name: tables[name] for name in SHARED if name in tables}
    own = [_own_indicator(key, table, shared, tables, where, problems) for key, table in described.items()]
    if len(problems) > found:
        return None
    return Description(
        source=str(source),
        indicators=tuple(one for one in own if one is not None),
        file=file,
        sheet=tables.get("sheet"),
        licence=tables.get("licence", "not stated"),
        date_format=style,
    )


def _beside(path: Path, name: Any, problems: list[str]) -> Path | None:
    """File in the description's own folder, and nowhere else: a description may come from somebody else."""
    if not isinstance(name, str) or not name.strip():
        return None
    folder = path.parent
    try:
        inside = (folder / name).resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):
        inside = False
    if Path(name).is_absolute() or not inside:
        problems.append(
            f"{path.name}: file {name!r} is outside the description's folder; put it there, or give it with --file"
        )
        return None
    return folder / name


def _own_indicator(
    key: str, table: Any, shared: Mapping[str, Any], tables: Mapping[str, Any], where: str, problems: list[str]
) -> OwnIndicator | None:
    if not isinstance(table, dict):
        problems.append(f"{where}: [indicator.{key}]: expected a table, found {table!r}")
        return None
    at, found = f"{where}: [indicator.{key}]", len(problems)
    keys = tuple(name for name in NAMES if name not in GIVEN) + OWN
    problems += [f"{at}: unknown key {name!r}; the keys are {', '.join(keys)}" for name in table if name not in keys]
    said = {name: {**_table(shared, name), **_table(table, name)} for name in ("columns", "symbols", "rows")}
    for name in ("columns", "symbols", "rows"):
        for level, one in ((where, shared), (at, table)):
            if name in one and not isinstance(one[name], dict):
                problems.append(f"{level}: {name} must be a table, found {one[name]!r}")
    for name in ("columns", "rows"):
        for role, column in said[name].items():
            if not (isinstance(column, str) and column.strip()):
                problems.append(f"{at}: {name}.{role} must be a text in quotes, found {column!r}")
    categories, fractions = table.get("categories", []), table.get("fractions", False)
    dictionary = {name: value for name, value in table.items() if name in NAMES and name not in (*GIVEN, "categories")}
    family = FAMILIES.get(str(table.get("family")))
    ordered = family is not None and family.ordered
    days = _days(table if {"year_ends", "on_day"} & set(table) else shared, at, problems)
    dictionary.setdefault("reference_instant", "end" if days[1] else "midpoint")
    if not (family and family.counted):
        dictionary.setdefault("numerator", family.columns[0][0] if family else "value")
        scale = ", ".join(f"{n} {label}" for n, label in enumerate(categories, 1)) if _labels(categories) else "units"
        dictionary.setdefault("denominator", scale)
    if ordered:
        dictionary["categories"] = max(2, len(categories)) if isinstance(categories, list) else 2
    dictionary |= {"release": str(tables.get("source") or "own"), "own": True}
    indicator, wrong = read_indicator(key, dictionary, where)
    problems += wrong
    if family:
        _check_columns(at, family, said["columns"], days, problems)
        if ordered and not _labels(categories):
            problems.append(
                f"{at}: categories must be at least two different texts, the first is 1, found {categories!r}"
            )
    if categories and not ordered:
        those = " or ".join(map(repr, families_with("ordered")))
        problems.append(f"{at}: categories belong to family {those}, found family {table.get('family')!r}")
    if type(fractions) is not bool:
        problems.append(f"{at}: fractions must be true or false, found {fractions!r}")
    symbols = {text: _symbol(text, meaning, at, problems) for text, meaning in said["symbols"].items()}
    if indicator is None or len(problems) > found:
        return None
    return OwnIndicator(
        indicator=indicator,
        columns={role: column.strip() for role, column in said["columns"].items()},
        rows={column.strip(): text.strip() for column, text in said["rows"].items()},
        year_ends=days[0],
        on_day=days[1],
        symbols={text.strip(): symbol for text, symbol in symbols.items() if symbol is not None},
        categories=tuple(categories),
        fractions=fractions,
    )


def _table(tables: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = tables.get(name, {})
    return value if isinstance(value, dict) else {}


def _labels(categories: Any) -> bool:
    return (
        isinstance(categories, list)
        and all(isinstance(label, str) and label.strip() for label in categories)
        and len({label.strip().casefold() for label in categories}) == len(categories) > 1
    )


def _check_columns(
    at: str, family: Family, columns: Mapping[str, Any], days: tuple[Day, Day], problems: list[str]
) -> None:
    needed, possible = family.columns
    problems += [
        f"{at}: columns.{role} is missing; name the column of family {family.name!r} that holds it"
        for role in ("authority", *needed)
        if role not in columns
    ]
    roles = (*PLACES, *needed, *possible)
    problems += [
        f"{at}: unknown role columns.{role} of family {family.name!r}; the roles are {', '.join(roles)}"
        for role in columns
        if role not in roles
    ]
    if "reference_end" not in columns and ("year" not in columns or days == (None, None)):
        problems.append(
            f'{at}: no period; name columns.reference_end, or columns.year with year_ends = "MM-DD" (the last day of '
            'the year that the figure is about) or on_day = "MM-DD" (the day on which it was taken)'
        )


def _days(table: Mapping[str, Any], at: str, problems: list[str]) -> tuple[Day, Day]:
    out: list[Day] = []
    for name in ("year_ends", "on_day"):
        value, day = table.get(name), None
        if value is not None:
            try:
                when = datetime.datetime.strptime(f"2025-{value}", "%Y-%m-%d")
                day = (when.month, when.day)
            except ValueError:
                problems.append(f'{at}: {name} must be a month and a day such as "03-31", found {value!r}')
        out.append(day)
    if None not in out:
        problems.append(f"{at}: year_ends and on_day are both given; keep the one that is meant")
    return out[0], out[1]


def _symbol(text: str, meaning: Any, at: str, problems: list[str]) -> Symbol | None:
    if meaning in MISSING:
        return Symbol(str(meaning))
    if isinstance(meaning, dict) and set(meaning) == {"lower", "upper"}:
        lower, upper = meaning["lower"], meaning["upper"]
        numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (lower, upper))
        if numbers and 0 <= lower <= upper < float("inf"):
            return Symbol("suppressed", float(lower), float(upper))
    problems.append(
        f"{at}: symbols.{text!r} must be one of {', '.join(MISSING)} or, for a suppressed count, its range such as "
        f"{{ lower = 1, upper = 5 }}; found {meaning!r}"
    )
    return None
