"""The files of a sensitivity analysis, in the folder of the run that it is about."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bayes_csc.evaluation.sensitivity.answers.model_scores import averaged
from bayes_csc.evaluation.sensitivity.result import Sensitivity
from bayes_csc.files import write_files
from bayes_csc.files.csv_toml import table_text
from bayes_csc.files.json_values import plain, records

ROWS, SUMMARY, PAGE = "sensitivity.csv", "sensitivity.json", "sensitivity.html"
DIGITS = 6


def write_sensitivity(done: Sensitivity, page: str, folder: Path) -> None:
    """Write rows, summary and page into a run folder, each whole or not at all.

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
    write_files(folder, {ROWS: table_text(rows), SUMMARY: summary, PAGE: page})


def record(done: Sensitivity) -> dict[str, Any]:
    """Everything of a sensitivity analysis but its rows, as plain values: what reports quote."""
    mixed = averaged(done.rows, done.scores)
    verdicts = done.verdicts.assign(p_decline_averaged=done.verdicts["authority"].map(mixed))
    counts = verdicts["verdict"].value_counts()
    out = {
        "metadata": done.metadata,
        "failed": done.failed,
        "verdict_counts": {str(name): int(n) for name, n in counts.items()},
        "authorities": records(verdicts),
        "choices": records(done.choices),
        "scores": records(done.scores),
        "power_scaling": records(done.power),
        "value_of_data": records(done.value),
    }
    found: dict[str, Any] = plain(out)
    return found
