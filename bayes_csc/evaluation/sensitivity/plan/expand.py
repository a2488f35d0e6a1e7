"""A plan as variants of one base: expanded, crossed, and refused whole if any of it is impossible."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from typing import Any

from bayes_csc.errors import SpecError
from bayes_csc.evaluation.sensitivity.plan.check import combination_problems, panel_problems
from bayes_csc.evaluation.sensitivity.plan.plan import Cross, Entry, PanelChange, Plan, Question, Scales
from bayes_csc.evaluation.sensitivity.plan.variant import BASE, Variant
from bayes_csc.files.spelling import nearest
from bayes_csc.panel.indicator_selection import chosen_indicators
from bayes_csc.panel.panel import Panel
from bayes_csc.spec import Spec


@dataclass(frozen=True)
class Expanded:
    """A plan's variants of one base.

    Attributes
    ----------
    variants
        In the plan's order.
    left_out
        Optional variants that the panel does not allow, by name, and why.
    """

    variants: tuple[Variant, ...]
    left_out: dict[str, str]


def expand(plan: Plan, panel: Panel, base: Spec) -> Expanded:
    """Lay a plan over a base.

    Parameters
    ----------
    plan
        What is declared.
    panel
        The base's data.
    base
        The base's spec.

    Raises
    ------
    SpecError
        A name given twice or not known, an indicator, domain, year or region that the panel does not have, a change
        that no spec allows, a combination that is impossible or changes nothing: all of them at once.
    """
    problems: list[str] = []
    entries = [*left_out_each(plan, panel, base), *scaled(plan.scales, base, problems), *plan.variant]
    counts = Counter(entry.name for entry in entries)
    problems += [f"two variants are called {name!r}; give each its own name" for name, n in counts.items() if n > 1]
    if BASE in counts:
        problems.append(f"no variant may be called {BASE!r}: that is what they are compared with")
    by_name = {entry.name: entry for entry in entries}
    for cross in plan.cross:
        entries += crossed(cross, by_name, problems)
    variants, left_out = [], {}
    for entry in entries:
        found = _variant(entry, panel, base)
        if isinstance(found, Variant):
            variants.append(found)
        elif entry.optional:
            left_out[entry.name] = "; ".join(found)
        else:
            problems += [f"variant {entry.name!r}: {problem}" for problem in found]
    if not variants and not problems:
        problems.append("the plan has no variant")
    if problems:
        raise SpecError("\n".join([f"plan {plan.name}: {problem}" for problem in problems]))
    return Expanded(tuple(variants), left_out)


def left_out_each(plan: Plan, panel: Panel, base: Spec) -> list[Entry]:
    """Variants that leave out each indicator, domain, year or region that the base has, in turn."""
    keys = chosen_indicators(panel, base)
    cells = panel.cells[panel.cells["indicator"].isin(keys)]
    observed = cells[cells["status"].isin(["observed", "suppressed"])]
    out: list[Entry] = []
    if plan.leave_out.indicators and len(keys) > 1:
        out += [
            Entry(name=f"without {key}", choice="indicators", spec={"drop": [*base.drop, key]})
            for key in keys
        ]  # fmt: skip
    domains = sorted({panel.indicators[key].domain for key in keys})
    if plan.leave_out.domains and len(domains) > 1:
        out += [
            Entry(name=f"without domain {d}", choice="domains", spec={"drop_domains": [*base.drop_domains, d]})
            for d in domains
            if sum(panel.indicators[key].domain == d for key in keys) > 1 or not plan.leave_out.indicators
        ]
    if plan.leave_out.years:
        years = sorted({int(year) for year in observed["year"]})
        out += [Entry(name=f"without {t}", choice="years", panel=PanelChange(drop_years=(t,))) for t in years]
    if plan.leave_out.regions:
        regions = sorted(set(panel.authorities["region"]))
        out += [Entry(name=f"without {r}", choice="regions", panel=PanelChange(drop_regions=(r,))) for r in regions]
    return out


def scaled(scales: Scales, base: Spec, problems: list[str]) -> list[Entry]:
    """Variants that multiply each prior's scale."""
    known = dict(_numbers(base.model_dump()))
    out = []
    for key in scales.priors:
        if key not in known:
            problems.append(f"scales: no number {key!r} in a spec{nearest(key, known)}")
            continue
        for factor in scales.factors:
            change: Any = known[key] * factor
            for part in reversed(key.split(".")):
                change = {part: change}
            out.append(Entry(name=f"{key} x {factor:g}", choice=f"prior: {key}", spec=change))
    return out


def _numbers(values: dict[str, Any], before: str = "") -> Iterable[tuple[str, float]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _numbers(value, f"{before}{key}.")
        elif isinstance(value, float):
            yield f"{before}{key}", value


def crossed(cross: Cross, by_name: dict[str, Entry], problems: list[str]) -> list[Entry]:
    """Every combination of one variant from each list."""
    unknown = sorted({name for names in cross.of for name in names} - by_name.keys())
    problems += [f"cross: no variant {name!r}{nearest(name, by_name)}" for name in unknown]
    if unknown:
        return []
    out = []
    for names in product(*cross.of):
        parts = [by_name[name] for name in names]
        try:
            spec = _together([part.spec for part in parts])
            panel = PanelChange(**_together([part.panel.model_dump(exclude_defaults=True) for part in parts]))
            question = Question(**_together([part.question.model_dump(exclude_defaults=True) for part in parts]))
        except ValueError as clash:
            problems.append(f"cross: {' + '.join(names)}: both change {clash}")
            continue
        depth = max((part.depth for part in parts), key=["auto", "reweight", "preview", "full"].index)
        choice = " + ".join(dict.fromkeys(part.choice for part in parts))
        optional = any(part.optional for part in parts)
        out.append(
            Entry(
                name=" + ".join(names), choice=choice, spec=spec, panel=panel, question=question, depth=depth,
                optional=optional,
            )
        )  # fmt: skip
    return out


def _together(changes: list[dict[str, Any]], before: str = "") -> dict[str, Any]:
    """Nested changes as one.

    Raises
    ------
    ValueError
        Two of them change the same key to different values; it is the message.
    """
    out: dict[str, Any] = {}
    for change in changes:
        for key, value in change.items():
            if key not in out:
                out[key] = value
            elif isinstance(value, dict) and isinstance(out[key], dict):
                out[key] = _together([out[key], value], f"{before}{key}.")
            elif out[key] != value:
                raise ValueError(f"{before}{key}")
    return out


def _variant(entry: Entry, panel: Panel, base: Spec) -> Variant | list[str]:
    """The variant of an entry, or all that is wrong with it."""
    problems = panel_problems(entry.panel, panel)
    try:
        spec = base.updated(entry.spec, where="spec")
    except SpecError as error:
        return problems + str(error).split("\n")
    try:
        problems += combination_problems(entry, spec, panel)
    except SpecError as error:
        problems += str(error).split("\n")
    dumped = entry.model_dump(mode="json", exclude_defaults=True, exclude={"name", "choice", "optional", "depth"})
    seed = entry.seed
    made = Variant(entry.name, entry.choice, spec, entry.panel, entry.question, entry.depth, seed, dumped)
    if not problems and not made.asks and not made.refits(base):
        problems.append("it changes nothing of the base; leave it out, or say what differs")
    return problems or made
