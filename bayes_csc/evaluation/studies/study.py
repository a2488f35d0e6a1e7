"""What a study gives: tables, the words that go with them, and where the numbers come from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from bayes_csc.errors import UsageError
from bayes_csc.files import write_files
from bayes_csc.files.csv_toml import csv_text
from bayes_csc.panel.panel import Panel

PACKAGES = ("bayescsc", "numpy", "pandas", "scipy", "statsmodels", "scikit-learn")


@dataclass(frozen=True)
class Study:
    """A study's result.

    Attributes
    ----------
    name
        That of its command.
    title
        What it asks.
    tables
        By name, the most important first.
    words
        What the tables show and do not show, one sentence or two each.
    about
        Panel, its hash, options and versions.
    """

    name: str
    title: str
    tables: Mapping[str, pd.DataFrame]
    words: tuple[str, ...]
    about: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return everything as JSON; what is missing is null."""
        tables = {name: json.loads(_dated(table).to_json(orient="records")) for name, table in self.tables.items()}
        content = {"study": self.name, "title": self.title, "about": dict(self.about), "words": list(self.words)}
        return json.dumps(content | {"tables": tables}, indent=2, allow_nan=False) + "\n"

    def write(self, folder: Path) -> list[Path]:
        """Write NAME.json and a NAME-TABLE.csv for each table into a folder, each file whole or not at all.

        Raises
        ------
        UsageError
            There is a file where the folder should be.
        """
        folder = Path(folder)
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"{folder}: a file is there; give a folder as --out")
        texts = {f"{self.name}.json": self.to_json()}
        texts |= {f"{self.name}-{name}.csv": csv_text(table) for name, table in self.tables.items()}
        return write_files(folder, texts)


def _dated(table: pd.DataFrame) -> pd.DataFrame:
    """The table with days as text."""
    days = table.select_dtypes("datetime").columns
    return table.assign(**{str(name): table[name].dt.strftime("%Y-%m-%d") for name in days})


def records(table: pd.DataFrame) -> list[Any]:
    """Rows of a table as tuples with names."""
    return list(table.itertuples())


def provenance(panel: Panel, **options: object) -> dict[str, Any]:
    """Return what every study carries: the panel and its hash, the study's options and the versions."""
    where = {"panel": panel.name, "panel_date": panel.date.isoformat(), "panel_hash": panel.hash}
    return {**where, **options, "versions": {name: version(name) for name in PACKAGES}}
