"""The catalogue of official files, where they are today, and the command that fetches them."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from time import sleep
from urllib.parse import quote

import pytest
from misbehaving_server import (
    CSV,
    ID,
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
from typer.testing import CliRunner

from bayes_csc.errors import DataError, UsageError
from bayes_csc.sources.download.catalogue import Catalogue, permitted, read_catalogue
from bayes_csc.sources.download.fetch import fetch, planned
from bayes_csc.sources.download.receipts import COLUMNS, PROVENANCE, read_receipts
from bayes_csc_cli import app

__all__ = ["running", "server", "time"]

# Archives, the statistics API, GOV.UK


def archive_catalogue(server: Server, folder: Path) -> Catalogue:
    return catalogue(server, folder, 'a = "cin/c1.csv"', 'b = "cin/d3.csv"', extra=f'archive = "{server.url}/files"')


def test_an_archive_is_downloaded_once_for_all_its_files(server: Server, tmp_path: Path, time: Time) -> None:
    server.replies["/files"] = [Reply(body=zipped(C1=CSV, d3=NEWER, other=b"a,b\n"))]
    outcomes = list(fetch(archive_catalogue(server, tmp_path), tmp_path, time.client()))
    assert [outcome.state for outcome in outcomes] == ["new", "new"]
    assert [(tmp_path / "raw" / "cin" / name).read_bytes() for name in ("c1.csv", "d3.csv")] == [CSV, NEWER]
    assert len(server.asked) == 1
    assert sorted(path.name for path in (tmp_path / "raw").rglob("*.*")) == ["c1.csv", "d3.csv", PROVENANCE]


def test_a_broken_archive_or_member_is_told_and_the_others_kept(server: Server, tmp_path: Path, time: Time) -> None:
    whole = zipped(c1=CSV, d3=NEWER)
    at = whole.index(b"data/c1.csv") + 30
    server.replies["/files"] = [
        Reply(body=PAGE), Reply(body=zipped(c1=CSV)), Reply(body=whole[:at] + b"\xff\xff\xff" + whole[at + 3 :]),
    ]  # fmt: skip
    known = archive_catalogue(server, tmp_path)
    assert all("expected a zip file" in o.problem for o in fetch(known, tmp_path, time.client()))
    a, b = fetch(known, tmp_path, time.client())
    assert a.state == "new"
    assert "expected one file d3.csv in the archive; found data/c1.csv" in b.problem
    time.now += timedelta(days=2)
    a, b = fetch(known, tmp_path, time.client())
    assert "expected a zip file" in a.problem
    assert b.state == "new"
    assert (tmp_path / "raw" / "cin" / "c1.csv").read_bytes() == CSV


def test_a_zip_bomb_is_stopped(server: Server, tmp_path: Path, time: Time) -> None:
    server.replies["/files"] = [Reply(body=zipped(c1=CSV + b" " * 9_000_000, d3=CSV))]
    a, b = fetch(archive_catalogue(server, tmp_path), tmp_path, time.client(limit=100_000))
    assert "expected at most 100000 bytes; found more" in a.problem
    assert b.state == "new"
    assert leftovers(tmp_path) == []


def summary(version: str) -> bytes:
    """A data set's summary as the reference of the statistics API shows it."""
    latest = {
        "version": version, "published": "2025-10-30T09:30:00+00:00", "totalResults": 2,
        "file": {"id": "e0754872-3206-4918-aad4-029eaaae191f"}, "timePeriods": {"start": "2013", "end": "2025"},
        "geographicLevels": ["Local authority"], "filters": [], "indicators": ["Referrals"],
    }  # fmt: skip
    described = {"id": ID, "title": "C1", "summary": "", "status": "Published", "latestVersion": latest}
    return json.dumps(described).encode()


def metadata(*columns: str) -> Reply:
    """A data set's metadata as the reference of the statistics API shows it, with some indicators' columns."""
    described = {
        "filters": [], "geographicLevels": [{"code": "LA", "label": "Local authority"}], "locations": [],
        "timePeriods": [{"code": "RY", "period": "2025", "label": "2025"}],
        "indicators": [{"id": "4xbOu", "column": name, "label": "Referrals", "decimalPlaces": 0} for name in columns],
    }  # fmt: skip
    return Reply(body=json.dumps(described).encode())


