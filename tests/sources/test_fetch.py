"""Downloads from a server on this machine that misbehaves as real ones do; no network is used."""

from __future__ import annotations

import gzip
import hashlib
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import IO, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from misbehaving_server import (
    CSV,
    NEWER,
    PAGE,
    Reply,
    Server,
    Time,
    catalogue,
    leftovers,
    one,
    running,
    server,
    target,
    time,
    zipped,
)

from bayes_csc.errors import DataError
from bayes_csc.sources.download.fetch import fetch
from bayes_csc.sources.download.receipts import read_receipts
from bayes_csc.sources.download.transfer import Client

__all__ = ["running", "server", "time"]

# What a whole answer gives


@pytest.mark.parametrize(
    "reply",
    [
        Reply(body=CSV),
        Reply(body=CSV, chunked=True),
        Reply(body=gzip.compress(CSV), headers={"Content-Encoding": "gzip"}),
        Reply(body=gzip.compress(CSV), headers={"Content-Encoding": "gzip"}, chunked=True),
        Reply(body=gzip.compress(CSV), headers={"Content-Encoding": "gzip"}, length=None),
        Reply(body=gzip.compress(CSV[:99]) + gzip.compress(CSV[99:]), headers={"Content-Encoding": "gzip"}),
    ],
    ids=["plain", "chunked", "gzip", "gzip, chunked", "gzip to the end", "gzip of two members"],
)
def test_a_file_is_fetched_byte_for_byte_and_recorded(server: Server, tmp_path: Path, time: Time, reply: Reply) -> None:
    server.replies["/c1.csv"] = [reply]
    outcome = one(fetch(catalogue(server, tmp_path), tmp_path, time.client()))
    assert (outcome.state, outcome.problem) == ("new", "")
    assert target(tmp_path).read_bytes() == CSV
    receipt = read_receipts(tmp_path / "raw")["cin/c1.csv"]
    assert receipt.url == f"{server.url}/c1.csv"
    assert (receipt.bytes, receipt.sha256) == (str(len(CSV)), hashlib.sha256(CSV).hexdigest())
    assert (receipt.source, receipt.licence) == ("cin-2025", "Open Government Licence v3.0")
    assert receipt.fetched == "2026-11-01T00:00:00+00:00"
    assert leftovers(tmp_path) == []


def test_a_large_gzip_body_is_undone_piece_by_piece(server: Server, tmp_path: Path, time: Time) -> None:
    body = CSV + bytes(range(32, 127)) * 20_000
    server.replies["/c1.csv"] = [Reply(body=gzip.compress(body), headers={"Content-Encoding": "gzip"})]
    assert one(fetch(catalogue(server, tmp_path), tmp_path, time.client())).state == "new"
    assert target(tmp_path).read_bytes() == body


def test_requests_say_who_asks(server: Server, tmp_path: Path, time: Time) -> None:
    server.replies["/c1.csv"] = [Reply(body=CSV)]
    one(fetch(catalogue(server, tmp_path), tmp_path, time.client()))
    ((_, headers),) = server.asked
    assert headers["User-Agent"].startswith("bayescsc")


def test_requests_to_one_host_keep_an_interval(server: Server, tmp_path: Path, time: Time) -> None:
    server.replies["/c1.csv"] = server.replies["/c2.csv"] = [Reply(body=CSV)]
    files = [f'f{n} = {{ path = "cin/c{n}.csv", url = "{server.url}/c{n}.csv" }}' for n in (1, 2)]
    list(fetch(catalogue(server, tmp_path, *files), tmp_path, time.client(interval=1.5)))
    assert time.slept == [1.5]


# What is not whole, or not the file, is not taken

