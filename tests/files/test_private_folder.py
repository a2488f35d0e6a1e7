"""What is run when it is read comes from folders and files that only this user can write to."""

from __future__ import annotations

import os
import pickle
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from bayes_csc.files import private_folder as private
from bayes_csc.files.private_folder import private_folder, read_own, write_own
from bayes_csc.files.result_cache import Kept

pytestmark = pytest.mark.skipif(os.name != "posix", reason="folders have no modes")


def strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is there belongs to somebody else from now on."""
    me = os.getuid()
    monkeypatch.setattr(private.os, "getuid", lambda: me + 1)


def test_a_new_folder_is_closed_to_others_and_so_are_its_files(tmp_path: Path) -> None:
    write_own(tmp_path / "new" / "kept", b"content")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "new" / "kept").stat().st_mode) == 0o600
    assert read_own(tmp_path / "new" / "kept") == b"content"
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["kept"]


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o1777, 0o702])
def test_a_folder_that_others_can_write_to_is_neither_read_nor_written_nor_changed(tmp_path: Path, mode: int) -> None:
    write_own(tmp_path / "open" / "kept", b"content")
    (tmp_path / "open").chmod(mode)
    assert read_own(tmp_path / "open" / "kept") is None
    with pytest.raises(PermissionError, match="others can write"):
        write_own(tmp_path / "open" / "other", b"content")
    assert stat.S_IMODE((tmp_path / "open").stat().st_mode) == mode
    assert [path.name for path in (tmp_path / "open").iterdir()] == ["kept"]


def test_a_file_that_others_can_write_to_is_not_read(tmp_path: Path) -> None:
    write_own(tmp_path / "mine" / "kept", b"content")
    (tmp_path / "mine" / "kept").chmod(0o666)
    assert read_own(tmp_path / "mine" / "kept") is None


def test_the_folder_and_the_files_of_another_user_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_own(tmp_path / "theirs" / "kept", b"content")
    strangers(monkeypatch)
    assert read_own(tmp_path / "theirs" / "kept") is None
    with pytest.raises(PermissionError, match="another user"):
        private_folder(tmp_path / "theirs")


@pytest.mark.parametrize("there", ["nothing", "folder", "link"])
def test_what_is_no_file_of_ones_own_is_none(tmp_path: Path, there: str) -> None:
    path = private_folder(tmp_path / "mine") / "kept"
    if there == "folder":
        path.mkdir()
    elif there == "link":
        path.symlink_to("/dev/null")
    assert read_own(path) is None


def test_a_file_where_the_folder_should_be_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert read_own(tmp_path / "file" / "kept") is None


def test_results_are_kept_in_private(tmp_path: Path) -> None:
    Kept(tmp_path / "kept").write("key", b"{}")
    assert stat.S_IMODE((tmp_path / "kept").stat().st_mode) == 0o700
    (tmp_path / "kept").chmod(0o777)
    assert Kept(tmp_path / "kept").read("key") is None


class Planted:
    """Runs a command where it is unpickled."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (self.command,)


PYTENSOR = "import bayes_csc; from pytensor.link.numba.cache import NUMBA_CACHE_PATH as path; print(path.parent)"


def compiled_in(base: Path, **known: str) -> str:
    """Where PyTensor keeps what it compiles, for a user who asked for a folder."""
    done = subprocess.run(
        [sys.executable, "-c", PYTENSOR], env=os.environ | {"PYTENSOR_FLAGS": f"base_compiledir={base}"} | known,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return done.stdout.strip()


def test_compiled_code_is_kept_where_it_was_asked_for_and_closed(tmp_path: Path) -> None:
    assert compiled_in(tmp_path / "mine") == str(tmp_path / "mine")
    assert stat.S_IMODE((tmp_path / "mine").stat().st_mode) == 0o700


@pytest.mark.parametrize("open_to_others", ["itself", "inside"])
def test_compiled_code_is_not_taken_from_where_others_can_write(tmp_path: Path, open_to_others: str) -> None:
    base = tmp_path / "base"
    (base / "numba").mkdir(parents=True)
    base.chmod(0o777 if open_to_others == "itself" else 0o755)
    (base / "numba").chmod(0o777)
    used = Path(compiled_in(base))
    assert used != base
    assert not used.exists()  # it was for that process alone
    assert list(base.iterdir()) == [base / "numba"]


def test_a_home_that_cannot_be_written_is_no_reason_to_fail(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder can be made in this")
    assert not Path(compiled_in(tmp_path / "file" / "cache")).exists()


def test_a_planted_file_in_an_open_folder_runs_nothing(tmp_path: Path) -> None:
    folder, mark = tmp_path / "open", tmp_path / "ran"
    folder.mkdir()
    folder.chmod(0o777)
    (folder / "key.pickle").write_bytes(pickle.dumps(Planted(f"touch {mark}")))
    assert read_own(folder / "key.pickle") is None
    assert not mark.exists()
