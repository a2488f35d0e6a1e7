"""One authority's latent quality over the years: a fan, with its region and the nation behind, and its inspections."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from bayes_csc.report.drawing.canvas import Canvas, Scale, tick_label, ticks_of
from bayes_csc.report.drawing.style import WIDTH
from bayes_csc.report.findings.authority_findings import AuthorityFindings
from bayes_csc.report.findings.words.vocabulary import number, spread

HEIGHT, LEFT, TOP, BOTTOM, RIGHT = 3.9, 0.55, 0.75, 0.55, 0.2
LABEL_GAP = 0.75
"""Least distance of two grades' labels on a line, inches; a nearer one goes on the next line."""


def fan_chart(about: AuthorityFindings, nation: str, interval: float) -> Figure:
    """Draw the trajectory of an authority.

    Parameters
    ----------
    about
        The authority.
    nation
        Name of the panel, whose mean is zero in every year.
    interval
        Probability of the outer band.
    """
    canvas, fan = Canvas(WIDTH, HEIGHT), about.fan
    dated = about.inspections[about.inspections["position"].notna()]
    first = min(fan["position"].min(), dated["position"].min() if len(dated) else np.inf) - 0.3
    low, high = min(fan["lower"].min(), -0.5), max(fan["upper"].max(), 0.5)
    room = 0.05 * (high - low)
    scale = Scale(
        LEFT, TOP, WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM, (first, fan["position"].max() + 0.35),
        (low - room, high + room),
    )  # fmt: skip
    _axes(canvas, scale)
    x = fan["position"].to_numpy()
    canvas.ribbon(scale.at(x, fan["lower"]), scale.at(x, fan["upper"]), "band")
    canvas.ribbon(scale.at(x, fan["inner_lower"]), scale.at(x, fan["inner_upper"]), "inner")
    canvas.line(scale.at(x, about.region_path), "region", 1.3, "dashed")
    canvas.line(scale.at(x, fan["median"]), "ink", 1.8)
    region = about.region_path.to_numpy()
    for place, (year, row) in enumerate(fan.iterrows()):
        centre = scale.at(row["position"], row["median"])[0]
        canvas.tip(
            centre[0] - 0.25, scale.top, 0.5, scale.height,
            f"30 September {int(str(year)) - 1}: median {number(row['median'], '+.2f')}, {interval:.0%} interval "
            f"{spread(row['lower'], row['upper'], '+.2f')}; mean of the region "
            f"{number(float(region[place]), '+.2f')}",
        )  # fmt: skip
    _inspections(canvas, scale, about)
    _legend(canvas, about.region, nation, interval)
    return canvas.figure()


def _axes(canvas: Canvas, scale: Scale) -> None:
    ticks = ticks_of(*scale.y, wanted=5)
    canvas.grid(scale, ticks, [tick_label(t, ticks[1] - ticks[0]) for t in ticks], size=8)
    canvas.line(scale.at(np.array(scale.x), 0.0), "muted", 1.0)
    for year in range(int(np.ceil(scale.x[0])), int(scale.x[1]) + 1):
        point = scale.at(year, scale.y[0])[0]
        canvas.line(np.stack([point, point + np.array([0.0, 0.05])]), "muted", 0.6)
        canvas.text(point[0], point[1] + 0.2, f"{year}", "muted", across="center")


def _inspections(canvas: Canvas, scale: Scale, about: AuthorityFindings) -> None:
    taken = [-np.inf, -np.inf, -np.inf]
    for row in about.inspections.itertuples():
        if np.isnan(float(str(row.position))):
            continue
        top = scale.at(float(str(row.position)), scale.y[1])[0]
        width = 0.062 * len(str(row.label)) + 0.1
        line = next((i for i, end in enumerate(taken) if top[0] - 0.05 > end), 0)
        canvas.line(np.stack([top, top + np.array([0.0, scale.height])]), "accent", 1.0, "dotted")
        canvas.dots(top[None], "accent", 5.0)
        left = min(top[0] + 0.07, canvas.width - width)
        canvas.text(left, scale.top - 0.08 - 0.14 * line, str(row.label), "accent", size=7.5)
        taken[line] = left + width
        canvas.tip(top[0] - 0.08, scale.top - 0.1, 0.16, 0.4, f"{row.label}, inspection of {row.date:%-d %B %Y}")


def _legend(canvas: Canvas, region: str, nation: str, interval: float) -> None:
    y = canvas.height - 0.1
    entries = (
        ("ink", "line", "median"), ("inner", "fill", "50% interval"), ("band", "fill", f"{interval:.0%} interval"),
        ("region", "dashed", f"mean of {region}"), ("muted", "line", f"mean of {nation}"),
        ("accent", "dotted", "inspection"),
    )  # fmt: skip
    x = LEFT
    for role, kind, words in entries:
        if kind == "fill":
            canvas.polygon(np.array([[x, y - 0.11], [x + 0.25, y - 0.11], [x + 0.25, y], [x, y]]), role)
        else:
            ends = np.array([[x, y - 0.05], [x + 0.25, y - 0.05]])
            canvas.line(ends, role, 1.6, "solid" if kind == "line" else kind)
        canvas.text(x + 0.31, y, words, "muted", size=7.5)
        x += 0.31 + 0.062 * len(words) + 0.2