BROKEN = {
    "cut short": (Reply(body=CSV[:-9], length=len(CSV)), "cut short: 793 of 802 bytes, 3 times"),
    "cut short, chunked": (Reply(body=CSV, chunked=True, finish=False), "cut short, 3 times"),
    "gzip cut short": (
        Reply(body=gzip.compress(CSV)[:-12], headers={"Content-Encoding": "gzip"}),
        "cut short within its gzip",
    ),
    "not gzip": (Reply(body=CSV, headers={"Content-Encoding": "gzip"}), "not gzip, though it is said to be"),
    "another coding": (Reply(body=CSV, headers={"Content-Encoding": "br"}), "as it is or in gzip; found 'br'"),
    "no length": (Reply(body=CSV, length=None), "does not say how long the file is"),
    "no content": (Reply(204), "expected the answer 200; found 204"),
    "empty": (Reply(body=b""), "the answer is empty"),
    "404": (Reply(404), "the server answered 404"),
    "403": (Reply(403), "the server answered 403"),
    "500": (Reply(500), "the server answered 500 Internal Server Error, 3 times"),
    "503": (Reply(503), "the server answered 503 Service Unavailable, 3 times"),
    "hang": (Reply(hang=True), "no answer in time, 3 times"),
    "hang in the body": (Reply(body=CSV[:20], length=len(CSV), hang=True), "no answer in time, 3 times"),
    "error page": (Reply(body=PAGE), "found a page such as a server's error page"),
    "error page after a mark": (Reply(body=b"\xef\xbb\xbf \n" + PAGE), "error page"),
    "an error in JSON": (Reply(body=b'{"title": "Not Found", "status": 404}'), "expected a CSV file with a header"),
    "not text": (Reply(body=b"a,b\0\n"), "expected a CSV file with a header"),
    "a spreadsheet": (Reply(body=zipped(c1=CSV)), "expected a CSV file"),
    "a note in place of the file": (Reply(body=b"version https://git-lfs\noid 1\n"), "expected a CSV file"),
    "too large": (Reply(body=CSV * 20), "expected at most 5000 bytes; found more"),
    "a bomb": (
        Reply(body=gzip.compress(CSV + b" " * 10_000_000), headers={"Content-Encoding": "gzip"}),
        "expected at most 5000 bytes; found more",
    ),
    "elsewhere": (Reply(302, headers={"Location": "https://example.org/c1.csv"}), "refused to ask https://example.org"),
    "to a file": (Reply(302, headers={"Location": "file:///etc/passwd"}), "refused to ask|answered 302"),
    "to no address": (Reply(302, headers={"Location": "https://[x/"}), "the answer is not HTTP|refused to ask"),
    "a wrong length": (Reply(body=CSV, headers={"Content-Length": "many"}, length=None), "expected Content-Length"),
    "in a circle": (Reply(302, headers={"Location": "/c1.csv"}), "the server answered 302"),
}


@pytest.mark.parametrize("case", BROKEN)
@pytest.mark.parametrize("before", [None, b"what,was\nthere,before\n"], ids=["nothing there", "a file there"])
def test_a_broken_answer_is_told_and_damages_nothing(
    server: Server, tmp_path: Path, time: Time, case: str, before: bytes | None
) -> None:
    reply, message = BROKEN[case]
    server.replies["/c1.csv"] = [reply]
    if before:
        target(tmp_path).parent.mkdir(parents=True)
        target(tmp_path).write_bytes(before)
    outcome = one(fetch(catalogue(server, tmp_path), tmp_path, time.client(attempts=3, limit=5000)))
    assert outcome.state == "failed"
    with pytest.raises(DataError, match=message):
        raise DataError(outcome.problem)
    assert outcome.problem.startswith("referrals (cin/c1.csv): ")
    assert (target(tmp_path).read_bytes() if target(tmp_path).exists() else None) == before
    assert leftovers(tmp_path) == []
    assert before or not (tmp_path / "raw").exists()
    assert read_receipts(tmp_path / "raw") == {}


@pytest.mark.parametrize("trouble", [Reply(500), Reply(429), Reply(hang=True), Reply(body=CSV[:50], length=len(CSV))])
def test_passing_trouble_is_retried_with_growing_waits(
    server: Server, tmp_path: Path, time: Time, trouble: Reply
) -> None:
    server.replies["/c1.csv"] = [trouble, trouble, Reply(body=CSV)]
    assert one(fetch(catalogue(server, tmp_path), tmp_path, time.client(backoff=2))).state == "new"
    assert time.slept == [2, 4]
    assert target(tmp_path).read_bytes() == CSV