def test_the_latest_version_of_a_data_set_is_named_and_a_newer_one_replaces_it(
    server: Server, tmp_path: Path, time: Time
) -> None:
    known = catalogue(server, tmp_path, f'a = {{ path = "cin/c1.csv", data_set = "{ID}" }}')
    base = f"/statistics/v1/data-sets/{ID}"
    server.replies[base] = [Reply(body=summary("1.0")), Reply(body=summary("2.0"))]
    packed = {"Content-Encoding": "gzip", "Content-Type": "text/csv"}
    for version in ("1.0", "2.0"):
        server.replies[f"{base}/meta?dataSetVersion={version}"] = [metadata("referral_count")]
    server.replies[f"{base}/csv?dataSetVersion=1.0"] = [Reply(body=gzip.compress(CSV), headers=packed)]
    server.replies[f"{base}/csv?dataSetVersion=2.0"] = [Reply(body=gzip.compress(NEWER), headers=packed)]
    assert one(fetch(known, tmp_path, time.client())).state == "new"
    assert read_receipts(tmp_path / "raw")["cin/c1.csv"].version == "1.0 (2025-10-30)"
    assert one(fetch(known, tmp_path, time.client())).state == "replaced"
    assert target(tmp_path).read_bytes() == NEWER
    assert read_receipts(tmp_path / "raw")["cin/c1.csv"].version == "2.0 (2025-10-30)"


def test_a_version_of_a_data_set_can_be_pinned(server: Server, tmp_path: Path, time: Time) -> None:
    known = catalogue(server, tmp_path, f'a = {{ path = "cin/c1.csv", data_set = "{ID}", version = "1.1" }}')
    base = f"/statistics/v1/data-sets/{ID}"
    server.replies[f"{base}/versions/1.1"] = [Reply(body=b'{"version": "1.1", "type": "Minor", "published": null}')]
    server.replies[f"{base}/meta?dataSetVersion=1.1"] = [metadata()]
    server.replies[f"{base}/csv?dataSetVersion=1.1"] = [Reply(body=CSV)]
    assert one(fetch(known, tmp_path, time.client())).state == "new"
    assert read_receipts(tmp_path / "raw")["cin/c1.csv"].version == "1.1"


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        (
            metadata("referral_count", "rereferral_count"),
            "expected the columns of its metadata; without rereferral_count, found time_period, old_la_code, referral",
        ),
        (Reply(body=b'{"filters": null}'), "expected the metadata of a data set, its filters and indicators; found"),
        (Reply(404), "404"),
    ],
)
def test_a_data_set_must_be_what_its_metadata_say(
    server: Server, tmp_path: Path, time: Time, reply: Reply, problem: str
) -> None:
    known = catalogue(server, tmp_path, f'a = {{ path = "cin/c1.csv", data_set = "{ID}" }}')
    base = f"/statistics/v1/data-sets/{ID}"
    server.replies[base] = [Reply(body=summary("1.0"))]
    server.replies[f"{base}/meta?dataSetVersion=1.0"] = [reply]
    server.replies[f"{base}/csv?dataSetVersion=1.0"] = [Reply(body=CSV)]
    assert problem in one(fetch(known, tmp_path, time.client())).problem
    assert not target(tmp_path).exists()
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"latestVersion": null}', PAGE, b"\xff\xfe", b"[" * 90_000])
def test_a_summary_that_is_none_is_told(server: Server, tmp_path: Path, time: Time, body: bytes) -> None:
    known = catalogue(server, tmp_path, f'a = {{ path = "cin/c1.csv", data_set = "{ID}" }}')
    server.replies[f"/statistics/v1/data-sets/{ID}"] = [Reply(body=body)]
    expected = "expected the summary of a data set" if body[:2] in (b"{}", b"[]", b'{"') else "expected JSON"
    assert expected in one(fetch(known, tmp_path, time.client())).problem


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (["LA_Inspection_Outcomes_2025.ods", "notes.pdf"], ""),
        (["notes.pdf"], "expected one attachment named *outcomes*.ods; found notes.pdf"),
        (["a_outcomes.ods", "b_outcomes.ods"], "found a_outcomes.ods, b_outcomes.ods"),
        ([], "found none"),
    ],
)
def test_an_attachment_of_a_page_is_found_by_its_name(
    server: Server, tmp_path: Path, time: Time, names: list[str], problem: str
) -> None:
    known = catalogue(server, tmp_path, 'a = { path = "ofsted/o.ods", attachment = "*outcomes*.ods" }')
    attachments = [{"attachment_type": "file", "url": f"{server.url}/media/1/{name}", "title": name} for name in names]
    attachments.append({"attachment_type": "html", "url": "/government/statistics/main-findings", "title": "Findings"})
    page = {"base_path": "/x", "details": {"attachments": attachments if names else []}}
    server.replies["/api/content/government/statistics/children-in-need-2025"] = [Reply(body=json.dumps(page).encode())]
    server.replies["/media/1/LA_Inspection_Outcomes_2025.ods"] = [Reply(body=zipped(x=b"1"))]
    outcome = one(fetch(known, tmp_path, time.client()))
    assert problem in outcome.problem
    assert (outcome.state == "new") == (not problem)


