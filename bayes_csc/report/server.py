"""A report served to this machine alone."""

from __future__ import annotations

import base64
import functools
import hashlib
import http.server
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bayes_csc.report.drawing.html import resource

LOOPBACK = "127.0.0.1"
SILENCE, LONGEST = 10.0, 60.0
"""Seconds after which a connection ends on which nothing comes, and after which any ends."""
MOST = 32
"""Connections at a time; further ones are closed at once."""
SCRIPT = base64.b64encode(hashlib.sha256(resource("page.js").encode()).digest()).decode()
HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; script-src 'sha256-{SCRIPT}'; style-src 'unsafe-inline'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Of every answer: a page runs the report's own script and no other, and asks nobody for anything."""


class _Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves the files of a folder, says nothing, and answers only who asks for this machine by its own name."""

    timeout = SILENCE
    server_version, sys_version = "bayescsc", ""

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def end_headers(self) -> None:
        """Add what every answer has."""
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def send_head(self):  # type: ignore[no-untyped-def]  # what it gives is a private matter of its base
        """Refuse other hosts' names, by which a page elsewhere could read the report, and all but its own files."""
        host = self.headers.get("Host", "").rpartition(":")[0] or self.headers.get("Host", "")
        refused = HTTPStatus.FORBIDDEN if host not in (LOOPBACK, "localhost") else self._refusal()
        if refused is not None:
            self.send_error(refused)
            return None
        return super().send_head()

    def _refusal(self) -> HTTPStatus | None:
        """Why what is asked for is not sent; no folder is, and nothing that a link leads to outside of this one."""
        if urlsplit(self.path).path in ("", "/"):
            self.path = "/index.html"
        try:
            path = Path(self.translate_path(self.path)).resolve()
            known = path.is_file() and path.is_relative_to(Path(self.directory).resolve())
        except ValueError:  # a NUL, or no text
            return HTTPStatus.BAD_REQUEST
        except OSError:  # too long
            return HTTPStatus.NOT_FOUND
        return None if known else HTTPStatus.NOT_FOUND


class _Server(http.server.ThreadingHTTPServer):
    """A server with a bound on its connections and on the time of each."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.free = threading.BoundedSemaphore(MOST)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread of its own, or close it where there are too many."""
        if self.free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection for so long."""
        end = threading.Timer(LONGEST, _cut, [request])
        end.daemon = True
        end.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            end.cancel()
            self.free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a connection that broke."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def server(folder: Path, port: int = 0) -> http.server.ThreadingHTTPServer:
    """Return a server of a folder on loopback; port 0 takes any that is free."""
    handler = functools.partial(_Quiet, directory=str(folder))
    return _Server((LOOPBACK, port), handler)


def serve(folder: Path, *, port: int = 0, tell: Callable[[str], None], opened: bool = True) -> None:
    """Serve a report until interrupted, and open it in a browser."""
    with server(folder, port) as running:
        address = f"http://{LOOPBACK}:{running.server_address[1]}/index.html"
        tell(f"Serving {folder} at {address} to this machine only; Ctrl-C ends it")
        if opened:
            webbrowser.open(address)
        try:
            running.serve_forever()
        except KeyboardInterrupt:
            tell("Ended")
