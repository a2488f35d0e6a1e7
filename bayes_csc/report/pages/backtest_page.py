"""The page of a backtest: differences, calibration, flags, origins and what was compared, with tables behind charts."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from bayes_csc.evaluation.backtest.files import HONESTY
from bayes_csc.evaluation.backtest.forecasters.pool import pool_name
from bayes_csc.evaluation.backtest.result import Backtest
from bayes_csc.evaluation.backtest.scoring.changes import grade_changes
from bayes_csc.evaluation.backtest.scoring.reliability import BAND
from bayes_csc.evaluation.backtest.summary import ALL, AUTHORITY_ORIGIN, FLAG_RATES, HIGHER_IS_BETTER, INTERVAL
from bayes_csc.evaluation.backtest.words import beside_named, counts, finding, score_word
from bayes_csc.report.charts.method.backtest_charts import (
    RELIABILITY_KEYS,
    difference_chart,
    flag_chart,
    reliability_panels,
)
from bayes_csc.report.drawing.chart import Chart
from bayes_csc.report.drawing.html import element, figure, folded, page_text, table

ROLE_WORDS = {"rival": "competing forecaster"}
CHARTED = ("log_score", "rps", "brier_worse", "auc_worse")


def backtest_page(done: Backtest) -> str:
    """Write a backtest as one self-contained HTML page; the same backtest gives the same bytes."""
    title = f"{done.metadata['panel']}: forecasts of past inspections"
    sections = [
        ("scores", "Which forecasts better?", _scores(done)),
        ("calibration", "Do the probabilities mean what they say?", _calibration(done)),
        ("changes", "By previous grade: expected and came", _changes(done)),
        ("flags", "What would flags have caught?", _flags(done)),
        ("origins", "Origin by origin", _origins(done)),
        ("compared", "What was compared", _compared(done)),
    ]
    links = [element("li", element("a", heading, href=f"#{key}")) for key, heading, _ in sections]
    return page_text(
        title,
        element("h1", title),
        *_facts(done),
        element("nav", element("ul", *links), aria_label="Sections"),
        *(element("section", element("h2", heading, id=key), *content) for key, heading, content in sections),
    )


def _facts(done: Backtest) -> list[ET.Element]:
    shortest = done.horizons[0]
    about = done.metadata
    source = about["versions"]["source"]
    return [
        *(element("p", counts(done, horizon)) for horizon in done.horizons),
        *(element("p", finding(done, done.group, shortest, score)) for score in ("auc_worse", "log_score")),
        *(element("p", text) for text in beside_named(done, done.group, shortest)),
        element("p", HONESTY),
        element(
            "p", f"{about.get('data_days', '')} Panel dated {about['panel_date']}, hash ".lstrip(),
            element("code", about["panel_hash"]),
            f"; seed {about['seed']}; bayescsc {about['versions']['bayescsc']}, source ", element("code", source), ".",
            class_="muted",
        ),
    ]  # fmt: skip


def _named(done: Backtest, name: str) -> str:
    role = done.roles[name]
    return name if role in ("rival", "pool") or name == role else f"{name} ({role})"


def _scores(done: Backtest) -> list[ET.Element]:
    grades = done.metadata["grades"]
    note = (
        "Log score: mean log probability of the grade that came. RPS: ranked probability score. Brier: squared error "
        "of P(worse), and of P(the worst grade). AUC: the chance that, of two inspections of one origin of which one "
        "got worse, that one had the higher P(worse); a half is a coin. “Worse” is of inspections with an earlier "
        "grade that could be worse. The stack mixes all forecasters by their scores as known at each origin; it is "
        "shown, and does not compete; so is a pool, which mixes two. Intervals: "
        f"{INTERVAL:.0%}, from drawing authorities with replacement, the same for all; by authority × origin, "
        "origins are drawn, too, independently."
    )
    content = [element("p", note)]
    for horizon in done.horizons:
        for group in (done.group, ALL):
            tables = {score_word(s, grades): done.score(group, horizon, s) for s in CHARTED}
            better = {score_word(s, grades): HIGHER_IS_BETTER[s] for s in CHARTED}
            words = " ".join(finding(done, group, horizon, s) for s in ("auc_worse", "log_score"))
            heading = f"{_group(group)}, {horizon} months"
            slug = f"differences-{horizon}-{'all' if group == ALL else 'group'}"
            made = Chart(
                slug, finding(done, group, horizon, "auc_worse").removesuffix("."),
                f"{heading}: score less that of {done.baseline}, with {INTERVAL:.0%} intervals; an arrow says which "
                "side is better",
                partial(difference_chart, tables, better),
            )  # fmt: skip
            content += [
                element("h3", heading),
                element("p", words),
                figure(made, folded("Table: all scores", _score_table(done, group, horizon))),
                folded("Table: differences, both intervals", _difference_table(done, group, horizon)),
            ]
    return content


def _group(group: str) -> str:
    return "All inspections" if group == ALL else f"Authorities judged {group}"


def _score_table(done: Backtest, group: str, horizon: int) -> ET.Element:
    rows = []
    for name in done.roles:
        own = done.scores[
            (done.scores["forecaster"] == name) & (done.scores["group"] == group) & (done.scores["horizon"] == horizon)
        ].set_index("score")
        cells: list[str] = []
        for score in HIGHER_IS_BETTER:
            row = own.loc[score]
            cells.append("" if pd.isna(row["value"]) else f"{row['value']:.3f} ({row['lower']:.3f}–{row['upper']:.3f})")
        rows.append([_named(done, name), *cells])
    first = done.score(group, horizon, "log_score").iloc[0]
    risk = done.score(group, horizon, "auc_worse").iloc[0]
    caption = (
        f"Scores with {INTERVAL:.0%} intervals: {first['events']} inspections, {risk['worse']} worse of the "
        f"{risk['events']} that could be"
    )
    grades = done.metadata["grades"]
    header = ["Forecaster", *(score_word(s, grades) + (" ↑" if up else " ↓") for s, up in HIGHER_IS_BETTER.items())]
    return table(caption, header, rows)


def _difference_table(done: Backtest, group: str, horizon: int) -> ET.Element:
    """Differences from the baseline with the interval by authority and that by authority × origin."""
    grades, rows = done.metadata["grades"], []
    tables = {score: done.score(group, horizon, score) for score in CHARTED}
    for name in (n for n in done.roles if n != done.baseline):
        cells: list[str] = []
        for table_of in tables.values():
            row = table_of.loc[name]
            for end in ("", AUTHORITY_ORIGIN):
                low, high = row[f"difference_lower{end}"], row[f"difference_upper{end}"]
                value = f"{row['difference']:+.3f} " if not end else ""
                cells.append("" if pd.isna(row["difference"]) else f"{value}({low:+.3f} to {high:+.3f})")
        rows.append([_named(done, name), *cells])
    header = ["Forecaster"]
    for score in tables:
        header += [score_word(score, grades), f"{score_word(score, grades)}, by authority × origin"]
    return table(f"Score less that of {done.baseline}, with {INTERVAL:.0%} intervals", header, rows)


def _changes(done: Backtest) -> list[ET.Element]:
    """Expected and observed shares of worse and better by previous grade, each distinct inspection once."""
    horizon, grades = done.horizons[-1], done.metadata["grades"]
    found = grade_changes(done.rows, done.columns)
    found = found[found["horizon"] == horizon]
    note = (
        f"Of the inspections within {horizon} months, each counted once (as forecast at the latest origin before it): "
        f"the share that a forecaster expected to be worse or better than the grade before, the {INTERVAL:.0%} band "
        "of that share if its probabilities are right (Poisson-binomial), and the share that came."
    )
    header = ["Forecaster", "Judged before", "Change", "Inspections", "Expected", "Band", "Came", "In the band"]

    def rows(names: set[str]) -> list[list[str]]:
        return [
            [_named(done, row["forecaster"]), grades[row["previous"] - 1], row["change"], str(row["inspections"]),
             f"{row['expected']:.0%}", f"{row['lower']:.0%} to {row['upper']:.0%}", f"{row['observed']:.0%}",
             "yes" if row["inside"] else "no"]
            for row in found.to_dict("records") if row["forecaster"] in names
        ]  # fmt: skip

    first = {name for name, role in done.roles.items() if role in ("baseline", "variant", "pool")}
    rest = set(done.roles) - first
    content = [element("p", note)]
    if shown := rows(first):
        content.append(table("Worse and better by previous grade", header, shown, stubs=3))
    if others := rows(rest):
        behind = table("Worse and better by previous grade, competing forecasters", header, others, stubs=3)
        content.append(folded("Table: competing forecasters", behind))
    return content


def _calibration(done: Backtest) -> list[ET.Element]:
    horizon = done.horizons[0]
    note = (
        "The curve is the isotonic regression of what came on the forecast P(worse): on the diagonal, a forecast means "
        f"what it says. The band is where {BAND:.0%} of such curves lie at each forecast if the forecasts are right. "
        "The ticks below show how the forecasts lie. Miscalibration and discrimination are terms of the Brier score."
    )
    content = [element("p", note)]
    for group in (done.group, ALL):
        found = {name: d for name in done.roles if (d := done.calibration(name, group, horizon))}
        if not found:
            continue
        rows = [
            [_named(done, name), f"{d.miscalibration:.4f}", f"{d.discrimination:.4f}", f"{d.uncertainty:.4f}",
             f"{d.inside:.0%}"]
            for name, d in found.items()
        ]  # fmt: skip
        words = f"Within the band: {', '.join(f'{name} {d.inside:.0%}' for name, d in found.items())} of the events."
        header = ["Forecaster", "Miscalibration", "Discrimination", "Uncertainty", "Events within the band"]
        slug = f"reliability-{'all' if group == ALL else 'group'}"
        heading = f"{_group(group)}, {horizon} months"
        made = Chart(
            slug, words.removesuffix("."),
            f"Reliability of P(worse), {heading[0].lower()}{heading[1:]}: how often worse came, by what was forecast",
            panels=reliability_panels(found), keys=RELIABILITY_KEYS,
        )  # fmt: skip
        behind = folded("Table: terms of the Brier score", table(f"P(worse): {heading}", header, rows))
        content += [element("h3", heading), figure(made, behind)]
    return content


def _flags(done: Backtest) -> list[ET.Element]:
    horizon = done.horizons[0]
    note = (
        "Of the authorities whose next inspection was worse, the share that would have been among the given share of "
        "each origin's authorities with the highest P(worse)."
    )
    content = [element("p", note)]
    for group in (done.group, ALL):
        parts = {rate: done.score(group, horizon, f"sensitivity_{100 * rate:.0f}") for rate in FLAG_RATES}
        caught = pd.concat({rate: rows[["value", "lower", "upper"]] for rate, rows in parts.items()}, axis=1)
        caught = caught.loc[[name for name in done.roles if name in caught.index]]
        if parts[FLAG_RATES[0]]["value"].isna().all():
            continue
        rows = [
            [_named(done, str(name)), *(_share(parts[rate].loc[name]) for rate in FLAG_RATES)] for name in caught.index
        ]
        slug = f"flags-{'all' if group == ALL else 'group'}"
        heading = f"{_group(group)}, {horizon} months"
        words = f"{done.baseline}: " + ", ".join(
            f"{rate:.0%} flagged catch {_share(parts[rate].loc[done.baseline])}" for rate in FLAG_RATES
        )
        made = Chart(
            slug, words, f"Share of the worse inspections that flags would have caught: {heading}; right is better",
            partial(flag_chart, FLAG_RATES, caught),
        )  # fmt: skip
        header = ["Forecaster", *(f"{rate:.0%} flagged" for rate in FLAG_RATES)]
        behind = folded("Table: share caught", table(f"Share caught: {heading}", header, rows))
        content += [element("h3", heading), figure(made, behind)]
    return content


def _share(row: Any) -> str:
    return f"{row['value']:.0%} ({row['lower']:.0%}–{row['upper']:.0%})"


def _origins(done: Backtest) -> list[ET.Element]:
    note = (
        "Straddling: inspections under way at the origin, which nobody learns from and nobody is asked about. Not "
        "forecast: of authorities that did not exist at the origin. Later release: share of the default indicators' "
        "figures known at the origin that are read from a release which came out after it (pseudo-real-time). The "
        "other columns are mean log scores of all inspections of the origin."
    )
    content = [element("p", note)]
    columns = [f"p_grade_{g}" for g in range(1, len(done.metadata["grades"]) + 1)]
    came = done.rows[columns].to_numpy()[np.arange(len(done.rows)), done.rows["grade"].to_numpy(dtype=int) - 1]
    mean = done.rows.assign(log=np.log(came)).groupby(["origin", "horizon", "forecaster"])["log"].mean()
    for horizon in done.horizons:
        rows = []
        for row in done.origins[done.origins["horizon"] == horizon].to_dict("records"):
            later = "" if pd.isna(row["later_release"]) else f"{row['later_release']:.0%}"
            counted = [row[c] for c in ("events", "worse", "of_group", "worse_of_group", "straddling", "not_forecast")]
            scores = mean.reindex([(row["origin"], horizon, name) for name in done.roles])
            origin = f"{row['origin']}{'' if row['whole'] else '*'}"
            rows.append([origin, *map(str, counted), later, *("" if pd.isna(s) else f"{s:.2f}" for s in scores)])
        header = ["Origin", "Inspections", "Worse", f"Judged {done.group}", "Worse of these", "Straddling",
                  "Not forecast", "Later release", *done.roles]  # fmt: skip
        caption = f"Inspections within {horizon} months (* the horizon ends after the panel's date)"
        content.append(table(caption, header, rows))
    return content


def _compared(done: Backtest) -> list[ET.Element]:
    content = []
    for name, about in done.metadata["forecasters"].items():
        answered = about["answers"]
        failed = sorted(origin for origin, each in answered.items() if each.get("gate_passed") is False)
        words = f"{about['kind']}, {ROLE_WORDS.get(done.roles[name], done.roles[name])}."
        if failed:
            words += f" Its previews failed their own check at {', '.join(failed)}."
        settings = json.dumps({k: v for k, v in about.items() if k != "answers"}, indent=1, ensure_ascii=False)
        record = json.dumps(answered, indent=1, ensure_ascii=False)
        content += [
            element("h3", name),
            element("p", words),
            folded("Settings", element("pre", element("code", settings))),
            folded("What it recorded at each origin", element("pre", element("code", record))),
        ]
    if len(done.weights):
        content += [element("h3", "Weights of the stack"), _weights("From earlier origins only", done.weights)]
    if done.pools:
        weights = pd.DataFrame({pool_name(parts): found["weight"] for parts, found in done.pools.items()})
        content += [element("h3", "Weight of the model in each pool"), _weights("From outcomes then out", weights)]
    return content


def _weights(caption: str, weights: pd.DataFrame) -> ET.Element:
    """Weights by origin and horizon."""
    rows = [
        [str(origin), str(months), *(f"{w:.2f}" for w in row)]
        for (origin, months), row in zip(weights.index, weights.to_numpy(), strict=True)
    ]
    return table(caption, ["Origin", "Months", *map(str, weights.columns)], rows, stubs=2)
