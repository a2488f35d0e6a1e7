"""`bayescsc plot`: single charts of authorities, as SVG or PNG."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bayes_csc_cli.run_model import ModelOption, model_of


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
    narrow: Annotated[bool, typer.Option("--narrow", help="Draw for a telephone or a column.")] = False,
    model: ModelOption = None,
    force: Annotated[bool, typer.Option("--force", help="Draw a run that failed.")] = False,
) -> None:
    """Draw one chart of each authority, with its name, the finding, the unit and the source in the picture.

    Examples: bayescsc plot RUN Suffolk; bayescsc plot RUN Suffolk Kent --chart indicators --format png
    """
    from bayes_csc.inference.fit import Fit
    from bayes_csc.report.charts.single_chart import authority_picture, check_chart_request, write_chart
    from bayes_csc.report.drawing.style import NARROW, WIDTH
    from bayes_csc.report.findings.authority.single import gather_chart

    check_chart_request(chart, format)
    fit = Fit.read(run)
    found = gather_chart(fit, model_of(fit, model), run, chart, authority, force=force)
    for own in found.pages:
        target = out / f"{own.slug}-{chart}.{format}"
        write_chart(authority_picture(found, own.code, NARROW if narrow else WIDTH), target)
        typer.echo(f"Wrote {target}")
