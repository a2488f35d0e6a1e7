"""The page that a statistician checks a report by: model, priors, diagnostics, checks, provenance."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bayes_csc.report.charts.interval_chart import interval_chart
from bayes_csc.report.charts.method.check_charts import RANK_KEYS, check_chart, energy_chart, rank_panels
from bayes_csc.report.drawing.chart import Chart
from bayes_csc.report.drawing.html import Content, element, folded, table
from bayes_csc.report.findings.collect import Findings
from bayes_csc.report.findings.words.method_words import check_sentence, gate_sentences
from bayes_csc.report.findings.words.vocabulary import number
from bayes_csc.report.pages.page_parts import Section, charted, links_beside, paragraphs, site_page

LOADINGS = ("loading", "ordinal_loading", "judgement_loading")
NUMBERS = ("prior_median", "prior_lower", "prior_upper", "mean", "sd", "median", "lower", "upper")


def method_page(found: Findings) -> str:
    """Write the method page of a report."""
    percent = f"{found.about['interval']['probability']:.0%}"
    sections: list[Section] = [
        ("equations", "The model", _equations(found)),
        ("diagnostics", "Diagnostics", _diagnostics(found)),
        ("checks", "Posterior predictive checks", _checks(found)),
        ("loadings", "Loadings", _loadings(found, percent)),
        ("hyperparameters", "Prior and posterior of every hyperparameter", _hyperparameters(found, percent)),
        ("provenance", "Where the data come from", _provenance(found)),
        ("again", "The same again", _again(found)),
    ]
    return site_page("Method", [], sections, found.about, slug="method", others=links_beside(found))


def _equations(found: Findings) -> list[Content]:
    priors = found.hyperparameters[found.hyperparameters["prior"] != ""].drop_duplicates("variable")
    rows = [[str(r.variable), str(r.prior)] for r in priors.itertuples()]
    own = found.record.get("own_model")
    return [
        *(paragraphs(own_model_sentence(own)) if own else []),
        element("pre", element("code", found.equations or "The model's file has no description.")),
        table("Priors", ["Variable", "Prior"], rows, texts=[1]),
        *paragraphs(
            "Given the hyperparameters the states are Gaussian and are integrated out exactly; grades and counts "
            "enter by Gaussian sites. A probability is an average, over draws of the hyperparameters, of exact "
            "conditional probabilities."
        ),
        *([folded(f"The model: {own['file']}", element("pre", element("code", own["text"])))] if own else []),
        folded("The spec", element("pre", element("code", found.spec))),
    ]


def own_model_sentence(own: dict[str, str]) -> str:
    """Say that a run's model is not the one that ships."""
    return (
        f"This run is of a model of its own: {own['function']} of the file {own['file']} (SHA-256 {own['sha256']}). "
        "It is not the model that ships with bayescsc, and the backtest and the calibration of that one do not hold "
        "for it."
    )


def _diagnostics(found: Findings) -> list[Content]:
    said = gate_sentences(found.record)
    worst = found.hyperparameters.nlargest(1, "rhat").iloc[0]
    ranks = (
        f"The largest R-hat of a hyperparameter is {number(worst['rhat'], '.4f')}, of "
        f"{worst['variable']}[{worst['entry']}]. "
        "Each line is a chain; a flat histogram at the grey line is what chains that agree give."
    )
    bins = [str(entry) for entry in found.ranks.columns]
    rank_rows = [
        [str(entry), f"{chain}", *(f"{100 * v:.1f}" for v in row)]
        for (entry, chain), row in zip(found.ranks.index, found.ranks.to_numpy(), strict=True)
    ]
    energy = f"E-BFMI is {number(found.record['gate']['ebfmi'])}: where steps are as wide as the energy's own " \
             "distribution, the sampler moves freely."  # fmt: skip
    energy_rows = [[number(e, ".1f"), number(m, ".4f"), number(s, ".4f")] for e, m, s in found.energy.to_numpy()]
    ranked = Chart(
        "ranks", f"Largest R-hat {number(worst['rhat'], '.4f')}: {worst['variable']}[{worst['entry']}]",
        "Rank histograms by chain, of the hyperparameters with the largest R-hat: flat where the chains agree",
        panels=rank_panels(found.ranks), keys=RANK_KEYS[: found.ranks.index.get_level_values(1).nunique()],
    )  # fmt: skip
    steps = Chart(
        "energy", f"E-BFMI {number(found.record['gate']['ebfmi'])}",
        "Distribution of the energy (minus the log density), about its mean, and of its steps from draw to draw",
        lambda width: energy_chart(found.energy, width),
    )  # fmt: skip
    return [
        *paragraphs(*said),
        *paragraphs(ranks),
        charted(ranked, "Rank histograms of the worst hyperparameters, % of a chain's draws",
                ["Entry", "Chain", *bins], rank_rows, stubs=2),
        *paragraphs(energy),
        charted(steps, "Energy and its steps", ["Energy", "Density", "Density of steps"], energy_rows),
    ]  # fmt: skip


