"""A backtest on a real Dask cluster: a scheduler and workers that are processes of their own; one of them is killed."""

from __future__ import annotations

import datetime
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from forecasting import Slow, invented

from bayes_csc.backtest.base_rate import BaseRate
from bayes_csc.backtest.run import backtest
from bayes_csc.cluster import dask_client

TESTS = Path(__file__).parent
ORIGINS = [datetime.date(year, 1, 1) for year in (2019, 2020, 2021, 2022)]
PATIENCE = 60


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler on the loopback interface and two workers; the address, and the workers."""
    places = [TESTS.parent, TESTS.parent / "models", TESTS]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, places))}
    address = tmp_path / "scheduler.json"
    common = {"env": environment, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": tmp_path}

    def start(*arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "distributed.cli.dask_" + arguments[0], *arguments[1:]]
        return subprocess.Popen(command, **common)  # type: ignore[call-overload, no-any-return]

    file = ("--scheduler-file", str(address))
    started = [start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--no-show", *file)]
    worker = ("--no-nanny", "--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1", *file)
    started += [start("worker", *worker) for _ in range(2)]
    try:
        until = time.monotonic() + PATIENCE
        while not address.is_file() and time.monotonic() < until:
            time.sleep(0.05)
        yield json.loads(address.read_text())["address"], started[1:]
    finally:
        for process in started:
            process.kill()
            process.wait()


def kill_one_that_works(log: Path, workers: list[subprocess.Popen[bytes]], killed: list[int]) -> None:
    """Kill the first worker that has begun its second task."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        lines = log.read_text().split("\n")[:-1] if log.is_file() else []
        pids = [int(line.split()[0]) for line in lines]
        for worker in workers:
            if pids.count(worker.pid) > 1:
                os.kill(worker.pid, signal.SIGKILL)
                killed.append(worker.pid)
                return
        time.sleep(0.02)


def test_a_worker_that_is_killed_in_the_middle_loses_nothing(
    processes: tuple[str, list[subprocess.Popen[bytes]]], tmp_path: Path
) -> None:
    address, workers = processes
    panel, log = invented(), tmp_path / "log"
    forecasters = [Slow("slow", str(log), 0.4), Slow("slower", str(log), 0.5), BaseRate()]
    with dask_client(address) as client:
        client.wait_for_workers(2, timeout=PATIENCE)
        killed: list[int] = []
        killer = threading.Thread(target=kill_one_that_works, args=(log, workers, killed))
        killer.start()
        found = backtest(panel, forecasters, client, origins=ORIGINS)
        killer.join()
        assert len(client.scheduler_info(n_workers=-1)["workers"]) == 1
    assert len(killed) == 1
    begun = log.read_text().splitlines()
    assert len(begun) > 2 * len(ORIGINS)  # the killed worker's last task was begun again, elsewhere
    quick = [Slow("slow", str(tmp_path / "other"), 0.0), Slow("slower", str(tmp_path / "other"), 0.0), BaseRate()]
    with dask_client(workers=1) as client:
        expected = backtest(panel, quick, client, origins=ORIGINS)
    pd.testing.assert_frame_equal(found.rows, expected.rows, check_exact=True)
    pd.testing.assert_frame_equal(found.scores, expected.scores, check_exact=True)
