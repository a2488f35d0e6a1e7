"""A report served to this machine alone."""

from __future__ import annotations

import functools
import http.server
import webbrowser
from collections.abc import Callable
from pathlib import Path

LOOPBACK = "127.0.0.1"


class _Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files, says nothing, and answers only who asks for this machine by its own name."""

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def send_head(self):  # type: ignore[no-untyped-def]  # what it gives is a private matter of its base
        """Refuse other hosts' names, so that no page elsewhere can read the report by a name it controls."""
        host = self.headers.get("Host", "").rpartition(":")[0] or self.headers.get("Host", "")
        if host not in (LOOPBACK, "localhost"):
            self.send_error(403)
            return None
        return super().send_head()


def server(folder: Path, port: int = 0) -> http.server.ThreadingHTTPServer:
    """Return a server of a folder on loopback; port 0 takes any that is free."""
    handler = functools.partial(_Quiet, directory=str(folder))
    return http.server.ThreadingHTTPServer((LOOPBACK, port), handler)


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
