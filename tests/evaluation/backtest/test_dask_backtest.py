"""A backtest on a real Dask cluster: a scheduler and workers that are processes of their own; one of them is killed."""

from __future__ import annotations

import datetime
import threading
from pathlib import Path

import pandas as pd
from dask_processes import PATIENCE, kill_when, lines_of, processes
from simple_forecasters import Slow, invented

from bayes_csc.evaluation.backtest.forecasters.base_rate import BaseRate
from bayes_csc.evaluation.backtest.run import backtest
from bayes_csc.evaluation.dask_jobs import dask_client

ORIGINS = [datetime.date(year, 1, 1) for year in (2019, 2020, 2021, 2022)]


def test_a_worker_that_is_killed_in_the_middle_loses_nothing(tmp_path: Path) -> None:
    panel, log = invented(), tmp_path / "log"
    forecasters = [Slow("slow", str(log), 0.4), Slow("slower", str(log), 0.5), BaseRate()]

    def in_its_second_task(pid: int) -> bool:
        return [int(line.split()[0]) for line in lines_of(log)].count(pid) > 1

    with processes(tmp_path) as (address, workers), dask_client(address) as client:
        client.wait_for_workers(2, timeout=PATIENCE)
        killed: list[int] = []
        killer = threading.Thread(target=kill_when, args=(in_its_second_task, workers, killed))
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
