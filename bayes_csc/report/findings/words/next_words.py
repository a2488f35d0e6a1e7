"""Words for the sub-judgements of a next inspection, read off a row of the forecast."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from bayes_csc.estimates.forecast.overall_name import GIVEN, overall_name
from bayes_csc.report.findings.words.vocabulary import joined, number, of_hundred, spread

DOMAIN = re.compile(r"p_(.+)_grade_1")


def domains_of(columns: Mapping[Any, Any] | Sequence[Any]) -> list[str]:
    """Domains that a forecast has grades of, in the order of its columns; none where it is of the overall grade alone.

    Examples
    --------
    >>> domains_of(["p_any_worse", "p_leadership_grade_1", "p_leadership_grade_1_lower", "p_grade_1"])
    ['leadership']
    """
    return [found[1] for name in columns if (found := DOMAIN.fullmatch(str(name)))]


def domain_words(domain: str) -> str:
    """Write a domain for readers.

    Examples
    --------
    >>> domain_words("help_and_protection")
    'help and protection'
    """
    return domain.replace("_", " ")


def has_overall(forecast: Mapping[Any, Any]) -> bool:
    """Whether an inspection at the median of a row's date gives an overall grade."""
    return bool(forecast.get("next_has_overall", True))


def domain_grades(forecast: Mapping[Any, Any], domain: str, grades: int, end: str = "") -> list[float]:
    """Probabilities of a domain's grades, best first, or an end of their intervals."""
    return [float(forecast[f"p_{domain}_grade_{g}{end}"]) for g in range(1, grades + 1)]


def any_sentence(forecast: Mapping[Any, Any], worst: str, percent: str) -> str:
    """Say how probable it is that any domain is judged worse, and that any gets the worst grade; blank without domains.

    Parameters
    ----------
    forecast
        The authority's row.
    worst
        Label of the worst grade.
    percent
        Probability of the intervals, as text.
    """
    if not domains_of(forecast):
        return ""
    low = forecast["p_any_inadequate"]
    ends = spread(forecast["p_any_inadequate_lower"], forecast["p_any_inadequate_upper"])
    any_worst = f"The probability that any domain is judged {worst} is {number(low)} ({percent} interval {ends})."
    worse = forecast["p_any_worse"]
    if worse != worse:
        return any_worst
    ends = spread(forecast["p_any_worse_lower"], forecast["p_any_worse_upper"])
    return (
        f"Of 100 authorities that look like this one, {of_hundred(worse)} would be expected to have some domain judged "
        f"worse than when it was last judged (probability {number(worse)}, {percent} interval {ends}). {any_worst}"
    )


def domains_sentence(forecast: Mapping[Any, Any], grades: Sequence[str]) -> str:
    """Name each domain's most probable grade; blank without domains.

    Examples
    --------
    >>> row = {"p_care_leavers_grade_1": 0.3, "p_care_leavers_grade_2": 0.7}
    >>> domains_sentence(row, ["good", "bad"])
    'Most probable by domain: care leavers bad (0.70).'
    """
    said = []
    for domain in domains_of(forecast):
        p = domain_grades(forecast, domain, len(grades))
        said.append(f"{domain_words(domain)} {grades[p.index(max(p))]} ({number(max(p))})")
    return f"Most probable by domain: {joined(said)}." if said else ""


def pool_sentence(about: Mapping[Any, Any]) -> str:
    """Say what a table of forecasts is a mixture of, by its metadata; or why the model's stands alone.

    Examples
    --------
    >>> about = {"pooled_with": "transitions", "weight_12_months": 0.46, "weight_24_months": 0.5}
    >>> pool_sentence(about)[:68]
    'Each forecast mixes the model with past transitions from grade to gr'
    >>> pool_sentence({"model_alone": "no backtest of the panel hamlets ships"})
    "The forecasts are the model's alone: no backtest of the panel hamlets ships."
    """
    if "model_alone" in about:
        return f"The forecasts are the model's alone: {about['model_alone']}."
    if "pooled_with" not in about:
        return ""
    return (
        f"Each forecast mixes the model with past transitions from grade to grade ({about['pooled_with']}); the model "
        f"has a weight of {about['weight_12_months']:.0%} within a year and {about['weight_24_months']:.0%} later, "
        "learned from the outcomes that were published by the run's date."
    )


def parts_sentence(forecast: Mapping[Any, Any]) -> str:
    """Say what each part of the mixture gives for a worse overall grade; blank where there is no mixture or no P.

    Examples
    --------
    >>> row = {"model_weight": 0.46, "p_next_worse_model": 0.21, "p_next_worse_transitions": 0.15}
    >>> parts_sentence(row)
    'By itself the model (weight 46%) gives a worse overall grade 0.21, past transitions (54%) give it 0.15.'
    """
    model, other = (forecast.get(f"p_next_worse_{name}", float("nan")) for name in ("model", "transitions"))
    if model != model or other != other:
        return ""
    weight = float(forecast["model_weight"])
    return (
        f"By itself the model (weight {weight:.0%}) gives a worse overall grade {number(model)}, past transitions "
        f"({1.0 - weight:.0%}) give it {number(other)}."
    )


def domain_rows(forecast: Mapping[Any, Any], grades: Sequence[str], form: str = ".2f") -> list[list[str]]:
    """Rows of a table: each domain, its latest grade, and the probability of each grade, best first."""
    return [
        [
            domain_words(domain), str(forecast[f"last_grade_{domain}"]),
            *(number(p, form) for p in domain_grades(forecast, domain, len(grades))),
        ]
        for domain in domains_of(forecast)
    ]  # fmt: skip


def next_headings(forecast: pd.DataFrame | None, codes: Sequence[str], worst: str) -> dict[str, str]:
    """Headings of the columns of a list that are about the next inspection, by column of the forecast.

    Parameters
    ----------
    forecast
        The forecast; None where there is none.
    codes
        Authorities of the list.
    worst
        Label of the worst grade.
    """
    name, first = GIVEN, {}
    if forecast is not None:
        given = forecast.loc[forecast["authority"].isin(list(codes)), "next_has_overall"]
        name = overall_name(given, forecast.attrs["no_overall_from"])
        if domains_of(list(forecast.columns)):
            first = {"p_any_worse": "P(any domain worse)", "p_any_inadequate": f"P(any domain {worst})"}
    if name == GIVEN:
        kind = "overall grade" if first else "grade"
        return first | {f"p_next_{way}": f"P({way} {kind})" for way in ("worse", "better")}
    return first | {f"p_next_{way}": f"P({way}): {name}" for way in ("worse", "better")}
