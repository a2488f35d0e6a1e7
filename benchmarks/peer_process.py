"""Processes and environments of a benchmark: one subprocess a measurement, its memory watched, its time limited."""

from __future__ import annotations

import os
import platform
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

POLL_SECONDS = 0.5
REQUIREMENTS = {"numpyro": ("numpyro", "jax"), "stan": ("httpstan",)}
"""What each environment has; httpstan is the wheel of PyStan 3 that carries Stan itself and its compiler."""
STAN_PYTHON = "3.11"
"""The newest for which httpstan has a wheel."""


def environment(name: str, work: Path) -> Path:
    """Python of a peer's own environment under the work folder, made when it is first asked for.

    NumPyro's sees the packages of this environment after its own, with the same numpy and scipy.
    """
    folder = work / f"env-{name}"
    python, done = folder / "bin" / "python", folder / "complete"
    if done.is_file():
        return python
    uv = shutil.which("uv") or str(Path(sys.executable).parent / "uv")
    packages = list(REQUIREMENTS[name])
    if name == "numpyro":
        packages += [f"{shared}=={version(shared)}" for shared in ("numpy", "scipy")]
    base = STAN_PYTHON if name == "stan" else sys.executable
    subprocess.run([uv, "venv", "-q", "--clear", "--python", base, str(folder)], check=True)
    subprocess.run([uv, "pip", "install", "-q", "--python", str(python), *packages], check=True)
    if name == "numpyro":
        inside = next((folder / "lib").glob("python*")) / "site-packages"
        line = f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n"  # with the paths that its files add
        (inside / "project.pth").write_text(line, encoding="utf-8")
    done.touch()
    return python


def installed(python: Path, packages: Sequence[str]) -> dict[str, str]:
    """Versions of packages in another environment."""
    code = "import sys; from importlib.metadata import version; print(*map(version, sys.argv[1:]))"
    done = subprocess.run([python, "-c", code, *packages], check=True, capture_output=True, text=True)
    return dict(zip(packages, done.stdout.split(), strict=True))


def watched(command: Sequence[object], *, log: Path, limit: float) -> tuple[str, float]:
    """Run a command in a session of its own.

    Parameters
    ----------
    command
        The command and its arguments.
    log
        File for what it prints.
    limit
        Seconds after which it and its children are killed.

    Returns
    -------
    tuple of (str, float)
        What went wrong ("" if nothing), and the most memory that it and its children had at once, in GB.
    """
    began, peak, late = time.monotonic(), 0.0, False
    with log.open("wb") as file:
        process = subprocess.Popen([str(part) for part in command], stdout=file, stderr=file, start_new_session=True)
        try:
            while process.poll() is None:
                peak = max(peak, session_memory(process.pid))
                late = time.monotonic() - began > limit
                if late:
                    break
                time.sleep(POLL_SECONDS)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    if late:
        return f"killed after {limit / 60:.0f} minutes", peak
    if process.returncode:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1][:200] if lines else f"exit code {process.returncode}", peak
    return "", peak


def session_memory(leader: int) -> float:
    """Memory in GB of all processes of a session, pages that they share counted once; 0 where that is not known."""
    total = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            if int(fields[3]) != leader:
                continue
            for line in (folder / "smaps_rollup").read_text(encoding="utf-8").splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
        except (OSError, IndexError, ValueError):  # it has ended meanwhile
            continue
    return total / 1024**2


def machine() -> str:
    """Say what this is measured on, without a name."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    cores = f"{len(os.sched_getaffinity(0))} of {os.cpu_count()} cores"
    return f"{cores} ({model or platform.machine()}), {platform.system()}, Python {sys.version.split()[0]}"
