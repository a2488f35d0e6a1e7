"""What a backtest found, in words that claim no more than its intervals."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bayes_csc.evaluation.backtest.result import Backtest
from bayes_csc.evaluation.backtest.summary import HIGHER_IS_BETTER, INTERVAL

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

NAMED = ("deprivation", "logistic regression")
"""Competing forecasters whose AUC stands beside the model's, named before the candidates were compared."""


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
        return f"{said}; no competing forecaster to compare it with."
    higher = HIGHER_IS_BETTER[score]
    best = str(rivals["value"].idxmax() if higher else rivals["value"].idxmin())
    row = rivals.loc[best]
    gap = _with_interval(row, "difference", "difference_", sign=True)
    low, high = row["difference_lower"], row["difference_upper"]
    behind, ahead = (high < 0, low > 0) if higher else (low > 0, high < 0)
    verdict = (
        "the interval excludes zero in the baseline's favour"
        if behind
        else "the interval excludes zero in the competitor's favour"
        if ahead
        else "the interval includes zero, so these events cannot tell which forecasts better"
    )
    other = f"Best competing forecaster, {best}: {_with_interval(row, 'value', '')}"
    return f"{said}. {other}; less the baseline {gap}: {verdict}."


def beside_named(done: Backtest, group: str, horizon: int) -> list[str]:
    """Say the AUC of the competitors named beforehand, a sentence each, with the interval of the difference."""
    rows = done.score(group, horizon, "auc_worse")
    own = rows.loc[done.baseline]
    said: list[str] = []
    for name in (n for n in NAMED if n in rows.index and n != done.baseline):
        row = rows.loc[name]
        if pd.isna(row["value"]):
            continue
        gap = _with_interval(row, "difference", "difference_", sign=True)
        said.append(
            f"AUC, worse, of {done.baseline}, {group}, {horizon} months: {own['value']:.3f}; of {name}, named "
            f"beforehand: {row['value']:.3f}; less the baseline {gap}."
        )
    return said


def counts(done: Backtest, horizon: int) -> str:
    """How many forecasts there were, of how many distinct inspections, and of how many that got worse."""
    rows = done.origins[done.origins["horizon"] == horizon]
    first, last = rows["origin"].min(), rows["origin"].max()
    own = done.rows[(done.rows["forecaster"] == done.baseline) & (done.rows["horizon"] == horizon)]
    group = own[own["previous"] == done.metadata["group_grade"]]
    worse = group[group["grade"] > group["previous"]]
    text = (
        f"Origins {first} to {last}, inspections that start within {horizon} months: {_forecasts(own)}; of authorities "
        f"judged {done.group} {_forecasts(group)}, and of these worse {_forecasts(worse)}."
    )
    if (cut := int((~rows["whole"]).sum())) > 0:
        text += f" The horizon of {cut} of the origins ends after the panel's date."
    if failed := failed_fits(done):
        text += f" The model's fit failed its own checks at {', '.join(failed)}."
    return text


def failed_fits(done: Backtest) -> list[str]:
    """Origins at which the model's fit failed its checks: its forecasts there are in the record all the same."""
    answers = done.metadata["forecasters"].get(done.metadata.get("model", done.baseline), {}).get("answers", {})
    return sorted(origin for origin, about in answers.items() if about.get("gate_passed") is False)


def _forecasts(rows: pd.DataFrame) -> str:
    inspections = len(rows.drop_duplicates(["authority", "start"]))
    return f"{len(rows)} forecasts of {inspections} inspections"


def _with_interval(row: Any, name: str, prefix: str, *, sign: bool = False) -> str:
    form = "+.3f" if sign else ".3f"
    lower, upper = row[f"{prefix}lower"], row[f"{prefix}upper"]
    if pd.isna(lower):
        return f"{row[name]:{form}}"
    return f"{row[name]:{form}} ({INTERVAL:.0%} {lower:{form}} to {upper:{form}})"
