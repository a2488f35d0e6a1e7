"""The page of a sensitivity analysis: verdicts, curves, choices, heat map, scores, and what data would add."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pandas as pd

from bayes_csc.evaluation.sensitivity.answers.model_scores import averaged
from bayes_csc.evaluation.sensitivity.answers.power_scaling import ALL_PRIORS, SENSITIVE
from bayes_csc.evaluation.sensitivity.result import Sensitivity
from bayes_csc.evaluation.sensitivity.verdict import OTHER, SAME, UNDETERMINED
from bayes_csc.report.charts.method.sensitivity_charts import (
    CURVE_KEYS,
    LEVELS,
    heat_map,
    specification_panels,
    tornado_chart,
)
from bayes_csc.report.drawing.chart import Chart
from bayes_csc.report.drawing.html import element, figure, folded, page_text, table
from bayes_csc.report.findings.words.vocabulary import count_of, joined

SHOWN = 2
"""Names of variants in one cell of a table."""
STEPS = ", ".join(f"{edge:g}" for edge in LEVELS)


def sensitivity_page(done: Sensitivity) -> str:
    """Write a sensitivity analysis as one self-contained HTML page; the same analysis gives the same bytes."""
    title = f"{done.metadata['panel']}: what would change the answer?"
    sections = [
        ("verdicts", "Which answers survive?", _verdicts(done)),
        ("curves", "Every answer under every choice", _curves(done)),
        ("choices", "Which choices move the answers?", _choices(done)),
        ("map", "Authorities by variants", _map(done)),
        ("scores", "Which variants predict better?", _scores(done)),
        ("leaning", "Prior or data?", _leaning(done)),
        ("value", "Which data would narrow the answers?", _value(done)),
        ("variants", "What was varied", _variants(done)),
    ]
    shown = [(key, heading, content) for key, heading, content in sections if content]
    links = [element("li", element("a", heading, href=f"#{key}")) for key, heading, _ in shown]
    return page_text(
        title,
        element("h1", title),
        *_facts(done),
        element("nav", element("ul", *links), aria_label="Sections"),
        *(element("section", element("h2", heading, id=key), *content) for key, heading, content in shown),
    )


def _facts(done: Sensitivity) -> list[ET.Element]:
    about = done.metadata
    variants = about["variants"][1:]
    counts = done.verdicts["verdict"].value_counts()
    said = ", ".join(f"{int(counts.get(word, 0))} {word}" for word in (SAME, OTHER, UNDETERMINED))
    failed = f": {joined(done.failed)}" if done.failed else ""
    depths = pd.Series([v["depth"] for v in variants]).value_counts()
    how = joined([f"{n} {depth}" for depth, n in depths.items()])
    return [
        element("p", f"{len(done.verdicts)} authorities ({about['group']}): {said}."),
        element("p", f"{count_of(_counted(done), 'variant')} of the analysis asked the same question and passed their "
                f"checks: ranges, verdicts and moves are over these. Beside them stand those that ask another question "
                f"({len(_questions(done))}) or failed ({len(done.failed)}{failed}). How they were computed: {how}."),
        element("p", about["rule"]["words"]),
        element(
            "p",
            "Variants are choices that a reasonable colleague might have made, not a sample of all choices: a share of "
            "them is no probability. Loadings are associations; nothing here is a cause.",
        ),
        element(
            "p", f"{about.get('data_days', '')} Panel hash ".lstrip(), element("code", about["panel_hash"]),
            f"; seed {about['seed']}, refits "
            f"{about['refit_seed']}; bayescsc {about['versions']['bayescsc']}, source ",
            element("code", about["versions"]["source"]), ".", class_="muted",
        ),
    ]  # fmt: skip


def _verdicts(done: Sensitivity) -> list[ET.Element]:
    mixed = averaged(done.rows, done.scores)
    header = [
        "authority", "P(decline)", "least", "most", "averaged", "change, least", "most", "P(next worse), least", "most",
        "verdict", "moved most by", "to the other side by",
    ]  # fmt: skip
    rows = [
        [
            str(row["name"]), *(number(row[f"p_decline{end}"]) for end in ("", "_least", "_most")),
            number(mixed.get(row["authority"])), *(number(row[f"delta{end}"]) for end in ("_least", "_most")),
            *(number(row[f"p_next_worse{end}"]) for end in ("_least", "_most")), str(row["verdict"]),
            f"{row['moved_variant']} ({number(row['moved'], '+.2f')})" if row["moved_variant"] else "",
            _some(row["against"]),
        ]
        for row in done.verdicts.to_dict("records")
    ]  # fmt: skip
    caption = (
        "Ranges over the base and the variants that passed and ask the same question. Averaged: by stacking weights"
    )
    return [table(caption, header, rows, texts=(9, 10, 11))]


def _some(names: list[str]) -> str:
    """A few names, and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return "; ".join(names[:SHOWN]) + more


