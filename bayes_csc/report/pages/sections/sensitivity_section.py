"""What a report says of a sensitivity analysis: of the group on the overview, of one authority on its page."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from bayes_csc.report.charts.method.specification_chart import specification_chart
from bayes_csc.report.drawing.html import Content, element, table
from bayes_csc.report.findings.authority_findings import AuthorityFindings
from bayes_csc.report.findings.collect import Findings
from bayes_csc.report.findings.companions import Missing, counted
from bayes_csc.report.findings.words.vocabulary import count_of, joined, number
from bayes_csc.report.pages.page_parts import charted, missing, paragraphs

THRESHOLD = 0.5
"""Of the rule by which an answer stays on its side, where the analysis does not say another."""
BASE, NOISE = "base", "Monte Carlo error"
"""The report's own analysis; the choice that is none, but the same again by other random numbers."""


def group_sensitivity(found: Findings) -> list[Content]:
    """Say which answers about the group hang on a choice, and on which."""
    if isinstance(found.sensitivity, Missing):
        return [missing(found.sensitivity)]
    known = counted(found.sensitivity)
    known = known[known["authority"].isin(set(found.listed["authority"])) & ~known["question"]]
    others = known[known["variant"] != BASE]
    if others.empty:
        return paragraphs("The sensitivity analysis of this run has no variant of these authorities.")
    base = found.listed.set_index("authority")["p_decline"]
    wide = others.groupby("authority")["p_decline"].agg(["min", "max", "median", "size"])
    verdicts = found.sensitivity.attrs.get("verdicts", {})
    told = pd.Series([verdicts.get(str(code), "") for code in wide.index], index=wide.index)
    names = found.authorities["name"]
    step = (others["p_decline"] - others["authority"].map(base)).abs()
    furthest = step.groupby([others["choice"], others["authority"]]).max()
    moved = furthest.groupby("choice").mean().drop(NOISE, errors="ignore")
    width = wide["max"] - wide["min"]
    most = joined([
        f"{kind} (by {number(float(by))} on average)"
        for kind, by in moved.sort_values(ascending=False).head(3).items()
    ])  # fmt: skip
    fragile = [str(names[code]) for code in told.index[told == "other side"]]
    rows = [
        [str(names[str(code)]), number(float(base[str(code)]), ".3f"),
         *(number(row[end], ".3f") for end in ("min", "median", "max")), f"{int(row['size'])}", told[str(code)]]
        for code, row in wide.loc[sorted(wide.index, key=lambda code: str(names[code]))].iterrows()
    ]  # fmt: skip
    each = told[told != ""].value_counts().items()
    counts = joined([f"{n} {'is' if n == 1 else 'are'} {_verdict(str(word))}" for word, n in each])
    link = element("p", "All of it: ", element("a", "the sensitivity analysis", href="sensitivity.html"), ".")
    return [
        *paragraphs(
            f"{others['variant'].nunique()} variants of the analysis asked the same question and passed their checks. "
            + f"Over them the probability of one authority runs over {number(float(width.median()))} at the middle "
            f"authority and {number(float(width.max()))} at most. "
            + (f"Of the {len(wide)} answers {counts}. " if counts else "")
            + (f"For {joined(fragile)} some variant takes the probability of a decline to the other side of "
               f"{_threshold(found.sensitivity):g}. " if fragile else ""),
            f"The probabilities move most with: {most}.",
            _failed(found.sensitivity),
        ),
        *([link] if found.sensitivity_page else []),
        table("Probability of a decline over all variants", ["Authority", "This report", "Least", "Median", "Most",
              "Variants", "Verdict"], rows, texts=[6], class_="sortable"),
    ]  # fmt: skip


def authority_sensitivity(own: AuthorityFindings) -> list[Content]:
    """Say how far the answer about one authority hangs on how it was got."""
    if isinstance(own.sensitivity, Missing):
        return [missing(own.sensitivity)]
    rows = counted(own.sensitivity)
    same = rows[~rows["question"] & (rows["variant"] != BASE)]
    if same.empty:
        return paragraphs("The sensitivity analysis of this run has no row of this authority.")
    p = same["p_decline"]
    verdict = own.sensitivity.attrs.get("verdicts", {}).get(own.code, "")
    finding = (
        f"Over {len(same)} variants of the analysis, the probability of a decline lies between {number(p.min())} and "
        f"{number(p.max())} (median {number(p.median())})" + (f": {_verdict(verdict)}." if verdict else ".")
    )
    lines = [
        [_short(str(r["choice"])), str(r["variant"]), str(r["depth"]) + ", another question" * bool(r["question"]),
         number(float(r["p_decline"]), ".3f")]
        for r in rows.assign(order=rows["choice"].map(_short)).sort_values(["order", "p_decline"]).to_dict("records")
    ]  # fmt: skip
    return [
        *paragraphs(finding, _failed(own.sensitivity)),
        charted(specification_figure(own.sensitivity), "specification",
                "Probability of a decline in every variant", finding,
                "The specification curve: every variant that was computed and passed its checks, lowest first, and "
                "which choice it varies. They are choices that a colleague might have made, not a sample of all: a "
                "share of them is no probability",
                ["Variant", "Computed", "Probability of a decline"], lines, texts=[1],
                group="Choice"),
    ]  # fmt: skip


def specification_figure(sensitivity: pd.DataFrame) -> Figure:
    """Draw the specification curve of one authority's rows."""
    rows = counted(sensitivity)
    around = pd.DataFrame({
        "choice": rows["choice"].map(_short), "p_decline": rows["p_decline"], "question": rows["question"],
        "error": 2.0 * rows["p_decline_mcse"], "base": rows["variant"] == BASE,
    })  # fmt: skip
    return specification_chart(around, _threshold(sensitivity))


def _threshold(rows: pd.DataFrame) -> float:
    return float(rows.attrs.get("rule", {}).get("threshold", THRESHOLD))


def _failed(rows: pd.DataFrame) -> str:
    names = list(dict.fromkeys(rows["variant"][rows["gate"] != "passed"]))
    if not names:
        return ""
    each = "its" if len(names) == 1 else "their"
    out = "is" if len(names) == 1 else "are"
    return f"{count_of(len(names), 'variant')} failed {each} checks and {out} left out: {joined(names)}."


def _verdict(word: str) -> str:
    """Write a verdict for readers."""
    told = {
        "same side": "on one side of the threshold in every variant",
        "other side": "on both sides of the threshold",
    }
    return told.get(word, word)


def _short(choice: str) -> str:
    """Choices as the chart has room for them: all priors in a row, all combinations in a row."""
    return "priors" if choice.startswith("prior") else "combinations" if " + " in choice else choice
