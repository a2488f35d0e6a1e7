"""`bayescsc forecast`: the next inspection of every authority, and whether to visit before it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bayes_csc_cli.fit import DAYS
from bayes_csc_cli.run_model import ModelOption, model_of

if TYPE_CHECKING:
    import pandas as pd

    from bayes_csc.inference.fit import Fit

ENDS = ("lower", "upper")
GROUP_HELP = (
    "A grade; a rule such as 'any = inadequate or help_and_protection = requires improvement or worse'; all; or codes "
    "or names separated by commas."
)


def forecast(
    run: Annotated[Path, typer.Argument(help="Run folder of `bayescsc fit`.")],
    date: Annotated[
        list[datetime] | None,
        typer.Option("--date", formats=DAYS, help="Of the next inspection (repeatable); by default it is uncertain."),
    ] = None,
    group: Annotated[str, typer.Option("--group", help=GROUP_HELP)] = "requires improvement",
    loss_ratio: Annotated[float, typer.Option("--loss-ratio", help="Visits in vain that cost a missed decline.")] = 4.0,
    interval: Annotated[float, typer.Option("--interval", help="Probability of the intervals.")] = 0.89,
    model: ModelOption = None,
    force: Annotated[bool, typer.Option("--force", help="Show the table of a run that failed.")] = False,
) -> None:
    """Print the forecasts of a group and write those of every authority as forecast.csv and forecast.json.

    Several dates are written as forecast_dates.csv and forecast_dates.json, with a row per authority and date.
    """
    from bayes_csc.evaluation.forecast.forecast import by_date, write_by_date, write_forecast
    from bayes_csc.evaluation.forecast.forecast import forecast as forecast_table
    from bayes_csc.inference.fit import Fit
    from bayes_csc.report.findings.words.next_words import pool_sentence

    fit, days = Fit.read(run), [day.date() for day in date or []]
    built_by = model_of(fit, model)
    chosen: dict[str, Any] = {"group": group, "interval": interval, "loss_ratio": loss_ratio, "force": force}
    if len(days) > 1:
        tables = by_date(fit, built_by, days, **chosen)
        write_by_date(tables, run)
    else:
        tables = [forecast_table(fit, built_by, date=days[0] if days else None, **chosen)]
        write_forecast(tables[0], run)
    for table in tables:
        show_domains(table)
        show(table)
    typer.echo(pool_sentence(tables[0].attrs))
    typer.echo(skill(fit, group))
    name = "forecast_dates" if len(days) > 1 else "forecast"
    typer.echo(f"Wrote {run / f'{name}.csv'} and {run / f'{name}.json'}")


def skill(fit: Fit, group: str) -> str:
    """Say how good such forecasts have been, by the backtest that ships with the panel."""
    from bayes_csc.evaluation.backtest.shipped import shipped

    if fit.own_model:
        return "No backtest ships of a model of your own."
    found = shipped(fit.panel, fit.spec)
    if found is None:
        return (
            f"No backtest ships with the panel {fit.panel.name}: `bayescsc backtest` says how good such forecasts are."
        )
    return " ".join(["Backtest (exploratory).", *found.mismatch, *found.quotes(group)])


def forecast_of(fit: Fit, model: str | None = None, **options: Any) -> pd.DataFrame | None:
    """Forecast with the run's model; None where it has no judgements, or does not ship and was not named."""
    from bayes_csc.evaluation.forecast.forecast import forecast as forecast_table
    from bayes_csc.evaluation.forecast.forecast import has_judgements

    if not has_judgements(fit) or (fit.own_model and model is None):
        return None
    return forecast_table(fit, model_of(fit, model), **options)


