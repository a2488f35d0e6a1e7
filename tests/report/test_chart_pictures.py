"""Pictures of every kind of chart, wide and narrow, beside those that are kept: words, shapes and colours."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from fabricated_charts import CHARTS, QUESTIONS, variants
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.collections import PathCollection
from matplotlib.image import imread

from bayes_csc.report.charts.method.sensitivity_charts import specification_panels
from bayes_csc.report.drawing.canvas import SIZE, Canvas
from bayes_csc.report.drawing.figure import figure
from bayes_csc.report.drawing.style import NARROW, PANEL, WIDTH, colour, look
from bayes_csc.report.drawing.svg import picture, steps, svg_element

GOLDEN = Path(__file__).parent / "golden"
WIDTHS = {"wide": WIDTH, "narrow": NARROW}
TELEPHONE, LEAST = 358, 11.0
"""Width of a telephone's text and smallest height of a label on it, CSS pixels."""
NEAR = 0.35
"""How far a number of a picture may be from the one that is kept, points."""


def drawn(canvas: Canvas) -> str:
    """The drawing without its style sheet, an element a line."""
    text = re.sub(r"<style>.*?</style>", "", picture(canvas), flags=re.DOTALL)
    return text.replace("><", ">\n<")


def apart(text: str) -> tuple[list[str], np.ndarray]:
    """What a drawing says and how it looks, and its numbers."""
    number = r"(?<![\w#])-?(?:\d+\.?\d*|\.\d+)|(?<=[a-z])-?(?:\d+\.?\d*|\.\d+)"
    shapes = re.findall(r' (?:d|x|y|viewBox|transform)="[^"]*"', text)
    rest = re.sub(r' (d|x|y|viewBox|transform)="[^"]*"', "", text)
    values = re.findall(number, " ".join(shapes))
    return rest.splitlines(), np.array(values, dtype=float)


@pytest.mark.parametrize("size", WIDTHS)
@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_looks_as_it_did(name: str, size: str) -> None:
    """Write the new pictures by `python tests/report/test_chart_pictures.py`, and look at them."""
    kept = (GOLDEN / f"{name}-{size}.svg").read_text(encoding="utf-8")
    said, numbers = apart(drawn(CHARTS[name](WIDTHS[size])))
    before, others = apart(kept)
    assert said == before
    assert numbers.shape == others.shape
    assert np.abs(numbers - others).max() <= NEAR


def test_a_chart_that_changed_would_be_seen() -> None:
    text = drawn(CHARTS["grades"](WIDTH))
    moved = re.sub(r'x="(\d+)', lambda found: f'x="{int(found[1]) + 1}', text, count=1)
    (said, numbers), (others, shifted) = apart(text), apart(moved)
    assert said == others
    assert np.abs(numbers - shifted).max() > NEAR
    assert apart(text.replace("s-ink", "s-accent"))[0] != said


@pytest.mark.parametrize("name", CHARTS)
def test_every_label_of_a_narrow_chart_can_be_read_on_a_telephone_and_lies_on_it(name: str) -> None:
    canvas = CHARTS[name](NARROW)
    pixels = TELEPHONE / (72 * NARROW)
    assert min(text.size for text in canvas.texts) * pixels >= LEAST
    shift = {"left": (0.0, 1.0), "center": (0.5, 0.5), "right": (1.0, 0.0)}
    for text in canvas.texts:
        own = 0.9 * 0.0077 * text.size * len(text.words)  # a font is narrower than what room is left for
        before, after = shift[text.across]
        if not text.turned:
            assert text.x - before * own > -0.02, text
            assert text.x + after * own < canvas.width + 0.02, text
        assert 0.0 < text.y < canvas.height + 0.02, text


def test_a_small_chart_is_as_legible_where_two_stand_side_by_side() -> None:
    assert SIZE * (TELEPHONE - 4) / 2 / (72 * PANEL) >= LEAST


def test_the_present_is_on_every_narrow_chart_of_years() -> None:
    for name in ("trajectory", "indicators", "series", "national", "covariates", "coverage", "statuses"):
        said = {text.words for text in CHARTS[name](NARROW).texts}
        assert said & {"2023", "2024", "2025"}, name


