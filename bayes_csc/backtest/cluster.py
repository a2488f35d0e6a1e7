"""Answers computed by Dask: on this machine or a cluster, surviving the death of workers."""

from __future__ import annotations

import datetime
import pickle
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bayes_csc.backtest.events import targets
from bayes_csc.backtest.forecaster import Answer, Forecaster
from bayes_csc.backtest.known import known_at
from bayes_csc.chains import Progress
from bayes_csc.errors import BayesCscError, UsageError
from bayes_csc.panel import Panel

if TYPE_CHECKING:
    from distributed import Client

WORKERS = 2
CONNECT_SECONDS = 10
LOCAL = {
    "distributed.worker.profile.enabled": False,
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": "134217728",
}
"""Settings of a cluster started here. Dask's profiler, and memory given back at every 64 kB, took a fifth of the time
of a fit."""
STAGE = "forecasting"


@dataclass(frozen=True)
class Task:
    """One forecaster at one origin; `key` is the digest of all that its answer depends on."""

    origin: datetime.date
    forecaster: Forecaster
    key: str


@contextmanager
def dask_client(scheduler: str | None = None, *, workers: int = WORKERS) -> Iterator[Client]:
    """Connect to a scheduler, or start one here with single-threaded worker processes.

    Parameters
    ----------
    scheduler
        Address such as "tcp://127.0.0.1:8786"; None starts a cluster that ends with the context. It listens on the
        loopback interface only.
    workers
        Processes of a cluster started here.

    Raises
    ------
    UsageError
        No scheduler answers at the address.
    """
    import dask
    from distributed import Client, LocalCluster

    if scheduler is not None:
        try:
            client = Client(scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError) as error:
            raise UsageError(
                f"no Dask scheduler answers at {scheduler} ({error}); start one, or leave it out"
            ) from None
        with client:
            yield client
        return
    with (
        dask.config.set(LOCAL),
        LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0", memory_limit=0,
            host="127.0.0.1", silence_logs=50,
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):  # fmt: skip
        yield client


def answers(
    panel: Panel, tasks: Sequence[Task], horizons: tuple[int, ...], *, seed: int, client: Client,
    progress: Callable[[Progress], None],
) -> Iterator[tuple[Task, Answer]]:  # fmt: skip
    """Compute tasks, each answer as it comes.

    What was known at an origin travels inside the graph, so that it is there again for the tasks of a worker that died.

    Raises
    ------
    BayesCscError
        A forecaster's own, or workers died again and again over one task.
    """
    from distributed import KilledWorker, as_completed

    began = time.monotonic()
    known = {
        origin: client.submit(_unpacked, zlib.compress(pickle.dumps(known_at(panel, origin)), 1), pure=False)
        for origin in sorted({task.origin for task in tasks})
    }
    running = {
        client.submit(_answer, known[t.origin], t.forecaster, t.origin, horizons, seed, key=f"backtest-{t.key}"): t
        for t in tasks
    }
    try:
        for done, future in enumerate(as_completed(running, loop=client.loop), start=1):
            task = running[future]
            try:
                answer = future.result()
            except KilledWorker as died:
                raise BayesCscError(
                    f"the workers died over {task.forecaster.name} at {task.origin} ({died}); give them more memory "
                    "and resume"
                ) from None
            left = (time.monotonic() - began) / done * (len(tasks) - done)
            progress(Progress(STAGE, done, len(tasks), seconds_left=left))
            yield task, answer
    finally:
        for future in (*running, *known.values()):
            future.release()


def _unpacked(packed: bytes) -> Panel:
    panel: Panel = pickle.loads(zlib.decompress(packed))
    return panel


def _answer(
    known: Panel, forecaster: Forecaster, origin: datetime.date, horizons: tuple[int, ...], seed: int
) -> Answer:
    return forecaster(known, targets(known, origin, horizons), seed=seed)
