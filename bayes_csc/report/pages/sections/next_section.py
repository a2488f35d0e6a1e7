"""The section of an authority's page about its next judgement: sub-judgements first, then the overall grade."""

from __future__ import annotations

from bayes_csc.estimates.forecast.overall_name import WOULD, overall_heading
from bayes_csc.report.charts import authority_charts as charts
from bayes_csc.report.drawing.html import Content, element
from bayes_csc.report.findings.authority.authority_findings import AuthorityFindings
from bayes_csc.report.findings.words.next_words import (
    any_sentence,
    domain_grades,
    domain_words,
    domains_of,
    domains_sentence,
    parts_sentence,
)
from bayes_csc.report.findings.words.next_words import has_overall as gives_overall
from bayes_csc.report.findings.words.vocabulary import number
from bayes_csc.report.pages.page_parts import charted, paragraphs


def next_section(
    own: AuthorityFindings, no_overall_from: str | None, grades: tuple[str, ...], percent: str
) -> list[Content]:
    """Write the section.

    Parameters
    ----------
    own
        What is said of the authority, which has a forecast.
    no_overall_from
        Day from which inspections have no overall grade, if there is one.
    grades
        Best first.
    percent
        Probability of the intervals, as text.
    """
    row = own.forecast or {}
    whole = _overall(own, no_overall_from, grades, percent)
    if not domains_of(row):
        return whole
    name = "The overall grade" if gives_overall(row) else f"{WOULD[0].upper()}{WOULD[1:]}"
    return [*_domains(own, grades, percent), element("h3", name), *whole]


def _domains(own: AuthorityFindings, grades: tuple[str, ...], percent: str) -> list[Content]:
    row = own.forecast or {}
    rows = []
    for domain in domains_of(row):
        p, low, high = (domain_grades(row, domain, len(grades), end) for end in ("", "_lower", "_upper"))
        last = str(row[f"last_grade_{domain}"])
        rows += [
            [domain_words(domain), last, grade, *(number(v[g], ".3f") for v in (p, low, high))]
            for g, grade in enumerate(grades)
        ]
    made, header = (
        charts.domains(own, grades),
        ["Domain", "Last grade", "Grade", "Probability", f"{percent} from", "to"],
    )
    title = f"Sub-judgements of {own.name} at the next inspection"
    return [
        *paragraphs(any_sentence(row, grades[-1], percent), domains_sentence(row, grades)),
        *([charted(made, title, header, rows, texts=[1, 2])] if made else []),
    ]


def _overall(
    own: AuthorityFindings, no_overall_from: str | None, grades: tuple[str, ...], percent: str
) -> list[Content]:
    row, base = own.forecast or {}, own.base_rate
    given = gives_overall(row)
    order = sorted(range(len(grades)), key=lambda g: -row[f"p_grade_{g + 1}"])
    first, second = (f"{grades[g]} ({number(row[f'p_grade_{g + 1}'])})" for g in order[:2])
    finding = f"Most probable: {first}, then {second}."
    rows = [
        [grade, number(row[f"p_grade_{g + 1}"], ".3f"), number(row[f"p_grade_{g + 1}_lower"], ".3f"),
         number(row[f"p_grade_{g + 1}_upper"], ".3f"), "" if base is None else number(base[f"grade_{g + 1}"], ".3f")]
        for g, grade in enumerate(grades)
    ]  # fmt: skip
    note = (
        "The interval says how well each probability is itself known, given the model. The base rate is the plain "
        "share of each grade among past judgements that followed the same grade."
    )
    if not given:
        finding = (
            "The inspection is expected to give no overall grade. "
            f"{WOULD[0].upper()}{WOULD[1:]}: {finding[0].lower()}{finding[1:]}"
        )
    title = f"{overall_heading([given], no_overall_from)} of {own.name}"
    made, header = charts.next_grade(own, grades), ["Grade", "Probability", f"{percent} from", "to", "Base rate"]
    return [
        *paragraphs(finding, parts_sentence(row), note),
        *([charted(made, title, header, rows)] if made else []),
    ]
