"""A name cannot turn the order of a page or a text round: its controls of direction are named."""

from __future__ import annotations

import json
import re
from dataclasses import replace

from simulated_report import findings

from bayes_csc.files.decoding import DIRECTION, visible
from bayes_csc.report.drawing.html import element, page_text
from bayes_csc.report.export.markdown import markdown

NAME = "Ash\u202edooW \u2066x\u2069\u200f"
SHOWN = "Ash[U+202E]dooW [U+2066]x[U+2069][U+200F]"


def test_all_controls_of_direction_are_named_and_nothing_else() -> None:
    assert visible(NAME) == SHOWN
    assert visible("Łódź العربية 東京 −0.25\t\n") == "Łódź العربية 東京 −0.25\t\n"


def test_a_page_has_none_in_texts_attributes_and_data() -> None:
    data = {"name": NAME, "odd": "a\\u202e<b>", "grade": 1.5}
    page = page_text(NAME, element("p", NAME, title=NAME), data=data)
    assert DIRECTION.search(page) is None
    assert page.count(SHOWN) == 4
    held = re.search(r"<script[^>]*application/json[^>]*>(.*?)</script>", page, re.DOTALL)
    assert held is not None
    assert json.loads(held[1]) == data | {"name": SHOWN}


def test_markdown_has_none() -> None:
    text = markdown(replace(findings(), about=findings().about | {"panel": NAME}))
    assert DIRECTION.search(text) is None
    assert "[U+202E]" in text.replace("\\", "")
