"""`bayescsc data describe`: what a panel holds and lacks, printed and as a page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bayes_csc_cli.text_table import terminal_width, text_table

if TYPE_CHECKING:
    from bayes_csc.panel.describe.panel_description import Description
    from bayes_csc.panel.panel import Panel

MOST_JUMPS = 20
THIN = 0.9
MIDDLE = ("lower", "median", "upper")


def describe(
    panel: Annotated[Path | None, typer.Option("--panel", help="Panel folder; England by default.")] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder for the page.")] = Path("reports"),
    indicator: Annotated[
        str | None, typer.Option("--indicator", help="Key to map authority by authority; the most suppressed one.")
    ] = None,
    threshold: Annotated[
        float, typer.Option("--threshold", min=0, help="Robust standard deviations from which a change is a jump.")
    ] = 5.0,
) -> None:
    """Print what a panel holds and lacks, and write the same as one HTML page with charts."""
    from bayes_csc.files.embedded_data import data_dir
    from bayes_csc.panel.panel import Panel

    show_description(Panel.read(panel or data_dir()), out, indicator, threshold)


def show_description(panel: Panel, out: Path, indicator: str | None = None, threshold: float = 5.0) -> None:
    """Print a panel's description and write its page to a folder."""
    from bayes_csc.panel.describe.panel_description import described
    from bayes_csc.report.drawing.html import write_page
    from bayes_csc.report.pages.data_page import data_page

    about = described(panel, threshold)
    page = data_page(about, indicator)
    typer.echo(description_text(about, terminal_width()))
    slug = re.sub(r"[^\w]+", "-", about.identity["name"].lower()).strip("-") or "panel"
    target = out / f"{slug}-data.html"
    write_page(page, target)
    typer.echo(f"\nWrote {target}")


def description_text(about: Description, width: int) -> str:
    """Lay a panel's description out as text."""
    from bayes_csc.panel.cell_checks import STATUSES

    which, years = about.identity, about.coverage.index.get_level_values("year")
    cells = int(about.coverage[list(STATUSES)].sum().sum())
    head = (
        f"{which['name']} {which['date']}, published by {which['published_by']}, panel {which['hash'][:12]}: "
        f"{cells} cells of {len(about.panel.indicators)} indicators, {years.min()} to {years.max()}, "
        f"{len(about.panel.authorities)} authorities, {len(about.panel.inspections)} judgements"
    )
    parts = [_coverage, _national, _revisions, _jumps, _covariates, _visits, _providers]
    return "\n\n".join([head, *filter(None, (part(about, width) for part in parts))])


def _years(about: Description) -> list[int]:
    years = about.coverage.index.get_level_values("year")
    return list(range(int(years.min()), int(years.max()) + 1))


def _coverage(about: Description, width: int) -> str:
    from bayes_csc.panel.cell_checks import STATUSES
    from bayes_csc.panel.describe.panel_description import records

    counts = about.coverage[list(STATUSES)]
    observed = (100 * counts["observed"] / counts.sum(axis=1)).to_dict()
    rows = []
    for row in records(about.suppression):
        shares = [observed.get((row.Index, year)) for year in _years(about)]
        suppressed = "" if row.share != row.share else f"{row.share:.1%}"
        rows.append([str(row.Index), f"{row.cells}", suppressed, *("." if s is None else f"{s:.0f}" for s in shares)])
    title = "Coverage: cells, share suppressed, and per cent of each year's cells that are observed (. none published)"
    return f"{title}\n{text_table(['', 'cells', 'supp.', *map(str, _years(about))], rows, width)}"