def test_a_server_that_asks_for_a_wait_gets_it(server: Server, tmp_path: Path, time: Time) -> None:
    moment = format_datetime(time.now + timedelta(seconds=7 + 30), usegmt=True)
    server.replies["/c1.csv"] = [
        Reply(429, headers={"Retry-After": "7"}),
        Reply(503, headers={"Retry-After": moment}),
        Reply(body=CSV),
    ]
    assert one(fetch(catalogue(server, tmp_path), tmp_path, time.client())).state == "new"
    assert time.slept == [7, 30]


def test_a_wait_that_is_too_long_is_told(server: Server, tmp_path: Path, time: Time) -> None:
    server.replies["/c1.csv"] = [Reply(429, headers={"Retry-After": "3600"})]
    outcome = one(fetch(catalogue(server, tmp_path), tmp_path, time.client()))
    assert "asks to wait 3600 s: try again later" in outcome.problem
    assert (len(server.asked), time.slept) == (1, [])


def test_an_answer_that_will_not_change_is_not_asked_for_again(server: Server, tmp_path: Path, time: Time) -> None:
    one(fetch(catalogue(server, tmp_path), tmp_path, time.client()))
    assert len(server.asked) == 1


def test_an_answer_that_trickles_is_given_up(server: Server, tmp_path: Path, time: Time) -> None:
    server.replies["/c1.csv"] = [Reply(body=CSV)]
    client = time.client(duration=5.0)
    moments = iter(range(0, 1000, 10))
    client.clock = lambda: float(next(moments))
    assert f"not done after 5 s, {len(CSV)} bytes" in one(fetch(catalogue(server, tmp_path), tmp_path, client)).problem


def test_a_host_that_cannot_be_reached_costs_the_waits_of_one_file(server: Server, tmp_path: Path, time: Time) -> None:
    files = [f'f{n} = {{ path = "cin/c{n}.csv", url = "http://127.0.0.1:9/c{n}.csv" }}' for n in (0, 1, 2)]
    first, *others = fetch(catalogue(server, tmp_path, *files), tmp_path, time.client(attempts=3))
    assert "the connection failed" in first.problem
    assert all("127.0.0.1:9 could not be reached before, and was not asked again" in o.problem for o in others)
    assert time.slept == [2, 4]


def test_a_redirect_within_the_hosts_is_followed(server: Server, tmp_path: Path, time: Time) -> None:
    server.replies["/c1.csv"] = [Reply(302, headers={"Location": "/blob/c1.csv"})]
    server.replies["/blob/c1.csv"] = [Reply(body=CSV)]
    assert one(fetch(catalogue(server, tmp_path), tmp_path, time.client())).state == "new"


