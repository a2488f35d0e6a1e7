"""What is true of one authority's data and limits what can be told of it: sentences by rules."""

from __future__ import annotations

import math

import pandas as pd

from bayes_csc.estimates.decline import TOO_RECENT
from bayes_csc.measurement.figures_used import NO_FIGURES, without_figures
from bayes_csc.panel.calendar import day
from bayes_csc.panel.describe.authority_record import AuthorityRecord
from bayes_csc.report.findings.words.vocabulary import count_of, joined, number, years

LONG_GAP = 5.0
"""Years since the last inspection from which its grade says little of today."""
SAID_NOTHING = 0.05
"""Change of a probability below which the data since the inspection have said next to nothing."""
MUCH_HIDDEN = 0.10
"""Share of suppressed figures from which a page says so."""
WORTH_ASKING = 0.05
"""Contribution to a change from which its indicator is named as one to ask about."""
ALWAYS = (
    "Why anything changed. Every number here is an association between published figures and past judgements.",
    "Whether a judgement was right. Inspectors read the same figures, so agreement with them shows neither to "
    "be right.",
    "What no published figure sees: the quality of practice, and what children and families say of it.",
    "A national decline. Everything is measured from the national mean of the same year.",
)
USE = (
    "Use it to decide where to ask questions first and what to ask. The judgement stays with people who know the "
    "service.",
    "Do not use it to reward, sanction or rank. Intervals overlap, figures can be managed, and punitive use has been "
    "seen to do harm.",
    "A probability is about authorities with figures like these, not a verdict on this one.",
)


def caveats(
    record: AuthorityRecord, decline: dict[str, object], inspected: int, used: set[str], *, begins: str = ""
) -> list[str]:
    """Say what limits the page of one authority, the most important first.

    Parameters
    ----------
    record
        What the panel holds of it.
    decline
        Its row of the table of declines.
    inspected
        How many inspections it has had.
    used
        Keys of the indicators that the fit used.
    begins
        Day on which its path begins, where that is after its last inspection; blank where it is not.
    """
    return [
        *_inspections(decline, inspected),
        *_beginning(begins),
        *_probability(decline),
        *_kin(record),
        *_cells(record, used),
    ]


def _value(row: dict[str, object], name: str) -> float:
    value = row.get(name)
    return float(value) if isinstance(value, int | float) else math.nan


def _inspections(row: dict[str, object], inspected: int) -> list[str]:
    gap = _value(row, "gap_years")
    if not inspected or gap != gap:
        return [
            "There is no graded inspection on record, so there is no change since one, no grade to get "
            "worse from, and the level of its quality rests on its figures alone."
        ]
    out = []
    if inspected == 1:
        out.append("Only one inspection is on record: nothing shows how far judgements of it vary.")
    if gap < TOO_RECENT:
        out.append(
            f"The last inspection was {years(gap)} before the end of the data: too recent for a change since then to "
            "show."
        )
    if gap >= LONG_GAP:
        out.append(
            f"The last inspection was {years(gap)} before the end of the data. So old a grade says little of today, "
            "and time alone makes any change, up or down, more likely."
        )
    return out


def _beginning(begins: str) -> list[str]:
    if not begins:
        return []
    return [
        f"Its path begins on {begins}, after the last inspection: the change is counted from that day, as if none had "
        "come before it."
    ]


def _probability(row: dict[str, object]) -> list[str]:
    p, without = _value(row, "p_decline"), _value(row, "p_decline_no_data")
    low, high = _value(row, "delta_lower"), _value(row, "delta_upper")
    out = []
    if without_figures(row):
        out.append(
            f"There are {NO_FIGURES}: the probability of a decline is from what was known by then and the time since."
        )
    elif abs(p - without) < SAID_NOTHING:
        out.append(
            f"The figures since the last inspection have moved the probability of a decline only from "
            f"{number(without)} to {number(p)}: they have said next to nothing."
        )
    if low <= 0.0 <= high:
        out.append("The interval of the change includes both a decline and an improvement: the data cannot tell which.")
    return out


def _kin(record: AuthorityRecord) -> list[str]:
    out = []
    before = record.kin[record.kin["relation"] == "predecessor"]
    if len(before):
        begun = record.facts["valid_from"]
        since = f" on {day(begun.date())}" if pd.notna(begun) else ""
        out.append(
            f"This authority began{since} in the area of {joined(list(before['name']))}. Its path starts from "
            f"{'that of its predecessor' if len(before) == 1 else 'those of its predecessors'}, weighted by children, "
            "with extra uncertainty; figures and judgements before are not its own."
        )
    for row in record.joint_returns.to_dict("records"):
        out.append(
            f"{row['names']} made joint returns of {len(row['indicators'])} of the indicators ({row['first_year']} to "
            f"{row['last_year']}): those figures are of both together and say less about either."
        )
    return out


def _cells(record: AuthorityRecord, used: set[str]) -> list[str]:
    cells = record.cells[record.cells["indicator"].isin(used)]
    gaps = record.gaps[record.gaps["indicator"].isin(used)]
    out = []
    if cells.empty:
        return ["No figure of this authority is used by the model: its path is what the prior and its region suggest."]
    hidden = int((cells["status"] == "suppressed").sum())
    if hidden > MUCH_HIDDEN * len(cells):
        out.append(
            f"Of its {count_of(len(cells), 'figure')} that the model uses {hidden} {'is' if hidden == 1 else 'are'} "
            "suppressed because the counts are small: each is known only as a range, and the "
            "estimate is correspondingly vague."
        )
    if len(gaps):
        labels = [record.indicators[str(key)].label for key in gaps["indicator"].unique()]
        verb = "is" if len(gaps) == 1 else "are"
        out.append(
            f"{count_of(len(gaps), 'figure')} that others have and the model uses {verb} missing here, of: "
            f"{joined(labels)}."
        )
    return out


def use_here(decline: dict[str, object], contributions: pd.DataFrame) -> list[str]:
    """Say how to use the page of this authority, from what is true of it.

    Parameters
    ----------
    decline
        Its row of the table of declines.
    contributions
        Its rows of that table.
    """
    gap = _value(decline, "gap_years")
    if gap != gap:
        return ["There is no judgement to start from: take its figures for questions, and nothing here for a change."]
    out = []
    if gap < TOO_RECENT:
        out.append("Its inspection is recent: the inspectors' own report says more of today than these figures do.")
    if gap >= LONG_GAP:
        out.append("Its grade is old: neither the grade nor a change since then stands for the service of today.")
    if abs(_value(decline, "p_decline") - _value(decline, "p_decline_no_data")) < SAID_NOTHING:
        added = f"There are {NO_FIGURES}" if without_figures(decline) else "The figures have added next to nothing"
        out.append(f"{added}: to act on this page would be to act on the last grade and the calendar alone.")
        return out
    own = contributions[contributions["kind"] == "indicator"]
    if len(own) and own["contribution"].abs().max() >= WORTH_ASKING:
        label = own["label"].iloc[int(own["contribution"].abs().argmax())]
        out.append(
            f"“{label}” moved its estimate most. Ask first whether the way of recording it changed, then what lies "
            "behind it."
        )
    return out
