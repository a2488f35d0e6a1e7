"""The panel in which a reader asks with other settings; the page's script computes the answer from the draws."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from typing import Any

from bayes_csc.panel.calendar import day
from bayes_csc.report.drawing.html import Content, element
from bayes_csc.report.findings.authority.what_if import CHANCE_STEP, CHANGE_STEP, LEVELS


def kept_data(kind: str, kept: dict[str, Any]) -> dict[str, Any]:
    """What the page's script reads: quantiles of the draws, the probabilities they are at, and their units."""
    levels = [round(float(p), 6) for p in LEVELS]
    return {"kind": kind, "levels": levels, "steps": [CHANGE_STEP, CHANCE_STEP]} | kept


def what_if_panel(about: dict[str, Any], spans: Sequence[str], *, groups: Sequence[str] = ()) -> ET.Element:
    """Return the panel's form and the place of its answer.

    Parameters
    ----------
    about
        Settings that it starts from.
    spans
        Periods to ask about: "inspection", or a number of years.
    groups
        Groups to choose from, on the overview.
    """
    named = [
        (span, _span_words(span, day(about["recent_until"])))
        for span in sorted(spans, key=lambda s: (s != "inspection", s))
    ]
    fields: list[Content] = [
        _field("Smallest decline that counts (ε)", element(
            "input", type="number", name="epsilon", min="0", max="3", step="0.05", value=f"{about['epsilon']:g}")),
        _field("Period", _select("horizon", named)),
        _field("Interval, %", element(
            "input", type="number", name="interval", min="50", max="99", step="1",
            value=f"{100 * about['interval']['probability']:.0f}")),
        _field("Loss ratio", element(
            "input", type="number", name="loss", min="0.5", max="50", step="0.5", value=f"{about['loss_ratio']:g}")),
    ]  # fmt: skip
    if groups:
        fields.insert(0, _field("Group", _select("group", [(g, g) for g in groups])))
    return element(
        "form",
        element(
            "p",
            "The answer is computed in this page from quantiles of the posterior's draws, of which it keeps some; it "
            "differs from the tables by a hundredth at most. No fit is made again. The loss ratio says how many early "
            "visits that were not needed cost as much as one worse grade that nobody saw coming.",
        ),
        element("div", *fields, class_="fields"),
        element("div", "This needs the page's script, which your browser has not run.", class_="answer", role="status"),
        class_="what-if",
        aria_label="With other settings",
    )


def _span_words(span: str, until: str) -> str:
    if span == "inspection":
        return "since the last inspection"
    return f"over the year to {until}" if span == "1" else f"over the {span} years to {until}"


def _field(label: str, control: ET.Element) -> ET.Element:
    return element("label", element("span", label), control)


def _select(name: str, options: Sequence[tuple[str, str]]) -> ET.Element:
    return element("select", *(element("option", text, value=value) for value, text in options), name=name)
