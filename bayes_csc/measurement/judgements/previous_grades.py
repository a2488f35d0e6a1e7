"""The grade before each judgement: the latest of the same domain that was published when the inspection started."""

from __future__ import annotations

import pandas as pd

from bayes_csc.panel.panel import OVERALL, Panel, inspection_dates

NONE = 0
"""Stands for no previous grade."""


def previous_grades(panel: Panel, asked: pd.DataFrame) -> pd.DataFrame:
    """Find the previous grade of a domain of an authority on a day.

    It is the latest grade of the same domain that was published by the day, of any framework; else the worst
    sub-judgement (the overall grade where there is none) of the latest inspection that was published by the day; else
    none. Grades are the panel's, by the equivalents of a framework's own; one without is none. A domain that another
    replaced is the same domain (`Panel.sub_judgements`). A successor authority has only its own record.

    Parameters
    ----------
    panel
        Whose `inspections` and `earlier_inspections` are the record.
    asked
        Columns `authority`, `domain` and `day`, a row for each question.

    Returns
    -------
    pandas.DataFrame
        Rows as in `asked`: `previous` (int; the grade from 1, the best; `NONE`), `earlier` (bool; whether it was given
        under a framework before those of `inspections`) and `own` (bool; whether it is of the same domain).
    """
    same = panel.sub_judgements
    questions = pd.DataFrame(
        {
            "question": range(len(asked)),
            "authority": asked.authority.to_numpy(),
            "domain": asked.domain.map(lambda d: same.get(d, d)).to_numpy(),
            "day": pd.DatetimeIndex(asked.day),
        }
    )
    pairs = questions.merge(_record(panel), on="authority", suffixes=("", "_before"))
    known = pairs[(pairs.published <= pairs.day) & (pairs.when < pairs.day)]
    known = known.sort_values(["question", "when", "published", "grade"], kind="stable")
    own = known[known.domain == known.domain_before].groupby("question").tail(1)
    last = known.groupby("question")[["when", "published"]].transform("last")
    latest = known[(known.when == last.when) & (known.published == last.published)]
    latest = latest.assign(part=latest.domain_before != OVERALL)
    worst = latest.sort_values(["question", "part", "grade"], kind="stable").groupby("question").tail(1)
    found = pd.concat([worst[~worst.question.isin(own.question)], own]).set_index("question")
    found = found.reindex(range(len(asked)))
    return pd.DataFrame(
        {
            "previous": found.grade.fillna(NONE).astype(int).to_numpy(),
            "earlier": found.earlier.eq(True).to_numpy(dtype=bool),
            "own": found.index.isin(own.question),
        },
        index=asked.index,
    )


def _record(panel: Panel) -> pd.DataFrame:
    """Judgements that may be the one before: those that can inform theta, and all of the earlier frameworks."""
    of = panel.compared
    tables = (of(panel.inspections).assign(earlier=False), of(panel.earlier_inspections).assign(earlier=True))
    rows = pd.concat([table for table in tables if len(table)] or [tables[0]], ignore_index=True)
    rows = rows.assign(when=inspection_dates(rows), published=rows.publication_date)
    rows = rows[rows.domain.isin([*panel.sub_judgements, OVERALL]) | rows.earlier]
    same = panel.sub_judgements
    return rows.assign(domain=rows.domain.map(lambda d: same.get(d, d)))[
        ["authority", "domain", "grade", "when", "published", "earlier"]
    ]
