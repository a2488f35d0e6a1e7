"""What follows an inadequate judgement: activity in the two years after one, in the model and as counted.

The founding documents say that a rating itself changes later activity, not which way. The later study by authors of the
founding one does (Hood and Goldacre 2021, Children and Youth Services Review 129, interrupted time series of 2009 to
2019): rates of child protection interventions rose at the time of an inspection, most where it judged inadequate, and
stayed up only there. That sign is looked for here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from bayes_csc.errors import UsageError
from bayes_csc.evaluation.studies.intervals import INTERVAL, REPLICATES, bootstrap
from bayes_csc.evaluation.studies.sampled import Model, sampled, summary
from bayes_csc.evaluation.studies.study import Study, provenance, records
from bayes_csc.inference.chains import Progress
from bayes_csc.measurement.judgements.post_inspection import YEARS, after_worst
from bayes_csc.panel.indicator_selection import default_indicators
from bayes_csc.panel.panel import Panel
from bayes_csc.spec import Spec

STATED = dict.fromkeys(
    ("section_47_rate", "initial_conference_rate", "plan_start_rate", "plan_rate", "care_application_rate"), 1
)
"""Sign that the study states, by indicator: of rates of child protection interventions."""
ACTIVITY = "activity"
"""Domain of the indicators that are looked at where the dictionary flags none."""
NOT_STATED, SAME, OPPOSITE, UNCLEAR = "no sign stated", "reproduced", "contradicted", "cannot tell"


def post_inspection(
    panel: Panel, *, indicators: Sequence[str] = (), model: Model | None = None, spec: Spec | None = None,
    seed: int = 1, replicates: int = REPLICATES, progress: Callable[[Progress], None] | None = None,
) -> Study:  # fmt: skip
    """Estimate the effect on activity of an inadequate judgement.

    Parameters
    ----------
    panel
        The data.
    indicators
        Keys of the activity indicators; by default those that the dictionary flags, or else those of the domain
        "activity".
    model, spec
        Model of the trajectories and a spec, to whose indicators these are added, a deviation shared in their domain;
        without a model only the changes are counted.
    seed, replicates
        Of the bootstrap, and the seed of the chains.
    progress
        Called as the model is fitted.

    Returns
    -------
    Study
        Tables `effects` (with a model: of each indicator the effect on its log rate or logit, `ratio` its exponential,
        and whether the stated sign is reproduced) and `changes` (as counted: from the year before an inadequate
        judgement to the two years after, less the mean change of all authorities).

    Raises
    ------
    UsageError
        No such indicator.
    """
    keys = _chosen(panel, indicators)
    marked = {k: replace(i, post_inspection=k in keys) for k, i in panel.indicators.items()}
    flagged = replace(panel, indicators=marked)
    tables = {"changes": changes(flagged, keys, seed=seed, replicates=replicates)}
    passed = None
    if model is not None and spec is not None:
        spec = with_activity(flagged, spec, keys)
        effects, passed = _effects(flagged, model, spec, keys, seed=seed, progress=progress)
        tables = {"effects": effects} | tables
    about = provenance(
        panel, indicators=list(keys), years=YEARS, interval=INTERVAL, seed=seed, replicates=replicates,
        model=None if passed is None else getattr(model, "__qualname__", str(model)),
        spec=None if passed is None or spec is None else spec.name, model_passed=passed,
    )  # fmt: skip
    title = "Activity in the two years after an inadequate judgement"
    return Study("post-inspection", title, tables, _words(tables, passed), about)


def with_activity(panel: Panel, spec: Spec, keys: Sequence[str]) -> Spec:
    """Return the spec with these indicators beside its own."""
    own = spec.indicators or default_indicators(panel)
    return spec.updated({"indicators": tuple(dict.fromkeys((*own, *keys))), "name": f"{spec.name}, with activity"})


def changes(panel: Panel, keys: Sequence[str], *, seed: int, replicates: int) -> pd.DataFrame:
    """Mean change of an indicator's link from before an inadequate judgement to after it, relative to all authorities.

    Of each authority, the mean over its periods that lie wholly within two years after such a judgement less that of
    its last period before each that has nothing of one, both relative to the mean over all authorities of the period.
    """
    out = []
    for key in keys:
        indicator = panel.indicators[key]
        cells = panel.cells[(panel.cells.indicator == key) & (panel.cells.status == "observed")].copy()
        cells["figure"] = indicator.distribution.link(cells)["y"]
        cells["unit"] = cells.authority
        cells["w"] = after_worst(panel, cells, (key,))
        cells["figure"] -= cells.groupby("year").figure.transform("mean")
        rows = pd.DataFrame(
            [(code, _change(mine.sort_values("year"))) for code, mine in cells.groupby("authority")],
            columns=["authority", "change"],
        ).dropna()
        row: dict[str, object] = {"indicator": key, "label": indicator.label, "authorities": len(rows)}
        if len(rows):
            values = rows.change.to_numpy(dtype=float)

            def mean(at: np.ndarray, values: np.ndarray = values) -> np.ndarray:
                return np.array([values[at].mean()])

            low, high = bootstrap(rows.authority.to_numpy(), mean, seed=seed, replicates=replicates)
            row |= {"change": values.mean(), "change_lower": low[0], "change_upper": high[0]}
        out.append(row)
    return pd.DataFrame(out).reindex(
        columns=["indicator", "label", "authorities", "change", "change_lower", "change_upper"]
    )


def _change(mine: pd.DataFrame) -> float:
    """Change of one authority's figures, NaN where it has none both before and after a judgement."""
    w, figure = mine.w.to_numpy(), mine.figure.to_numpy()
    after, free = w > 1.0 - 1e-9, w == 0.0
    last_before = np.flatnonzero(free[:-1] & ~free[1:])
    return float(figure[after].mean() - figure[last_before].mean()) if after.any() and last_before.size else np.nan


