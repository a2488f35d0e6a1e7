"""Any single chart of an authority, as a matplotlib figure, an SVG or a PNG."""

from __future__ import annotations

import io
from pathlib import Path

from matplotlib.figure import Figure

from bayes_csc.errors import UsageError
from bayes_csc.files import write_files
from bayes_csc.report.charts.change_chart import change_chart
from bayes_csc.report.charts.contribution_chart import contribution_chart
from bayes_csc.report.charts.domain_chart import domain_chart
from bayes_csc.report.charts.fan_chart import fan_chart
from bayes_csc.report.charts.grade_chart import grade_chart
from bayes_csc.report.charts.indicator_chart import indicator_chart
from bayes_csc.report.drawing.style import colour, look
from bayes_csc.report.findings.authority_findings import AuthorityFindings
from bayes_csc.report.findings.collect import Findings
from bayes_csc.report.findings.companions import Missing
from bayes_csc.report.findings.words.contribution_words import with_figures
from bayes_csc.report.findings.words.next_words import domains_of
from bayes_csc.report.pages.sections.sensitivity_section import specification_figure

CHARTS = ("trajectory", "change", "domains", "grades", "contributions", "indicators", "specification")
DPI = 200


def check_chart_request(kind: str, format: str) -> None:
    """Refuse a chart or a format that does not exist.

    Raises
    ------
    UsageError
        With what there is.
    """
    problems = [f"--chart: expected one of {', '.join(CHARTS)}, found {kind!r}"] if kind not in CHARTS else []
    problems += [f"--format: expected svg or png, found {format!r}"] if format not in ("svg", "png") else []
    if problems:
        raise UsageError("\n".join(problems))


def authority_chart(found: Findings, code: str, kind: str = "trajectory") -> Figure:
    """Draw one chart of an authority.

    Parameters
    ----------
    found
        What a report says, with a page of this authority.
    code
        Its code.
    kind
        One of `CHARTS`.

    Raises
    ------
    UsageError
        No such chart, or this authority has nothing to draw in it.
    """
    own = next((p for p in found.pages if p.code == code), None)
    if own is None or kind not in CHARTS:
        raise UsageError(f"expected an authority with a page and a chart of {', '.join(CHARTS)}; found {code}, {kind}")
    with look():
        figure = _drawn(found, own, kind)
    if figure is None:
        lacking = {"specification": "a sensitivity analysis of it", "domains": "a forecast of sub-judgements"}
        wanted = lacking.get(kind, "an inspection")
        raise UsageError(f"{own.name}: there is nothing to draw in the chart {kind}, for want of {wanted}")
    return figure


def _drawn(found: Findings, own: AuthorityFindings, kind: str) -> Figure | None:
    if kind == "trajectory":
        return fan_chart(own, found.about["panel"], found.about["interval"]["probability"])
    if kind == "change":
        return None if own.density is None else change_chart(own.density, found.about["epsilon"])
    if kind == "domains":
        row = own.forecast or {}
        return domain_chart(row, found.panel.grades) if domains_of(row) else None
    if kind == "grades":
        return None if own.forecast is None else grade_chart(own.forecast, own.base_rate, found.panel.grades)
    if kind == "contributions":
        parts = with_figures(own)
        total = float(own.contributions["contribution"][own.contributions["kind"] == "total"].sum())
        return None if parts.empty else contribution_chart(parts, total)
    if kind == "specification":
        rows = own.sensitivity
        return None if isinstance(rows, Missing) or rows.empty else specification_figure(rows)
    labels = {k: i.label for k, i in found.panel.indicators.items() if k in found.used}
    years = (int(own.figures["year"].min()), int(own.figures["year"].max()))
    return indicator_chart(own.figures[own.figures["indicator"].isin(labels)], labels, own.units, years)


def write_chart(figure: Figure, path: Path) -> None:
    """Write a chart as SVG or PNG, by the ending of the path; the same chart gives the same bytes.

    Raises
    ------
    UsageError
        Another ending.
    """
    kind = path.suffix.lower().removeprefix(".")
    if kind not in ("svg", "png"):
        raise UsageError(f"{path}: expected a name that ends in .svg or .png")
    buffer = io.BytesIO()
    metadata = {"Date": None, "Creator": None} if kind == "svg" else {"Software": None}
    with look():
        figure.savefig(buffer, format=kind, dpi=DPI, metadata=metadata, facecolor=colour("paper"))
    write_files(path.parent, {path.name: buffer.getvalue()})
