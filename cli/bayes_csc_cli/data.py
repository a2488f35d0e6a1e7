"""`bayescsc data`: build a panel from official files, add to it, check it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .own import add, check

app = typer.Typer(name="data", no_args_is_help=True, help="Build the data that the model reads.")
app.command()(check)
app.command()(add)


@app.command()
def build(
    raw: Annotated[Path, typer.Option("--raw", help="Folder with the official files in raw/ and derived/.")],
    out: Annotated[Path, typer.Option("--out", help="Panel folder to write; an existing panel there is replaced.")],
) -> None:
    """Build the England panel from the official files and write it as a folder."""
    from bayes_csc.sources.england import england

    panel = england(raw)
    panel.write(out, checked=True)
    typer.echo(f"Wrote {len(panel.cells)} cells of {len(panel.indicators)} indicators to {out}")