def test_the_hollow_dots_of_specification_curves_are_hollow_in_every_panel() -> None:
    """Each panel has two variants that ask another question; this report's own dot alone is solid."""
    panels = specification_panels(variants(), 0.5, QUESTIONS)
    assert len(panels) == 5
    for panel in panels:
        dots = [path.attrib for path in svg_element(panel).iter("path") if "s-ink" in path.get("class", "")]
        hollow = [dot for dot in dots if dot["class"] == "f-paper s-ink"]
        solid = [dot for dot in dots if dot["class"] == "s-ink dot"]
        assert [dot["d"].count("M") for dot in hollow] == [len(QUESTIONS)]
        assert [dot["d"].count("M") for dot in solid] == [1]
        assert len(dots) == 2


def test_hollow_dots_are_hollow_in_a_figure_too() -> None:
    canvas = Canvas(1.0, 1.0)
    canvas.dot(np.array([[0.5, 0.5]]), "ink", 3.0, "ring")
    with look():
        made = figure(canvas)
    (dots,) = (c for c in made.axes[0].collections if isinstance(c, PathCollection))
    assert dots.get_facecolor()[0].tolist() == [1.0, 1.0, 1.0, 1.0]


def test_the_best_grade_has_no_alarming_colour_and_grades_darken_in_order() -> None:
    roles = re.findall(r'class="f-(step\d|accent|region|suppressed)"', drawn(CHARTS["domains"](WIDTH)))
    assert roles == ["step2", "step3", "step4", "step5"]


def test_inspections_lie_below_the_plot() -> None:
    canvas = CHARTS["trajectory"](WIDTH)
    lowest = canvas.fills["band"][0][:, 1].max()
    marks = [points for role in ("step2", "step3", "step4", "step5") for points in canvas.fills[role]]
    squares = [points for points in marks if np.ptp(points[:, 0]) < 0.2]
    assert len(squares) == 4
    assert all(points[:, 1].min() > lowest for points in squares)


@pytest.mark.parametrize("name", ["trajectory", "indicators", "curves"])
def test_the_same_drawing_is_made_as_a_figure(name: str) -> None:
    buffer = io.BytesIO()
    with look():
        made = figure(CHARTS[name](WIDTH))
        made.savefig(buffer, format="png", dpi=40, facecolor=colour("paper"))
    buffer.seek(0)
    ink = (np.asarray(imread(buffer))[..., :3].mean(axis=2) < 0.8).mean()
    assert 0.002 < ink < 0.4


def walked(d: str) -> np.ndarray:
    """Points of a path of steps."""
    at, points = np.zeros(2), []
    for letter, text in re.findall(r"([Mlhv])([^Mlhvz]*)", d):
        numbers = [float(n) for n in re.findall(r"-?(?:\d+\.?\d*|\.\d+)", text)]
        across = numbers if letter == "h" else [0.0] * len(numbers) if letter == "v" else numbers[::2]
        down = numbers if letter == "v" else [0.0] * len(numbers) if letter == "h" else numbers[1::2]
        for x, y in zip(across, down, strict=True):
            at = at + np.array([x, y])
            points.append(at)
    return np.array(points)


@given(st.lists(st.tuples(st.floats(-5, 20), st.floats(-5, 20)), min_size=2, max_size=40), st.booleans())
def test_a_path_by_its_steps_stays_within_a_tenth_of_a_point(points: list[tuple[float, float]], closed: bool) -> None:
    made = steps(np.array(points), closed=closed)
    assert made.endswith("z") == closed
    there = walked(made)
    for point in 72 * np.array(points):
        assert np.abs(there - point).max(axis=1).min() <= 0.0501


def test_words_with_markup_stay_words() -> None:
    canvas = Canvas(1.0, 1.0)
    canvas.text(0.1, 0.5, '東京 $5 <script> & "x"')
    canvas.tip(0.0, 0.0, 1.0, 1.0, '"><b>')
    again = ET.fromstring(ET.tostring(svg_element(canvas), encoding="unicode"))
    assert [text.text for text in again.iter("text")] == ['東京 $5 <script> & "x"']
    assert again.get("data-tip") == '"><b>'


if __name__ == "__main__":
    for chart, make in CHARTS.items():
        for which, inches in WIDTHS.items():
            (GOLDEN / f"{chart}-{which}.svg").write_text(drawn(make(inches)), encoding="utf-8")
