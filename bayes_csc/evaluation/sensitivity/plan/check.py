"""What makes a variant impossible: names that the panel does not have, and changes that contradict each other."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Sequence

from bayes_csc.evaluation.sensitivity.plan.panel_change import remaining
from bayes_csc.evaluation.sensitivity.plan.plan import Entry, PanelChange, Question
from bayes_csc.files.spelling import nearest
from bayes_csc.measurement.deprivation import deprivation_scores
from bayes_csc.panel.indicator_selection import chosen_indicators
from bayes_csc.panel.panel import Panel
from bayes_csc.spec import Spec

FEWEST = 3
"""Authorities that a variant must leave."""


def panel_problems(change: PanelChange, panel: Panel) -> list[str]:
    """All that the panel does not have, or would not have left."""
    if change == PanelChange():
        return []
    regions = {str(region) for region in panel.authorities["region"]}
    years = {int(year) for year in panel.cells["year"].unique()}
    problems = _unknown("region", change.drop_regions, regions)
    problems += [
        f"no year {t} in the panel; it has {min(years)} to {max(years)}" for t in change.drop_years if t not in years
    ]
    if not problems and years <= set(change.drop_years):
        problems.append("it leaves no year")
    if not problems and len(remaining(change, panel)) < FEWEST:
        problems.append(f"it leaves fewer than {FEWEST} authorities")
    if change.drop_joint_returns and not any("+" in unit for unit in panel.cells["authority"].unique()):
        problems.append("the panel has no joint returns")
    if change.neighbour_groups:
        if change.neighbour_groups < 2 or change.neighbour_groups >= len(panel.authorities):
            problems.append(f"neighbour_groups: expected 2 to fewer than {len(panel.authorities)} groups")
        if not panel.authorities["neighbours"].fillna("").ne("").any():
            problems.append("the panel has no statistical neighbours")
        if change.drop_regions:
            problems.append("neighbours in place of regions, and regions left out: choose one")
    return problems


def combination_problems(entry: Entry, spec: Spec, panel: Panel) -> list[str]:
    """All in which a variant's own parts contradict each other.

    Raises
    ------
    SpecError
        The spec leaves no data, or names what the panel does not have.
    """
    problems = []
    own = entry.spec
    keys = {indicator.domain for indicator in panel.indicators.values()}
    unshared = [d for d in spec.measurement.unshared if d != "*"]
    problems += _unknown("domain", (*spec.drop_domains, *unshared), keys)
    problems += _unknown("indicator", (*spec.indicators, *spec.drop), panel.indicators)
    if not problems:
        left = chosen_indicators(panel, spec)
        problems += [] if left else ["it leaves no indicator"]
    if not spec.ratings.use and set(own.get("ratings", {})) - {"use"}:
        problems.append("ratings.use is false, so that nothing else of the ratings matters")
    if not spec.pooling.deprivation and {"deprivation_score", "deprivation_form"} & set(own.get("pooling", {})):
        problems.append("pooling.deprivation is false, so that its score and form do not matter")
    if entry.panel.neighbour_groups and not spec.pooling.region:
        problems.append("neighbours in place of regions, but no pooling by region")
    if spec.dimensions.outcomes:
        problems.append("dimensions.outcomes belongs to the model of two dimensions")
    scored = {"deprivation", "deprivation_score", "deprivation_form"} & set(own.get("pooling", {}))
    if spec.pooling.deprivation and scored and not problems:
        covariates = set(panel.covariates["covariate"].unique())
        along = spec.pooling.deprivation_score in covariates
        if not along:
            deprivation_scores(panel, spec.pooling.deprivation_score)
        elif spec.pooling.deprivation_form != "linear":
            problems.append("deprivation along a path has a linear form only")
    return problems + _question_problems(entry, spec, panel)


def _question_problems(entry: Entry, spec: Spec, panel: Panel) -> list[str]:
    problems = []
    question = entry.question
    if question != Question() and entry.depth == "full":
        problems.append("another question needs no fit of its own; leave depth out")
    if question.next_in_years is not None and not spec.ratings.use:
        problems.append("next_in_years needs ratings: without them there is no forecast")
    if isinstance(question.anchor, datetime.date) and question.anchor >= panel.date:
        problems.append(f"anchor: expected a day before the panel's date, {panel.date}, found {question.anchor}")
    if entry.depth == "reweight" and (entry.panel != PanelChange() or question != Question()):
        problems.append("only another prior can be had by reweighting; leave depth out")
    return problems


def _unknown(kind: str, names: Sequence[str], known: Collection[str]) -> list[str]:
    return [f"no {kind} {name!r} in the panel{nearest(name, known)}" for name in names if name not in known]