def _checks(found: Findings) -> list[Content]:
    interval, labels = found.fitted.interval, {k: i.label for k, i in found.panel.indicators.items()}
    finding = check_sentence(found.fitted.checks, labels, interval)
    note = (
        "For every figure, of a suppressed one what is known, the interval in which the model expects it, given draws "
        "of the hyperparameters and of latent quality and including local practice and chance, and the share of "
        "figures "
        "within. The states have seen these figures, so the shares are a little too high even for a right model."
    )
    if found.fitted.checks.empty:
        return paragraphs(finding)
    rows = [
        [labels[str(r.Index)], f"{r.cells}", f"{float(str(r.inside_inner)):.3f}", f"{float(str(r.inside)):.3f}",
         f"{float(str(r.spread)):.2f}"]
        for r in found.fitted.checks.itertuples()
    ]  # fmt: skip
    made = Chart(
        "checks", finding.partition(". ")[0].removesuffix("."),
        f"Share of figures within their 50% (squares) and {interval:.0%} (dots) predictive intervals, by indicator",
        lambda width: check_chart(found.fitted.checks, labels, interval, width),
    )  # fmt: skip
    return [
        *paragraphs(finding, note),
        charted(made, "Coverage of predictive intervals",
                ["Indicator", "Figures", "Within 50%", f"Within {interval:.0%}", "Sd of residuals"], rows),
    ]  # fmt: skip


def _loadings(found: Findings, percent: str) -> list[Content]:
    own = found.hyperparameters[found.hyperparameters["variable"].isin(LOADINGS)]
    names = {k: i.label for k, i in found.panel.indicators.items()}
    label = [
        names.get(str(e), f"judgement of {str(e).replace('_', ' ')}") if v != "judgement_loading"
        else f"judgement: {str(e).replace('_', ' ')}"
        for v, e in zip(own["variable"], own["entry"], strict=True)
    ]  # fmt: skip
    rows = pd.DataFrame(
        {"label": label, "middle": own["median"].to_numpy(), "lower": own["lower"].to_numpy(),
         "upper": own["upper"].to_numpy()}
    )  # fmt: skip
    strong = rows.sort_values("middle", key=abs, ascending=False).head(3)
    finding = "Largest: " + "; ".join(
        f"{r.label} ({number(float(str(r.middle)), '+.2f')})" for r in strong.itertuples()
    )
    note = (
        "How much a unit of latent quality moves an indicator, in log odds of a share (or on its own link "
        "scale), and a "
        "judgement, in probits. Loadings are associations."
    )
    table_ = [[str(r.label), *(number(float(str(v)), "+.3f") for v in (r.middle, r.lower, r.upper))]
              for r in rows.itertuples()]  # fmt: skip
    made = Chart(
        "loadings", finding,
        f"Loadings of the indicators, turned so that higher is better where that is agreed, and of the judgements; "
        f"median and {percent} interval",
        lambda width: interval_chart(rows, label=f"loading, {percent} interval", width=width),
    )  # fmt: skip
    return [
        *paragraphs(finding + ".", note),
        charted(made, "Loadings", ["Of", "Median", f"{percent} from", "to"], table_),
    ]


