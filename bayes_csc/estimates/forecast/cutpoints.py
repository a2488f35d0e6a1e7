"""What turns theta into grades at a next inspection: loadings, cutpoints and standard of each draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from bayes_csc.errors import DataError
from bayes_csc.inference.reopen import Revisited
from bayes_csc.measurement.judgements.covariates import judgement_covariates
from bayes_csc.measurement.judgements.previous_grades import NONE, previous_grades
from bayes_csc.panel.framework_grades import merged_cutpoints
from bayes_csc.panel.panel import OVERALL, Panel, inspection_dates

READ = (
    "judgement_loading", "cutpoints", "inspection_sd", "standard", "previous_effect", "previous_spacing",
    "earlier_effect", "covariate_effect",
)  # fmt: skip


@dataclass(frozen=True)
class GradeScales:
    """The items of one inspection: u[j] = loading[j] theta + standard + shift + sd[j] zeta + N(0, 1), cut into grades.

    Attributes
    ----------
    item
        Domains judged: the overall grade alone, or sub-judgements.
    loading
        (draw, item), probits per unit of theta.
    cutpoints
        (draw, item, level, cutpoint) between the panel's grades, ascending from the worst, less the effect of the
        previous grade; a level is a previous grade (`previous_level`), all alike where the model has no state
        dependence.
    inspection_sd
        Of the inspection's effect on each item (draw, item); zero where the model has none.
    standard
        National standard on the grid (draw, year).
    level
        Of each authority's previous grade in each item (authority, item).
    before
        Grade of each item when it was last judged (authority, item), from 1, the best; 0 where it never was.
    shift
        What covariates add to each authority's scores (draw, authority); (draw, 0) where there are none.
    """

    item: tuple[str, ...]
    loading: np.ndarray
    cutpoints: np.ndarray
    inspection_sd: np.ndarray
    standard: np.ndarray
    level: np.ndarray
    before: np.ndarray
    shift: np.ndarray

    def at(self, draws: slice) -> GradeScales:
        """Return the scales of some of the draws."""
        parts = ("loading", "cutpoints", "inspection_sd", "standard", "shift")
        return replace(self, **{name: getattr(self, name)[draws] for name in parts})

    def cutpoints_of(self, index: int) -> np.ndarray:
        """Cutpoints of an authority's items, less all that is added to their scores (draw, item, cutpoint)."""
        own = self.cutpoints[:, np.arange(len(self.item)), self.level[index]]
        return own - self.shift[:, index, None, None] if self.shift.shape[1] else own

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
        value = {name: np.stack([draw[name] for draw in drawn]) for name in READ if name in names.variable}
        scales, judged = list(names.coords["scale"]), list(names.coords["judged"])
        latest, item = latest_items(panel, scales)
        alias = panel.sub_judgements
        if lost := [d for d in item if alias.get(d, d) not in judged]:
            raise DataError(f"no loading of {', '.join(lost)}; the model has those of {', '.join(judged)}")
        cutpoints = value["cutpoints"][:, [scales.index(f"{latest}:{d}") for d in item]]
        cutpoints = cutpoints[..., : len(panel.grades_of(latest)) - 1]
        if framework is not None and framework not in {s.partition(":")[0] for s in scales}:
            shift = shift_sd * np.random.default_rng([seed, 1]).standard_normal(len(cutpoints))
            cutpoints = cutpoints + shift[:, None, None]
        place = [judged.index(alias.get(d, d)) for d in item]
        sd = value.get("inspection_sd", np.zeros(len(drawn)))
        codes = again.design.authority
        previous = latest_before(panel, codes, item)
        levels = _compared(after_previous(cutpoints, value), panel, latest)
        level = previous_level(previous.previous, previous.earlier, len(panel.grades)) * (levels.shape[2] > 1)
        return cls(
            item=item,
            loading=value["judgement_loading"][:, place],
            cutpoints=levels,
            inspection_sd=sd[:, place] if sd.ndim > 1 else np.repeat(sd[:, None], len(item), axis=1),
            standard=value["standard"],
            level=level.reshape(len(codes), len(item)),
            before=np.where(previous.own, previous.previous, NONE).reshape(len(codes), len(item)),
            shift=_covariates(again, panel, value),
        )


