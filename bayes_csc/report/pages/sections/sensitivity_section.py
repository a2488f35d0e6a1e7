"""What a report says of a sensitivity analysis: of the group on the overview, of one authority on its page."""

from __future__ import annotations

import pandas as pd

from bayes_csc.report.charts import authority_charts as charts
from bayes_csc.report.drawing.html import Content, element, table
from bayes_csc.report.findings.authority.authority_findings import AuthorityFindings
from bayes_csc.report.findings.collect import Findings
from bayes_csc.report.findings.companions import Missing, counted
from bayes_csc.report.findings.variants import decision, moved_sentence, range_sentence, same_question, short_choice
from bayes_csc.report.findings.words.vocabulary import count_of, joined, number
from bayes_csc.report.pages.page_parts import charted, missing, paragraphs


def group_sensitivity(found: Findings) -> list[Content]:
    """Say which answers about the group hang on a choice, and on which."""
    if isinstance(found.sensitivity, Missing):
        return [missing(found.sensitivity)]
    rows = found.sensitivity[found.sensitivity["authority"].isin(set(found.listed["authority"]))]
    rows.attrs.update(found.sensitivity.attrs)
    same = same_question(rows)
    if same.empty:
        return paragraphs("The sensitivity analysis of this run has no variant of these authorities.")
    base = found.listed.set_index("authority")["p_decline"]
    wide = same.groupby("authority")["p_decline"].agg(["min", "max", "median", "size"])
    names, width = found.authorities["name"], wide["max"] - wide["min"]
    told = {str(code): decision(rows[rows["authority"] == code]) for code in wide.index}
    moved = sum(not words.endswith("in none") for words in told.values())
    lines = [
        [str(names[str(code)]), number(float(base[str(code)]), ".3f"),
         *(number(row[end], ".3f") for end in ("min", "median", "max")), f"{int(row['size'])}", told[str(code)]]
        for code, row in wide.loc[sorted(wide.index, key=lambda code: str(names[code]))].iterrows()
    ]  # fmt: skip
    link = element("p", "All of it: ", element("a", "the sensitivity analysis", href="sensitivity.html"), ".")
    return [
        *paragraphs(
            f"{count_of(same['variant'].nunique(), 'variant')} of the analysis asked the same question and passed "
            "their checks. Over them the probability of a decline of one authority runs over "
            f"{number(float(width.median()))} at the middle authority and {number(float(width.max()))} at most. "
            f"For {moved or 'none'} of {count_of(len(wide), 'authority', 'authorities')} a variant changes the "
            "decision, as the table says.",
            moved_sentence(rows),
            _failed(rows),
        ),
        *([link] if found.sensitivity_page else []),
        table("Probability of a decline over all variants", ["Authority", "This report", "Least", "Median", "Most",
              "Variants", "Decision"], lines, texts=[6], class_="sortable"),
    ]  # fmt: skip


def authority_sensitivity(own: AuthorityFindings) -> list[Content]:
    """Say how far the answer about one authority hangs on how it was got."""
    if isinstance(own.sensitivity, Missing):
        return [missing(own.sensitivity)]
    rows, made = counted(own.sensitivity), charts.specification(own)
    if made is None or same_question(own.sensitivity).empty:
        return paragraphs("The sensitivity analysis of this run has no row of this authority.")
    ordered = rows.assign(order=rows["choice"].map(short_choice)).sort_values(["order", "p_decline"])
    lines = [
        [r["order"], str(r["variant"]), str(r["depth"]) + ", another question" * bool(r["question"]),
         number(float(r["p_decline"]), ".3f")]
        for r in ordered.to_dict("records")
    ]  # fmt: skip
    return [
        *paragraphs(f"{range_sentence(own.sensitivity)}.", _failed(own.sensitivity)),
        charted(made, "Probability of a decline in every variant", ["Variant", "Computed", "Probability of a decline"],
                lines, texts=[1], group="Choice"),
    ]  # fmt: skip


def _failed(rows: pd.DataFrame) -> str:
    names = list(dict.fromkeys(rows["variant"][rows["gate"] != "passed"]))
    if not names:
        return ""
    each = "its" if len(names) == 1 else "their"
    out = "is" if len(names) == 1 else "are"
    return f"{count_of(len(names), 'variant')} failed {each} checks and {out} left out: {joined(names)}."
