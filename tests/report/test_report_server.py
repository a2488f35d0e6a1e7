"""The server of a report: its files and nothing else, to this machine, for as long as it takes and no longer."""

from __future__ import annotations

import http.client
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from browser import needs_chromium
from simulated_report import findings

from bayes_csc.report import server as module
from bayes_csc.report.export.browser import browser
from bayes_csc.report.server import server
from bayes_csc.report.site import write_site


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secret.html").write_text("not for anybody")
    folder = tmp_path / "report"
    (folder / "inside").mkdir(parents=True)
    (folder / "index.html").write_text("the report")
    return folder


@pytest.fixture
def port(folder: Path) -> Iterator[int]:
    with server(folder) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield running.server_address[1]
        running.shutdown()
        thread.join(timeout=10)


def asked(port: int, path: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.putrequest(method, path, skip_host=True)
    connection.putheader("Host", "localhost")
    connection.endheaders()
    answer = connection.getresponse()
    found = answer.status, {key.lower(): value for key, value in answer.getheaders()}, answer.read()
    connection.close()
    return found


@pytest.mark.parametrize(("path", "status"), [("/", 200), ("/index.html", 200), ("/?a=b", 200), ("/none", 404)])
def test_every_answer_has_a_policy_and_says_its_type(port: int, path: str, status: int) -> None:
    found, headers, _ = asked(port, path)
    assert found == status
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe-inline" not in headers["content-security-policy"].split("script-src")[1].split(";")[0]
    assert headers["x-content-type-options"] == "nosniff"
    assert "Python" not in headers["server"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/index.html%00", 400), ("/%00", 400), ("/inside/", 404), ("/inside", 404), ("/../secret.html", 404),
        ("/%2e%2e/secret.html", 404), ("/" + "a" * 5000, 404), ("/%ed%a0%80", 400), ("//elsewhere.example/", 404),
    ],
    ids=lambda value: str(value)[:30],
)  # fmt: skip
def test_nothing_but_files_of_the_folder_is_sent(port: int, path: str, status: int) -> None:
    for method in ("GET", "HEAD"):
        found, _, text = asked(port, path, method)
        assert found == status
        assert b"not for anybody" not in text


@pytest.mark.skipif(os.name != "posix", reason="needs links and pipes")
def test_no_link_leads_out_and_a_pipe_is_no_file(port: int, folder: Path) -> None:
    (folder / "out.html").symlink_to(folder.parent / "secret.html")
    (folder / "up").symlink_to(folder.parent)
    (folder / "in.html").symlink_to("index.html")
    os.mkfifo(folder / "pipe.html")
    assert [asked(port, path)[0] for path in ("/out.html", "/up/secret.html", "/pipe.html")] == [404, 404, 404]
    assert asked(port, "/in.html")[2] == b"the report"
    (folder / "index.html").unlink()
    (folder / "index.html").symlink_to(folder.parent / "secret.html")
    assert asked(port, "/")[0] == 404


def ended(connection: socket.socket) -> float:
    """Seconds until the other side ends a connection."""
    connection.settimeout(10)
    began = time.monotonic()
    try:
        while connection.recv(1000):
            pass
    except ConnectionError:
        pass
    return time.monotonic() - began


def test_who_says_nothing_is_cut_off_and_so_is_who_says_little_for_long(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module._Quiet, "timeout", 0.3)
    monkeypatch.setattr(module, "LONGEST", 1.0)
    with server(folder) as running:
        threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        silent, slow = (socket.create_connection(running.server_address[:2]) for _ in range(2))
        with silent, slow:
            assert ended(silent) < 5.0
            began = time.monotonic()
            with suppress(ConnectionError):
                while time.monotonic() - began < 8.0:
                    slow.sendall(b"G")
                    time.sleep(0.1)
            assert time.monotonic() - began < 5.0
        running.shutdown()


def test_connections_are_bounded_and_there_is_room_again_afterwards(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 3)
    with server(folder) as running:
        threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        port = running.server_address[1]
        waiting = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
        time.sleep(0.3)
        with socket.create_connection(("127.0.0.1", port)) as further:
            assert ended(further) < 2.0
        for connection in waiting:
            connection.close()
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                assert asked(port, "/")[0] == 200
                break
            except (ConnectionError, http.client.HTTPException):
                time.sleep(0.1)
        else:
            pytest.fail("no connection is free again")
        running.shutdown()


def test_the_pages_work_under_the_policy(tmp_path: Path) -> None:
    needs_chromium()
    write_site(findings(), tmp_path / "site", cores=1)
    with server(tmp_path / "site") as running, browser() as tab:
        threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        for name in ("index.html", "authority-402.html"):
            tab.events.clear()
            tab.open(f"http://127.0.0.1:{running.server_address[1]}/{name}")
            tab.evaluate("new Promise(done => setTimeout(done, 50))")
            said = [e["params"]["entry"]["text"] for e in tab.events if e.get("method") == "Log.entryAdded"]
            assert [text for text in said if "favicon" not in text and "404" not in text] == []
            assert tab.evaluate("document.querySelectorAll('.tools button').length") > 0  # the script ran
            assert tab.evaluate("getComputedStyle(document.querySelector('.tip')).position") == "fixed"  # the style
            assert tab.evaluate(
                "(() => { const s = document.createElement('script'); s.textContent = 'window.planted = 1';"
                " document.body.append(s); return window.planted === undefined; })()"
            )
        running.shutdown()
