"""Diagnostics and checks in words."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bayes_csc.inference.convergence import MOST_LIMIT
from bayes_csc.inference.diagnostics import EBFMI, ESS
from bayes_csc.report.findings.words.vocabulary import joined, number


def gate_sentences(record: dict[str, Any]) -> list[str]:
    """Say what the diagnostics found and what they had to find."""
    gate = record["gate"]
    kept = f"{record['chains']} chains of {record['draws']} draws after {record['warmup']} of warm-up"
    if record.get("preview"):
        found = f"R-hat of the probabilities of decline at most {number(gate['rhat'])}"
        return [f"A preview: {kept}. {found}; {gate['divergences']} divergences. It "
                f"{'passed' if gate['passed'] else 'FAILED'} its own check.", *gate["failing"]]  # fmt: skip
    text = (
        f"{kept[0].upper()}{kept[1:]}. The largest R-hat of any parameter or any year of any authority is "
        f"{number(gate['rhat'], '.3f')} (required: below a limit of at most {MOST_LIMIT:g} that chains which agree "
        "exceed in one run of a hundred); the smallest number of effective draws is "
        f"{number(gate['ess_bulk'], '.0f')} in the bulk and {number(gate['ess_tail'], '.0f')} in the tails (required: "
        f"{ESS:.0f}); {gate['divergences']} divergences (required: none); E-BFMI at least {number(gate['ebfmi'])} "
        f"(required: {EBFMI:g}). The run {'passed' if gate['passed'] else 'FAILED'}."
    )
    return [text, *gate["failing"]]


def check_sentence(checks: pd.DataFrame, labels: dict[str, str], interval: float) -> str:
    """Say how the predictive intervals cover the figures, and where they do not."""
    if checks.empty:
        return "No figure of this run can be checked so."
    mean = (checks["inside"] * checks["cells"]).sum() / checks["cells"].sum()
    text = f"Over all indicators {mean:.0%} of the figures lie within their {interval:.0%} predictive interval."
    inside, middle = ({str(k): float(v) for k, v in checks[c].items()} for c in ("inside", "inside_inner"))
    wide = checks.index[(checks["inside"] - interval).abs() > 0.05]
    if len(wide):
        said = joined([f"“{labels[k]}” ({inside[k]:.0%})" for k in map(str, wide)])
        text += f" Off by more than five points: {said}."
    inner = checks.index[(checks["inside_inner"] - 0.5).abs() > 0.10]
    if len(inner):
        said = joined([f"“{labels[k]}” ({middle[k]:.0%})" for k in map(str, inner)])
        text += f" Of the 50% interval, by more than ten points: {said}: there the shape is wrong, not only the width."
    return text
