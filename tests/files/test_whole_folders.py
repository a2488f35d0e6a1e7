"""Folders are whole whatever fails: each file-system call of each writer is made to fail, interrupted and killed."""

from __future__ import annotations

import ctypes
import errno
import gc
import importlib
import json
import logging
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import xarray as xr
from command_runner import command
from paths import PANELS

from bayes_csc import Fit, Panel, Spec
from bayes_csc.errors import DataError, StorageError, UsageError
from bayes_csc.evaluation.backtest import files as backtest_files
from bayes_csc.evaluation.backtest.files import write_backtest
from bayes_csc.files import atomic_folder, netcdf, reserved, whole_folder, write_files
from bayes_csc.inference.chains import Checkpoint
from bayes_csc.inference.diagnostics import Gate
from bayes_csc.inference.fit import HASHES
from bayes_csc.report import site
from bayes_csc.simulation.simulate import write_simulation
from bayes_csc_cli.signals import ended_by_signals

FIT = importlib.import_module("bayes_csc.inference.fit")  # whose name the function has
HAMLETS = PANELS / "hamlets"
GATE = Gate(True, 1.0, 900.0, 800.0, 0.9, 0, (), "")
CALLS = {
    "open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.scandir", "os.listdir", "tempfile.mkdtemp",
    "shutil.rmtree", "test.fsync", "test.exchange",
}  # fmt: skip
Write = Callable[[str], None]

pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")


@pytest.fixture(scope="module")
def panel() -> Panel:
    return Panel.read(HAMLETS)


def draws(size: int = 2) -> xr.Dataset:
    x = np.random.default_rng(1).normal(size=(1, size, 3))
    return xr.Dataset({"x": (("chain", "draw", "authority"), x)}, {"authority": ["á", "b", "c"]})


def made_up(panel: Panel, name: str = "a", size: int = 2) -> Fit:
    """A run that nobody fitted."""
    record: dict[str, Any] = {"panel_hash": panel.hash, "seed": 1, "name": name, "versions": {"bayescsc": "1"}}
    return Fit(panel, Spec(), *(draws(size) for _ in range(5)), GATE, record)


# Every call of every writer.


def plain(target: Path, _: Panel) -> Write:
    def write(version: str) -> None:
        with whole_folder(target) as new:
            (new / "sub").mkdir()
            (new / "sub" / "a.txt").write_text(version)
            (new / "b.txt").write_text(version)

    return write


def panels(target: Path, panel: Panel) -> Write:
    versions = {name: replace(panel, name=name) for name in ("one", "two")}
    return lambda version: versions[version].write(target)


def fits(target: Path, panel: Panel) -> Write:
    versions = {name: made_up(panel, name) for name in ("one", "two")}
    return lambda version: versions[version].write(target, overwrite=True)


def simulations(target: Path, panel: Panel) -> Write:
    truth = {name: xr.DataTree(draws().assign_attrs(name=name)) for name in ("one", "two")}
    versions = {name: replace(panel, name=name) for name in truth}
    return lambda version: write_simulation(versions[version], truth[version], target, overwrite=True)


def backtests(target: Path, _: Panel) -> Write:
    return lambda version: write_backtest(cast("Any", version), version, target, overwrite=True)


def sites(target: Path, _: Panel) -> Write:
    return lambda version: void(site.write_site(cast("Any", version), target, overwrite=True))


def void(_: object) -> None:
    return


WRITERS = {"plain": plain, "panel": panels, "fit": fits, "simulate": simulations, "backtest": backtests, "site": sites}


@dataclass
class Faults:
    """Counts the calls on files below a folder, and does something at one of them; for a child process."""

    root: str
    at: int = 0
    then: Callable[[], None] | None = None
    count: int = 0

    def start(self) -> None:
        os.fsync = lambda _: sys.audit("test.fsync")  # type: ignore[assignment]
        real = atomic_folder.exchange

        def exchange(one: Path, other: Path) -> bool:
            sys.audit("test.exchange")
            done = real(one, other)
            sys.audit("test.exchange")
            return done

        atomic_folder.exchange = exchange
        sys.addaudithook(self._seen)

    def _seen(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.then is None or event not in CALLS:
            return
        if event == "open":
            path = os.fspath(arguments[0]) if not isinstance(arguments[0], int) else ""
            path = os.fsdecode(path)
            if not path or (os.path.isabs(path) and not path.startswith(self.root)):
                return
        self.count += 1
        if self.count == self.at:
            self.then()


def full() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def interrupted() -> None:
    raise KeyboardInterrupt


def killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def in_a_child(work: Callable[[], None]) -> int:
    """Do something in a fork of this process; its status."""
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1]


