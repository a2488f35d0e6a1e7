"""Polite, careful HTTP: one request at a time, retries, limits, and no answer taken that may be cut short.

The standard library is enough for this: it trusts what the machine trusts, a council's own proxy and certificates
included, and needs no further dependency.
"""

from __future__ import annotations

import http.client
import io
import json
import random
import ssl
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import IO, Any
from urllib.parse import urlsplit

from bayes_csc.errors import DataError
from bayes_csc.sources.download.catalogue import permitted

USER_AGENT = "bayescsc (statistics of public data; downloads each file once a release)"
CHUNK = 1 << 16
# Bytes at most of a document that is read whole into memory.
DOCUMENT = 20_000_000
TEMPORARY = frozenset({408, 425, 429, 500, 502, 503, 504})

Tell = Callable[[int, int | None], None]


@dataclass(frozen=True)
class Manners:
    """How patient and how polite requests are.

    Parameters
    ----------
    attempts
        Requests at most for one answer.
    timeout
        Seconds without a byte before a connection counts as hanging.
    duration
        Seconds at most for one answer.
    interval
        Seconds at least between two requests to one host.
    backoff, longest_wait
        The wait before attempt k + 1 is uniform up to `backoff` 2^k seconds; a server that asks for a wait gets it,
        unless it is longer than `longest_wait`.
    limit
        Bytes at most of one file.
    """

    attempts: int = 5
    timeout: float = 60.0
    duration: float = 3600.0
    interval: float = 1.0
    backoff: float = 2.0
    longest_wait: float = 120.0
    limit: int = 2_000_000_000


@dataclass(frozen=True)
class Answer:
    """What a server said about a file: whether it is new to us, and the marks by which to ask again."""

    url: str
    modified: bool
    etag: str = ""
    last_modified: str = ""


@dataclass
class _AttemptError(Exception):
    message: str
    again: bool = False
    wait: float | None = None
    unreachable: bool = False


@dataclass
class Client:
    """Asks known hosts, and nobody else; a host that could not be reached at all is not asked again.

    Parameters
    ----------
    hosts
        Hosts that may be asked, and redirected to.
    manners
        Limits, waits and attempts.
    clock, now, sleep, chance
        Seconds that only grow, the time of day, waiting, and uniform numbers in [0, 1).
    """

    hosts: frozenset[str]
    manners: Manners = Manners()
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random
    _asked: dict[str, float] = field(default_factory=dict)
    _unreachable: set[str] = field(default_factory=set)

    def json(self, url: str) -> Any:
        """The JSON document at an address.

        Raises
        ------
        DataError
            It cannot be had, or is not JSON.
        """
        body = io.BytesIO()
        self.download(url, body, limit=DOCUMENT)
        try:
            return json.loads(body.getvalue())
        except (ValueError, RecursionError) as error:
            raise DataError(f"{url}: expected JSON; found {body.getvalue()[:60]!r}") from error

    def download(
        self,
        url: str,
        sink: IO[bytes],
        *,
        etag: str = "",
        last_modified: str = "",
        limit: int | None = None,
        tell: Tell = lambda *_: None,
    ) -> Answer:
        """Write the whole body at an address to a file, or nothing where it has not changed.

        Parameters
        ----------
        url
            The address.
        sink
            An empty file; after an error it holds anything.
        etag, last_modified
            Marks of the copy at hand; an empty one asks for the body in any case.
        limit
            Bytes at most, where that is less than usual.
        tell
            Told the bytes received and, where known, their number.

        Raises
        ------
        DataError
            The answer could not be had whole, after as many attempts as manners allow.
        """
        host = urlsplit(url).netloc
        if host in self._unreachable:
            raise DataError(f"{url}: {host} could not be reached before, and was not asked again")
        most = self.manners.limit if limit is None else min(limit, self.manners.limit)
        marks = {"If-None-Match": etag, "If-Modified-Since": "" if etag else last_modified}
        for attempt in range(self.manners.attempts):
            sink.seek(0)
            sink.truncate()
            try:
                return self._attempt(url, sink, {key: mark for key, mark in marks.items() if mark}, most, tell)
            except _AttemptError as failure:
                last = failure
            wait = self.manners.backoff * 2**attempt * self.chance() if last.wait is None else last.wait
            if not last.again or attempt + 1 == self.manners.attempts:
                break
            if wait > self.manners.longest_wait:
                raise DataError(f"{url}: {last.message}; it asks to wait {wait:.0f} s: try again later")
            self.sleep(wait)
        if last.unreachable:
            self._unreachable.add(host)
        tried = f", {attempt + 1} times" if attempt else ""
        raise DataError(f"{url}: {last.message}{tried}")

    def _attempt(self, url: str, sink: IO[bytes], marks: dict[str, str], limit: int, tell: Tell) -> Answer:
        self._wait_for(url)
        request = urllib.request.Request(
            url, headers={"User-Agent": USER_AGENT, "Accept-Encoding": "gzip", "Accept": "*/*", **marks}
        )
        handlers = (urllib.request.HTTPSHandler(context=_trust()), _Redirects(self._wait_for))
        with _network_errors(connecting=True):
            try:
                response = urllib.request.build_opener(*handlers).open(request, timeout=self.manners.timeout)
            except urllib.error.HTTPError as error:
                with error:
                    if error.code == 304 and marks:
                        return Answer(url, modified=False)
                    again = error.code in TEMPORARY
                    wait = self._asked_wait(error.headers.get("Retry-After")) if again else None
                    raise _AttemptError(f"the server answered {error.code} {error.reason}", again, wait) from error
        with response:
            if response.status != 200:
                raise _AttemptError(f"expected the answer 200; found {response.status}")
            written = 0
            for piece in _decoded(self._received(response, tell), response.headers.get("Content-Encoding", "")):
                written += len(piece)
                if written > limit:
                    raise _AttemptError(f"expected at most {limit} bytes; found more")
                sink.write(piece)
            if not written:
                raise _AttemptError("the answer is empty", again=True)
            headers = response.headers
            return Answer(response.url, True, headers.get("ETag", ""), headers.get("Last-Modified", ""))

    def _received(self, response: Any, tell: Tell) -> Iterator[bytes]:
        """The body as sent, whole: one whose end cannot be told from a broken connection is refused."""
        length, coding = response.headers.get("Content-Length"), response.headers.get("Content-Encoding", "")
        if length is not None and not length.isdecimal():
            raise _AttemptError(f"expected Content-Length to be a number; found {length!r}")
        total = None if length is None else int(length)
        if total is None and not response.chunked and "gzip" not in coding.lower():
            raise _AttemptError("the server does not say how long the file is, so that a broken one would look whole")
        received, deadline = 0, self.clock() + self.manners.duration
        while True:
            with _network_errors():
                piece = response.read1(CHUNK)
            if not piece:
                break
            received += len(piece)
            if self.clock() > deadline:
                raise _AttemptError(f"not done after {self.manners.duration:.0f} s, {received} bytes")
            tell(received, total)
            yield piece
        if total is not None and received != total:
            raise _AttemptError(f"the answer was cut short: {received} of {total} bytes", again=True)

    def _wait_for(self, url: str) -> None:
        """Refuse an address that may not be asked; else wait until its host may be asked again."""
        if not permitted(url, self.hosts):
            raise _AttemptError(f"refused to ask {url}: not https at a host of the catalogue")
        host = urlsplit(url).netloc
        if (rest := self._asked.get(host, -1e9) + self.manners.interval - self.clock()) > 0:
            self.sleep(rest)
        self._asked[host] = self.clock()

    def _asked_wait(self, text: str | None) -> float | None:
        """Seconds of a Retry-After header, which has a number or a date."""
        if text is None:
            return None
        if text.strip().isdecimal():
            return float(text)
        try:
            moment = parsedate_to_datetime(text)
        except ValueError:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max(0.0, (moment - self.now()).total_seconds())


