"""The commands in one app, and what an error looks like to who called it.

Command modules import the library inside their command bodies, so that `--help` does not wait for PyMC.
"""

from __future__ import annotations

import gc
import os
import sys
import traceback
from contextlib import suppress
from importlib.metadata import version
from typing import Annotated

import typer

from bayes_csc_cli.data.commands import app as data_app
from bayes_csc_cli.evaluation.backtest import backtest
from bayes_csc_cli.evaluation.sensitivity import sensitivity
from bayes_csc_cli.evaluation.study import app as study_app
from bayes_csc_cli.fit import fit
from bayes_csc_cli.model import app as model_app
from bayes_csc_cli.output import OutputError, printed
from bayes_csc_cli.run.compare import compare
from bayes_csc_cli.run.contributions import contributions
from bayes_csc_cli.run.decline import decline
from bayes_csc_cli.run.forecast import forecast
from bayes_csc_cli.run.judgements import judgements
from bayes_csc_cli.run.plot import plot
from bayes_csc_cli.run.report import report
from bayes_csc_cli.signals import ended_by_signals
from bayes_csc_cli.simulate import simulate

app = typer.Typer(
    name="bayescsc",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    help="Have children's services declined since their last inspection? A Bayesian answer for each local authority.",
    epilog="Exit codes: 0 done, 1 unexpected error, 2 wrong usage or specification, 3 broken data, "
    "4 the run failed its diagnostics, 130 interrupted, 143 terminated. BAYESCSC_DEBUG=1 shows where an error arose.",
)
app.command()(fit)
app.command()(decline)
app.command()(backtest)
app.command()(contributions)
app.command()(forecast)
app.command()(report)
app.command()(plot)
app.command()(sensitivity)
app.command()(compare)
app.command()(judgements)
app.add_typer(data_app, name="data")
app.add_typer(model_app, name="model")
app.command()(simulate)
app.add_typer(study_app, name="study")
USAGE = 2
"""Exit code of what the user can put right."""


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"bayescsc {version('bayescsc')}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool,
        typer.Option("--version", "-V", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """Options that stand before a command."""


def main() -> None:
    """Run the command line; every error leaves as one message on stderr and an exit code, never as a traceback."""
    try:
        with printed():
            _run()
    except OutputError as error:
        with suppress(OSError, UnicodeError):
            print(f"Error: {error}", file=sys.stderr)
        sys.exit(USAGE)
    finally:
        gc.freeze()  # at its end Python would look for garbage in all that there is: most of a second


def _run() -> None:
    try:
        with ended_by_signals():
            app(prog_name="bayescsc")
    except OutputError:
        raise
    except Exception as error:
        if os.environ.get("BAYESCSC_DEBUG"):
            traceback.print_exception(error)
        message, exit_code = explain(error)
        print(message, file=sys.stderr)
        sys.exit(exit_code)


def explain(error: Exception) -> tuple[str, int]:
    """What to tell the user about an error that reached the top, and the exit code it gives."""
    from bayes_csc.errors import BayesCscError

    if isinstance(error, BayesCscError):
        return f"Error: {error}", error.exit_code
    if isinstance(error, OSError):  # a file that is not as it should be, and no step had words of its own for it
        places = [str(name) for name in (error.filename, error.filename2) if name is not None]
        said = f"{' and '.join(places)}: {error.strerror}" if places else str(error)
        return f"Error: {said}; check that the file or folder is there, is of the right kind and may be used", USAGE
    return (
        f"Unexpected error: {type(error).__name__}: {error}\n"
        "This is a defect of bayescsc: please report it, with what BAYESCSC_DEBUG=1 shows before the same command."
    ), 1
