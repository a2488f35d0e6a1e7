"""Make `.venv` ready: `python3 bootstrap.py`, with any Python from 3.8; does nothing when it is ready.

It finds a Python that pyproject.toml allows (on the path, among pyenv's versions, or fetched by uv), makes `.venv`
with it and installs exactly what requirements.lock says, by whatever index pip is configured for on this machine.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Tuple

ROOT = Path(__file__).resolve().parent
LOCK = ROOT / "requirements.lock"
PROJECT = ROOT / "pyproject.toml"
VENV = ROOT / ".venv"
STAMP = VENV / "bayescsc-setup"
FETCHED = "3.13"

# A shim answers to its name and fails when run; Debian's Python may lack ensurepip. So each candidate says itself
# what it is, and where it really is: the base of an activated environment, the target of a shim.
PROBE = (
    "import sys, sysconfig, venv, ensurepip\n"
    "fit = sys.implementation.name == 'cpython' and sys.maxsize > 2**32\n"
    "fit = fit and not sysconfig.get_config_var('Py_GIL_DISABLED')\n"
    "print(int(fit), sys.version_info[0], sys.version_info[1], getattr(sys, '_base_executable', '') or sys.executable)"
)


def main() -> None:
    """Set `.venv` up, unless the stamp says that it is."""
    if is_ready():
        return
    if not is_reusable():
        make_venv()
    if STAMP.exists():
        STAMP.unlink()
    print("set-up: installing requirements.lock (a few minutes the first time)", flush=True)
    python = str(VENV / "bin" / "python")
    pip_install(python, "--require-hashes", "--only-binary", ":all:", "-r", str(LOCK))
    pip_install(python, "--no-deps", "--no-build-isolation", "-e", str(ROOT))
    # where Python may not write bytecode, every start would compile all packages: four seconds
    subprocess.run([python, "-m", "compileall", "-qq", "-j0", str(VENV / "lib")])
    STAMP.write_text(stamp())
    print("set-up: .venv is ready", flush=True)


def stamp() -> str:
    """What `.venv` was made from: this folder (a moved environment is broken) and the files that define it."""
    digest = hashlib.sha256(b"\0".join(p.read_bytes() for p in (LOCK, PROJECT, Path(__file__)))).hexdigest()
    return f"{ROOT}\n{digest}\n"


def is_ready() -> bool:
    """Whether the last set-up finished, here, from these very files, and its Python still exists."""
    return STAMP.is_file() and STAMP.read_text() == stamp() and (VENV / "bin" / "python").exists()


def is_reusable() -> bool:
    """Whether the `.venv` found can be brought up to date in place: made here, a fitting Python, with pip."""
    python = VENV / "bin" / "python"
    moved = STAMP.is_file() and STAMP.read_text().splitlines()[:1] != [str(ROOT)]
    return (
        not moved and fitting_python(str(python)) is not None and answer([str(python), "-m", "pip", "-V"]) is not None
    )


def make_venv() -> None:
    """Make `.venv` with the first candidate that can, or else with a Python that uv fetches."""
    refused = []
    for source in (candidates, fetched_by_uv):
        for candidate in source():
            python = fitting_python(candidate)
            if python and answer([python, "-m", "venv", "--clear", str(VENV)], timeout=300) is not None:
                print(f"set-up: made .venv with {python}", flush=True)
                return
            refused.append(candidate)
    oldest, newest = supported()
    sys.exit(
        f"set-up: no Python from 3.{oldest} to 3.{newest} was found that works, and uv could not fetch one.\n"
        + "Tried: {}\n".format(", ".join(refused) or "nothing, there is no candidate")
        + f"Install one (your system's packages, `pyenv install {FETCHED}`, `uv python install {FETCHED}`)"
        + " and run the same command again."
    )


def supported() -> Tuple[int, int]:
    """Oldest and newest minor version of Python 3 that pyproject.toml allows."""
    found = re.search(r'^requires-python = ">=3\.(\d+),<3\.(\d+)"', PROJECT.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        sys.exit('set-up: pyproject.toml must say requires-python = ">=3.A,<3.B"')
    return int(found.group(1)), int(found.group(2)) - 1


def candidates() -> Iterator[str]:
    """Every Python on the path, by name from the newest version on, then every one that pyenv has."""
    oldest, newest = supported()
    names = [f"python3.{minor}" for minor in range(newest, oldest - 1, -1)] + ["python3", "python"]
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    seen = set()
    for path in [folder / name for name in names for folder in folders] + pyenv_pythons():
        if path not in seen and os.access(str(path), os.X_OK) and path.is_file():
            seen.add(path)
            yield str(path)


def pyenv_pythons() -> List[Path]:
    """The Pythons of each pyenv root that the environment, pyenv itself or its custom tells, newest first."""
    told = [os.environ.get("PYENV_ROOT"), answer(["pyenv", "root"]), os.path.join(os.path.expanduser("~"), ".pyenv")]
    found = [path for root in told if root for path in Path(root).glob("versions/*/bin/python")]
    return sorted(found, key=lambda path: [int(part) for part in re.findall(r"\d+", path.parts[-3])], reverse=True)


def fitting_python(candidate: str) -> Optional[str]:
    """Run the candidate: the path of the interpreter it really is, or None when it fails or does not fit."""
    said = re.match(r"(\d) (\d+) (\d+) (.+)", answer([candidate, "-c", PROBE]) or "")
    oldest, newest = supported()
    if said is None or said.group(1, 2) != ("1", "3") or not oldest <= int(said.group(3)) <= newest:
        return None
    return said.group(4)


def fetched_by_uv() -> Iterator[str]:
    """Have uv fetch a Python: the uv on the path, else the locked one, installed by pip for this alone."""
    print(f"set-up: no fitting Python here, asking uv for {FETCHED}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for find_uv in (uv_on_path, pip_installed_uv):
            uv = find_uv(Path(folder))
            if uv and answer([uv, "python", "install", FETCHED], timeout=1800) is not None:
                environ = dict(os.environ, UV_PYTHON_PREFERENCE="only-managed")
                python = answer([uv, "python", "find", FETCHED], environ=environ)
                if python:
                    yield python


def uv_on_path(_: Path) -> Optional[str]:
    """The uv on the path, if there is one."""
    return shutil.which("uv")


def pip_installed_uv(folder: Path) -> Optional[str]:
    """Install the locked uv into a folder with the pip of the Python that runs this, and say where it is."""
    locked = re.search(r"^uv==(?:.*\\\n)*.*", LOCK.read_text(encoding="utf-8"), re.MULTILINE)
    if locked is None:
        return None
    wanted = folder / "uv.lock.txt"
    wanted.write_text(locked.group(0) + "\n", encoding="utf-8")
    options = ["-q", "--require-hashes", "--only-binary", ":all:", "--target", str(folder), "-r", str(wanted)]
    command = [sys.executable, "-m", "pip", "install", *options]
    return shutil.which("uv", path=str(folder / "bin")) if answer(command, timeout=600) is not None else None


def answer(command: List[str], timeout: int = 60, environ: Optional[Dict[str, str]] = None) -> Optional[str]:
    """What the command prints, stripped; None when it cannot be run, fails or hangs."""
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=timeout, env=environ, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode(errors="replace").strip()


def pip_install(python: str, *arguments: str) -> None:
    """Install into `.venv`, or stop with what pip said."""
    command = [python, "-m", "pip", "install", "-qq", "--disable-pip-version-check", *arguments]
    if subprocess.run(command, env=dict(os.environ, PIP_USER="0")).returncode != 0:
        sys.exit("set-up: pip failed, see above; run the same command again once that is mended.")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
