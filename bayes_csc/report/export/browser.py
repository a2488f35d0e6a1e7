"""Headless Chromium over a pipe: opens a page, evaluates, prints. (Chrome DevTools Protocol 1.3.)."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bayes_csc.errors import UsageError

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-background-networking", "--disable-gpu", "--hide-scrollbars",
    "--no-first-run", "--disable-extensions", "--disable-component-update", "--remote-debugging-pipe",
)  # fmt: skip
BEYOND = 5
"""The first descriptor after those that the protocol talks by: a copy onto itself would end with this process."""
PATIENCE = 120.0
"""Seconds to wait for an answer."""


def find_chromium() -> str | None:
    """Path of the browser; None where there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@dataclass
class Tab:
    """One page of a browser.

    Attributes
    ----------
    events
        What the browser reported while it was waited for: method and parameters.
    """

    write: int
    read: int
    session: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)
    _number: int = 0
    _buffer: bytes = b""

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol and return its result.

        Raises
        ------
        UsageError
            The browser refused, or did not answer.
        """
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            answer = self._next(end)
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise UsageError(f"Chromium refused {method}: {answer['error'].get('message')}")
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)
        raise UsageError(f"Chromium did not answer {method} within {PATIENCE:.0f} seconds")

    def _next(self, end: float) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self.read], [], [], max(end - time.monotonic(), 0.0))
            more = os.read(self.read, 1 << 20) if ready else b""
            if not more:
                raise UsageError("Chromium ended, or did not answer in time")
            self._buffer += more
        message, _, self._buffer = self._buffer.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found

    def evaluate(self, expression: str) -> Any:
        """Value of an expression, awaited, in the page."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            raise UsageError(f"the page failed: {found['exceptionDetails']}")
        return found["result"].get("value")

    def open(self, address: str) -> None:
        """Go to an address and wait until it has loaded."""
        self.call("Page.navigate", url=address)
        wait = "new Promise(done => document.readyState === 'complete' ? done(location.href) : " \
               "addEventListener('load', () => done(location.href)))"  # fmt: skip
        end = time.monotonic() + PATIENCE
        while self.evaluate(wait) != address and time.monotonic() < end:
            time.sleep(0.02)


@contextmanager
def browser() -> Iterator[Tab]:
    """Start a browser with one tab, and end it.

    Raises
    ------
    UsageError
        There is no browser.
    """
    path = find_chromium()
    if path is None:
        raise UsageError(
            "no Chromium was found; install it (Debian: apt-get install chromium), or take another --format"
        )
    to_read, write = os.pipe()
    read, to_write = os.pipe()

    def placed() -> None:
        """Put the pipe's ends where the protocol wants them; these numbers may be their own, or free or not by now."""
        import fcntl  # where there is none, a report has every format but PDF

        kept_in, kept_out = (fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, BEYOND) for end in (to_read, to_write))
        os.dup2(kept_in, 3)
        os.dup2(kept_out, 4)

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        process = subprocess.Popen(
            [path, *FLAGS, f"--user-data-dir={home}", "about:blank"], preexec_fn=placed, close_fds=False,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(to_read)
        os.close(to_write)
        try:
            tab = Tab(write, read)
            targets = tab.call("Target.getTargets")["targetInfos"]
            page = next(t["targetId"] for t in targets if t["type"] == "page")
            tab.session = tab.call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
            for domain in ("Page", "Runtime", "Network", "Log"):
                tab.call(f"{domain}.enable")
            yield tab
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for end in (write, read):
                os.close(end)


def print_pdf(page: Path, target: Path, tab: Tab, *, full: bool = False) -> None:
    """Print a page as PDF, A4, with page numbers, its foldable tables open.

    Parameters
    ----------
    page, target
        Paths.
    tab
        Of the browser.
    full
        With the evidence, which is otherwise left out.
    """
    import base64

    tab.open(page.resolve().as_uri())
    tab.evaluate(f"document.documentElement.classList.toggle('full', {'true' if full else 'false'})")
    foot = (
        '<div style="font-size:7pt;width:100%;text-align:center;color:#57606a"><span class="title"></span> · page '
        '<span class="pageNumber"></span> of <span class="totalPages"></span></div>'
    )
    found = tab.call(
        "Page.printToPDF", displayHeaderFooter=True, headerTemplate="<span></span>", footerTemplate=foot,
        preferCSSPageSize=True, printBackground=True, transferMode="ReturnAsBase64",
    )  # fmt: skip
    part = target.with_name(f".{target.name}.part")
    part.write_bytes(base64.b64decode(found["data"]))
    part.replace(target)
