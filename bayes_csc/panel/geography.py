"""Authorities through time: joint returns, reorganisations, and the blocks they tie together."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from typing import Any

import pandas as pd


def codes_of(authority: str) -> tuple[str, ...]:
    """Codes behind the authority of a cell: one, or several for a joint return.

    Examples
    --------
    >>> codes_of("314+318")
    ('314', '318')
    """
    return tuple(authority.split("+"))


def each(units: pd.Series, function: Callable[[str], Any]) -> pd.Series:
    """Function of every element of a column with few different ones, computed once for each of those."""
    place, different = pd.factorize(units)
    return pd.Series([function(unit) for unit in different]).take(place).set_axis(units.index)


def listed(codes: str) -> tuple[str, ...]:
    """Codes of a list-valued column, which separates them by spaces.

    Examples
    --------
    >>> listed("835 836 837")
    ('835', '836', '837')
    """
    return tuple(codes.split())


def existing(authorities: pd.DataFrame, day: datetime.date) -> pd.Index:
    """Codes of the authorities that exist on a day.

    Parameters
    ----------
    authorities
        Table of authorities, with `valid_from` and `valid_to` (a blank bound is open).
    day
        The day in question; both bounds are inclusive.
    """
    when = pd.Timestamp(day)
    begun = authorities["valid_from"].isna() | (authorities["valid_from"] <= when)
    lasting = authorities["valid_to"].isna() | (authorities["valid_to"] >= when)
    return authorities.index[begun & lasting]


def existence(units: pd.Series, authorities: pd.DataFrame) -> pd.DataFrame:
    """Period in which all authorities behind each cell existed.

    Parameters
    ----------
    units
        The `authority` of cells: a code, or codes joined by "+".
    authorities
        Table of authorities.

    Returns
    -------
    pandas.DataFrame
        `begun` and `ended`, datetimes, NaT where open or where the authority is unknown; rows as in `units`.
    """
    place, different = pd.factorize(units)
    codes = pd.Series(different).map(codes_of).explode()
    begun = codes.map(authorities["valid_from"]).groupby(level=0).max()
    ended = codes.map(authorities["valid_to"]).groupby(level=0).min()
    return pd.DataFrame({"begun": begun, "ended": ended}).take(place).set_axis(units.index)


def predecessors(authorities: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Weights of the predecessors of each successor authority.

    Parameters
    ----------
    authorities
        Table of authorities, with `predecessors` and `predecessor_weights`.

    Returns
    -------
    dict
        Successor to predecessor to weight; the weights are the shares of the successor's children (0 to 17)
        who lived in the predecessor, and sum to 1.
    """
    made = authorities[authorities["predecessors"] != ""]
    pairs = zip(made.index, made["predecessors"], made["predecessor_weights"], strict=True)
    return {
        str(code): dict(zip(listed(parts), map(float, listed(weights)), strict=True)) for code, parts, weights in pairs
    }


def linked_blocks(authorities: pd.DataFrame, returns: Iterable[str]) -> list[tuple[str, ...]]:
    """Groups of authorities whose likelihood does not factorise: linked by succession or by a joint return.

    Parameters
    ----------
    authorities
        Table of authorities.
    returns
        The `authority` values of the cells, joint returns among them.

    Returns
    -------
    list of tuple
        Sorted codes of each block, every authority in exactly one; most blocks are one authority.
    """
    leader = {str(code): str(code) for code in authorities.index}

    def find(code: str) -> str:
        while leader[code] != code:
            code = leader[code]
        return code

    succession = ((code, *parts) for code, parts in predecessors(authorities).items())
    for group in [*succession, *(codes_of(a) for a in set(returns))]:
        roots = sorted({find(code) for code in group})
        for root in roots[1:]:
            leader[root] = roots[0]
    blocks: dict[str, list[str]] = {}
    for code in sorted(leader):
        blocks.setdefault(find(code), []).append(code)
    return [tuple(codes) for codes in blocks.values()]
