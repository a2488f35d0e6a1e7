"""Tables of a run: refused where its diagnostics failed, and written with what they come from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from bayes_csc.errors import GateError
from bayes_csc.files import write_files
from bayes_csc.files.csv_toml import table_text
from bayes_csc.inference.fit import Fit
from bayes_csc.inference.groups import group_text
from bayes_csc.likelihood.conditional_states import RECENT_YEARS
from bayes_csc.measurement.figures_used import data_days
from bayes_csc.panel.calendar import grid_date
from bayes_csc.panel.indicator_selection import chosen_indicators
from bayes_csc.panel.panel import NO_OVERALL


def refuse_failed(fit: Fit, *, force: bool) -> None:
    """Refuse the headline numbers of a run that failed its gate, unless forced.

    Raises
    ------
    GateError
        With what failed and what to try.
    """
    if not fit.gate.passed and not force:
        raise GateError(
            "this run failed its diagnostics, so its headline numbers are not shown:\n"
            + "\n".join(f"  {line}" for line in fit.gate.failing)
            + f"\nWhat to try: {fit.gate.advice}; --force shows them with a warning."
        )


def about(fit: Fit, group: str | Sequence[str], interval: float) -> dict[str, Any]:
    """What every table of a run carries: where its numbers come from and how to read them.

    Among it, as ISO dates: `now`; `recent_from` and `recent_until`, between which the recent change is; `figures_until`
    and `judgements_until`, to which the data run, and the same in a sentence, `data_days`.
    """
    out: dict[str, Any] = {
        "group": group_text(group),
        "interval": {"kind": "equal-tailed", "probability": interval},
        "now": grid_date(fit.change.attrs["now"]).isoformat(),
        "recent_from": grid_date(fit.recent_until - RECENT_YEARS).isoformat(),
        "recent_until": grid_date(fit.recent_until).isoformat(),
        **data_days(fit.panel, chosen_indicators(fit.panel, fit.spec)).metadata(),
        **fit.provenance(),
        "gate_passed": fit.gate.passed,
    }
    if not fit.gate.passed:
        out["warning"] = "This run failed its diagnostics: do not use these numbers. " + "; ".join(fit.gate.failing)
    return out


def without_overall(overall: Any) -> str:
    """Note of a last inspection without an overall grade (False); none where it has one, or there is none (NaN)."""
    return "" if overall != overall or overall else NO_OVERALL


def write_table(table: pd.DataFrame, folder: Path, name: str) -> None:
    """Write NAME.csv and NAME.json (metadata and the same rows) into a run folder.

    A warning about a failed gate stands in the JSON's metadata and in every row's note.
    """
    rows = table.copy()
    if "warning" in table.attrs:
        rows["note"] = [f"{note}; diagnostics failed".removeprefix("; ") for note in rows["note"]]
    text = json.dumps(
        {"metadata": table.attrs, "rows": json.loads(rows.to_json(orient="records"))}, indent=2, allow_nan=False
    )
    contents = {f"{name}.csv": table_text(rows), f"{name}.json": text + "\n"}
    write_files(Path(folder), contents)
