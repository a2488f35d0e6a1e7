"""A sensitivity analysis on a real Dask cluster, of which a worker is killed in the middle of a fit."""

from __future__ import annotations

import threading
from pathlib import Path

import pandas as pd
from dask_processes import PATIENCE, kill_when, lines_of, processes
from sensitivity_base import LOG, base, successions, traced

from bayes_csc.evaluation.dask_jobs import dask_client
from bayes_csc.evaluation.sensitivity.run import sensitivity
from bayes_csc.files.result_cache import Kept

VALUES = (0.2, 0.3, 0.4)


def test_a_worker_that_is_killed_in_the_middle_of_a_fit_loses_nothing(tmp_path: Path) -> None:
    run, log, cache = base(), tmp_path / "log", Kept(tmp_path / "cache", "npz")
    own = f"{run.spec.trend.succession_sd:g}"  # which is built, too, for what is asked of the base's draws

    def in_its_second_fit(pid: int) -> bool:
        return len({line.split()[1] for line in lines_of(log) if int(line.split()[0]) == pid} - {own}) > 1

    with processes(tmp_path, **{LOG: str(log)}) as (address, workers), dask_client(address) as client:
        client.wait_for_workers(2, timeout=PATIENCE)
        killed: list[int] = []
        options = {"patience": 5.0 * PATIENCE}
        killer = threading.Thread(target=kill_when, args=(in_its_second_fit, workers, killed), kwargs=options)
        killer.start()
        found = sensitivity(
            run, traced, successions(*VALUES), client, group="all", cache=cache, force=True, further=False
        )
        killer.join()
        assert len(client.scheduler_info(n_workers=-1)["workers"]) == 1
        assert len(killed) == 1
        begun = len(lines_of(log))
        # what was kept serves an equal analysis without a fit, and gives the same rows
        again = sensitivity(
            run, traced, successions(*VALUES), client, group="all", cache=cache, force=True, further=False
        )
        assert len(lines_of(log)) == begun
    assert {line.split()[1] for line in lines_of(log)} - {own} == {f"{v:g}" for v in VALUES}
    assert found.rows.loc[found.rows["depth"] == "preview", "variant"].nunique() == len(VALUES)
    pd.testing.assert_frame_equal(found.rows, again.rows, check_exact=True)
