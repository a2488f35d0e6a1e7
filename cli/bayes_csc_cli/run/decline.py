"""`bayescsc decline`: which authorities have probably declined since their last inspection."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bayes_csc_cli.run.forecast import GROUP_HELP, forecast_of
from bayes_csc_cli.run_model import ModelOption

if TYPE_CHECKING:
    import pandas as pd

SORTS = ("name", "p_next_worse", "p_decline", "gap_years", "delta_median")


def decline(
    run: Annotated[Path, typer.Argument(help="Run folder of `bayescsc fit`.")],
    group: Annotated[str, typer.Option("--group", help=GROUP_HELP)] = "requires improvement",
    epsilon: Annotated[float, typer.Option("--epsilon", help="Smallest decline that counts.")] = 0.25,
    interval: Annotated[float, typer.Option("--interval", help="Probability of the intervals.")] = 0.89,
    beside: Annotated[
        Path | None, typer.Option("--beside", help="Another run, a variant's: its P(decline) in a column beside.")
    ] = None,
    sort: Annotated[str, typer.Option("--sort", help=f"One of {', '.join(SORTS)}.")] = "name",
    model: ModelOption = None,
    force: Annotated[bool, typer.Option("--force", help="Show the table of a run that failed.")] = False,
) -> None:
    """Print the table of declines and write decline.csv and decline.json into the run folder."""
    from bayes_csc.errors import UsageError
    from bayes_csc.estimates.comparison_columns import beside as with_beside
    from bayes_csc.estimates.comparison_columns import largest_difference
    from bayes_csc.estimates.decline import decline as decline_table
    from bayes_csc.estimates.decline import write_decline
    from bayes_csc.inference.fit import Fit
    from bayes_csc.inference.run_tables import refuse_failed

    if sort not in SORTS:
        raise UsageError(f"--sort: expected one of {', '.join(SORTS)}, found {sort!r}")
    fit = Fit.read(run)
    refuse_failed(fit, force=force)
    ahead = forecast_of(fit, model, group=group, interval=interval, force=force)
    table = decline_table(fit, group, epsilon=epsilon, interval=interval, forecast=ahead, force=force)
    table = with_beside(table, Fit.read(beside), force=force) if beside else table
    if sort not in table:
        raise UsageError(f"--sort {sort}: this run has no forecast; sort by another column")
    ordered = table.sort_values([sort, "name"], ignore_index=True)
    write_decline(ordered, run)
    show(ordered)
    if beside:
        typer.echo(largest_difference(ordered))
    typer.echo(f"Wrote {run / 'decline.csv'} and {run / 'decline.json'}")


def show(table: pd.DataFrame) -> None:
    """Print the table as wide as the terminal allows, with what it means."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from bayes_csc.measurement.figures_used import NO_FIGURES
    from bayes_csc.report.findings.words.sentences import figures_words, group_without_figures

    about = table.attrs
    percent = f"{about['interval']['probability']:.0%}"
    out = Table(
        title=("PREVIEW. " if about["preview"] else "")
        + f"Change in latent quality since the last inspection, to {about['now']}",
        caption=f"{about['panel']} {about['panel_hash'][:12]}, spec {about['spec']}, seed {about['seed']}. Intervals "
        f"{percent}, equal-tailed. A decline is more than {about['epsilon']:g}. 'no data': the probability had nothing "
        f"been observed since. Relative to the mean of {about['panel']}. 'next worse', 'next better': the probability "
        f"that {about.get('next_overall', 'the overall grade')} at the next inspection is worse or better than the "
        "last (`bayescsc forecast` has more). '2 years': P(decline) over the two "
        f"years to {about['recent_until']}. 'figures': how many are of a time after the last inspection. "
        f"{about['data_days']}"
        + (
            f" 'beside': of spec {about['beside']['spec']}, seed {about['beside']['seed']}."
            if "beside" in about
            else ""
        ),
    )
    ahead = ("next worse", "next better") if "p_next_worse" in table else ()
    other = ("beside",) if "beside" in about else ()
    numbers = (*ahead, "gap", "P(decline)", *other, "no data", "2 years")
    for name in ("authority", "last inspection", "figures", *ahead, "gap", f"change ({percent})", "P(decline)", *other,
                 "no data", "2 years", ""):  # fmt: skip
        out.add_column(name, justify="right" if name in numbers else "left")
    for row in table.itertuples():
        if str(row.gap_years) == "nan":  # without an inspection there is no change since
            out.add_row(
                escape(str(row.name)),
                *[""] * (6 + len(ahead) + len(other)),
                f"{row.p_recent_decline:.2f}",
                str(row.note),
            )
            continue
        out.add_row(
            escape(str(row.name)), str(row.last_inspection), figures_words({"figures_since": row.figures_since}),
            *([f"{row.p_next_worse:.2f}", f"{row.p_next_better:.2f}"] if ahead else []), f"{row.gap_years:.1f}",
            f"{row.delta_median:+.2f} ({row.delta_lower:+.2f} to {row.delta_upper:+.2f})",
            f"{row.p_decline:.2f}", *([f"{row.p_decline_beside:.2f}"] if other else []),
            f"{row.p_decline_no_data:.2f}", f"{row.p_recent_decline:.2f}",
            "; ".join(part for part in str(row.note).split("; ") if part != NO_FIGURES),
        )  # fmt: skip
    console = Console(width=None if sys.stdout.isatty() else 140)
    if "warning" in about:
        console.print(about["warning"], style="bold red", markup=False)
    if ahead_of_figures := group_without_figures(table):
        console.print(ahead_of_figures, markup=False, highlight=False)
    console.print(out)
