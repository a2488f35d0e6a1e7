"""`bayescsc data check` and `data add`: what users bring, checked whole and added beside a panel's own indicators."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bayes_csc.errors import BayesCscError
    from bayes_csc.panel.panel import Panel

DESCRIBE = typer.Option(
    "--describe", help="TOML file that describes it; by default the one of the same name beside it."
)


def check(
    files: Annotated[list[Path], typer.Argument(help="CSV or Excel files, their TOML descriptions, or panel folders.")],
    describe: Annotated[Path | None, DESCRIBE] = None,
    panel: Annotated[
        Path | None, typer.Option("--panel", help="Panel whose authorities and years count; England by default.")
    ] = None,
) -> None:
    """Name every problem of the files at once and suggest the fix; exit code 3 if there is any."""
    from bayes_csc.errors import DataError, UsageError
    from bayes_csc.files.embedded_data import data_dir
    from bayes_csc.panel.panel import Panel

    if describe is not None and len(files) > 1:
        raise UsageError(f"--describe goes with one file, found {len(files)}")
    base = None if all(file.is_dir() for file in files) else Panel.read(panel or data_dir())
    errors = {file: error for file in files if (error := _error(file, describe, base))}
    if not errors:
        return
    if len(files) == 1 or not any(isinstance(error, DataError) for error in errors.values()):
        raise next(iter(errors.values())) if len(errors) == 1 else UsageError("\n".join(map(str, errors.values())))
    raise DataError([line for file, error in errors.items() for line in (f"{file}:", *str(error).splitlines())])


def add(
    panel: Annotated[Path, typer.Argument(help="Panel folder to add to; it stays as it is.")],
    file: Annotated[Path, typer.Option("--file", help="CSV or Excel file of your own indicators.")],
    out: Annotated[Path, typer.Option("--out", help="Panel folder to write; an existing panel there is replaced.")],
    describe: Annotated[Path | None, DESCRIBE] = None,
    name: Annotated[str | None, typer.Option("--name", help="Name of the new panel.")] = None,
) -> None:
    """Write a new panel with your own indicators beside its own; `fit --drop KEY` leaves one out again."""
    from bayes_csc.errors import UsageError
    from bayes_csc.files import reserved
    from bayes_csc.measurement.near_copies import near_copy_sentences
    from bayes_csc.panel.panel import Panel, check_panel_target
    from bayes_csc.panel.user_data.add_indicators import read_own, with_own

    if out.resolve() == panel.resolve():
        raise UsageError(f"--out: {out} is the panel that is added to; give another folder")
    with reserved(out):
        check_panel_target(out)
        base = Panel.read(panel)
        own = read_own(_described(file, describe), base, file=_file(file))
        both, keys = with_own(base, own, name=name), [one.indicator.key for one in own.description.indicators]
        both.write(out, checked=True)
    wrote = f"Wrote {len(own.cells)} cells of {', '.join(keys)} beside the panel's {len(base.indicators)} indicators"
    typer.echo("\n".join([f"{wrote} to {out}", *near_copy_sentences(both.cells, both.indicators, of=keys)]))


def _described(file: Path, describe: Path | None) -> Path:
    from bayes_csc.errors import UsageError

    found = describe or file.with_suffix(".toml")
    if describe is None and not found.is_file():
        if not file.exists():
            raise UsageError(f"{file}: no such file")
        raise UsageError(
            f"{file}: no description {found.name} beside it; write one (docs/own-indicators.md) or --describe it"
        )
    return found


def _error(file: Path, describe: Path | None, base: Panel | None) -> BayesCscError | None:
    """What is wrong with a file, if only its form because nothing describes it; a summary is printed if nothing is."""
    from bayes_csc.errors import DataError, UsageError
    from bayes_csc.panel.user_data.add_indicators import form_problems

    try:
        typer.echo(_summary(file, describe, base))
    except DataError as error:
        return error
    except UsageError as error:
        form = form_problems(file) if file.exists() else []
        return DataError([str(error), *form]) if form else error
    return None


def _file(file: Path) -> Path | None:
    """File of the figures; none where the description was given, which names it."""
    return None if file.suffix.lower() == ".toml" else file


def _summary(file: Path, describe: Path | None, base: Panel | None) -> str:
    from bayes_csc.measurement.near_copies import near_copy_sentences
    from bayes_csc.panel.panel import Panel
    from bayes_csc.panel.user_data.add_indicators import read_own, with_own

    if file.is_dir() or base is None:
        read = Panel.read(file)
        cells, what = read.cells, f"panel {read.name}, {read.hash[:12]}"
    else:
        own = read_own(_described(file, describe), base, file=_file(file))
        read, cells, what = with_own(base, own), own.cells, own.description.source
    near = near_copy_sentences(read.cells, read.indicators, of=set(cells["indicator"]))
    status = cells["status"].value_counts()
    counts = ", ".join(f"{number} {str(name).replace('_', ' ')}" for name, number in status.items())
    years = f"{cells['year'].min()} to {cells['year'].max()}"
    summary = (
        f"{file}: no problem found: {what}: {cells['indicator'].nunique()} indicators of "
        f"{cells['authority'].nunique()} authorities, {years}: {counts}"
    )
    return "\n".join([summary, *near])
