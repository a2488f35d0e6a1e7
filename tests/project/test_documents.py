"""The documents of the data name what the panel and the readers have, all of it and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

from bayes_csc.panel.panel import Panel

TABLE = "## Every dataset named in the founding documents"


def rows(root: Path) -> list[list[str]]:
    lines = (root / "docs" / "data.md").read_text(encoding="utf-8").partition(TABLE)[2].splitlines()
    return [[part.strip() for part in line.strip("|").split(" | ")] for line in lines if line.startswith("| ")][1:]


def test_every_reader_that_is_named_exists(root: Path) -> None:
    named = {name for row in rows(root) for name in re.findall(r"`([a-z_]+)`", row[1])}
    assert named
    assert named <= {path.stem for path in (root / "bayes_csc" / "sources").rglob("*.py")}


def test_every_indicator_of_the_panel_is_in_the_table_and_no_other(root: Path, shipped: Panel) -> None:
    named = {name for row in rows(root) for name in re.findall(r"`([a-z0-9_]+)`", row[3])} - {"confidence"}
    assert named == set(shipped.indicators)
