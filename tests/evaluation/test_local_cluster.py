"""A cluster on this machine answers to who started it, and to no other user of the machine."""

from __future__ import annotations

import asyncio
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from distributed import Client
from distributed.comm import connect
from distributed.security import Security

from bayes_csc.evaluation.dask_jobs import dask_client

PAGES = ("", "status", "info/main/workers.html", "health", "metrics", "json/counts.json")


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with dask_client(workers=1) as client:
        client.wait_for_workers(1)
        yield client


def about(client: Client) -> list[dict[str, object]]:
    """What the scheduler says of itself and of its workers."""
    scheduler = client.scheduler_info(n_workers=-1)
    return [scheduler, *scheduler["workers"].values()]


def test_it_computes_by_tls_on_loopback(client: Client) -> None:
    assert client.submit(pow, 2, 10, pure=False).result() == 1024
    workers = client.scheduler_info(n_workers=-1)["workers"]
    assert len(workers) == 1
    nannies = [worker["nanny"] for worker in workers.values()]
    assert all(address.startswith("tls://127.0.0.1:") for address in (client.scheduler.address, *workers, *nannies))


@pytest.mark.parametrize("security", [None, "certificates of its own"])
def test_who_has_no_certificate_of_the_cluster_gets_no_answer(client: Client, security: str | None) -> None:
    own = Security.temporary() if security else Security()

    async def asked(address: str) -> object:
        comm = await connect(address, timeout=2, **own.get_connection_args("client"))
        try:
            await comm.write({"op": "identity", "reply": True})
            return await asyncio.wait_for(comm.read(), 2)
        finally:
            comm.abort()

    for address in (client.scheduler.address, *client.scheduler_info()["workers"]):
        with pytest.raises(OSError):  # noqa: PT011  # each system has its own
            asyncio.run(asked(address if security else address.replace("tls://", "tcp://")))


def test_it_has_no_dashboard(client: Client) -> None:
    ports = [each["services"]["dashboard"] for each in about(client)]  # type: ignore[index]
    assert len(ports) == 2
    for port in ports:
        for page in PAGES:
            with pytest.raises(urllib.error.HTTPError, match="404"):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/{page}", timeout=10)
