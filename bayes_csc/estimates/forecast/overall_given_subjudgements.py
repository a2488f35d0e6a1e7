"""P(overall grade | sub-judgements): a table of its own, estimated from the inspections that have them all.

For a pattern of sub-judgements with counts n of the overall grade, a Dirichlet posterior,

    P(overall = g | pattern) = (n[g] + w p[g]) / (n + w),   w = WEIGHT,

whose prior mean p is that of a coarser pattern, the worst sub-judgement and the mean of the others, estimated in the
same way about that of the worst sub-judgement alone, which in turn leans on the worst sub-judgement itself being the
overall grade with probability 1/2 and else any grade.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from bayes_csc.errors import DataError
from bayes_csc.estimates.forecast.cutpoints import latest_items
from bayes_csc.estimates.run_tables import about, refuse_failed, write_table
from bayes_csc.inference.fit import Fit
from bayes_csc.panel.panel import INSPECTION, OVERALL, Panel

WEIGHT = 1.0
"""How many inspections' worth a coarser pattern counts."""


@dataclass(frozen=True)
class OverallTable:
    """How the overall grade follows from sub-judgements.

    Attributes
    ----------
    domain
        The sub-judgements of a pattern.
    grade
        Labels of the grades, best first.
    pattern
        Every pattern (pattern, domain), grades from 1, the last domain changing fastest.
    count
        Inspections seen (pattern, grade).
    concentration
        Of the Dirichlet posterior (pattern, grade).
    """

    domain: tuple[str, ...]
    grade: tuple[str, ...]
    pattern: np.ndarray
    count: np.ndarray
    concentration: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """P(overall | pattern), (pattern, grade)."""
        return np.asarray(self.concentration / self.concentration.sum(axis=1, keepdims=True))

    def draws(self, number: int, rng: np.random.Generator) -> np.ndarray:
        """Draws of the table, (draw, pattern, grade)."""
        gamma = rng.standard_gamma(self.concentration, size=(number, *self.concentration.shape))
        total = gamma.sum(axis=2, keepdims=True)
        return np.asarray(np.where(total > 0.0, gamma / np.where(total > 0.0, total, 1.0), self.mean))

    def described(self) -> pd.DataFrame:
        """Patterns that were seen, the most frequent first: how often, and P of each overall grade with its sd."""
        seen = np.flatnonzero(self.count.sum(axis=1))
        mean, total = self.mean[seen], self.concentration[seen].sum(axis=1, keepdims=True)
        sd = np.sqrt(mean * (1.0 - mean) / (total + 1.0))
        out = pd.DataFrame(self.pattern[seen], columns=list(self.domain))
        out["inspections"] = self.count[seen].sum(axis=1).astype(int)
        for g, label in enumerate(self.grade):
            out[label], out[f"{label}_sd"] = mean[:, g], sd[:, g]
        return out.sort_values(["inspections", *self.domain], ascending=[False, *[True] * len(self.domain)])


def overall_table(panel: Panel, domain: Sequence[str]) -> OverallTable:
    """Estimate P(overall | sub-judgements) from the inspections, of any framework, that have all of them.

    Parameters
    ----------
    panel
        Whose inspections.
    domain
        The sub-judgements.

    Raises
    ------
    DataError
        No inspection has them all and an overall grade.
    """
    n = len(panel.grades)
    wanted = panel.compared(panel.inspections[panel.inspections.domain.isin([*domain, OVERALL])])
    key = wanted.groupby(INSPECTION, dropna=False).ngroup()
    wide = wanted.assign(key=key).pivot_table(index="key", columns="domain", values="grade", aggfunc="first")
    whole = wide.reindex(columns=[*domain, OVERALL]).dropna().astype(int).to_numpy()
    if not len(whole):
        raise DataError(
            f"inspections.csv: no inspection has an overall grade and all of {', '.join(domain)}: the overall grade of "
            "the next inspection cannot be told from them"
        )
    pattern = np.array(list(product(range(1, n + 1), repeat=len(domain))))
    place = np.ravel_multi_index(tuple(whole[:, :-1].T - 1), (n,) * len(domain))
    count = np.zeros((len(pattern), n))
    np.add.at(count, (place, whole[:, -1] - 1), 1.0)
    return OverallTable(tuple(domain), panel.grades, pattern, count, concentration(pattern, count))


def concentration(pattern: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Dirichlet posterior of each pattern's overall grade, as the module says.

    Parameters
    ----------
    pattern
        (pattern, domain), grades from 1.
    count
        (pattern, grade).
    """
    n = count.shape[1]
    worst = pattern.max(axis=1)
    others = pattern.sum(axis=1) - worst
    prior = 0.5 * np.eye(n)[worst - 1] + 0.5 / n
    for cell in (worst, worst * pattern.sum(axis=1).max() + others):
        _, at = np.unique(cell, return_inverse=True)
        total = np.zeros((at.max() + 1, n))
        np.add.at(total, at, count)
        mine = total[at] + WEIGHT * prior
        prior = mine / mine.sum(axis=1, keepdims=True)
    return np.asarray(count + WEIGHT * prior)


def overall_of_run(fit: Fit, *, force: bool = False) -> pd.DataFrame | None:
    """P(overall | sub-judgements) of the inspection that a run forecasts, with what every table of a run carries.

    Returns
    -------
    pandas.DataFrame or None
        `OverallTable.described`; None where the next inspection has no sub-judgements.

    Raises
    ------
    GateError
        The run failed its gate.
    """
    refuse_failed(fit, force=force)
    if "scale" not in fit.posterior.coords:
        return None
    _, item = latest_items(fit.panel, [str(scale) for scale in fit.posterior.scale.to_numpy()])
    if item == (OVERALL,):
        return None
    table = overall_table(fit.panel, item)
    out = table.described().reset_index(drop=True).assign(note="")
    out.attrs.update(about(fit, "all", 0.0) | {"judged": list(item), "grades": list(table.grade)})
    del out.attrs["interval"]  # sds, of a posterior in closed form
    return out


def write_overall(table: pd.DataFrame, folder: Path) -> None:
    """Write overall.csv and overall.json (metadata and the same rows) into a run folder."""
    write_table(table, folder, "overall")
