"""A live line on standard error for long work: stage, steps, divergences and the time left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from bayes_csc.inference.chains import Progress


@contextmanager
def shown() -> Iterator[Callable[[Progress], None]]:
    """Show the progress it is told; a line per stage where standard error is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[detail]}"))
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("starting", total=1, detail="")
        stage = ""

        def tell(now: Progress) -> None:
            nonlocal stage
            if now.stage != stage:
                stage = now.stage
                if not console.is_terminal:
                    console.print(f"{stage} ...")
            bar.update(task, description=stage, completed=now.done, total=now.total, detail=_detail(now))

        yield tell


def _detail(now: Progress) -> str:
    if now.total <= 1:
        return ""
    parts = [f"{now.done}/{now.total}"]
    if now.gradients:
        parts += [f"{now.gradients} steps", f"{now.divergences} divergences"]
    if now.seconds_left is not None:
        parts.append(f"about {timedelta(seconds=round(now.seconds_left))} left")
    return ", ".join(parts)
