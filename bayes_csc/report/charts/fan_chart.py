"""One authority's latent quality over the years: a fan, the change since its inspection, and when it was judged."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bayes_csc.report.drawing.canvas import SIZE, Canvas, Scale, cut, tick_labels, ticks_of, wide
from bayes_csc.report.drawing.layout import Key, legend, legend_height
from bayes_csc.report.drawing.style import WIDTH, grade_role
from bayes_csc.report.findings.authority.authority_findings import AuthorityFindings
from bayes_csc.report.findings.words.vocabulary import number, spread

LEFT, TOP, YEARS, LINE = 0.5, 0.3, 0.3, 0.17
AXIS = "Latent quality (up is better)"


class Judged(NamedTuple):
    """An inspection in the lane below the plot: where it is across, its words, their left end and their line."""

    at: float
    words: str
    grade: float
    left: float
    line: int


def fan_chart(about: AuthorityFindings, nation: str, interval: float, grades: int = 4, width: float = WIDTH) -> Canvas:
    """Draw the trajectory of an authority.

    Parameters
    ----------
    about
        The authority.
    nation
        Name of the panel, whose mean is zero in every year.
    interval
        Probability of the outer band.
    grades
        How many grades there are.
    width
        Of the drawing, inches.
    """
    fan, narrow = about.fan, width < 6.0
    right, high = (0.86, 2.3) if narrow else (1.35, 2.75)
    dated = about.inspections[about.inspections["position"].notna()]
    first = min(fan["position"].min(), dated["position"].min() if len(dated) else np.inf) - 0.3
    ends = min(fan["lower"].min(), -0.5), max(fan["upper"].max(), 0.5)
    room = 0.05 * (ends[1] - ends[0])
    scale = Scale(LEFT, TOP, width - LEFT - right, high, (first, fan["position"].max() + 0.15),
                  (ends[0] - room, ends[1] + room))  # fmt: skip
    judged = _lane(about, scale, width)
    keys = _keys(about.region, nation, interval)
    lane = TOP + high + YEARS
    lines = max((each.line for each in judged), default=-1) + 1
    canvas = Canvas(width, lane + 0.2 + LINE * lines + 0.1 + legend_height(keys, width - 0.1))
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
    _change(canvas, scale, about)
    _inspections(canvas, judged, lane, grades)
    legend(canvas, 0.1, canvas.height - legend_height(keys, width - 0.1), keys)
    return canvas


def _axes(canvas: Canvas, scale: Scale) -> None:
    canvas.text(0.05, 0.15, AXIS, "muted")
    ticks = ticks_of(*scale.y, wanted=5)
    canvas.grid(scale, ticks, tick_labels(ticks))
    canvas.line(scale.at(np.array(scale.x), 0.0), "muted", 1.0)
    last = int(scale.x[1])
    step = max(round((wide("2000") + 0.12) * (scale.x[1] - scale.x[0]) / scale.width + 0.5), 1)
    for year in range(int(np.ceil(scale.x[0])), last + 1):
        point = scale.at(year, scale.y[0])[0]
        canvas.line(np.stack([point, point + np.array([0.0, 0.05])]), "muted", 0.6)
        if (last - year) % step == 0:
            canvas.text(point[0], point[1] + 0.19, f"{year}", "muted", across="center")


def _change(canvas: Canvas, scale: Scale, about: AuthorityFindings) -> None:
    """Mark the change since the last inspection: the level then, carried to now, and the step from it."""
    row, fan = about.decline, about.fan
    since = about.inspections["position"].dropna().max()
    if row["delta_median"] != row["delta_median"] or not since >= fan["position"].min():
        return
    now = float(fan["position"].iloc[-1])
    then = float(np.interp(since, fan["position"], fan["median"]))
    start, end = scale.at(since, then)[0], scale.at(now, then)[0]
    x = end[0] + 0.14
    canvas.line(np.array([start, [x, start[1]]]), "accent", 0.9, "dashed")
    canvas.line(np.array([[start[0], start[1] - 0.06], [start[0], start[1] + 0.06]]), "accent", 1.4)
    top, tip = start[1], float(scale.at(now, fan["median"].iloc[-1])[0, 1])
    canvas.line(np.array([[x, top], [x, tip]]), "accent", 1.6)
    if abs(tip - top) > 0.08:
        head = np.array([[x, tip], [x - 0.045, tip - 0.09], [x + 0.045, tip - 0.09]])
        canvas.polygon(head if tip > top else head * (1, -1) + (0, 2 * tip), "accent")
    words = [f"{number(row['delta_median'], '+.2f')}", f"since {_month(str(row['last_inspection']), canvas.narrow)}"]
    if not canvas.narrow:
        words.append(f"({spread(row['delta_lower'], row['delta_upper'], '+.2f')})")
    middle = min(max((top + tip) / 2, scale.top + 0.25), scale.bottom - 0.2)
    for place, text in enumerate(words):
        y = middle + 0.15 * (place - (len(words) - 1) / 2)
        canvas.text(x + 0.08, y, text, "accent", up="center", bold=not place)


def _month(date: str, short: bool) -> str:
    return date[:4] if short else f"{np.datetime64(date, 'D').astype(object):%b %Y}"


def _lane(about: AuthorityFindings, scale: Scale, width: float) -> list[Judged]:
    """Place the words of the inspections below the plot, each on the first line where it has room."""
    out: list[Judged] = []
    taken: list[float] = []
    for row in about.inspections.dropna(subset=["position"]).itertuples():
        at = float(scale.at(float(str(row.position)), 0.0)[0, 0])
        words = cut(f"{row.date:%Y} {row.label}", width - 0.15)
        left = max(min(at - 0.04, width - 0.05 - wide(words)), 0.05)
        line = next((i for i, end in enumerate(taken) if left > end + 0.1), len(taken))
        taken[line:] = [left + wide(words), *taken[line + 1 :]]
        out.append(Judged(at, words, float(str(row.grade)), left, line))
    return out


def _inspections(canvas: Canvas, judged: list[Judged], top: float, grades: int) -> None:
    """Draw the lane: a square at each inspection, darker the worse its grade, and its words below."""
    if not judged:
        return
    y = top + 0.1
    canvas.text(0.05, y, "Judged", "muted", up="center")
    for each in judged:
        role = grade_role(int(each.grade) - 1, grades) if each.grade == each.grade else "rule"
        canvas.box(each.at - 0.055, y - 0.055, each.at + 0.055, y + 0.055, role, edge="ink")
        canvas.text(each.left, y + 0.2 + LINE * each.line, each.words, size=SIZE)


def _keys(region: str, nation: str, interval: float) -> list[Key]:
    return [
        Key("ink", "solid", "median"), Key("inner", "fill", "50% interval"),
        Key("band", "fill", f"{interval:.0%} interval"), Key("region", "dashed", f"mean of {region}"),
        Key("muted", "solid", f"mean of {nation} (zero)"), Key("accent", "dashed", "change since the last inspection"),
        Key("step3", "fill", "judged: the darker the worse"),
    ]  # fmt: skip
