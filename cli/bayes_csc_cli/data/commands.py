"""`bayescsc data`: get, build, describe and show the data that the model reads."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from bayes_csc_cli.data.describe import describe
from bayes_csc_cli.data.fetch import fetch
from bayes_csc_cli.data.own import add, check
from bayes_csc_cli.data.refresh import refresh
from bayes_csc_cli.data.show import show
from bayes_csc_cli.fit import DAYS

app = typer.Typer(name="data", no_args_is_help=True, help="Get, build, check and see the data that the model reads.")
app.command()(fetch)
app.command()(refresh)
app.command()(check)
app.command()(add)
app.command()(describe)
app.command()(show)


@app.command()
def build(
    raw: Annotated[Path, typer.Option("--raw", help="Folder with the official files in raw/ and derived/.")],
    out: Annotated[Path, typer.Option("--out", help="Panel folder to write; an existing panel there is replaced.")],
    catalogue: Annotated[
        Path | None, typer.Option("--catalogue", help="A catalogue of your own in place of the toolkit's.")
    ] = None,
    year: Annotated[
        int | None, typer.Option("--year", help="About 31 March of this year, with Ofsted's outcomes as at that day.")
    ] = None,
    date: Annotated[
        datetime | None,
        typer.Option("--date", formats=DAYS, help="About this day, with inspections published by then."),
    ] = None,
    as_of: Annotated[
        datetime | None, typer.Option("--as-of", formats=DAYS, help="As it was known on this day, figures too.")
    ] = None,
) -> None:
    """Build the England panel from the official files and write it as a folder."""
    from bayes_csc.files import reserved
    from bayes_csc.panel.panel import check_panel_target
    from bayes_csc.sources.download.catalogue import read_catalogue
    from bayes_csc.sources.england.panel import england

    day, known = (moment.date() if moment else None for moment in (date, as_of))
    with reserved(out):
        check_panel_target(out)
        panel = england(raw, read_catalogue(catalogue), year=year, date=day, as_of=known)
        panel.write(out, checked=True)
    typer.echo(f"Wrote {len(panel.cells)} cells of {len(panel.indicators)} indicators to {out}")


@app.command()
def caseload(
    panel: Annotated[Path | None, typer.Option("--panel", help="Panel folder; the embedded England panel.")] = None,
    year: Annotated[int | None, typer.Option("--year", help="Year of the workforce census; the latest.")] = None,
    demand: Annotated[
        str, typer.Option("--demand", help="Covariate that stands for demand.")
    ] = "children_in_need_per_10000",
    out: Annotated[Path | None, typer.Option("--out", help="CSV file to write instead of printing.")] = None,
) -> None:
    """Show caseloads beside the range to expect of authorities alike in deprivation, size and demand; no threshold."""
    from bayes_csc.files.embedded_data import data_dir
    from bayes_csc.panel.describe.caseload import caseload_benchmark
    from bayes_csc.panel.panel import Panel
    from bayes_csc_cli.data.caseload import show, write

    table = caseload_benchmark(Panel.read(panel or data_dir()), year, demand=demand)
    if out is None:
        show(table)
    else:
        write(table, out)
        left_out = ", ".join(table.attrs["left_out"]) or "none"
        typer.echo(f"Wrote {len(table)} authorities to {out} (left out: {left_out}). {table.attrs['about']}")
