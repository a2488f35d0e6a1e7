"""The name of the stage that long work is at, on standard error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def stage(*, quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """Show the name of each stage that it is told, on standard error; nothing if quiet."""
    from rich.console import Console

    console = Console(stderr=True, quiet=quiet)
    if not console.is_terminal:
        yield lambda name: console.print(f"{name} ...")
        return
    with console.status("starting") as status:
        yield lambda name: status.update(f"{name} ...")
