"""Every direct dependency is in the table with what it is for and what it costs, and the list of all is CycloneDX."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def direct(root: Path) -> list[str]:
    needed = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    return [re.split(r"[<>=!~ \[]", each)[0] for each in needed]


@pytest.fixture(scope="module")
def listed(root: Path) -> str:
    made = subprocess.run([sys.executable, root / "docs" / "sbom.py"], capture_output=True, text=True, check=True)
    return made.stdout


def test_the_table_lists_exactly_the_direct_dependencies(root: Path, direct: list[str]) -> None:
    lines = (root / "docs" / "dependencies.md").read_text(encoding="utf-8").splitlines()
    rows = [[part.strip() for part in line.strip("|").split("|")] for line in lines if line.startswith("| ")][1:]
    assert [row[0] for row in rows] == sorted(direct)
    for _, purpose, milliseconds, megabytes in rows:
        assert len(purpose) > 5
        assert int(milliseconds) >= 0
        assert float(megabytes) >= 0.0


def test_the_list_has_every_dependency_with_its_licence(listed: str, direct: list[str]) -> None:
    whole: dict[str, Any] = json.loads(listed)
    assert (whole["bomFormat"], whole["specVersion"]) == ("CycloneDX", "1.6")
    assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", whole["serialNumber"])
    parts = {part["purl"].removeprefix("pkg:pypi/").split("@")[0]: part for part in whole["components"]}
    assert set(direct) <= set(parts)
    assert [name for name, part in parts.items() if not part["licenses"] or not part["version"]] == []
    known = {part["bom-ref"] for part in (*parts.values(), whole["metadata"]["component"])}
    assert {each["ref"] for each in whole["dependencies"]} == known
    assert {needed for each in whole["dependencies"] for needed in each["dependsOn"]} <= known
    own = next(e for e in whole["dependencies"] if e["ref"] == whole["metadata"]["component"]["bom-ref"])
    assert {ref.removeprefix("pkg:pypi/").split("@")[0] for ref in own["dependsOn"]} == set(direct)


def test_the_list_is_the_same_each_time_and_says_nothing_of_this_machine(root: Path, listed: str) -> None:
    spec = importlib.util.spec_from_file_location("sbom", root / "docs" / "sbom.py")
    assert spec is not None
    assert spec.loader is not None
    sbom = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sbom)
    assert json.dumps(sbom.document(), indent=2, ensure_ascii=True) + "\n" == listed
    assert str(Path.home()) not in listed
    assert str(root) not in listed


def test_the_security_policy_says_what_it_has_to(root: Path) -> None:
    text = (root / "SECURITY.md").read_text(encoding="utf-8")
    assert [line[3:] for line in text.splitlines() if line.startswith("## ")][:3] == [
        "How to report", "What is trusted", "What is not trusted",
    ]  # fmt: skip
    for path in re.findall(r"`([a-z_]+/[\w/]+\.py)`|\]\(([\w/]+\.md)\)", text):
        assert (root / (path[0] or path[1])).is_file()
