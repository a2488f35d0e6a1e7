"""Checks of one table of a panel, row by row: each breach becomes a sentence that says where it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from bayes_csc.files.spelling import LISTED, some


class Breach(NamedTuple):
    """A row that breaks a rule: the row's number, the rule, whose row it is, and what is said of it."""

    row: int
    rule: str
    whose: str
    said: str


@dataclass
class TableCheck:
    """The breaches found in one table of text.

    Parameters
    ----------
    file
        Name of the file.
    table
        Its text, indexed by row of the file.
    row
        What names a row, as a format string over its columns, such as "authority {r.authority}".
    breaches
        Each breach, in the order found.
    names
        Name of each authority by its code, which is said beside it.
    """

    file: str
    table: pd.DataFrame
    row: str
    breaches: list[Breach] = field(default_factory=list)
    names: Mapping[str, str] = field(default_factory=dict)

    def note(self, mask: Any, what: str, **values: pd.Series) -> None:
        """Add a breach for each row where `mask` holds.

        Parameters
        ----------
        mask
            Booleans, one per row.
        what
            Format string over the row's text, `{r.column}`, and over `values`.
        values
            Further series, one value per row.
        """
        where = np.asarray(mask, dtype=bool)
        if not where.any():
            return
        wrong: list[Any] = list(self.table[where].itertuples())
        given = zip(*(series[where] for series in values.values()), strict=True) if values else [()] * len(wrong)
        for row, extra in zip(wrong, given, strict=True):
            whose = self.row.format(r=row)
            if name := self.names.get(code := getattr(row, "authority", "")):
                whose = whose.replace(f"authority {code}", f"authority {code} ({name})", 1)
            said = what.format(r=row, **dict(zip(values, extra, strict=True)))
            self.breaches.append(Breach(row.Index, what, whose, said))

    def blank(self, *names: str) -> None:
        """Note blanks in columns that must not have any."""
        for name in names:
            self.note(self.table[name].eq(""), f"{name} is blank")

    def parsed(self, numbers: tuple[str, ...], dates: tuple[str, ...]) -> pd.DataFrame:
        """Copy of the table with floats and datetimes, noting what is neither blank nor one of them."""
        parsed = self.table.copy()
        for name in numbers:
            value = self._each(
                name, lambda text: pd.to_numeric(text.replace("", np.nan), errors="coerce").astype(float)
            )
            odd = (value.isna() & self.table[name].ne("")) | np.isinf(value)
            self.note(odd, f"{name} must be a number or blank, found {{r.{name}!r}}; a symbol belongs in status")
            parsed[name] = value
        for name in dates:
            when = self._each(name, _dates)
            odd = when.isna() & self.table[name].ne("")
            self.note(odd, f"{name} must be a date such as 2025-03-31, found {{r.{name}!r}}")
            parsed[name] = when
        return parsed

    def _each(self, name: str, parse: Callable[[pd.Series], pd.Series]) -> pd.Series:
        """Parse a column, each different text once."""
        place, different = pd.factorize(self.table[name])
        return parse(pd.Series(different, dtype=str)).take(place).set_axis(self.table.index)

    def problems(self) -> list[str]:
        """A sentence for each distinct cause, in the order of the file's rows; of many rows the first ones.

        A cause is one rule with one finding ("unknown status 'x'"); or the rule alone where it has many findings.
        """
        found = sorted(self.breaches, key=lambda breach: breach.row)
        different: dict[str, set[str]] = {}
        for breach in found:
            different.setdefault(breach.rule, set()).add(breach.said)
        causes: dict[tuple[str, str], list[Breach]] = {}
        for breach in found:
            apart = breach.said if len(different[breach.rule]) <= LISTED else ""
            causes.setdefault((breach.rule, apart), []).append(breach)
        return [self._sentence(rows) for rows in causes.values()]

    def _sentence(self, breaches: list[Breach]) -> str:
        first = breaches[0]
        also = ""
        if len(breaches) > 1:
            also = f" [{len(breaches)} rows: {some([str(breach.row) for breach in breaches])}]"
        return f"{self.file}: row {first.row}: {first.whose}: {first.said}{also}"


def _dates(text: pd.Series) -> pd.Series:
    iso = text.where(text.str.fullmatch(r"\d{4}-\d{2}-\d{2}"))
    return pd.to_datetime(iso, format="%Y-%m-%d", errors="coerce")


def quoted(text: str) -> str:
    """Text of a user in quotes, as part of a sentence that `TableCheck.note` formats.

    Examples
    --------
    >>> quoted("a {b}").format()
    "'a {b}'"
    """
    return repr(text).replace("{", "{{").replace("}", "}}")
