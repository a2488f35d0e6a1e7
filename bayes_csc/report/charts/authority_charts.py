"""Every chart of one authority, each with its finding, its quantity and unit, and which direction is better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from bayes_csc.estimates.forecast.overall_name import WOULD
from bayes_csc.panel.calendar import day
from bayes_csc.report.charts.change_chart import change_chart
from bayes_csc.report.charts.contribution_chart import contribution_chart
from bayes_csc.report.charts.domain_chart import domain_chart
from bayes_csc.report.charts.fan_chart import fan_chart
from bayes_csc.report.charts.grade_chart import grade_chart
from bayes_csc.report.charts.method.specification_chart import specification_chart
from bayes_csc.report.charts.panels.indicator_chart import indicator_keys, indicator_panels
from bayes_csc.report.drawing.chart import Chart
from bayes_csc.report.findings.authority.authority_findings import AuthorityFindings
from bayes_csc.report.findings.companions import Missing
from bayes_csc.report.findings.variants import curve_rows, range_sentence, threshold_of
from bayes_csc.report.findings.words.contribution_words import contribution_title, with_figures
from bayes_csc.report.findings.words.next_words import domains_of, domains_sentence, has_overall
from bayes_csc.report.findings.words.sentences import path_sentence
from bayes_csc.report.findings.words.vocabulary import better_words, count_of, number, spread, years

LATENT = "in units of the spread between authorities of the same region and deprivation"


def trajectory(own: AuthorityFindings, about: Mapping[str, Any], grades: Sequence[str]) -> Chart:
    """The path, the change since the last inspection marked on it."""
    interval, row = about["interval"]["probability"], own.decline
    moved = (
        f"Since the inspection of {day(row['last_inspection'])} the estimate has moved by "
        f"{number(row['delta_median'], '+.2f')} ({interval:.0%} interval "
        f"{spread(row['delta_lower'], row['delta_upper'], '+.2f')})"
        if own.inspected
        else path_sentence(own.fan, f"{interval:.0%}").removesuffix(".")
    )
    return Chart(
        "trajectory", moved,
        f"Latent quality of {own.name}, {LATENT}; up is better, zero is the national mean of each year",
        lambda width: fan_chart(own, about["panel"], interval, len(grades), width),
    )  # fmt: skip


def change(own: AuthorityFindings, about: Mapping[str, Any]) -> Chart | None:
    """The change since the last inspection; None without one."""
    row, density = own.decline, own.density
    if density is None:
        return None
    return Chart(
        "change",
        f"Probability of a decline of more than {about['epsilon']:g}: {number(row['p_decline'])}; had nothing been "
        f"observed since the inspection: {number(row['p_decline_no_data'])}",
        f"Density of the change of latent quality over the {years(row['gap_years'])} since the last inspection, "
        f"{LATENT}; right is better",
        lambda width: change_chart(density, about["epsilon"], width),
    )  # fmt: skip


def contributions(own: AuthorityFindings) -> Chart | None:
    """What the change is made up of; None without an inspection."""
    if own.contributions.empty or (parts := with_figures(own)).empty:
        return None
    total = float(own.contributions.loc[own.contributions["kind"] == "total", "contribution"].sum())
    return Chart(
        "contributions", contribution_title(parts),
        "What the estimated change since the last inspection is made up of, in units of latent quality; right is "
        "better. Bar: the mean; line: its interval over draws",
        lambda width: contribution_chart(parts, total, width),
    )  # fmt: skip


def domains(own: AuthorityFindings, grades: Sequence[str]) -> Chart | None:
    """Sub-judgements of the next inspection; None where none are forecast."""
    row = own.forecast or {}
    if not domains_of(row):
        return None
    return Chart(
        "domains", domains_sentence(row, grades).removesuffix("."),
        "Probability of each grade of each domain at the next inspection; the darker, the worse the grade",
        lambda width: domain_chart(row, grades, width),
    )  # fmt: skip


def next_grade(own: AuthorityFindings, grades: Sequence[str]) -> Chart | None:
    """The overall grade of the next inspection beside the base rate; None without a forecast."""
    row = own.forecast
    if row is None:
        return None
    order = sorted(range(len(grades)), key=lambda g: -row[f"p_grade_{g + 1}"])
    first, second = (f"{grades[g]} ({number(row[f'p_grade_{g + 1}'])})" for g in order[:2])
    what = "at the next inspection" if has_overall(row) else f"as {WOULD}"
    return Chart(
        "grades", f"Most probable: {first}, then {second}",
        f"Probability of each overall grade {what}, and how often it followed the same grade before; the darker, the "
        "worse the grade",
        lambda width: grade_chart(row, own.base_rate, grades, width),
    )  # fmt: skip


def indicators(own: AuthorityFindings, keys: Sequence[str], name: str) -> Chart:
    """Figures of some indicators, each on its own scale."""
    rows = own.figures[own.figures["indicator"].isin(keys)]
    span = (int(own.figures["year"].min()), int(own.figures["year"].max()))
    better = {key: better_words(own.record.indicators[key].polarity) for key in keys}
    labels = {key: own.record.indicators[key].label for key in keys}
    return Chart(
        name, beside_nation(rows, better),
        f"Published figures of {count_of(len(keys), 'indicator')}, {span[0]} to {span[1]}; each chart names its unit "
        "and which direction is better, if that is agreed, and has a vertical scale of its own, which need not begin "
        "at zero",
        panels=indicator_panels(rows, labels, own.units, span, better), keys=indicator_keys(rows),
    )  # fmt: skip


def beside_nation(rows: pd.DataFrame, better: Mapping[str, str]) -> str:
    """Say for how many indicators the newest figure is better, and worse, than the nation's of the same year.

    Examples
    --------
    >>> rows = pd.DataFrame({"indicator": ["a", "a", "b"], "year": [1, 2, 2], "value": 0.2})
    >>> rows["national"] = [0.1, 0.3, 0.1]
    >>> beside_nation(rows, {"a": "lower is better", "b": "lower is better"})
    'Newest figures beside the nation: better for 1 of 2 indicators with an agreed direction, worse for 1'
    """
    known = rows.dropna(subset=["value", "national"]).sort_values("year").groupby("indicator").last()
    step = (known["value"] - known["national"]) * [_sign(better.get(str(key), "")) for key in known.index]
    agreed = int(sum(_sign(better.get(str(key), "")) != 0 for key in known.index))
    if not agreed:
        seen = int(rows["value"].notna().sum())
        return f"{count_of(seen, 'observed figure')}; no agreed direction to call one better than another"
    return (
        f"Newest figures beside the nation: better for {int((step > 0).sum())} of "
        f"{count_of(agreed, 'indicator')} with an agreed direction, worse for {int((step < 0).sum())}"
    )


def _sign(better: str) -> int:
    return {"higher is better": 1, "lower is better": -1}.get(better, 0)


def specification(own: AuthorityFindings) -> Chart | None:
    """Its probability of a decline in every variant; None without a sensitivity analysis of it."""
    rows = own.sensitivity
    if isinstance(rows, Missing) or rows.empty:
        return None
    threshold = threshold_of(rows)
    return Chart(
        "specification", range_sentence(rows),
        "Probability of a decline in every variant that passed its checks, lowest first, and which choice it varies; "
        "the variants are choices that a colleague might have made, so that a share of them is no probability",
        lambda width: specification_chart(curve_rows(rows), threshold, width),
    )  # fmt: skip
