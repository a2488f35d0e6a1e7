"""Frameworks of inspection with grades of their own, and which of the panel's grades each of these amounts to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

OWN, EQUIVALENT = "framework_grades", "equivalent_grades"
"""Keys of the `[panel]` table: labels by framework, best first; and by framework the panel's grade of each of them."""


def read_framework_grades(
    table: Mapping[str, Any], grades: Sequence[str], at: str, problems: list[str]
) -> dict[str, dict[str, tuple[Any, ...]]]:
    """Read the grades of frameworks from the `[panel]` table.

    Parameters
    ----------
    table
        The `[panel]` table.
    grades
        Labels of the panel's grades, best first; none where they are not known.
    at
        What precedes a message.
    problems
        List that every problem is added to.

    Returns
    -------
    dict
        The values of `framework_grades` and `equivalent_grades` that keep their contract, where they are given.
    """
    out: dict[str, dict[str, tuple[Any, ...]]] = {}
    for name in (OWN, EQUIVALENT):
        if name in table and not (isinstance(table[name], dict) and all(table[name])):
            problems.append(f"{at}: {name} must name frameworks, each with a list, found {table[name]!r}")
        elif name in table:
            out[name] = {}
    for framework, labels in table[OWN].items() if OWN in out else ():
        if _labels(labels):
            out[OWN][framework] = tuple(labels)
        else:
            problems.append(
                f"{at}: {OWN}: the grades of {framework!r} must be at least two different texts, best first, found "
                f"{labels!r}"
            )
    for framework, values in table[EQUIVALENT].items() if EQUIVALENT in out else ():
        own = out.get(OWN, {}).get(framework)
        if own is None:
            if framework not in _given(table):
                problems.append(f"{at}: {EQUIVALENT} names {framework!r}, which has no list in {OWN}; add it there")
        elif grades and not _equivalent(values, len(own), len(grades)):
            problems.append(
                f"{at}: {EQUIVALENT}: expected for the {len(own)} grades of {framework!r} as many whole numbers from 1 "
                f"to {len(grades)} that never fall: which of the panel's grades each amounts to; found {values!r}"
            )
        else:
            out[EQUIVALENT][framework] = tuple(values)
    return out


def _labels(value: Any) -> bool:
    texts = isinstance(value, list) and len(value) > 1 and all(isinstance(label, str) and label for label in value)
    return texts and len({label.casefold() for label in value}) == len(value)


def _given(table: Mapping[str, Any]) -> Mapping[str, Any]:
    """Frameworks that have a list, be it a wrong one."""
    own = table.get(OWN)
    return own if isinstance(own, dict) else {}


def _equivalent(value: Any, own: int, grades: int) -> bool:
    numbers = isinstance(value, list) and len(value) == own and all(type(v) is int and 1 <= v <= grades for v in value)
    return numbers and value == sorted(value)


def in_panel_grades(
    inspections: pd.DataFrame, own: Mapping[str, Sequence[str]], equivalent: Mapping[str, Sequence[int]]
) -> pd.DataFrame:
    """Judgements with the panel's grade that each grade amounts to.

    Parameters
    ----------
    inspections
        Judgements: `framework` and `grade`, in the framework's own grades.
    own
        Labels of the grades of the frameworks that have their own.
    equivalent
        Of these, the panel's grade of each.

    Returns
    -------
    pandas.DataFrame
        `grade` is NaN where the framework has grades of its own and no equivalents: it compares with none.
    """
    apart = inspections["framework"].isin(list(own))
    if not apart.any():
        return inspections
    grade = inspections["grade"].astype(float)
    for framework in own:
        place = dict(enumerate(equivalent.get(framework, ()), start=1))
        mine = inspections["framework"] == framework
        grade = grade.mask(mine, inspections["grade"].map(place).astype(float))
    return inspections.assign(grade=grade if grade.isna().any() else grade.astype(int))


def merged_cutpoints(cutpoints: np.ndarray, equivalent: Sequence[int], grades: int) -> np.ndarray:
    """Cutpoints between the panel's grades, of those between a framework's own.

    The framework's grades that amount to the same one of the panel's are one; a grade of the panel that none amounts to
    is empty, both of its cutpoints the same.

    Parameters
    ----------
    cutpoints
        (..., own grades - 1), ascending from the worst.
    equivalent
        The panel's grade of each of the framework's, best first.
    grades
        Number of the panel's grades.

    Returns
    -------
    numpy.ndarray
        (..., grades - 1), ascending from the worst.

    Examples
    --------
    >>> merged_cutpoints(np.array([-1.5, -0.5, 0.5, 1.5]), [1, 2, 2, 3, 4], 4)
    array([-1.5, -0.5,  1.5])
    >>> merged_cutpoints(np.array([0.0]), [2, 3], 4)
    array([-inf,   0.,  inf])
    """
    edge = np.full((*cutpoints.shape[:-1], 1), np.inf)
    ends = np.concatenate([-edge, cutpoints, edge], axis=-1)
    worse = [sum(e > grade for e in equivalent) for grade in range(grades - 1, 0, -1)]  # own grades below each
    return np.asarray(ends[..., worse])
