"""A large folder is read once, and anew as soon as anything of it is another."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bayes_csc import Panel
from bayes_csc.errors import DataError
from bayes_csc.files import read_cache as read_once
from bayes_csc.files.embedded_data import data_dir


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BAYESCSC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(read_once, "LARGE", 10)
    (tmp_path / "folder" / "part").mkdir(parents=True)
    (tmp_path / "folder" / "part" / "rows.csv").write_text("twelve bytes")
    return tmp_path / "folder"


class Reader:
    """Counts how often it reads."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, root: Path) -> list[str]:
        self.times += 1
        return [path.read_text() for path in sorted(root.rglob("*.csv"))]


def tables(texts: list[str]) -> dict[str, pd.DataFrame]:
    return {"texts": pd.DataFrame({"text": texts})}


def again(root: Path, made: dict[str, pd.DataFrame]) -> list[str]:
    return list(made["texts"]["text"])


def once(folder: Path, read: Callable[[Path], list[str]]) -> list[str]:
    return read_once.read_once(folder, folder.rglob("*"), read, tables, again)


def test_the_same_bytes_are_read_once_and_each_gets_an_object_of_its_own(folder: Path) -> None:
    read = Reader()
    first = once(folder, read)
    first.append("changed by who got it")
    assert once(folder, read) == ["twelve bytes"]
    assert read.times == 1


@pytest.mark.parametrize("change", ["content", "name", "more", "version"])
def test_whatever_is_another_is_read_anew(folder: Path, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    read, file = Reader(), folder / "part" / "rows.csv"
    once(folder, read)
    if change == "content":
        file.write_text("twelve BYTES")
    elif change == "name":
        file.rename(file.with_name("cells.csv"))
    elif change == "more":
        (folder / "more.csv").write_text("")
    else:
        monkeypatch.setattr(read_once, "versions", lambda: {"pandas": "0"})
    once(folder, read)
    assert read.times == 2


def test_a_small_folder_is_read_each_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = Reader()
    monkeypatch.setattr(read_once, "LARGE", 13)
    for _ in range(2):
        once(folder, read)
    assert read.times == 2


def test_what_was_cut_short_or_cannot_be_kept_is_read_anew(folder: Path) -> None:
    read, cache = Reader(), folder.parent / "cache"
    once(folder, read)
    (kept,) = (cache / "panels").iterdir()
    kept.write_bytes(kept.read_bytes()[:-3])
    assert once(folder, read) == ["twelve bytes"]
    kept.unlink()
    (cache / "panels").rmdir()
    (cache / "panels").write_text("in the way")
    assert once(folder, read) == ["twelve bytes"]
    assert read.times == 3


class Planted:
    """Runs a command where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.mark}",)


@pytest.mark.parametrize("kind", ["pickle", "other tables", "text"])
def test_what_was_planted_runs_nothing_and_is_thrown_away(folder: Path, kind: str) -> None:
    read, mark = Reader(), folder.parent / "ran"
    once(folder, read)
    (kept,) = (folder.parent / "cache" / "panels").iterdir()
    other = read_once.packed({"another": pd.DataFrame({"text": ["planted"]})})
    kept.write_bytes({"pickle": pickle.dumps(Planted(mark)), "other tables": other, "text": b"planted"}[kind])
    assert once(folder, read) == ["twelve bytes"]
    assert read.times == 2
    assert not mark.exists()
    assert read_once.unpacked(kept.read_bytes()).keys() == {"texts"}


def test_tables_come_back_as_they_were() -> None:
    table = pd.DataFrame(
        {
            "text": ["a", "", None], "number": [0.1, -0.0, np.nan], "whole": [1, 2, 3],
            "day": pd.to_datetime(["2025-03-31", None, "1999-01-01"]),
            "second": pd.to_datetime(["2025-03-31", None, "1999-01-01"]).astype("datetime64[s]"),
        },
        index=pd.Index(["x", "y", "z"], name="code"),
    ).astype({"text": "str"})  # fmt: skip
    back = read_once.unpacked(read_once.packed({"one": table, "none": table[:0]}))
    pd.testing.assert_frame_equal(back["one"], table, check_exact=True)
    pd.testing.assert_frame_equal(back["none"], table[:0])
    assert np.signbit(back["one"]["number"].iloc[1])
    back["one"].loc["x", "number"] = 5.0
    assert table.loc["x", "number"] == 0.1


def test_a_file_that_cannot_be_read_is_for_the_reader_to_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(root: Path, files: list[Path]) -> str:
        raise PermissionError

    monkeypatch.setattr(read_once, "_key", forbidden)
    assert once(folder, Reader()) == ["twelve bytes"]


def test_a_folder_with_problems_is_not_remembered(folder: Path) -> None:
    def refuse(root: Path) -> list[str]:
        raise DataError(f"{root}: a problem")

    for _ in range(2):
        with pytest.raises(DataError, match="a problem"):
            once(folder, refuse)
    assert not (folder.parent / "cache").exists()


def test_the_panel_of_england_is_the_same_from_its_files_and_from_the_cache(folder: Path) -> None:
    read = [Panel.read(data_dir("england")) for _ in range(2)]
    assert len(list((folder.parent / "cache" / "panels").iterdir())) == 1
    assert read[0].hash == read[1].hash
    assert read[0].files() == read[1].files()
    for name in ("cells", "revisions", "inspections", "authorities", "covariates", "providers"):
        pd.testing.assert_frame_equal(getattr(read[0], name), getattr(read[1], name))


def test_a_table_changed_in_place_changes_the_hash_and_the_files_of_a_panel(folder: Path) -> None:
    panel = Panel.read(data_dir("england"))
    before, files = panel.hash, panel.files()
    panel.cells.loc[panel.cells.index[0], "numerator"] = 1.0
    assert panel.hash != before
    assert {name for name, text in panel.files().items() if text != files[name]} == {
        f"indicators/{panel.indicators[panel.cells['indicator'].iloc[0]].domain}.csv"
    }
    again = Panel.read(data_dir("england"))
    assert again.hash == before
    again.authorities.loc[again.authorities.index[0], "deprivation"] += 1.0
    assert again.hash != before
