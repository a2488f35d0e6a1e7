"""`bayescsc contributions`: what moved the estimates of a group of authorities."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bayes_csc_cli.run_model import ModelOption, model_of

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 3
"""Sources shown in each direction."""


def contributions(
    run: Annotated[Path, typer.Argument(help="Run folder of `bayescsc fit`.")],
    group: Annotated[
        str, typer.Option("--group", help="A grade, all, or codes or names separated by commas.")
    ] = "requires improvement",
    draws: Annotated[int, typer.Option("--draws", help="Draws of the hyperparameters, at most.")] = 100,
    interval: Annotated[float, typer.Option("--interval", help="Probability of the intervals.")] = 0.89,
    model: ModelOption = None,
    force: Annotated[bool, typer.Option("--force", help="Show the table of a run that failed.")] = False,
) -> None:
    """Print what moved the change since the last inspection most; write contributions.csv and contributions.json."""
    from bayes_csc.estimates.contributions import contributions as contribution_table
    from bayes_csc.estimates.contributions import write_contributions
    from bayes_csc.inference.fit import Fit

    fit = Fit.read(run)
    table = contribution_table(fit, model_of(fit, model), group=group, draws=draws, interval=interval, force=force)
    write_contributions(table, run)
    show(table)
    typer.echo(f"Wrote {run / 'contributions.csv'} and {run / 'contributions.json'}")


def show(table: pd.DataFrame) -> None:
    """Print each authority's total and its largest contributions up and down."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    about = table.attrs
    percent = f"{about['interval']['probability']:.0%}"
    out = Table(
        title=("PREVIEW. " if about["preview"] else "")
        + f"What moved the estimated change since the last inspection, to {about['now']}",
        caption=f"{about['panel']} {about['panel_hash'][:12]}, spec {about['spec']}, seed {about['seed']}, "
        f"{about['draws']} draws. The {SHOWN} largest each way; all of them, with {percent} intervals over the draws, "
        "are in the files. They sum to the change. They say how the estimate is made up, not why anything changed.",
        show_lines=True,
    )
    for name in ("authority", "change", "up", "down", ""):
        out.add_column(name, justify="right" if name == "change" else "left")
    for _, rows in table.groupby(["name", "authority"], sort=False):
        total = rows[rows.kind == "total"].iloc[0]
        change = f"{total.contribution:+.2f}" if total.contribution == total.contribution else ""
        up, down = _largest(rows, 1.0), _largest(rows, -1.0)
        out.add_row(escape(str(total["name"])), change, escape(up), escape(down), str(total.note))
    console = Console(width=None if sys.stdout.isatty() else 140)
    if "warning" in about:
        console.print(about["warning"], style="bold red", markup=False)
    console.print(out)


def _largest(rows: pd.DataFrame, sign: float) -> str:
    """Give the largest contributions in one direction, a line each."""
    parts = rows[(rows.kind != "total") & (sign * rows.contribution >= 0.005)]
    parts = parts.sort_values("contribution", ascending=sign < 0, kind="stable").head(SHOWN)
    return "\n".join(f"{v:+.2f} {label}" for v, label in zip(parts.contribution, parts.label, strict=True))