@cache
def _trust() -> ssl.SSLContext:
    """What this machine trusts; reading it takes a tenth of a second."""
    return ssl.create_default_context()


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a few redirects, each only where it may be asked."""

    max_redirections = 5

    def __init__(self, permit: Callable[[str], None]) -> None:
        self._permit = permit

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        self._permit(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


@contextmanager
def _network_errors(*, connecting: bool = False) -> Iterator[None]:
    """Network trouble as a failed attempt, worth another; a certificate that is wrong stays wrong."""
    try:
        yield
    except urllib.error.HTTPError as error:
        with error:
            raise _AttemptError(f"the server answered {error.code} {error.reason}") from error
    except http.client.IncompleteRead as error:
        raise _AttemptError("the answer was cut short", again=True) from error
    except (OSError, http.client.HTTPException) as error:
        cause = error.reason if isinstance(error, urllib.error.URLError) else error
        if isinstance(cause, ssl.SSLCertVerificationError):
            raise _AttemptError(f"the server's certificate is not trusted: {cause.verify_message}") from error
        if isinstance(cause, TimeoutError):
            raise _AttemptError("no answer in time", again=True, unreachable=connecting) from error
        message = f"the connection failed: {cause or type(error).__name__}"
        raise _AttemptError(message, again=True, unreachable=connecting) from error
    except ValueError as error:
        raise _AttemptError(f"the answer is not HTTP: {error}") from error


def _decoded(pieces: Iterator[bytes], coding: str) -> Iterator[bytes]:
    """The body itself, gzip undone."""
    if coding.lower() in ("", "identity"):
        yield from pieces
        return
    if coding.lower() not in ("gzip", "x-gzip"):
        raise _AttemptError(f"expected a body as it is or in gzip; found {coding!r}")
    decoder = zlib.decompressobj(wbits=31)
    for piece in pieces:
        rest = piece
        while True:
            if decoder.eof and rest:
                decoder = zlib.decompressobj(wbits=31)
            try:
                plain = decoder.decompress(rest, CHUNK)
            except zlib.error as error:
                raise _AttemptError(f"the body is not gzip, though it is said to be: {error}") from error
            yield plain
            rest = decoder.unused_data if decoder.eof else decoder.unconsumed_tail
            if not rest and len(plain) < CHUNK:
                break
    if not decoder.eof:
        raise _AttemptError("the answer was cut short within its gzip", again=True)
