"""Whether each authority's answer survives the plan, and which choice moves it most."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from bayes_csc.evaluation.sensitivity.plan.plan import Rule
from bayes_csc.evaluation.sensitivity.plan.variant import BASE

SAME, OTHER, UNDETERMINED = "same side", "other side", "undetermined"
QUANTITIES = {"p_decline": "p_decline", "delta": "delta_median", "p_next_worse": "p_next_worse"}
"""Whose ranges are told, by the column of the table."""


def rule_words(rule: Rule) -> str:
    """Say the rule."""
    return (
        f"{SAME}: in every variant that passed its gate P(decline) is on the base's side of {rule.threshold:g} by "
        f"more than {rule.errors:g} Monte Carlo standard errors, the base's own among them. {OTHER}: in some it is "
        f"on the other side by as much, and the base on its own. {UNDETERMINED}: neither, or fewer than "
        f"{rule.least:.0%} of the variants passed. Variants that ask another question (epsilon, anchor, horizon) do "
        "not count."
    )


def verdicts(table: pd.DataFrame, rule: Rule, questions: Collection[str]) -> pd.DataFrame:
    """Sum the table up by authority.

    Parameters
    ----------
    table
        Rows of every variant and the base (`table.COLUMNS`).
    rule
        When an answer stays on its side.
    questions
        Names of the variants that ask another question.

    Returns
    -------
    pandas.DataFrame
        By authority, in the table's order: `name`; `p_decline`, `delta` and `p_next_worse` with `_least`, `_most` (over
        the base and the variants that passed and ask the same); `variants`, `failed` and `missing` (no estimate);
        `moved_by` (the choice whose variants move P(decline) furthest), `moved` (by how much) and `moved_variant`;
        `verdict` and the variants on the other side, `against`.
    """
    same = table[~table["variant"].isin(list(questions))]
    rows = [_verdict(str(code), own, rule) for code, own in same.groupby("authority", sort=False)]
    return pd.DataFrame(rows)


def _verdict(code: str, own: pd.DataFrame, rule: Rule) -> dict[str, object]:
    base = own[own["variant"] == BASE].iloc[0]
    others = own[own["variant"] != BASE]
    known = others[(others["gate"] == "passed") & others["p_decline"].notna()]
    failed = int((others["gate"] != "passed").sum())
    out: dict[str, object] = {"authority": code, "name": base["name"]}
    for name, column in QUANTITIES.items():
        values = pd.concat([known[column], pd.Series([base[column]])]).dropna()
        out |= {name: base[column], f"{name}_least": values.min(), f"{name}_most": values.max()}
    moved = (known["p_decline"] - base["p_decline"]).set_axis(known["variant"])
    furthest = str(moved.abs().idxmax()) if moved.notna().any() else ""
    choice = known.set_index("variant")["choice"]
    side = np.sign(base["p_decline"] - rule.threshold)
    margin = side * (own["p_decline"] - rule.threshold) - rule.errors * own["p_decline_mcse"]
    beyond = side * (rule.threshold - known["p_decline"]) > rule.errors * known["p_decline_mcse"]
    firm = bool(margin[own["variant"] == BASE].iloc[0] > 0)
    against = known["variant"][beyond].tolist()
    if not firm or not len(known) or len(known) < rule.least * (len(known) + failed):
        verdict = UNDETERMINED
    elif against:
        verdict = OTHER
    else:
        verdict = SAME if bool((margin[known.index] > 0).all()) else UNDETERMINED
    return out | {
        "variants": len(known), "failed": failed, "missing": len(others) - failed - len(known),
        "moved_by": choice.get(furthest, ""), "moved": moved.get(furthest, np.nan), "moved_variant": furthest,
        "verdict": verdict, "against": against,
    }  # fmt: skip


def moves(table: pd.DataFrame) -> pd.Series:
    """How far each choice moves P(decline): from the base's to that of its furthest variant, averaged over authorities.

    Parameters
    ----------
    table
        Rows of the base and of the variants that count.

    Returns
    -------
    pandas.Series
        By choice, the one that moves most first.
    """
    base = table[table["variant"] == BASE].set_index("authority")["p_decline"]
    others = table[table["variant"] != BASE]
    step = (others["p_decline"] - others["authority"].map(base).astype(float)).abs()  # of no rows, it would be text
    furthest = step.groupby([others["choice"], others["authority"]], sort=False).max()
    return furthest.groupby("choice", sort=False).mean().sort_values(ascending=False, kind="stable")


def choices(table: pd.DataFrame, rule: Rule, questions: Collection[str] = ()) -> pd.DataFrame:
    """Sum the table up by choice.

    Parameters
    ----------
    table, rule, questions
        As of `verdicts`; variants that ask another question are left out.

    Returns
    -------
    pandas.DataFrame
        By choice, the one that moves most first: `variants`, `failed`; `moved` and `moved_most`, the mean over
        authorities, and the largest, of how far P(decline) is from the base's in the choice's furthest variant;
        `least` and `most`, the mean over authorities of its lowest and highest P(decline) less the base's; `flips`:
        authorities whose side of the level of early visits (above, around, below) some variant changes; `crossings`:
        authorities whose P(decline) some variant takes to the other side of the threshold.
    """
    base = table[table["variant"] == BASE].set_index("authority")
    others = table[(table["variant"] != BASE) & ~table["variant"].isin(list(questions))]
    passed = table[(table["gate"] == "passed") & table["p_decline"].notna() | (table["variant"] == BASE)]
    moved = moves(passed)
    rows = []
    for choice, own in others.groupby("choice", sort=False):
        good = own[(own["gate"] == "passed") & own["p_decline"].notna()]
        before = good["authority"].map(base["p_decline"]).astype(float)  # of no rows, it would be text
        change = good["p_decline"] - before
        by = change.groupby(good["authority"])
        furthest = change.abs().groupby(good["authority"]).max()
        decided = good["level"].fillna("") != good["authority"].map(base["level"].fillna(""))
        side = (good["p_decline"] > rule.threshold) != (before > rule.threshold)
        failed = own.loc[own["gate"] != "passed", "variant"].nunique()
        rows.append(
            {
                "choice": choice, "variants": own["variant"].nunique(), "failed": failed,
                "moved": moved.get(choice, np.nan), "moved_most": furthest.max(),
                "least": by.min().clip(upper=0).mean(), "most": by.max().clip(lower=0).mean(),
                "flips": good["authority"][decided].nunique(), "crossings": good["authority"][side].nunique(),
            }
        )  # fmt: skip
    out = pd.DataFrame(rows)
    return out.sort_values("moved", ascending=False, kind="stable", ignore_index=True) if len(out) else out
