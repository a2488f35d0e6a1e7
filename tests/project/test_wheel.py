"""The wheel, installed where there is no checkout: it brings its command, its specs and the data."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from bayes_csc.files.embedded_data import data_dir
from bayes_csc.panel.panel import Panel

KERNEL, CACHE = Path("bayes_csc", "likelihood", "kernel"), "__pycache__"


@dataclass(frozen=True)
class Installed:
    """A fresh environment that holds the wheel; the dependencies are those of the environment that runs the tests."""

    environment: Path
    elsewhere: Path
    wheel: Path

    def run(self, command: str, *arguments: str, expected: int = 0) -> str:
        clean = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
        program = [str(self.environment / "bin" / command), *arguments]
        done = subprocess.run(program, cwd=self.elsewhere, env=clean, capture_output=True, text=True, check=False)
        assert done.returncode == expected, done.stderr
        return done.stdout.strip()


def take_machine_code(ours: Path, theirs: Path) -> None:
    """Give the installed kernel what was compiled of the same sources, if it was: to compile it takes minutes."""
    sources = [{path.name: path.read_bytes() for path in folder.glob("*.py")} for folder in (ours, theirs)]
    assert sources[0] == sources[1]
    (theirs / CACHE).mkdir(exist_ok=True)
    for path in (ours / CACHE).glob("*.nb[ci]"):
        shutil.copy(path, theirs / CACHE)


@pytest.fixture(scope="session")
def installed(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(root)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    environment = folder / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    install = [sys.executable, "-m", "pip", f"--python={environment / 'bin' / 'python'}", "install", "--quiet"]
    subprocess.run([*install, "--no-index", "--no-deps", str(wheel)], check=True)
    # A folder named in a .pth file is searched, but its own .pth files (the editable install's) are not read.
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(f"{Path(pytest.__file__).parents[1]}\n")
    take_machine_code(root / KERNEL, packages / KERNEL)
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    return Installed(environment, elsewhere, wheel)


def test_the_installed_command_tells_its_version(installed: Installed, root: Path) -> None:
    version = installed.wheel.name.split("-")[1]
    assert installed.run("bayescsc", "--version") == f"bayescsc {version}"
    assert f'version = "{version}"' in (root / "pyproject.toml").read_text()


def test_all_three_packages_are_imported_from_the_wheel_not_from_the_checkout(installed: Installed) -> None:
    for package in ("bayes_csc", "bayes_csc_models", "bayes_csc_cli"):
        found = installed.run("python", "-c", f"import {package}; print({package}.__path__[0])")
        assert Path(found).is_relative_to(installed.environment)


def test_the_embedded_panel_is_found_and_equals_the_checkouts(installed: Installed) -> None:
    found = Path(
        installed.run("python", "-c", "from bayes_csc.files.embedded_data import data_dir; print(data_dir('england'))")
    )
    assert found.is_relative_to(installed.environment)
    ours = data_dir("england")
    assert {path.relative_to(found): path.read_bytes() for path in found.rglob("*") if path.is_file()} == {
        path.relative_to(ours): path.read_bytes() for path in ours.rglob("*") if path.is_file()
    }


def test_every_tracked_file_of_the_packages_is_in_the_wheel(installed: Installed, root: Path) -> None:
    moved = {"bayes_csc/": "bayes_csc/", "models/": "", "cli/": "", "data/": "bayes_csc/_share/data/"}
    tracked = subprocess.run(["git", "ls-files", *moved], cwd=root, capture_output=True, text=True, check=True).stdout
    wanted = {
        new + name.removeprefix(old) for name in tracked.split() for old, new in moved.items() if name.startswith(old)
    }
    assert wanted <= set(zipfile.ZipFile(installed.wheel).namelist())
    assert "bayes_csc_models/py.typed" in wanted


def test_a_panel_is_fitted_and_its_table_forced_where_there_is_no_checkout(installed: Installed, root: Path) -> None:
    panel = installed.elsewhere / "hamlets"
    shutil.copytree(root / "tests" / "panels" / "hamlets", panel)
    options = ("--panel", str(panel), "--draws", "4", "--chains", "1")
    said = installed.run("bayescsc", "fit", *options, expected=4)  # four draws pass no gate
    assert said.startswith("Wrote runs/hamlets")
    assert "FAILED" in said
    assert "Wrote runs/hamlets/decline.csv" in installed.run("bayescsc", "decline", "runs/hamlets", "--force")
    assert (installed.elsewhere / "runs" / "hamlets" / "posterior.nc").is_file()


def test_the_embedded_panel_is_what_a_fit_without_options_reads(installed: Installed) -> None:
    code = (
        "from bayes_csc import Panel; from bayes_csc.files.embedded_data import data_dir; "
        "from bayes_csc_models.specs import spec; "
        "panel = Panel.read(data_dir()); print(panel.name, panel.date, panel.hash, spec().name)"
    )
    ours = Panel.read(data_dir())
    assert installed.run("python", "-c", code) == f"{ours.name} {ours.date} {ours.hash} baseline"