def _compared(cutpoints: np.ndarray, panel: Panel, framework: str) -> np.ndarray:
    """Cutpoints between the panel's grades (last axis), of those of a framework, which may have its own grades."""
    if framework not in panel.framework_grades:
        return cutpoints
    if framework not in panel.equivalent_grades:
        raise DataError(
            f"indicators.toml: [panel]: the grades of {framework!r}, the latest framework, have no equivalents among "
            f"the panel's, so that a forecast cannot be compared with earlier grades; add equivalent_grades"
        )
    return merged_cutpoints(cutpoints, panel.equivalent_grades[framework], len(panel.grades))


def latest_before(panel: Panel, codes: Sequence[str], item: Sequence[str]) -> pd.DataFrame:
    """Previous grade of each authority's next inspection, item by item, by all that is published."""
    days = [pd.Timestamp(day) for day in (panel.date, panel.published_by) if day is not None]
    day = max([*days, panel.inspections.publication_date.max()]) + pd.Timedelta(days=1)
    asked = pd.DataFrame({"authority": np.repeat(list(codes), len(item)), "domain": list(item) * len(codes)})
    return previous_grades(panel, asked.assign(day=day))


def previous_level(previous: pd.Series, earlier: pd.Series, grades: int) -> np.ndarray:
    """Number of a previous grade among none, the grades, and the same of earlier frameworks."""
    return np.asarray(previous.to_numpy(dtype=np.int64) + (grades + 1) * earlier.to_numpy(dtype=np.int64))


def after_previous(cutpoints: np.ndarray, value: dict[str, np.ndarray]) -> np.ndarray:
    """Cutpoints (draw, item, level, cutpoint) after each previous grade, less its effect; one level without any.

    The distances from the middle cutpoint are stretched where the model says so, as its own cutpoints are, unless the
    scale has another number of grades than the panel.

    Parameters
    ----------
    cutpoints
        Of each item's scale (draw, item, cutpoint).
    value
        Draws by name: `previous_effect` (draw, previous), and where the model has them `previous_spacing` (draw,
        previous, distance) and `earlier_effect` (draw,).
    """
    if "previous_effect" not in value:
        return cutpoints[:, :, None]
    effect = value["previous_effect"]
    middle = cutpoints.shape[-1] // 2
    gap = np.diff(cutpoints)[:, :, None]
    if "previous_spacing" in value and value["previous_spacing"].shape[-1] == gap.shape[-1]:
        gap = gap * np.exp(value["previous_spacing"])[:, None]
    steps = np.concatenate([np.zeros((*gap.shape[:-1], 1)), np.cumsum(gap, axis=-1)], axis=-1)
    own = cutpoints[:, :, None, [middle]] + steps - steps[..., [middle]] - effect[:, None, :, None]
    earlier = value.get("earlier_effect", np.zeros(len(effect)))
    return np.concatenate([own, own - earlier[:, None, None, None]], axis=2)


def _covariates(again: Revisited, panel: Panel, value: dict[str, np.ndarray]) -> np.ndarray:
    """What the covariates, as last published, add to each authority's scores (draw, authority)."""
    if "covariate_effect" not in value:
        return np.zeros((len(again.points), 0))
    names = [str(name) for name in again.density.names.coords["covariate"]]
    day = max(pd.Timestamp(panel.date), panel.cells.publication_date.max())
    asked = pd.DataFrame({"authority": list(again.design.authority), "day": day})
    return np.asarray(value["covariate_effect"] @ judgement_covariates(panel, names, asked).T)


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
