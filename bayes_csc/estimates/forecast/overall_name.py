"""What the overall grade of a next inspection is called: from a panel's `no_overall_from` on, inspections have none."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from bayes_csc.panel.calendar import day

GIVEN = "the overall grade"
WOULD = "what the overall grade would have been"
HEADINGS = {GIVEN: "Next overall grade", WOULD: "What the overall grade would have been at the next inspection"}


def gives_overall(dates: Sequence[str], no_overall_from: datetime.date | None) -> np.ndarray:
    """Whether inspections of some days, in ISO format, have an overall grade.

    Examples
    --------
    >>> gives_overall(["2026-03-31", "2026-04-01"], datetime.date(2026, 4, 1)).tolist()
    [True, False]
    """
    if no_overall_from is None:
        return np.ones(len(dates), dtype=bool)
    return np.array([datetime.date.fromisoformat(each) < no_overall_from for each in dates], dtype=bool)


def overall_name(given: Iterable[bool], no_overall_from: datetime.date | str | None) -> str:
    """Name the overall grade of some next inspections, by whether they give one.

    Examples
    --------
    >>> overall_name([True], None), overall_name([False], "2026-04-01")
    ('the overall grade', 'what the overall grade would have been')
    >>> overall_name([True, False], "2026-04-01")
    'the overall grade (from 1 April 2026 on, what the overall grade would have been)'
    """
    return _of(given, no_overall_from, GIVEN, WOULD)


def overall_heading(given: Iterable[bool], no_overall_from: datetime.date | str | None) -> str:
    """Head a table or a chart of such grades.

    Examples
    --------
    >>> overall_heading([True], None), overall_heading([True, False], "2026-04-01")
    ('Next overall grade', 'Next overall grade (from 1 April 2026 on, what the overall grade would have been)')
    """
    return _of(given, no_overall_from, HEADINGS[GIVEN], HEADINGS[WOULD])


def _of(given: Iterable[bool], start: datetime.date | str | None, all_: str, none: str) -> str:
    have = list(given)
    if all(have) or start is None:
        return all_
    return none if not any(have) else f"{all_} (from {day(start)} on, {WOULD})"


def how_to_read(table: pd.DataFrame, domains: Sequence[str], worst: str, no_overall_from: datetime.date | None) -> str:
    """Say how to read the columns of a forecast.

    Parameters
    ----------
    table
        The forecast, with `next_has_overall`.
    domains
        Sub-judgements that it is of; none where only the overall grade is forecast.
    worst
        Label of the worst grade.
    no_overall_from
        Of the panel.
    """
    name = overall_name(table["next_has_overall"], no_overall_from)
    overall = f"p_grade_1 (best) on, p_next_worse, p_next_better and the level are of {name}."
    if no_overall_from is not None and not table["next_has_overall"].all():
        overall += (
            f" Inspections from {day(no_overall_from)} on have no overall grade: where next_has_overall is false these "
            "columns say what it would have been, by the sub-judgements."
        )
    if not domains:
        return overall
    return (
        "Read the sub-judgements first: p_D_grade_1 (best) on are the probabilities of the grades of domain D "
        f"({', '.join(domains)}), last_grade_D its latest grade; p_any_worse is the probability that any domain is "
        f"judged worse than when it was last judged, p_any_inadequate that any is judged {worst}. Then {overall}"
    )
