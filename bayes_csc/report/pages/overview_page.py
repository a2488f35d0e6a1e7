"""The first page of a report: the question, how good the forecasts have been, the group, the nation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from bayes_csc.estimates.information import in_words
from bayes_csc.measurement.figures_used import NO_FIGURES, without_figures
from bayes_csc.report.charts.hexagon_chart import hexagon_chart
from bayes_csc.report.charts.method.model_diagram import model_diagram
from bayes_csc.report.charts.panels.series_chart import series_panels
from bayes_csc.report.drawing.chart import Chart
from bayes_csc.report.drawing.html import Content, element, folded, table
from bayes_csc.report.findings.authority.caveats import ALWAYS, USE
from bayes_csc.report.findings.collect import Findings
from bayes_csc.report.findings.hexagon_layout import hexagon_layout
from bayes_csc.report.findings.words.next_words import domain_rows, domains_of, next_headings, pool_sentence
from bayes_csc.report.findings.words.sentences import (
    caterpillar_sentence,
    figures_words,
    group_without_figures,
    information_sentence,
)
from bayes_csc.report.findings.words.vocabulary import NOT_AGREED, better_words, count_of, number, spread
from bayes_csc.report.pages.page_parts import Section, bullets, charted, links_beside, paragraphs, site_page
from bayes_csc.report.pages.sections.backtest_section import backtest_section
from bayes_csc.report.pages.sections.sensitivity_section import group_sensitivity
from bayes_csc.report.pages.what_if_panel import kept_data, what_if_panel


def overview_page(found: Findings) -> str:
    """Write the overview of a report."""
    about = found.about
    percent = f"{about['interval']['probability']:.0%}"
    sections: list[Section] = [
        ("question", "The question", _question(found, percent)),
        ("group", f"The authorities: {about['group']}", _group(found, percent)),
        ("map", "The map", _map(found)),
        ("information", "What the estimates are made of", _information(found)),
        ("model", "The model in one paragraph", _model()),
        ("record", "How good the forecasts have been", backtest_section(found.backtest, about)),
        ("nation", "The nation as a whole", _nation(found, percent)),
        ("choices", "How far the answers hang on choices", group_sensitivity(found)),
        ("use", "What this cannot tell, and how to use it", [bullets([*ALWAYS, *USE])]),
        ("what-if", "With other settings", [what_if_panel(about, _spans(found), groups=_groups(found))]),
    ]
    title = "Has the quality of children's services declined?"
    return site_page(title, [], sections, about, slug="index", others=links_beside(found), data=overview_draws(found))


def _groups(found: Findings) -> list[str]:
    labels = dict.fromkeys([*found.panel.grades, *(g for own in found.panel.framework_grades.values() for g in own)])
    grades = [g for g in labels if (found.decline["last_grade"] == g).any()]
    own = found.about["group"].strip().casefold()
    return [*sorted(grades, key=lambda g: g.casefold() != own), "all"]


def _spans(found: Findings) -> list[str]:
    """Periods that some authority's quantiles are kept of."""
    return list(dict.fromkeys(span for each in found.kept.values() for span in each["periods"]))


def overview_draws(found: Findings) -> dict[str, Any]:
    """Return what the overview's panel computes with: the quantiles of every authority, by name."""
    rows = found.decline[["authority", "name", "last_grade", "figures_since"]].to_dict("records")
    each = [
        {"name": r["name"], "slug": found.authorities["slug"][r["authority"]], "grade": r["last_grade"]}
        | ({"note": NO_FIGURES} if without_figures(r) else {})
        | found.kept[str(r["authority"])]
        for r in rows
    ]
    return kept_data("overview", {"authorities": each})


def _question(found: Findings, percent: str) -> list[Content]:
    about, panel = found.about, found.panel
    years = found.national.index.get_level_values("year")
    group = len(found.listed)
    return paragraphs(
        f"Inspectors judge each authority's children's services every few years. What has happened since? For each of "
        f"{group} authorities ({about['group']}) this report gives the probability that the quality of the service has "
        "declined since its last inspection, and what the next judgement may be, with the uncertainty of both. Often "
        "the honest answer is that the data cannot tell.",
        group_without_figures(found.listed, named=False),
        f"In short: {caterpillar_sentence(found.listed, about['epsilon'], percent)}",
        f"It reads {len(panel.indicators)} published indicators of {years.min()} to {years.max()}, of which the model "
        f"uses {len(found.used)}, and {len(panel.whole_grades())} inspections. "
        f"{about['data_days']}",
        "No list here is in order of merit. The authorities stand by name, most intervals overlap, and a rank "
        "would say "
        "more than the data do.",
    )  # fmt: skip