def _national(about: Description, width: int) -> str:
    from bayes_csc.panel.describe.panel_description import records

    series = about.national
    rows = []
    for key in dict.fromkeys(series.index.get_level_values("indicator")):
        unit, own = about.units[str(key)], series.loc[[key]].droplevel("indicator")
        texts = {
            int(row.Index): unit.range_text(row.lower, row.upper) + ("*" if row.within < THIN * row.of else "")
            for row in records(own[own["lower"].notna()])
        }
        rows.append([str(key), unit.name, *(texts.get(year, ".") for year in _years(about))])
    title = (
        "National series: sums over authorities, or means. a-b: where suppressed counts leave it; "
        f"*: with under {THIN:.0%} of the authorities"
    )
    return f"{title}\n{text_table(['', 'unit', *map(str, _years(about))], rows, width, left=2)}"


def _revisions(about: Description, width: int) -> str:
    from bayes_csc.panel.describe.panel_description import records

    if about.revisions.empty:
        return "Revisions: no cell has a second vintage"
    rows = []
    for (key, source_from, source), row in zip(about.revisions.index, records(about.revisions), strict=True):
        unit = about.units[str(key)]
        where = f"{about.place(str(row.authority))} {row.year}" if row.largest == row.largest else ""
        sizes = [f"{unit.text(size)} {unit.name}".strip() if size == size else "" for size in (row.median, row.largest)]
        rows.append([str(key), str(source_from), str(source), f"{row.cells}", *sizes, where])
    header = ["", "earlier release", "later release", "cells", "median change", "largest", "in"]
    return f"Revisions: cells restated between releases\n{text_table(header, rows, width, left=3)}"


def _jumps(about: Description, width: int) -> str:
    from bayes_csc.panel.describe.panel_description import records

    title = (
        f"Largest jumps: {len(about.jumps)} changes of a year beyond {about.threshold:g} robust standard deviations "
        "of sampling noise and the indicator's usual changes"
    )
    shown = about.jumps.head(MOST_JUMPS)
    if shown.empty:
        return title
    rows = []
    for row in records(shown):
        unit = about.units[row.indicator]
        figures = [f"{unit.text(row.value_from)} to {unit.text(row.value)} {unit.name}".strip()]
        figures += ["" if n != n else f"{n:g}" for n in (row.n_from, row.n)]
        rows.append(
            [about.place(row.authority), row.indicator, f"{row.year_from} to {row.year}", *figures, f"{row.z:+.1f}"]
        )
    more = [f"and {len(about.jumps) - len(shown)} more"] if len(about.jumps) > len(shown) else []
    header = ["", "indicator", "years", "change", "n from", "n to", "z"]
    return "\n".join([title, text_table(header, rows, width, left=3), *more])


def _covariates(about: Description, width: int) -> str:
    rows = []
    for key, own in about.covariates.groupby("covariate"):
        years, last = own.index.get_level_values("year"), own.iloc[-1]
        middle = [f"{last[name]:.4g}" if abs(last[name]) < 1e4 else f"{last[name]:.0f}" for name in MIDDLE]
        rows.append([str(key), f"{years.min()} to {years.max()}", f"{last['authorities']:.0f}", *middle])
    title = "Covariates: years, and the authorities, quartiles and median of the last one"
    header = ["", "years", "authorities", "lower quartile", "median", "upper quartile"]
    return f"{title}\n{text_table(header, rows, width, left=2)}" if rows else ""


def _visits(about: Description, width: int) -> str:
    if about.visits.empty:
        return ""
    counts = about.visits["visits"].unstack("year", fill_value=0)
    rows = [[str(kind), *map(str, row)] for kind, row in zip(counts.index, counts.to_numpy(), strict=True)]
    return f"Visits by calendar year of their start\n{text_table(['', *map(str, counts.columns)], rows, width)}"


def _providers(about: Description, width: int) -> str:
    if about.providers.empty:
        return ""
    counts = about.providers.drop(columns="places").groupby(["event", "year"]).sum()
    rows = [
        [str(event), str(year), *map(str, row)]
        for (event, year), row in zip(counts.index, counts.to_numpy(), strict=True)
    ]
    header = ["", "year", *map(str, counts.columns)]
    title = "Providers in the area and their inspections, by grade"
    return f"{title}\n{text_table(header, rows, width, left=2)}"