def _hyperparameters(found: Findings, percent: str) -> list[Content]:
    rows = [
        [str(r["variable"]), str(r["entry"]), *(number(float(r[c]), ".3f") for c in NUMBERS), number(r["rhat"], ".4f"),
         number(r["ess_bulk"], ".0f"), number(r["ess_tail"], ".0f")]
        for r in found.hyperparameters.to_dict("records")
    ]  # fmt: skip
    header = [
        "Variable", "Entry", "Prior median", "Prior from", "to", "Mean", "Sd", "Median", f"{percent} "
        "from", "to", "R-hat",
        "ESS bulk", "ESS tail",
    ]  # fmt: skip
    behind = table(f"{len(rows)} entries", header, rows, stubs=2, class_="sortable")
    learned = found.hyperparameters.dropna(subset=["prior_lower"])
    width = (learned["upper"] - learned["lower"]) / (learned["prior_upper"] - learned["prior_lower"])
    words = (
        f"{len(rows)} entries. For {int((width < 0.5).sum())} of the {len(width)} with a prior of their own the "
        "posterior "
        f"interval is less than half as wide as the prior's; for {int((width > 0.9).sum())} the data have said little. "
        "The steps of the national year effects have their own table on the overview."
    )
    return [*paragraphs(words), folded("Table: prior and posterior of every hyperparameter", behind)]


def _provenance(found: Findings) -> list[Content]:
    panel, about = found.panel, found.about
    facts = [
        ["Panel", panel.name], ["Date", panel.date.isoformat()],
        ["Published by", (panel.published_by or panel.date).isoformat()], ["Hash (SHA-256)", about["panel_hash"]],
        ["Licence", panel.licence or "not stated"], ["Cells", f"{len(panel.cells):,}"],
        ["Indicators", f"{len(panel.indicators)}, of which the model uses {len(found.used)}"],
    ]  # fmt: skip
    content: list[Content] = [table("The panel", ["What", "Value"], facts, texts=[1])]
    if panel.releases is not None:
        used = set(panel.cells["source"])
        rows = [
            [str(key), str(r["title"]), str(r["publisher"]),
             "" if pd.isna(r["published"]) else f"{pd.Timestamp(r['published']):%Y-%m-%d}", str(r["licence"])]
            for key, r in panel.releases.iterrows() if key in used
        ]  # fmt: skip
        header = ["Source", "Title", "Publisher", "Published", "Licence"]
        content.append(folded("Table: releases that the figures are read from",
                              table("Releases", header, rows, texts=[1, 2, 3, 4])))  # fmt: skip
    rows = [
        [i.label, i.definition, i.family, i.polarity, i.domain.replace("_", " "), "yes" if k in found.used else "no"]
        for k, i in panel.indicators.items()
    ]  # fmt: skip
    header = ["Indicator", "Definition", "Family", "Polarity", "Domain", "Used"]
    content.append(folded("Table: the indicators", table("Indicators", header, rows, texts=[1, 2, 3, 4, 5])))
    if panel.readme:
        content.append(folded("Notes of the panel", element("pre", panel.readme)))
    return content


def _again(found: Findings) -> list[Content]:
    about, record = found.about, found.record
    options = f"--seed {record['seed']} --draws {record['draws']} --chains {record['chains']}"
    preview = " --preview" if record.get("preview") else ""
    own = record.get("own_model")
    model = f" --model {own['file']}:{own['function']}" if own else ""
    command = (
        f"bayescsc fit --panel PANEL --spec {about['spec']}{model} {options}{preview} --out {about['run']}\n"
        f'bayescsc report {about["run"]}{model} --group "{about["group"]}" --out REPORT'
    )
    versions: dict[str, Any] = record["versions"]
    words = (
        "With the panel of the hash above, the spec above and these versions, the following gives the same "
        "numbers. The "
        "run folder holds the panel."
    )
    cite = (
        f"bayescsc {versions['bayescsc']}: trajectories of children's services quality, panel {about['panel']} of "
        f"{about['panel_date']} ({about['panel_hash'][:12]}), spec {about['spec']}, seed {about['seed']}."
    )
    return [
        *paragraphs(words), element("pre", element("code", command)),
        table("Versions", ["Package", "Version"], [[k, str(v)] for k, v in versions.items()], texts=[1]),
        element("h3", "To cite this report"), *paragraphs(cite),
    ]  # fmt: skip