def show_domains(table: pd.DataFrame) -> None:
    """Print the sub-judgements of the group's next inspections; nothing where only the overall grade is forecast."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from bayes_csc.report.findings.words.next_words import domain_grades, domain_words, domains_of

    if not (domains := domains_of(list(table.columns))):
        return
    about: dict[str, Any] = {str(key): value for key, value in table.attrs.items()}
    percent, grades = f"{about['interval']['probability']:.0%}", len(grade_columns(table.columns))
    out = Table(
        title=("PREVIEW. " if about["preview"] else "") + f"Sub-judgements of the next inspection, from {about['now']}",
        caption="'any worse': the probability that any domain is judged worse than when it was last judged; 'any "
        "inadequate': that any is given the worst grade. Of each domain: its latest grade, then the "
        "probability of each grade, best first.",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    ahead = ("authority", f"any worse ({percent})", f"any inadequate ({percent})")
    for name in (*ahead, *map(domain_words, domains)):
        out.add_column(name)
    for row in table[table.listed].to_dict("records"):
        each = [
            f"{row[f'last_grade_{d}'] or 'none'}\n{chances(domain_grades(row, d, grades))}" for d in domains
        ]  # fmt: skip
        out.add_row(escape(row["name"]), uncertain(row, "p_any_worse"), uncertain(row, "p_any_inadequate"), *each)
    Console(width=None if sys.stdout.isatty() else 175).print(out)


def grade_columns(names: Iterable[Any]) -> list[str]:
    """Columns of the overall grades, best first."""
    return sorted(name for name in map(str, names) if re.fullmatch(r"p_grade_\d+", name))


def chances(values: Sequence[float]) -> str:
    """Write probabilities side by side.

    Examples
    --------
    >>> chances([0.05, 0.95])
    '.05 .95'
    """
    return " ".join(number(value).removeprefix("0") for value in values)


def show(table: pd.DataFrame) -> None:
    """Print the group's rows as wide as the terminal allows, with what they mean."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from bayes_csc.estimates.forecast.overall_name import overall_heading, overall_name

    about: dict[str, Any] = {str(key): value for key, value in table.attrs.items()}
    percent = f"{about['interval']['probability']:.0%}"
    if not (listed := table[table.listed].to_dict("records")):
        typer.echo(f"No authority of the group {about['group']} exists on {about['now']}: no inspection is to come.")
        return
    last = {row["last_grade"] for row in listed}
    of = f" of authorities last judged {last.pop()}" if len(last) == 1 else ""
    given = [row["next_has_overall"] for row in listed]
    heading, name = (f(given, about["no_overall_from"]) for f in (overall_heading, overall_name))
    out = Table(
        title=("PREVIEW. " if about["preview"] else "") + f"{heading}{of}, from {about['now']}",
        caption=f"{about['panel']} {about['panel_hash'][:12]}, spec {about['spec']}, seed {about['seed']}. Intervals "
        f"{percent}, equal-tailed: of the date, and of P(worse), which is of {name}, over the hyperparameters; "
        "'state known': of what it "
        "would be if the authority's state now were known. 'no data': P(worse) had nothing been observed since the "
        "last inspection. 'visit': the expected loss that an early visit saves, in visits in vain. 'level': "
        "P(worse) against the level at which an early visit pays; 'changed': "
        "whether the data since the inspection changed that.",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    right = ("state known", "no data", "P(better)", "visit")
    lines = [cells(row, percent) for row in listed]
    for column in lines[0]:
        if not of or column != "last grade":
            out.add_column(column, justify="right" if column in right else "left")
    for line in lines:
        out.add_row(*(escape(text) for column, text in line.items() if not of or column != "last grade"))
    console = Console(width=None if sys.stdout.isatty() else 175)
    if "warning" in about:
        console.print(about["warning"], style="bold red", markup=False)
    console.print(out)
    console.print(expectation(about, name), markup=False, highlight=False)


def cells(row: dict[Any, Any], percent: str) -> dict[str, str]:
    """Write one authority's row, by column."""
    return {
        "authority": row["name"],
        "last grade": row["last_grade"],
        f"next inspection ({percent})": dates(row),
        "P(grade), best first": chances([row[name] for name in grade_columns(row)]),
        f"P(worse) ({percent})": uncertain(row, "p_next_worse"),
        "state known": " to ".join(filter(None, (number(row[f"p_next_worse_given_now_{end}"]) for end in ENDS))),
        "no data": number(row["p_next_worse_no_data"]),
        "P(better)": number(row["p_next_better"]),
        "visit": number(row["visit_value"], "+.2f"),
        "level": str(row["level"]) or note(row),
        "changed": str(row["level_changed"]),
    }


def dates(row: dict[Any, Any]) -> str:
    """Write the months of the next inspection's median and interval; one day if that is what was asked for."""
    median, lower, upper = (row[f"next_inspection_{name}"] for name in ("median", "lower", "upper"))
    return str(median) if lower == upper else f"{median:.7} ({lower:.7} to {upper:.7})"


def uncertain(row: dict[Any, Any], name: str) -> str:
    """Write a probability with its interval, or nothing where there is none."""
    value, lower, upper = (number(row[f"{name}{end}"]) for end in ("", "_lower", "_upper"))
    return value and f"{value} ({lower} to {upper})"


def note(row: dict[Any, Any]) -> str:
    """Write a row's note, without what the title says."""
    return "; ".join(part for part in row["note"].split("; ") if part != "preview")


def number(value: float, style: str = ".2f") -> str:
    """Write a number, or nothing where there is none.

    Examples
    --------
    >>> number(0.256), number(float("nan"))
    ('0.26', '')
    """
    return "" if value != value else f"{value:{style}}"


def expectation(about: dict[str, Any], name: str) -> str:
    """Say how many are above, around and below the level, and what to expect of visiting above it."""
    found = about["expected"]["group"]
    vain, missed, loss = (found[name] for name in ("visits_in_vain", "missed_declines", "loss"))
    return (
        f"An early visit pays where P(worse), of {name}, is above {about['threshold']:.2f} (a missed decline costs "
        f"{about['loss_ratio']:g} visits in vain). Of {found['authorities']} that can get worse {found['above']} "
        f"{'is' if found['above'] == 1 else 'are'} above this level, {found['around']} around it, {found['below']} "
        f"below it.\nVisiting the {found['visited']} whose P(worse) is above it ({found['visited_around']} of them "
        f"around it by the interval) is expected to give {vain['mean']:.1f} visits in vain ({vain['lower']:.1f} to "
        f"{vain['upper']:.1f}) and {missed['mean']:.1f} missed declines ({missed['lower']:.1f} to "
        f"{missed['upper']:.1f}): a loss of {loss['mean']:.1f} ({loss['lower']:.1f} to {loss['upper']:.1f}), where "
        f"visiting nobody is expected to lose {found['loss_visiting_nobody']:.1f} and visiting everybody "
        f"{found['loss_visiting_everybody']:.1f}."
    )
