"""A Dask scheduler and workers that are processes of their own, one of which can be killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60
Workers = list[subprocess.Popen[bytes]]


@contextmanager
def processes(folder: Path, **environment: str) -> Iterator[tuple[str, Workers]]:
    """Start a scheduler on the loopback interface and two workers; give the address, and the workers."""
    places = [ROOT, ROOT / "models", Path(__file__).parent, ROOT / "tests" / "helpers"]
    variables = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, places))} | environment
    address = folder / "scheduler.json"
    common = {"env": variables, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}

    def start(*arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "distributed.cli.dask_" + arguments[0], *arguments[1:]]
        return subprocess.Popen(command, **common)  # type: ignore[call-overload, no-any-return]

    file = ("--scheduler-file", str(address))
    started = [start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--no-show", *file)]
    worker = ("--no-nanny", "--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1", *file)
    started += [start("worker", *worker) for _ in range(2)]
    try:
        yield _published(address), started[1:]
    finally:
        for process in started:
            process.kill()
            process.wait()


def _published(file: Path) -> str:
    """The address that a scheduler writes to a file, which it opens some time before it fills it."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with suppress(FileNotFoundError, json.JSONDecodeError):
            return str(json.loads(file.read_text())["address"])
        time.sleep(0.05)
    raise TimeoutError(f"the scheduler did not write its address to {file.name} in {PATIENCE} seconds")


def kill_when(begun: Callable[[int], bool], workers: Workers, killed: list[int], *, patience: float = PATIENCE) -> None:
    """Kill the first worker of which `begun`, given its process, is true."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        for worker in workers:
            if begun(worker.pid):
                os.kill(worker.pid, signal.SIGKILL)
                killed.append(worker.pid)
                return
        time.sleep(0.02)


def lines_of(log: Path) -> list[str]:
    """Whole lines of a file that processes append to."""
    return log.read_text().split("\n")[:-1] if log.is_file() else []
