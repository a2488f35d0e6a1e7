"""A report as one Markdown file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bayes_csc.estimates.information import in_words
from bayes_csc.files.decoding import visible
from bayes_csc.measurement.figures_used import without_figures
from bayes_csc.panel.calendar import day
from bayes_csc.report.findings.authority.caveats import ALWAYS, USE
from bayes_csc.report.findings.collect import Findings
from bayes_csc.report.findings.companions import Missing
from bayes_csc.report.findings.words.method_words import check_sentence, gate_sentences
from bayes_csc.report.findings.words.next_words import domain_rows, next_headings, pool_sentence
from bayes_csc.report.findings.words.sentences import (
    both_sentence,
    caterpillar_sentence,
    change_sentence,
    composite_sentence,
    figures_words,
    group_without_figures,
    information_sentence,
    level_sentence,
    next_sentence,
    no_figures_sentence,
    recent_words,
)
from bayes_csc.report.findings.words.vocabulary import number, spread

SPECIAL = str.maketrans({c: f"\\{c}" for c in "\\`*_{}[]<>#|~"})


def markdown(found: Findings) -> str:
    """Return the overview's list and each authority's answer in words, with the method's verdicts."""
    about, percent = found.about, f"{found.about['interval']['probability']:.0%}"
    lines = [f"# {plain(about['panel'])}: change since the last inspection", ""]
    lines += [f"**{plain(about['old_panel'])}**", ""] if "old_panel" in about else []
    lines += [f"**{plain(about['warning'])}**", ""] if "warning" in about else []
    lines += ["**A preview: a quick answer, not the full posterior.**", ""] if about["preview"] else []
    lines += [about["data_days"], ""]
    if ahead := group_without_figures(found.listed):
        lines += [plain(ahead), ""]
    lines += [caterpillar_sentence(found.listed, about["epsilon"], percent), "", *_listed(found, percent)]
    if found.forecast is not None and (mixture := pool_sentence(found.forecast.attrs)):
        lines += [plain(mixture), ""]
    lines += [plain(information_sentence(found.information)), "", *_table(*in_words(found.information))]
    for part in (found.backtest, found.sensitivity):
        if isinstance(part, Missing):
            lines += [part.sentence, "", f"    {part.command}", ""]
    for own in found.pages:
        lines += [f"## {plain(own.name)}", ""]
        if without_figures(own.decline):
            lines += [no_figures_sentence(own.decline), ""]
        lines += [change_sentence(own.decline, percent, recent_words(about)), ""]
        if own.forecast:
            lines += [next_sentence(own.forecast, own.base_rate, found.panel.grades, percent), ""]
            lines += _domains(own.forecast, found.panel.grades)
        lines += [both, ""] if (both := both_sentence(own.decline, own.forecast, own.base_rate)) else []
        lines += [text, ""] if (text := composite_sentence(own.composite, own.decline)) else []
        if own.forecast and own.forecast["level"]:
            lines += [level_sentence(own.forecast, about["threshold"], about["loss_ratio"], percent), ""]
        lines += [*(f"- {plain(text)}" for text in own.caveats), ""]
    labels = {k: i.label for k, i in found.panel.indicators.items()}
    lines += ["## Method", "", *(plain(t) for t in gate_sentences(found.record)), ""]
    lines += [plain(check_sentence(found.fitted.checks, labels, found.fitted.interval)), ""]
    lines += ["## What this cannot tell, and how to use it", "", *(f"- {text}" for text in (*ALWAYS, *USE)), ""]
    lines += [
        f"Panel {plain(about['panel'])}, dated {about['panel_date']}, hash {about['panel_hash']}; spec "
        f"{plain(about['spec'])}, seed {about['seed']}; bayescsc {about['versions']['bayescsc']}. Made on "
        f"{day(about['made'])}.", "",
    ]  # fmt: skip
    return visible("\n".join(lines))


def _listed(found: Findings, percent: str) -> list[str]:
    """The group's table."""
    following = next_headings(found.forecast, list(found.listed["authority"]), found.panel.grades[-1])
    del following["p_next_better"]
    *first, worse = following.values()
    ahead = None if found.forecast is None else found.forecast.set_index("authority")
    header = ["Authority", "Last inspection", *first, "P(decline)", "Without new data", "Change", f"{percent} interval"]
    lines = [f"| {' | '.join(map(plain, [*header, worse]))} |", f"|---|---|{'---:|' * (3 + len(first))}---|---:|"]
    for row in found.listed.to_dict("records"):
        inspected = str(row["last_inspection"]) if row["last_grade"] else ""
        cells = [
            plain(str(row["name"])), inspected + (f"; {figures_words(row)}" if without_figures(row) else ""),
            *(number(float(ahead[column][row["authority"]])) for column in list(following)[:-1] if ahead is not None),
            number(row["p_decline"]),
            number(row["p_decline_no_data"]), number(row["delta_median"], "+.2f"),
            spread(row["delta_lower"], row["delta_upper"], "+.2f"), number(row.get("p_next_worse", float("nan"))),
        ]  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    return [*lines, ""]


def _domains(forecast: dict[str, Any], grades: Sequence[str]) -> list[str]:
    """The table of an authority's next sub-judgements; nothing where there are none."""
    rows = domain_rows(forecast, grades)
    if not rows:
        return []
    return _table(["Domain", "Last grade", *(f"P({grade})" for grade in grades)], rows, left=2)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> list[str]:
    """Lines of a table whose leading columns are words."""
    lines = [f"| {' | '.join(map(plain, cells))} |" for cells in (head, *rows)]
    return [lines[0], f"|{'---|' * left}{'---:|' * (len(head) - left)}", *lines[1:], ""]


def plain(text: str) -> str:
    r"""Return a text in which nothing is markup.

    Examples
    --------
    >>> plain("a|b <i>")
    'a\\|b \\<i\\>'
    """
    return " ".join(str(text).split()).translate(SPECIAL)