def _curves(done: Sensitivity) -> list[ET.Element]:
    questions = _questions(done)
    threshold = float(done.metadata["rule"]["threshold"])
    width = done.verdicts["p_decline_most"] - done.verdicts["p_decline_least"]
    made = Chart(
        "curves-chart",
        f"Over {count_of(_counted(done), 'variant')} the probability of one authority runs over "
        f"{number(width.median())} at the middle authority and {number(width.max())} at most",
        "Probability of a decline of each authority in every variant that passed, lowest first",
        panels=specification_panels(done.rows, threshold, questions), keys=CURVE_KEYS,
    )  # fmt: skip
    passed = done.rows[done.rows["gate"] == "passed"].dropna(subset="p_decline")
    rows = []
    for _, own in passed.groupby("authority", sort=False):
        ordered = own.sort_values("p_decline", kind="stable")
        ends = [*ordered.head(3).to_dict("records"), *ordered.tail(3).to_dict("records")]
        said = [f"{row['variant']} {number(row['p_decline'])}" for row in ends]
        rows.append([str(own["name"].iloc[0]), "; ".join(said[:3]), "; ".join(said[3:])])
    behind = table("The lowest and the highest", ["authority", "lowest", "highest"], rows, texts=(1, 2))
    return [figure(made, folded("Table: the ends of each curve", behind))]


def _choices(done: Sensitivity) -> list[ET.Element]:
    if done.choices.empty:
        return []
    first = done.choices.iloc[0]
    made = Chart(
        "tornado", f"{first['choice']} moves P(decline) most: by {number(first['moved'])} on average",
        "How far each choice takes P(decline) from this report's: mean over the authorities of its lowest and its "
        "highest (bar), and the largest move of any authority (dot)",
        lambda width: tornado_chart(done.choices, width),
    )  # fmt: skip
    header = ["choice", "variants", "failed", "mean move", "largest", "levels changed", "sides crossed"]
    rows = [
        [
            str(row["choice"]), str(row["variants"]), str(row["failed"]), number(row["moved"], ".3f"),
            number(row["moved_most"], ".3f"), str(row["flips"]), str(row["crossings"]),
        ]
        for row in done.choices.to_dict("records")
    ]  # fmt: skip
    behind = table(
        "Authorities whose level of early visits, or side of the threshold, some variant of the choice changes",
        header,
        rows,
    )
    return [figure(made, folded("Table: moves and flips", behind))]


def _map(done: Sensitivity) -> list[ET.Element]:
    order = [(v["choice"], v["name"]) for v in done.metadata["variants"]]
    groups: dict[str, list[str]] = {}
    for choice, name in order:
        short = "priors" if choice.startswith("prior: ") else "crossed" if " + " in choice else choice
        groups.setdefault(short, []).append(name)
    p = done.rows.loc[done.rows["gate"] == "passed", "p_decline"]
    made = Chart(
        "heat", f"From {number(p.min())} to {number(p.max())} over {len(done.verdicts)} authorities and all variants",
        f"P(decline), the darker the higher, in steps at {STEPS} (on a dark page, the lighter the higher). A column "
        "per variant, this report first; struck through: failed; blank: no estimate",
        lambda width: heat_map(done.rows, list(groups.items()), width),
    )  # fmt: skip
    names = [[choice, "; ".join(variants)] for choice, variants in groups.items()]
    return [figure(made, folded("Table: the columns", table("In order", ["choice", "variants"], names, texts=(1,))))]


