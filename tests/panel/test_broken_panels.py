"""What is said of every broken panel folder, and what is accepted as text."""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path

import pytest
from broken.panel_folders import ACCEPTED, BROKEN, Case
from command_runner import command
from paths import PANELS

from bayes_csc.panel.panel import Panel

TOWNS = PANELS / "towns"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(TOWNS, tmp_path / "towns"))


@pytest.mark.parametrize("case", BROKEN, ids=str)
def test_a_broken_panel_is_refused_with_its_message(
    case: Case, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case.change(folder / case.file)
    started = time.perf_counter()
    assert command("data", "check", folder) == 3
    assert time.perf_counter() - started < 5
    said = capsys.readouterr().err
    assert re.search(case.message, said), said
    assert "Unexpected" not in said


@pytest.mark.parametrize("case", ACCEPTED, ids=str)
def test_what_is_unusual_but_right_is_read_and_comes_back_as_it_was(
    case: Case, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case.change(folder / case.file)
    assert command("data", "check", folder) == 0
    panel = Panel.read(folder)
    panel.write(tmp_path / "copy", checked=True)
    again = Panel.read(tmp_path / "copy")
    assert again.files() == panel.files()
    assert again.indicators == panel.indicators
    assert again.authorities.name.to_list() == panel.authorities.name.to_list()
    capsys.readouterr()


def test_a_joint_return_is_the_same_in_any_order_of_its_codes(folder: Path) -> None:
    before = Panel.read(folder).hash
    path = folder / "indicators" / "assessment.csv"
    path.write_text(path.read_text().replace("101+102", "102+101"))
    assert Panel.read(folder).hash == before


def test_a_panel_that_could_not_be_read_back_replaces_nothing(folder: Path) -> None:
    panel = Panel.read(folder)
    panel.cells.loc[0, "numerator"] = 900.0
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(Exception, match="numerator 900 is above its denominator"):
        panel.write(folder, checked=True)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert sorted(folder.parent.iterdir()) == [folder]
