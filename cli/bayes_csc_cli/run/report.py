"""`bayescsc report`: a run as a folder of pages, or as a workbook, Markdown, JSON or PDF."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bayes_csc_cli.fit import DAYS, run_name
from bayes_csc_cli.run.forecast import GROUP_HELP
from bayes_csc_cli.run_model import ModelOption, description, model_of

if TYPE_CHECKING:
    from bayes_csc.report.findings.collect import Findings


def report(
    run: Annotated[Path, typer.Argument(help="Run folder of `bayescsc fit`.")],
    out: Annotated[Path | None, typer.Option("--out", help="Folder; reports/NAME OF RUN by default.")] = None,
    group: Annotated[str, typer.Option("--group", help=GROUP_HELP)] = "requires improvement",
    authority: Annotated[
        list[str] | None, typer.Option("--authority", help="One more authority with a page (repeatable).")
    ] = None,
    format: Annotated[
        list[str] | None, typer.Option("--format", help="html (default), md, xlsx or pdf (repeatable).")
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="With --format pdf: print the evidence, too, not one sheet an authority.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print everything as JSON and write nothing.")] = False,
    epsilon: Annotated[float, typer.Option("--epsilon", help="Smallest decline that counts.")] = 0.25,
    interval: Annotated[float, typer.Option("--interval", help="Probability of the intervals.")] = 0.89,
    loss_ratio: Annotated[float, typer.Option("--loss-ratio", help="Visits in vain that cost a missed decline.")] = 4.0,
    backtest: Annotated[Path | None, typer.Option("--backtest", help="Folder of `bayescsc backtest`.")] = None,
    model: ModelOption = None,
    made: Annotated[
        datetime | None, typer.Option("--made", formats=DAYS, help="The day the report is made; today.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a report that is there.")] = False,
    serve: Annotated[bool, typer.Option("--serve", help="Then open it in a browser, from this machine only.")] = False,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Of --serve; any free one by default.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Report a run that failed, with a warning.")] = False,
) -> None:
    """Write a report of a run: an overview, a page for each authority of a group, and the method.

    Examples: bayescsc report RUN; bayescsc report RUN --format pdf --full
    """
    from bayes_csc.files import reserved
    from bayes_csc.report.export.formats import check_formats, write_formats
    from bayes_csc.report.site import check_report_target

    target, formats = out or Path("reports") / run_name(run.resolve().name), format or ["html"]
    settings: dict[str, Any] = {
        "made": made.date() if made else None,
        "epsilon": epsilon,
        "interval": interval,
        "loss_ratio": loss_ratio,
        "backtest": backtest,
    }
    with nullcontext() if json else reserved(target):
        if not json:
            check_formats(formats)
            check_report_target(target, overwrite=overwrite)
        found = gathered(
            run, model=model, quiet=json, group=group, authorities=authority or [], force=force, **settings
        )
        if "old_panel" in found.about:
            typer.echo(f"Warning: {found.about['old_panel']}", err=True)
        if json:
            from bayes_csc.report.export.plain import json_text

            typer.echo(json_text(found), nl=False)
            return
        for line in write_formats(found, target, formats, overwrite=overwrite, full=full):
            typer.echo(line)
    if serve:
        from bayes_csc.report.server import serve as serve_folder

        serve_folder(target, port=port, tell=typer.echo)


def gathered(run: Path, *, model: str | None = None, quiet: bool = False, **settings: Any) -> Findings:
    """Gather what a report says of a run."""
    from bayes_csc.inference.fit import CORES, Fit
    from bayes_csc.report.findings.collect import gather
    from bayes_csc_cli.progress import stage

    fit = Fit.read(run)
    built_by = model_of(fit, model)
    with stage(quiet=quiet) as tell:
        return gather(fit, built_by, run, equations=description(built_by), cores=CORES, tell=tell, **settings)
