"""`bayescsc sensitivity`: what would change a run's answer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bayes_csc_cli.text_table import terminal_width, text_table

if TYPE_CHECKING:
    from bayes_csc.evaluation.sensitivity.result import Sensitivity


def sensitivity(
    run: Annotated[Path, typer.Argument(help="Run folder of `bayescsc fit`.")],
    plan: Annotated[Path | None, typer.Option("--plan", help="TOML file; the default plan by default.")] = None,
    group: Annotated[
        str, typer.Option("--group", help="Whose answers are told: a grade, a rule, all, or codes or names.")
    ] = "requires improvement",
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="Of the refits; the run's by default.")] = None,
    scheduler: Annotated[
        str | None, typer.Option("--scheduler", help="Address of a Dask scheduler; a local cluster by default.")
    ] = None,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Processes of the local cluster.")] = 2,
    cache: Annotated[
        Path | None, typer.Option("--cache", help="Where fits are kept for this and other analyses.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Check the plan, list its variants and stop.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Take a run that failed its diagnostics.")] = False,
) -> None:
    """Refit a run under every choice of a plan, and write sensitivity.csv, .json and .html into its folder."""
    from bayes_csc.evaluation.dask_jobs import dask_client
    from bayes_csc.evaluation.sensitivity.files import write_sensitivity
    from bayes_csc.evaluation.sensitivity.plan.expand import expand
    from bayes_csc.evaluation.sensitivity.plan.plan import Plan
    from bayes_csc.evaluation.sensitivity.run import sensitivity as run_plan
    from bayes_csc.files import reserved
    from bayes_csc.files.result_cache import Kept, cache_folder
    from bayes_csc.inference.fit import Fit
    from bayes_csc.inference.progress_line import shown
    from bayes_csc.own_model import check_model
    from bayes_csc.report.pages.sensitivity_page import sensitivity_page
    from bayes_csc_models.plans import default_plan
    from bayes_csc_models.trajectory import trajectory

    base, chosen = Fit.read(run), Plan.read(plan or default_plan())
    check_model(base, trajectory)
    if check:
        variants = expand(chosen, base.panel, base.spec)
        typer.echo("\n".join(f"{v.choice}: {v.name}" for v in variants.variants))
        typer.echo(f"{len(variants.variants)} variants; the plan can be run")
        return
    store = Kept(cache or cache_folder("fits"), "npz")
    store.forget(days=60)
    with reserved(run):
        with shown() as progress, dask_client(scheduler, workers=workers) as client:
            done = run_plan(
                base, trajectory, chosen, client, group=group, seed=seed, cache=store, force=force, progress=progress
            )
        write_sensitivity(done, sensitivity_page(done), run)
    typer.echo(f"{sensitivity_text(done, terminal_width())}\n\nWrote sensitivity.csv, .json and .html into {run}")


def sensitivity_text(done: Sensitivity, width: int) -> str:
    """Lay verdicts and choices out as text."""
    header = ["", "P(decline)", "least", "most", "verdict", "most moved by", "variant"]
    rows = [
        [
            str(row["name"]), *(_number(row[f"p_decline{end}"]) for end in ("", "_least", "_most")),
            str(row["verdict"]), str(row["moved_by"]), str(row["moved_variant"]),
        ]
        for row in done.verdicts.to_dict("records")
    ]  # fmt: skip
    which = ["", "variants", "failed", "mean move", "largest", "levels changed", "sides crossed"]
    moves = [
        [
            str(row["choice"]), str(row["variants"]), str(row["failed"]), _number(row["moved"]),
            _number(row["moved_most"]), str(row["flips"]), str(row["crossings"]),
        ]
        for row in done.choices.to_dict("records")
    ]  # fmt: skip
    n = len(done.metadata["variants"]) - 1
    failed = f"{len(done.failed)} of {n} variants failed" + (f": {', '.join(done.failed)}" if done.failed else "")
    parts = [text_table(header, rows, width), text_table(which, moves, width), failed]
    parts.append(str(done.metadata["rule"]["words"]))
    return "\n\n".join(parts)


def _number(value: float) -> str:
    return "" if value != value else f"{float(value):.2f}"
