"""`bayescsc data fetch`: download the official files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bayes_csc.sources.download.catalogue import Catalogue


def fetch(
    out: Annotated[
        Path, typer.Option("--out", help="Folder to download to; the files go below its raw/, as `data build` reads.")
    ] = Path("official"),
    only: Annotated[
        list[str] | None, typer.Option("--only", help="Id of a file or a release; may be repeated.")
    ] = None,
    catalogue: Annotated[
        Path | None, typer.Option("--catalogue", help="A catalogue of your own in place of the toolkit's.")
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="Print the catalogue and stop.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be asked for, and ask for nothing.")
    ] = False,
    accept_changes: Annotated[
        bool, typer.Option("--accept-changes", help="Take a file that differs from the one there, version or not.")
    ] = False,
) -> None:
    """Download the official files: retried, checked, recorded in raw/provenance.csv; what is there is never damaged.

    Files without a known address are named with the page to download them from. Exit code 3: a file could not be had
    (the network counts as input); the others are kept.
    """
    from bayes_csc.sources.download.catalogue import read_catalogue
    from bayes_csc.sources.download.fetch import planned, way

    known = read_catalogue(catalogue)
    if list_:
        for dataset in known.chosen(only or []):
            typer.echo(f"{dataset.id} [{dataset.source}] {dataset.title}\n    {dataset.path}: {way(dataset)}")
        return
    if dry_run:
        for line in planned(known, out, only or []):
            typer.echo(line)
        return
    fetch_files(known, out, only=only, accept_changes=accept_changes)


def fetch_files(known: Catalogue, out: Path, *, only: list[str] | None = None, accept_changes: bool = False) -> None:
    """Download official files, tell each, and all failures together at the end.

    Raises
    ------
    DataError
        At least one file could not be had; the others are kept.
    """
    from bayes_csc.errors import DataError
    from bayes_csc.sources.download.fetch import fetch as fetched
    from bayes_csc.sources.download.transfer import Client

    problems = []
    with _shown() as tell:
        for outcome in fetched(
            known, out, Client(known.hosts), only=only, accept_changes=accept_changes, tell=tell
        ):  # fmt: skip
            problems.append(outcome.problem)
            if not outcome.problem:
                typer.echo(f"{outcome.dataset.id}: {outcome.state}{outcome.detail and f' ({outcome.detail})'}")
    if failed := [problem for problem in problems if problem]:
        raise DataError([f"{len(failed)} of {len(problems)} files could not be had:", *failed])


@contextmanager
def _shown() -> Iterator[Callable[[str, int, int | None], None]]:
    """Show a bar with the time left on standard error, where it is a terminal; else a line per download."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task, at = bar.add_task("asking", total=None), ""

        def tell(url: str, received: int, total: int | None) -> None:
            nonlocal at
            if url != at:
                at = url
                bar.reset(task, total=total, description=url.rpartition("/")[2][:40])
                if not console.is_terminal:
                    console.print(f"{url} ...", soft_wrap=True, markup=False)
            bar.update(task, completed=received, total=total)

        yield tell