def test_a_failure_keeps_the_other_files(server: Server, tmp_path: Path, time: Time) -> None:
    server.replies["/c1.csv"] = [Reply(body=CSV)]
    files = [f'f{n} = {{ path = "cin/c{n}.csv", url = "{server.url}/c{n}.csv" }}' for n in (0, 1, 2)]
    outcomes = list(fetch(catalogue(server, tmp_path, *files), tmp_path, time.client()))
    assert [outcome.state for outcome in outcomes] == ["failed", "new", "failed"]
    assert list(read_receipts(tmp_path / "raw")) == ["cin/c1.csv"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(["length", "chunked", "gzip", "disk", "interrupt"]),
    share=st.floats(0, 1),
    there=st.booleans(),
)
def test_whatever_fails_at_whatever_byte_the_target_is_the_old_file_or_the_whole_new_one(
    server: Server, tmp_path_factory: pytest.TempPathFactory, kind: str, share: float, there: bool
) -> None:
    out, time = tmp_path_factory.mktemp("out"), Time()
    packed = gzip.compress(NEWER)
    body = packed if kind == "gzip" else NEWER
    cut = round(share * len(body)) if kind in ("length", "chunked", "gzip") else len(body)
    coding = {"Content-Encoding": "gzip"} if kind == "gzip" else {}
    chunked = kind in ("chunked", "gzip")
    known = catalogue(server, out)
    if there:
        server.replies["/c1.csv"] = [Reply(body=CSV)]
        assert one(fetch(known, out, time.client())).state == "new"
        time.now += timedelta(days=2)
    server.replies["/c1.csv"] = [
        Reply(body=body[:cut], headers=coding, chunked=chunked, finish=cut == len(body), length=len(body))
    ]

    class Failing(Client):
        def download(self, url: str, sink: IO[bytes], **options: Any) -> Any:
            class Sink:
                def __getattr__(self, name: str) -> Any:
                    return getattr(sink, name)

                def write(self, piece: bytes) -> None:
                    sink.write(piece[: round(share * len(piece))])
                    raise {"disk": OSError(28, "No space left on device"), "interrupt": KeyboardInterrupt()}[kind]

            return super().download(url, Sink() if kind in ("disk", "interrupt") else sink, **options)  # type: ignore[arg-type]

    patient = time.client(attempts=1)
    client = Failing(patient.hosts, patient.manners, patient.clock, patient.now, patient.sleep, patient.chance)
    try:
        list(fetch(known, out, client, accept_changes=True))
    except KeyboardInterrupt:
        assert kind == "interrupt"
    found = target(out).read_bytes() if target(out).exists() else None
    whole = kind in ("length", "chunked", "gzip") and cut == len(body)
    assert found == (NEWER if whole else CSV if there else None)
    assert leftovers(out) == []
    receipts = read_receipts(out / "raw")
    assert [receipt.sha256 for receipt in receipts.values()] == (
        [] if found is None else [hashlib.sha256(found).hexdigest()]
    )


@pytest.mark.parametrize("place", ["folder for the file", "file for the folder"])
def test_a_place_that_cannot_be_written_is_told(server: Server, tmp_path: Path, time: Time, place: str) -> None:
    server.replies["/c1.csv"] = [Reply(body=CSV)]
    if place == "folder for the file":
        target(tmp_path).mkdir(parents=True)
    else:
        (tmp_path / "raw").mkdir()
        target(tmp_path).parent.write_bytes(b"")
    assert "cannot read or write below" in one(fetch(catalogue(server, tmp_path), tmp_path, time.client())).problem
    assert leftovers(tmp_path) == []


# Asking again


def test_what_was_fetched_today_is_not_asked_for_again(server: Server, tmp_path: Path, time: Time) -> None:
    server.replies["/c1.csv"] = [Reply(body=CSV)]
    states = [one(fetch(catalogue(server, tmp_path), tmp_path, time.client())).state for _ in range(2)]
    assert (states, len(server.asked)) == (["new", "recent"], 1)


def test_a_damaged_file_is_asked_for_and_told(server: Server, tmp_path: Path, time: Time) -> None:
    server.replies["/c1.csv"] = [Reply(body=CSV)]
    one(fetch(catalogue(server, tmp_path), tmp_path, time.client()))
    target(tmp_path).write_bytes(CSV[:-40])
    outcome = one(fetch(catalogue(server, tmp_path), tmp_path, time.client()))
    assert "cin/c1.csv is no longer what was fetched" in outcome.problem
    assert target(tmp_path).read_bytes() == CSV[:-40]
    assert one(fetch(catalogue(server, tmp_path), tmp_path, time.client(), accept_changes=True)).state == "replaced"
    assert target(tmp_path).read_bytes() == CSV


