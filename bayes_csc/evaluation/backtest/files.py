"""The files of a backtest: every event and forecast, the scores with their provenance, and the page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from bayes_csc.errors import UsageError
from bayes_csc.evaluation.backtest.forecasters.pool import pool_record
from bayes_csc.evaluation.backtest.result import Backtest
from bayes_csc.evaluation.backtest.scoring.changes import grade_changes
from bayes_csc.evaluation.backtest.summary import ALL, HIGHER_IS_BETTER, INTERVAL
from bayes_csc.evaluation.backtest.words import beside_named, counts, finding
from bayes_csc.files import whole_folder
from bayes_csc.files.csv_toml import table_text
from bayes_csc.files.json_values import plain, records

QUOTED = ("auc_worse", "log_score")
"""Scores that reports quote in a sentence each."""
EVENTS, SCORES, PAGE = "backtest.csv", "backtest.json", "backtest.html"
HONESTY = (
    "Every origin to 2025 has been looked at while the models were built: all of this is exploratory. Only inspections "
    "that start after the panel's date can confirm it, once. Differences are given with intervals; there is no pass "
    "mark, and an interval that includes zero is a null result. A figure that was first published by the origin, but "
    "whose first vintage is not at hand, stands in the vintage of a later release: pseudo-real-time."
)


def check_backtest_target(folder: Path, *, overwrite: bool) -> None:
    """Refuse a folder that exists, unless it is to be overwritten and is a backtest's.

    Raises
    ------
    UsageError
        With what to do.
    """
    if not folder.exists():
        return
    if not overwrite:
        raise UsageError(f"{folder} exists; give another --out, or --overwrite to replace it")
    if not folder.is_dir() or (any(folder.iterdir()) and not (folder / SCORES).is_file()):
        raise UsageError(f"{folder} is not the folder of a backtest, so it is not replaced; give another --out")


def write_backtest(done: Backtest, page: str, folder: Path, *, overwrite: bool = False) -> None:
    """Write a backtest's folder, whole or not at all.

    Parameters
    ----------
    done
        The backtest.
    page
        Text of its page (`report.backtest_page`).
    folder
        Its folder; what is there stays until the new one is complete.
    overwrite
        Replace a backtest that is there.
    """
    with whole_folder(folder) as new:
        check_backtest_target(folder, overwrite=overwrite)
        (new / EVENTS).write_text(_events(done), encoding="utf-8", newline="\n")
        text = json.dumps(plain(record(done)), indent=1, allow_nan=False, ensure_ascii=False)
        (new / SCORES).write_text(text + "\n", encoding="utf-8", newline="\n")
        (new / PAGE).write_text(page, encoding="utf-8", newline="\n")


def record(done: Backtest) -> dict[str, Any]:
    """Everything of a backtest but its events, as plain values: what reports quote."""
    weights = done.weights.reset_index() if len(done.weights) else done.weights
    return {
        "metadata": {**done.metadata, "how_to_read": HONESTY},
        "counts": {str(horizon): counts(done, horizon) for horizon in done.horizons},
        "findings": [
            {"group": group, "horizon": horizon, "score": score, "text": finding(done, group, horizon, score)}
            for horizon in done.horizons
            for group in (done.group, ALL)
            for score in QUOTED
        ],
        "named_beforehand": [text for horizon in done.horizons for text in beside_named(done, done.group, horizon)],
        "changes": records(grade_changes(done.rows, done.columns)),
        "baseline": done.baseline,
        "roles": done.roles,
        "interval": {
            "kind": "bootstrap of authorities, equal-tailed",
            "authority_origin": "bootstrap of authorities and, independently, of origins, equal-tailed",
            "probability": INTERVAL,
        },
        "higher_is_better": dict(HIGHER_IS_BETTER),
        "scores": records(done.scores.round(6)),
        "origins": records(done.origins),
        "stack_weights": records(weights),
        "pool": [
            pool_record(done.rows, done.columns, parts) | {"weights": records(found.reset_index())}
            for parts, found in done.pools.items()
        ],
        "calibration": [
            {"forecaster": name, "group": group, "horizon": horizon} | terms
            for horizon in done.horizons
            for group in (done.group, ALL)
            for name in done.roles
            if (terms := _calibration(done, name, group, horizon))
        ],
    }


def _calibration(done: Backtest, name: str, group: str, horizon: int) -> dict[str, Any] | None:
    """Terms of the Brier score; of the forecast the curve itself, too, where every event counts once."""
    found = done.calibration(name, group, horizon)
    if found is None:
        return None
    terms = {
        key: getattr(found, key) for key in ("miscalibration", "discrimination", "uncertainty", "inside")
    }  # fmt: skip
    curve = name == done.baseline and horizon == done.horizons[0]
    return terms | ({"curve": records(found.curve.round(4))} if curve else {})


def _events(done: Backtest) -> str:
    rows = done.rows.copy()
    for column in ("start", "published"):
        rows[column] = pd.to_datetime(rows[column]).dt.strftime("%Y-%m-%d")
    leading = ["origin", "horizon", "authority", "name", "previous", "gap", "start", "published", "grade", "forecaster"]
    rows["previous"] = rows["previous"].astype("Int64")
    rows["gap"] = rows["gap"].round(4)
    columns = [*leading, *(c for c in rows.columns if str(c).startswith("p_"))]
    return table_text(rows[columns], float_format="%.6f")
