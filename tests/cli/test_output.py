"""What is printed reaches every terminal, and who prints into a full disk is told so."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command_runner import command
from paths import PANELS

from bayes_csc_cli.command_line import explain

MAIN = "from bayes_csc_cli import main; main()"
FULL = Path("/dev/full")
full_disk = pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("panels") / "hamlets"
    shutil.copytree(PANELS / "hamlets", folder)
    names = folder / "authorities.csv"
    names.write_text(names.read_text("utf-8").replace("Elm", "Łódź\u202eé"), encoding="utf-8")
    return folder


def run(*arguments: object, out: Path | None = None, err: Path | None = None, **environ: str) -> tuple[int, bytes, str]:
    """Exit code and what was printed of a command in a process of its own."""
    with open(out or os.devnull, "wb") as full, open(err or os.devnull, "wb") as other:
        done = subprocess.run(
            [sys.executable, "-c", MAIN, *map(str, arguments)], env=os.environ | environ, timeout=300, check=False,
            stdout=full if out else subprocess.PIPE, stderr=other if err else subprocess.PIPE,
        )  # fmt: skip
    return done.returncode, done.stdout or b"", (done.stderr or b"").decode()


@pytest.mark.parametrize(
    ("encoding", "name"), [("ascii", "??d?[U+202E]?"), ("cp1252", "?ód?[U+202E]é"), ("utf-8", "Łódź[U+202E]é")]
)
def test_what_an_encoding_has_not_is_replaced_and_nothing_turns_the_text_round(
    panel: Path, encoding: str, name: str
) -> None:
    code, out, err = run("data", "show", "401", "--panel", panel, PYTHONIOENCODING=encoding)
    assert (code, err) == (0, "")
    assert out.decode(encoding).startswith(f"{name} (401), North")


def test_a_message_about_such_a_name_is_shown_too(panel: Path) -> None:
    code, out, err = run("data", "show", "Łódź nowhere", "--panel", panel, PYTHONIOENCODING="ascii")
    assert (code, out) == (2, b"")
    assert "??d? nowhere" in err


@full_disk
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", [("--version",), ("--help",), ("data", "show", "401")])
def test_a_full_disk_behind_the_output_is_said_once(panel: Path, arguments: tuple[str, ...], unbuffered: str) -> None:
    where = ("--panel", panel) if arguments[0] == "data" else ()
    code, _, err = run(*arguments, *where, out=FULL, PYTHONUNBUFFERED=unbuffered)
    assert (code, err) == (2, "Error: the output could not be written: No space left on device\n")


@full_disk
def test_a_message_that_cannot_be_written_ends_without_another(panel: Path) -> None:
    assert run("data", "show", "nowhere", "--panel", panel, err=FULL)[0] == 2
    assert run("--version", out=FULL, err=FULL)[0] == 2


@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
def test_who_reads_no_further_ends_the_command_in_silence(panel: Path) -> None:
    shell = f"{{ {sys.executable} -c '{MAIN}' data show 401 --panel {panel}; echo $? >&2; }} | true"
    done = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, timeout=300, check=False)
    assert re.fullmatch(r"(141|0)\n", done.stderr)  # 0 where all was written before


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(2, "No such file or directory", "here/a.csv"),
        NotADirectoryError(20, "Not a directory", "a/b"),
        PermissionError(13, "Permission denied", "a", None, "b"), OSError("HDF5 says no"),
    ],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_trouble_with_files_is_no_defect(error: OSError) -> None:
    message, code = explain(error)
    assert code == 2
    assert message.startswith("Error: ")
    assert "defect" not in message
    assert str(error.filename or "HDF5 says no") in message


@pytest.mark.parametrize("place", ["out", "below"])
@pytest.mark.parametrize(
    "arguments",
    [
        ("simulate", "--panel", PANELS / "hamlets"), ("data", "build", "--raw", "nowhere"), ("report", "nowhere"),
        ("fit", "--panel", PANELS / "hamlets", "--preview"),
    ],
    ids=lambda arguments: str(arguments[0]),
)  # fmt: skip
def test_a_file_where_a_folder_should_be_is_said(
    tmp_path: Path, arguments: tuple[object, ...], place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    target = tmp_path / "file" if place == "out" else tmp_path / "file" / "run"
    assert command(*arguments, "--out", target) in (2, 3)
    said = capsys.readouterr().err
    assert "Error: " in said or "Usage" in said
    assert "defect" not in said
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_home_that_cannot_be_written_is_no_defect(panel: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder can be made in this")
    home = str(tmp_path / "file")
    known = {"HOME": home, "XDG_CACHE_HOME": home, "PYTENSOR_FLAGS": "", "MPLCONFIGDIR": str(tmp_path)}
    code, out, err = run("data", "show", "Hackney", **known)
    assert (code, out[:7]) == (0, b"Hackney")
    assert "Traceback" not in err
