"""A report as JSON, for pipelines."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from bayes_csc.report.findings.collect import Findings
from bayes_csc.report.findings.companions import Missing
from bayes_csc.report.findings.tables import tables
from bayes_csc.report.findings.words.sentences import (
    change_sentence,
    composite_sentence,
    next_sentence,
    no_figures_sentence,
    recent_words,
)


def json_text(found: Findings) -> str:
    """Return everything that a report says: `metadata`, `tables`, `authorities` (in words) and `missing`."""
    percent = f"{found.about['interval']['probability']:.0%}"
    words = [
        {
            "authority": p.code, "name": p.name, "figures": no_figures_sentence(p.decline) or None,
            "change": change_sentence(p.decline, percent, recent_words(found.about)),
            "next": next_sentence(p.forecast, p.base_rate, found.panel.grades, percent) if p.forecast else None,
            "composite": composite_sentence(p.composite, p.decline) or None, "caveats": p.caveats,
        }
        for p in found.pages
    ]  # fmt: skip
    absent = [part for part in (found.backtest, found.sensitivity) if isinstance(part, Missing)]
    whole: dict[str, Any] = {
        "metadata": found.about | {"diagnostics": found.record["gate"]},
        "tables": {name: rows(table) for name, table in tables(found).items()},
        "backtest": None if isinstance(found.backtest, Missing) else found.backtest["scores"],
        "authorities": words,
        "missing": [{"part": part.what, "command": part.command} for part in absent],
    }
    return json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a table as plain values; what is missing is null, dates are ISO."""
    out: list[dict[str, Any]] = json.loads(table.to_json(orient="records", date_format="iso", double_precision=15))
    return out
