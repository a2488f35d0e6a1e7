"""`bayescsc plot`: single charts of authorities, as SVG or PNG."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bayes_csc_cli.run.report import gathered
from bayes_csc_cli.run_model import ModelOption


def plot(
    run: Annotated[Path, typer.Argument(help="Run folder of `bayescsc fit`.")],
    authority: Annotated[list[str], typer.Argument(help="Codes or names.")],
    chart: Annotated[
        str,
        typer.Option(
            "--chart", help="trajectory, change, domains, grades, contributions, indicators or specification."
        ),
    ] = "trajectory",
    format: Annotated[str, typer.Option("--format", help="svg or png.")] = "svg",
    out: Annotated[Path, typer.Option("--out", help="Folder for the pictures.")] = Path("reports"),
    model: ModelOption = None,
    force: Annotated[bool, typer.Option("--force", help="Draw a run that failed.")] = False,
) -> None:
    """Draw one chart of each authority."""
    from bayes_csc.report.charts.single_chart import authority_chart, check_chart_request, write_chart

    check_chart_request(chart, format)
    ahead = chart in ("domains", "grades")
    found = gathered(run, model=model, group=authority, forecasts=ahead, force=force)
    for own in found.pages:
        target = out / f"{own.slug}-{chart}.{format}"
        write_chart(authority_chart(found, own.code, chart), target)
        typer.echo(f"Wrote {target}")
