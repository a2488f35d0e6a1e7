"""What a backtest found, in words that claim no more than its intervals."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bayes_csc.backtest.result import Backtest
from bayes_csc.backtest.summary import HIGHER_IS_BETTER, INTERVAL

SCORE_WORDS = {
    "log_score": "log score",
    "rps": "RPS",
    "brier_worse": "Brier, worse",
    "brier_worst": "Brier, {worst}",
    "auc_worse": "AUC, worse",
    "sensitivity_10": "caught by 10%",
    "sensitivity_20": "caught by 20%",
    "sensitivity_33": "caught by 33%",
}


def score_word(score: str, grades: list[str]) -> str:
    """Name of a score for readers."""
    return SCORE_WORDS[score].format(worst=grades[-1])


def finding(done: Backtest, group: str, horizon: int, score: str) -> str:
    """One sentence: the baseline's score beside the best of the others', and what their difference allows to say."""
    rows = done.score(group, horizon, score)
    word = score_word(score, done.metadata["grades"])
    own = rows.loc[done.baseline]
    said = f"{word} of {done.baseline}: {_with_interval(own, 'value', '')}"
    rivals = rows[[done.roles[str(name)] == "rival" for name in rows.index]].dropna(subset=["value"])
    if rivals.empty or pd.isna(own["value"]):
        return f"{said}; no rival to compare it with."
    higher = HIGHER_IS_BETTER[score]
    best = str(rivals["value"].idxmax() if higher else rivals["value"].idxmin())
    row = rivals.loc[best]
    gap = _with_interval(row, "difference", "difference_", sign=True)
    low, high = row["difference_lower"], row["difference_upper"]
    behind, ahead = (high < 0, low > 0) if higher else (low > 0, high < 0)
    verdict = (
        "the interval excludes zero in the baseline's favour"
        if behind
        else "the interval excludes zero in the rival's favour"
        if ahead
        else "the interval includes zero, so these events cannot tell which forecasts better"
    )
    return f"{said}. Best rival, {best}: {_with_interval(row, 'value', '')}; less the baseline {gap}: {verdict}."


def counts(done: Backtest, horizon: int) -> str:
    """How many events there were, and how many got worse."""
    rows = done.origins[done.origins["horizon"] == horizon]
    first, last = rows["origin"].min(), rows["origin"].max()
    text = (
        f"Origins {first} to {last}, inspections that start within {horizon} months: {rows['events'].sum()}, of which "
        f"{rows['of_group'].sum()} of authorities judged {done.group}, {rows['worse_of_group'].sum()} of these worse."
    )
    if (cut := int((~rows["whole"]).sum())) > 0:
        text += f" The horizon of {cut} of the origins ends after the panel's date."
    return text


def _with_interval(row: Any, name: str, prefix: str, *, sign: bool = False) -> str:
    form = "+.3f" if sign else ".3f"
    lower, upper = row[f"{prefix}lower"], row[f"{prefix}upper"]
    if pd.isna(lower):
        return f"{row[name]:{form}}"
    return f"{row[name]:{form}} ({INTERVAL:.0%} {lower:{form}} to {upper:{form}})"