def verdict(key: str, lower: float, upper: float) -> str:
    """Say whether an interval reproduces the stated sign of an indicator's effect."""
    if key not in STATED:
        return NOT_STATED
    ends = sorted((STATED[key] * lower, STATED[key] * upper))
    return SAME if ends[0] > 0 else OPPOSITE if ends[1] < 0 else UNCLEAR


def _chosen(panel: Panel, indicators: Sequence[str]) -> tuple[str, ...]:
    if unknown := [key for key in indicators if key not in panel.indicators]:
        raise UsageError(f"panel {panel.name}: no indicator {', '.join(unknown)}; `bayescsc data describe` lists all")
    flagged = [key for key, i in panel.indicators.items() if i.post_inspection]
    keys = tuple(indicators or flagged or [key for key, i in panel.indicators.items() if i.domain == ACTIVITY])
    if not keys:
        raise UsageError(
            f"panel {panel.name}: no indicator of activity; name some with --indicator, or write "
            "post_inspection = true beside them in the dictionary"
        )
    return keys


def _effects(
    panel: Panel, model: Model, spec: Spec, keys: Sequence[str], *, seed: int,
    progress: Callable[[Progress], None] | None,
) -> tuple[pd.DataFrame, bool]:  # fmt: skip
    """Effects of the judgement in the model, as the figures are counted (not coded so that higher is better)."""
    found = sampled(panel, model, spec, seed=seed, progress=progress)
    rows = []
    for key in keys:
        draws = panel.indicators[key].sign * found.posterior["post_inspection_effect"].sel(post_inspection=key)
        row = {"indicator": key, "label": panel.indicators[key].label} | summary("effect", draws)
        rows.append(
            row
            | {
                "ratio": float(np.exp(row["effect"])),
                "verdict": verdict(key, row["effect_lower"], row["effect_upper"]),
                "divergences": found.divergences, "draws": int(draws.size),
            }
        )  # fmt: skip
    table = pd.DataFrame(rows)
    return table, found.passed(float(table["rhat"].max()))


def _words(tables: dict[str, pd.DataFrame], passed: bool | None) -> tuple[str, ...]:
    words = [
        "The founding documents state no sign; the later study of the same group does, for rates of child protection "
        "interventions: up after an inadequate judgement (Hood and Goldacre 2021).",
    ]
    if passed is not None:
        for kind in (SAME, OPPOSITE, UNCLEAR, NOT_STATED):
            mine = [r for r in records(tables["effects"]) if r.verdict == kind]
            if mine:
                said = ", ".join(
                    f"{r.label} ({r.effect:+.2f}, {r.effect_lower:+.2f} to {r.effect_upper:+.2f})" for r in mine
                )
                words.append(
                    f"The sign is {kind}: {said}." if kind in (SAME, OPPOSITE) else f"{kind.capitalize()}: {said}."
                )
        words.append(
            f"Effects are on the log of a rate (the logit of a share) of a period wholly within {YEARS:g} years after, "
            f"given theta, national years and the authority's own deviations; {INTERVAL:.0%} intervals, by a preview."
        )
        if not passed:
            words.append("This preview failed its diagnostics: do not use its effects.")
    words.append(
        "The changes are counted without a model: the periods after less the last one before, relative to all "
        "authorities. Either says what followed a judgement, not what it did: what led to it may have led to these too."
    )
    return tuple(words)
