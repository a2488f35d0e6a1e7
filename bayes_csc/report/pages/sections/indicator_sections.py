"""The part of an authority's page that shows every indicator."""

from __future__ import annotations

from collections.abc import Sequence

from bayes_csc.report.charts import authority_charts as charts
from bayes_csc.report.drawing.html import Content, element
from bayes_csc.report.findings.authority.authority_findings import AuthorityFindings
from bayes_csc.report.findings.words.vocabulary import number
from bayes_csc.report.pages.page_parts import charted, paragraphs, pieces

REMARK = "Remark"
MOST = 28
"""Indicators in one chart: more would not fit a printed page."""
COLUMNS = ("value", "least", "most", "fitted", "fitted_lower", "fitted_upper", "national", "neighbours")


def indicator_sections(own: AuthorityFindings, used: set[str], percent: str) -> list[Content]:
    """Charts of the indicators that the model uses, then of the others, each with its table."""
    if own.figures.empty:
        return paragraphs("The panel has no figure of this authority.")
    note = (
        f"Black: the published figure, with the {percent} interval that its count alone leaves. A bar: a suppressed "
        "figure, known only as a range. Blue: what the model expects of an authority with this trajectory, deprivation "
        "and year. Grey: the middle 80% of authorities. Dashed: the median of its statistical neighbours. Each chart "
        "has its own vertical scale, which need not begin at zero. Where black stays away from blue, the model "
        "takes it for a way of recording, or for something local that the other indicators do not share."
    )
    content: list[Content] = paragraphs(note)
    for name, heading, chosen in (
        ("used", "Used by the model", [k for k in own.record.indicators if k in used]),
        ("others", "Not used by the model", [k for k in own.record.indicators if k not in used]),
    ):
        parts = pieces(chosen, MOST)
        content += [element("h3", heading)] if chosen else []
        for place, keys in enumerate(parts, 1):
            title = heading if len(parts) == 1 else f"{heading}, {place} of {len(parts)}"
            content.append(_chart(own, f"{name}-{place}", title, keys, percent))
    return content


def _chart(own: AuthorityFindings, name: str, heading: str, keys: Sequence[str], percent: str) -> Content:
    rows = own.figures[own.figures["indicator"].isin(keys)]
    labels = {key: own.record.indicators[key].label for key in keys}
    lines = []
    hidden_row = rows["status"] == "suppressed"
    ends = {name: rows[f"own_{end}"].where(~hidden_row, rows[f"range_{end}"])
            for name, end in (("least", "lower"), ("most", "upper"))}  # fmt: skip
    for row in rows.assign(**ends).to_dict("records"):
        unit = own.units[str(row["indicator"])]
        values = [number(float(row[c]) * unit.factor, f".{unit.digits}f") for c in COLUMNS]
        said = ["" if row["status"] == "observed" else str(row["status"]).replace("_", " ")]
        said += ["joint return"] if "+" in str(row["unit"]) else []
        label = f"{labels[str(row['indicator'])]}{f', {unit.name}' if unit.name else ''}"
        lines.append([label, str(row["year"]), *values, ", ".join(filter(None, said))])
    header = [
        "Year", "Observed", f"{percent} from (suppressed: least)", "to (suppressed: most)", "Expected",
        f"{percent} from", "to", "National", "Neighbours", REMARK,
    ]  # fmt: skip
    told = [c for c in range(len(header)) if any(line[c + 1] for line in lines)]
    header, lines = [header[c] for c in told], [[line[0], *(line[c + 1] for c in told)] for line in lines]
    texts = [header.index(name) for name in (REMARK,) if name in header]
    made = charts.indicators(own, keys, f"indicators-{name}")
    return charted(made, f"Indicators {heading.lower()}", header, lines, group="Indicator", texts=texts)
