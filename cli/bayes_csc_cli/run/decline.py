"""`bayescsc decline`: which authorities have probably declined since their last inspection."""

from __future__ import annotations

import datetime
import textwrap
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bayes_csc_cli.run.forecast import GROUP_HELP, forecast_of
from bayes_csc_cli.run_model import ModelOption
from bayes_csc_cli.text_table import terminal_width, text_table

if TYPE_CHECKING:
    import pandas as pd

WIDE = 150
"""Columns from which the table has all that there is, in one line an authority."""


class Format(StrEnum):
    """How a table is printed."""

    TABLE, CSV, JSON = "table", "csv", "json"


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
    format: Annotated[
        Format, typer.Option("--format", help="A table to read, or the text of decline.csv or decline.json.")
    ] = Format.TABLE,
    wide: Annotated[bool, typer.Option("--wide", help="All columns, however narrow the terminal.")] = False,
    model: ModelOption = None,
    force: Annotated[bool, typer.Option("--force", help="Show the table of a run that failed.")] = False,
) -> None:
    """Print the table of declines and write decline.csv and decline.json into the run folder.

    Example: bayescsc decline runs/england --sort p_decline --format csv
    """
    from bayes_csc.errors import UsageError
    from bayes_csc.estimates.comparison_columns import beside as with_beside
    from bayes_csc.estimates.comparison_columns import largest_difference
    from bayes_csc.estimates.decline import decline as decline_table
    from bayes_csc.estimates.decline import write_decline
    from bayes_csc.estimates.run_tables import refuse_failed
    from bayes_csc.inference.fit import Fit

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
    if format is not Format.TABLE:
        typer.echo((run / f"decline.{format}").read_text(encoding="utf-8"), nl=False)
        return
    typer.echo(table_text(ordered, max(terminal_width(), 4 * WIDE if wide else 0)))
    if beside:
        typer.echo(largest_difference(ordered))
    typer.echo(f"\nWrote {run / 'decline.csv'} and {run / 'decline.json'}. Next: bayescsc report {run}")


def table_text(table: pd.DataFrame, width: int) -> str:
    """Lay the table of declines out as text, a line an authority; with all columns where the width allows them.

    Parameters
    ----------
    table
        As `decline` gives it.
    width
        Columns of the terminal. Below `WIDE` only the inspection, the probability and the change are shown.
    """
    from bayes_csc.measurement.figures_used import NO_FIGURES
    from bayes_csc.report.findings.words.sentences import figures_words, group_without_figures

    about, wide = table.attrs, width >= WIDE
    percent = f"{about['interval']['probability']:.0%}"
    header = ["", "inspected", "P(decline)", f"change [{percent}]"]
    more = {"no data": "p_decline_no_data", "beside": "p_decline_beside", "2 years": "p_recent_decline",
            "next worse": "p_next_worse", "next better": "p_next_better"}  # fmt: skip
    more = {name: column for name, column in more.items() if wide and column in table}
    rows = []
    for row in table.to_dict("records"):
        cells = [str(row["name"]), inspected(row["last_inspection"]), share(row["p_decline"]), changed(row)]
        cells += [share(row[column]) for column in more.values()]
        if wide:
            notes = (part for part in str(row["note"]).split("; ") if part not in ("preview", NO_FIGURES))
            cells += [figures_words({"figures_since": row["figures_since"]}), "; ".join(notes)]
        rows.append(cells)
    header += [*more, *(["figures", "note"] if wide else [])]
    title = f"Change in latent quality since the last inspection, to {about['now']}"
    legend = (
        f"P(decline): the probability of a fall by more than {about['epsilon']:g}, relative to the mean of "
        f"{about['panel']}. Intervals are equal-tailed. "
    )
    if wide:
        legend += (
            "'no data': P(decline) had nothing been observed since. '2 years': over the two years to "
            f"{about['recent_until']}. 'next worse', 'next better': the probability that "
            f"{about.get('next_overall', 'the overall grade')} at the next inspection is worse or better than the "
            "last. 'figures': how many are of a time after the last inspection. "
        )
    legend += f"{about['panel_hash'][:12]}, spec {about['spec']}, seed {about['seed']}. {about['data_days']}"
    if "beside" in about:
        legend += f" 'beside': of spec {about['beside']['spec']}, seed {about['beside']['seed']}."
    ahead = (str(about.get("warning", "")), group_without_figures(table))
    parts = [*filter(None, ahead), ("PREVIEW. " if about["preview"] else "") + title]
    told = ["\n".join(textwrap.wrap(part, width)) for part in (*parts, legend)]
    return "\n\n".join([*told[:-1], text_table(header, rows, width), told[-1]])


def inspected(date: object) -> str:
    """Write the month of an inspection in short; blank without one.

    Examples
    --------
    >>> inspected("2024-06-12"), inspected("")
    ('Jun 24', '')
    """
    return f"{datetime.date.fromisoformat(date):%b %y}" if isinstance(date, str) and date else ""


def share(value: float) -> str:
    """Write a probability in per cent; blank without one.

    Examples
    --------
    >>> share(0.514), share(float("nan"))
    ('51%', '')
    """
    return "" if value != value else f"{value:.0%}"


def changed(row: dict[Any, Any]) -> str:
    """Write a change with its interval; blank without one.

    Examples
    --------
    >>> changed({"delta_median": -0.26, "delta_lower": -0.91, "delta_upper": 0.39})
    '−0.26 [−0.91, 0.39]'
    """
    from bayes_csc.report.findings.words.vocabulary import number

    middle, low, high = (number(row[f"delta_{end}"]) for end in ("median", "lower", "upper"))
    return middle and f"{middle} [{low}, {high}]"
