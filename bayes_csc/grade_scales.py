"""What turns theta into grades at a next inspection: loadings, cutpoints and standard of each draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayes_csc.errors import DataError
from bayes_csc.framework_grades import merged_cutpoints
from bayes_csc.panel import OVERALL, Panel, inspection_dates
from bayes_csc.revisit import Revisited


@dataclass(frozen=True)
class GradeScales:
    """The items of one inspection: u[j] = loading[j] theta + standard + zeta + N(0, 1), cut into grades.

    Attributes
    ----------
    item
        Domains judged: the overall grade alone, or sub-judgements.
    loading
        (draw, item), probits per unit of theta.
    cutpoints
        Between the panel's grades (draw, item, cutpoint), ascending from the worst.
    inspection_sd
        Of zeta, common to an inspection's items (draw,); zero where the model has none.
    standard
        National standard on the grid (draw, year).
    """

    item: tuple[str, ...]
    loading: np.ndarray
    cutpoints: np.ndarray
    inspection_sd: np.ndarray
    standard: np.ndarray

    def at(self, draws: slice) -> GradeScales:
        """Return the scales of some of the draws."""
        parts = (self.loading[draws], self.cutpoints[draws], self.inspection_sd[draws], self.standard[draws])
        return GradeScales(self.item, *parts)

    @classmethod
    def of(
        cls,
        again: Revisited,
        panel: Panel,
        *,
        framework: str | None = None,
        shift_sd: float = 0.5,
        seed: int = 0,
    ) -> GradeScales:
        """Read the scales of the latest inspection's items off every draw.

        Parameters
        ----------
        again
            Draws of the hyperparameters.
        panel
            Whose latest inspection says which items there are, and whose `sub_judgements` says whose loading each has.
        framework
            Of the next inspection; by default the latest that the model knows. One that it does not know has the
            latest one's scales shifted by N(0, shift_sd), the same for all its items.
        shift_sd
            Of an unknown framework, probits.
        seed
            Of the shifts.

        Raises
        ------
        DataError
            A domain has no loading; or the latest inspection's framework has grades of its own and no equivalents.
        """
        names = again.density.names
        drawn = [again.density.expand(point) for point in again.points]
        value = {
            name: np.stack([draw[name] for draw in drawn])
            for name in ("judgement_loading", "cutpoints", "inspection_sd", "standard")
            if name in names.variable
        }
        scales, judged = list(names.coords["scale"]), list(names.coords["judged"])
        latest, item = latest_items(panel, scales)
        alias = panel.sub_judgements
        if lost := [d for d in item if alias.get(d, d) not in judged]:
            raise DataError(f"no loading of {', '.join(lost)}; the model has those of {', '.join(judged)}")
        cutpoints = value["cutpoints"][:, [scales.index(f"{latest}:{d}") for d in item]]
        if framework is not None and framework not in {s.partition(":")[0] for s in scales}:
            shift = shift_sd * np.random.default_rng([seed, 1]).standard_normal(len(cutpoints))
            cutpoints = cutpoints + shift[:, None, None]
        return cls(
            item=item,
            loading=value["judgement_loading"][:, [judged.index(alias.get(d, d)) for d in item]],
            cutpoints=_compared(cutpoints, panel, latest),
            inspection_sd=value.get("inspection_sd", np.zeros(len(drawn))),
            standard=value["standard"],
        )


def _compared(cutpoints: np.ndarray, panel: Panel, framework: str) -> np.ndarray:
    """Cutpoints between the panel's grades, of a framework's (draw, item, cutpoint), which may have its own grades."""
    own = cutpoints[..., : len(panel.grades_of(framework)) - 1]
    if framework not in panel.framework_grades:
        return own
    if framework not in panel.equivalent_grades:
        raise DataError(
            f"indicators.toml: [panel]: the grades of {framework!r}, the latest framework, have no equivalents among "
            f"the panel's, so that a forecast cannot be compared with earlier grades; add equivalent_grades"
        )
    return merged_cutpoints(own, panel.equivalent_grades[framework], len(panel.grades))


def latest_items(panel: Panel, scales: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Framework and domains of the latest inspection that has any of these scales ("FRAMEWORK:domain").

    The overall grade is an item only where there is no sub-judgement.
    """
    rows = panel.inspections.assign(when=inspection_dates(panel.inspections))
    rows = rows[(rows.framework + ":" + rows.domain).isin(list(scales))]
    rows = rows.sort_values(["when", "authority", "framework"])
    last = rows.iloc[-1]
    mine = rows[(rows.when == last.when) & (rows.authority == last.authority) & (rows.framework == last.framework)]
    domains = pd.unique(mine.domain)
    return str(last.framework), tuple(sorted(d for d in domains if d != OVERALL)) or (OVERALL,)
