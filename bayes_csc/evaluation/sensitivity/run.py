"""A sensitivity analysis: a plan's variants beside their base."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayes_csc.estimates.run_tables import about, refuse_failed
from bayes_csc.evaluation.dask_jobs import Job, results
from bayes_csc.evaluation.forecast.forecast import has_judgements
from bayes_csc.evaluation.sensitivity.answers.answer import Answer, about_fit, authorities, moments
from bayes_csc.evaluation.sensitivity.answers.model_scores import score_table
from bayes_csc.evaluation.sensitivity.answers.own_draws import (
    anchored_of,
    dated_of,
    forecast_of,
    power_of,
    scores_of,
    value_of,
)
from bayes_csc.evaluation.sensitivity.answers.packed import unpacked, unpacked_table
from bayes_csc.evaluation.sensitivity.answers.predictive import Predictive
from bayes_csc.evaluation.sensitivity.answers.reweight import Weights
from bayes_csc.evaluation.sensitivity.answers.value_of_data import Offer
from bayes_csc.evaluation.sensitivity.answers.worse import NOTHING, Worse
from bayes_csc.evaluation.sensitivity.jobs import FULL, Jobs, common, only_numbers, ratio_of
from bayes_csc.evaluation.sensitivity.plan.expand import Expanded, expand
from bayes_csc.evaluation.sensitivity.plan.outlying import degrees
from bayes_csc.evaluation.sensitivity.plan.plan import Plan
from bayes_csc.evaluation.sensitivity.plan.variant import BASE, Variant
from bayes_csc.evaluation.sensitivity.result import Sensitivity
from bayes_csc.evaluation.sensitivity.table import INTERVAL, Told, rows_of
from bayes_csc.evaluation.sensitivity.verdict import choices, rule_words, verdicts
from bayes_csc.files.result_cache import Kept, versions
from bayes_csc.inference.chains import Progress
from bayes_csc.inference.fit import Fit, Model
from bayes_csc.inference.groups import members
from bayes_csc.inference.probabilities import EPSILON
from bayes_csc.spec import Spec

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
        Of the cluster that refits (`bayes_csc.evaluation.dask_jobs.dask_client`).
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
    offer = offer or Offer()
    further_jobs = {
        "value": jobs.own("value", partial(value_of, codes, offer), codes=codes, offer=asdict(offer)),
        "power": jobs.own("power", partial(power_of, codes), codes=codes),
    }
    told, weights, tables = _told(expanded, jobs, further_jobs if further else {}, client, cache, tell)
    names = {str(code): str(name) for code, name in run.panel.authorities["name"].items()}
    parts: list[pd.DataFrame] = [rows_of(each, codes, names) for each in told]
    rows = pd.concat(parts, ignore_index=True)
    questions = [v.name for v in expanded.variants if v.asks]
    return Sensitivity(
        rows=rows,
        verdicts=verdicts(rows, plan.rule, questions),
        choices=choices(rows, plan.rule, questions),
        scores=score_table(told, told[0]),
        power=tables.get("power", pd.DataFrame()),
        value=tables.get("value", pd.DataFrame()),
        metadata=_metadata(run, plan, expanded, told, weights, group, jobs),
    )


def _told(
    expanded: Expanded, jobs: Jobs, further: dict[str, Job], client: Client, cache: Kept | None, tell: Tell
) -> tuple[list[Told], dict[str, Weights], dict[str, pd.DataFrame]]:
    """The base and all variants, each with its answer; weights of those reweighted; and further tables."""
    run, variants = jobs.run, expanded.variants
    refits = [v for v in variants if v.refits(run.spec)]
    near = [v for v in refits if _near(v, run)]
    depth = {v.name: FULL if v.depth == "full" else "preview" for v in refits}
    work = _Work(jobs, client, cache, tell, common(run, jobs.model, degrees(v.panel.tails for v in variants)))
    own, asked = _own(jobs), _asked(jobs, [v for v in variants if v not in refits])
    new, alike = _by_structure([v for v in refits if v not in near], run.spec)
    first = [*(jobs.refit(v, depth[v.name]) for v in new), *own.values(), *further.values(), *asked.values()]
    first += [*(jobs.refit(v, depth[v.name]) for v in alike), *(jobs.ratio(v) for v in near)]
    found = work.done(first)
    weights = {v.name: w for v in near if (w := _weights(found[jobs.ratio(v).key])) is not None}
    usable = {v.name for v in near if v.name in weights and (weights[v.name].reliable or v.depth == "reweight")}
    found |= work.done([jobs.refit(v, depth[v.name]) for v in near if v.name not in usable])
    worse = Worse.of_bytes(found[own["forecast"].key]) if "forecast" in own else None
    scores = Predictive.of_parts(*unpacked(found[own["scores"].key]))
    table = NOTHING if worse is None else worse.table()
    base = Answer(authorities(run), *moments(run), table, scores, about_fit(run))
    out = [Told(BASE, BASE, base, EPSILON, BASE)]
    for v in variants:
        epsilon = EPSILON if v.question.epsilon is None else v.question.epsilon
        if v.name in usable:
            out.append(_reweighted(v, base, worse, weights[v.name], epsilon))
        elif v in refits:
            answer = Answer.of_bytes(found[jobs.refit(v, depth[v.name]).key])
            out.append(Told(v.name, v.choice, answer, epsilon, depth[v.name]))
        else:
            out.append(Told(v.name, v.choice, _recomputed(v, base, found, asked), epsilon, "recomputed"))
    return out, weights, {name: unpacked_table(found[job.key]) for name, job in further.items()}


def _own(jobs: Jobs) -> dict[str, Job]:
    """What every analysis computes of the base's draws."""
    forecast = {"forecast": jobs.own("forecast", forecast_of)} if has_judgements(jobs.run) else {}
    return forecast | {"scores": jobs.own("scores", scores_of)}


