"""What no tracked file may hold (places of one machine, registries, raw files), and the example report."""

from __future__ import annotations

import hashlib
import re
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from bayes_csc.panel.panel import Panel


@pytest.fixture(scope="module")
def tracked(root: Path) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True).stdout
    return [root / name for name in listed.split("\0") if (root / name).is_file()]


def test_no_tracked_file_names_a_place_of_one_machine(tracked: list[Path], root: Path) -> None:
    home = r"(?<![\w.~/])/(?:root|work|home|Users)/\w"
    place = re.compile(f"{home}|{re.escape(str(root.parent))}/|{re.escape(str(Path.home()))}/".encode())
    assert [path.name for path in tracked if place.search(path.read_bytes())] == []


def test_no_tracked_file_names_a_package_registry(tracked: list[Path]) -> None:
    registry = re.compile(rb"\b(?:index-url|find-links) *=? *\w+:|\b(?:py" + rb"pi|pythonhosted|npmjs)\.(?:org|com)\b")
    assert [path.name for path in tracked if registry.search(path.read_bytes())] == []


def test_no_lock_of_uv_is_tracked(tracked: list[Path]) -> None:
    assert "uv.lock" not in {path.name for path in tracked}


def test_no_official_file_is_copied(tracked: list[Path], shared: Path) -> None:
    official = set(pd.read_csv(shared / "data" / "MANIFEST.csv", dtype=str).iloc[:, -1])
    assert len(official) > 50
    assert [path.name for path in tracked if hashlib.sha256(path.read_bytes()).hexdigest() in official] == []


def test_the_first_two_commands_of_the_readme_are_make_fit_and_make_test(root: Path) -> None:
    text = (root / "README.md").read_text(encoding="utf-8")
    code = re.findall(r"^ {4}(\S.*)$|^```\w*\n((?:.*\n)*?)```$", text, re.MULTILINE)
    commands = [line.strip() for indented, fenced in code for line in (indented or fenced).splitlines()]
    assert commands[:2] == ["make fit", "make test"]


def test_what_the_readme_links_to_is_there(tracked: list[Path], root: Path) -> None:
    text = (root / "README.md").read_text(encoding="utf-8")
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text)]
    local = {root / link for link in links if link and ":" not in link}
    assert len(local) > 5
    assert local - set(tracked) == set()


def test_the_example_report_is_small_whole_and_of_the_panel_that_ships(
    tracked: list[Path], root: Path, shipped: Panel
) -> None:
    files = [path for path in tracked if path.parent == root / "reports" / "england"]
    assert {path.suffix for path in files} == {".html"}
    assert sum(path.stat().st_size for path in files) < 8e6
    assert max(path.stat().st_size for path in files) < 1.5e6
    pages = {path.name: path.read_text(encoding="utf-8") for path in files}
    linked = {link for text in pages.values() for link in re.findall(r'href="([\w-]+\.html)"', text)}
    assert linked <= set(pages)
    assert len([name for name in pages if name.startswith("authority-")]) > 20
    assert all(shipped.hash in text for name, text in pages.items())
    assert not [name for name, text in pages.items() if "A preview: a quick answer" in text]


def test_the_pictures_of_the_example_report_are_small(root: Path) -> None:
    assert all((root / "reports" / name).stat().st_size < 150_000 for name in ("overview.png", "authority.png"))
