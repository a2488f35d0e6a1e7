"""Set-up from a bare clone: which Python it takes, what it installs, that it does so once.

Interpreters, pip and uv are stand-ins: shell scripts that answer like the real ones and log what they were asked.
"""

from __future__ import annotations

import ast
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

INTERPRETER = """#!/bin/sh
echo "{name}: $*" >> "{log}"
case "$1 $2" in
  "-c "*) echo "{probe} $0" ;;
  "-m venv") [ "{venv}" = works ] || exit 1
             mkdir -p "$4/bin" && cp "$0" "$4/bin/python" ;;
esac
"""


class Clone:
    """A folder with the set-up's own files, and a path on which there is only what a test puts there."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.root, self.path, self.log = folder / "clone", folder / "path", folder / "log"
        self.pyenv = folder / "pyenv"
        self.root.mkdir()
        self.path.mkdir()
        self.log.touch()
        for name in ("bootstrap.py", "pyproject.toml", "requirements.lock"):
            shutil.copy(root / name, self.root)
        for tool in ("sh", "mkdir", "cp"):
            self.path.joinpath(tool).symlink_to(str(shutil.which(tool)))

    def script(self, path: Path, text: str) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        return path

    def interpreter(self, path: Path, version: str, *, fit: int = 1, venv: str = "works") -> Path:
        probe = f"{fit} {version.replace('.', ' ')}"
        return self.script(path, INTERPRETER.format(name=path.name, log=self.log, probe=probe, venv=venv))

    def set_up(self, **environ: str) -> subprocess.CompletedProcess[str]:
        clean = {"PATH": str(self.path), "HOME": str(self.pyenv.parent), "PYENV_ROOT": str(self.pyenv)}
        command = [sys.executable, "-S", str(self.root / "bootstrap.py")]
        if environ.pop("with_site", ""):
            command.remove("-S")
        return subprocess.run(
            command, env=clean | environ, cwd=self.path, capture_output=True, text=True, timeout=120, check=False
        )

    def logged(self) -> str:
        return self.log.read_text()


@pytest.fixture
def clone(root: Path, tmp_path: Path) -> Clone:
    return Clone(root, tmp_path)


def test_a_shim_that_exists_and_fails_is_passed_over(clone: Clone) -> None:
    clone.script(clone.path / "python3.14", "#!/bin/sh\necho 'pyenv: python3.14: command not found' >&2\nexit 127\n")
    clone.interpreter(clone.path / "python3.12", "3.12")
    done = clone.set_up()
    assert done.returncode == 0, done.stderr
    assert "python3.12: -m venv --clear" in clone.logged()


@pytest.mark.parametrize(
    ("version", "fit", "venv"),
    [("3.11", 1, "works"), ("3.15", 1, "works"), ("2.7", 1, "works"), ("3.13", 0, "works"), ("3.13", 1, "fails")],
    ids=["too old", "too new", "Python 2", "not a 64-bit CPython with the lock", "cannot make environments"],
)
def test_a_python_that_does_not_fit_is_passed_over(clone: Clone, version: str, fit: int, venv: str) -> None:
    clone.interpreter(clone.path / "python3.14", version, fit=fit, venv=venv)
    clone.interpreter(clone.path / "python3", "3.13")
    assert clone.set_up().returncode == 0
    assert "python3: -m venv --clear" in clone.logged()


def test_a_python_behind_a_failing_one_of_the_same_name_is_found(clone: Clone) -> None:
    clone.script(clone.path / "python3.13", "#!/bin/sh\nexit 127\n")
    behind = clone.interpreter(clone.path / "behind" / "python3.13", "3.13")
    assert clone.set_up(PATH=f"{clone.path}:{behind.parent}").returncode == 0


def test_pyenv_versions_are_found_though_none_is_on_the_path(clone: Clone) -> None:
    for version in ("3.9.18", "3.12.1", "3.13.0"):
        clone.interpreter(clone.pyenv / "versions" / version / "bin" / "python", version.rpartition(".")[0])
    done = clone.set_up()
    assert f"made .venv with {clone.pyenv}/versions/3.13.0/bin/python" in done.stdout


def test_pyenv_itself_tells_where_its_versions_are(clone: Clone, tmp_path: Path) -> None:
    clone.script(clone.path / "pyenv", f"#!/bin/sh\necho {tmp_path}/elsewhere\n")
    clone.interpreter(tmp_path / "elsewhere" / "versions" / "3.12.1" / "bin" / "python", "3.12")
    assert "elsewhere/versions/3.12.1" in clone.set_up().stdout


def uv_stand_in(clone: Clone, fetched: Path) -> str:
    return (
        "#!/bin/sh\n"
        f'echo "uv: $* ($UV_PYTHON_PREFERENCE)" >> "{clone.log}"\n'
        f'[ "$2" = find ] && echo "{fetched}"\n'
        '[ "$2" = install ] || [ "$2" = find ]\n'
    )


def test_uv_on_the_path_fetches_a_python_where_there_is_none(clone: Clone, tmp_path: Path) -> None:
    fetched = clone.interpreter(tmp_path / "fetched" / "python", "3.13")
    clone.script(clone.path / "uv", uv_stand_in(clone, fetched))
    done = clone.set_up()
    assert done.returncode == 0, done.stderr
    assert "uv: python install 3.13" in clone.logged()
    assert "uv: python find 3.13 (only-managed)" in clone.logged()
    assert "python: -m venv --clear" in clone.logged()


def test_the_locked_uv_is_installed_by_pip_where_none_is_on_the_path(clone: Clone, tmp_path: Path) -> None:
    fetched = clone.interpreter(tmp_path / "fetched" / "python", "3.13")
    wheel = tmp_path / "wheels" / "uv-0.0.1-py3-none-any.whl"
    wheel.parent.mkdir()
    with zipfile.ZipFile(wheel, "w") as archive:
        script = zipfile.ZipInfo("uv-0.0.1.data/scripts/uv")
        script.external_attr = 0o100755 << 16
        archive.writestr(script, uv_stand_in(clone, fetched))
        archive.writestr("uv-0.0.1.dist-info/METADATA", "Metadata-Version: 2.1\nName: uv\nVersion: 0.0.1\n")
        archive.writestr("uv-0.0.1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("uv-0.0.1.dist-info/RECORD", "")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    other = "0" * 64
    (clone.root / "requirements.lock").write_text(
        f"numpy==1.0 \\\n    --hash=sha256:{other}\nuv==0.0.1 \\\n    --hash=sha256:{other} \\\n"
        f"    --hash=sha256:{digest}\nxarray==1.0 \\\n    --hash=sha256:{other}\n"
    )
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheel.parent), "PIP_CONFIG_FILE": os.devnull}
    done = clone.set_up(with_site="yes", **offline)
    assert done.returncode == 0, done.stderr
    assert "uv: python install 3.13" in clone.logged()


def test_no_python_anywhere_is_one_message_that_says_what_was_tried(clone: Clone) -> None:
    clone.interpreter(clone.path / "python3", "3.8")
    clone.script(clone.path / "uv", "#!/bin/sh\nexit 1\n")
    done = clone.set_up(PIP_NO_INDEX="1")
    assert done.returncode == 1
    assert "no Python from 3.12 to 3.14" in done.stderr
    assert f"Tried: {clone.path}/python3\n" in done.stderr
    assert "Traceback" not in done.stderr


def test_everything_is_installed_from_the_lock_by_hash_and_the_clone_in_place(clone: Clone) -> None:
    clone.interpreter(clone.path / "python3.13", "3.13")
    assert clone.set_up().returncode == 0
    installs = [line for line in clone.logged().splitlines() if "-m pip install" in line]
    assert len(installs) == 2
    assert f"--require-hashes --only-binary :all: -r {clone.root}/requirements.lock" in installs[0]
    assert f"--no-deps --no-build-isolation -e {clone.root}" in installs[1]


def processor_seconds() -> float:
    """What the processes that have ended took."""
    now = os.times()
    return now.children_user + now.children_system


def test_the_second_set_up_does_nothing_and_takes_no_time(clone: Clone) -> None:
    clone.interpreter(clone.path / "python3.13", "3.13")
    assert clone.set_up().returncode == 0
    log, times = clone.logged(), {path: path.stat().st_mtime_ns for path in clone.root.rglob("*")}
    start = processor_seconds()
    done = clone.set_up()
    assert processor_seconds() - start < 1  # whatever else the machine does
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert clone.logged() == log
    assert {path: path.stat().st_mtime_ns for path in clone.root.rglob("*")} == times


def test_a_changed_lock_is_installed_in_place(clone: Clone) -> None:
    clone.interpreter(clone.path / "python3.13", "3.13")
    clone.set_up()
    with (clone.root / "requirements.lock").open("a") as lock:
        lock.write("# one more\n")
    clone.set_up()
    assert clone.logged().count("-m venv") == 1
    assert clone.logged().count("--require-hashes") == 2


def test_an_environment_of_a_clone_that_moved_is_made_anew(clone: Clone) -> None:
    clone.interpreter(clone.path / "python3.13", "3.13")
    clone.set_up()
    clone.root = clone.root.rename(clone.root.with_name("moved"))
    clone.set_up()
    assert clone.logged().count("-m venv") == 2


def test_a_failed_install_is_reported_and_repeated_next_time(clone: Clone) -> None:
    broken = clone.interpreter(clone.path / "python3.13", "3.13")
    broken.write_text(broken.read_text() + '[ "$3" != install ]\n')
    done = clone.set_up()
    assert done.returncode == 1
    assert "pip failed" in done.stderr
    clone.set_up()
    assert clone.logged().count("--require-hashes") == 2


def test_bootstrap_is_written_in_the_python_of_2019(root: Path) -> None:
    ast.parse((root / "bootstrap.py").read_text(), feature_version=(3, 8))


def test_the_lock_pins_every_version_by_hash_and_names_no_place(root: Path) -> None:
    text = (root / "requirements.lock").read_text()
    entries = re.findall(r"^\S.*(?:\\\n.*)*", re.sub(r"\\\n", "", text), re.MULTILINE)
    assert len(entries) > 50
    for entry in entries:
        assert re.match(r"[a-z0-9-]+==[^ ]+ .*--hash=sha256:[0-9a-f]{64}", entry), entry
    assert not re.search(r"://|^-|\.(org|com|net)\b", text, re.MULTILINE)


def test_the_lock_holds_every_dependency_that_pyproject_names(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    named = project["dependencies"] + project["optional-dependencies"]["dev"]
    locked = set(re.findall(r"^([a-z0-9-]+)==", (root / "requirements.lock").read_text(), re.MULTILINE))
    assert {re.split(r"[<>=]", name)[0] for name in named} <= locked


def test_ci_runs_make_test_and_make_fit_writes_the_england_run(root: Path) -> None:
    def dry_run(target: str) -> str:
        return subprocess.run(["make", "-n", target], cwd=root, capture_output=True, text=True, check=True).stdout

    assert (root / ".ci" / "run").read_text().splitlines()[-1] == "exec make test"
    assert os.access(root / ".ci" / "run", os.X_OK)
    for tool in ("ruff format --check", "ruff check", "mypy", "pytest"):
        assert f".venv/bin/{tool}" in dry_run("test")
    assert "bayescsc fit --overwrite --out runs/england\n.venv/bin/bayescsc decline runs/england" in dry_run("fit")