def content(target: Path) -> dict[str, bytes]:
    return {str(p.relative_to(target)): p.read_bytes() for p in sorted(target.rglob("*")) if p.is_file()}


def one_of(versions: list[dict[str, bytes]], found: dict[str, bytes], where: str) -> None:
    others = [sorted({name for name, _ in version.items() ^ found.items()}) for version in versions]
    assert [] in others, f"{where}: {others}"


@contextmanager
def quick(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Small pages and scores: what is written does not matter here."""
    patch.setattr(backtest_files, "record", lambda done: {"name": done})
    patch.setattr(backtest_files, "_events", lambda done: done)
    patch.setattr(site, "pages", lambda found, cores: iter([("index.html", found), ("method.html", found)]))
    logging.getLogger("bayes_csc").addHandler(logging.NullHandler())
    yield


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize(("name", "exchanging"), [*((name, True) for name in WRITERS), ("plain", False)])
def test_whatever_fails_the_old_or_the_new_folder_is_whole(
    name: str, exchanging: bool, panel: Panel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not exchanging:
        monkeypatch.setattr(atomic_folder, "exchange", lambda *_: False)
    target = tmp_path / "folder"
    write = WRITERS[name](target, panel)
    monkeypatch.setattr(os, "fsync", lambda _: None)  # takes its time, and no power is cut here
    with quick(monkeypatch):
        versions = []
        for version in ("two", "one"):
            write(version)
            versions.append(content(target))
        assert versions[0] != versions[1]

        def whole(where: str) -> None:
            if exchanging:
                one_of(versions, content(target), where)
            with reserved(target):
                one_of(versions, content(target), where)
            write("one")
            assert content(target) == versions[1], where
            assert [path.name for path in tmp_path.iterdir()] == ["folder"], where

        faults = Faults(str(tmp_path))

        def counted() -> None:
            faults.then, faults.at = void_call, -1
            faults.start()
            write("two")
            (tmp_path.parent / "calls").write_text(str(faults.count))

        def one_by_one() -> None:
            faults.start()
            for then in (full, interrupted):
                for at in chosen:
                    faults.count, faults.at, faults.then = 0, at, then
                    with suppress(OSError, StorageError, KeyboardInterrupt):
                        write("two")
                    faults.then = None
                    whole(f"{then.__name__} at call {at}")

        def dies(at: int) -> None:
            faults.count, faults.at, faults.then = 0, at, killed
            faults.start()
            write("two")

        assert in_a_child(counted) == 0
        whole("after counting")
        calls = int((tmp_path.parent / "calls").read_text())
        (tmp_path.parent / "calls").unlink()
        assert calls > 15
        # of many calls within the new folder some: a fault there leaves the same debris
        chosen = [n for n in range(1, calls + 1) if n < 10 or n > calls - 25 or n % (1 + calls // 40) == 0]
        assert in_a_child(one_by_one) == 0
        for at in chosen:
            assert in_a_child(lambda at=at: dies(at)) == signal.SIGKILL
            whole(f"killed at call {at}")


def void_call() -> None:
    return


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("exchanging", [True, False], ids=["exchange", "two renames"])
def test_ctrl_c_at_any_line_leaves_the_old_or_the_new_folder(
    exchanging: bool, panel: Panel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not exchanging:
        monkeypatch.setattr(atomic_folder, "exchange", lambda *_: False)
    target = tmp_path / "folder"
    write = plain(target, panel)
    write("two")
    versions = [content(target)]
    write("one")
    versions.append(content(target))

    def lines() -> None:
        os.fsync = lambda _: None  # type: ignore[assignment]
        at, reached = 0, True
        while reached:
            at, count, reached = at + 1, 0, False

            def trace(frame: Any, event: str, _: Any, at: int = at) -> Any:
                nonlocal count, reached
                if frame.f_code.co_filename != atomic_folder.__file__:
                    return None
                if event == "line":
                    count += 1
                    if count == at:
                        reached = True
                        raise KeyboardInterrupt
                return trace

            sys.settrace(trace)
            try:
                write("two")
            except KeyboardInterrupt:
                pass
            finally:
                sys.settrace(None)
            gc.collect()
            with reserved(target):
                assert content(target) in versions, at
            write("one")
            assert content(target) == versions[1], at
            assert [path.name for path in tmp_path.iterdir()] == ["folder"], at
        assert at > 40

    assert in_a_child(lines) == 0


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.EINVAL])
def test_a_system_that_cannot_exchange_says_so(code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Library:
        @staticmethod
        def renameat2(*_: object) -> int:
            ctypes.set_errno(code)
            return -1

    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: Library())
    assert not atomic_folder.exchange(tmp_path, tmp_path)
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: object())
    assert not atomic_folder.exchange(tmp_path, tmp_path)


# What killed processes left.


def test_a_half_done_swap_is_healed_and_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    old = tmp_path / ".run-abcd1234" / "old"
    old.mkdir(parents=True)
    (old / "run.json").write_text("mine")
    others = [tmp_path / ".run-2-abcd1234" / "new", tmp_path / ".run-notes123" / "thesis"]
    for other in others:
        other.mkdir(parents=True)
    with reserved(tmp_path / "run"):
        assert (tmp_path / "run" / "run.json").read_text() == "mine"
    assert "took away what a killed process had left there (.run-abcd1234), and put back" in caplog.text
    assert not old.parent.exists()
    assert all(other.exists() for other in others)


# One process at a time, and no work for nothing.


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_second_process_is_refused_at_once_and_told_of_the_first(
    panel: Panel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    read, write = os.pipe()
    ready, tell = os.pipe()
    monkeypatch.setattr(FIT, "design", lambda *_: pytest.fail("it began to fit"))
    child = os.fork()
    if child == 0:
        with reserved(tmp_path / "run"):
            os.write(tell, b"x")
            os.read(read, 1)
        os._exit(0)
    os.read(ready, 1)
    try:
        assert command("fit", "--panel", HAMLETS, "--out", tmp_path / "run") == 2
        said = capsys.readouterr().err
        assert f"run is being written by process {child} on " in said
        assert " since 20" in said
        with pytest.raises(StorageError, match=f"process {child}"):
            made_up(panel).write(tmp_path / "run")
    finally:
        os.write(write, b"x")
        os.waitpid(child, 0)
    made_up(panel).write(tmp_path / "run")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_place_that_cannot_be_written_is_refused_before_the_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(FIT, "design", lambda *_: pytest.fail("it began to fit"))
    (tmp_path / "file").write_text("mine")
    for out, reason in ((tmp_path / "file" / "run", "ot a directory|xists"), (tmp_path / ("n" * 255), "too long")):
        assert command("fit", "--panel", HAMLETS, "--out", out) == 2
        said = capsys.readouterr().err
        assert said.startswith("Error: ")
        assert "cannot be written" in said, reason
    (tmp_path / "run").mkdir()
    monkeypatch.setattr(os, "access", lambda _, mode, **__: mode != os.W_OK)  # root may write everywhere
    assert command("fit", "--panel", HAMLETS, "--out", tmp_path / "run", "--overwrite") == 2
    assert "cannot be written: Permission denied" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "run"]


def test_folders_made_for_nothing_are_taken_away(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), whole_folder(tmp_path / "a" / "b" / "c") as new:
        print(1 / len(list(new.iterdir())))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_cleans_up_as_ctrl_c_does(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    number = getattr(signal, name)
    before = signal.signal(number, signal.SIG_DFL)  # under nohup a hangup is ignored
    try:
        with pytest.raises(SystemExit) as ended, ended_by_signals(), whole_folder(tmp_path / "run"):
            signal.raise_signal(number)
        assert signal.getsignal(number) is signal.SIG_DFL
    finally:
        signal.signal(number, before)
    assert ended.value.code == 128 + number
    assert capfd.readouterr().err == f"Ended by {name}\n"
    assert list(tmp_path.iterdir()) == []


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ended_by_signals():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


# Chains of one fit.


def chain(value: float) -> xr.DataTree:
    return xr.DataTree.from_dict({"/posterior": xr.Dataset({"x": ("draw", [value])})})


def test_two_fits_never_mix_their_chains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = (Checkpoint(tmp_path / "kept", {"seed": seed}) for seed in (1, 2))
    with one.opened(resume=False):
        one.write(0, chain(1.0))

        def second() -> None:
            monkeypatch.setattr(atomic_folder, "_held", {})  # a process of its own has none
            with pytest.raises(StorageError, match="is being written by process"), other.opened(resume=False):
                pass

        if hasattr(os, "fork"):
            assert in_a_child(second) == 0
        one.write(1, chain(1.0))
    with pytest.raises(UsageError, match="of other data, options or versions"), other.opened(resume=True):
        pass
    with one.opened(resume=True):
        other.write(1, chain(2.0))  # by a process that knows of no lock
        assert one.read(0) is not None
        with pytest.raises(UsageError, match="of other data, options or versions"):
            one.read(1)
    (tmp_path / "kept" / "chain-0.nc").write_bytes(b"rubbish")
    with pytest.raises(UsageError, match=r"chain-0\.nc: damaged .*leave out --resume"), one.opened(resume=True):
        pass


# A full disk.


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 400 kB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = sys.platform == "linux" and os.geteuid() == 0
    mounted = mounted and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(folder)], check=False, capture_output=True
    ).returncode == 0  # fmt: skip
    if not mounted:
        pytest.skip("needs a small file system, and may not mount one here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_ends_in_a_message_and_the_old_run_stays(panel: Panel, small: Path) -> None:
    made_up(panel).write(small / "run")
    before = content(small / "run")
    for size in (100_000, 10_000, 4_000):
        with pytest.raises(StorageError, match=r"run could not be written: No space left.*is kept"):
            made_up(panel, size=size).write(small / "run", overwrite=True)
        assert content(small / "run") == before
        assert [path.name for path in small.iterdir()] == ["run"]
    one = Checkpoint(small / "kept", {"seed": 1})
    with one.opened(resume=False), pytest.raises(StorageError, match="No space left"):
        one.write(0, xr.DataTree.from_dict({"/posterior": draws(100_000)}))
    assert Fit.read(small / "run").record["name"] == "a"


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(tmp_path, {"a": "old", "b": b"old"})
    monkeypatch.setattr(os, "fsync", lambda _: full())
    with pytest.raises(StorageError, match="No space left"):
        write_files(tmp_path, {"a": "new", "b": b"new"})
    assert content(tmp_path) == {"a": b"old", "b": b"old"}


# A run is what was written.


@pytest.mark.parametrize("part", ["posterior.nc", "spec.toml", "panel/inspections.csv", "run.json"])
def test_an_edited_part_of_a_run_is_refused(panel: Panel, tmp_path: Path, part: str) -> None:
    made_up(panel).write(tmp_path / "run")
    path = tmp_path / "run" / part
    if part == "run.json":
        path.write_text(json.dumps(json.loads(path.read_text()) | {"seed": 2}))
    elif part == "posterior.nc":
        path.write_bytes(path.read_bytes()[:-1000])
    else:
        path.write_text(path.read_text() + "\n")
    with pytest.raises(DataError, match=rf"run: changed since the run was written: {part}; fit again"):
        Fit.read(tmp_path / "run")


def test_a_run_without_hashes_is_of_an_older_version(panel: Panel, tmp_path: Path) -> None:
    made_up(panel).write(tmp_path / "run")
    path = tmp_path / "run" / "run.json"
    record = json.loads(path.read_text())
    del record[HASHES]
    path.write_text(json.dumps(record))
    with pytest.raises(DataError, match="of an older version"):
        Fit.read(tmp_path / "run")


def test_a_readme_may_be_edited_and_the_record_is_as_it_was(panel: Panel, tmp_path: Path) -> None:
    made_up(panel).write(tmp_path / "run")
    (tmp_path / "run" / "panel" / "README.md").write_text("# mine")
    assert Fit.read(tmp_path / "run").record == made_up(panel).record


def test_the_same_run_gives_the_same_bytes(panel: Panel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made_up(panel).write(tmp_path / "one")
    monkeypatch.setattr("time.time", lambda: 2e9)
    made_up(panel).write(tmp_path / "two")
    assert content(tmp_path / "one") == content(tmp_path / "two")
    stamped = netcdf(xr.DataTree(draws()))
    assert stamped == netcdf(xr.DataTree(draws()))
