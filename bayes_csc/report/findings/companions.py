"""What may lie beside a run: a backtest and a sensitivity analysis; a missing one names the command that makes it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bayes_csc.errors import DataError
from bayes_csc.files.csv_toml import as_meant

BACKTEST = "backtest.json"
SENSITIVITY, SENSITIVITY_RECORD, SENSITIVITY_PAGE = "sensitivity.csv", "sensitivity.json", "sensitivity.html"
PLACES = (".", "backtest", "../backtest")
"""Where a backtest is looked for, from the run folder."""
PARTS = ("metadata", "baseline", "roles", "scores", "higher_is_better")
NEEDED = ("authority", "variant", "depth", "p_decline")


@dataclass(frozen=True)
class Missing:
    """A part of a report whose input is not there.

    Attributes
    ----------
    what
        The part, in words.
    command
        The command that makes its input.
    """

    what: str
    command: str

    @property
    def sentence(self) -> str:
        """What the report says in its place."""
        return f"{self.what} is not in this report: its input was not found. To make it, run:"


def read_backtest(run: Path, given: Path | None = None) -> dict[str, Any] | Missing:
    """Read the record of a backtest: of the folder given, or else of the run folder, or of one called backtest by it.

    Raises
    ------
    DataError
        There is a file, and it is not the record of a backtest; or a folder was given that has none.
    """
    places = [given] if given else [run / place for place in PLACES]
    path = next((p / BACKTEST for p in places if (p / BACKTEST).is_file()), None)
    if path is None and given:
        raise DataError(f"{given}: no {BACKTEST} in it; `bayescsc backtest --out {given}` makes one")
    if path is None:
        return Missing("How good the forecasts have been", f"bayescsc backtest --out {run / 'backtest'}")
    try:
        record: dict[str, Any] = dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise DataError(f"{path}: not the record of a backtest ({error}); run `bayescsc backtest` again") from error
    if lost := [name for name in PARTS if name not in record]:
        raise DataError(f"{path}: not the record of a backtest (without {', '.join(lost)}); run it again")
    return record


def read_sensitivity(run: Path) -> pd.DataFrame | Missing:
    """Read the sensitivity analysis of a run: a row per authority and variant.

    Returns
    -------
    pandas.DataFrame or Missing
        `authority`, `variant`, `choice`, `depth`, `gate`, `p_decline`, `p_decline_mcse` and what else the file has, and
        `question`, whether the variant asks another question; `attrs` holds the analysis' metadata, with the `verdicts`
        by authority.

    Raises
    ------
    DataError
        There is a file without the columns that it must have.
    """
    path = run / SENSITIVITY
    if not path.is_file():
        return Missing("How far the answers hang on choices", f"bayescsc sensitivity {run}")
    table = as_meant(pd.read_csv(path, dtype={"authority": str}))
    if lost := [name for name in NEEDED if name not in table]:
        raise DataError(f"{path}: without the columns {', '.join(lost)}; run `bayescsc sensitivity {run}` again")
    record = path.with_name(SENSITIVITY_RECORD)
    known = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
    about: dict[str, Any] = known.get("metadata", {})
    asked = [v["name"] for v in about.get("variants", []) if v.get("asks_another_question")]
    blank: dict[str, Any] = {"choice": "", "gate": "passed", "p_decline_mcse": float("nan")}
    table = table.assign(**{name: value for name, value in blank.items() if name not in table})
    table = table.assign(question=table["variant"].isin(asked))
    table.attrs.update(about)
    table.attrs["verdicts"] = {str(row["authority"]): str(row["verdict"]) for row in known.get("authorities", [])}
    return table


def counted(sensitivity: pd.DataFrame) -> pd.DataFrame:
    """Rows of a sensitivity analysis that count: their variant passed, and has an estimate."""
    return sensitivity[sensitivity["gate"].eq("passed") & sensitivity["p_decline"].notna()]


def read_sensitivity_page(run: Path) -> str:
    """Read the page of the sensitivity analysis of a run; blank without one."""
    path = run / SENSITIVITY_PAGE
    return path.read_text(encoding="utf-8") if path.is_file() else ""