def _asked(jobs: Jobs, variants: Sequence[Variant]) -> dict[str, Job]:
    """What other questions ask of the base's draws, by the question's part and its value."""
    out = {}
    for question in (v.question for v in variants):
        if question.anchor is not None:
            name = f"anchor {question.anchor}"
            out[name] = jobs.own("anchor", partial(anchored_of, question.anchor), anchor=name)
        if question.next_in_years is not None and has_judgements(jobs.run):
            years = question.next_in_years
            out[f"years {years}"] = jobs.own("date", partial(dated_of, years), years=years)
    return out


def _recomputed(variant: Variant, base: Answer, found: dict[str, bytes], asked: dict[str, Job]) -> Answer:
    """The base's answer to another question."""
    anchor, years = (asked.get(f"{part} {value}") for part, value in (
        ("anchor", variant.question.anchor), ("years", variant.question.next_in_years)))  # fmt: skip
    moved = unpacked(found[anchor.key])[1] if anchor else {"mean": base.mean, "variance": base.variance}
    table = Worse.of_bytes(found[years.key]).table() if years else base.forecast
    return Answer(base.authority, moved["mean"], moved["variance"], table, None, base.about)


def _by_structure(variants: Sequence[Variant], base: Spec) -> tuple[list[Variant], list[Variant]]:
    """The first variant of each structure that may have to be compiled; and the others.

    Begun first, they are compiled once, side by side, and not by every worker that meets them.
    """
    first = {_structure(v.spec): v for v in reversed(variants)}
    first.pop(_structure(base), None)
    new = [v for v in variants if any(v is other for other in first.values())]
    return new, [v for v in variants if v not in new]


def _structure(spec: Spec) -> str:
    """A spec without its numbers and without what it leaves out."""
    return json.dumps(_kinds(spec.model_dump(mode="json", exclude={"name", "drop", "drop_domains", "indicators"})))


def _kinds(values: Any) -> Any:
    if isinstance(values, dict):
        return {key: _kinds(value) for key, value in values.items()}
    return None if isinstance(values, float) else values


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
    common: dict[str, Any]

    def done(self, wanted: Iterable[Job]) -> dict[str, bytes]:
        """Results by key."""
        by_key = {job.key: job for job in wanted}
        found = {key: text for key in by_key if self.cache and (text := self.cache.read(key)) is not None}
        missing = [job for key, job in by_key.items() if key not in found]
        self.tell(Progress(STAGE, 0, len(missing)))
        for job, content in results(missing, self.common, client=self.client, stage=STAGE, progress=self.tell):
            found[job.key] = content
            if self.cache and unpacked(content)[0].get("authority") != []:  # of a fit that failed
                self.cache.write(job.key, content)
        return found


def _weights(content: bytes) -> Weights | None:
    ratio = ratio_of(content)
    return None if ratio is None or not np.isfinite(ratio).all() else Weights.of(ratio)


def _reweighted(variant: Variant, base: Answer, worse: Worse | None, weights: Weights, epsilon: float) -> Told:
    size = weights.weight.size
    change = base.mean.shape[0] * base.mean.shape[1]
    if change != size:
        raise ValueError(f"{size} weights of {change} draws")
    answer = base
    if worse is not None:
        chosen = np.unique(np.linspace(0, size - 1, len(worse.marginal)).round().astype(int))
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
                "draws": t.answer.about["draws"],
                "pareto_k": weights[t.name].k if t.name in weights else None,
            }
            for t in told
        ],
        "left_out": expanded.left_out,
    }  # fmt: skip
