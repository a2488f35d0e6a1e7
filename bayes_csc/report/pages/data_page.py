"""The page that describes a panel: what is missing, national series, revisions and jumps, with tables behind charts."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pandas as pd

from bayes_csc.errors import UsageError
from bayes_csc.measurement.figures_used import data_days
from bayes_csc.panel.cell_checks import STATUSES
from bayes_csc.panel.describe.coverage import statuses
from bayes_csc.panel.describe.outlying_changes import RULE
from bayes_csc.panel.describe.panel_description import Description, records
from bayes_csc.report.charts.panels.national_chart import national_panels
from bayes_csc.report.charts.status_charts import authority_chart, coverage_chart
from bayes_csc.report.drawing.chart import Chart
from bayes_csc.report.drawing.html import Content, element, figure, folded, page_text, table
from bayes_csc.report.drawing.style import STATUS_WORDS
from bayes_csc.report.findings.words.vocabulary import better_words
from bayes_csc.report.pages.sections.side_sections import side_sections

MOST_JUMPS = 100


def data_page(about: Description, indicator: str | None = None, *, before: Content = None) -> str:
    """Write a panel's description as one self-contained HTML page.

    Parameters
    ----------
    about
        The description.
    indicator
        Key of the indicator shown authority by authority; by default that of the dictionary's default ones with the
        largest share suppressed.
    before
        What stands before its content: the navigation of a report that it is part of.

    Returns
    -------
    str
        The page; the same panel gives the same bytes.

    Raises
    ------
    UsageError
        The panel has no cells of that indicator.
    """
    present = list(dict.fromkeys(about.coverage.index.get_level_values("indicator")))
    usual = [key for key in present if about.panel.indicators[key].default] or present
    chosen = indicator or str(about.suppression.loc[usual, "share"].idxmax())
    if chosen not in present:
        raise UsageError(f"no cells of an indicator {chosen!r} in this panel; it has {', '.join(present)}")
    name = about.identity["name"]
    sections = [
        ("coverage", "What is there and what is missing", _coverage(about)),
        ("authorities", f"{about.label(chosen)}, authority by authority", _authorities(about, chosen)),
        ("suppression", "Suppressed counts", _suppression(about)),
        ("national", "National series", _national(about)),
        ("revisions", "Revisions", _revisions(about)),
        ("jumps", "Largest jumps", _jumps(about)),
        *side_sections(about),
    ]
    links = [element("li", element("a", title, href=f"#{key}")) for key, title, _ in sections]
    return page_text(
        f"{name}: the data",
        element("h1", f"{name}: the data"),
        *_facts(about),
        element("nav", element("ul", *links), aria_label="Sections"),
        *(element("section", element("h2", title, id=key), *content) for key, title, content in sections),
        before=before,
    )


def _facts(about: Description) -> list[ET.Element]:
    panel, years = about.panel, about.coverage.index.get_level_values("year")
    cells = int(about.coverage[list(STATUSES)].sum().sum())
    text = (
        f"{cells:,} cells of {len(panel.indicators)} indicators, {years.min()} to {years.max()}; "
        f"{len(panel.authorities)} authorities, past and present; {len(panel.inspections):,} judgements. "
        f"Panel dated {about.identity['date']}, with what was published by {about.identity['published_by']}. "
        f"{data_days(panel).sentence}"
    )
    licence = f"Licence of the data: {panel.licence}." if panel.licence else None
    return [
        element("p", text),
        element("p", "Hash of the panel: ", element("code", about.identity["hash"]), class_="muted"),
        *([element("p", licence, class_="muted")] if licence else []),
    ]


def _coverage(about: Description) -> list[ET.Element]:
    counts = about.coverage[list(STATUSES)]
    total = counts.sum()
    share = total / total.sum()
    finding = (
        f"{share['observed']:.1%} of the cells are observed, {share['suppressed']:.1%} suppressed, "
        f"{share['not_available']:.1%} not available and {share['not_applicable']:.1%} not applicable. "
    )
    hidden = about.suppression["share"]
    if hidden.max() > 0:
        finding += f"The largest share is that of “{about.label(str(hidden.idxmax()))}”, {hidden.max():.0%} suppressed."
    labels = {key: each.label for key, each in about.panel.indicators.items()}
    made = Chart(
        "coverage-map", f"{share['observed']:.1%} of the cells are observed, {share['suppressed']:.1%} suppressed",
        "Each tile is an indicator in a year; its parts, from left to right, are the shares of cells observed, "
        "suppressed, not available and not applicable; outlined where authorities have no row",
        lambda width: coverage_chart(about.coverage, labels, width),
    )  # fmt: skip
    rows = [
        [about.label(str(key)), str(year), *(str(int(count)) for count in row)]
        for (key, year), row in zip(about.coverage.index, about.coverage.to_numpy(), strict=True)
    ]
    header = ["Indicator", "Year", *(STATUS_WORDS[status].capitalize() for status in about.coverage.columns)]
    behind = table("Cells by status, and authorities without a row", header, rows, stubs=2)
    return [
        element("p", finding),
        figure(made, folded("Table: cells by indicator, year and status", behind)),
    ]


def _authorities(about: Description, key: str) -> list[ET.Element]:
    status = statuses(about.panel, key)
    authorities = about.panel.authorities.loc[sorted(set(status["authority"]))]
    names = authorities["name"].sort_values(key=lambda names: names.str.casefold(), kind="stable").to_dict()
    twice = authorities["name"].duplicated(keep=False)
    labels = {str(code): f"{name} ({code})" if twice.at[code] else str(name) for code, name in names.items()}
    counts = status["status"].value_counts()
    never = status.groupby("authority")["status"].agg(lambda values: not values.eq("observed").any())
    finding = f"{counts.get('observed', 0):,} of {len(status):,} authority years are observed; "
    always = [label for code, label in labels.items() if never.at[code]]
    finding += f"never so: {', '.join(always)}." if always else "every authority has some."
    made = Chart(
        "authority-map", finding.partition(";")[0],
        f"{about.label(key)}: each tile is an authority in a year in which it existed. A joint return gives its status "
        "to each of its own",
        lambda width: authority_chart(status, labels, width),
    )  # fmt: skip
    wide = status.pivot(index="authority", columns="year", values="status").reindex(list(labels))
    rows = [
        [labels[str(code)], *(STATUS_WORDS.get(text, "") for text in row)]
        for code, row in zip(wide.index, wide.to_numpy(), strict=True)
    ]
    header = ["Authority", *map(str, wide.columns)]
    behind = table(f"Status of “{about.label(key)}”", header, rows, texts=range(len(header)))
    return [
        element("p", about.panel.indicators[key].definition),
        element("p", finding),
        figure(made, folded("Table: status by authority and year", behind)),
    ]


def _suppression(about: Description) -> list[ET.Element]:
    rows = [
        [
            about.label(str(row.Index)), f"{row.cells}", f"{row.suppressed}",
            "" if pd.isna(row.share) else f"{row.share:.1%}", f"{row.no_denominator}",
            *("" if pd.isna(width) else f"{width:g}" for width in (row.median_width, row.widest)),
        ]
        for row in records(about.suppression)
    ]  # fmt: skip
    header = ["Indicator", "Cells", "Suppressed", "Share", "Denominator hidden too", "Median width", "Largest width"]
    note = (
        "A suppressed figure was withheld, or published rounded, and is known to lie in an interval; an observed one "
        "is known as it was counted."
    )
    caption = "Suppressed cells, and the width of the intervals (upper less lower)"
    return [element("p", note), table(caption, header, rows)]


def _national(about: Description) -> list[ET.Element]:
    note = (
        "Counts are pooled over authorities: the sum of numerators over the sum of denominators. Other figures are "
        "means, weighted by their denominators where all have one. Suppression hides small counts, so that observed "
        "cells alone lie to one side; each line is the middle of what is left when every suppressed count is put at "
        "either end of its interval, and the band is that range. Each chart has its own vertical scale, "
        "which need not begin at zero. Sums over authorities differ from published national figures by what is not "
        "returned or rounded."
    )
    content = [element("p", note)]
    domains: dict[str, list[str]] = {}
    for key in dict.fromkeys(about.national.index.get_level_values("indicator")):
        domains.setdefault(about.panel.indicators[str(key)].domain, []).append(str(key))
    for domain, keys in domains.items():
        series = about.national.loc[keys]
        better = {key: better_words(about.panel.indicators[key].polarity) for key in keys}
        made = Chart(
            f"national-{domain}", _trend(about, keys[0]).removesuffix("."),
            f"{_numbered(keys, series)}; each chart names its unit and which direction is better, if that is "
            "agreed",
            panels=national_panels(series, {key: about.label(key) for key in keys}, about.units, better),
        )  # fmt: skip
        title = f"National series: {domain.replace('_', ' ')}"
        behind = folded(f"Table: {title[0].lower()}{title[1:]}", _national_table(about, keys))
        content += [element("h3", domain.replace("_", " ").capitalize()), figure(made, behind)]
    return content


def _numbered(keys: list[str], series: pd.DataFrame) -> str:
    years = series.index.get_level_values("year")
    many = "1 indicator" if len(keys) == 1 else f"{len(keys)} indicators"
    return f"{many}, {years.min()} to {years.max()}"


def _trend(about: Description, key: str) -> str:
    rows = about.national.loc[[key]].droplevel("indicator").dropna(subset=["lower", "upper"])
    if rows.empty:
        return f"{about.label(key)}: nothing observed."
    unit = about.units[key]
    first, last = rows.iloc[0], rows.iloc[-1]
    ends = [f"{unit.full_range(row['lower'], row['upper'])} in {row.name}" for row in (first, last)]
    return f"{about.label(key)}: {ends[0]}" + (f", {ends[1]}." if len(rows) > 1 else ".")


def _national_table(about: Description, keys: list[str]) -> ET.Element:
    rows = []
    for (key, year), row in zip(about.national.loc[keys].index, records(about.national.loc[keys]), strict=True):
        unit = about.units[str(key)]
        counts = ["" if pd.isna(count) else f"{count:,.10g}" for count in (row.numerator, row.denominator)]
        rows.append(
            [
                about.label(str(key)), str(year), *counts, unit.full_text(row.value),
                unit.range_text(row.lower, row.upper), f"{row.authorities}", f"{row.within}", f"{row.of}", row.how,
            ]
        )  # fmt: skip
    header = [
        "Indicator", "Year", "Numerator", "Denominator", "Observed cells", "With suppressed ones",
        "Authorities observed", "With suppressed ones", "That existed", "How",
    ]  # fmt: skip
    return table("National figures and the authorities in them", header, rows, stubs=2, texts=[9])


def _revisions(about: Description) -> list[ET.Element]:
    if about.revisions.empty:
        return [element("p", "Every cell of this panel has one vintage: nothing restated is on record.")]
    rows = []
    for (key, source_from, source), row in zip(about.revisions.index, records(about.revisions), strict=True):
        unit = about.units[str(key)]
        where = f"{about.place(str(row.authority))}, {row.year}" if pd.notna(row.largest) else ""
        rows.append(
            [
                about.label(str(key)), str(source_from), str(source), f"{row.cells}", f"{row.newly_known}",
                f"{row.newly_hidden}", unit.text(row.median), unit.text(row.largest), unit.name, where,
            ]
        )  # fmt: skip
    header = [
        "Indicator", "Earlier release", "Later release", "Cells restated", "Newly observed", "No longer observed",
        "Median change", "Largest change", "Unit", "Largest in",
    ]  # fmt: skip
    return [table("Cells whose figure differs between two releases", header, rows, texts=[1, 2, 8, 9])]


def _jumps(about: Description) -> list[ET.Element]:
    shown = about.jumps.head(MOST_JUMPS)
    rows = [
        [
            about.place(row.authority), about.label(row.indicator), f"{row.year_from} to {row.year}",
            *(about.units[row.indicator].full_text(value)
              for value in (row.value_from, row.value)),
            *("" if pd.isna(n) else f"{n:,.10g}" for n in (row.n_from, row.n)), f"{row.z:+.1f}",
        ]
        for row in records(shown)
    ]  # fmt: skip
    header = ["Authority", "Indicator", "Years", "From", "To", "Denominator from", "Denominator to", "z"]
    left_out = len(about.jumps) - len(shown)
    more = f" The {left_out} smallest are left out." if left_out else ""
    rule = element("p", RULE.format(threshold=about.threshold) + more)
    if shown.empty:
        return [rule, element("p", "There is none.")]
    return [rule, table(f"Largest jumps ({len(about.jumps)} in all)", header, rows, texts=[1, 2])]
