"""Any single chart of an authority, with its words, as SVG or PNG, or as a matplotlib figure."""

from __future__ import annotations

import io
from pathlib import Path

from matplotlib.figure import Figure

from bayes_csc.errors import UsageError
from bayes_csc.files import write_files
from bayes_csc.report.charts import authority_charts as charts
from bayes_csc.report.drawing.canvas import Canvas
from bayes_csc.report.drawing.chart import Chart
from bayes_csc.report.drawing.figure import figure
from bayes_csc.report.drawing.style import WIDTH, colour, look
from bayes_csc.report.drawing.svg import picture
from bayes_csc.report.findings.authority.single import OneChart

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


def authority_picture(found: OneChart, code: str, width: float = WIDTH) -> Canvas:
    """Draw one chart of an authority, with its name, the finding, the quantity and unit, and the source.

    Parameters
    ----------
    found
        What the chart is made from (`single.gather_chart`).
    code
        The authority's.
    width
        Of the picture, inches.

    Raises
    ------
    UsageError
        No such chart, or this authority has nothing to draw in it.
    """
    own = next((p for p in found.pages if p.code == code), None)
    if own is None or found.kind not in CHARTS:
        raise UsageError(
            f"expected an authority that was asked for and a chart of {', '.join(CHARTS)}; found {code}, {found.kind}"
        )
    made = _chart(found, code)
    if made is None:
        lacking = {"specification": "a sensitivity analysis of it", "domains": "a forecast of sub-judgements"}
        wanted = lacking.get(found.kind, "an inspection")
        raise UsageError(f"{own.name}: there is nothing to draw in the chart {found.kind}, for want of {wanted}")
    about = found.about
    source = (
        f"Source: {about['panel']}, figures and judgements to {about['panel_date']}; estimates of the run "
        f"{about['run']} (spec {about['spec']}, panel {about['panel_hash'][:12]}), bayescsc "
        f"{about['versions']['bayescsc']}."
    )
    return made.picture(width, own.name, source)


def authority_chart(found: OneChart, code: str) -> Figure:
    """Draw one chart of an authority as a matplotlib figure; see `authority_picture`."""
    with look():
        return figure(authority_picture(found, code))


def _chart(found: OneChart, code: str) -> Chart | None:
    own = next(p for p in found.pages if p.code == code)
    if found.kind == "trajectory":
        return charts.trajectory(own, found.about, found.grades)
    if found.kind == "change":
        return charts.change(own, found.about)
    if found.kind == "contributions":
        return charts.contributions(own)
    if found.kind == "domains":
        return charts.domains(own, found.grades)
    if found.kind == "grades":
        return charts.next_grade(own, found.grades)
    if found.kind == "specification":
        return charts.specification(own)
    return charts.indicators(own, [key for key in own.record.indicators if key in found.used], "indicators")


def write_chart(drawing: Canvas, path: Path) -> None:
    """Write a drawing as SVG or PNG, by the ending of the path; the same drawing gives the same bytes.

    Raises
    ------
    UsageError
        Another ending.
    """
    kind = path.suffix.lower().removeprefix(".")
    if kind not in ("svg", "png"):
        raise UsageError(f"{path}: expected a name that ends in .svg or .png")
    if kind == "svg":
        write_files(path.parent, {path.name: picture(drawing)})
        return
    buffer = io.BytesIO()
    with look():
        figure(drawing).savefig(buffer, format="png", dpi=DPI, metadata={"Software": None}, facecolor=colour("paper"))
    write_files(path.parent, {path.name: buffer.getvalue()})