def _model() -> list[Content]:
    text = (
        "Each authority has a level of quality that nobody observes and that moves slowly from year to year. It shows, "
        "with noise, in published figures (vacancies, agency workers, timeliness, stability and others) and in "
        "the grades "
        "that inspectors give. The model estimates it from all of these at once, borrows from authorities of the same "
        "region and deprivation where data are thin, lets every authority record things in its own way, and says how "
        "sure it is. Everything is measured from the national mean of the same year."
    )
    made = Chart(
        "diagram", "Latent quality shows in 2 kinds of data: published figures and inspection grades",
        "What the model takes to be behind what; each kind of data has noise of its own", model_diagram,
    )  # fmt: skip
    drawn = charted(
        made, "What is behind what", ["From", "To", "With"],
        [["region and deprivation", "latent quality", "what an authority has of its own"],
         ["latent quality", "published figures", "local recording, national year, deprivation, chance"],
         ["latent quality", "inspection grades", "the team, the framework, the national standard"]], texts=[1, 2],
    )  # fmt: skip
    return [*paragraphs(text), drawn]


def _information(found: Findings) -> list[Content]:
    header, rows = in_words(found.information)
    return [*paragraphs(information_sentence(found.information)), table("Sources by share", header, rows)]


def _group(found: Findings, percent: str) -> list[Content]:
    rows: list[list[Content]] = []
    low, high = _limits(found.listed)
    ahead = None if found.forecast is None else found.forecast.set_index("authority")
    following = next_headings(found.forecast, list(found.listed["authority"]), found.panel.grades[-1])
    for row in found.listed.to_dict("records"):
        code = str(row["authority"])
        slug = found.authorities["slug"][code]
        name = element("a", str(row["name"]), href=f"{slug}.html")
        chances = ["" if ahead is None else number(float(ahead[column][code])) for column in following]
        level = ["", ""] if ahead is None else [str(ahead[c][code]) for c in ("level", "level_changed")]
        rows.append(
            [name, str(row["region"]), _inspected(row), *chances,
             number(row["p_decline"]), number(row["p_decline_no_data"]), number(row["delta_median"], "+.2f"),
             spread(row["delta_lower"], row["delta_upper"], "+.2f"), _drawn(row, low, high), *level]
        )  # fmt: skip
    header = [
        "Authority", "Region", "Last inspection", *following.values(), "P(decline)", "Without new data", "Change",
        f"{percent} interval", f"Drawn, {spread(low, high, '+.1f')}", "Early-visit level", "Changed by data",
    ]  # fmt: skip
    note = (
        f"P(decline): the probability that quality is lower by more than {found.about['epsilon']:g} than at the last "
        "inspection; “without new data”: the same had nothing been observed since, which time alone brings "
        "about. Where the two are alike the figures have said nothing. Drawn: a dot at the middle estimate of the "
        "change and its interval as a line, worse to the left, with a rule at no change; where the line crosses it the "
        "data leave open whether quality fell or rose. The headings sort; the order by a probability is no ranking, as "
        "most intervals overlap. A name opens its page."
    )
    texts = [1, 2, *range(len(header) - 3, len(header))]
    body = table("Authorities of the group, by name", header, rows, texts=texts, class_="sortable", cards=True)
    mixture = "" if found.forecast is None else pool_sentence(found.forecast.attrs)
    return [
        *paragraphs(group_without_figures(found.listed), note, mixture),
        body,
        *_changes(found, percent),
        *_domains(found),
    ]


def _domains(found: Findings) -> list[Content]:
    """Write the probabilities of every domain's grades, folded away; nothing where there are none."""
    grades, ahead = found.panel.grades, found.forecast
    if ahead is None or not domains_of(list(ahead.columns)):
        return []
    title = "Sub-judgements at the next inspection"
    rows = [
        [str(row["name"]), *cells]
        for row in ahead[ahead["authority"].isin(found.listed["authority"])].to_dict("records")
        for cells in domain_rows(row, grades)
    ]
    header = ["Authority", "Domain", "Last grade", *(f"P({grade})" for grade in grades)]
    return [folded(f"Table: {title.lower()}", table(title, header, rows, texts=[1, 2], class_="csv"))]


def _inspected(row: dict[Any, Any]) -> str:
    """Write the day of a row's last inspection, and that there are no figures since."""
    day_of = str(row["last_inspection"]) if row["last_grade"] else ""
    return f"{day_of}; {figures_words(row)}" if without_figures(row) else day_of


def _limits(rows: pd.DataFrame) -> tuple[float, float]:
    ends = rows[["delta_lower", "delta_upper"]].to_numpy(dtype=float)
    if np.isnan(ends).all():
        return -1.0, 1.0
    return min(float(np.nanmin(ends)), -0.1), max(float(np.nanmax(ends)), 0.1)


def _drawn(row: dict[Any, Any], low: float, high: float) -> Content:
    """Draw an interval in its row; its figures are in the cells beside it."""
    if row["delta_median"] != row["delta_median"]:
        return ""
    parts = {"low": row["delta_lower"], "mid": row["delta_median"], "high": row["delta_upper"], "zero": 0.0}
    style = ";".join(f"--{k}:{100 * (v - low) / (high - low):.1f}%" for k, v in parts.items())
    return element("span", element("i"), element("b"), class_="interval", style=style, aria_hidden="true")