def _scores(done: Sensitivity) -> list[ET.Element]:
    if done.scores.empty or not done.scores["comparable"].any():
        return []
    note = (
        "Expected log predictive density of an authority left out (LOO), and of its last year given its earlier ones "
        "and all other authorities (LFO), less the base's, with standard errors; by Pareto-smoothed importance "
        "sampling, and how many authorities' k exceeds 0.7, where it is unreliable. Only variants of the same "
        "observations can be compared. Weight: of the mixture that would predict best (stacking), by LOO."
    )
    header = ["variant", "LOO", "± se", "k > 0.7", "LFO", "± se", "k > 0.7", "weight"]
    good = done.scores[done.scores["comparable"]].sort_values("elpd_loo", ascending=False, kind="stable")
    rows = [
        [
            str(row["variant"]),
            *(
                text
                for name in ("loo", "lfo")
                for text in (
                    number(row[f"difference_{name}"], "+.1f"), number(row[f"difference_se_{name}"], ".1f"),
                    number(row[f"high_k_{name}"], ".0f"),
                )
            ),
            number(row["weight"], ".3f"),
        ]
        for row in good.to_dict("records")
    ]  # fmt: skip
    return [element("p", note), table("Less the base's", header, rows)]


def _leaning(done: Sensitivity) -> list[ET.Element]:
    if done.power.empty:
        return []
    wide = done.power.pivot_table(index="component", columns="authority", values="sensitivity", sort=False)
    note = (
        "Power-scaling: how far an authority's change moves as the prior, or the likelihood, of the hyperparameters is "
        f"raised to a power near one, without any refit. Above {SENSITIVE:g} the answer leans on that component; of "
        "single priors only those are listed that reach it for some authority."
    )
    rows = [
        [str(name), number(own.median(), ".3f"), number(own.max(), ".3f"), str(int((own > SENSITIVE).sum()))]
        for name, own in wide.iterrows()
    ]
    header = ["component", "median", "largest", f"authorities above {SENSITIVE:g}"]
    return [
        element("p", note),
        table(f"Sensitivity of the change ({ALL_PRIORS} together, and one by one)", header, rows),
    ]


def _value(done: Sensitivity) -> list[ET.Element]:
    if done.value.empty:
        return []
    wide = done.value.pivot_table(index="authority", columns="data", values="reduction", sort=False)
    sd = done.value.drop_duplicates("authority").set_index("authority")["sd"]
    name = done.verdicts.set_index("authority")["name"]
    note = (
        "How much further data would be expected to narrow the change since the last inspection: by what part its "
        "posterior standard deviation, given the hyperparameters, would fall."
    )
    rows = [
        [str(name[str(code)]), number(sd[str(code)]), *(number(value, ".1%") for value in own)]
        for code, own in wide.iterrows()
    ]
    return [element("p", note), table("Expected reduction", ["authority", "sd now", *map(str, wide.columns)], rows)]


def _variants(done: Sensitivity) -> list[ET.Element]:
    header = ["variant", "choice", "depth", "gate", "draws", "Pareto k", "seconds", "what failed"]
    rows = [
        [
            v["name"], v["choice"], v["depth"], v["gate"], number(v["draws"], ".0f"), number(v["pareto_k"]),
            number(v["seconds"], ".0f"), "; ".join(v["failing"]),
        ]
        for v in done.metadata["variants"]
    ]  # fmt: skip
    content = [table("Every variant", header, rows, texts=(1, 2, 3, 7))]
    if done.metadata["left_out"]:
        left = [[name, why] for name, why in done.metadata["left_out"].items()]
        content.append(table("Optional variants that this panel does not allow", ["variant", "why"], left, texts=(1,)))
    return content


def _counted(done: Sensitivity) -> int:
    """How many variants, the base aside, asked the same question and passed."""
    variants = done.metadata["variants"][1:]
    return sum(v["gate"] == "passed" and not v["asks_another_question"] for v in variants)


def _questions(done: Sensitivity) -> list[str]:
    return [v["name"] for v in done.metadata["variants"] if v["asks_another_question"]]


def number(value: float | None, style: str = ".2f") -> str:
    """Write a number, or nothing where there is none.

    Examples
    --------
    >>> number(0.256), number(None), number(float("nan"))
    ('0.26', '', '')
    """
    return "" if value is None or value != value or value == float("-inf") else f"{value:{style}}"
