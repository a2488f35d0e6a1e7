"""What the judgements of an analysis are about: the domains judged, and the scales on which they are graded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayes_csc.measurement.judgements.covariates import COLUMN, covariate_column, judgement_covariates
from bayes_csc.measurement.judgements.previous_grades import previous_grades
from bayes_csc.panel.calendar import grid_position
from bayes_csc.panel.panel import INSPECTION, OVERALL, Panel, inspection_dates

JUDGEMENT = "judgement"
GradesOf = Callable[[str], tuple[str, ...]]


@dataclass(frozen=True)
class Judged:
    """Domains and scales of judgements.

    Attributes
    ----------
    domain
        What is judged, each with a loading of its own: sub-judgements, or "overall".
    scale
        Sets of cutpoints, "FRAMEWORK:domain", earlier ones first.
    scale_domain
        Index of each scale's domain.
    parent
        Index of the earlier scale that each is a shift of, of as many grades: its domain's in an earlier framework, or
        else the first of all; -1 for the first.
    several
        Whether some inspection has several judgements, so that its own effect can be told from their noise.
    grades
        Labels of each scale's grades, best first.
    """

    domain: tuple[str, ...] = ()
    scale: tuple[str, ...] = ()
    scale_domain: tuple[int, ...] = ()
    parent: tuple[int, ...] = ()
    several: bool = False
    grades: tuple[tuple[str, ...], ...] = ()

    @property
    def later(self) -> tuple[str, ...]:
        """The scales that are shifts of earlier ones."""
        return tuple(scale for scale, above in zip(self.scale, self.parent, strict=True) if above >= 0)

    @property
    def size(self) -> tuple[int, ...]:
        """Number of grades of each scale."""
        return tuple(len(labels) for labels in self.grades)

    def ancestry(self) -> np.ndarray:
        """Which shifts a scale has: (scale, later scale), one for itself and for each of its ancestors."""
        n = len(self.scale)
        out = np.zeros((n, n))
        for i, above in enumerate(self.parent):
            if above >= 0:
                out[i] = out[above]
                out[i, i] = 1.0
        return out[:, np.array(self.parent, dtype=int) >= 0]

    @classmethod
    def of(cls, rows: pd.DataFrame, loading_of: Mapping[str, str], grades_of: GradesOf | None = None) -> Judged:
        """Find the domains and scales of judgements.

        Parameters
        ----------
        rows
            Judgements: `framework`, `domain`, `position`, `inspection`.
        loading_of
            Domain whose loading a domain has, in the order of the domains; those it does not name have their own.
        grades_of
            Labels of a framework's grades; by default all frameworks have as many.
        """
        order = [*loading_of, *sorted(set(rows.domain) - set(loading_of))]
        first = rows.groupby(["framework", "domain"], sort=False).position.min().reset_index()
        first["start"] = first.groupby("framework").position.transform("min")
        first["place"] = first.domain.map(order.index)
        first = first.sort_values(["start", "position", "place"])
        present = set(first.domain.map(lambda d: loading_of.get(d, d)))
        domain = tuple(d for d in dict.fromkeys(loading_of.get(d, d) for d in order) if d in present)
        scale_domain: list[int] = []
        parent: list[int] = []
        grades = tuple(grades_of(str(framework)) for framework in first.framework) if grades_of else ()
        for i, key in enumerate(first.domain):
            about = domain.index(loading_of.get(key, key))
            alike = [j for j in range(i) if not grades or len(grades[j]) == len(grades[i])]
            parent.append(max((j for j in alike if scale_domain[j] == about), default=alike[0] if alike else -1))
            scale_domain.append(about)
        labels = tuple(f"{f}:{d}" for f, d in zip(first.framework, first.domain, strict=True))
        several = bool(rows.groupby("inspection").size().gt(1).any())
        return cls(domain, labels, tuple(scale_domain), tuple(parent), several, grades)


def judgements(
    panel: Panel, *, overall: bool = False, lead: float = 0.0, previous: bool = False, covariates: Sequence[str] = ()
) -> pd.DataFrame:
    """Judgements that inform theta: the sub-judgements of an inspection, or its overall grade where it has none.

    Parameters
    ----------
    panel
        Whose `sub_judgements` are used.
    overall
        Take the overall grade of every inspection instead.
    lead
        Years before its start of what an inspection judges.
    previous
        Whether to give the grade before each (`previous_grades`).
    covariates
        Names of covariates to give (`judgement_covariates`).

    Returns
    -------
    pandas.DataFrame
        Columns `authority`, `framework`, `domain`, `grade`, `position` (grid position of the inspection's start,
        less the lead) and `inspection` (number of the inspection); as asked for `previous`, `earlier` and a column of
        each covariate.
    """
    table = panel.inspections
    out = table[["authority", "framework", "domain", "grade"]].assign(
        day=inspection_dates(table),
        position=grid_position(inspection_dates(table)) - lead,
        inspection=table.groupby(INSPECTION, dropna=False).ngroup(),
    )
    parts = out.domain.isin(panel.sub_judgements) & (not overall)
    whole = out.domain.eq(OVERALL) & ~out.inspection.isin(out.inspection[parts])
    out = out[parts | whole]
    inspection = table.loc[out.index].groupby(INSPECTION, dropna=False).ngroup()
    out = out.assign(inspection=inspection).reset_index(drop=True)
    if previous:
        out = out.join(previous_grades(panel, out)[["previous", "earlier"]])
    values = judgement_covariates(panel, covariates, out)
    return out.assign(**{covariate_column(name): values[:, i] for i, name in enumerate(covariates)})


def judgement_rows(chosen: pd.DataFrame) -> pd.DataFrame:
    """`judgements` as observations of theta at the inspection's start, the grade still ordinal."""
    more = [c for c in chosen.columns if c in ("previous", "earlier") or str(c).startswith(COLUMN)]
    return pd.DataFrame(
        {
            **{name: chosen[name].to_numpy() for name in more},
            "unit": chosen.authority.to_numpy(),
            "indicator": JUDGEMENT,
            "family": "ordinal",
            "year": np.floor(chosen.position).astype(int),
            "position": chosen.position,
            "z": 0.0,
            "variance": 0.0,
            "confidence_variance": 0.0,
            "sign": 1.0,
            "site": False,
            "scale": chosen.framework + ":" + chosen.domain,
            "grade": chosen.grade.to_numpy(),
            "inspection": chosen.inspection.astype(float),
        }
    )