def _map(found: Findings) -> list[Content]:
    layout, geographic = hexagon_layout(found.authorities["region"])
    p = found.decline.set_index("authority")["p_decline"]
    places = found.authorities.join(layout).assign(p=p, since=found.decline.set_index("authority")["figures_since"])
    listed = places[places["listed"]]
    known = listed["p"].dropna()
    finding = (
        f"The probability of a decline since the last inspection lies between {number(known.min())} and "
        f"{number(known.max())} (median {number(known.median())}); "
        f"{count_of(int(listed['p'].isna().sum()), 'authority', 'authorities')} of the {len(listed)} of the group "
        f"{'has' if listed['p'].isna().sum() == 1 else 'have'} no inspection on record."
    )
    how = (
        "One hexagon for each authority, of equal size, near where it lies; crowded places push outwards."
        if geographic
        else "One hexagon for each authority; each block is a region."
    )
    note = (
        f"{how} A longer time since the inspection alone raises this probability, so that neighbours of "
        "different dates "
        "are not comparable. Authorities outside the group are shown in the classes of the legend only. Point at a "
        "hexagon for its name, or unfold the table."
    )
    rows = [
        [
            str(r["name"]),
            str(r["region"]),
            figures_words({"figures_since": r["since"]}),
            number(r["p"], ".3f"),
        ]
        for r in listed.sort_values("name").to_dict("records")
    ]
    made = Chart(
        "hexagons",
        f"Between {number(known.min())} and {number(known.max())} in the group, {number(known.median())} at the middle",
        "Probability that quality has declined since the last inspection, by authority: the darker, the more probable",
        lambda width: hexagon_chart(places, width),
    )  # fmt: skip
    header = ["Authority", "Region", "Figures since", "P(decline)"]
    drawn = charted(made, "Probability of a decline by authority", header, rows, texts=[1, 2])
    drawn.set("class", "map")
    return [*paragraphs(finding, note), drawn]


def _changes(found: Findings, percent: str) -> list[Content]:
    """Write the figures behind the intervals that the list draws, folded away."""
    known = found.listed.dropna(subset=["delta_median"])
    if known.empty:
        return []
    bands = ("median", "lower", "upper")
    header = [
        "Authority", "Years since", "Change", f"{percent} from", "to", "P(decline)", "Its error", "Without new data",
    ]  # fmt: skip
    rows = [
        [str(r["name"]), f"{r['gap_years']:.1f}", *(number(r[f"delta_{c}"], "+.3f") for c in bands),
         number(r["p_decline"], ".3f"), number(r["p_decline_mcse"], ".4f"), number(r["p_decline_no_data"], ".3f")]
        for r in known.to_dict("records")
    ]  # fmt: skip
    title = "Changes since the last inspection"
    return [folded(f"Table: {title.lower()}", table(title, header, rows, class_="csv"))]


def _nation(found: Findings, percent: str) -> list[Content]:
    effects = found.year_effects
    labels = {k: found.panel.indicators[k].label for k in found.used}
    first, last = (effects.groupby("indicator")[["year", "mean"]].agg(f) for f in ("first", "last"))
    step = (last["mean"] - first["mean"]).reindex(list(labels))
    falls, rises = str(step.idxmin()), str(step.idxmax())
    finding = (
        f"Over the whole period the largest national fall is that of “{labels[falls]}” "
        f"({number(float(step.min()), '+.2f')}), the largest rise that of “{labels[rises]}” "
        f"({number(float(step.max()), '+.2f')}), on the scale of the model (log odds of a share), coded so that higher "
        "is better where that is agreed."
    )
    note = (
        "Latent quality is relative to the nation, so a decline everywhere would not show in it. It would show here, "
        "together with changes of definition and of what is recorded."
    )
    rows = [
        [labels[str(r["indicator"])], str(r["year"]), *(number(r[c], "+.3f") for c in ("mean", "lower", "upper"))]
        for r in effects.to_dict("records") if r["indicator"] in labels
    ]  # fmt: skip
    agreed = {key: better_words(found.panel.indicators[key].polarity) for key in labels}
    better = {key: words if words == NOT_AGREED else "up is better" for key, words in agreed.items()}
    made = Chart(
        "nation", f"Largest fall: {labels[falls]} ({number(float(step.min()), '+.2f')}); largest rise: "
        f"{labels[rises]} ({number(float(step.max()), '+.2f')})",
        "National effect of each year on each indicator, on the scale of the model (log odds of a share), turned so "
        f"that higher is better where that is agreed; line: mean, band: {percent} interval; one vertical scale for all",
        panels=series_panels(effects[effects["indicator"].isin(labels)], labels, better),
    )  # fmt: skip
    header = ["Year", "Effect", f"{percent} from", "to"]
    return [*paragraphs(finding, note), charted(made, "National year effects", header, rows, group="Indicator")]
