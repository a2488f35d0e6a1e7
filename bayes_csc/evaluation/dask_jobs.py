"""Work spread by Dask: on this machine or a cluster, surviving the death of workers."""

from __future__ import annotations

import ctypes
import pickle
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bayes_csc.errors import BayesCscError, UsageError
from bayes_csc.inference.chains import Progress

if TYPE_CHECKING:
    from distributed import Client

WORKERS = 2
CONNECT_SECONDS = 10
LOCAL = {
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.worker.profile.enabled": False,
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": "134217728",
    "distributed.nanny.pre-spawn-environ.MALLOC_MMAP_THRESHOLD_": "4194304",
    "distributed.nanny.pre-spawn-environ.MALLOC_ARENA_MAX": "2",
}
"""Settings of a cluster started here. Its web servers, which ask nobody who they are, have no pages. Dask's profiler,
and memory given back at every 64 kB, took a fifth of the time of a fit. With a threshold of its own for giving memory
back, the C library asks the system for every larger array anew (a third of the time), unless it is told from which size
on; and each of a worker's threads would keep memory for itself."""
LARGEST = "1 GB"
"""Of what jobs have in common, before Dask warns: it is sent once to each worker."""


@dataclass(frozen=True)
class Job:
    """A piece of work on something that several have in common.

    Attributes
    ----------
    key
        Digest of all that its result depends on.
    name
        For messages.
    common
        Key of what it works on.
    call
        Function of that, which a worker can unpickle; its result is the job's.
    """

    key: str
    name: str
    common: str
    call: Callable[[Any], Any]


@dataclass(frozen=True)
class Made:
    """Something that jobs have in common and a worker makes: what `call` gives of what is common by the key `of`."""

    of: str
    call: Callable[[Any], Any]


@contextmanager
def dask_client(scheduler: str | None = None, *, workers: int = WORKERS) -> Iterator[Client]:
    """Connect to a scheduler, or start one here with single-threaded worker processes.

    Parameters
    ----------
    scheduler
        Address such as "tls://127.0.0.1:8786"; None starts a cluster that ends with the context. It listens on the
        loopback interface only, by TLS with certificates of its own, and has no dashboard; one that is started
        otherwise has the security and the dashboard that it was given.
    workers
        Processes of a cluster started here.

    Raises
    ------
    UsageError
        No scheduler answers at the address.
    """
    import dask
    from distributed import Client, LocalCluster
    from distributed.security import Security

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
    # every user of this machine reaches its loopback: a certificate says who belongs to the cluster
    known: dict[str, Any] = {
        "security": Security.temporary(), "host": "127.0.0.1", "dashboard_address": "127.0.0.1:0",
        "scheduler_kwargs": {"dashboard": False},
    }  # fmt: skip
    with (
        dask.config.set(LOCAL),
        LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, memory_limit=0, silence_logs=50, **known
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):  # fmt: skip
        yield client


def results(
    jobs: Sequence[Job], common: Mapping[str, Any], *, client: Client, stage: str,
    progress: Callable[[Progress], None],
) -> Iterator[tuple[Job, Any]]:  # fmt: skip
    """Do jobs, and give each result as it comes.

    What jobs have in common travels inside the graph, so that it is there again for the tasks of a worker that died.

    Parameters
    ----------
    jobs
        Of distinct keys; those that come first are begun first.
    common
        What they work on, by key; or how a worker makes it (`Made`).
    client
        Of the cluster (`dask_client`).
    stage
        What is being done, for the progress and for the names of the tasks: one word.
    progress
        Called as results come.

    Raises
    ------
    BayesCscError
        A job's own, or workers died again and again over one.
    """
    import dask
    from distributed import KilledWorker, as_completed

    began = time.monotonic()
    with dask.config.set({"distributed.admin.large-graph-warning-threshold": LARGEST}):
        packed: dict[str, Any] = {}
        for key in dict.fromkeys(job.common for job in jobs):
            _send(key, common, packed, client)
    _return_memory()
    running = {
        client.submit(_called, packed[job.common], job.call, key=f"{stage}-{job.key}", priority=-place): job
        for place, job in enumerate(jobs)
    }
    try:
        for done, future in enumerate(as_completed(running, loop=client.loop), start=1):
            job = running[future]
            try:
                result = future.result()
            except KilledWorker as died:
                raise BayesCscError(
                    f"the workers died over {job.name} ({died}); give them more memory and resume"
                ) from None
            left = (time.monotonic() - began) / done * (len(jobs) - done)
            progress(Progress(stage, done, len(jobs), seconds_left=left))
            yield job, result
    finally:
        for future in (*running, *packed.values()):
            future.release()


def _send(key: str, common: Mapping[str, Any], sent: dict[str, Any], client: Client) -> Any:
    """Future of what is common by a key, and of what it is made of."""
    if key not in sent:
        value = common[key]
        if isinstance(value, Made):
            sent[key] = client.submit(_called, _send(value.of, common, sent, client), value.call, pure=False)
        else:
            sent[key] = client.submit(_unpacked, zlib.compress(pickle.dumps(value), 1), pure=False)
    return sent[key]


def _unpacked(packed: bytes) -> Any:
    return pickle.loads(zlib.decompress(packed))


def _called(common: Any, call: Callable[[Any], Any]) -> Any:
    try:
        return call(common)
    finally:
        _return_memory()


def _return_memory() -> None:
    """Give what is free back to the system where the C library can: a tenth of what a worker of many fits has."""
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