@pytest.mark.parametrize(
    ("mark", "question"),
    [(("ETag", '"a1"'), "If-None-Match"), (("Last-Modified", "Thu, 30 Oct 2025 09:30:00 GMT"), "If-Modified-Since")],
)
def test_an_unchanged_file_is_not_sent_again(
    server: Server, tmp_path: Path, time: Time, mark: tuple[str, str], question: str
) -> None:
    server.replies["/c1.csv"] = [Reply(body=CSV, headers=dict([mark])), Reply(304, headers=dict([mark]))]
    one(fetch(catalogue(server, tmp_path), tmp_path, time.client()))
    time.now += timedelta(days=2)
    assert one(fetch(catalogue(server, tmp_path), tmp_path, time.client())).state == "unchanged"
    assert server.asked[1][1][question] == mark[1]
    assert read_receipts(tmp_path / "raw")["cin/c1.csv"].fetched == "2026-11-03T00:00:00+00:00"


def test_changed_contents_of_one_version_are_told_and_the_old_file_kept(
    server: Server, tmp_path: Path, time: Time
) -> None:
    server.replies["/c1.csv"] = [Reply(body=CSV), Reply(body=NEWER)]
    one(fetch(catalogue(server, tmp_path), tmp_path, time.client()))
    time.now += timedelta(days=2)
    outcome = one(fetch(catalogue(server, tmp_path), tmp_path, time.client()))
    assert "has changed without being another version" in outcome.problem
    assert hashlib.sha256(CSV).hexdigest()[:12] in outcome.problem
    assert target(tmp_path).read_bytes() == CSV
    assert one(fetch(catalogue(server, tmp_path), tmp_path, time.client(), accept_changes=True)).state == "replaced"
    assert target(tmp_path).read_bytes() == NEWER


def test_a_file_that_is_renewed_at_its_address_replaces_the_one_fetched_before(
    server: Server, tmp_path: Path, time: Time
) -> None:
    server.replies["/c1.csv"] = [Reply(body=CSV), Reply(body=NEWER)]
    file = f'referrals = {{ path = "cin/c1.csv", url = "{server.url}/c1.csv", renewed = "weekly" }}'
    one(fetch(catalogue(server, tmp_path, file), tmp_path, time.client()))
    time.now += timedelta(days=7)
    assert one(fetch(catalogue(server, tmp_path, file), tmp_path, time.client())).state == "replaced"
    assert target(tmp_path).read_bytes() == NEWER
    target(tmp_path).write_bytes(CSV + b"2025,203,1\r\n")
    time.now += timedelta(days=7)
    assert (
        "is no longer what was fetched"
        in one(fetch(catalogue(server, tmp_path, file), tmp_path, time.client())).problem
    )


def test_a_file_that_was_not_fetched_is_kept_unless_it_is_the_same(server: Server, tmp_path: Path, time: Time) -> None:
    server.replies["/c1.csv"] = [Reply(body=NEWER), Reply(body=CSV)]
    target(tmp_path).parent.mkdir(parents=True)
    target(tmp_path).write_bytes(CSV)
    assert (
        "was not fetched and is another file"
        in one(fetch(catalogue(server, tmp_path), tmp_path, time.client())).problem
    )
    assert target(tmp_path).read_bytes() == CSV
    assert one(fetch(catalogue(server, tmp_path), tmp_path, time.client())).state == "unchanged"
    assert read_receipts(tmp_path / "raw")["cin/c1.csv"].sha256 == hashlib.sha256(CSV).hexdigest()


def test_a_checksum_in_the_catalogue_must_hold_and_spares_a_request(server: Server, tmp_path: Path, time: Time) -> None:
    digest = hashlib.sha256(CSV).hexdigest()
    known = catalogue(
        server, tmp_path, f'a = {{ path = "cin/c1.csv", url = "{server.url}/c1.csv", sha256 = "{digest}" }}'
    )
    server.replies["/c1.csv"] = [Reply(body=NEWER), Reply(body=CSV)]
    assert f"expected the file of SHA-256 {digest[:12]}" in one(fetch(known, tmp_path, time.client())).problem
    assert one(fetch(known, tmp_path, time.client())).state == "new"
    time.now += timedelta(days=30)
    assert one(fetch(known, tmp_path, time.client())).state == "unchanged"
    assert len(server.asked) == 2
