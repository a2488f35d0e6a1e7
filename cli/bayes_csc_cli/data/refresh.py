"""`bayescsc data refresh`: fetch, build and describe in one go, and what changed since the last panel."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bayes_csc_cli.data.describe import show_description
from bayes_csc_cli.data.fetch import fetch_files
from bayes_csc_cli.fit import DAYS
from bayes_csc_cli.text_table import terminal_width, text_table

if TYPE_CHECKING:
    from bayes_csc.panel.describe.panel_changes import PanelChanges


def refresh(
    raw: Annotated[
        Path, typer.Option("--raw", help="Folder with the official files in raw/ and derived/; new ones go there.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Panel folder; the panel there stays until the new one is whole.")],
    page: Annotated[Path, typer.Option("--page", help="Folder for the page that describes the panel.")] = Path(
        "reports"
    ),
    catalogue: Annotated[
        Path | None, typer.Option("--catalogue", help="A catalogue of your own in place of the toolkit's.")
    ] = None,
    date: Annotated[
        datetime.datetime | None, typer.Option("--date", formats=DAYS, help="The day the panel is about; today.")
    ] = None,
    download: Annotated[
        bool, typer.Option("--fetch/--no-fetch", help="Whether to fetch first, or build of the files at hand.")
    ] = True,
) -> None:
    """Fetch the official files, build the panel about today, describe it, and say what changed since the last panel.

    The last panel is the one at --out, or the embedded one where there is none. A file that cannot be had, or is not as
    published, stops it with exit code 3, and the panel at --out stays as it was.
    """
    from bayes_csc.files import reserved
    from bayes_csc.files.embedded_data import data_dir
    from bayes_csc.panel.describe.panel_changes import panel_changes
    from bayes_csc.panel.panel import DICTIONARY, Panel, check_panel_target
    from bayes_csc.sources.download.catalogue import read_catalogue
    from bayes_csc.sources.england.panel import england

    known = read_catalogue(catalogue)
    with reserved(out):
        check_panel_target(out)
        old = Panel.read(out if (out / DICTIONARY).is_file() else data_dir())
        if download:
            fetch_files(known, raw)
        new = england(raw, known, date=date.date() if date else datetime.date.today())
        changes = panel_changes(old, new)
        new.write(out, checked=True)
    show_description(new, page)
    typer.echo(f"Wrote {len(new.cells)} cells of {len(new.indicators)} indicators to {out}\n")
    typer.echo(f"Since {old.name} {old.date}, panel {old.hash[:12]}:\n{changes_text(changes, terminal_width())}")


def changes_text(changes: PanelChanges, width: int) -> str:
    """Lay what changed from one panel to the next out as text."""
    if changes.none:
        return "Nothing changed"
    parts = (_inspections, _revised, _new_years, _other_cells)
    return "\n\n".join(part(changes, width) for part in parts)


def _inspections(changes: PanelChanges, width: int) -> str:
    table = changes.inspections
    if table.empty:
        return "Inspections: none new"
    counts = ", ".join(f"{number} {change}" for change, number in table["change"].value_counts(sort=False).items())
    days = [table[name].dt.strftime("%Y-%m-%d").fillna("unknown") for name in ("start_date", "publication_date")]
    rows = [list(row) for row in zip(table["name"], table["change"], table["type"], *days, strict=True)]
    return f"Inspections: {counts}\n{text_table(['', '', 'type', 'started', 'published'], rows, width, left=3)}"


def _revised(changes: PanelChanges, width: int) -> str:
    table = changes.revised
    if table.empty:
        return "Revised figures: none"
    rows = [[str(key), *map(str, row)] for key, row in zip(table.index, table.to_numpy()[:, 1:], strict=True)]
    header = ["", "cells", "first year", "last year"]
    return f"Revised figures: {table['cells'].sum()} of {len(table)} indicators\n{text_table(header, rows, width)}"


def _new_years(changes: PanelChanges, width: int) -> str:
    table = changes.new_years
    if table.empty:
        return "New years of figures: none"
    rows = [[*map(str, place), str(cells)] for place, cells in zip(table.index, table["cells"], strict=True)]
    return f"New years of figures: {len(table)}\n{text_table(['', 'year', 'cells'], rows, width)}"


def _other_cells(changes: PanelChanges, width: int) -> str:
    table = changes.other_cells
    if table.empty:
        return "Further figures, new or gone: none"
    rows = [
        [str(key), str(new), str(gone)] for key, new, gone in zip(table.index, table["new"], table["gone"], strict=True)
    ]
    return f"Further figures, of years there were before\n{text_table(['', 'new', 'gone'], rows, width)}"
