"""`bayescsc backtest`: forecasts of past inspections from what was known before them, beside simple competitors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bayes_csc_cli.text_table import terminal_width, text_table

if TYPE_CHECKING:
    import datetime

    from bayes_csc.evaluation.backtest.result import Backtest


def backtest(
    out: Annotated[Path, typer.Option("--out", help="Folder for backtest.csv, backtest.json and backtest.html.")],
    panel: Annotated[Path | None, typer.Option("--panel", help="Panel folder; England by default.")] = None,
    spec: Annotated[
        list[str] | None,
        typer.Option("--spec", help="Shipped spec or TOML file (repeatable); the first is the baseline."),
    ] = None,
    latent_only: Annotated[
        bool, typer.Option("--latent-only", help="The specs alone, without competing forecasters: to compare specs.")
    ] = False,
    origins: Annotated[
        str | None, typer.Option("--origins", help="Years or dates, separated by commas; 2018 to 2025 by default.")
    ] = None,
    group: Annotated[
        str, typer.Option("--group", help="Grade whose authorities are scored by themselves.")
    ] = "requires improvement",
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same numbers.")] = 1,
    scheduler: Annotated[
        str | None, typer.Option("--scheduler", help="Address of a Dask scheduler; a local cluster by default.")
    ] = None,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Processes of the local cluster.")] = 2,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a backtest that is there.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Take up the answers of a killed backtest.")] = False,
) -> None:
    """Backtest the model and competing forecasters at past origins, and write events, scores and a page."""
    from bayes_csc.evaluation.backtest.files import check_backtest_target, write_backtest
    from bayes_csc.evaluation.backtest.forecasters.all_forecasters import chosen_pool, latent_forecasters, pools, rivals
    from bayes_csc.evaluation.backtest.run import ORIGINS
    from bayes_csc.evaluation.backtest.run import backtest as run_backtest
    from bayes_csc.evaluation.dask_jobs import dask_client
    from bayes_csc.files import reserved
    from bayes_csc.files.embedded_data import data_dir
    from bayes_csc.inference.progress_line import shown
    from bayes_csc.panel.panel import Panel
    from bayes_csc.report.pages.backtest_page import backtest_page
    from bayes_csc_models.specs import spec as read_spec
    from bayes_csc_models.trajectory import trajectory

    specs = [read_spec(name) for name in spec or ["baseline"]]
    days = ORIGINS if origins is None else parsed_origins(origins)
    data = Panel.read(panel or data_dir())
    forecasters = latent_forecasters(trajectory, specs) + ([] if latent_only else rivals(trajectory, specs[0]))
    with reserved(out):
        check_backtest_target(out, overwrite=overwrite)
        with shown() as progress, dask_client(scheduler, workers=workers) as client:
            done = run_backtest(
                data, forecasters, client, variants=[each.name for each in specs[1:]],
                pools=[] if latent_only else pools(specs), choice=None if latent_only else chosen_pool(specs[0]),
                origins=days, group=group, seed=seed,
                checkpoint=out.parent / f".{out.name}.partial", resume=resume, progress=progress,
            )  # fmt: skip
        write_backtest(done, backtest_page(done), out, overwrite=overwrite)
    typer.echo(f"{backtest_text(done, terminal_width())}\n\nWrote {out}")


def parsed_origins(text: str) -> list[datetime.date]:
    """Days of a list such as "2018,2019-07-01"; a year is its first of January.

    Examples
    --------
    >>> parsed_origins("2018, 2019-07-01")
    [datetime.date(2018, 1, 1), datetime.date(2019, 7, 1)]
    """
    import datetime

    from bayes_csc.errors import UsageError

    days, wrong = [], []
    for part in filter(None, (each.strip() for each in text.split(","))):
        try:
            days.append(datetime.date.fromisoformat(f"{part}-01-01" if len(part) == 4 else part))
        except ValueError:
            wrong.append(part)
    if wrong or not days:
        found = ", ".join(map(repr, wrong)) or "nothing"
        raise UsageError(f"--origins: expected years or dates such as 2018,2019-07-01, found {found}")
    return days


def backtest_text(done: Backtest, width: int) -> str:
    """Lay the scores out as text, by group and horizon, with what they allow to say."""
    from bayes_csc.evaluation.backtest.files import HONESTY, QUOTED
    from bayes_csc.evaluation.backtest.summary import ALL, HIGHER_IS_BETTER
    from bayes_csc.evaluation.backtest.words import counts, finding, score_word

    parts = []
    for horizon in done.horizons:
        parts.append(counts(done, horizon))
        for group in (done.group, ALL):
            by = {score: done.score(group, horizon, score) for score in HIGHER_IS_BETTER}
            rows = [
                [name if done.roles[name] in ("rival", "pool", name) else f"{name} ({done.roles[name]})"]
                + [_value(by[score]["value"][name]) for score in HIGHER_IS_BETTER]
                for name in done.roles
            ]
            header = ["", *(score_word(score, done.metadata["grades"]) for score in HIGHER_IS_BETTER)]
            title = "All inspections" if group == ALL else f"Authorities judged {group}"
            said = [finding(done, group, horizon, score) for score in QUOTED]
            parts.append("\n".join([f"{title}, {horizon} months", text_table(header, rows, width), *said]))
    return "\n\n".join([*parts, HONESTY])


def _value(value: float) -> str:
    return "" if value != value else f"{float(value):.3f}"
