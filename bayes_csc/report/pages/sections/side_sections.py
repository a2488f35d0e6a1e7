"""The sections of the page about the optional tables: covariates, visits and providers."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pandas as pd

from bayes_csc.panel.describe.panel_description import Description, records
from bayes_csc.report.charts.panels.covariate_chart import covariate_panels
from bayes_csc.report.drawing.chart import Chart
from bayes_csc.report.drawing.html import element, figure, folded, table

Section = tuple[str, str, list[ET.Element]]


def side_sections(about: Description) -> list[Section]:
    """Id, title and content of a section for each optional table that the panel has."""
    made = [
        ("covariates", "Covariates", about.covariates, _covariates),
        ("visits", "Visits", about.visits, _visits),
        ("providers", "Providers in the area", about.providers, _providers),
    ]
    return [(key, title, content(rows)) for key, title, rows, content in made if not rows.empty]


def _covariates(spread: pd.DataFrame) -> list[ET.Element]:
    years = spread.index.get_level_values("year")
    keys = spread.index.get_level_values("covariate").unique()
    finding = (
        f"{len(keys)} covariates, {years.min()} to {years.max()}, of {spread['authorities'].min()} to "
        f"{spread['authorities'].max()} authorities a year. They describe authorities; no model takes them for quality."
    )
    made = Chart(
        "covariate-chart",
        f"{len(keys)} covariates, {years.min()} to {years.max()}: no model takes them for quality",
        "Each bar is the middle half of the authorities in a year, the line their median. Every authority counts once, "
        "and each chart has its own vertical scale, which need not begin at zero",
        panels=covariate_panels(spread),
    )  # fmt: skip
    rows = [
        [str(covariate), str(year), f"{row.authorities}",
         *(f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"
           for value in (row.lowest, row.lower, row.median, row.upper, row.highest))]
        for (covariate, year), row in zip(spread.index, records(spread), strict=True)
    ]  # fmt: skip
    header = ["Covariate", "Year", "Authorities", "Smallest", "Lower quartile", "Median", "Upper quartile", "Largest"]
    behind = table("Covariates over the authorities", header, rows, stubs=2)
    return [element("p", finding), figure(made, folded("Table: covariates by year", behind))]


def _visits(counts: pd.DataFrame) -> list[ET.Element]:
    first, last = counts["first"].min(), counts["last"].max()
    note = (
        f"{counts['visits'].sum():,} visits that started from {first:%-d %B %Y} to {last:%-d %B %Y}. A visit gives no "
        "grade. The first and the last year may not be whole."
    )
    rows = [
        [str(kind).capitalize(), str(year), f"{row.visits}", f"{row.authorities}", f"{row.first:%-d %B}",
         f"{row.last:%-d %B}"]
        for (kind, year), row in zip(counts.index, records(counts), strict=True)
    ]  # fmt: skip
    header = ["Type", "Year", "Visits", "Authorities visited", "First start", "Last start"]
    return [element("p", note), table("Visits by type and calendar year of their start", header, rows, stubs=2)]


def _providers(counts: pd.DataFrame) -> list[ET.Element]:
    note = (
        "Homes, agencies and other providers in the areas of the authorities, whoever runs them: they describe an "
        "area, not an authority's own services. A row counts providers or inspections by the grade they have or gave."
    )
    content: list[ET.Element] = [element("p", note)]
    sizes = counts.groupby(["year", "event"])["total"].sum().sort_values(ascending=False, kind="stable")
    for year, event in sizes.index:
        own = counts.loc[(year, event)].sort_values("total", ascending=False, kind="stable")
        words = [name for name in counts.columns if name not in ("total", "places") and own[name].any()]
        rows = [
            [str(provision), *(f"{int(number):,}" for number in row), "" if pd.isna(places) else f"{places:,.0f}"]
            for provision, row, places in zip(own.index, own[[*words, "total"]].to_numpy(), own["places"], strict=True)
        ]
        header = ["Provision", *(word.capitalize() for word in words), "Total", "Places"]
        if own["places"].isna().all():
            header, rows = header[:-1], [row[:-1] for row in rows]
        shown = table(f"{str(event).capitalize()}, {year}", header, rows)
        summary = f"{str(event).capitalize()}, {year}: {own['total'].sum():,}"
        content.append(folded(summary, shown))
    return content