# The catalogue


def test_a_file_without_an_address_is_named_with_its_page(server: Server, tmp_path: Path, time: Time) -> None:
    known = catalogue(server, tmp_path, 'a = "cin/c1.csv"')
    outcome = one(fetch(known, tmp_path, time.client()))
    assert outcome.state == "by hand"
    assert f"download it from {server.url}/government/statistics/children-in-need-2025" in outcome.detail
    assert one(fetch(known, tmp_path, time.client(), only=["a"])).state == "failed"
    target(tmp_path).parent.mkdir(parents=True)
    target(tmp_path).write_bytes(CSV)
    assert one(fetch(known, tmp_path, time.client(), only=["a"])).detail == "there already"
    assert server.asked == []


BAD = {
    "expected a catalogue in TOML": "hosts = [",
    "expected hosts": "api = 1",
    "unknown key 'colour'": "colour = 1",
    "release x: unknown key 'colour'": '[release.x]\ncolour = "red"\n[release.x.file]',
    "release x: expected its keys and a table `file`": "[release.x]",
    "release x: expected edition.YEAR, such as": "[release.x]\nedition = 2025\n[release.x.file]",
    "release x: expected edition.YEAR, a text or a table; found edition.25 =": (
        '[release.x]\nedition.25 = ""\n[release.x.file]'
    ),
    "release x: expected edition.YEAR, a text or a table; found edition.2025 = 3": (
        "[release.x]\nedition.2025 = 3\n[release.x.file]"
    ),
    "file a: expected a path or a table; found 3": "[release.x.file]\na = 3",
    "file a: path: expected a text; found 3": "[release.x.file]\na = { path = 3 }",
    "file a: path: edition does not say what 'x-.year..csv' needs": '[release.x.file]\na = "x-{year}.csv"',
    "file a: unknown key 'uri'": '[release.x.file]\na = { path = "a.csv", uri = "" }',
    "file a: licence is missing": '[release.x.file]\na = "a.csv"',
    "expected a path below raw/; found '../a.csv'": '[release.x.file]\na = "../a.csv"',
    "expected a path below raw/; found '/a.csv'": '[release.x.file]\na = "/a.csv"',
    "'a.csv' is also the path of a": '[release.x.file]\na = "a.csv"\nb = "a.csv"',
    "file a: expected one of archive, url": '[release.x.file]\na = { path = "a", url = "https://h/", data_set = "1" }',
    "file a: url: expected an https address": '[release.x.file]\na = { path = "a", url = "http://h/" }',
    "file a: version is of a data set": '[release.x.file]\na = { path = "a", version = "2" }',
    "file a: the id is there twice": '[release.x.file]\na = "a"\n[release.y.file]\na = "b"',
}


@pytest.mark.parametrize("problem", BAD)
def test_every_problem_of_a_catalogue_is_told(tmp_path: Path, problem: str) -> None:
    path = tmp_path / "catalogue.toml"
    path.write_text(BAD[problem])
    with pytest.raises(DataError, match=problem):
        read_catalogue(path)


