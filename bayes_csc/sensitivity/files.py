"""The files of a sensitivity analysis, in the folder of the run that it is about."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bayes_csc.sensitivity.model_scores import averaged
from bayes_csc.sensitivity.result import Sensitivity

ROWS, SUMMARY, PAGE = "sensitivity.csv", "sensitivity.json", "sensitivity.html"
DIGITS = 6


def write_sensitivity(done: Sensitivity, page: str, folder: Path) -> None:
    """Write rows, summary and page into a run folder; each whole or not at all.

    Parameters
    ----------
    done
        The analysis.
    page
        Text of its page (`report.sensitivity_page`).
    folder
        The run's.
    """
    rows = done.rows.round(DIGITS)
    summary = json.dumps(record(done), indent=1, allow_nan=False, ensure_ascii=False) + "\n"
    texts = {ROWS: rows.to_csv(index=False, lineterminator="\n"), SUMMARY: summary, PAGE: page}
    for name, text in texts.items():
        part = folder / f".{name}.part"
        part.write_text(text, encoding="utf-8", newline="\n")
        part.replace(folder / name)


def record(done: Sensitivity) -> dict[str, Any]:
    """Everything of a sensitivity analysis but its rows, as plain values: what reports quote."""
    mixed = averaged(done.rows, done.scores)
    verdicts = done.verdicts.assign(p_decline_averaged=done.verdicts["authority"].map(mixed))
    counts = verdicts["verdict"].value_counts()
    out = {
        "metadata": done.metadata,
        "failed": done.failed,
        "verdict_counts": {str(name): int(n) for name, n in counts.items()},
        "authorities": _rows(verdicts),
        "choices": _rows(done.choices),
        "scores": _rows(done.scores),
        "power_scaling": _rows(done.power),
        "value_of_data": _rows(done.value),
    }
    plain: dict[str, Any] = _plain(out)
    return plain


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def _plain(value: Any) -> Any:
    """Plain values for JSON: dates as text, what is not a number as null, six significant digits."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    return value.isoformat() if hasattr(value, "isoformat") else value
