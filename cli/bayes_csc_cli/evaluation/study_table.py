"""How `bayescsc study` prints a study: its tables with their intervals in one column, then its words."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from bayes_csc.evaluation.studies.study import Study

SHOWN: dict[str, dict[str, tuple[str, ...]]] = {
    "three-indicators": {
        "samples": (),
        "coefficients": (),
        "performance": (
            "sample", "timeliness", "predicted", "rule", "events", "caught", "sensitivity", "false_positives",
            "false_positive_rate", "auc", "log_score_gain",
        ),
    },
    "ratings-and-outcomes": {
        "crosstab": (), "association": (), "indicators": (), "correlation": (), "loadings": (),
    },
    "workforce-by-grade": {"rates": ()},
    "post-inspection": {
        "effects": ("label", "effect", "ratio", "p_positive", "verdict", "mcse", "rhat"), "changes": (),
    },
}  # fmt: skip
"""Tables that are printed, and their columns; without any, all."""
PER_CENT = (
    "weighted", "unweighted", "article", "top_share", "top_difference", "sensitivity", "false_positive_rate",
)  # fmt: skip
LOWER, UPPER = "_lower", "_upper"
HASH_SHOWN = 12


def show(study: Study) -> None:
    """Print the study as wide as the terminal allows."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(width=None if sys.stdout.isatty() else 180)
    console.print(study.title, style="bold", markup=False, highlight=False)
    for name, columns in SHOWN[study.name].items():
        if name not in study.tables or study.tables[name].empty:
            continue
        texts = column_texts(study.tables[name], columns)
        table = Table(title=name.replace("_", " "), title_justify="left")
        for head in texts:
            table.add_column(head)
        for row in zip(*texts.values(), strict=True):
            table.add_row(*(escape(text) for text in row))
        console.print(table)
    for sentence in study.words:
        console.print(f"- {sentence}", markup=False, highlight=False)
    about = study.about
    console.print(
        f"{about['panel']} {about['panel_hash'][:HASH_SHOWN]}, seed {about['seed']}, {about['replicates']} bootstrap "
        f"samples of authorities, intervals {about['interval']:.0%}, bayescsc {about['versions']['bayescsc']}.",
        markup=False,
        highlight=False,
    )


def column_texts(table: pd.DataFrame, columns: tuple[str, ...] = ()) -> dict[str, list[str]]:
    """Texts of each column under its head; an estimate and the ends of its interval are one column."""
    out = {}
    for name in columns or [str(c) for c in table.columns if not str(c).endswith((LOWER, UPPER))]:
        texts = [_text(value, name in PER_CENT) for value in table[name]]
        if f"{name}{LOWER}" in table:
            ends = ([_text(value, name in PER_CENT) for value in table[f"{name}{end}"]] for end in (LOWER, UPPER))
            texts = [f"{t} ({a} to {b})" if t else "" for t, a, b in zip(texts, *ends, strict=True)]
        out[name.replace("_", " ")] = texts
    return out


def _text(value: Any, percent: bool) -> str:
    if value is None or value != value:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if hasattr(value, "strftime"):
        return str(value.strftime("%Y-%m-%d"))
    if isinstance(value, float):
        return f"{value:.1%}" if percent else f"{value:.2f}"
    return str(value)
