"""A sensitivity analysis: a plan's variants beside their base."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayes_csc.chains import Progress
from bayes_csc.cluster import Job, results
from bayes_csc.fit import KEPT, Fit, Model
from bayes_csc.group import members
from bayes_csc.kept import Kept, versions
from bayes_csc.next_grade import DRAWS, years_ahead
from bayes_csc.probabilities import EPSILON
from bayes_csc.revisit import revisit
from bayes_csc.run_table import about, refuse_failed
from bayes_csc.sensitivity.answer import Answer, answer_of
from bayes_csc.sensitivity.expand import Expanded, expand
from bayes_csc.sensitivity.jobs import BASE as BASE_DRAWS
from bayes_csc.sensitivity.jobs import PANEL, Jobs, only_numbers, ratio_of
from bayes_csc.sensitivity.model_scores import score_table
from bayes_csc.sensitivity.plan import Plan
from bayes_csc.sensitivity.power_scaling import power_scaling
from bayes_csc.sensitivity.result import Sensitivity
from bayes_csc.sensitivity.reweight import Base, Weights
from bayes_csc.sensitivity.reweighted_forecast import Worse
from bayes_csc.sensitivity.table import INTERVAL, Told, rows_of
from bayes_csc.sensitivity.value_of_data import Offer, value_of_data
from bayes_csc.sensitivity.variant import BASE, Variant
from bayes_csc.sensitivity.verdict import choices, rule_words, verdicts

if TYPE_CHECKING:
    from distributed import Client

STAGE = "variants"
Tell = Callable[[Progress], None]


def sensitivity(
    run: Fit,
    model: Model,
    plan: Plan,
    client: Client,
    *,
    group: str = "requires improvement",
    seed: int | None = None,
    offer: Offer | None = None,
    cache: Kept | None = None,
    full: dict[str, Any] | None = None,
    further: bool = True,
    force: bool = False,
    progress: Tell | None = None,
) -> Sensitivity:
    """Ask what would change a run's answer.

    Parameters
    ----------
    run, model
        The base, and the function that built its model.
    plan
        Its variants.
    client
        Of the cluster that refits (`bayes_csc.cluster.dask_client`).
    group
        Whose answers are told; every variant is computed for all.
    seed
        Of the refits; the run's own by default.
    offer
        The further data whose value is asked.
    cache
        Where answers are kept and found again, by panel, spec, seed and versions.
    full
        Options of the refits in full.
    further
        Whether to add power-scaling and the value of further data, which need no refit.
    force
        Take a base that failed its gate.
    progress
        Called as answers come.

    Raises
    ------
    SpecError
        The plan is impossible on this run; nothing was computed.
    GateError
        The base failed its gate.
    UsageError
        No such group.
    """
    tell = progress or (lambda _: None)
    expanded = expand(plan, run.panel, run.spec)
    refuse_failed(run, force=force)
    codes = sorted(members(run, group), key=lambda code: (str(run.panel.authorities["name"][code]), code))
    jobs = Jobs(run, model, int(run.record["seed"]) if seed is None else seed, full or {})
    told, weights = _told(expanded, jobs, client, cache, tell)
    names = {str(code): str(name) for code, name in run.panel.authorities["name"].items()}
    parts: list[pd.DataFrame] = [rows_of(each, codes, names) for each in told]
    rows = pd.concat(parts, ignore_index=True)
    questions = [v.name for v in expanded.variants if v.asks]
    value = power = pd.DataFrame()
    if further:
        tell(Progress("what more data would be worth", 0, 1))
        value = value_of_data(run, model, codes, offer or Offer())
        tell(Progress("power-scaling", 0, 1))
        power = power_scaling(run, model, codes)
    return Sensitivity(
        rows=rows,
        verdicts=verdicts(rows, plan.rule, questions),
        choices=choices(rows, plan.rule),
        scores=score_table(told, told[0]),
        power=power,
        value=value,
        metadata=_metadata(run, plan, expanded, told, weights, group, jobs),
    )


def _told(
    expanded: Expanded, jobs: Jobs, client: Client, cache: Kept | None, tell: Tell
) -> tuple[list[Told], dict[str, Weights]]:
    """The base and all variants, each with its answer."""
    run, model, variants = jobs.run, jobs.model, expanded.variants
    tell(Progress("the base", 0, 1))
    base = answer_of(run, model)
    refits = [v for v in variants if v.refits(run.spec)]
    near = [v for v in refits if _near(v, run)]
    depth = {v.name: "full" if v.depth == "full" else "preview" for v in refits}
    work = _Work(jobs, client, cache, tell)
    first = [jobs.ratio(v) for v in near] + [jobs.refit(v, depth[v.name]) for v in refits if v not in near]
    found = work.done(first, near=bool(near))
    weights = {v.name: w for v in near if (w := _weights(found[jobs.ratio(v).key])) is not None}
    usable = {v.name for v in near if v.name in weights and (weights[v.name].reliable or v.depth == "reweight")}
    found |= work.done([jobs.refit(v, depth[v.name]) for v in near if v.name not in usable], near=False)
    worse = _worse(run, model) if usable else None
    out = [Told(BASE, BASE, base, EPSILON, BASE)]
    for v in variants:
        epsilon = EPSILON if v.question.epsilon is None else v.question.epsilon
        if v.name in usable:
            out.append(_reweighted(v, base, worse, weights[v.name], epsilon))
        elif v in refits:
            answer = Answer.of_bytes(found[jobs.refit(v, depth[v.name]).key])
            out.append(Told(v.name, v.choice, answer, epsilon, depth[v.name]))
        else:
            asked = v.question.model_copy(update={"epsilon": None})
            answer = base if asked == type(asked)() else answer_of(run, model, question=asked, scored=False)
            out.append(Told(v.name, v.choice, answer, epsilon, "recomputed"))
    return out, weights


def _near(variant: Variant, run: Fit) -> bool:
    """Whether a variant may be had by reweighting."""
    if variant.depth not in ("auto", "reweight") or not variant.same_panel or variant.question.anchor is not None:
        return False
    return variant.question.next_in_years is None and only_numbers(
        run.spec.model_dump(mode="json"), variant.spec.model_dump(mode="json")
    )


@dataclass(frozen=True)
class _Work:
    """Does jobs, or finds what they gave before."""

    jobs: Jobs
    client: Client
    cache: Kept | None
    tell: Tell

    def done(self, wanted: Iterable[Job], *, near: bool) -> dict[str, bytes]:
        """Results by key."""
        by_key = {job.key: job for job in wanted}
        found = {key: text for key in by_key if self.cache and (text := self.cache.read(key)) is not None}
        missing = [job for key, job in by_key.items() if key not in found]
        common: dict[str, Any] = {PANEL: self.jobs.run.panel}
        if near and any(job.common == BASE_DRAWS for job in missing):
            again = revisit(self.jobs.run, self.jobs.model, draws=KEPT)
            run, model = self.jobs.run, self.jobs.model
            common[BASE_DRAWS] = Base.of(run.panel, model(run.panel, run.spec), again.density, again.points)
        for job, content in results(missing, common, client=self.client, stage=STAGE, progress=self.tell):
            found[job.key] = content
            if self.cache and (job.common == BASE_DRAWS or Answer.of_bytes(content).authority):
                self.cache.write(job.key, content)
        return found


def _weights(content: bytes) -> Weights | None:
    ratio = ratio_of(content)
    return None if ratio is None or not np.isfinite(ratio).all() else Weights.of(ratio)


def _worse(run: Fit, model: Model) -> Worse | None:
    from bayes_csc.forecast import has_judgements

    if not has_judgements(run):
        return None
    return Worse.of(run, model, revisit(run, model, horizon=years_ahead(run), draws=DRAWS))


def _reweighted(variant: Variant, base: Answer, worse: Worse | None, weights: Weights, epsilon: float) -> Told:
    size = weights.weight.size
    change = base.mean.shape[0] * base.mean.shape[1]
    if change != size:
        raise ValueError(f"{size} weights of {change} draws")
    answer = base
    if worse is not None:
        chosen = np.unique(np.linspace(0, size - 1, min(DRAWS, size)).round().astype(int))
        answer = Answer(base.authority, base.mean, base.variance, worse.table(weights.at(chosen)), None, base.about)
    return Told(variant.name, variant.choice, answer, epsilon, "reweighted", weights)


def _metadata(
    run: Fit, plan: Plan, expanded: Expanded, told: list[Told], weights: dict[str, Weights], group: str, jobs: Jobs
) -> dict[str, Any]:
    changed = {v.name: v.changed for v in expanded.variants}
    questions = {v.name for v in expanded.variants if v.asks}
    return about(run, group, INTERVAL) | {
        "plan": plan.name,
        "rule": plan.rule.model_dump() | {"words": rule_words(plan.rule)},
        "epsilon": EPSILON,
        "refit_seed": jobs.seed,
        "versions": versions(),
        "variants": [
            {
                "name": t.name, "choice": t.choice, "depth": t.depth, "changed": changed.get(t.name, {}),
                "asks_another_question": t.name in questions, "gate": t.answer.about["gate"],
                "failing": t.answer.about["failing"], "seconds": t.answer.about["seconds"],
                "pareto_k": weights[t.name].k if t.name in weights else None,
            }
            for t in told
        ],
        "left_out": expanded.left_out,
    }  # fmt: skip
