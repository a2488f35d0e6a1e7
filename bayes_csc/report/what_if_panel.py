"""The panel in which a reader asks with other settings; the page's script computes the answer from the draws."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from typing import Any

from bayes_csc.report.html import Content, element


def what_if_panel(about: dict[str, Any], *, inspected: bool = True, groups: Sequence[str] = ()) -> ET.Element:
    """Return the panel's form and the place of its answer.

    Parameters
    ----------
    about
        Settings that it starts from.
    inspected
        Whether there is a change since an inspection to ask about.
    groups
        Groups to choose from, on the overview.
    """
    longest = 2 if groups else 8
    spans = [("inspection", "since the last inspection")] if inspected else []
    spans += [(str(n), f"over the last {n} years" if n > 1 else "over the last year") for n in range(1, longest + 1)]
    spans = [s for s in spans if not groups or s[0] in ("inspection", "2")]
    fields: list[Content] = [
        _field("Smallest decline that counts (ε)", element(
            "input", type="number", name="epsilon", min="0", max="3", step="0.05", value=f"{about['epsilon']:g}")),
        _field("Period", _select("horizon", spans)),
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
            "The answer is computed in this page from a few of the draws of the posterior; it differs from the "
            "tables by a few hundredths at most. No fit is made again.",
        ),
        element("div", *fields, class_="fields"),
        element("div", "This needs the page's script, which your browser has not run.", class_="answer", role="status"),
        class_="what-if",
        aria_label="With other settings",
    )


def _field(label: str, control: ET.Element) -> ET.Element:
    return element("label", element("span", label), control)


def _select(name: str, options: Sequence[tuple[str, str]]) -> ET.Element:
    return element("select", *(element("option", text, value=value) for value, text in options), name=name)
