"""A server on this machine that misbehaves as real ones do, a clock that stands still, and catalogues of its files."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from bayes_csc.sources.download.catalogue import Catalogue, read_catalogue
from bayes_csc.sources.download.fetch import Outcome
from bayes_csc.sources.download.transfer import Client, Manners

CSV = b"time_period,old_la_code,referral_count\r\n2025,201,c\r\n" + b"2025,202,1234\r\n" * 50
NEWER = CSV.replace(b"1234", b"1235")
PAGE = b"<!DOCTYPE html>\n<html><body>Sorry, there is a problem with the service</body></html>"
ID = "9f1c0ba3-0000-4000-8000-000000000001"


@dataclass
class Reply:
    """What the server does at one request: a whole answer, or one that breaks in some way."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = -1
    hang: bool = False
    chunked: bool = False
    finish: bool = True


class Server:
    """A server whose replies by path are a list used up one by one; the last one stays."""

    def __init__(self) -> None:
        self.replies: dict[str, list[Reply]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.asked.append((self.path, dict(self.headers)))
                waiting = outer.replies.get(self.path, [Reply(404, b'{"title":"Not Found","status":404}')])
                outer.answer(self, waiting.pop(0) if len(waiting) > 1 else waiting[0])

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def answer(self, handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        if reply.hang and not reply.body:
            handler.connection.recv(1)
            return
        handler.send_response(reply.status)
        for key, value in reply.headers.items():
            handler.send_header(key, value)
        if reply.chunked:
            handler.send_header("Transfer-Encoding", "chunked")
        elif reply.length is not None:
            handler.send_header("Content-Length", str(len(reply.body) if reply.length == -1 else reply.length))
        handler.end_headers()
        body = b"%x\r\n%b\r\n" % (len(reply.body), reply.body) if reply.chunked else reply.body
        handler.wfile.write(body + (b"0\r\n\r\n" if reply.chunked and reply.finish else b""))
        if reply.hang:
            handler.connection.recv(1)
        handler.close_connection = True


@dataclass
class Time:
    """A clock that stands still but for sleeping, and what was slept."""

    now: datetime = datetime(2026, 11, 1, tzinfo=UTC)
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)

    def client(self, **manners: Any) -> Client:
        limits = Manners(**{"timeout": 0.3, "interval": 0.0, **manners})
        hosts = frozenset({"127.0.0.1"})
        return Client(hosts, limits, lambda: self.now.timestamp(), lambda: self.now, self.sleep, lambda: 1.0)


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    server = Server()
    yield server
    server.http.shutdown()
    server.http.server_close()


@pytest.fixture
def server(running: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.setenv("no_proxy", "*")
    running.replies.clear()
    running.asked.clear()
    return running


@pytest.fixture
def time() -> Time:
    return Time()


def catalogue(server: Server, folder: Path, *files: str, extra: str = "") -> Catalogue:
    """A catalogue of some files of one release, all of them on the server."""
    listed = "\n".join(files or [f'referrals = {{ path = "cin/c1.csv", url = "{server.url}/c1.csv" }}'])
    path = folder / "catalogue.toml"
    path.write_text(f'''
        api = "{server.url}/statistics/v1"
        content = "{server.url}/api/content"
        hosts = ["127.0.0.1"]
        [release.cin]
        edition.2025 = ""
        title = "Children in need, reporting year {{year}}"
        publisher = "Department for Education"
        licence = "Open Government Licence v3.0"
        source = "cin-{{year}}"
        page = "{server.url}/government/statistics/children-in-need-{{year}}"
        {extra}
        [release.cin.file]
        {listed}
    ''')
    return read_catalogue(path)


def one(outcomes: Iterator[Outcome]) -> Outcome:
    (outcome,) = outcomes
    return outcome


def target(out: Path) -> Path:
    return out / "raw" / "cin" / "c1.csv"


def leftovers(out: Path) -> list[str]:
    return [path.name for path in out.rglob("*") if path.is_file() and path.suffix == ".part"]


def zipped(**files: bytes) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(f"data/{name}.csv", content)
    return body.getvalue()