@pytest.mark.parametrize(
    ("url", "may"),
    [
        ("https://www.gov.uk/x", True), ("https://www.gov.uk:443/x", True), ("http://www.gov.uk/x", False),
        ("https://www.gov.uk:8443/x", False), ("https://user@www.gov.uk/x", False), ("https://www.gov.uk.x.org", False),
        ("https://127.0.0.1/", False), ("file:///etc/passwd", False), ("https://[", False), ("", False),
        ("https://www.gov.uk/\u00e9", False), ("https://www.gov.uk/a b", False), ("https://www.gov.uk/a\nb: c", False),
    ],
)  # fmt: skip
def test_only_https_at_known_hosts_may_be_asked(url: str, may: bool) -> None:
    assert permitted(url, frozenset({"www.gov.uk"})) == may


def test_the_catalogue_of_the_toolkit_has_every_official_file(shared: Path) -> None:
    paths = {dataset.path for dataset in read_catalogue().datasets.values()}
    raw = shared / "data" / "raw"
    tables = {".csv", ".xlsx", ".xls", ".ods", ".parquet"}
    assert {str(p.relative_to(raw)) for p in raw.rglob("*") if p.suffix in tables} <= paths


def test_the_checksums_of_the_catalogue_are_those_of_the_official_files(shared: Path) -> None:
    pinned = [dataset for dataset in read_catalogue().datasets.values() if dataset.sha256]
    assert len(pinned) > 90
    for dataset in pinned:
        body = (shared / "data" / "raw" / dataset.path).read_bytes()
        assert hashlib.sha256(body).hexdigest() == dataset.sha256, dataset.id


def test_the_whole_catalogue_is_fetched(server: Server, tmp_path: Path, time: Time, shared: Path) -> None:
    raw = shared / "data" / "raw"
    datasets, archives = {}, dict[str, dict[str, bytes]]()
    for dataset in read_catalogue().datasets.values():
        if not (raw / dataset.path).is_file():
            continue
        body = (raw / dataset.path).read_bytes()
        if dataset.archive:
            url = f"{server.url}/archive/{dataset.source}"
            archives.setdefault(f"/archive/{dataset.source}", {})[Path(dataset.path).stem] = body
            datasets[dataset.id] = replace(dataset, archive=url)
        else:
            server.replies[f"/{quote(dataset.path)}"] = [Reply(body=body)]
            datasets[dataset.id] = replace(dataset, url=f"{server.url}/{quote(dataset.path)}", attachment="")
    server.replies |= {path: [Reply(body=zipped(**files))] for path, files in archives.items()}
    assert len(archives) == 3
    assert len(datasets) > 120
    known = Catalogue(server.url, server.url, frozenset({"127.0.0.1"}), datasets)
    assert [outcome.problem for outcome in fetch(known, tmp_path, time.client()) if outcome.state != "new"] == []
    for dataset in datasets.values():
        assert (tmp_path / "raw" / dataset.path).read_bytes() == (raw / dataset.path).read_bytes()
    assert len(read_receipts(tmp_path / "raw")) == len(datasets)


def test_every_dataset_of_the_founding_documents_has_a_row(root: Path) -> None:
    table = (root / "docs" / "data.md").read_text("utf-8").partition("## Every dataset named")[2]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line[:1] == "|"]
    assert {len(row) for row in rows} == {5}
    first = " ".join(row[0].lower() for row in rows)
    named = [
        "children in need census", "predecessors", "cafcass", "social work workforce", "looked-after children",
        "section 251", "revenue outturn", "population", "deprivation", "low-income", "rural-urban", "sif", "ilacs",
        "earlier frameworks", "focused and monitoring visits", "provider-level", "interactive tool", "care leavers",
        "serious incident", "complaints", "whistleblowing", "peer intelligence", "local returns", "caseload benchmarks",
    ]  # fmt: skip
    assert [name for name in named if name not in first] == []
    assert [row[0] for row in rows[2:] if not row[1] or not row[4]] == []


