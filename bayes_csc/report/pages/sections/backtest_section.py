"""How good past forecasts were: the backtest's figures in words and one picture."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bayes_csc.report.charts.method.backtest_charts import difference_chart
from bayes_csc.report.drawing.chart import Chart
from bayes_csc.report.drawing.html import Content
from bayes_csc.report.findings.companions import Missing
from bayes_csc.report.findings.words.vocabulary import count_of, number, spread
from bayes_csc.report.pages.page_parts import charted, missing, paragraphs

SCORES = {
    "auc_worse": ("discrimination (AUC)", "the chance that, of two authorities of which one got worse, that one had "
                  "the higher probability; a half is a coin"),
    "brier_worse": ("squared error of P(worse)", "lower is better"),
    "log_score": ("log score", "higher is better"),
}  # fmt: skip


def backtest_section(record: dict[str, Any] | Missing, about: dict[str, Any]) -> list[Content]:
    """Say how good forecasts like these have been, before any authority is named.

    Parameters
    ----------
    record
        backtest.json, or what to run for it.
    about
        What every output carries.
    """
    if isinstance(record, Missing):
        words = "Until then, take the forecasts here as untested: how well they do is not known."
        return [missing(record), *paragraphs(words)]
    scores = pd.DataFrame(record["scores"])
    horizon = int(scores["horizon"].min())
    group = next((g for g in scores["group"].unique() if g != "all"), "all")
    mine = scores[(scores["group"] == group) & (scores["horizon"] == horizon)]
    baseline, roles = str(record["baseline"]), record["roles"]
    by_score = {key: mine[mine["score"] == key].set_index("forecaster") for key in SCORES}
    known = {key: rows for key, rows in by_score.items() if baseline in rows.index}
    sentences = [_sentence(key, rows, baseline, roles) for key, rows in known.items()]
    events = int(known["log_score"]["events"].iloc[0]) if "log_score" in known else 0
    lead = (
        f"Forecasts were made as they would have been on past days, from what was published by then, and compared with "
        f"what came: {events} inspections of authorities judged {group}, within {horizon} months."
    )
    other = record["metadata"].get("panel_hash") == about["panel_hash"]
    differs = [str(t) for t in record.get("mismatch", [])]
    differs += [] if other or differs else ["The backtest is of another version of the panel."]
    better = {SCORES[key][0]: bool(record["higher_is_better"][key]) for key in known}
    tables = {SCORES[key][0]: rows for key, rows in known.items()}
    made = Chart(
        "backtest", _title(tables, better, baseline, roles),
        f"Each forecaster's score less that of the model, {baseline}, with intervals; an arrow says which side is "
        "better",
        lambda width: difference_chart(tables, better, width),
    )  # fmt: skip
    table = [
        [SCORES[key][0], str(name), number(row["value"], ".3f"), number(row["lower"], ".3f"),
         number(row["upper"], ".3f"), number(row["difference"], "+.3f"), number(row["difference_lower"], "+.3f"),
         number(row["difference_upper"], "+.3f")]
        for key, rows in known.items() for name, row in rows.iterrows()
    ]  # fmt: skip
    header = ["Score", "Forecaster", "Value", "from", "to", f"Less that of {baseline}", "from", "to"]
    return [
        *paragraphs(lead, *sentences, str(record["metadata"].get("how_to_read", "")), *differs),
        charted(made, "Scores of past forecasts", header, table, stubs=2),
    ]


def _title(tables: dict[str, pd.DataFrame], better: dict[str, bool], baseline: str, roles: dict[str, str]) -> str:
    """Say on how many scores some competing forecaster does better than the model, and on how many beyond chance."""
    ahead = clear = 0
    for name, rows in tables.items():
        rivals = rows[[roles.get(str(f)) == "rival" for f in rows.index]]
        sign = 1.0 if better[name] else -1.0
        ahead += bool((sign * rivals["difference"] > 0).any())
        clear += bool((sign * rivals["difference_lower" if better[name] else "difference_upper"] > 0).any())
    return (
        f"On {ahead or 'none'} of {count_of(len(tables), 'score')} some competing forecaster did better than the "
        f"model, {baseline}; on {clear or 'none'} the interval of the difference excludes zero"
    )


def _sentence(key: str, rows: pd.DataFrame, baseline: str, roles: dict[str, str]) -> str:
    """Give the model's score and that of the best competing forecaster, and say what their difference allows."""
    name, meaning = SCORES[key]
    own: Any = rows.loc[baseline]
    text = f"{name[0].upper()}{name[1:]} ({meaning}): {number(own['value'])} ({spread(own['lower'], own['upper'])})"
    rivals = rows[[roles.get(str(f)) == "rival" for f in rows.index]].dropna(subset=["value"])
    if rivals.empty:
        return f"{text}."
    best = str(rivals["value"].idxmin() if key == "brier_worse" else rivals["value"].idxmax())
    row: Any = rivals.loc[best]
    apart = row["difference_lower"] > 0 or row["difference_upper"] < 0
    verdict = "the interval of the difference excludes zero" if apart else "the difference may be zero"
    return f"{text}; the best of the competing forecasters, {best}: {number(float(row['value']))}; {verdict}."
