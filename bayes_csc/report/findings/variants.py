"""What a sensitivity analysis says: how far an answer runs over its variants, and whether a decision changes.

Ranges are over the same variants on every page: those that passed their checks and ask the same question.
"""

from __future__ import annotations

import pandas as pd

from bayes_csc.evaluation.sensitivity.plan.variant import BASE
from bayes_csc.evaluation.sensitivity.verdict import moves
from bayes_csc.report.findings.companions import counted
from bayes_csc.report.findings.words.vocabulary import count_of, joined, number

THRESHOLD = 0.5
"""Of the rule by which an answer stays on its side, where the analysis does not say another."""
NOISE = "Monte Carlo error"
"""The choice that is none: the same again by other random numbers."""
MOST = 3
"""Choices that are named."""


def same_question(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of the variants, this report aside, that passed their checks and ask the same question."""
    known = counted(rows)
    return known[~known["question"] & (known["variant"] != BASE)]


def threshold_of(rows: pd.DataFrame) -> float:
    """Threshold of the analysis' rule."""
    return float(rows.attrs.get("rule", {}).get("threshold", THRESHOLD))


def range_sentence(rows: pd.DataFrame) -> str:
    """Say how wide one authority's probability runs, and whether a decision changes; without its full stop.

    Parameters
    ----------
    rows
        Of one authority.
    """
    same = same_question(rows)
    if same.empty:
        return "No variant of the analysis has an estimate"
    p = same["p_decline"]
    return (
        f"Over {count_of(same['variant'].nunique(), 'variant')} of the analysis the probability of a decline runs from "
        f"{number(p.min())} to {number(p.max())}; {decision(rows)}"
    )


def decision(rows: pd.DataFrame) -> str:
    """Say in how many variants an authority's level of early visits, or its side of the threshold, is another.

    Parameters
    ----------
    rows
        Of one authority.
    """
    same, base = same_question(rows), rows[rows["variant"] == BASE]
    if base.empty:
        return "this report's own answer is not among them"
    if "level" in rows and str(base["level"].fillna("").iloc[0]):
        other = int((same["level"].fillna("") != base["level"].iloc[0]).sum())
        what = "the side of the level at which an early visit pays"
    else:
        limit = threshold_of(rows)
        other = int(((same["p_decline"] > limit) != (base["p_decline"].iloc[0] > limit)).sum())
        what = f"the side of {limit:g}"
    return f"{what} changes in {other} of them" if other else f"{what} changes in none"


def moved_sentence(rows: pd.DataFrame) -> str:
    """Name the choices that move P(decline) most, on average over the authorities; blank without one."""
    moved = moves(pd.concat([rows[rows["variant"] == BASE], same_question(rows)])).drop(NOISE, errors="ignore")
    moved = moved.head(MOST)
    said = [f"{choice} (by {number(float(by))} on average)" for choice, by in moved.items()]
    return f"The probabilities move most with: {joined(said)}." if said else ""


def curve_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of one authority's specification curve: see `specification_chart`."""
    known = counted(rows)
    return pd.DataFrame({
        "choice": known["choice"].map(short_choice), "p_decline": known["p_decline"], "question": known["question"],
        "error": 2.0 * known["p_decline_mcse"], "base": known["variant"] == BASE,
    })  # fmt: skip


def short_choice(choice: str) -> str:
    """Choices as a chart has room for them: all priors in a row, all combinations in a row."""
    return "priors" if choice.startswith("prior") else "combinations" if " + " in choice else choice
