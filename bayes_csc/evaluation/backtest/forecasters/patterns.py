"""Whole patterns of sub-judgements given the overall grade and how the inspection before ended, smoothed.

With n[w, g, s] past inspections of overall grade g and pattern s of sub-judgements that came after a worst previous
grade w, a hierarchy of Dirichlet means, each leaning on the one above it with the weight of `STRENGTH` inspections:

    q_d(k | g)  = (n_d[g, k] + b(k | g)) / (n[g] + 1)          one sub-judgement d; b: half on k = g, half on all alike
    P(s | g)    = (n[g, s] + STRENGTH product over d of q_d(s_d | g)) / (n[g] + STRENGTH)
    P(s | g, w) = (n[w, g, s] + STRENGTH P(s | g)) / (n[w, g] + STRENGTH)

so that any forecast of the overall grade, such as a table's, becomes one of everything an inspection says,

    P(s, g | previous) = P(g | previous) P(s | g, w)

whose marginal over patterns is that forecast itself. The worst previous grade is that of the sub-judgements of the
latest inspection that was out (of its overall grade where it had none of them), 0 where there was none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd

from bayes_csc.errors import DataError, UsageError
from bayes_csc.evaluation.backtest.forecasters.base_rate import NO_PREVIOUS
from bayes_csc.panel.panel import INSPECTION, OVERALL, Panel, inspection_dates

STRENGTH = 30.0
"""How many inspections' worth the coarser distribution counts: near the best log probability of England's inspections
published before 2020, each left out in turn (-1.95; with 4 -2.08, with the independent domains alone -2.12)."""
TOGETHER = "_and_"
"""Between the names of domains that were judged together."""


@dataclass(frozen=True)
class SubjudgementPatterns:
    """Distribution of patterns of sub-judgements given the overall grade and the worst previous grade.

    Attributes
    ----------
    domain
        The sub-judgements of a pattern.
    pattern
        Every pattern (pattern, domain), grades from 1, the last domain changing fastest, as of `OverallTable`.
    given
        P(pattern | overall, worst previous) (worst previous, overall, pattern); worst previous 0 is none.
    worst_previous
        Of each authority's next inspection, by code.
    inspections
        How many the distribution is estimated from.
    """

    domain: tuple[str, ...]
    pattern: np.ndarray
    given: np.ndarray
    worst_previous: pd.Series
    inspections: int

    def probability(self, overall: pd.DataFrame) -> np.ndarray:
        """Joint probability of pattern and overall grade of the next inspections.

        Parameters
        ----------
        overall
            Probability of each overall grade (columns, best first) by authority (rows).

        Returns
        -------
        numpy.ndarray
            (authority, pattern, grade), in the order of the rows; its sum over patterns is `overall`.

        Raises
        ------
        UsageError
            `overall` has another number of grades.
        """
        if overall.shape[1] != self.given.shape[1]:
            raise UsageError(
                f"patterns of sub-judgements: expected probabilities of {self.given.shape[1]} overall grades, found "
                f"{overall.shape[1]}"
            )
        worst = self.worst_previous.reindex(overall.index).fillna(NO_PREVIOUS).to_numpy(dtype=int)
        joint = overall.to_numpy(dtype=float)[:, :, None] * self.given[worst]
        return np.asarray(joint.transpose(0, 2, 1))

    def domain_grades(self, joint: np.ndarray) -> np.ndarray:
        """Probability of each grade of each domain (authority, domain, grade), from `probability`."""
        grades = self.given.shape[1]
        of_pattern = joint.sum(axis=2)
        is_grade = (self.pattern[:, :, None] == np.arange(1, grades + 1)).astype(float)
        return np.asarray(np.einsum("ap,pdg->adg", of_pattern, is_grade))


def subjudgement_patterns(panel: Panel, domain: Sequence[str], *, strength: float = STRENGTH) -> SubjudgementPatterns:
    """Estimate the distribution of patterns from the inspections of a panel.

    Parameters
    ----------
    panel
        The panel as known on a day.
    domain
        The sub-judgements of a pattern. A judgement of several domains together, such as
        `children_looked_after_and_care_leavers`, counts for each of them.
    strength
        How many inspections' worth the coarser distribution counts.

    Raises
    ------
    DataError
        No inspection has an overall grade and all of the sub-judgements.
    """
    grades, wide = len(panel.grades), judged_together(panel, domain)
    whole = wide.dropna(subset=[*domain, OVERALL])
    if whole.empty:
        raise DataError(
            f"inspections.csv: no inspection has an overall grade and all of {', '.join(domain)}: patterns of "
            "sub-judgements cannot be learned; give other domains"
        )
    pattern = np.array(list(product(range(1, grades + 1), repeat=len(domain))))
    place = np.ravel_multi_index(tuple(whole[list(domain)].to_numpy(dtype=int).T - 1), (grades,) * len(domain))
    before = _worst_before(wide, domain).loc[whole.index].to_numpy(dtype=int)
    count = np.zeros((grades + 1, grades, len(pattern)))
    np.add.at(count, (before, whole[OVERALL].to_numpy(dtype=int) - 1, place), 1.0)
    last = wide.sort_values(["start", "publication_date"]).groupby("authority").tail(1).set_index("authority")
    worst = _worst(last, domain).astype(int)
    return SubjudgementPatterns(tuple(domain), pattern, smoothed(count, pattern, strength), worst, len(whole))


def smoothed(count: np.ndarray, pattern: np.ndarray, strength: float) -> np.ndarray:
    """P(pattern | overall, worst previous), as the module says, of counts in the same shape.

    Parameters
    ----------
    count
        (worst previous, overall, pattern).
    pattern
        (pattern, domain), grades from 1.
    strength
        Weight of the coarser distribution.
    """
    grades, labels = count.shape[1], np.arange(1, count.shape[1] + 1)
    of_overall = count.sum(axis=0)
    number = of_overall.sum(axis=1, keepdims=True)
    base = 0.5 * np.eye(grades) + 0.5 / grades
    independent = np.ones_like(of_overall)
    for d in range(pattern.shape[1]):
        is_grade = (pattern[:, d, None] == labels).astype(float)
        q = (of_overall @ is_grade + base) / (number + 1.0)
        independent *= q[:, pattern[:, d] - 1]
    by_overall = (of_overall + strength * independent) / (number + strength)
    return np.asarray((count + strength * by_overall) / (count.sum(axis=2, keepdims=True) + strength))


def judged_together(panel: Panel, domain: Sequence[str]) -> pd.DataFrame:
    """Inspections of a panel with a column for each domain, in which a judgement of several together counts for each.

    Returns
    -------
    pandas.DataFrame
        `authority`, `framework`, `publication_date`, `start` (estimated where it is not known), the domains and
        `overall`, NaN where not judged; in the order of start and publication.
    """
    rows = panel.compared(panel.inspections).assign(start=inspection_dates(panel.inspections))
    rows = rows.assign(key=rows.groupby(INSPECTION, dropna=False).ngroup())
    about = rows.drop_duplicates("key").set_index("key")[["authority", "framework", "start", "publication_date"]]
    grades = rows.pivot_table(index="key", columns="domain", values="grade", aggfunc="max")
    for name in domain:
        own = grades[name] if name in grades else pd.Series(np.nan, index=grades.index)
        shared = [c for c in grades if c != name and name in str(c).split(TOGETHER)]
        grades[name] = own.fillna(grades[shared].max(axis=1)) if shared else own
    wide = about.join(grades.reindex(columns=[*domain, OVERALL]))
    return wide.sort_values(["start", "publication_date", "authority"], kind="stable", ignore_index=True)


def _worst(wide: pd.DataFrame, domain: Sequence[str]) -> pd.Series:
    """Worst sub-judgement of inspections, or the overall grade."""
    return wide[list(domain)].max(axis=1).fillna(wide[OVERALL]).fillna(NO_PREVIOUS)


def _worst_before(wide: pd.DataFrame, domain: Sequence[str]) -> pd.Series:
    """Worst grade of the inspection before each, of those that were out when it started; 0 for none."""
    own = wide[["authority", "start", "publication_date"]].assign(worst=_worst(wide, domain))
    pairs = own.reset_index(names="event").merge(own, on="authority", suffixes=("", "_before"))
    out = pairs[(pairs["start_before"] < pairs["start"]) & (pairs["publication_date_before"] <= pairs["start"])]
    last = out.sort_values(["start_before", "publication_date_before"]).groupby("event")["worst_before"].last()
    return last.reindex(wide.index).fillna(NO_PREVIOUS)
