"""The command line as a whole: version, help, and how errors leave it. Each command has tests of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import bayes_csc
from bayes_csc.errors import BayesCscError, DataError, GateError, SpecError, UsageError

PROGRAM = """
import sys
from bayes_csc_cli import app, main
from bayes_csc.errors import BayesCscError, DataError, GateError, SpecError, UsageError

@app.command("break")
def break_() -> None:
    raise {error}

@app.command()
def wait() -> None:
    print("waiting", flush=True)
    import time; time.sleep(60)

sys.argv = ["bayescsc", {command!r}]
main()
"""


def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | environ, timeout=120, check=False)


def raising(error: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return run("-c", PROGRAM.format(error=error, command="break"), **environ)


def test_version_is_that_of_the_installed_package() -> None:
    done = run("-m", "bayes_csc_cli", "--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"bayescsc {bayes_csc.__version__}\n", "")


def test_help_lists_the_exit_codes() -> None:
    done = run("-m", "bayes_csc_cli", "--help")
    assert done.returncode == 0
    assert "Exit codes: 0 done" in done.stdout


def test_help_does_not_wait_for_the_library() -> None:
    code = "import sys, bayes_csc_cli; print(sorted({'pymc', 'pandas', 'numpy', 'bayes_csc'} & set(sys.modules)))"
    assert run("-c", code).stdout == "[]\n"


@pytest.mark.parametrize(
    ("kind", "code"), [(BayesCscError, 1), (UsageError, 2), (SpecError, 2), (DataError, 3), (GateError, 4)]
)
def test_an_error_raised_on_purpose_is_its_message_and_its_exit_code(kind: type[BayesCscError], code: int) -> None:
    done = raising(f"{kind.__name__}('what was expected and what was found')")
    assert done.returncode == code == kind.exit_code
    assert (done.stdout, done.stderr) == ("", "Error: what was expected and what was found\n")


def test_all_problems_of_a_file_are_told_together() -> None:
    done = raising("DataError(['row 2: one thing', 'row 7: another'])")
    assert done.stderr == "Error: row 2: one thing\nrow 7: another\n"


def test_an_unexpected_error_is_reported_without_a_traceback() -> None:
    done = raising("ZeroDivisionError('division by zero')")
    assert done.returncode == 1
    assert "Unexpected error: ZeroDivisionError: division by zero" in done.stderr
    assert "please report it" in done.stderr
    assert "Traceback" not in done.stderr


def test_debugging_shows_the_traceback_and_keeps_the_exit_code() -> None:
    done = raising("GateError('R-hat')", BAYESCSC_DEBUG="1")
    assert done.returncode == 4
    assert "Traceback" in done.stderr


@pytest.mark.parametrize("arguments", [["no-such-command"], ["--no-such-option"]])
def test_wrong_usage_exits_with_2(arguments: list[str]) -> None:
    done = run("-m", "bayes_csc_cli", *arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_an_interrupt_exits_with_130(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM.format(error="None", command="wait")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in said


def commands() -> list[str]:
    """Every command of the program, as it is typed."""
    import typer.main

    from bayes_csc_cli import app

    def below(group: Any, words: str) -> list[str]:
        inner = getattr(group, "commands", None)
        return [name for key, c in inner.items() for name in below(c, f"{words} {key}")] if inner else [words]

    return below(typer.main.get_command(app), "bayescsc")


def test_every_command_is_in_the_readme(root: Path) -> None:
    assert {"bayescsc fit", "bayescsc decline", "bayescsc simulate", "bayescsc model show"} <= set(commands())
    readme = (root / "README.md").read_text()
    assert [command for command in commands() if command not in readme] == []


def test_every_command_says_what_it_does_and_what_each_option_is() -> None:
    import typer.main

    from bayes_csc_cli import app

    def leaves(group: Any) -> list[Any]:
        inner = getattr(group, "commands", None)
        return [leaf for c in inner.values() for leaf in leaves(c)] if inner else [group]

    for command in leaves(typer.main.get_command(app)):
        assert command.help, command.name
        assert [p.name for p in command.params if p.name != "help" and not getattr(p, "help", None)] == []