ROW = "a,cin/c1.csv,cin-2025,t,l,u,,{},1,0,,\n"
RECEIPTS = {
    "expected the columns id, path": b"id,file\n",
    "expected a CSV file in UTF-8": b"\xff\xfe\x00",
    r"row 2: expected 12 cells.*found \['a', 'b'\]": f"{','.join(COLUMNS)}\na,b\n".encode(),
    "row 3: expected 12 cells, `fetched` a time": (
        f"{','.join(COLUMNS)}\n{ROW.format('2026-11-01T00:00:00+00:00')}{ROW.format('yesterday')}".encode()
    ),
    "`fetched` a time with its zone": f"{','.join(COLUMNS)}\n{ROW.format('2026-11-01')}".encode(),
}


@pytest.mark.parametrize("problem", RECEIPTS)
def test_a_broken_provenance_is_told_before_anything_is_asked(
    server: Server, tmp_path: Path, time: Time, problem: str
) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / PROVENANCE).write_bytes(RECEIPTS[problem])
    with pytest.raises(DataError, match=f"{re.escape(PROVENANCE)}: {problem}" if problem[0] != "`" else problem):
        list(fetch(catalogue(server, tmp_path), tmp_path, time.client()))
    assert server.asked == []


# The command


def test_listing_and_a_dry_run_ask_for_nothing(server: Server, tmp_path: Path) -> None:
    known = catalogue(server, tmp_path)
    line = f"referrals: cin/c1.csv (not there): {server.url}/c1.csv"
    assert list(planned(known, tmp_path, [])) == [line]
    options = ["data", "fetch", "--catalogue", str(tmp_path / "catalogue.toml"), "--out", str(tmp_path)]
    dry = CliRunner().invoke(app, [*options, "--dry-run"])
    assert (dry.exit_code, dry.stdout) == (0, line + "\n")
    listed = CliRunner().invoke(app, [*options, "--list"])
    assert "referrals [cin-2025] Children in need, reporting year 2025\n    cin/c1.csv" in listed.stdout
    assert server.asked == []
    assert not (tmp_path / "raw").exists()


def test_the_command_tells_each_file_and_all_failures_at_the_end(server: Server, tmp_path: Path) -> None:
    server.replies["/c1.csv"] = [Reply(body=CSV)]
    files = [f'f{n} = {{ path = "cin/c{n}.csv", url = "{server.url}/c{n}.csv" }}' for n in (0, 1)]
    catalogue(server, tmp_path, *files)
    options = ["data", "fetch", "--catalogue", str(tmp_path / "catalogue.toml"), "--out", str(tmp_path)]
    done = CliRunner().invoke(app, options)
    assert f"f1: new ({len(CSV)} bytes, SHA-256 {hashlib.sha256(CSV).hexdigest()[:12]})" in done.stdout
    assert isinstance(done.exception, DataError)
    assert done.exception.exit_code == 3
    assert done.exception.problems == (
        "1 of 2 files could not be had:",
        f"f0 (cin/c0.csv): {server.url}/c0.csv: the server answered 404 Not Found (its page: {server.url}"
        "/government/statistics/children-in-need-2025)",
    )


def test_an_id_that_is_not_there_is_told(server: Server, tmp_path: Path, time: Time) -> None:
    with pytest.raises(UsageError, match="no data set or release 'x'; see --list"):
        list(fetch(catalogue(server, tmp_path), tmp_path, time.client(), only=["x"]))


def test_an_interrupt_leaves_nothing_half_written(server: Server, tmp_path: Path) -> None:
    server.replies["/c1.csv"] = [Reply(body=CSV[:40], length=len(CSV), hang=True)]
    catalogue(server, tmp_path)
    command = [sys.executable, "-m", "bayes_csc_cli", "data", "fetch", "--out", str(tmp_path)]
    command += ["--catalogue", str(tmp_path / "catalogue.toml")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        for _ in range(600):
            if server.asked:
                break
            sleep(0.05)
        sleep(0.2)
        assert len(leftovers(tmp_path)) == 1
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in said
    assert leftovers(tmp_path) == []
    assert not target(tmp_path).exists()
