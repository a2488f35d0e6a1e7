"""What a change is made up of, with the published figures behind each part: then and now, here and in England."""

from __future__ import annotations

import pandas as pd

from bayes_csc.report.findings.authority.authority_findings import AuthorityFindings
from bayes_csc.report.findings.words.sentences import source_words
from bayes_csc.report.findings.words.vocabulary import NOT_AGREED, joined, number

SMALL = 0.02
"""Size of a contribution below which parts are summed up as the rest."""
REST = "the rest"
BETTER = {"higher is better": "higher", "higher is worse": "lower"}
FIGURES = ("then", "now", "national_then", "national_now")


def with_figures(own: AuthorityFindings) -> pd.DataFrame:
    """Table of an authority's contributions with the published figures behind them, the largest first.

    Returns
    -------
    pandas.DataFrame
        `label`, `domain`, `contribution`, `lower`, `upper`; of an indicator `then` (at the last inspection), `now`,
        `national_then` and `national_now`, as published, in its unit, blank where there is no figure, and `better`
        ("higher", "lower", or "not agreed"). Parts smaller than `SMALL` are one row, `REST`, the
        last, without an interval.
    """
    parts = own.contributions[own.contributions["kind"] != "total"]
    large = parts[parts["contribution"].abs() >= SMALL]
    large = large.loc[large["contribution"].abs().sort_values(ascending=False, kind="stable").index]
    columns = ("domain", "contribution", "lower", "upper")
    rows = [
        {"label": source_words(str(row["label"])), **{c: row[c] for c in columns}}
        | (_figures(own, str(row["source"])) if row["kind"] == "indicator" else dict.fromkeys((*FIGURES, "better"), ""))
        for row in large.to_dict("records")
    ]
    if len(large) < len(parts):
        rest = float(parts["contribution"].sum() - large["contribution"].sum())
        blank = dict.fromkeys(("domain", *FIGURES, "better"), "")
        rows.append({"label": REST, "contribution": rest, "lower": float("nan"), "upper": float("nan")} | blank)
    made = pd.DataFrame(rows, columns=["label", *columns, *FIGURES, "better"])
    return made.astype(dict.fromkeys(("contribution", "lower", "upper"), float))


def _figures(own: AuthorityFindings, key: str) -> dict[str, str]:
    """Published figures of one indicator at the last inspection and now, and which direction is better."""
    unit = own.units[key]
    rows = own.figures[(own.figures["indicator"] == key) & (own.figures["status"] == "observed")].sort_values("year")
    ends_on = own.record.cells[own.record.cells["indicator"] == key].groupby("year")["reference_end"].max()
    before = rows[rows["year"].map(ends_on) < pd.Timestamp(str(own.decline["last_inspection"]))]
    after = rows[rows["year"] > (before["year"].max() if len(before) else float("-inf"))]
    ends = {"then": before.tail(1), "now": after.tail(1)}
    out = {}
    for name, row in ends.items():
        for prefix, column in (("", "value"), ("national_", "national")):
            out[f"{prefix}{name}"] = unit.full_text(float(row[column].iloc[0])) if len(row) else ""
    return out | {"better": BETTER.get(own.record.indicators[key].polarity, NOT_AGREED)}


def contribution_sentence(parts: pd.DataFrame) -> str:
    """Say which parts moved an estimate most, up and down, with their figures; without a cause.

    Parameters
    ----------
    parts
        From `with_figures`.
    """
    known = parts[parts["label"] != REST]
    up = known[known["contribution"] > 0].nlargest(2, "contribution")
    down = known[known["contribution"] < 0].nsmallest(2, "contribution")
    said = [
        f"{word} most by {joined([_told(row) for row in rows.to_dict('records')])}"
        for word, rows in (("up", up), ("down", down))
        if len(rows)
    ]
    text = (
        f"The estimate is moved {'; '.join(said)}."
        if said
        else f"No single part moved the estimate by {SMALL:g} or more."
    )
    return f"{text} These say how the estimate is made up, not why anything changed."


def contribution_title(parts: pd.DataFrame) -> str:
    """Name the part that moved an estimate most, up and down.

    Examples
    --------
    >>> contribution_title(pd.DataFrame({"label": ["a", "b", REST], "contribution": [0.1, -0.2, 0.05]}))
    'Moved up most by a (+0.10), down most by b (−0.20)'
    """
    known = parts[parts["label"] != REST]
    found = [(known.nlargest(1, "contribution"), "up", 1), (known.nsmallest(1, "contribution"), "down", -1)]
    said = [
        f"{word} most by {row['label']} ({number(row['contribution'], '+.2f')})"
        for rows, word, sign in found
        for row in rows.to_dict("records")
        if sign * row["contribution"] > 0
    ]
    return f"Moved {', '.join(said)}" if said else f"No single part moved the estimate by {SMALL:g} or more"


def _told(row: dict[object, object]) -> str:
    """One part with its effect and its figures."""
    effect = number(float(str(row["contribution"])), "+.2f")
    moves = [
        f"{who}{row[then]} → {row[now]}"
        for who, then, now in (("", "then", "now"), ("England ", "national_then", "national_now"))
        if row[then] and row[now]
    ]
    return f"{row['label']} ({', '.join([effect, *moves])})"
