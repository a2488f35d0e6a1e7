"""The page of one authority."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bayes_csc.measurement.figures_used import NO_FIGURES, without_figures
from bayes_csc.panel.calendar import day
from bayes_csc.panel.panel import NO_OVERALL
from bayes_csc.report.charts import authority_charts as charts
from bayes_csc.report.drawing.html import Content, element, table
from bayes_csc.report.findings.authority.authority_findings import AuthorityFindings
from bayes_csc.report.findings.authority.caveats import ALWAYS, USE, use_here
from bayes_csc.report.findings.words.contribution_words import contribution_sentence, with_figures
from bayes_csc.report.findings.words.sentences import (
    both_sentence,
    change_sentence,
    composite_sentence,
    level_sentence,
    next_sentence,
    no_figures_sentence,
    path_sentence,
    recent_words,
)
from bayes_csc.report.findings.words.vocabulary import count_of, joined, number, spread
from bayes_csc.report.pages.page_parts import Section, bullets, charted, paragraphs, site_page
from bayes_csc.report.pages.sections.indicator_sections import indicator_sections
from bayes_csc.report.pages.sections.next_section import next_section
from bayes_csc.report.pages.sections.sensitivity_section import authority_sensitivity
from bayes_csc.report.pages.what_if_panel import kept_data, what_if_panel

CAVEATS, FIRST = 3, 4
"""Caveats and indicators on the first sheet; all stand in the evidence."""


def authority_page(
    own: AuthorityFindings, about: dict[str, Any], grades: tuple[str, ...], used: tuple[str, ...],
    others: list[tuple[str, str]],
) -> str:  # fmt: skip
    """Write the page of an authority.

    Parameters
    ----------
    own
        What is said of it.
    about
        What every output carries.
    grades
        Best first.
    used
        Keys of the indicators that the fit used.
    others
        Slug and link text of the pages before and after it.
    """
    percent = f"{about['interval']['probability']:.0%}"
    sections: list[Section] = [
        ("answer", "In short", _summary(own, about, grades, percent)),
        ("trajectory", "Its trajectory", paragraphs(*_trajectory_words(own, percent))),
        *(
            [("next", "The next judgement", next_section(own, about.get("no_overall_from"), grades, percent))]
            if own.forecast
            else []
        ),
        ("change", "The change since the last inspection", _change(own, about, percent)),
        ("contributions", "What moved the estimate", _contributions(own, percent)),
        ("indicators", "Every indicator", indicator_sections(own, set(used), percent)),
        ("sensitivity", "Does it depend on how it was done?", authority_sensitivity(own)),
        ("data", "Gaps and breaks in the data", _data(own, set(used))),
        ("use", "What this cannot tell, and how to use it", _use(own)),
        ("what-if", "With other settings", [what_if_panel(about, list(own.what_if["periods"]))]),
    ]
    return site_page(
        own.name, [_facts(own, about)], sections, about, slug=own.slug, others=others,
        first=1,
        data=kept_data("authority", own.what_if | ({"note": NO_FIGURES} if without_figures(own.decline) else {})),
    )  # fmt: skip


def _facts(own: AuthorityFindings, about: dict[str, Any]) -> Content:
    last = own.decline["last_grade"]
    worst = " (the worst sub-judgement; it has no overall grade)" if NO_OVERALL in own.decline["note"] else ""
    judged = (
        f"last judged {last}{worst}, inspection of {day(own.decline['last_inspection'])}"
        if last
        else "no grade on record"
    )
    return element(
        "p",
        f"{own.region}; {judged}. {about['data_days']}",
        class_="lead",
    )


def _summary(own: AuthorityFindings, about: dict[str, Any], grades: tuple[str, ...], percent: str) -> list[Content]:
    """Say all that a reader with one sheet needs: the answer, the path, what moved it, its limits."""
    said = [no_figures_sentence(own.decline), change_sentence(own.decline, percent, recent_words(about))]
    if own.forecast:
        said.append(next_sentence(own.forecast, own.base_rate, grades, percent))
        said.append(both_sentence(own.decline, own.forecast, own.base_rate))
        said.append(level_sentence(own.forecast, about["threshold"], about["loss_ratio"], percent))
    limits = own.caveats[:CAVEATS]
    return [
        *paragraphs(*said), _trajectory(own, about, grades, percent), *_moved_most(own, percent),
        *([element("p", "Before you read on:"), bullets(limits)] if limits else []),
    ]  # fmt: skip


def _trajectory_words(own: AuthorityFindings, percent: str) -> list[str]:
    """Say what the chart of the path is of, and what a plain mean of the indicators is beside it."""
    note = (
        "Latent quality is what the indicators and the judgements share. Zero is the national mean of each year. One "
        "unit is the spread between authorities of the same region and deprivation: two in three of them lie within "
        "one unit of what such authorities have in common."
    )
    graded = [f"{row.label} ({row.date:%B %Y})" for row in own.inspections.dropna(subset=["date"]).itertuples()]
    judged = f"Judged {joined(graded)}." if graded else "Never judged on record."
    return [note, f"{path_sentence(own.fan, percent)} {judged}", composite_sentence(own.composite, own.decline)]


def _trajectory(own: AuthorityFindings, about: dict[str, Any], grades: tuple[str, ...], percent: str) -> Content:
    """Draw the path with its finding, and the table behind it."""
    bands = ("median", "inner_lower", "inner_upper", "lower", "upper")
    rows = [
        [
            f"30 September {int(str(year)) - 1}",
            *(number(row[c], "+.2f") for c in bands),
            number(float(region), "+.2f"),
        ]
        for region, (year, row) in zip(own.region_path.to_numpy(), own.fan.iterrows(), strict=True)
    ]
    header = ["Date", "Median", "50% from", "to", f"{percent} from", "to", f"Mean of {own.region}"]
    return charted(charts.trajectory(own, about, grades), f"Latent quality of {own.name}", header, rows)


def _change(own: AuthorityFindings, about: dict[str, Any], percent: str) -> list[Content]:
    row = own.decline
    recent = (
        f"Over {recent_words(about)}: {number(row['recent_delta_median'], '+.2f')} ({percent} interval "
        f"{spread(row['recent_delta_lower'], row['recent_delta_upper'], '+.2f')}); probability of a decline of more "
        f"than {about['epsilon']:g}: {number(row['p_recent_decline'])}."
    )
    made = charts.change(own, about)
    if own.density is None or made is None:
        return paragraphs("Without an inspection on record there is no change since one.", recent)
    finding = (
        f"Probability of a decline of more than {about['epsilon']:g}: {number(row['p_decline'])} (Monte Carlo error "
        f"{number(row['p_decline_mcse'], '.4f')}); had nothing been observed since the inspection: "
        f"{number(row['p_decline_no_data'])}."
    )
    rows = [[number(x, "+.3f"), number(f, ".4f"), number(g, ".4f")] for x, f, g in own.density.to_numpy()[::4]]
    header = ["Change", "Density given all data", "Had nothing been observed"]
    return [*paragraphs(finding, recent), charted(made, "Density of the change", header, rows)]


def _contributions(own: AuthorityFindings, percent: str) -> list[Content]:
    parts = own.contributions[own.contributions["kind"] != "total"]
    total = own.contributions.loc[own.contributions["kind"] == "total", "contribution"].sum()
    made = charts.contributions(own)
    if parts.empty or made is None:
        return paragraphs("Without an inspection on record there is no change since one to take apart.")
    parts = with_figures(own)
    finding = contribution_sentence(parts)
    rows = _effects(parts)
    rows.append(["total", "", "", "", "", "", number(float(total), "+.3f"), "", ""])
    note = (
        "The parts sum to the mean of the change. “Then” is the last figure before the inspection, “now” the newest, "
        "as published. Indicators of one domain share what they say: read those of the workforce together. The "
        "interval is over draws of the model's parameters. Parts below 0.02 are summed up as the rest."
    )
    return [
        *paragraphs(finding, note),
        charted(made, "Contributions to the change", _header(own, percent), rows, texts=[5]),
    ]


def _moved_most(own: AuthorityFindings, percent: str) -> list[Content]:
    """Table of the indicators that moved the estimate most, with their figures; nothing without one."""
    if own.contributions.empty or (parts := with_figures(own)).empty:
        return []
    parts = parts[parts["now"].ne("") | parts["then"].ne("")].head(FIRST)
    caption = f"The {count_of(len(parts), 'indicator')} that moved the estimate most"
    return [table(caption, _header(own, percent), _effects(parts), texts=[5])] if len(parts) else []


def _header(own: AuthorityFindings, percent: str) -> list[str]:
    nation = own.record.panel["name"]
    return ["Source", "Then", "Now", f"{nation} then", f"{nation} now", "Better", "Effect", f"{percent} from", "to"]


def _effects(parts: pd.DataFrame) -> list[list[str]]:
    return [
        [str(r["label"]), *(str(r[c]) for c in ("then", "now", "national_then", "national_now", "better")),
         *(number(float(r[c]), "+.3f") for c in ("contribution", "lower", "upper"))]
        for r in parts.to_dict("records")
    ]  # fmt: skip


def _data(own: AuthorityFindings, used: set[str]) -> list[Content]:
    record = own.record
    gaps = record.gaps[record.gaps["indicator"].isin(used)]
    content: list[Content] = []
    if len(gaps):
        lines = []
        for key, rows in gaps.groupby("indicator", sort=False):
            words = {"no_row": "no row", "not_available": "not available", "not_applicable": "not applicable"}
            each = [f"{year} ({words[str(status)]})" for year, status in zip(rows["year"], rows["status"], strict=True)]
            lines.append(f"{record.indicators[str(key)].label}: {joined(each)}.")
        content += [element("p", "Figures that others have and the model would use, missing here:"), bullets(lines)]
    else:
        content += paragraphs("No figure that the model would use, and that others have, is missing here.")
    changes = record.release_changes[record.release_changes["indicator"].isin(used)]
    if len(changes):
        lines = [
            f"{record.indicators[str(key)].label}: from {joined([str(y) for y in rows['year']])} the figures are read "
            "from another release, so that a step there may be one of definition."
            for key, rows in changes.groupby("indicator", sort=False)
        ]
        content += [element("p", "Changes of release within its series:"), bullets(lines)]
    if len(record.revisions):
        content += paragraphs(f"{count_of(len(record.revisions), 'figure')} of it "
                              f"{'was' if len(record.revisions) == 1 else 'were'} restated by a later release; the "
                              "latest stands here.")  # fmt: skip
    content += paragraphs(*(f"{name} of the panel: {text}" for name, text in record.notes.items()))
    return content


def _use(own: AuthorityFindings) -> list[Content]:
    return [
        element("h3", "What it cannot tell"),
        bullets([*own.caveats, *ALWAYS]),
        element("h3", "How to use it"),
        bullets([*use_here(own.decline, own.contributions), *USE]),
    ]
